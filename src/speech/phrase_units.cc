#include "speech/phrase_units.h"

#include <algorithm>

#include "text/normalise.h"

namespace sotto {
namespace {

constexpr size_t kMaxPronunciations = 16;

}  // namespace

PhraseUnits::PhraseUnits(std::span<const std::string> phrases) {
  for (const std::string& phrase : phrases) {
    const auto views = SplitWords(phrase);
    if (views.size() < 2) continue;
    std::vector<std::string> words(views.begin(), views.end());
    by_first_word_[words.front()].push_back(std::move(words));
  }
  for (auto& [first, all] : by_first_word_) {
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.size() > b.size(); });
  }
}

std::string PhraseUnits::Join(std::string_view sentence) const {
  const std::vector<std::string_view> words = SplitWords(sentence);
  std::string out;
  for (size_t at = 0; at < words.size();) {
    size_t length = 1;
    if (const auto it = by_first_word_.find(words[at]); it != by_first_word_.end()) {
      for (const auto& phrase : it->second) {
        if (phrase.size() <= words.size() - at &&
            std::equal(phrase.begin(), phrase.end(), words.begin() + static_cast<std::ptrdiff_t>(at))) {
          length = phrase.size();
          break;
        }
      }
    }
    if (!out.empty()) out += ' ';
    for (size_t i = 0; i < length; ++i) {
      if (i > 0) out += '_';
      out += words[at + i];
    }
    at += length;
  }
  return out;
}

std::vector<std::string> PhraseUnits::Pronounce(std::string_view unit, const Pronunciations& pronunciations) {
  // Each way is a choice for every word; ways with fewer unusual choices come first.
  struct Way {
    std::string phones;
    size_t unusual = 0;
  };
  std::vector<Way> ways = {{}};
  const std::string split = Split(unit);
  for (const std::string_view word : SplitWords(split)) {
    const std::vector<std::string> forms = pronunciations.Find(word);
    std::vector<Way> longer;
    for (const Way& way : ways) {
      for (size_t i = 0; i < forms.size(); ++i) {
        longer.push_back({way.phones + (way.phones.empty() ? "" : " ") + forms[i], way.unusual + (i > 0)});
      }
    }
    std::stable_sort(longer.begin(), longer.end(),
                     [](const Way& a, const Way& b) { return a.unusual < b.unusual; });
    longer.resize(std::min(longer.size(), kMaxPronunciations));
    ways = std::move(longer);
  }
  std::vector<std::string> phones;
  phones.reserve(ways.size());
  for (Way& way : ways) phones.push_back(std::move(way.phones));
  if (phones.size() == 1 && phones.front().empty()) phones.clear();
  return phones;
}

std::string PhraseUnits::Split(std::string_view text) { return PlainWords(text); }

}  // namespace sotto
