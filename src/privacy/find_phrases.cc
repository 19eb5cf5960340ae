#include <algorithm>

#include "privacy/finders.h"
#include "text/number_lexicon.h"

namespace sotto {
namespace {

using List = PrivacyList;
using Kind = PersonalKind;

// "my password is blue elephant", "password: hunter2!".
class SecretFinder {
 public:
  SecretFinder(const MarkedText& text, Spans& spans) : text_(text), words_(text.words()), spans_(spans) {}

  void Find() {
    for (size_t i = 0; i < text_.size(); ++i) {
      const size_t n = text_.Matches(List::kSecret, i);
      if (n == 0) continue;
      if (const size_t at = ValueAt(i + n); at > 0) Add(at);
      i += n - 1;
    }
  }

 private:
  // The first word of the value, 0: none follows. A value needs "is", ":" or the like in front.
  size_t ValueAt(size_t at) const {
    if (at >= text_.size()) return 0;
    if ((words_[at].gap & kGapColon) != 0) return at;
    for (size_t i = at; i < text_.size() && i < at + 3; ++i) {
      if ((words_[i].gap & kGapSentence) != 0) return 0;
      if (!IsLink(i)) continue;
      size_t value = i + 1;
      while (value < text_.size() && IsLink(value)) ++value;
      if (value >= text_.size() || text_.Within(List::kNotSecret, value)) return 0;
      return value;
    }
    return 0;
  }
  bool IsLink(size_t i) const {
    const std::string_view word = text_.Lower(i);
    return word == "is" || word == "was" || word == "its" || word == "equals" || word == "uh" || word == "um";
  }

  void Add(size_t first) {
    const std::string_view all = text_.text();
    // What is written without a blank, whatever signs it has.
    size_t begin = words_[first].begin;
    while (begin > 0 && all[begin - 1] != ' ' && all[begin - 1] != '\n' && all[begin - 1] != ':' &&
           all[begin - 1] != '=' && all[begin - 1] != '"')
      --begin;
    size_t end = begin;
    while (end < all.size() && all[end] != ' ' && all[end] != '\n' && all[end] != '\t' && all[end] != '"')
      ++end;
    while (end > words_[first].end && (all[end - 1] == '.' || all[end - 1] == ',' || all[end - 1] == '?'))
      --end;
    // Words that were said: up to the sentence's end or what goes on with it.
    size_t last = first + 1;
    while (last < text_.size() && last < first + 6 &&
           (words_[last].gap & (kGapSentence | kGapComma | kGapLine | kGapDot)) == 0 &&
           !text_.Within(List::kSecretEnds, last))
      ++last;
    spans_.push_back({begin, std::max(end, text_.EndOf(last)), Kind::kSecret, FoundBy::kCue, .8F});
  }

  const MarkedText& text_;
  const TextWords& words_;
  Spans& spans_;
};

// Street numbers and names: "42 elm street", with what follows of a flat, a town, a state and a code.
class AddressFinder {
 public:
  AddressFinder(const MarkedText& text, Spans& spans)
      : text_(text), words_(text.words()), lexicon_(NumberLexicon::English()), spans_(spans) {}

  void Find() {
    for (size_t i = 0; i < text_.size(); ++i) {
      if (!IsNumber(i) || (words_[i].gap & kGapMoney) != 0) continue;
      size_t name = i;
      while (name < text_.size() && IsNumber(name) && name < i + 7) ++name;
      if (name < text_.size() && words_.Glued(name) && text_.Lower(name).size() == 1) ++name;  // "221b"
      const size_t street = StreetEnd(name);
      if (street == 0) continue;
      const size_t end = RestEnd(street);
      spans_.push_back({text_.BeginOf(i), text_.EndOf(end), Kind::kAddress, FoundBy::kShape, .85F});
      i = end - 1;
    }
  }

 private:
  bool IsNumber(size_t i) const {
    if (i >= text_.size()) return false;
    if (words_[i].digits) return words_[i].lower.size() <= 6;
    const auto* entry = lexicon_.Find(words_.Lower(i));
    if (entry == nullptr) return false;
    return entry->part == NumberPart::kUnit || entry->part == NumberPart::kTeen ||
           entry->part == NumberPart::kTens || entry->part == NumberPart::kHundred ||
           entry->part == NumberPart::kOh;
  }

  // One to four words and a word for streets: "elm street", "north twenty third avenue". 0: none.
  size_t StreetEnd(size_t from) const {
    for (size_t i = from + 1; i < text_.size() && i < from + 5; ++i) {
      if ((words_[i].gap & (kGapSentence | kGapComma | kGapLine)) != 0) return 0;
      const std::string_view before = text_.Lower(i - 1);
      if (before == "to" || before == "from" || before == "my" || before == "dollars" || before == "the" ||
          before == "a" || before == "and" || before == "of")
        return 0;
      if (text_.Within(List::kStreets, i) && (text_.Bits(i) & kOrdinary) != 0) return i + 1;
      if (text_.Within(List::kStreets, i) && text_.Lower(i).size() <= 4) return i + 1;
    }
    return 0;
  }

  size_t RestEnd(size_t end) const {
    for (bool more = true; more && end < text_.size();) {
      more = false;
      if ((words_[end].gap & kGapSentence) != 0) break;
      size_t at = end;
      if (text_.Lower(at) == "in" || text_.Lower(at) == "and") ++at;
      if (const size_t n = text_.Matches(List::kAddressUnits, at); n > 0) {
        size_t number = at + n;
        const size_t from = number;
        while (IsNumber(number) && number < from + 4) ++number;
        if (number == from && text_.Lower(number).size() == 1) ++number;
        if (number > from) {
          end = number;
          more = true;
          continue;
        }
      }
      for (const List list : {List::kCities, List::kStates, List::kStateCodes, List::kCountries}) {
        const size_t n = text_.Matches(list, at);
        if (n == 0 || (list == List::kStateCodes && words_[at].letters != LetterCase::kCapitals &&
                       (text_.Bits(at) & kOrdinary) != 0))
          continue;
        end = at + n;
        more = true;
        size_t zip = end;
        while (IsNumber(zip) && zip < end + 6) ++zip;
        end = zip;
        break;
      }
    }
    return end;
  }

  const MarkedText& text_;
  const TextWords& words_;
  const NumberLexicon& lexicon_;
  Spans& spans_;
};

// Names behind "my name is" and "mr".
class NameFinder {
 public:
  NameFinder(const MarkedText& text, Spans& spans) : text_(text), words_(text.words()), spans_(spans) {}

  void Find() {
    for (size_t i = 0; i < text_.size(); ++i) {
      if (const size_t n = text_.Matches(List::kTitles, i); n > 0 && AddAt(i + n, true))
        spans_.push_back({text_.BeginOf(i), text_.EndOf(i + n), Kind::kTitle, FoundBy::kShape, .9F});
      if (const size_t n = text_.Matches(List::kName, i); n > 0) AddBehindCue(i + n);
    }
  }

 private:
  bool IsNameLike(size_t i) const {
    if (words_[i].digits || text_.Lower(i).size() < 2) return false;
    if (text_.Lower(i).size() < 4 && (text_.Bits(i) & kOrdinary) != 0) return false;
    return ((text_.Bits(i) & (kFirstName | kLastName)) != 0 || (text_.Bits(i) & kOrdinary) == 0);
  }

  void AddBehindCue(size_t at) {
    const std::string_view last = text_.Lower(at - 1);
    const bool named = last == "name" || last == "surname" || last == "firstname" || last == "lastname" ||
                       last == "called" || last == "named";
    if (named) {
      const size_t value = at;
      while (at < text_.size() && at < value + 4 && (words_[at].gap & kGapSentence) == 0 &&
             (text_.Lower(at) == "is" || text_.Lower(at) == "was" || text_.Lower(at) == "its" ||
              text_.Lower(at) == "uh" || text_.Lower(at) == "um" || text_.Lower(at) == "to"))
        ++at;
      const bool colon = at < text_.size() && (words_[at].gap & kGapColon) != 0;
      if (at > value || colon || last == "called" || last == "named") AddAt(at, false);
      return;
    }
    // "this is jane", "i am jane doe": only what the lists call a name and no ordinary word.
    if (at < text_.size() && (text_.Bits(at) & kFirstName) != 0 && (text_.Bits(at) & kOrdinary) == 0)
      AddAt(at, false);
  }

  // Up to three words that may be a name; behind a title or a cue they need not be in a list.
  bool AddAt(size_t first, bool title) {
    size_t last = first;
    while (last < text_.size() && last < first + 4) {
      const uint16_t allowed =
          kGapSpace | kGapHyphen | kGapColon | (last == first || title ? kGapDot | kGapSentence : 0) |
          (last > first && text_.Lower(last - 1).size() == 1 ? kGapDot | kGapSentence : 0);
      if ((words_[last].gap & ~allowed) != 0) break;
      const bool initial =
          last > first && text_.Lower(last).size() == 1 && words_[last].letters == LetterCase::kInitial;
      const bool capital = words_[last].letters == LetterCase::kInitial && (title || last > first);
      if (!IsNameLike(last) && !initial && !capital) break;
      // A list's name that is an ordinary word and no capital ends a name: "jane will".
      if (last > first && words_[last].letters == LetterCase::kLower && (text_.Bits(last) & kOrdinary) != 0 &&
          (text_.Bits(last) & kLastName) == 0)
        break;
      ++last;
    }
    if (last == first) return false;
    spans_.push_back({text_.BeginOf(first), text_.EndOf(last), Kind::kName, FoundBy::kCue, .85F});
    return true;
  }

  const MarkedText& text_;
  const TextWords& words_;
  Spans& spans_;
};

}  // namespace

void FindSecrets(const MarkedText& text, Spans& spans) { SecretFinder(text, spans).Find(); }

void FindAddresses(const MarkedText& text, Spans& spans) { AddressFinder(text, spans).Find(); }

void FindNames(const MarkedText& text, const std::vector<CodeRun>& runs, Spans& spans) {
  NameFinder(text, spans).Find();
  // "d o e", "j for john o h n": three letters or more behind a cue, four without.
  for (const CodeRun& run : runs) {
    const auto& elements = run.elements;
    if (std::any_of(elements.begin(), elements.end(), [](const CodeElement& e) { return e.digits; }))
      continue;
    const bool cue =
        text.CueFor(elements.front().first, elements.back().last, ListBit(List::kName)).has_value();
    if (elements.size() < (cue ? 3U : 4U)) continue;
    spans.push_back({text.BeginOf(elements.front().first), text.EndOf(elements.back().last), Kind::kName,
                     cue ? FoundBy::kCue : FoundBy::kShape, cue ? .8F : .5F});
  }
}

}  // namespace sotto
