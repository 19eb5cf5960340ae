#include "specialist/labelled_text.h"

#include "base/mapped_file.h"
#include "base/utf8.h"
#include "core/json.h"

namespace sotto {
namespace {

Result<std::string> TextOfRow(const Json& row) {
  if (const auto text = row.find("text"); text != row.end() && text->is_string())
    return text->get<std::string>();
  const auto turns = row.find("turns");
  if (turns != row.end() && turns->is_array() && !turns->empty()) {
    const Json& last = turns->back();
    if (last.is_object() && last.contains("text") && last["text"].is_string())
      return last["text"].get<std::string>();
  }
  return MakeError(ErrorCode::kCorrupt, "neither a \"text\" nor \"turns\" that end with one");
}

Result<LabelledText> RowOfJson(const Json& row) {
  if (!row.is_object()) return MakeError(ErrorCode::kCorrupt, "no JSON object");
  LabelledText out;
  SOTTO_ASSIGN_OR_RETURN(out.text, TextOfRow(row));
  if (const auto oos = row.find("oos"); oos != row.end() && oos->is_boolean() && oos->get<bool>()) return out;
  for (const char* key : {"label", "intent"}) {
    const auto label = row.find(key);
    if (label == row.end() || label->is_null()) continue;
    if (!label->is_string())
      return MakeError(ErrorCode::kCorrupt, "\"{}\" is {}, expected a text or null", key, label->dump());
    out.label = label->get<std::string>();
    break;
  }
  return out;
}

}  // namespace

Result<std::vector<LabelledText>> ParseLabelledTexts(std::string_view contents, std::string_view source,
                                                     bool tsv) {
  std::vector<LabelledText> rows;
  int number = 0;
  for (size_t at = 0; at < contents.size();) {
    const size_t end = std::min(contents.find('\n', at), contents.size());
    std::string line = CleanUtf8(contents.substr(at, end - at));
    at = end + 1;
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    const std::string here = fmt::format("{}:{}", source, number);
    if (tsv) {
      const size_t tab = line.find('\t');
      if (tab == std::string::npos)
        return MakeError(ErrorCode::kCorrupt, "{}: no tab between text and label", here);
      const size_t next = std::min(line.find('\t', tab + 1), line.size());
      rows.push_back({line.substr(0, tab), line.substr(tab + 1, next - tab - 1)});
      continue;
    }
    SOTTO_ASSIGN_OR_RETURN(const Json json, ParseJson(line, here));
    auto row = RowOfJson(json);
    if (!row) return WithContext(row.error(), here);
    rows.push_back(std::move(*row));
  }
  if (rows.empty()) return MakeError(ErrorCode::kInvalidArgument, "{}: holds no rows", source);
  return rows;
}

Result<std::vector<LabelledText>> ReadLabelledTexts(const std::filesystem::path& path) {
  SOTTO_ASSIGN_OR_RETURN(const std::string contents, ReadFile(path));
  return ParseLabelledTexts(contents, path.string(), path.extension() == ".tsv");
}

}  // namespace sotto
