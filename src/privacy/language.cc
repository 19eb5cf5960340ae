#include "privacy/language.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "base/check.h"
#include "base/mapped_file.h"
#include "privacy/compiled_privacy.h"
#include "text/list_file.h"
#include "text/phrase_list.h"

namespace sotto {
namespace {

constexpr std::pair<std::string_view, PrivacyList> kSections[] = {
    {"card", PrivacyList::kCard},
    {"account", PrivacyList::kAccount},
    {"ssn", PrivacyList::kSsn},
    {"phone", PrivacyList::kPhone},
    {"secret", PrivacyList::kSecret},
    {"postcode", PrivacyList::kPostcode},
    {"birth", PrivacyList::kBirth},
    {"id", PrivacyList::kId},
    {"email", PrivacyList::kEmail},
    {"address", PrivacyList::kAddress},
    {"name", PrivacyList::kName},
    {"links", PrivacyList::kLinks},
    {"joiners", PrivacyList::kJoiners},
    {"not a secret", PrivacyList::kNotSecret},
    {"ends of a secret", PrivacyList::kSecretEnds},
    {"titles", PrivacyList::kTitles},
    {"as in", PrivacyList::kAsIn},
    {"mail at", PrivacyList::kMailAt},
    {"mail dot", PrivacyList::kMailDot},
    {"mail marks", PrivacyList::kMailMarks},
    {"mail providers", PrivacyList::kMailProviders},
    {"top level domains", PrivacyList::kTopLevelDomains},
    {"mail stops", PrivacyList::kMailStops},
    {"streets", PrivacyList::kStreets},
    {"address units", PrivacyList::kAddressUnits},
    {"states", PrivacyList::kStates},
    {"state codes", PrivacyList::kStateCodes},
    {"cities", PrivacyList::kCities},
    {"nationalities", PrivacyList::kNationalities},
    {"organisation words", PrivacyList::kOrganisationWords},
    {"months", PrivacyList::kMonths},
    {"age before", PrivacyList::kAgeBefore},
    {"age behind", PrivacyList::kAgeBehind},
    {"year before", PrivacyList::kYearBefore},
    {"before one", PrivacyList::kBeforeOne},
};
constexpr std::string_view kLetters = "letters";
constexpr std::string_view kShortWords = "short words";
constexpr std::string_view kLists = "personal.txt";
constexpr std::string_view kModel = "tagger.model";

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Lines but comments and empty ones.
template <typename Each>
void EachLine(std::string_view text, Each each) {
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = Trimmed(text.substr(begin, end - begin));
    if (!line.empty() && line[0] != '#') each(line);
    begin = end + 1;
  }
}

}  // namespace

void PrivacyLanguage::AddPhrase(PrivacyList list, std::string_view phrase) {
  const TextWords words(phrase);
  if (words.size() == 0) return;
  Phrase entry{{}, list};
  for (size_t i = 1; i < words.size(); ++i) entry.rest.emplace_back(words.Lower(i));
  phrases_[std::string(words.Lower(0))].push_back(std::move(entry));
}

Result<void> PrivacyLanguage::AddPattern(PrivacyList list, std::string_view pattern) {
  SOTTO_ASSIGN_OR_RETURN(const std::vector<std::string> phrases, ExpandPattern(pattern));
  for (const std::string& phrase : phrases) AddPhrase(list, phrase);
  return {};
}

Result<void> PrivacyLanguage::AddLetter(std::string_view line) {
  const size_t at = line.find('=');
  const std::string_view word = Trimmed(line.substr(0, at));
  const std::string_view letter = at == std::string_view::npos ? "" : Trimmed(line.substr(at + 1));
  if (word.empty() || letter.size() != 1 || letter[0] < 'a' || letter[0] > 'z')
    return MakeError(ErrorCode::kCorrupt, "'{}' is not 'word = letter'", line);
  letters_.emplace(word, letter[0]);
  return {};
}

Result<void> PrivacyLanguage::AddLists(const PrivacyFile& file, std::string_view source) {
  const PrivacyList* list = nullptr;
  bool letters = false;
  bool short_words = false;
  const ListFileReader reader{
      .section = [&](std::string_view name) -> Result<void> {
        letters = name == kLetters;
        short_words = name == kShortWords;
        if (letters || short_words) return {};
        for (const auto& [section, which] : kSections) {
          if (section != name) continue;
          list = &which;
          return {};
        }
        std::string known = fmt::format("{}, {}", kLetters, kShortWords);
        for (const auto& section : kSections) known += fmt::format(", {}", section.first);
        return MakeError(ErrorCode::kCorrupt, "no section [{}]; there are: {}", name, known);
      },
      .line = [&](std::string_view line) -> Result<void> {
        if (short_words) {
          SOTTO_ASSIGN_OR_RETURN(const std::vector<std::string> words, ExpandPattern(line));
          for (const std::string& word : words) names_[word] |= kOrdinary;
          return {};
        }
        return letters ? AddLetter(line) : AddPattern(*list, line);
      }};
  return ReadListFile(file.text, fmt::format("{}/{}", source, file.name), reader);
}

void PrivacyLanguage::AddWords(std::string_view text, WordBit bit) {
  EachLine(text, [&](std::string_view line) {
    const TextWords words(line);
    for (size_t i = 0; i < words.size(); ++i)
      if (words[i].end - words[i].begin > 1) names_[std::string(words.Lower(i))] |= bit;
  });
}

Result<std::shared_ptr<const PrivacyLanguage>> PrivacyLanguage::Parse(std::string_view code,
                                                                      std::span<const PrivacyFile> files,
                                                                      std::string_view source, bool model) {
  std::shared_ptr<PrivacyLanguage> language(new PrivacyLanguage());
  language->code_ = code;
  bool lists = false;
  for (const PrivacyFile& file : files) {
    if (file.name == kLists) {
      lists = true;
      SOTTO_RETURN_IF_ERROR(language->AddLists(file, source));
    } else if (file.name == "first_names.txt") {
      language->AddWords(file.text, kFirstName);
    } else if (file.name == "last_names.txt") {
      language->AddWords(file.text, kLastName);
    } else if (file.name == "jobs.txt" || file.name == "countries.txt" || file.name == "streets.txt") {
      const PrivacyList list = file.name == "jobs.txt"        ? PrivacyList::kJobs
                               : file.name == "countries.txt" ? PrivacyList::kCountries
                                                              : PrivacyList::kStreets;
      EachLine(file.text, [&](std::string_view line) { language->AddPhrase(list, line); });
    } else if (file.name == kModel && model) {
      SOTTO_ASSIGN_OR_RETURN(const Tagger::Weights weights,
                             Tagger::ParseWeights(file.text, fmt::format("{}/{}", source, kModel)));
      language->tagger_ = Tagger(weights);
    }
  }
  if (!lists) return MakeError(ErrorCode::kNotFound, "{}: no {}", source, kLists);
  // A language that has no words of its own (text/language_data.h) does without.
  if (auto ordinary = LanguageFor(code)) language->ordinary_ = *std::move(ordinary);
  return language;
}

Result<std::shared_ptr<const PrivacyLanguage>> PrivacyLanguage::Read(const std::filesystem::path& folder,
                                                                     bool model) {
  std::error_code error;
  std::vector<std::pair<std::string, std::string>> texts;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::filesystem::path& path = entry.path();
    if (path.extension() != ".txt" && path.extension() != ".model") continue;
    SOTTO_ASSIGN_OR_RETURN(std::string text, ReadFile(path));
    texts.emplace_back(path.filename().string(), std::move(text));
  }
  if (error) return MakeError(ErrorCode::kNotFound, "cannot read {}: {}", folder.string(), error.message());
  std::vector<PrivacyFile> files;
  for (const auto& [name, text] : texts) files.push_back({name, text});
  const std::filesystem::path name = folder.filename().empty() ? folder.parent_path() : folder;
  return Parse(name.filename().string(), files, folder.string(), model);
}

Result<std::shared_ptr<const PrivacyLanguage>> PrivacyLanguage::For(std::string_view code) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const PrivacyLanguage>, std::less<>> parsed;
  std::lock_guard lock(mutex);
  if (const auto found = parsed.find(code); found != parsed.end()) return found->second;
  std::string known;
  for (const CompiledPrivacy& language : CompiledPrivacyLanguages()) {
    if (language.code == code) {
      // A compiled-in language that does not parse is a mistake in its files.
      auto read = Parse(language.code, language.files, fmt::format("privacy language {}", code));
      SOTTO_CHECK(read.has_value(), "{}", read.error().message);
      return parsed.emplace(code, *std::move(read)).first->second;
    }
    known += fmt::format("{}{}", known.empty() ? "" : ", ", language.code);
  }
  return MakeError(ErrorCode::kNotFound, "no personal data lists for the language '{}'; there are: {}", code,
                   known);
}

void PrivacyLanguage::MatchesAt(const TextWords& words, size_t at, std::vector<Match>& matches) const {
  const auto found = phrases_.find(words.Lower(at));
  if (found == phrases_.end()) return;
  for (const Phrase& phrase : found->second) {
    if (at + phrase.rest.size() >= words.size()) continue;
    size_t n = 0;
    while (n < phrase.rest.size() && words.Lower(at + n + 1) == phrase.rest[n] &&
           (words[at + n + 1].gap & (kGapSentence | kGapLine)) == 0)
      ++n;
    if (n == phrase.rest.size()) matches.push_back({phrase.list, static_cast<uint8_t>(n + 1)});
  }
}

uint16_t PrivacyLanguage::BitsOf(std::string_view word) const {
  const auto found = names_.find(word);
  uint16_t bits = found == names_.end() ? 0 : found->second;
  if (ordinary_ != nullptr && ordinary_->words.Contains(word)) bits |= kOrdinary;
  return bits;
}

char PrivacyLanguage::LetterOf(std::string_view word) const {
  if (word.size() == 1 && word[0] >= 'a' && word[0] <= 'z') return word[0];
  const auto found = letters_.find(word);
  return found == letters_.end() ? '\0' : found->second;
}

}  // namespace sotto
