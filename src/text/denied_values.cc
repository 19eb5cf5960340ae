#include "text/denied_values.h"

#include <algorithm>
#include <cmath>

#include "text/normalise.h"
#include "text/speech_act.h"
#include "text/spoken_numbers.h"

namespace sotto {
namespace {

struct Mention {
  Json value;
  size_t begin = 0;
  size_t end = 0;
  bool taken_back = false;  // "two hundred, no, three hundred"
};

// Where the sentence names values of the slot, in order.
std::vector<Mention> MentionsOf(const ToolWords::Slot& slot, std::string_view text,
                                std::span<const std::string_view> words) {
  std::vector<Mention> mentions;
  if (slot.number || slot.digits) {
    for (const NumberReading& reading : ReadNumbers(text)) {
      if (!reading.maximal || reading.kind == NumberKind::kOrdinal) continue;
      if (slot.number != (reading.kind != NumberKind::kDigits)) continue;
      mentions.push_back({slot.digits ? Json(reading.text) : Json(reading.value), reading.begin, reading.end,
                          reading.standing == NumberStanding::kTakenBack});
    }
    return mentions;
  }
  for (size_t at = 0; at < words.size();) {
    Mention longest;
    for (const ToolWords::Value& value : slot.values) {
      const size_t length = value.forms.MatchesAt(words, at);
      if (at + length > std::max(longest.end, at)) longest = {value.value, at, at + length, false};
    }
    if (longest.end > at) mentions.push_back(longest);
    at = std::max(longest.end, at + 1);
  }
  return mentions;
}

bool Same(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) return std::abs(a.get<double>() - b.get<double>()) < 1e-9;
  return a == b;
}

}  // namespace

std::optional<Json> ValueMeant(const LanguageData& language, std::string_view text,
                               const ToolWords::Slot& slot, const Json& value) {
  const std::string spoken = NormaliseSpoken(text);
  const std::vector<std::string_view> words = SplitWords(spoken);
  const std::vector<WordSpan> spans = NegatedSpans(language, words);
  if (spans.empty()) return value;
  const std::vector<Mention> mentions = MentionsOf(slot, text, words);
  // A denial takes the first value behind it: "not 200, 300".
  std::vector<bool> denied;
  for (const Mention& mention : mentions) denied.push_back(mention.taken_back);
  for (const WordSpan& span : spans) {
    const auto first = std::find_if(mentions.begin(), mentions.end(), [&](const Mention& mention) {
      return mention.begin >= span.begin && mention.begin < span.end;
    });
    if (first != mentions.end()) denied[static_cast<size_t>(first - mentions.begin())] = true;
  }
  bool said = false;
  std::optional<Json> other;
  bool several = false;
  for (size_t i = 0; i < mentions.size(); ++i) {
    const bool own = Same(mentions[i].value, value);
    said = said || own;
    if (denied[i]) continue;
    if (own) return value;
    several = several || (other && !Same(*other, mentions[i].value));
    other = mentions[i].value;
  }
  if (!said) return value;
  if (several) return std::nullopt;
  return other;
}

bool ActIsDenied(const LanguageData& language, std::string_view text, const ToolWords& tool) {
  constexpr size_t kBetween = 2;  // "not to cancel"
  const std::string spoken = NormaliseSpoken(text);
  const std::vector<std::string_view> words = SplitWords(spoken);
  const std::vector<WordSpan> spans = NegatedSpans(language, words);
  if (spans.empty()) return false;
  bool denied = false;
  for (size_t at = 0; at < words.size(); ++at) {
    if (std::max({tool.verbs.MatchesAt(words, at), tool.nouns.MatchesAt(words, at),
                  tool.past.MatchesAt(words, at)}) == 0)
      continue;
    const bool negated = std::any_of(spans.begin(), spans.end(), [&](const WordSpan& span) {
      return at >= span.begin && at < std::min(span.end, span.begin + kBetween + 1);
    });
    if (!negated) return false;
    denied = true;
  }
  return denied;
}

}  // namespace sotto
