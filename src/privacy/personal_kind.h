// The kinds of personal data that are looked for, and what a span of text that holds one is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sotto {

enum class PersonalKind : uint8_t {
  kName,
  kCard,     // a payment card's number: 13 to 19 digits, or fewer where it is called one
  kAccount,  // a bank account's number, a routing number, a sort code
  kIban,
  kSsn,  // US social security number, or its last four where they are called so
  kPhone,
  kEmail,
  kAddress,
  kPostcode,
  kBirthDate,
  kSecret,  // PIN, password, security code
  kId,      // licence, passport, member number: letters and digits that name one person
  kNumber,  // a long number that nothing says the kind of
  kIp,
  kUrl,
  // About a person, but many have the same.
  kPlace,
  kOrganisation,
  kTitle,
  kNationality,
  kAge,
  kDate,
};
inline constexpr size_t kPersonalKinds = 21;

// "birth_date": in placeholders, audits, JSON. Static storage.
std::string_view KindName(PersonalKind kind);
std::optional<PersonalKind> KindFromName(std::string_view name);

// A set of kinds. A value.
class KindSet {
 public:
  constexpr KindSet() = default;
  template <typename... Kinds>
  static constexpr KindSet Of(Kinds... kinds) {
    KindSet set;
    (set.Add(kinds), ...);
    return set;
  }
  // What identifies one person or opens one account: every kind up to kUrl. What is replaced unless
  // somebody says otherwise.
  static constexpr KindSet Identifying() {
    KindSet set;
    for (size_t k = 0; k <= static_cast<size_t>(PersonalKind::kUrl); ++k)
      set.Add(static_cast<PersonalKind>(k));
    return set;
  }
  static constexpr KindSet All() {
    KindSet set;
    for (size_t k = 0; k < kPersonalKinds; ++k) set.Add(static_cast<PersonalKind>(k));
    return set;
  }
  constexpr void Add(PersonalKind kind) { bits_ |= 1U << static_cast<unsigned>(kind); }
  constexpr bool Has(PersonalKind kind) const { return (bits_ >> static_cast<unsigned>(kind) & 1U) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  bool operator==(const KindSet&) const = default;

 private:
  uint32_t bits_ = 0;
};

// How a span was found, the surest first.
enum class FoundBy : uint8_t {
  kChecksum,  // Luhn, mod 97
  kCue,       // what stands beside it says what it is: "my pin is"
  kShape,     // it is written like one: an e-mail, 3-2-4 digits
  kTagger,    // the trained tagger
  kLength,    // digits too many to be anything harmless
};
std::string_view FoundByName(FoundBy by);

struct PersonalSpan {
  size_t begin = 0;  // bytes [begin, end) of the original text
  size_t end = 0;
  PersonalKind kind = PersonalKind::kNumber;
  FoundBy by = FoundBy::kShape;
  float confidence = 0;  // 0..1 that it is personal data of this kind
  bool operator==(const PersonalSpan&) const = default;
};

}  // namespace sotto
