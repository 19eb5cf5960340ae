// What Sotto knows of a language to find personal data in it: what stands beside a value and says what it is,
// names, places, words for letters, and the tagger. Data, one folder a language (src/privacy/languages/,
// docs/formats/privacy_language.md), compiled in. Immutable; any thread.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "privacy/personal_kind.h"
#include "privacy/tagger.h"
#include "privacy/text_words.h"
#include "text/language_data.h"

namespace sotto {

// The lists of personal.txt.
enum class PrivacyList : uint8_t {
  kCard,
  kAccount,
  kSsn,
  kPhone,
  kSecret,
  kPostcode,
  kBirth,
  kId,
  kEmail,
  kAddress,
  kName,
  kLinks,
  kJoiners,
  kNotSecret,
  kSecretEnds,
  kTitles,
  kAsIn,
  kMailAt,
  kMailDot,
  kMailMarks,
  kMailProviders,
  kTopLevelDomains,
  kMailStops,
  kStreets,
  kAddressUnits,
  kStates,
  kStateCodes,
  kCities,
  kNationalities,
  kOrganisationWords,
  kMonths,
  kAgeBefore,
  kAgeBehind,
  kYearBefore,
  kBeforeOne,
  // Files of their own.
  kJobs,
  kCountries,
  kCount,
};
inline constexpr size_t kCueLists = 11;  // kCard .. kName: what a value may be

// What the lists say of one word by itself.
enum WordBit : uint16_t {
  kFirstName = 1,
  kLastName = 2,
  kOrdinary = 4,  // an ordinary word of the language
};

struct PrivacyFile {
  std::string_view name;
  std::string_view text;
};

class PrivacyLanguage {
 public:
  struct Match {
    PrivacyList list;
    uint8_t words;
  };

  // A compiled-in language; kNotFound names those there are.
  static Result<std::shared_ptr<const PrivacyLanguage>> For(std::string_view code);
  // The files of a folder; its name is the code. Without `model` the tagger stays empty: for the command that
  // trains it. The error names the file and the line.
  static Result<std::shared_ptr<const PrivacyLanguage>> Read(const std::filesystem::path& folder,
                                                             bool model = true);
  static Result<std::shared_ptr<const PrivacyLanguage>> Parse(std::string_view code,
                                                              std::span<const PrivacyFile> files,
                                                              std::string_view source, bool model = true);

  const std::string& code() const { return code_; }
  const Tagger& tagger() const { return tagger_; }

  // Every phrase of a list that begins at the word `at`, in no order. Appends.
  void MatchesAt(const TextWords& words, size_t at, std::vector<Match>& matches) const;
  uint16_t BitsOf(std::string_view word) const;
  // The letter that a word of one letter or a spelling word stands for ('a'..'z'), 0: none.
  char LetterOf(std::string_view word) const;
  bool IsSpellingWord(std::string_view word) const { return letters_.contains(word); }

 private:
  struct Phrase {
    std::vector<std::string> rest;  // words behind the first
    PrivacyList list;
  };
  PrivacyLanguage() = default;
  Result<void> AddLists(const PrivacyFile& file, std::string_view source);
  Result<void> AddPattern(PrivacyList list, std::string_view pattern);
  void AddPhrase(PrivacyList list, std::string_view phrase);
  Result<void> AddLetter(std::string_view line);
  void AddWords(std::string_view text, WordBit bit);

  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  template <typename Value>
  using Map = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;

  std::string code_;
  Map<std::vector<Phrase>> phrases_;  // by first word
  Map<uint16_t> names_;               // of WordBit
  Map<char> letters_;
  std::shared_ptr<const LanguageData> ordinary_;
  Tagger tagger_;
};

}  // namespace sotto
