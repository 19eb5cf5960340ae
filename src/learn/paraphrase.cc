#include "learn/paraphrase.h"

#include <fmt/ranges.h>

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

// Half of the time the words that were there.
std::string Alternatives(const std::string& words, const std::vector<std::string>& synonyms) {
  std::string out = "(";
  for (size_t i = 0; i < synonyms.size(); ++i) out += words + "|" + synonyms[i] + "|";
  out.back() = ')';
  return out;
}

}  // namespace

std::string WithSynonyms(const PhraseBook& book, const std::string& text) {
  std::string out;
  size_t at = 0;
  if (text.starts_with('<')) {
    at = text.find('>') + 1;
    out = text.substr(0, at);
  }
  const std::vector<std::string_view> words = SplitWords(std::string_view(text).substr(at));
  for (size_t i = 0; i < words.size();) {
    if (i > 0) out += ' ';
    size_t n = std::min(PhraseBook::kLongestSynonym, words.size() - i);
    const std::vector<std::string>* synonyms = nullptr;
    std::string some;
    for (; n > 0 && synonyms == nullptr; --n) {
      some = fmt::format("{}", fmt::join(words.begin() + static_cast<std::ptrdiff_t>(i),
                                         words.begin() + static_cast<std::ptrdiff_t>(i + n), " "));
      synonyms = book.Synonyms(some);
    }
    if (synonyms == nullptr) {
      out += words[i++];
      continue;
    }
    out += Alternatives(some, *synonyms);
    i += n + 1;
  }
  return out;
}

std::string Paraphrase(const PhraseBook& book, const ToolDef& tool, TurnKind kind, std::string_view text) {
  if (!IsGoal(tool) || text.find_first_of("()[]<>") != std::string_view::npos) return std::string(text);
  const bool request = !tool.slots.empty() && kind == TurnKind::kAsk;
  return WithSynonyms(book, request ? WithAnyBeginning(book, text) : std::string(text));
}

}  // namespace sotto
