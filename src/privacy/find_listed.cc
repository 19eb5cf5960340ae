#include "privacy/finders.h"
#include "text/number_lexicon.h"

namespace sotto {
namespace {

using List = PrivacyList;
using Kind = PersonalKind;

constexpr uint64_t kNoNames = ListBit(List::kMonths) | ListBit(List::kCities) | ListBit(List::kStates) |
                              ListBit(List::kCountries) | ListBit(List::kNationalities) |
                              ListBit(List::kTitles) | ListBit(List::kStreets) | ListBit(List::kCard) |
                              ListBit(List::kAccount) | ListBit(List::kMailProviders);
constexpr size_t kShortestName = 3;

class ListFinder {
 public:
  ListFinder(const MarkedText& text, Spans& spans) : text_(text), words_(text.words()), spans_(spans) {}

  void Find() {
    for (size_t i = 0; i < text_.size();) {
      size_t n = Listed(i);
      if (n == 0) n = NameAt(i);
      if (n == 0) n = AgeAt(i);
      if (n == 0) n = YearAt(i);
      i += std::max<size_t>(n, 1);
    }
  }

 private:
  void Add(size_t first, size_t n, Kind kind, float confidence) {
    spans_.push_back({text_.BeginOf(first), text_.EndOf(first + n), kind, FoundBy::kShape, confidence});
  }

  size_t Listed(size_t i) {
    for (const auto& [list, kind] :
         {std::pair{List::kNationalities, Kind::kNationality}, std::pair{List::kCountries, Kind::kPlace},
          std::pair{List::kStates, Kind::kPlace}, std::pair{List::kCities, Kind::kPlace}}) {
      const size_t n = text_.Matches(list, i);
      if (n == 0 || (n == 1 && IsOrdinary(i) && words_[i].letters != LetterCase::kInitial)) continue;
      Add(i, n, kind, .5F);
      return n;
    }
    return 0;
  }

  bool IsOrdinary(size_t i) const { return (text_.Bits(i) & kOrdinary) != 0; }
  bool IsName(size_t i, uint16_t bit) const {
    return i < text_.size() && !words_[i].digits && (text_.Bits(i) & bit) != 0 && !IsOrdinary(i) &&
           (text_.ListsOf(i) & kNoNames) == 0 && text_.Lower(i).size() >= kShortestName;
  }

  // "Smith" behind "John" is a name though a smith is none.
  bool IsLaterName(size_t i) const {
    if (IsName(i, kFirstName | kLastName)) return true;
    return i < text_.size() && words_[i].letters == LetterCase::kInitial &&
           (text_.Bits(i) & kLastName) != 0 && (text_.ListsOf(i) & kNoNames) == 0 &&
           text_.Lower(i).size() >= kShortestName;
  }

  // "john", "jane doe": a first name that is no ordinary word, and the last name behind it.
  size_t NameAt(size_t i) {
    if (!IsName(i, kFirstName)) return 0;
    size_t n = 1;
    while (n < 3 && IsLaterName(i + n) && (words_[i + n].gap & ~(kGapSpace | kGapHyphen)) == 0) ++n;
    Add(i, n, Kind::kName, .5F);
    return n;
  }

  size_t AgeAt(size_t i) {
    size_t n = 0;
    if (words_[i].digits) {
      n = words_[i].lower.size() <= 3 ? 1 : 0;
    } else if (const auto* entry = NumberLexicon::English().Find(words_.Lower(i)); entry != nullptr) {
      if (entry->part == NumberPart::kUnit || entry->part == NumberPart::kTeen) n = 1;
      if (entry->part == NumberPart::kTens) {
        const auto* unit = NumberLexicon::English().Find(words_.Lower(i + 1));
        n = unit != nullptr && unit->part == NumberPart::kUnit ? 2 : 1;
      }
    }
    if (n == 0 || words_.Glued(i)) return 0;
    const bool behind = text_.Matches(List::kAgeBehind, i + n) > 0;
    bool before = false;
    if (!behind && i > 0 && (i + n == text_.size() || (words_[i + n].gap & ~kGapSpace) != 0))
      before = text_.Within(List::kAgeBefore, i - 1) && words_[i].gap == kGapSpace;
    if (!behind && !before) return 0;
    Add(i, n, Kind::kAge, .6F);
    return n;
  }

  size_t YearAt(size_t i) {
    if (i == 0 || !words_[i].digits || words_[i].lower.size() != 4 || words_[i].gap != kGapSpace) return 0;
    const std::string_view century = words_[i].lower.substr(0, 2);
    if ((century != "19" && century != "20") || !text_.Within(List::kYearBefore, i - 1)) return 0;
    Add(i, 1, Kind::kDate, .5F);
    return 1;
  }

  const MarkedText& text_;
  const TextWords& words_;
  Spans& spans_;
};

}  // namespace

void FindListed(const MarkedText& text, Spans& spans) { ListFinder(text, spans).Find(); }

}  // namespace sotto
