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

size_t CountRows(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  size_t rows = 0;
  for (std::string line; std::getline(stream, line);) rows += !line.empty();
  return rows;
}

// One object a row. A row's own "today" is the day that relative days are counted from.
Json AnnotateRow(const Annotator& annotator, const InputRow& row) {
  TextInContext text{.text = row.text};
  if (const auto today = row.row.find("today"); today != row.row.end() && today->is_string())
    text.today = ParseDate(today->get<std::string>());
  return annotator.AnnotateInContext(text);
}

Result<void> WriteBatch(std::vector<InputRow>& batch,
                        const std::vector<std::unique_ptr<Annotator>>& annotators, std::ofstream& out) {
  std::vector<std::string> texts;
  for (const InputRow& row : batch) texts.push_back(row.text);
  for (const auto& annotator : annotators) {
    std::vector<Json> said;
    if (annotator->reads_context()) {
      for (const InputRow& row : batch) said.push_back(AnnotateRow(*annotator, row));
    } else {
      said = annotator->Annotate(texts);
    }
    for (size_t i = 0; i < batch.size(); ++i)
      batch[i].row[annotator->declaration().name] = std::move(said[i]);
  }
  for (const InputRow& row : batch) out << row.row.dump() << '\n';
  out.flush();
  batch.clear();
  return out ? Result<void>() : MakeError(ErrorCode::kIo, "cannot write (disk full?)");
}

// Makes `out` the whole lines of before and says how many input rows they are. Each of them must be the input's row at its
// place, with an answer of every specialist.
Result<size_t> PrepareOutput(const std::filesystem::path& in, const std::filesystem::path& out,
                             const std::vector<std::unique_ptr<Annotator>>& annotators,
                             const AnnotateOptions& options) {
  std::error_code error;
  if (!options.resume || !std::filesystem::exists(out, error)) {
    std::ofstream(out, std::ios::binary | std::ios::trunc);
    return size_t{0};
  }
  std::ifstream input(in, std::ios::binary);
  std::ifstream written(out, std::ios::binary);
  size_t rows = 0;
  uintmax_t bytes = 0;
  int number = 0;
  std::string line;
  std::string row;
  while (std::getline(written, line) && !written.eof()) {  // a line without an end was cut off
    do {
      row.clear();
      ++number;
    } while (std::getline(input, row) && (row.empty() || row == "\r"));
    const auto wanted = ReadInputRow(row, in.string(), options.text_field);
    const Json got = Json::parse(line, nullptr, false);
    bool same = wanted && got.is_object() && got.value(options.text_field, Json()) == Json(wanted->text);
    for (const auto& annotator : annotators) same = same && got.contains(annotator->declaration().name);
    if (!same) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "{}:{}: holds rows that are not those of {} (--fresh begins anew)", out.string(),
                       rows + 1, in.string());
    }
    ++rows;
    bytes += line.size() + 1;
  }
  std::filesystem::resize_file(out, bytes, error);
  if (error) return MakeError(ErrorCode::kIo, "cannot write {}: {}", out.string(), error.message());
  return rows;
}

}  // namespace

Result<AnnotateReport> AnnotateFile(const std::filesystem::path& in, const std::filesystem::path& out,
                                    const std::vector<std::unique_ptr<Annotator>>& annotators,
                                    const AnnotateOptions& options) {
  std::ifstream stream(in, std::ios::binary);
  if (!stream) return MakeError(ErrorCode::kNotFound, "cannot read {}", in.string());
  AnnotateReport report;
  SOTTO_ASSIGN_OR_RETURN(report.resumed, PrepareOutput(in, out, annotators, options));
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
