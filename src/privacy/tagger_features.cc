#include "privacy/tagger_features.h"

#include <algorithm>
#include <array>

#include "base/hash.h"

namespace sotto {
namespace {

using List = PrivacyList;

// Lists by a letter each, in the features' names.
constexpr std::pair<List, char> kSeen[] = {{List::kTitles, 't'},       {List::kStreets, 's'},
                                           {List::kAddressUnits, 'u'}, {List::kStates, 'r'},
                                           {List::kStateCodes, 'k'},   {List::kCities, 'c'},
                                           {List::kCountries, 'C'},    {List::kNationalities, 'n'},
                                           {List::kJobs, 'j'},         {List::kOrganisationWords, 'o'},
                                           {List::kMonths, 'm'},       {List::kName, 'N'},
                                           {List::kAddress, 'A'},      {List::kPhone, 'p'},
                                           {List::kBirth, 'b'},        {List::kPostcode, 'z'}};

// One word as the features name it.
struct TaggedWord {
  std::string_view text;  // numbers by their length
  std::array<char, 20> lists{};
  uint8_t n_lists = 0;
  char letters = '-';  // l lower, i initial, c capitals, m mixed, d digits
  char known = '-';    // of the names' lists and the ordinary words
  char gap = '-';      // before it

  std::string_view lists_name() const { return {lists.data(), n_lists}; }
  std::string_view letters_name() const { return {&letters, 1}; }
  std::string_view known_name() const { return {&known, 1}; }
  std::string_view gap_name() const { return {&gap, 1}; }
};

constexpr std::string_view kNumbers[] = {"#1", "#2", "#3", "#4", "#5", "#6", "#7", "#8+"};

char GapLetter(uint16_t gap, size_t i) {
  if (i == 0) return '^';
  if (gap == 0) return 'g';
  if ((gap & kGapLine) != 0) return 'n';
  if ((gap & kGapSentence) != 0) return 's';
  if ((gap & kGapComma) != 0) return ',';
  if ((gap & kGapColon) != 0) return ':';
  if ((gap & kGapQuote) != 0) return 'q';
  if ((gap & (kGapOpen | kGapClose)) != 0) return '(';
  if ((gap & kGapDot) != 0) return '.';
  if ((gap & kGapHyphen) != 0) return '-';
  if ((gap & kGapSlash) != 0) return '/';
  if (gap == kGapSpace) return ' ';
  return 'x';
}

TaggedWord Describe(const MarkedText& text, size_t i) {
  TaggedWord word;
  const TextWord& from = text.words()[i];
  word.gap = GapLetter(from.gap, i);
  if (from.digits) {
    word.letters = 'd';
    // Years look like years.
    const bool year =
        from.lower.size() == 4 && (from.lower.substr(0, 2) == "19" || from.lower.substr(0, 2) == "20");
    word.text = year ? "#year" : kNumbers[std::min<size_t>(from.lower.size(), 8) - 1];
    return word;
  }
  word.text = from.lower;
  constexpr char kCases[] = {'-', 'l', 'i', 'c', 'm'};
  word.letters = kCases[static_cast<size_t>(from.letters)];
  const uint16_t bits = text.Bits(i);
  word.known = static_cast<char>('0' + (bits & 7));
  const uint64_t lists = text.ListsOf(i);
  for (const auto& [list, letter] : kSeen)
    if ((lists & ListBit(list)) != 0) word.lists[word.n_lists++] = letter;
  return word;
}

// The first or last `n` bytes, rounded to whole characters.
bool IsInside(char c) { return (static_cast<uint8_t>(c) & 0xC0) == 0x80; }
std::string_view Head(std::string_view word, size_t n) {
  while (n < word.size() && IsInside(word[n])) ++n;
  return word.substr(0, n);
}
std::string_view Tail(std::string_view word, size_t n) {
  if (word.size() <= n) return word;
  size_t at = word.size() - n;
  while (at > 0 && IsInside(word[at])) --at;
  return word.substr(at);
}

class Writer {
 public:
  Writer(TaggerFeatures& features, bool names) : features_(features), names_(names) {}

  void Add(std::string_view prefix, std::string_view a = {}) {
    features_.hashes.push_back(Fnv1a(a, Fnv1a(prefix)));
    if (names_) features_.names.push_back(std::string(prefix) + std::string(a));
  }
  void Add(std::string_view prefix, std::string_view a, std::string_view b) {
    features_.hashes.push_back(Fnv1a(b, Fnv1a("|", Fnv1a(a, Fnv1a(prefix)))));
    if (names_) features_.names.push_back(fmt::format("{}{}|{}", prefix, a, b));
  }

 private:
  TaggerFeatures& features_;
  const bool names_;
};

}  // namespace

TaggerFeatures ReadTaggerFeatures(const MarkedText& text, bool names) {
  TaggerFeatures features;
  const size_t n = text.size();
  features.hashes.reserve(n * 40);
  features.ends.reserve(n);
  std::vector<TaggedWord> words;
  words.reserve(n + 4);
  TaggedWord edge;
  edge.text = "^";
  edge.gap = '^';
  words.assign(2, edge);
  size_t capitals = 0;
  for (size_t i = 0; i < n; ++i) {
    words.push_back(Describe(text, i));
    if (words.back().letters == 'i' || words.back().letters == 'm') ++capitals;
  }
  edge.gap = GapLetter(text.words().end_gap(), 1);
  words.insert(words.end(), 2, edge);
  // Typed with capitals, without, or in nothing but capitals: what a case is worth depends on it.
  const std::string_view manner = capitals > 0 ? "m" : "l";
  Writer out(features, names);
  for (size_t i = 0; i < n; ++i) {
    const TaggedWord& two_before = words[i];
    const TaggedWord& before = words[i + 1];
    const TaggedWord& word = words[i + 2];
    const TaggedWord& behind = words[i + 3];
    const TaggedWord& two_behind = words[i + 4];
    out.Add("w=", word.text);
    out.Add("w-1=", before.text);
    out.Add("w-2=", two_before.text);
    out.Add("w+1=", behind.text);
    out.Add("w+2=", two_behind.text);
    out.Add("w-1w=", before.text, word.text);
    out.Add("ww+1=", word.text, behind.text);
    out.Add("w-2w-1=", two_before.text, before.text);
    out.Add("c=", word.letters_name(), manner);
    out.Add("cg=", word.letters_name(), word.gap_name());
    out.Add("cw-1=", word.letters_name(), before.text);
    out.Add("cw+1=", word.letters_name(), behind.text);
    out.Add("cc-1=", word.letters_name(), before.letters_name());
    out.Add("cc+1=", word.letters_name(), behind.letters_name());
    out.Add("g=", word.gap_name());
    out.Add("g+1=", behind.gap_name());
    out.Add("gg+1=", word.gap_name(), behind.gap_name());
    out.Add("k=", word.known_name(), word.letters_name());
    out.Add("km=", word.known_name(), manner);
    out.Add("kk-1=", word.known_name(), before.known_name());
    out.Add("kk+1=", word.known_name(), behind.known_name());
    out.Add("kw-1=", word.known_name(), before.text);
    out.Add("kw+1=", word.known_name(), behind.text);
    out.Add("l=", word.lists_name(), word.letters_name());
    out.Add("l-1=", before.lists_name(), word.letters_name());
    out.Add("l+1=", behind.lists_name(), word.letters_name());
    out.Add("l-2=", two_before.lists_name());
    out.Add("l+2=", two_behind.lists_name());
    out.Add("lk=", before.lists_name(), word.known_name());
    if (word.letters != 'd') {
      out.Add("p3=", Head(word.text, 3));
      out.Add("s2=", Tail(word.text, 2));
      out.Add("s3=", Tail(word.text, 3));
      out.Add("s4=", Tail(word.text, 4));
    }
    features.ends.push_back(static_cast<uint32_t>(features.hashes.size()));
  }
  return features;
}

}  // namespace sotto
