#include "learn/paraphrase.h"

#include <algorithm>
#include <array>
#include <vector>

#include "text/normalise.h"

namespace sotto {
namespace {

// The alternatives of a macro, longest first, without blanks around them.
std::vector<std::string> Beginnings(const Macros& macros, std::string_view name) {
  std::vector<std::string> all;
  const auto macro = macros.find(name);
  if (macro == macros.end()) return all;
  std::string_view rest = macro->second;
  while (true) {
    const size_t bar = rest.find('|');
    std::string one = NormaliseSpoken(rest.substr(0, bar));
    if (!one.empty() && one != "just") all.push_back(std::move(one));
    if (bar == std::string_view::npos) break;
    rest.remove_prefix(bar + 1);
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
  return all;
}

bool IsDeterminer(std::string_view word) {
  static constexpr std::array<std::string_view, 9> kDeterminers = {"a",       "an",  "the",  "my",  "some",
                                                                   "another", "any", "this", "that"};
  return std::find(kDeterminers.begin(), kDeterminers.end(), word) != kDeterminers.end();
}

bool StartsWithWords(std::string_view text, std::string_view words) {
  return text.size() > words.size() && text.starts_with(words) && text[words.size()] == ' ';
}

// Hesitations at the beginning are the generator's to add.
std::string_view WithoutHesitation(std::string_view text) {
  static constexpr std::array<std::string_view, 9> kHesitations = {"uh",   "um",   "so", "ok", "okay",
                                                                   "well", "yeah", "hi", "hey"};
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view word : kHesitations)
      if (StartsWithWords(text, word)) {
        text.remove_prefix(word.size() + 1);
        again = true;
      }
  }
  return text;
}

std::string FirstWord(std::string_view text) { return std::string(text.substr(0, text.find(' '))); }

// "i need to cancel" -> "<do>cancel", "can i get a coffee" -> "<get>a coffee".
std::string WithAnyBeginning(const PhraseBook& book, std::string_view text) {
  text = WithoutHesitation(text);
  for (const std::string& beginning : Beginnings(book.macros(), "get")) {
    if (!StartsWithWords(text, beginning)) continue;
    const std::string_view rest = text.substr(beginning.size() + 1);
    if (IsDeterminer(FirstWord(rest)) || rest.starts_with('{')) return "<get>" + std::string(rest);
  }
  for (const std::string& beginning : Beginnings(book.macros(), "do")) {
    if (!StartsWithWords(text, beginning)) continue;
    const std::string_view rest = text.substr(beginning.size() + 1);
    if (!IsDeterminer(FirstWord(rest)) && !rest.starts_with('{')) return "<do>" + std::string(rest);
  }
  if (book.IsVerb(FirstWord(text))) return "<do>" + std::string(text);
  return std::string(text);
}

std::string WithSynonyms(const PhraseBook& book, const std::string& text) {
  std::string out;
  size_t at = 0;
  const auto word_end = [&](size_t from) { return std::min(text.find(' ', from), text.size()); };
  while (at < text.size()) {
    if (text[at] == ' ') {
      out += text[at++];
      continue;
    }
    const size_t macro = text[at] == '<' ? text.find('>', at) : std::string::npos;
    if (macro != std::string::npos) {
      out += text.substr(at, macro + 1 - at);
      at = macro + 1;
      continue;
    }
    const size_t one = word_end(at);
    const size_t two = one < text.size() ? word_end(one + 1) : one;
    bool replaced = false;
    for (const size_t end : {two, one}) {
      const std::string words = text.substr(at, end - at);
      const auto* synonyms = book.Synonyms(words);
      if (synonyms == nullptr) continue;
      out += "(" + words + "|" + words;
      for (const std::string& synonym : *synonyms) out += "|" + synonym;
      out += ")";
      at = end;
      replaced = true;
      break;
    }
    if (replaced) continue;
    out += text.substr(at, one - at);
    at = one;
  }
  return out;
}

}  // namespace

std::string Paraphrase(const PhraseBook& book, std::string_view text, bool request) {
  if (text.find_first_of("()[]<>") != std::string_view::npos) return std::string(text);
  const std::string begun = request ? WithAnyBeginning(book, text) : std::string(text);
  // Words that imply a value must stay.
  return begun.find('@') == std::string::npos ? WithSynonyms(book, begun) : begun;
}

}  // namespace sotto
