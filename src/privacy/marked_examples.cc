#include "privacy/marked_examples.h"

#include <algorithm>

#include "base/mapped_file.h"
#include "core/json.h"

namespace sotto {
namespace {

constexpr std::pair<std::string_view, PersonalKind> kPresidioTypes[] = {
    {"PERSON", PersonalKind::kName},
    {"STREET_ADDRESS", PersonalKind::kAddress},
    {"GPE", PersonalKind::kPlace},
    {"ORGANIZATION", PersonalKind::kOrganisation},
    {"CREDIT_CARD", PersonalKind::kCard},
    {"PHONE_NUMBER", PersonalKind::kPhone},
    {"DATE_TIME", PersonalKind::kDate},
    {"AGE", PersonalKind::kAge},
    {"TITLE", PersonalKind::kTitle},
    {"DOMAIN_NAME", PersonalKind::kUrl},
    {"NRP", PersonalKind::kNationality},
    {"EMAIL_ADDRESS", PersonalKind::kEmail},
    {"ZIP_CODE", PersonalKind::kPostcode},
    {"US_SSN", PersonalKind::kSsn},
    {"IBAN_CODE", PersonalKind::kIban},
    {"IP_ADDRESS", PersonalKind::kIp},
    {"US_DRIVER_LICENSE", PersonalKind::kId},
};

// Byte offsets of the characters, and the text's end.
std::vector<size_t> CharacterOffsets(std::string_view text) {
  std::vector<size_t> offsets;
  for (size_t i = 0; i < text.size(); ++i)
    if ((static_cast<uint8_t>(text[i]) & 0xC0) != 0x80) offsets.push_back(i);
  offsets.push_back(text.size());
  return offsets;
}

template <typename Each>
Result<void> EachRow(const std::filesystem::path& path, Each each) {
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line(text.data() + begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    auto row = ParseJson(line, fmt::format("{}:{}", path.string(), number));
    if (!row) return tl::unexpected(std::move(row).error());
    if (auto added = each(*row); !added)
      return WithContext(std::move(added).error(), fmt::format("{}:{}", path.string(), number));
  }
  return {};
}

Result<size_t> Offset(const Json& span, const char* key, const std::vector<size_t>& offsets) {
  const auto found = span.find(key);
  if (found == span.end() || !found->is_number_unsigned() || found->get<size_t>() >= offsets.size())
    return MakeError(ErrorCode::kCorrupt, "'{}' is not a place in the text", key);
  return offsets[found->get<size_t>()];
}

Result<MarkedExample> TextFromRow(const Json& row) {
  if (!row.is_object() || !row.contains("text") || !row["text"].is_string())
    return MakeError(ErrorCode::kCorrupt, "no 'text'");
  MarkedExample text;
  text.text = row["text"].get<std::string>();
  if (row.contains("before") && row["before"].is_string()) text.before = row["before"].get<std::string>();
  if (!row.contains("spans") || !row["spans"].is_array()) return MakeError(ErrorCode::kCorrupt, "no 'spans'");
  const std::vector<size_t> offsets = CharacterOffsets(text.text);
  for (const Json& item : row["spans"]) {
    if (!item.is_object() || !item.contains("type") || !item["type"].is_string())
      return MakeError(ErrorCode::kCorrupt, "a span without a 'type'");
    PersonalSpan span;
    SOTTO_ASSIGN_OR_RETURN(span.kind, KindOfType(item["type"].get<std::string>()));
    SOTTO_ASSIGN_OR_RETURN(span.begin, Offset(item, "start", offsets));
    SOTTO_ASSIGN_OR_RETURN(span.end, Offset(item, "end", offsets));
    if (span.begin >= span.end) return MakeError(ErrorCode::kCorrupt, "a span that ends before it begins");
    text.spans.push_back(span);
  }
  std::sort(text.spans.begin(), text.spans.end(),
            [](const PersonalSpan& a, const PersonalSpan& b) { return a.begin < b.begin; });
  for (size_t i = 1; i < text.spans.size(); ++i)
    if (text.spans[i].begin < text.spans[i - 1].end)
      return MakeError(ErrorCode::kCorrupt, "spans that overlap");
  return text;
}

}  // namespace

Result<PersonalKind> KindOfType(std::string_view type) {
  if (const auto kind = KindFromName(type)) return *kind;
  std::string known;
  for (size_t k = 0; k < kPersonalKinds; ++k)
    known += fmt::format("{}, ", KindName(static_cast<PersonalKind>(k)));
  for (const auto& [name, kind] : kPresidioTypes) {
    if (name == type) return kind;
    known +=
        fmt::format("{}{}", name, name == kPresidioTypes[std::size(kPresidioTypes) - 1].first ? "" : ", ");
  }
  return MakeError(ErrorCode::kInvalidArgument, "no type '{}'; there are: {}", type, known);
}

Result<std::vector<MarkedExample>> ReadMarkedExamples(const std::filesystem::path& path) {
  std::vector<MarkedExample> texts;
  SOTTO_RETURN_IF_ERROR(EachRow(path, [&](const Json& row) -> Result<void> {
    SOTTO_ASSIGN_OR_RETURN(MarkedExample text, TextFromRow(row));
    texts.push_back(std::move(text));
    return {};
  }));
  return texts;
}

Result<std::vector<std::string>> ReadPlainTexts(const std::filesystem::path& path) {
  std::vector<std::string> texts;
  SOTTO_RETURN_IF_ERROR(EachRow(path, [&](const Json& row) -> Result<void> {
    if (!row.is_object()) return MakeError(ErrorCode::kCorrupt, "not an object");
    if (row.contains("text") && row["text"].is_string()) texts.push_back(row["text"].get<std::string>());
    if (!row.contains("turns") || !row["turns"].is_array()) return {};
    for (const Json& turn : row["turns"]) {
      if (turn.is_object() && turn.value("role", "") == "user" && turn.contains("text") &&
          turn["text"].is_string())
        texts.push_back(turn["text"].get<std::string>());
    }
    return {};
  }));
  return texts;
}

}  // namespace sotto
