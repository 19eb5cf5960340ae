#include "text/consent.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>

#include "text/edit_distance.h"
#include "text/normalise.h"
#include "text/spoken_numbers.h"

namespace sotto {
namespace {

constexpr double kClassifierSure = 0.5;
constexpr size_t kMostWordsBefore = 14;  // a "go ahead"
constexpr size_t kWordsPastNegation =
    3;  // that it reaches: "don't use it any more, go ahead" denies no going ahead

// What the parts of an answer are.
enum ConsentPart : uint32_t {
  kAgrees = 1,      // "yes", "go ahead"
  kPlease = 2,      //
  kVerb = 4,        // the act: "pay", "cancel"
  kLeaving = 8,     // the act, by a verb that also drops things: "cancel"
  kPast = 16,       // "cancelled"
  kNoun = 32,       // "payment"
  kObject = 64,     // "card"
  kPronoun = 128,   // "it"
  kValue = 256,     // "two hundred"
  kLead = 512,      // "i want you to"
  kWeakLead = 1024  // "just"
};

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

// One answer against what was read back.
class Reader {
 public:
  Reader(const LanguageData& language, std::string_view text, const ReadBack& read_back)
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

  bool empty() const { return words_.empty(); }
  bool asks() const { return asks_; }

  // The parts of the sentence, for each way to read it; none where something else is in it.
  std::set<uint32_t> Readings(size_t begin = 0) const {
    std::vector<std::set<uint32_t>> reached(words_.size() + 1);
    reached[begin].insert(0);
    for (size_t at = begin; at < words_.size(); ++at) {
      if (reached[at].empty()) continue;
      for (const auto& [length, part] : PartsAt(at)) {
        for (const uint32_t mask : reached[at]) reached[at + length].insert(mask | part);
      }
    }
    return reached.back();
  }

  bool SaysYes() const {
    const std::set<uint32_t> readings = Readings();
    return std::any_of(readings.begin(), readings.end(), [](uint32_t parts) { return Agrees(parts); });
  }

  // "..., go ahead", "..., yes", "yes, ..., pay it": what stands before it must not speak against it.
  bool EndsWithGoAhead() const {
    const bool yes = BeginsWithYes();
    for (size_t at = 1; at < words_.size() && at <= kMostWordsBefore; ++at) {
      // "You wrote go ahead" asks for nothing: a yes stands before it, or a pause.
      const bool pause = (normalised_[at].before & NormalisedWord::kPause) != 0;
      const std::set<uint32_t> readings = Readings(at);
      const bool agrees = std::any_of(readings.begin(), readings.end(),
                                      [](uint32_t parts) { return (parts & kAgrees) != 0; });
      if (agrees && HoldsGoAhead(at)) return (yes || pause) && NothingAgainst(at, yes);
      // "I'm saving up, yes": a yes of its own.
      if (agrees && pause && language_.plain_yes.MatchesAt(words_, at) > 0)
        return NothingAgainst(at, false) && !NamesThings(at);
      if (agrees) return false;
      if (yes && HoldAct(readings, kPronoun | kObject)) return NothingAgainst(at, true);
    }
    return false;
  }

  // The act alone was said.
  bool RestatesAct() const { return HoldAct(Readings(), kPronoun | kObject | kNoun); }

  // The first word that is not only politeness or agreement: where "^" phrases begin.
  size_t Beginning() const {
    size_t at = 0;
    while (at < words_.size()) {
      const size_t length =
          std::max({language_.fillers.MatchesAt(words_, at), language_.polite.MatchesAt(words_, at),
                    language_.please.MatchesAt(words_, at), language_.address.MatchesAt(words_, at),
                    language_.yes.MatchesAt(words_, at), language_.asides.MatchesAt(words_, at), NameAt(at)});
      if (length == 0) break;
      at += length;
    }
    return at;
  }

  // A question at the beginning, or a number that is no part of a phrase ("make that a grand"), vetoes too.
  bool Vetoed() const {
    if (OpensQuestion(Beginning()) || NamesOtherNumber()) return true;
    for (size_t at = 0; at < words_.size(); ++at) {
      if (const size_t aside = language_.asides.MatchesAt(words_, at); aside > 0) {
        at += aside - 1;
      } else if (language_.vetoes.MatchesAt(words_, at, at == 0) > 0) {
        return true;
      }
    }
    return false;
  }

  bool Finds(const PhraseList& list) const { return list.Found(words_, Beginning()); }

  // A number that is not what was read back and no part of a phrase: "one moment", "that's the one".
  bool NamesOtherNumber() const {
    for (size_t at = 0; at < words_.size(); ++at) {
      const NumberReading* reading = NumberAt(at);
      if (reading == nullptr) continue;
      if (!IsKnownNumber(*reading) && !InsidePhrase(*reading)) return true;
      at = reading->end - 1;
    }
    return false;
  }
  bool NamesOtherValue() const {
    for (size_t at = 0; at < words_.size(); ++at) {
      if (OtherValueAt(at)) return true;
    }
    return false;
  }

  // What other values the words give, to one slot each.
  Json OtherValues() const {
    Json values = Json::object();
    if (back_.words == nullptr || language_.negations.Found(words_)) return values;
    for (const ToolWords::Slot& slot : back_.words->slots) {
      if (const std::optional<Json> value = OtherValueOf(slot)) values[slot.name] = *value;
    }
    return values;
  }

  std::vector<std::string> Tokens() const {
    std::vector<std::string> tokens;
    for (size_t at = 0; at < words_.size();) {
      const auto add = [&](std::string_view token, size_t length) {
        if (length == 0) return false;
        tokens.emplace_back(token);
        at += length;
        return true;
      };
      if (add("<value>", PlainValueAt(at)) || add("<name>", NameAt(at))) continue;
      if (const NumberReading* reading = NumberAt(at);
          reading != nullptr && language_.yes.MatchesAt(words_, at) == 0) {
        add("<number>", reading->end - at);
        continue;
      }
      // Words that agree ("go", "do", "that's right") keep their own meaning.
      if (back_.words != nullptr && language_.yes.MatchesAt(words_, at) == 0) {
        if (add("<acted>", back_.words->past.MatchesAt(words_, at)) ||
            add("<act>", back_.words->verbs.MatchesAt(words_, at)) ||
            add("<noun>", back_.words->nouns.MatchesAt(words_, at)) ||
            add("<object>", back_.words->objects.MatchesAt(words_, at)) || add("<value>", SaidAt(at)))
          continue;
      }
      // Whom one speaks to, politeness and asides change nothing, and there is no end of words for them.
      if (const size_t length =
              std::max({language_.address.MatchesAt(words_, at), language_.asides.MatchesAt(words_, at),
                        language_.polite.MatchesAt(words_, at), language_.fillers.MatchesAt(words_, at)});
          length > 0 && length < words_.size()) {
        at += length;
        continue;
      }
      tokens.emplace_back(words_[at++]);
    }
    return tokens;
  }

 private:
  struct Known {
    const ToolWords::Slot* slot;
    const Json* value;
    PhraseList own;  // the value's own words
  };
  using LengthAndPart = std::pair<size_t, uint32_t>;

  // Clauses of what was read back, without those that ask.
  void AddSaid(std::string_view said) {
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
  size_t SaidAt(size_t at) const {
    size_t longest = 0;
    for (const std::vector<std::string>& clause : said_) {
      for (size_t from = 0; from < clause.size(); ++from) {
        size_t n = 0;
        while (from + n < clause.size() && at + n < words_.size() && clause[from + n] == words_[at + n]) ++n;
        longest = std::max(longest, n);
      }
    }
    const bool alone = longest == 1 && (words_[at].size() < 4 ||
                                        Speaks(at, {&language_.change, &language_.no, &language_.questions}));
    return alone ? 0 : longest;
  }

  bool Speaks(size_t at, std::initializer_list<const PhraseList*> lists, bool beginning = true) const {
    return std::any_of(lists.begin(), lists.end(),
                       [&](const PhraseList* list) { return list->MatchesAt(words_, at, beginning) > 0; });
  }

  bool BeginsWithYes() const {
    const size_t end = Beginning();
    for (size_t at = 0; at < end; ++at) {
      if (language_.yes.MatchesAt(words_, at) > 0) return true;
    }
    return false;
  }
  // The act, on one of the parts `on`: "pay it", "cancel the card".
  static bool HoldAct(const std::set<uint32_t>& readings, uint32_t on) {
    return std::any_of(readings.begin(), readings.end(), [on](uint32_t parts) {
      return (parts & (kVerb | kLeaving)) != 0 && (parts & on) != 0;
    });
  }
  bool HoldsGoAhead(size_t from) const {
    for (size_t at = from; at < words_.size(); ++at) {
      if (language_.go_ahead.MatchesAt(words_, at) > 0) return true;
    }
    return false;
  }
  // `twice`: somebody says yes before it too. Then a negation that ends long before `end` denies something else.
  bool NothingAgainst(size_t end, bool twice) const {
    const size_t beginning = Beginning();
    for (size_t at = 0; at < end; ++at) {
      const size_t harmless = std::max({language_.asides.MatchesAt(words_, at),
                                        language_.yes.MatchesAt(words_, at), SaidAt(at), PlainValueAt(at)});
      if (harmless > 0) {
        at += harmless - 1;
        continue;
      }
      // In the middle of a clause "does" asks nothing.
      const bool opens = !twice || at == beginning || (normalised_[at].before & NormalisedWord::kPause) != 0;
      if (Speaks(at,
                 {&language_.vetoes, &language_.wait, &language_.drop, &language_.questions, &language_.later,
                  &language_.change, &language_.unsure, &language_.hearsay},
                 opens) ||
          OtherValueAt(at))
        return false;
      const bool bare = language_.bare_negations.MatchesAt(words_, at) > 0;
      if (bare ? !twice || at + kWordsPastNegation > end : Speaks(at, {&language_.no, &language_.negations}))
        return false;
      // "to John": a value that nobody read back. Another number is told by itself.
      for (const Known& known : known_) {
        if (known.slot->number || known.slot->digits) continue;
        for (const size_t marker : known.slot->markers.LengthsAt(words_, at)) {
          const bool tells = !twice || language_.prepositions.MatchesAt(words_, at) > 0;
          if (tells && ValueOf(known, PastDeterminers(known, at + marker)) == 0) return false;
        }
      }
    }
    return language_.no_order.MatchesAt(words_, end - 1) == 0;
  }

  // Whether what the tool is about is named before `end`, and not as it was read back: "my mother's account".
  bool NamesThings(size_t end) const {
    if (back_.words == nullptr) return false;
    for (size_t at = 0; at < end; ++at) {
      if (const size_t said = std::max(SaidAt(at), PlainValueAt(at)); said > 0) {
        at += said - 1;
      } else if (back_.words->objects.MatchesAt(words_, at) > 0 ||
                 back_.words->nouns.MatchesAt(words_, at) > 0 ||
                 back_.words->verbs.MatchesAt(words_, at) > 0 ||
                 language_.determiners.MatchesAt(words_, at) > 0) {
        return true;
      }
    }
    return false;
  }

  static bool Agrees(uint32_t parts) {
    const auto has = [parts](uint32_t part) { return (parts & part) != 0; };
    if (has(kAgrees)) return true;
    const bool wanted = has(kLead) || has(kPlease) || has(kPronoun) || has(kObject) || has(kValue);
    if (has(kVerb) && wanted) return true;
    // "Cancel it" may mean the conversation; "cancel the card", "I want it cancelled" do not.
    if (has(kLeaving) && (has(kObject) || has(kValue) || has(kLead))) return true;
    if (has(kPast) && (has(kLead) || has(kWeakLead))) return true;
    if (has(kNoun) && has(kLead)) return true;
    return parts == kPlease;
  }

  size_t NameAt(size_t at) const {
    return back_.words == nullptr ? 0 : back_.words->names.MatchesAt(words_, at);
  }

  const NumberReading* NumberAt(size_t at) const {
    const NumberReading* longest = nullptr;
    for (const NumberReading& reading : readings_) {
      if (reading.begin != at || reading.kind == NumberKind::kOrdinal || !reading.maximal) continue;
      if (longest == nullptr || reading.end > longest->end) longest = &reading;
    }
    return longest;
  }

  // Whether a phrase holds the whole number: "that's the one", "just one moment", "hundred percent".
  bool InsidePhrase(const NumberReading& reading) const {
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

  // Whether the phrase that begins a question there is longer than any that agrees.
  bool OpensQuestion(size_t at) const {
    return at < words_.size() && language_.questions.MatchesAt(words_, at, true) > 0;
  }

  bool SameNumber(const Known& known, const NumberReading& reading) const {
    if (known.slot->digits) {
      return known.value->is_string() && reading.text == known.value->get_ref<const std::string&>();
    }
    return known.slot->number && known.value->is_number() && reading.kind != NumberKind::kDigits &&
           std::abs(reading.value - known.value->get<double>()) < 1e-9;
  }

  bool IsKnownNumber(const NumberReading& maximal) const {
    return std::any_of(readings_.begin(), readings_.end(), [&](const NumberReading& reading) {
      if (reading.begin != maximal.begin || reading.end != maximal.end) return false;
      return std::any_of(known_.begin(), known_.end(),
                         [&](const Known& known) { return SameNumber(known, reading); });
    });
  }

  // The words from `at` that say this slot's value; its whole number or nothing.
  size_t ValueOf(const Known& known, size_t at) const {
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

  size_t PlainValueAt(size_t at) const {
    size_t length = 0;
    for (const Known& known : known_) length = std::max(length, ValueOf(known, at));
    return length;
  }

  // A listed value of a slot, but not the one it has.
  bool OtherValueAt(size_t at) const {
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
  std::optional<Json> OtherValueOf(const ToolWords::Slot& slot) const {
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
        const auto said = std::find_if(
            slot.values.begin(), slot.values.end(),
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
  bool Ambiguous(const Known& known, bool* first) const {
    *first = true;
    bool ambiguous = false;
    for (const Known& other : known_) {
      if (&other == &known || other.slot->entity != known.slot->entity) continue;
      ambiguous = ambiguous || *other.value != *known.value;
      if (&other < &known) *first = false;
    }
    return ambiguous;
  }

  void AddValues(size_t at, std::vector<LengthAndPart>& parts) const {
    for (const Known& known : known_) {
      // "from my checking": the marker must be one of this slot's.
      for (const size_t marker : known.slot->markers.LengthsAt(words_, at)) {
        const size_t value_at = PastDeterminers(known, at + marker);
        if (const size_t length = ValueOf(known, value_at))
          parts.emplace_back(value_at + length - at, kValue);
      }
      const size_t length = ValueOf(known, at);
      if (length == 0) continue;
      bool first = false;
      if (Ambiguous(known, &first)) {
        // "checking to savings": the first of the two, and the second follows with its marker.
        if (!first || !OthersFollow(known, at + length)) continue;
      }
      parts.emplace_back(length, kValue);
      const size_t after = language_.after_values.MatchesAt(words_, at + length);
      if (after > 0) parts.emplace_back(length + after, kValue);
    }
  }

  // "my savings": from "my" to the value, if it is one.
  size_t PastDeterminers(const Known& known, size_t at) const {
    while (at < words_.size() && ValueOf(known, at) == 0) {
      const size_t length = language_.determiners.MatchesAt(words_, at);
      if (length == 0) break;
      at += length;
    }
    return at;
  }

  bool OthersFollow(const Known& known, size_t from) const {
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

  std::vector<LengthAndPart> PartsAt(size_t at) const {
    std::vector<LengthAndPart> parts;
    const auto add = [&](const PhraseList& list, uint32_t part) {
      for (const size_t length : list.LengthsAt(words_, at)) parts.emplace_back(length, part);
    };
    add(language_.yes, kAgrees);
    add(language_.please, kPlease);
    add(language_.fillers, 0);
    add(language_.polite, 0);
    add(language_.address, 0);
    add(language_.now, 0);
    add(language_.asides, 0);
    if (const size_t said = SaidAt(at)) parts.emplace_back(said, 0);
    if (back_.words == nullptr) return parts;
    add(back_.words->names, 0);
    AddValues(at, parts);
    if (OtherValueAt(at)) return parts;  // only a phrase that agrees may hold it
    add(language_.leads, kLead);
    add(language_.weak_leads, kWeakLead);
    add(language_.objects, kPronoun);
    add(language_.determiners, 0);
    for (const size_t length : back_.words->verbs.LengthsAt(words_, at)) {
      const bool leaving = language_.acts_of_leaving.MatchesAt(words_, at) > 0;
      parts.emplace_back(length, leaving ? kLeaving : kVerb);
    }
    add(back_.words->past, kPast);
    add(back_.words->nouns, kNoun);
    add(back_.words->objects, kObject);
    return parts;
  }

  const LanguageData& language_;
  const ReadBack& back_;
  const bool asks_;
  const std::vector<NormalisedWord> normalised_;
  const std::vector<std::string_view> words_;
  const std::vector<NumberReading> readings_;
  std::vector<Known> known_;
  std::vector<std::vector<std::string>> said_;  // clauses, in words
};

double ProbabilityOfYes(const LanguageData& language, const Reader& reader) {
  const std::vector<std::string> tokens = reader.Tokens();
  const std::vector<std::string_view> views(tokens.begin(), tokens.end());
  return language.consent_model.Probability(views, "yes");
}

}  // namespace

std::string_view AnswerName(Answer answer) {
  switch (answer) {
    case Answer::kYes:
      return "yes";
    case Answer::kNo:
      return "no";
    case Answer::kDrop:
      return "drop";
    case Answer::kChange:
      return "change";
    case Answer::kLater:
      return "later";
    case Answer::kWait:
      return "wait";
    case Answer::kQuestion:
      return "question";
    case Answer::kUnsure:
      return "unsure";
    case Answer::kOther:
      return "other";
  }
  return "other";
}

Judgement JudgeAnswer(const LanguageData& language, std::string_view text, const ReadBack& read_back) {
  const Reader reader(language, text, read_back);
  Judgement judged;
  if (reader.empty()) return judged;
  judged.by_rules = !reader.asks() && !reader.Vetoed() && (reader.SaysYes() || reader.EndsWithGoAhead());
  if (judged.by_rules) {
    judged.p_yes = ProbabilityOfYes(language, reader);
    judged.answer = judged.p_yes >= kClassifierSure ? Answer::kYes : Answer::kUnsure;
  } else if (reader.Finds(language.wait)) {
    judged.answer = Answer::kWait;
  } else if (reader.Finds(language.drop)) {
    judged.answer = Answer::kDrop;
  } else if (reader.asks() || reader.Finds(language.questions)) {
    judged.answer = Answer::kQuestion;
  } else if (reader.Finds(language.later)) {
    judged.answer = Answer::kLater;
  } else if (reader.NamesOtherNumber() || reader.NamesOtherValue() || reader.Finds(language.change)) {
    judged.answer = Answer::kChange;
  } else if (reader.Finds(language.no)) {
    judged.answer = Answer::kNo;
  } else if (reader.Vetoed() || reader.Finds(language.unsure)) {
    judged.answer = Answer::kUnsure;
  }
  return judged;
}

Json OtherValues(const LanguageData& language, std::string_view text, const ReadBack& read_back) {
  return Reader(language, text, read_back).OtherValues();
}

bool IsActRestated(const LanguageData& language, std::string_view text, const ReadBack& read_back) {
  const Reader reader(language, text, read_back);
  return !reader.empty() && !reader.asks() && reader.RestatesAct();
}

bool IsBackchannel(const LanguageData& language, std::string_view text, bool answer_expected) {
  const std::vector<std::string_view> words = SplitWords(text);
  for (size_t at = 0; at < words.size();) {
    size_t length = language.backchannels.MatchesAt(words, at);
    if (length == 0 && !answer_expected) length = language.backchannels_or_answers.MatchesAt(words, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

}  // namespace sotto
