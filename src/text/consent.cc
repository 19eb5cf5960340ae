#include "text/consent.h"

#include <algorithm>
#include <cstdint>
#include <set>

#include "text/answer_words.h"

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

// One answer against what was read back.
class Reader {
 public:
  Reader(const LanguageData& language, std::string_view text, const ReadBack& read_back)
      : language_(language), back_(read_back), answer_(language, text, read_back), words_(answer_.words()) {}

  bool empty() const { return words_.empty(); }
  bool asks() const { return answer_.asks(); }
  const AnswerWords& answer() const { return answer_; }

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
      const bool pause = answer_.PauseBefore(at);
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
      const size_t length = std::max(
          {language_.fillers.MatchesAt(words_, at), language_.polite.MatchesAt(words_, at),
           language_.please.MatchesAt(words_, at), language_.address.MatchesAt(words_, at),
           language_.yes.MatchesAt(words_, at), language_.asides.MatchesAt(words_, at), answer_.NameAt(at)});
      if (length == 0) break;
      at += length;
    }
    return at;
  }

  // A question at the beginning, or a number that is no part of a phrase ("make that a grand"), vetoes too.
  bool Vetoed() const {
    if (OpensQuestion(Beginning()) || answer_.NamesOtherNumber()) return true;
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

  std::vector<std::string> Tokens() const {
    std::vector<std::string> tokens;
    for (size_t at = 0; at < words_.size();) {
      const auto add = [&](std::string_view token, size_t length) {
        if (length == 0) return false;
        tokens.emplace_back(token);
        at += length;
        return true;
      };
      if (add("<value>", answer_.PlainValueAt(at)) || add("<name>", answer_.NameAt(at))) continue;
      if (const NumberReading* reading = answer_.NumberAt(at);
          reading != nullptr && language_.yes.MatchesAt(words_, at) == 0) {
        add("<number>", reading->end - at);
        continue;
      }
      // Words that agree keep their own meaning: "go", "do", "make it so", which ends like a hesitation.
      if (const size_t agreeing = language_.yes.MatchesAt(words_, at); agreeing > 0) {
        for (const size_t end = at + agreeing; at < end; ++at) tokens.emplace_back(words_[at]);
        continue;
      }
      if (back_.words != nullptr) {
        // "Reset" is an act, and done.
        const size_t act = back_.words->verbs.MatchesAt(words_, at);
        const size_t acted = back_.words->past.MatchesAt(words_, at);
        if (add(acted > act ? "<acted>" : "<act>", std::max(act, acted)) ||
            add("<noun>", back_.words->nouns.MatchesAt(words_, at)) ||
            add("<object>", back_.words->objects.MatchesAt(words_, at)) || add("<value>", answer_.SaidAt(at)))
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
  using LengthAndPart = std::pair<size_t, uint32_t>;

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
      const size_t harmless =
          std::max({language_.asides.MatchesAt(words_, at), language_.yes.MatchesAt(words_, at),
                    answer_.SaidAt(at), answer_.PlainValueAt(at)});
      if (harmless > 0) {
        at += harmless - 1;
        continue;
      }
      // In the middle of a clause "does" asks nothing.
      const bool opens = !twice || at == beginning || answer_.PauseBefore(at);
      if (Speaks(at,
                 {&language_.vetoes, &language_.wait, &language_.drop, &language_.questions, &language_.later,
                  &language_.change, &language_.unsure, &language_.hearsay},
                 opens) ||
          answer_.OtherValueAt(at))
        return false;
      const bool bare = language_.bare_negations.MatchesAt(words_, at) > 0;
      if (bare ? !twice || at + kWordsPastNegation > end : Speaks(at, {&language_.no, &language_.negations}))
        return false;
      if (answer_.UnknownValueAt(at, twice)) return false;
    }
    return language_.no_order.MatchesAt(words_, end - 1) == 0;
  }

  // Whether what the tool is about is named before `end`, and not as it was read back: "my mother's account".
  bool NamesThings(size_t end) const {
    if (back_.words == nullptr) return false;
    for (size_t at = 0; at < end; ++at) {
      if (const size_t said = std::max(answer_.SaidAt(at), answer_.PlainValueAt(at)); said > 0) {
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

  // Whether the phrase that begins a question there is longer than any that agrees.
  bool OpensQuestion(size_t at) const {
    return at < words_.size() && language_.questions.MatchesAt(words_, at, true) > 0;
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
    if (const size_t said = answer_.SaidAt(at)) parts.emplace_back(said, 0);
    if (back_.words == nullptr) return parts;
    add(back_.words->names, 0);
    for (const size_t length : answer_.ValuesAt(at)) parts.emplace_back(length, kValue);
    if (answer_.OtherValueAt(at)) return parts;  // only a phrase that agrees may hold it
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
  const AnswerWords answer_;
  const std::vector<std::string_view>& words_;
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
  } else if (reader.answer().NamesOtherNumber() || reader.answer().NamesOtherValue() ||
             reader.Finds(language.change)) {
    judged.answer = Answer::kChange;
  } else if (reader.Finds(language.no)) {
    judged.answer = Answer::kNo;
  } else if (reader.Vetoed() || reader.Finds(language.unsure)) {
    judged.answer = Answer::kUnsure;
  }
  return judged;
}

Json OtherValues(const LanguageData& language, std::string_view text, const ReadBack& read_back) {
  return AnswerWords(language, text, read_back).OtherValues();
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
