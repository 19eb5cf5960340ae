#include "text/answer_words.h"

#include <algorithm>
#include <cmath>

#include "text/edit_distance.h"

namespace sotto {
namespace {

// "yse" is nothing but a slip for "yes": a word that there is not, one edit from one that agrees. Short words differ by
// two letters that changed places, or they would be other words.
constexpr std::string_view kSlipsOf[] = {"yes",        "yeah",     "yep",       "ahead",   "please",
                                         "correct",    "right",    "sure",      "okay",    "proceed",
                                         "definitely", "confirm",  "confirmed", "exactly", "perfect",
                                         "absolutely", "approved", "agreed",    "thank",   "you"};

void CorrectSlips(const LanguageData& language, std::vector<NormalisedWord>& words) {
  if (language.words.empty()) return;
  for (NormalisedWord& word : words) {
    if (word.text.size() < 3 || language.words.Contains(word.text)) continue;
    for (const std::string_view meant : kSlipsOf) {
      const bool swapped = word.text.size() == meant.size();
      const bool either = std::min(word.text.size(), meant.size()) >= 4;
      if (!either && !swapped) continue;
      if (!WithinEdits(std::string_view(word.text), meant, 1, Edits::kSwaps)) continue;
      if (!either && EditDistance(std::string_view(word.text), meant) < 2) continue;
      word.text = meant;
      break;
    }
  }
}

std::vector<NormalisedWord> ReadWords(const LanguageData& language, std::string_view text) {
  std::vector<NormalisedWord> words = NormaliseSpokenWords(text);
  CorrectSlips(language, words);
  return words;
}

std::vector<std::string_view> Views(const std::vector<NormalisedWord>& words) {
  std::vector<std::string_view> views;
  views.reserve(words.size());
  for (const NormalisedWord& word : words) views.push_back(word.text);
  return views;
}

bool Asks(std::string_view text) {
  return text.find('?') != std::string_view::npos || text.find("\xEF\xBC\x9F") != std::string_view::npos ||
         text.find("\xC2\xBF") != std::string_view::npos;
}

}  // namespace

AnswerWords::AnswerWords(const LanguageData& language, std::string_view text, const ReadBack& read_back)
    : language_(language),
      back_(read_back),
      asks_(Asks(text)),
      normalised_(ReadWords(language, text)),
      words_(Views(normalised_)),
      readings_(ReadNumbers(words_)) {
  if (back_.words == nullptr) return;
  for (const ToolWords::Slot& slot : back_.words->slots) {
    const auto found = back_.slots.find(slot.name);
    if (found == back_.slots.end()) continue;
    Known known{&slot, &*found, {}};
    if (found->is_string()) known.own.AddWords(found->get_ref<const std::string&>());
    known_.push_back(std::move(known));
  }
  for (const std::string& said : back_.said) AddSaid(said);
}

// Clauses of what was read back, without those that ask.
void AnswerWords::AddSaid(std::string_view said) {
  for (size_t begin = 0; begin < said.size();) {
    const size_t end = std::min(said.find_first_of(".,:;?!", begin), said.size());
    std::vector<std::string> words;
    for (NormalisedWord& word : NormaliseSpokenWords(said.substr(begin, end - begin)))
      words.push_back(std::move(word.text));
    const std::vector<std::string_view> views(words.begin(), words.end());
    if (!views.empty() && language_.questions.MatchesAt(views, 0, true) == 0)
      said_.push_back(std::move(words));
    begin = end + 1;
  }
}

// The words from `at` that were read back in that order: at least two, or one that says something by itself.
size_t AnswerWords::SaidAt(size_t at) const {
  size_t longest = 0;
  for (const std::vector<std::string>& clause : said_) {
    for (size_t from = 0; from < clause.size(); ++from) {
      size_t n = 0;
      while (from + n < clause.size() && at + n < words_.size() && clause[from + n] == words_[at + n]) ++n;
      longest = std::max(longest, n);
    }
  }
  const auto speaks = [&](const PhraseList& list) { return list.MatchesAt(words_, at, true) > 0; };
  const bool alone = longest == 1 && (words_[at].size() < 4 || speaks(language_.change) ||
                                      speaks(language_.no) || speaks(language_.questions));
  return alone ? 0 : longest;
}

size_t AnswerWords::NameAt(size_t at) const {
  return back_.words == nullptr ? 0 : back_.words->names.MatchesAt(words_, at);
}

const NumberReading* AnswerWords::NumberAt(size_t at) const {
  const NumberReading* longest = nullptr;
  for (const NumberReading& reading : readings_) {
    if (reading.begin != at || reading.kind == NumberKind::kOrdinal || !reading.maximal) continue;
    if (longest == nullptr || reading.end > longest->end) longest = &reading;
  }
  return longest;
}

// Whether a phrase holds the whole number: "that's the one", "just one moment", "hundred percent".
bool AnswerWords::InsidePhrase(const NumberReading& reading) const {
  for (size_t begin = reading.begin > 5 ? reading.begin - 5 : 0; begin <= reading.begin; ++begin) {
    for (const PhraseList* list :
         {&language_.yes, &language_.wait, &language_.objects, &language_.after_values}) {
      if (begin + list->MatchesAt(words_, begin) >= reading.end) return true;
    }
    if (begin + PlainValueAt(begin) >= reading.end) return true;  // "ten gigs"
    if (begin + std::max(SaidAt(begin), language_.asides.MatchesAt(words_, begin)) >= reading.end)
      return true;
  }
  return false;
}

bool AnswerWords::SameNumber(const Known& known, const NumberReading& reading) const {
  if (known.slot->digits) {
    return known.value->is_string() && reading.text == known.value->get_ref<const std::string&>();
  }
  return known.slot->number && known.value->is_number() && reading.kind != NumberKind::kDigits &&
         std::abs(reading.value - known.value->get<double>()) < 1e-9;
}

bool AnswerWords::IsKnownNumber(const NumberReading& maximal) const {
  return std::any_of(readings_.begin(), readings_.end(), [&](const NumberReading& reading) {
    if (reading.begin != maximal.begin || reading.end != maximal.end) return false;
    return std::any_of(known_.begin(), known_.end(),
                       [&](const Known& known) { return SameNumber(known, reading); });
  });
}

// The words from `at` that say this slot's value; its whole number or nothing.
size_t AnswerWords::ValueOf(const Known& known, size_t at) const {
  if (at >= words_.size()) return 0;
  if (known.slot->number || known.slot->digits) {
    const NumberReading* longest = NumberAt(at);
    if (longest == nullptr) return 0;
    for (const NumberReading& reading : readings_) {
      if (reading.begin == at && reading.end == longest->end && SameNumber(known, reading))
        return reading.end - at;
    }
    return 0;
  }
  size_t length = known.own.MatchesAt(words_, at);
  for (const ToolWords::Value& value : known.slot->values) {
    if (known.value->is_string() && value.value == known.value->get_ref<const std::string&>())
      length = std::max(length, value.forms.MatchesAt(words_, at));
  }
  return length;
}

size_t AnswerWords::PlainValueAt(size_t at) const {
  size_t length = 0;
  for (const Known& known : known_) length = std::max(length, ValueOf(known, at));
  return length;
}

// A listed value of a slot, but not the one it has.
bool AnswerWords::OtherValueAt(size_t at) const {
  if (back_.words == nullptr) return false;
  size_t other = 0;
  for (const ToolWords::Slot& slot : back_.words->slots) {
    for (const ToolWords::Value& value : slot.values) {
      const auto held = back_.slots.find(slot.name);
      const bool own = held != back_.slots.end() && held->is_string() &&
                       held->get_ref<const std::string&>() == value.value;
      if (!own) other = std::max(other, value.forms.MatchesAt(words_, at));
    }
  }
  return other > 0 && other > PlainValueAt(at);
}

// The one value that the words give to this slot and could give to no other.
std::optional<Json> AnswerWords::OtherValueOf(const ToolWords::Slot& slot) const {
  const auto like = [&](const ToolWords::Slot& other) {
    return slot.number || slot.digits ? other.number || other.digits : other.entity == slot.entity;
  };
  if (std::count_if(back_.words->slots.begin(), back_.words->slots.end(), like) != 1) return std::nullopt;
  std::optional<Json> only;
  for (size_t at = 0; at < words_.size(); ++at) {
    std::optional<Json> here;
    if (slot.number || slot.digits) {
      const NumberReading* reading = NumberAt(at);
      if (reading == nullptr) continue;
      at = reading->end - 1;
      if (IsKnownNumber(*reading) || InsidePhrase(*reading)) continue;
      here = slot.digits ? Json(reading->text) : Json(reading->value);
    } else {
      const auto said =
          std::find_if(slot.values.begin(), slot.values.end(),
                       [&](const ToolWords::Value& value) { return value.forms.MatchesAt(words_, at) > 0; });
      if (said == slot.values.end() || !OtherValueAt(at)) continue;
      here = said->value;
    }
    if (only && *only != *here) return std::nullopt;
    only = std::move(here);
  }
  return only;
}

// Whether other slots of the entity hold another value, so that the value alone does not say which is
// meant.
bool AnswerWords::Ambiguous(const Known& known, bool* first) const {
  *first = true;
  bool ambiguous = false;
  for (const Known& other : known_) {
    if (&other == &known || other.slot->entity != known.slot->entity) continue;
    ambiguous = ambiguous || *other.value != *known.value;
    if (&other < &known) *first = false;
  }
  return ambiguous;
}

std::vector<size_t> AnswerWords::ValuesAt(size_t at) const {
  std::vector<size_t> lengths;
  for (const Known& known : known_) {
    // "from my checking": the marker must be one of this slot's.
    for (const size_t marker : known.slot->markers.LengthsAt(words_, at)) {
      const size_t value_at = PastDeterminers(known, at + marker);
      if (const size_t length = ValueOf(known, value_at)) lengths.push_back(value_at + length - at);
    }
    const size_t length = ValueOf(known, at);
    if (length == 0) continue;
    bool first = false;
    if (Ambiguous(known, &first)) {
      // "checking to savings": the first of the two, and the second follows with its marker.
      if (!first || !OthersFollow(known, at + length)) continue;
    }
    lengths.push_back(length);
    const size_t after = language_.after_values.MatchesAt(words_, at + length);
    if (after > 0) lengths.push_back(length + after);
  }
  return lengths;
}

// "my savings": from "my" to the value, if it is one.
size_t AnswerWords::PastDeterminers(const Known& known, size_t at) const {
  while (at < words_.size() && ValueOf(known, at) == 0) {
    const size_t length = language_.determiners.MatchesAt(words_, at);
    if (length == 0) break;
    at += length;
  }
  return at;
}

bool AnswerWords::OthersFollow(const Known& known, size_t from) const {
  for (const Known& other : known_) {
    if (&other == &known || other.slot->entity != known.slot->entity || *other.value == *known.value)
      continue;
    bool follows = false;
    for (size_t at = from; at < words_.size(); ++at) {
      for (const size_t marker : other.slot->markers.LengthsAt(words_, at)) {
        follows = follows || ValueOf(other, PastDeterminers(other, at + marker)) > 0;
      }
    }
    if (!follows) return false;
  }
  return true;
}

// A number that is not what was read back and no part of a phrase: "one moment", "that's the one".
bool AnswerWords::NamesOtherNumber() const {
  for (size_t at = 0; at < words_.size(); ++at) {
    const NumberReading* reading = NumberAt(at);
    if (reading == nullptr) continue;
    if (!IsKnownNumber(*reading) && !InsidePhrase(*reading)) return true;
    at = reading->end - 1;
  }
  return false;
}
bool AnswerWords::NamesOtherValue() const {
  for (size_t at = 0; at < words_.size(); ++at) {
    if (OtherValueAt(at)) return true;
  }
  return false;
}

// What other values the words give, to one slot each.
Json AnswerWords::OtherValues() const {
  Json values = Json::object();
  if (back_.words == nullptr || language_.negations.Found(words_)) return values;
  for (const ToolWords::Slot& slot : back_.words->slots) {
    if (const std::optional<Json> value = OtherValueOf(slot)) values[slot.name] = *value;
  }
  return values;
}

bool AnswerWords::UnknownValueAt(size_t at, bool only_prepositions) const {
  for (const Known& known : known_) {
    if (known.slot->number || known.slot->digits) continue;
    for (const size_t marker : known.slot->markers.LengthsAt(words_, at)) {
      const bool tells = !only_prepositions || language_.prepositions.MatchesAt(words_, at) > 0;
      if (tells && ValueOf(known, PastDeterminers(known, at + marker)) == 0) return true;
    }
  }
  return false;
}

}  // namespace sotto
