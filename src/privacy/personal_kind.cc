#include "privacy/personal_kind.h"

namespace sotto {
namespace {

constexpr std::array<std::string_view, kPersonalKinds> kNames = {
    "name",    "card",     "account",      "iban",   "ssn",         "phone",  "email",
    "address", "postcode", "birth_date",   "secret", "id",          "number", "ip",
    "url",     "place",    "organisation", "title",  "nationality", "age",    "date"};

}  // namespace

std::string_view KindName(PersonalKind kind) { return kNames[static_cast<size_t>(kind)]; }

std::optional<PersonalKind> KindFromName(std::string_view name) {
  for (size_t k = 0; k < kNames.size(); ++k)
    if (kNames[k] == name) return static_cast<PersonalKind>(k);
  return std::nullopt;
}

std::string_view FoundByName(FoundBy by) {
  switch (by) {
    case FoundBy::kChecksum:
      return "checksum";
    case FoundBy::kCue:
      return "cue";
    case FoundBy::kShape:
      return "shape";
    case FoundBy::kTagger:
      return "tagger";
    case FoundBy::kLength:
      return "length";
  }
  return "";
}

}  // namespace sotto
