#include "speech/pronunciation.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <mutex>

#include "base/mapped_file.h"

extern "C" {
#include <flite/flite.h>
cst_lexicon* cmu_lex_init(void);
}

namespace sotto {
namespace {

// flite's phone in CMU's set, space separated where it stands for two; empty for none.
std::string CmuPhone(std::string_view flite_phone) {
  static const std::map<std::string_view, std::string_view> kSpecial = {
      {"ax", "AH"},   {"axr", "ER"}, {"ix", "IH"}, {"dx", "T"},  {"el", "AH L"}, {"em", "AH M"},
      {"en", "AH N"}, {"nx", "N"},   {"hv", "HH"}, {"ux", "UW"}, {"pau", ""},    {"h#", ""}};
  while (!flite_phone.empty() && std::isdigit(static_cast<unsigned char>(flite_phone.back()))) {
    flite_phone.remove_suffix(1);
  }
  if (const auto it = kSpecial.find(flite_phone); it != kSpecial.end()) return std::string(it->second);
  std::string upper(flite_phone);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return upper;
}

// How small words sound between others, which the dictionary does not know: "a li'l bi' of", "bread 'n
// butter", "gedda".
const std::vector<std::string>* ConnectedForms(std::string_view word) {
  static const std::map<std::string_view, std::vector<std::string>> kForms = {
      {"little", {"L IH D AH L", "L IH L"}},
      {"bit", {"B IH D"}},
      {"lot", {"L AA D"}},
      {"of", {"AH", "AH F"}},
      {"and", {"AH N", "AE N", "EH N D"}},
      {"get", {"G EH D", "G IH D"}},
      {"milk", {"M EH L K"}},
      {"eight", {"EY D"}}};
  const auto it = kForms.find(word);
  return it == kForms.end() ? nullptr : &it->second;
}

}  // namespace

std::string PhonesByRule(std::string_view word) {
  // flite keeps one lexicon for the program and builds it on first use.
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  cst_lexicon* lexicon = cmu_lex_init();
  std::string letters;
  for (char c : word) {
    if (std::isalpha(static_cast<unsigned char>(c))) letters += c;
  }
  if (letters.empty()) return "";
  std::string phones;
  cst_val* list = lex_lookup(lexicon, letters.c_str(), nullptr, nullptr);
  for (const cst_val* v = list; v != nullptr; v = val_cdr(v)) {
    const std::string phone = CmuPhone(val_string(val_car(v)));
    if (phone.empty()) continue;
    if (!phones.empty()) phones += ' ';
    phones += phone;
  }
  delete_val(list);
  return phones;
}

Result<Pronunciations> Pronunciations::Load(const std::filesystem::path& dictionary) {
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(dictionary));
  Pronunciations result;
  size_t at = 0;
  while (at < text.size()) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line(text.data() + at, end - at);
    at = end + 1;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    const size_t space = line.find_first_of(" \t");
    if (space == std::string_view::npos || line.starts_with(";;;")) continue;
    std::string_view word = line.substr(0, space);
    if (const size_t mark = word.find('('); mark != std::string_view::npos && mark > 0)
      word = word.substr(0, mark);
    const size_t phones = line.find_first_not_of(" \t", space);
    if (phones == std::string_view::npos) continue;
    result.words_[std::string(word)].emplace_back(line.substr(phones));
  }
  if (result.words_.empty()) {
    return MakeError(ErrorCode::kCorrupt, "{}: no pronunciations in it (want lines \"word PH PH ...\")",
                     dictionary.string());
  }
  return result;
}

std::vector<std::string> Pronunciations::Find(std::string_view word) const {
  if (const auto it = words_.find(std::string(word)); it != words_.end()) {
    std::vector<std::string> result = it->second;
    if (const auto* forms = ConnectedForms(word)) result.insert(result.end(), forms->begin(), forms->end());
    return result;
  }
  // "bill's" from "bill": the ending is voiced after voiced sounds; S serves both for a recognizer.
  if (word.size() > 2 && word.ends_with("'s")) {
    if (const auto it = words_.find(std::string(word.substr(0, word.size() - 2))); it != words_.end()) {
      std::vector<std::string> result;
      for (const std::string& phones : it->second) result.push_back(phones + " Z");
      return result;
    }
  }
  std::string phones = PhonesByRule(word);
  if (phones.empty()) return {};
  return {std::move(phones)};
}

}  // namespace sotto
