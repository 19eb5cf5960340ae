#include "extract/straight_through.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/mapped_file.h"

namespace sotto {
namespace {

constexpr double kThresholds[] = {0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95};

const Json& TruthOf(const DocumentTruth& truth, const std::string& field) {
  static const Json none;
  const auto found = truth.values.find(field);
  return found == truth.values.end() ? none : *found;
}

// Lists line by line; what a line's truth leaves out is null.
bool SameExtracted(const Json& value, const Json& meant) {
  if (value.is_array() && meant.is_array()) {
    return value.size() == meant.size() &&
           std::equal(value.begin(), value.end(), meant.begin(), [](const Json& a, const Json& b) {
             if (!a.is_object() || !b.is_object()) return false;
             return std::all_of(a.items().begin(), a.items().end(), [&](const auto& item) {
               const auto other = b.find(item.key());
               return SameExtracted(item.value(), other == b.end() ? Json() : *other);
             });
           });
  }
  return SameValue(value, meant);
}

}  // namespace

Result<std::vector<DocumentTruth>> ReadTruths(const std::filesystem::path& path,
                                              const ExtractSchema& schema) {
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  std::vector<DocumentTruth> truths;
  std::set<std::string> seen;
  int number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto wrong = [&](std::string_view why) {
      return MakeError(ErrorCode::kInvalidArgument, "{}:{}: {}", path.string(), number, why);
    };
    const auto json = ParseJson(line, "a line");
    if (!json) return wrong(json.error().message);
    if (!json->is_object() || !json->contains("document") || !(*json)["document"].is_string() ||
        !json->contains("values") || !(*json)["values"].is_object())
      return wrong(R"(should be {"document": "a.pdf", "values": {...}})");
    DocumentTruth truth{(*json)["document"].get<std::string>(), (*json)["values"], number};
    for (const auto& [field, value] : truth.values.items()) {
      if (schema.Find(field) == nullptr) return wrong(fmt::format("the schema has no field '{}'", field));
    }
    if (!seen.insert(truth.document).second) return wrong(fmt::format("{} stands twice", truth.document));
    truths.push_back(std::move(truth));
  }
  if (truths.empty()) return MakeError(ErrorCode::kInvalidArgument, "{}: has no documents", path.string());
  return truths;
}

StraightThroughCount::StraightThroughCount(ExtractSchema schema) : schema_(std::move(schema)) {
  own_.threshold = schema_.threshold;
  for (const double threshold : kThresholds) curve_.push_back({threshold, 0, 0});
}

void StraightThroughCount::Add(const Document& document, const DocumentTruth& truth) {
  ++documents_;
  Count(document, truth, own_, true);
  for (StraightThroughAt& at : curve_) Count(document, truth, at, false);
}

void StraightThroughCount::Count(const Document& document, const DocumentTruth& truth, StraightThroughAt& at,
                                 bool own) {
  ExtractSchema schema = schema_;
  schema.threshold = at.threshold;
  const Extraction extraction = ExtractFields(document, schema);
  std::vector<std::string> wrong;
  for (const ExtractedField& field : extraction.fields) {
    const Json& meant = TruthOf(truth, field.name);
    const bool right = SameExtracted(field.value, meant);
    if (!right)
      wrong.push_back(
          fmt::format("{}: {} is {}, not {}", truth.document, field.name, meant.dump(), field.value.dump()));
    if (!own) continue;
    Field& tally = fields_[field.name];
    if (!meant.is_null()) {
      ++tally.said;
      tally.right += right ? 1 : 0;
      tally.missed += field.value.is_null() ? 1 : 0;
    } else if (!field.value.is_null()) {
      ++tally.made_up;
    }
  }
  if (!extraction.straight_through) return;
  ++at.straight_through;
  at.wrong += wrong.empty() ? 0 : 1;
  if (own) mistakes_.insert(mistakes_.end(), wrong.begin(), wrong.end());
}

}  // namespace sotto
