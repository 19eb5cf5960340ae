#include "assistant/grounding_view.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "text/dates.h"
#include "text/normalise.h"
#include "text/spoken_numbers.h"
#include "text/times.h"

namespace sotto {
namespace {

struct Stretch {
  size_t begin = 0;  // words
  size_t end = 0;
};

// The words of an utterance, and the readings of them that values may be.
struct Said {
  std::string_view text;
  std::vector<NormalisedWord> words;
  std::vector<NumberReading> numbers;
  Date today;

  Said(std::string_view said, Date day) : text(said), words(NormaliseSpokenWords(said)), today(day) {
    NumberOptions options;
    options.homophones = true;
    numbers = ReadNumbers(words, options);
  }
};

// The last place where the words of `form` stand, one after the other.
std::optional<Stretch> FindWords(const Said& said, std::string_view form) {
  const std::vector<NormalisedWord> wanted = NormaliseSpokenWords(form);
  if (wanted.empty()) return std::nullopt;
  const auto found = std::find_end(said.words.begin(), said.words.end(), wanted.begin(), wanted.end(),
                                   [](const auto& a, const auto& b) { return a.text == b.text; });
  if (found == said.words.end()) return std::nullopt;
  const auto begin = static_cast<size_t>(found - said.words.begin());
  return Stretch{begin, begin + wanted.size()};
}

template <typename Readings, typename Fits>
std::optional<Stretch> FindReading(const Readings& readings, const Fits& fits) {
  std::optional<Stretch> best;
  for (const auto& reading : readings) {
    if (fits(reading) && (!best || reading.end - reading.begin >= best->end - best->begin))
      best = Stretch{reading.begin, reading.end};
  }
  return best;
}

std::optional<Stretch> FindListed(const Said& said, const Entity& entity, const std::string& value) {
  std::optional<Stretch> best;
  const auto consider = [&](std::string_view form) {
    const auto found = FindWords(said, form);
    if (found && (!best || found->end - found->begin > best->end - best->begin)) best = found;
  };
  consider(value);
  for (const EntityValue& listed : entity.values) {
    if (listed.value != value) continue;
    consider(listed.spoken);
    for (const std::string& synonym : listed.synonyms) consider(synonym);
  }
  return best;
}

std::optional<Stretch> Find(const Said& said, const Entity& entity, const Json& value) {
  const std::string text = ValueText(value);
  switch (entity.type) {
    case Entity::Type::kMoney:
    case Entity::Type::kNumber:
      return FindReading(said.numbers, [&](const NumberReading& reading) {
        return value.is_number() && std::abs(reading.value - value.get<double>()) < 1e-9;
      });
    case Entity::Type::kDigits:
      return FindReading(said.numbers, [&](const NumberReading& reading) {
        return reading.kind == NumberKind::kDigits && reading.text.ends_with(text);
      });
    case Entity::Type::kDate:
      return FindReading(ReadDates(said.text, said.words, {said.today}),
                         [&](const DateReading& reading) { return DateText(reading.date) == text; });
    case Entity::Type::kTime:
      return FindReading(ReadTimes(said.text, said.words),
                         [&](const TimeReading& reading) { return DayTimeText(reading.time) == text; });
    case Entity::Type::kDuration:
      return FindReading(ReadPeriods(said.text, said.words),
                         [&](const PeriodReading& reading) { return PeriodText(reading.period) == text; });
    default:
      return FindListed(said, entity, text);
  }
}

size_t Utf16Units(std::string_view text) {
  size_t units = 0;
  for (const char byte : text) {
    const auto code = static_cast<unsigned char>(byte);
    if ((code & 0xc0) == 0x80) continue;  // inside a character
    units += code >= 0xf0 ? 2 : 1;
  }
  return units;
}

}  // namespace

void AddGrounding(const Workflow& workflow, const TurnRecord& record, Json* understood) {
  const std::string& transcript = record.understood->transcript;
  const Said said(transcript, ParseDate(record.at.substr(0, 10)).value_or(Date{}));
  for (size_t i = 0; i < record.understood->calls.size(); ++i) {
    const ToolCall& call = record.understood->calls[i].call;
    Json grounding = Json::object();
    const ToolDef* tool = workflow.FindTool(call.name);
    for (const auto& [name, value] : call.arguments.items()) {
      const Slot* slot = tool == nullptr ? nullptr : tool->FindSlot(name);
      const auto found = slot == nullptr ? std::nullopt : Find(said, slot->entity, value);
      if (!found || found->end > said.words.size() || found->begin >= found->end) continue;
      const std::string_view text = transcript;
      grounding[name].push_back({Utf16Units(text.substr(0, said.words[found->begin].begin)),
                                 Utf16Units(text.substr(0, said.words[found->end - 1].end))});
    }
    (*understood)["calls"][i]["grounding"] = std::move(grounding);
  }
}

}  // namespace sotto
