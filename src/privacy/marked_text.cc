#include "privacy/marked_text.h"

#include <algorithm>

namespace sotto {
namespace {

constexpr size_t kCueWords = 9;  // so far before a value may its cue stand
constexpr uint64_t kCues = (uint64_t{1} << kCueLists) - 1;

}  // namespace

MarkedText::MarkedText(const PrivacyLanguage& language, std::string_view text, std::string_view before)
    : language_(language), words_(text) {
  const size_t n = words_.size();
  ends_.reserve(n);
  lists_.resize(n, 0);
  bits_.reserve(n);
  matches_.reserve(n * 2);
  for (size_t i = 0; i < n; ++i) {
    const size_t from = matches_.size();
    if (!words_[i].digits) language.MatchesAt(words_, i, matches_);
    for (size_t m = from; m < matches_.size(); ++m)
      for (size_t k = i; k < i + matches_[m].words; ++k) lists_[k] |= ListBit(matches_[m].list);
    ends_.push_back(static_cast<uint32_t>(matches_.size()));
    bits_.push_back(words_[i].digits ? uint16_t{0} : language.BitsOf(words_.Lower(i)));
  }
  if (before.empty()) return;
  const TextWords asked(before);
  std::vector<PrivacyLanguage::Match> found;
  for (size_t i = asked.size(); i-- > 0;) {
    found.clear();
    language.MatchesAt(asked, i, found);
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.words > b.words; });
    for (const auto& match : found)
      if ((ListBit(match.list) & kCues) != 0) asked_.push_back(match.list);
  }
}

std::span<const PrivacyLanguage::Match> MarkedText::MatchesAt(size_t i) const {
  const size_t from = i == 0 ? 0 : ends_[i - 1];
  return std::span(matches_).subspan(from, ends_[i] - from);
}

size_t MarkedText::Matches(PrivacyList list, size_t i) const {
  if (i >= size()) return 0;
  size_t longest = 0;
  for (const auto& match : MatchesAt(i))
    if (match.list == list) longest = std::max<size_t>(longest, match.words);
  return longest;
}

std::optional<PrivacyList> MarkedText::CueBefore(size_t first, uint64_t allowed) const {
  bool links_only = true;  // between the cue and the value
  bool crossed = false;    // into the sentence before
  for (size_t at = first; at-- > 0 && first - at <= kCueWords;) {
    // The longest phrase that ends at the word `at`.
    size_t longest = 0;
    PrivacyList list{};
    for (size_t back = 0; back < 6 && back <= at; ++back) {
      for (const auto& match : MatchesAt(at - back)) {
        if (match.words != back + 1 || match.words <= longest || (ListBit(match.list) & allowed) == 0)
          continue;
        longest = match.words;
        list = match.list;
      }
    }
    if (at + 1 < size() && (words_[at + 1].gap & kGapSentence) != 0) {
      if (crossed || !links_only) return std::nullopt;
      crossed = true;
    }
    if (longest > 0) return list;
    if (crossed && !Within(PrivacyList::kLinks, at)) return std::nullopt;
    links_only = links_only && Within(PrivacyList::kLinks, at);
  }
  return std::nullopt;
}

std::optional<PrivacyList> MarkedText::CueBehind(size_t last, uint64_t allowed) const {
  for (size_t at = last; at < size() && at < last + 4; ++at) {
    if ((words_[at].gap & kGapSentence) != 0) return std::nullopt;
    size_t longest = 0;
    PrivacyList list{};
    for (const auto& match : MatchesAt(at)) {
      if (match.words <= longest || (ListBit(match.list) & allowed) == 0) continue;
      longest = match.words;
      list = match.list;
    }
    if (longest > 0 && at > last) return list;
    if (!Within(PrivacyList::kLinks, at)) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<PrivacyList> MarkedText::CueFor(size_t first, size_t last, uint64_t allowed) const {
  if (const auto before = CueBefore(first, allowed)) return before;
  if (const auto behind = CueBehind(last, allowed)) return behind;
  for (const PrivacyList list : asked_)
    if ((ListBit(list) & allowed) != 0) return list;
  return std::nullopt;
}

}  // namespace sotto
