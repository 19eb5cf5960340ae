#include "brain/unheeded.h"

#include <algorithm>

#include "brain/value_evidence.h"
#include "text/date_ranges.h"
#include "text/normalise.h"

namespace sotto {
namespace {

constexpr size_t kMinNameLetters = 4;

// The words of one sentence, and what of one tool's slots stands in them.
class SilentSlots {
 public:
  SilentSlots(const Workflow& workflow, const ToolDef& tool, const OfferedTool& offered,
              std::string_view utterance, const Grounding& grounding, Channel channel, const CallDay& day,
              const ToolCall& call)
      : workflow_(workflow),
        language_(*workflow.language_data),
        tool_(tool),
        offered_(offered),
        utterance_(utterance),
        grounding_(grounding),
        channel_(channel),
        day_(day),
        call_(call) {
    for (const NormalisedWord& word : grounding.words()) words_.push_back(word.text);
  }

  std::vector<UnfitValue> Find() const {
    std::vector<UnfitValue> unfit;
    for (const Slot& slot : tool_.slots) {
      const OfferedArgument* argument = offered_.Find(slot.name);
      if (argument == nullptr || !slot.grounded || slot.inferred) continue;
      if (auto found = FindFor(slot, *argument)) unfit.push_back(*std::move(found));
    }
    return unfit;
  }

 private:
  std::optional<UnfitValue> FindFor(const Slot& slot, const OfferedArgument& argument) const {
    const bool silent = !call_.arguments.contains(slot.name);
    switch (slot.entity.type) {
      case Entity::Type::kEnum:
        if (auto either = Either(argument)) return UnfitValue{slot.name, "either", *std::move(either)};
        if (silent) {
          if (auto value = LeftOutValue(slot, argument)) return UnfitValue{slot.name, "not_a_value", *value};
          if (OtherPeriod(slot, argument)) return UnfitValue{slot.name, std::string(kNotListed), nullptr};
        }
        if (UnknownName(slot, argument, silent))
          return UnfitValue{slot.name, std::string(kNotListed), nullptr};
        return std::nullopt;
      case Entity::Type::kMoney:
        // Where it is required it is asked for anyway.
        if (silent && !slot.required && language_.shares.Found(words_))
          return UnfitValue{slot.name, "ambiguous", Json::array()};
        return std::nullopt;
      default:
        return std::nullopt;
    }
  }

  // One of the entity's values that the slot leaves out (`only:`), with what marks this slot before it.
  std::optional<std::string> LeftOutValue(const Slot& slot, const OfferedArgument& argument) const {
    const auto entity = workflow_.entities.find(slot.entity_name);
    if (entity == workflow_.entities.end() || entity->second.values.size() == slot.entity.values.size())
      return std::nullopt;
    for (const EntityValue& value : entity->second.values) {
      const auto is_value = [&](const EntityValue& other) { return other.value == value.value; };
      if (std::any_of(slot.entity.values.begin(), slot.entity.values.end(), is_value)) continue;
      for (const std::string& form : FormsOf(value)) {
        const std::vector<std::string_view> wanted = SplitWords(form);
        for (size_t at = 0; !wanted.empty() && at + wanted.size() <= words_.size(); ++at) {
          if (!std::equal(wanted.begin(), wanted.end(), words_.begin() + static_cast<std::ptrdiff_t>(at)))
            continue;
          if (IsMarked(slot, at) && !NamesAnother(argument, at, at + wanted.size())) return value.value;
        }
      }
    }
    return std::nullopt;
  }

  static std::vector<std::string> FormsOf(const EntityValue& value) {
    std::vector<std::string> forms{NormaliseSpoken(PlainWords(value.value)), NormaliseSpoken(value.spoken)};
    for (const std::string& synonym : value.synonyms) forms.push_back(NormaliseSpoken(synonym));
    return forms;
  }

  // Whether the words name one of the slot's own values, or begin a name that does.
  bool NamesAnother(const OfferedArgument& argument, size_t begin, size_t end) const {
    const size_t longer = std::min(end + 2, words_.size());
    const std::vector<bool> named =
        NamedValues(argument.listed, std::span(words_).subspan(begin, longer - begin), {});
    return std::find(named.begin(), named.end(), true) != named.end();
  }

  // "from my", with words that say nothing between: a phrase of the slot ends before the word, or, where no other slot of the
  // tool holds such values, what anything is done with.
  bool IsMarked(const Slot& slot, size_t at) const {
    const auto views = std::span(words_);
    size_t end = at;
    for (bool shorter = true; shorter && end > 0;) {
      shorter = false;
      for (size_t length = 1; length <= std::min<size_t>(3, end) && !shorter; ++length) {
        if (language_.determiners.MatchesAt(views.first(end), end - length) != length) continue;
        end -= length;
        shorter = true;
      }
    }
    for (const std::string& phrase : slot.phrases) {
      const std::vector<std::string> before = WordsBefore(phrase);
      if (before.empty() || before.size() > end) continue;
      if (std::equal(before.begin(), before.end(),
                     words_.begin() + static_cast<std::ptrdiff_t>(end - before.size())))
        return true;
    }
    const auto same_kind = std::count_if(tool_.slots.begin(), tool_.slots.end(), [&](const Slot& other) {
      return other.entity_name == slot.entity_name;
    });
    if (same_kind > 1) return false;
    for (size_t length = 1; length <= std::min<size_t>(3, end); ++length)
      if (language_.means.MatchesAt(views.first(end), end - length) == length) return true;
    return false;
  }

  static std::vector<std::string> WordsBefore(const std::string& phrase) {
    std::vector<std::string> words;
    const std::string spoken = NormaliseSpoken(phrase.substr(0, phrase.find('{')));
    for (const std::string_view word : SplitWords(spoken)) words.emplace_back(word);
    return words;
  }

  // "Basic or standard": two of the slot's values, of which nobody has said which.
  std::optional<Json> Either(const OfferedArgument& argument) const {
    constexpr size_t kNameWords = 3;
    for (size_t at = 1; at + 1 < words_.size(); ++at) {
      if (language_.alternatives.MatchesAt(words_, at) != 1) continue;
      for (size_t length = 1; length <= std::min(kNameWords, at); ++length) {
        const std::optional<std::string> one = NamedBy(argument, at - length, at);
        if (!one) continue;
        for (size_t n = 1; n <= kNameWords && at + n < words_.size(); ++n) {
          const std::optional<std::string> other = NamedBy(argument, at + 1, at + 1 + n);
          if (other && *other != *one) return Json::array({*one, *other});
        }
      }
    }
    return std::nullopt;
  }

  // The one value that these words are a form of.
  std::optional<std::string> NamedBy(const OfferedArgument& argument, size_t begin, size_t end) const {
    std::string said;
    for (size_t at = begin; at < end; ++at) said += (said.empty() ? "" : " ") + std::string(words_[at]);
    for (const OfferedArgument::Listed& listed : argument.listed)
      if (std::find(listed.forms.begin(), listed.forms.end(), said) != listed.forms.end())
        return listed.value;
    return std::nullopt;
  }

  // The slot lists periods ("last month"), and the sentence names another.
  bool OtherPeriod(const Slot& slot, const OfferedArgument& argument) const {
    if (!day_.today || slot.entity.values.empty()) return false;
    const DateContext context{.today = *day_.today, .day_first = day_.day_first, .past = true};
    const auto ranges = ReadDateRanges(utterance_, grounding_.words(), context);
    if (ranges.empty()) return false;
    const bool periods =
        std::all_of(slot.entity.values.begin(), slot.entity.values.end(), [&](const EntityValue& value) {
          const std::string& spoken = value.spoken.empty() ? value.value : value.spoken;
          return !ReadDateRanges(spoken, context).empty();
        });
    if (!periods) return false;
    const std::vector<bool> named = NamedValues(argument.listed, words_, {});
    if (std::find(named.begin(), named.end(), true) != named.end()) return false;
    return std::any_of(ranges.begin(), ranges.end(), [&](const DateRangeReading& reading) {
      const bool now = language_.now.MatchesAt(words_, reading.begin) == reading.end - reading.begin;
      const bool deadline =
          reading.begin > 0 && language_.deadlines.MatchesAt(words_, reading.begin - 1) == 1;
      return !now && !deadline && reading.range.from <= *day_.today;
    });
  }

  // A name that the language does not know, where a value of the slot would stand: typed, for a recogniser writes words.
  bool UnknownName(const Slot& slot, const OfferedArgument& argument, bool silent) const {
    if (channel_ != Channel::kTyped || language_.words.empty()) return false;
    for (size_t at = 0; at < words_.size(); ++at) {
      const std::string_view word = words_[at];
      const bool name = word.size() >= kMinNameLetters &&
                        std::all_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; }) &&
                        !language_.words.Contains(word) && !BelongsToTool(at);
      if (!name) continue;
      const bool marked =
          std::any_of(slot.phrases.begin(), slot.phrases.end(), [&](const std::string& phrase) {
            const std::vector<std::string> before = WordsBefore(phrase);
            return !before.empty() && before.size() <= at &&
                   std::equal(before.begin(), before.end(),
                              words_.begin() + static_cast<std::ptrdiff_t>(at - before.size()));
          });
      if (marked && (silent || IsJoined(argument, at))) return true;
    }
    return false;
  }

  // Whether some slot of the tool knows the word, or a slip of it.
  bool BelongsToTool(size_t at) const {
    const auto is_word = [&](std::string_view word) { return language_.words.Contains(word); };
    return std::any_of(
        offered_.arguments.begin(), offered_.arguments.end(), [&](const OfferedArgument& argument) {
          return std::any_of(
              argument.listed.begin(), argument.listed.end(), [&](const OfferedArgument::Listed& listed) {
                return std::any_of(listed.forms.begin(), listed.forms.end(), [&](const std::string& form) {
                  const std::vector<std::string_view> known = SplitWords(form);
                  return std::any_of(known.begin(), known.end(), [&](std::string_view one) {
                    return SameListedWord(one, words_[at], is_word);
                  });
                });
              });
        });
  }

  // "brazil and france": what stands behind "and" is one of the slot's values.
  bool IsJoined(const OfferedArgument& argument, size_t at) const {
    if (at + 2 >= words_.size() || language_.joins.MatchesAt(words_, at + 1) != 1) return false;
    const std::vector<bool> named = NamedValues(argument.listed, std::span(words_).subspan(at + 2, 1), {});
    return std::find(named.begin(), named.end(), true) != named.end();
  }

  const Workflow& workflow_;
  const LanguageData& language_;
  const ToolDef& tool_;
  const OfferedTool& offered_;
  const std::string_view utterance_;
  const Grounding& grounding_;
  const Channel channel_;
  const CallDay& day_;
  const ToolCall& call_;
  std::vector<std::string_view> words_;
};

}  // namespace

std::vector<UnfitValue> UnheededValues(const Workflow& workflow, const ToolDef& tool,
                                       const OfferedTool& offered, std::string_view utterance,
                                       const Grounding& grounding, Channel channel, const CallDay& day,
                                       const ToolCall& call) {
  return SilentSlots(workflow, tool, offered, utterance, grounding, channel, day, call).Find();
}

}  // namespace sotto
