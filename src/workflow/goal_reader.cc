#include "workflow/goal_reader.h"

#include <algorithm>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"
#include "text/normalise.h"
#include "text/said_digits.h"
#include "text/said_numbers.h"

namespace sotto {
namespace {

constexpr size_t kMostValueWords = 10;
constexpr size_t kMostSentenceWords = 60;
constexpr int kMostVisits = 200000;  // of the graph: no sentence comes near it

using SpokenWords = std::vector<NormalisedWord>;

std::vector<std::string_view> TextsOf(std::span<const NormalisedWord> words) {
  std::vector<std::string_view> texts;
  for (const NormalisedWord& word : words) texts.push_back(word.text);
  return texts;
}

std::string JoinedText(std::span<const NormalisedWord> words) {
  std::string joined;
  for (const NormalisedWord& word : words) joined += (joined.empty() ? "" : " ") + word.text;
  return joined;
}

std::optional<Json> NumberOf(const Slot& slot, std::span<const NormalisedWord> words) {
  const Entity& entity = slot.entity;
  NumberWanted wanted;
  wanted.money = entity.type == Entity::Type::kMoney;
  if (wanted.money) wanted.currency = entity.currency;
  wanted.usual_min = entity.usual_min ? entity.usual_min : entity.min;
  wanted.usual_max = entity.usual_max ? entity.usual_max : entity.max;
  std::vector<NumberReading> readings = ReadNumbers(words);
  std::erase_if(readings, [&](const NumberReading& reading) {
    return reading.begin != 0 || reading.end != words.size() || reading.kind == NumberKind::kPercent ||
           reading.kind == NumberKind::kOrdinal || reading.standing != NumberStanding::kSaid;
  });
  if (readings.empty()) return std::nullopt;
  const std::vector<SaidNumber> said = SaidNumbers(readings, wanted);
  if (said.size() != 1 || said[0].fit != SaidNumber::Fit::kPlain) return std::nullopt;
  return said[0].value;
}

std::optional<Json> ListedValueOf(const LanguageData& language, const Slot& slot,
                                  std::span<const NormalisedWord> words) {
  const auto texts = TextsOf(words);
  size_t first = 0;
  while (first < words.size()) {
    const size_t length = language.determiners.MatchesAt(texts, first);
    if (length == 0) break;
    first += length;
  }
  const std::string said = JoinedText(words.subspan(std::min(first, words.size())));
  if (said.empty()) return std::nullopt;
  const auto is = [&](std::string_view form) { return NormaliseSpoken(form) == said; };
  for (const EntityValue& value : slot.entity.values) {
    if (is(PlainWords(value.value)) || is(value.spoken) ||
        std::any_of(value.synonyms.begin(), value.synonyms.end(), is))
      return ValueJson(slot.entity, value.value);
  }
  return std::nullopt;
}

// The value that all of the words are.
std::optional<Json> ValueOf(const LanguageData& language, const Slot& slot,
                            std::span<const NormalisedWord> words) {
  switch (slot.entity.type) {
    case Entity::Type::kMoney:
    case Entity::Type::kNumber:
      return NumberOf(slot, words);
    case Entity::Type::kDigits: {
      NumberOptions options;
      options.numbers = false;
      std::vector<NumberReading> readings = ReadNumbers(words, options);
      std::erase_if(readings, [&](const NumberReading& reading) {
        return reading.begin != 0 || reading.end != words.size();
      });
      const auto digits = SaidDigits(TextsOf(words), readings, static_cast<size_t>(slot.entity.length));
      return digits.size() == 1 ? std::optional<Json>(digits[0]) : std::nullopt;
    }
    case Entity::Type::kEnum:
    case Entity::Type::kText:
      return ListedValueOf(language, slot, words);
    default:
      return std::nullopt;
  }
}

// The sentence without what may stand around anything.
SpokenWords WordsToRead(const LanguageData& language, std::string_view text) {
  SpokenWords words = NormaliseSpokenWords(text);
  if (words.size() > kMostSentenceWords) return {};
  const auto around = [&](const std::vector<std::string_view>& texts, size_t at, bool first) {
    return std::max({language.fillers.MatchesAt(texts, at), language.please.MatchesAt(texts, at),
                     language.polite.MatchesAt(texts, at), language.address.MatchesAt(texts, at),
                     first ? language.interjections.MatchesAt(texts, at) : size_t{0},
                     first ? language.leads.MatchesAt(texts, at) : language.now.MatchesAt(texts, at),
                     first ? language.requests.MatchesAt(texts, at, true) : size_t{0}});
  };
  size_t begin = 0;
  const auto texts = TextsOf(words);
  while (begin < words.size()) {
    const size_t length = around(texts, begin, true);
    if (length == 0) break;
    begin += length;
  }
  size_t end = words.size();
  for (bool shorter = true; shorter && end > begin;) {
    shorter = false;
    for (size_t length = std::min<size_t>(5, end - begin); length > 0 && !shorter; --length) {
      const size_t at = end - length;
      if (around(texts, at, false) != length) continue;
      end = at;
      shorter = true;
    }
  }
  words.erase(words.begin() + static_cast<std::ptrdiff_t>(end), words.end());
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(begin));
  // "Move, um, everything above 500".
  for (size_t at = 0; at < words.size();) {
    const size_t length = language.fillers.MatchesAt(TextsOf(words), at);
    const bool hesitation = length == 1 && language.backchannels.MatchesAt(TextsOf(words), at) == 1 &&
                            words[at].text.size() <= 3 && words[at].text != "and" && words[at].text != "the";
    if (hesitation) {
      words.erase(words.begin() + static_cast<std::ptrdiff_t>(at));
    } else {
      ++at;
    }
  }
  return words;
}

// The value that a phrase of the slot says ("above {keep}"), and where; none where several are said.
struct SaidByPhrase {
  Json value;
  size_t begin = 0;
  size_t end = 0;
};
std::optional<SaidByPhrase> SaidByPhrases(const LanguageData& language, const Slot& slot,
                                          std::span<const NormalisedWord> words) {
  std::optional<SaidByPhrase> only;
  for (const std::string& phrase : slot.phrases) {
    const std::string spoken_before = NormaliseSpoken(phrase.substr(0, phrase.find('{')));
    const std::vector<std::string_view> before = SplitWords(spoken_before);
    if (before.empty()) continue;
    for (size_t at = 0; at + before.size() < words.size(); ++at) {
      bool same = true;
      for (size_t i = 0; i < before.size(); ++i) same = same && words[at + i].text == before[i];
      if (!same) continue;
      const size_t first = at + before.size();
      std::optional<SaidByPhrase> longest;
      for (size_t length = 1; length <= kMostValueWords && first + length <= words.size(); ++length) {
        if (auto value = ValueOf(language, slot, words.subspan(first, length)))
          longest = SaidByPhrase{*std::move(value), at, first + length};
      }
      if (!longest) continue;
      if (only && !SameValue(only->value, longest->value)) return std::nullopt;
      only = std::move(longest);
    }
  }
  return only;
}

}  // namespace

// What is said in a sentence of the patterns, on the way through their graph.
class GoalReader::Search {
 public:
  Search(const GoalReader& reader, std::span<const NormalisedWord> words)
      : reader_(reader), language_(*reader.workflow_->language_data), words_(words) {}

  std::vector<ToolCall> Run() {
    Visit(0, 0);
    return std::move(found_);
  }

 private:
  void Visit(size_t node, size_t at) {
    if (--left_ < 0) return;
    if (at == words_.size()) {
      if (const int owner = reader_.graph_.owner(node); owner >= 0) Found(static_cast<size_t>(owner));
    }
    for (const PhraseGraph::Edge& edge : reader_.graph_.edges(node)) {
      if (!edge.slot.empty()) {
        VisitSlot(edge, at);
      } else if (edge.word.empty()) {
        Visit(edge.to, at);
      } else if (at < words_.size() && words_[at].text == edge.word) {
        Visit(edge.to, at + 1);
      }
    }
  }

  void VisitSlot(const PhraseGraph::Edge& edge, size_t at) {
    if (said_.contains(edge.slot)) return;
    for (size_t length = 1; length <= kMostValueWords && at + length <= words_.size(); ++length) {
      said_[edge.slot] = {at, length};
      Visit(edge.to, at + length);
      said_.erase(edge.slot);
    }
  }

  // The words fit: now whether what stands for values is some.
  void Found(size_t owner) {
    const PlanDef& plan = reader_.workflow_->plans[owner];
    ToolCall call{plan.goal.name, Json::object()};
    for (const auto& [name, place] : said_) {
      const Slot* slot = plan.goal.FindSlot(name);
      const auto value = slot == nullptr
                             ? std::nullopt
                             : ValueOf(language_, *slot, words_.subspan(place.first, place.second));
      if (!value) return;
      call.arguments[name] = *value;
    }
    if (std::none_of(found_.begin(), found_.end(), [&](const ToolCall& one) { return SameCall(one, call); }))
      found_.push_back(std::move(call));
  }

  const GoalReader& reader_;
  const LanguageData& language_;
  const std::span<const NormalisedWord> words_;
  std::map<std::string, std::pair<size_t, size_t>> said_;  // slot -> place and length
  std::vector<ToolCall> found_;
  int left_ = kMostVisits;
};

GoalReader::GoalReader(std::shared_ptr<const Workflow> workflow) : workflow_(std::move(workflow)) {
  for (size_t i = 0; i < workflow_->plans.size(); ++i) {
    for (const std::string& pattern : workflow_->plans[i].says) {
      const auto added = graph_.Add(pattern, static_cast<int>(i));
      SOTTO_CHECK(added.has_value(), "{}", added.error().message);
    }
  }
}

std::optional<ToolCall> GoalReader::Read(std::string_view text) const {
  const LanguageData& language = *workflow_->language_data;
  const SpokenWords words = WordsToRead(language, text);
  if (words.empty()) return std::nullopt;
  std::vector<ToolCall> found = Search(*this, words).Run();
  if (found.size() != 1) return std::nullopt;
  return std::move(found.front());
}

std::optional<GoalReader::Half> GoalReader::ReadHalf(std::string_view text) const {
  const LanguageData& language = *workflow_->language_data;
  const SpokenWords words = NormaliseSpokenWords(text);
  if (words.size() > kMostSentenceWords || Read(text)) return std::nullopt;
  const auto texts = TextsOf(words);
  const auto joins = [&](size_t at) {
    return std::max(language.joins.MatchesAt(texts, at), language.now.MatchesAt(texts, at));
  };
  std::optional<Half> best;
  size_t longest = 0;
  const auto consider = [&](std::string_view goal_text, std::string_view rest, bool first) {
    if (goal_text.size() <= longest) return;
    if (auto goal = Read(goal_text)) {
      best = Half{*std::move(goal), std::string(rest), first};
      longest = goal_text.size();
    }
  };
  for (size_t at = 1; at + 1 < words.size(); ++at) {
    // "and", "and then", ", then": where one request ends and the next begins.
    const bool pause = (words[at].before & NormalisedWord::kPause) != 0;
    if (!pause && language.joins.MatchesAt(texts, at) == 0) continue;
    size_t next = at;
    while (next < words.size() && joins(next) > 0) next += joins(next);
    if (next >= words.size()) break;
    const std::string_view before = text.substr(0, words[at - 1].end);
    const std::string_view behind = text.substr(words[next].begin);
    consider(before, behind, true);
    consider(behind, before, false);
  }
  return best;
}

std::optional<ToolCall> GoalReader::ReadAnswer(std::string_view text, const Expectation& expectation) const {
  const PlanDef* plan = workflow_->FindPlan(expectation.tool);
  if (plan == nullptr) return std::nullopt;
  const LanguageData& language = *workflow_->language_data;
  const SpokenWords words = WordsToRead(language, text);
  if (words.empty()) return std::nullopt;
  ToolCall call{plan->goal.name, Json::object()};
  std::vector<bool> read(words.size());
  for (const Slot& slot : plan->goal.slots) {
    const auto said = SaidByPhrases(language, slot, words);
    if (!said) continue;
    call.arguments[slot.name] = said->value;
    std::fill_n(read.begin() + static_cast<std::ptrdiff_t>(said->begin), said->end - said->begin, true);
  }
  // What was asked for, said alone or with what nobody has to understand around it: "45 from savings".
  const auto counts = [&](size_t at) { return !read[at] && !IsAnswerFiller(words[at].text); };
  size_t begin = 0, end = words.size();
  while (begin < end && !counts(begin)) ++begin;
  while (end > begin && !counts(end - 1)) --end;
  const bool whole = begin < end && std::none_of(read.begin() + static_cast<std::ptrdiff_t>(begin),
                                                 read.begin() + static_cast<std::ptrdiff_t>(end),
                                                 [](bool one) { return one; });
  if (whole && expectation.kind == Expectation::Kind::kSlots) {
    for (const std::string& name : expectation.slots) {
      const Slot* slot = plan->goal.FindSlot(name);
      if (slot == nullptr || call.arguments.contains(name)) continue;
      if (const auto value = ValueOf(language, *slot, std::span(words).subspan(begin, end - begin))) {
        call.arguments[name] = *value;
        break;
      }
    }
  }
  if (call.arguments.empty()) return std::nullopt;
  return call;
}

}  // namespace sotto
