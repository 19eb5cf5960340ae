#include <algorithm>
#include <string_view>

#include "privacy/finders.h"
#include "privacy/letters.h"
#include "text/number_lexicon.h"

namespace sotto {
namespace {

bool IsMailChar(char c) {
  return IsAlnumOrUtf8(c) || std::string_view("._%+-'&~!#$*/=?^`{|}").find(c) != std::string_view::npos;
}
bool IsHostChar(char c) { return IsAlnumOrUtf8(c) || c == '-' || c == '.'; }
bool IsUrlChar(char c) {
  return IsAlnumOrUtf8(c) || std::string_view("-._~:/?#[]@!$&'()*+,;=%").find(c) != std::string_view::npos;
}

constexpr std::string_view kClosing = ".,;:!?)]}'\"";

// The end of a host that begins at `at`, with one dot or more inside; npos: none.
size_t HostEnd(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size() && IsHostChar(text[end])) ++end;
  while (end > at && (text[end - 1] == '.' || text[end - 1] == '-')) --end;
  const size_t dot = text.substr(at, end - at).find('.');
  return dot == std::string_view::npos || dot == 0 ? std::string_view::npos : end;
}

void FindEmails(std::string_view text, Spans& spans) {
  for (size_t at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    size_t begin = at;
    while (begin > 0 && IsMailChar(text[begin - 1])) --begin;
    while (begin < at && !IsAlnumOrUtf8(text[begin])) ++begin;
    size_t end = HostEnd(text, at + 1);
    if (begin == at) continue;
    // "jane@localhost" and "jane@example" are no less somebody's.
    bool host = end != std::string_view::npos;
    if (!host) {
      end = at + 1;
      while (end < text.size() && IsHostChar(text[end])) ++end;
      while (end > at + 1 && !IsAlnumOrUtf8(text[end - 1])) --end;
      if (end == at + 1) continue;
    }
    spans.push_back({begin, end, PersonalKind::kEmail, FoundBy::kShape, host ? .99F : .7F});
  }
}

void FindUrls(const MarkedText& marked, Spans& spans) {
  const std::string_view text = marked.text();
  for (size_t i = 0; i < marked.size(); ++i) {
    const TextWord& word = marked.words()[i];
    const std::string_view rest = text.substr(word.end);
    const bool scheme = rest.substr(0, 3) == "://";
    if (!scheme && !(word.lower == "www" && rest.substr(0, 1) == ".")) continue;
    size_t end = word.end;
    while (end < text.size() && IsUrlChar(text[end])) ++end;
    while (end > word.end && kClosing.find(text[end - 1]) != std::string_view::npos) --end;
    if (end > word.end + 3) spans.push_back({word.begin, end, PersonalKind::kUrl, FoundBy::kShape, .95F});
  }
}

void FindIps(const MarkedText& marked, Spans& spans) {
  const TextWords& words = marked.words();
  for (size_t i = 0; i + 3 < words.size(); ++i) {
    bool dotted = true;
    for (size_t k = 0; k < 4; ++k) {
      const TextWord& word = words[i + k];
      dotted = dotted && word.digits && word.lower.size() <= 3 && (k == 0 || word.gap == kGapDot) &&
               std::stoi(std::string(word.lower)) < 256;
    }
    if (dotted && words.GapAfter(i + 3) != kGapDot)
      spans.push_back({words[i].begin, words[i + 3].end, PersonalKind::kIp, FoundBy::kShape, .95F});
  }
  // IPv6: hexadecimal groups and at least two colons, one of them double or seven in all.
  const std::string_view text = marked.text();
  for (size_t at = 0; at < text.size();) {
    const auto is_hex = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':';
    };
    if (!is_hex(text[at])) {
      ++at;
      continue;
    }
    size_t end = at;
    while (end < text.size() && is_hex(text[end])) ++end;
    const std::string_view run = text.substr(at, end - at);
    const auto colons = std::count(run.begin(), run.end(), ':');
    const bool apart =
        (at == 0 || !IsAlnumOrUtf8(text[at - 1])) && (end == text.size() || !IsAlnumOrUtf8(text[end]));
    if (apart && run.size() >= 6 &&
        (colons == 7 || (colons >= 2 && colons < 7 && run.find("::") != std::string_view::npos)))
      spans.push_back({at, end, PersonalKind::kIp, FoundBy::kShape, .9F});
    at = end;
  }
}

// The words of a spoken address: "jane dot doe at example dot co dot uk".
class SpokenEmail {
 public:
  explicit SpokenEmail(const MarkedText& text) : text_(text), words_(text.words()) {}

  void Find(Spans& spans) const {
    for (size_t at = 1; at < text_.size(); ++at) {
      const size_t n = text_.Matches(PrivacyList::kMailAt, at);
      if (n == 0) continue;
      const size_t end = DomainEnd(at + n);
      if (end == 0) continue;
      const size_t begin = NameBegin(at);
      if (begin == at) continue;
      spans.push_back({text_.BeginOf(begin), text_.EndOf(end), PersonalKind::kEmail, FoundBy::kShape, .95F});
      at = end - 1;
    }
  }

 private:
  // "gmail", "example dot com", "e x a m p l e dot co dot uk": its end, 0: none.
  size_t DomainEnd(size_t from) const {
    size_t end = 0;
    if (const size_t n = text_.Matches(PrivacyList::kMailProviders, from); n > 0) end = from + n;
    size_t letters = 0;
    for (size_t i = from; i < text_.size() && i < from + 16; ++i) {
      const size_t dot = i > from ? text_.Matches(PrivacyList::kMailDot, i) : 0;
      if (dot == 0) {
        if ((words_[i].gap & kGapSentence) != 0) break;
        if (text_.Lower(i).size() > 1 && ++letters > 3) break;
        continue;
      }
      size_t top = text_.Matches(PrivacyList::kTopLevelDomains, i + dot);
      // Spelled: "dot d e".
      if (top == 0 && text_.Lower(i + dot).size() == 1 && text_.Lower(i + dot + 1).size() == 1) top = 2;
      if (top == 0) continue;
      end = i + dot + top;
      if (text_.Matches(PrivacyList::kMailDot, end) == 0) break;
      letters = 0;
      i = end - 1;
    }
    return end;
  }

  // Back over what a name is made of, to what no name holds.
  size_t NameBegin(size_t at) const {
    size_t begin = at;
    for (size_t words = 0; begin > 0; --begin) {
      const size_t i = begin - 1;
      if (begin < at && (words_[begin].gap & (kGapSentence | kGapColon | kGapLine)) != 0) break;
      if (EndsMark(i)) continue;
      // "the other one jane at ..."
      if (i > 0 && text_.Lower(i) == "one" && text_.Within(PrivacyList::kBeforeOne, i - 1)) break;
      const bool part =
          text_.Lower(i).size() == 1 || words_[i].digits || text_.language().IsSpellingWord(text_.Lower(i));
      const bool spelled = text_.Lower(i).size() == 1 && ((begin < at && text_.Lower(begin).size() == 1) ||
                                                          (i > 0 && text_.Lower(i - 1).size() == 1));
      const bool beside_mark = spelled || (begin < at && StartsMark(begin));
      if (text_.Within(PrivacyList::kMailStops, i) && !beside_mark) break;
      if (!part && ++words > 4) break;
    }
    return begin;
  }
  bool StartsMark(size_t i) const { return text_.Matches(PrivacyList::kMailMarks, i) > 0; }
  bool EndsMark(size_t i) const { return text_.Within(PrivacyList::kMailMarks, i); }

  const MarkedText& text_;
  const TextWords& words_;
};

}  // namespace

void FindNetNames(const MarkedText& text, Spans& spans) {
  FindEmails(text.text(), spans);
  FindUrls(text, spans);
  FindIps(text, spans);
}

void FindSpokenEmails(const MarkedText& text, Spans& spans) { SpokenEmail(text).Find(spans); }

std::string WrittenEmail(const MarkedText& text) {
  std::string mail;
  size_t ats = 0;
  for (size_t i = 0; i < text.size();) {
    const std::string_view word = text.Lower(i);
    size_t n = 1;
    if (const size_t at = text.Matches(PrivacyList::kMailAt, i); at > 0 && ats == 0) {
      mail += '@';
      ++ats;
      n = at;
    } else if (const size_t dot = text.Matches(PrivacyList::kMailDot, i); dot > 0) {
      mail += '.';
      n = dot;
    } else if (const size_t mark = text.Matches(PrivacyList::kMailMarks, i); mark > 0) {
      mail += word == "underscore" || word == "under" ? '_' : word == "plus" ? '+' : '-';
      n = mark;
    } else if (const auto* entry = NumberLexicon::English().Find(word);
               entry != nullptr && (entry->part == NumberPart::kUnit || entry->part == NumberPart::kTeen)) {
      mail += fmt::format("{:.0f}", entry->value);
    } else {
      mail += word;
    }
    i += n;
  }
  const size_t at = mail.find('@');
  const bool whole = ats == 1 && at > 0 && mail.find('.', at) != std::string::npos;
  return whole ? mail : std::string();
}

}  // namespace sotto
