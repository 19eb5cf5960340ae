#include "specialist/annotate_file.h"

#include <fstream>

#include "base/utf8.h"

namespace sotto {
namespace {

struct InputRow {
  Json row;
  std::string text;
};

Result<InputRow> ReadInputRow(const std::string& line, const std::string& here, const std::string& field) {
  InputRow out;
  SOTTO_ASSIGN_OR_RETURN(out.row, ParseJson(CleanUtf8(line), here));
  const auto text = out.row.is_object() ? out.row.find(field) : out.row.end();
  if (!out.row.is_object() || text == out.row.end() || !text->is_string())
    return MakeError(ErrorCode::kInvalidArgument, "{}: no JSON object with a text \"{}\"", here, field);
  out.text = text->get<std::string>();
  return out;
}

// What an earlier run wrote: whole lines, the bytes that they take, and the last one.
struct Written {
  size_t rows = 0;
  uintmax_t bytes = 0;
  std::string last;
};

Written WrittenBefore(const std::filesystem::path& path) {
  Written written;
  std::ifstream stream(path, std::ios::binary);
  std::string line;
  while (std::getline(stream, line) && !stream.eof()) {
    ++written.rows;
    written.bytes += line.size() + 1;
    written.last = line;
  }
  return written;
}

size_t CountRows(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  size_t rows = 0;
  for (std::string line; std::getline(stream, line);) rows += !line.empty();
  return rows;
}

Result<void> WriteBatch(std::vector<InputRow>& batch,
                        const std::vector<std::unique_ptr<Annotator>>& annotators, std::ofstream& out) {
  std::vector<std::string> texts;
  for (const InputRow& row : batch) texts.push_back(row.text);
  for (const auto& annotator : annotators) {
    std::vector<Json> said = annotator->Annotate(texts);
    for (size_t i = 0; i < batch.size(); ++i)
      batch[i].row[annotator->declaration().name] = std::move(said[i]);
  }
  for (const InputRow& row : batch) out << row.row.dump() << '\n';
  out.flush();
  batch.clear();
  return out ? Result<void>() : MakeError(ErrorCode::kIo, "cannot write (disk full?)");
}

// Makes `out` the whole lines of before and says how many input rows they are.
Result<size_t> PrepareOutput(const std::filesystem::path& in, const std::filesystem::path& out,
                             const AnnotateOptions& options) {
  std::error_code error;
  if (!options.resume || !std::filesystem::exists(out, error)) {
    std::ofstream(out, std::ios::binary | std::ios::trunc);
    return size_t{0};
  }
  const Written written = WrittenBefore(out);
  if (written.rows > 0) {
    std::ifstream stream(in, std::ios::binary);
    std::string line;
    size_t rows = 0;
    int number = 0;
    while (rows < written.rows && std::getline(stream, line)) {
      ++number;
      rows += !line.empty();
    }
    const std::string here = fmt::format("{}:{}", in.string(), number);
    const auto same = rows == written.rows ? ReadInputRow(line, here, options.text_field)
                                           : MakeError(ErrorCode::kInvalidArgument, "{}: ends here", here);
    const auto last = ParseJson(written.last, out.string());
    if (!same || !last || !last->is_object() || last->value(options.text_field, Json()) != Json(same->text)) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "{}: holds rows that are not those of {} (--fresh begins anew)", out.string(),
                       in.string());
    }
  }
  std::filesystem::resize_file(out, written.bytes, error);
  if (error) return MakeError(ErrorCode::kIo, "cannot write {}: {}", out.string(), error.message());
  return written.rows;
}

}  // namespace

Result<AnnotateReport> AnnotateFile(const std::filesystem::path& in, const std::filesystem::path& out,
                                    const std::vector<std::unique_ptr<Annotator>>& annotators,
                                    const AnnotateOptions& options) {
  std::ifstream stream(in, std::ios::binary);
  if (!stream) return MakeError(ErrorCode::kNotFound, "cannot read {}", in.string());
  AnnotateReport report;
  SOTTO_ASSIGN_OR_RETURN(report.resumed, PrepareOutput(in, out, options));
  const size_t total = CountRows(in);
  std::ofstream written(out, std::ios::binary | std::ios::app);
  if (!written) return MakeError(ErrorCode::kIo, "cannot write {}", out.string());
  std::vector<InputRow> batch;
  const auto flush = [&]() -> Result<void> {
    if (batch.empty()) return {};
    if (auto done = WriteBatch(batch, annotators, written); !done)
      return WithContext(done.error(), out.string());
    if (options.progress) options.progress(report.rows, total);
    return {};
  };
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || ++report.rows <= report.resumed) continue;
    const std::string here = fmt::format("{}:{}", in.string(), number);
    auto row = ReadInputRow(line, here, options.text_field);
    if (!row) {
      SOTTO_RETURN_IF_ERROR(flush());  // what stands before it is done
      return tl::unexpected(row.error());
    }
    for (const auto& annotator : annotators) {
      if (row->row.contains(annotator->declaration().name))
        return MakeError(ErrorCode::kInvalidArgument, "{}: has a field \"{}\" already", here,
                         annotator->declaration().name);
    }
    batch.push_back(std::move(*row));
    if (batch.size() >= options.batch) SOTTO_RETURN_IF_ERROR(flush());
  }
  SOTTO_RETURN_IF_ERROR(flush());
  return report;
}

}  // namespace sotto
