// Specialists of kind `tag`: tag_text.h behind the common interface, and its measuring.
#include <algorithm>
#include <fstream>

#include "base/utf8.h"
#include "specialist/annotator.h"
#include "specialist/tag_text.h"

namespace sotto {
namespace {

class TagAnnotator final : public Annotator {
 public:
  TagAnnotator(SpecialistDeclaration declaration, TagOptions keys)
      : Annotator(std::move(declaration)), keys_(std::move(keys)) {}

  std::vector<Json> Annotate(std::span<const std::string> texts) const override {
    std::vector<Json> out;
    for (const std::string& text : texts) out.push_back(AnnotateInContext({text}));
    return out;
  }
  Json AnnotateInContext(const TextInContext& in) const override {
    const std::string text = CleanUtf8(in.text);
    return {{"found", TagText(text, in.today.value_or(LocalDate(std::chrono::system_clock::now())), keys_)}};
  }
  bool reads_context() const override { return true; }
  // How many were found.
  Json RuleValue(const Json& annotation) const override { return annotation.at("found").size(); }
  bool is_number() const override { return true; }

 private:
  const TagOptions keys_;
};

// "{"text", "today"?, "found": [{"type", "text"?, "value"}]}": what must be found, and nothing else.
struct TagRow {
  std::string text;
  std::optional<Date> today;
  Json found;
  std::string category;
};

// category<TAB>today<TAB>text<TAB>"TYPE VALUE | TYPE VALUE": the same for people.
Result<TagRow> ParseTagLine(std::string_view line, const std::string& here) {
  std::vector<std::string> fields;
  for (size_t begin = 0; begin <= line.size();) {
    const size_t end = std::min(line.find('\t', begin), line.size());
    fields.emplace_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  if (fields.size() < 3 || fields.size() > 4)
    return MakeError(ErrorCode::kInvalidArgument, "{}: not category, today, text and what is in it, by tabs",
                     here);
  TagRow row{fields[2], {}, Json::array(), fields[0]};
  if (!fields[1].empty()) {
    row.today = ParseDate(fields[1]);
    if (!row.today) return MakeError(ErrorCode::kInvalidArgument, "{}: today is no day: {}", here, fields[1]);
  }
  std::string_view rest = fields.size() == 4 ? std::string_view(fields[3]) : "";
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(" | "), rest.size());
    const std::string_view one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 3, rest.size()));
    const size_t space = one.find(' ');
    if (space == std::string_view::npos)
      return MakeError(ErrorCode::kInvalidArgument, "{}: '{}' is not a type and its value", here, one);
    const std::string_view type = one.substr(0, space);
    const std::string value(one.substr(space + 1));
    const bool number = type == "number" || type == "ordinal" || type == "percent" || type == "money";
    Json parsed = number ? Json::parse(value, nullptr, false) : Json(value);
    if (parsed.is_discarded())
      return MakeError(ErrorCode::kInvalidArgument, "{}: '{}' is no number", here, value);
    row.found.push_back({{"type", type}, {"value", std::move(parsed)}});
  }
  return row;
}

Result<TagRow> ParseTagJson(const std::string& line, const std::string& here) {
  SOTTO_ASSIGN_OR_RETURN(const Json json, ParseJson(CleanUtf8(line), here));
  if (!json.is_object() || !json.contains("text") || !json["text"].is_string() || !json.contains("found") ||
      !json["found"].is_array())
    return MakeError(ErrorCode::kInvalidArgument, "{}: no object with \"text\" and \"found\": [...]", here);
  TagRow row{json["text"].get<std::string>(), {}, json["found"], json.value("category", "")};
  for (const Json& one : row.found) {
    if (!one.is_object() || !one.contains("type") || !one.contains("value"))
      return MakeError(ErrorCode::kInvalidArgument, "{}: \"found\" has one without \"type\" or \"value\"",
                       here);
  }
  if (const std::string today = json.value("today", ""); !today.empty()) {
    row.today = ParseDate(today);
    if (!row.today) return MakeError(ErrorCode::kInvalidArgument, "{}: 'today' is no day: {}", here, today);
  }
  return row;
}

Result<std::vector<TagRow>> ReadTagRows(const std::filesystem::path& path) {
  std::ifstream stream(path);
  if (!stream) return MakeError(ErrorCode::kNotFound, "cannot read {}", path.string());
  std::vector<TagRow> rows;
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    const std::string here = fmt::format("{}:{}", path.string(), number);
    SOTTO_ASSIGN_OR_RETURN(TagRow row,
                           path.extension() == ".tsv" ? ParseTagLine(line, here) : ParseTagJson(line, here));
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return MakeError(ErrorCode::kInvalidArgument, "{}: has no rows", path.string());
  return rows;
}

// Everything wanted with its value (first or, where the row says "any", among the others) and nothing besides.
bool IsRight(const Json& wanted, const Json& got) {
  if (wanted.size() != got.size()) return false;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i]["type"] != got[i]["type"]) return false;
    if (wanted[i].contains("text") && wanted[i]["text"] != got[i]["text"]) return false;
    const Json& value = wanted[i]["value"];
    const bool first =
        value == got[i]["value"] || (value.is_number() && got[i]["value"].is_number() &&
                                     std::abs(value.get<double>() - got[i]["value"].get<double>()) < 1e-6);
    if (!first) return false;
  }
  return true;
}

Result<TagOptions> ReadTagOptions(const SpecialistDeclaration& declaration) {
  SOTTO_RETURN_IF_ERROR(CheckKeys(declaration, {"types", "day_first", "past"}));
  TagOptions keys;
  YamlReader reader;
  reader.Read(declaration.root, "", "types", keys.types);
  reader.Read(declaration.root, "", "day_first", keys.day_first);
  reader.Read(declaration.root, "", "past", keys.past);
  if (keys.types.empty()) keys.types = TagTypes();
  for (const std::string& type : keys.types) {
    if (std::ranges::find(TagTypes(), type) == TagTypes().end())
      reader.Add(declaration.root["types"].Mark(), fmt::format("no type '{}'", type),
                 fmt::format("{}", fmt::join(TagTypes(), ", ")));
  }
  SOTTO_RETURN_IF_ERROR(FirstMistake(reader, declaration.file()));
  return keys;
}

}  // namespace

Result<std::unique_ptr<Annotator>> OpenTag(const SpecialistDeclaration& declaration,
                                           const SpecialistContext&) {
  SOTTO_ASSIGN_OR_RETURN(TagOptions keys, ReadTagOptions(declaration));
  return std::make_unique<TagAnnotator>(declaration, std::move(keys));
}

Result<Json> EvaluateTag(const SpecialistDeclaration& declaration, const SpecialistContext& context,
                         const std::vector<std::string>& data) {
  SOTTO_ASSIGN_OR_RETURN(const auto annotator, OpenTag(declaration, context));
  SOTTO_ASSIGN_OR_RETURN(const auto files,
                         DataFiles(declaration, data.empty() ? declaration.valid : data, "valid"));
  struct Count {
    size_t rows = 0, right = 0;
  };
  std::map<std::string, Count> categories;
  Count all;
  Json errors = Json::array();
  for (const auto& file : files) {
    SOTTO_ASSIGN_OR_RETURN(const auto rows, ReadTagRows(file));
    for (const TagRow& row : rows) {
      const Json got = annotator->AnnotateInContext({.text = row.text, .today = row.today})["found"];
      const bool right = IsRight(row.found, got);
      for (Count* count : {&all, &categories[row.category]}) {
        ++count->rows;
        count->right += right;
      }
      if (right) continue;
      std::string said;
      for (const Json& one : got)
        said += fmt::format("{}{} {} ({})", said.empty() ? "" : ", ", one["type"].get<std::string>(),
                            one["value"].dump(), one["text"].get<std::string>());
      std::string wanted;
      for (const Json& one : row.found)
        wanted += fmt::format("{}{} {}", wanted.empty() ? "" : ", ", one["type"].get<std::string>(),
                              one["value"].dump());
      errors.push_back(fmt::format("{}: {}: wanted {}, got {}", row.category, row.text,
                                   wanted.empty() ? "nothing" : wanted, said.empty() ? "nothing" : said));
    }
  }
  const auto share = [](const Count& count) {
    return static_cast<double>(count.right) / static_cast<double>(count.rows);
  };
  Json by = Json::object();
  for (const auto& [name, count] : categories) by[name.empty() ? "all" : name] = share(count);
  return Json{{"rows", all.rows}, {"exact", share(all)}, {"by_category", by}, {"errors", errors}};
}

}  // namespace sotto
