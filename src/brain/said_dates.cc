#include "brain/said_dates.h"

#include <algorithm>

#include "text/date_ranges.h"
#include "text/dates.h"
#include "text/times.h"

namespace sotto {
namespace {

// Of each span the first reading that fits, else the first.
template <typename Reading, typename Fits, typename ToText>
std::vector<SaidValue> FirstFitting(const std::vector<Reading>& readings,
                                    std::span<const NormalisedWord> words, const Fits& fits,
                                    const ToText& to_text) {
  std::vector<SaidValue> values;
  for (size_t i = 0; i < readings.size();) {
    size_t end = i;
    const Reading* chosen = nullptr;
    for (; end < readings.size() && readings[end].begin == readings[i].begin; ++end) {
      if (chosen == nullptr && fits(readings[end])) chosen = &readings[end];
    }
    if (chosen == nullptr) chosen = &readings[i];
    SaidValue said;
    for (size_t w = chosen->begin; w < chosen->end; ++w)
      said.words += (w == chosen->begin ? "" : " ") + words[w].text;
    said.value = to_text(*chosen);
    values.push_back(std::move(said));
    i = end;
  }
  return values;
}

bool InLimits(const Entity& entity, Date from, Date to, Date today) {
  return (!entity.earliest || to >= entity.earliest->On(today)) &&
         (!entity.latest || from <= entity.latest->On(today));
}

bool InLimits(const Entity& entity, const DayTime& time) {
  return (!entity.min || static_cast<double>(time.to.count()) >= *entity.min) &&
         (!entity.max || static_cast<double>(time.from.count()) <= *entity.max);
}

}  // namespace

std::vector<SaidValue> SaidCalendarValues(const Entity& entity, std::string_view text,
                                          std::span<const NormalisedWord> words, const CallDay& day) {
  const auto everything = [](const auto&) { return true; };
  if (entity.type == Entity::Type::kTime) {
    return FirstFitting(
        ReadTimes(text, words), words,
        [&](const TimeReading& reading) { return InLimits(entity, reading.time); },
        [](const TimeReading& reading) { return DayTimeText(reading.time); });
  }
  if (entity.type == Entity::Type::kDuration) {
    return FirstFitting(ReadPeriods(text, words), words, everything,
                        [](const PeriodReading& reading) { return PeriodText(reading.period); });
  }
  if (!day.today) return {};
  DateContext context{*day.today, day.day_first, false};
  context.past = entity.latest && entity.latest->On(*day.today) <= *day.today;
  if (entity.type == Entity::Type::kDateRange) {
    return FirstFitting(
        ReadDateRanges(text, words, context), words,
        [&](const DateRangeReading& reading) {
          return InLimits(entity, reading.range.from, reading.range.to, *day.today);
        },
        [](const DateRangeReading& reading) { return DateRangeText(reading.range); });
  }
  return FirstFitting(
      ReadDates(text, words, context), words,
      [&](const DateReading& reading) { return InLimits(entity, reading.date, reading.date, *day.today); },
      [](const DateReading& reading) { return DateText(reading.date); });
}

bool WasSaid(const Entity& entity, std::string_view value, std::span<const std::string> texts,
             const CallDay& day) {
  return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
    const std::vector<SaidValue> said = SaidCalendarValues(entity, text, NormaliseSpokenWords(text), day);
    return std::any_of(said.begin(), said.end(), [&](const SaidValue& one) { return one.value == value; });
  });
}

std::vector<ToolCall> CallsInWordsSaid(std::span<const Turn> turns, std::span<const OfferedTool> tools,
                                       const CallDay& day) {
  std::vector<ToolCall> calls = turns.back().calls;
  for (ToolCall& call : calls) {
    const auto tool = std::find_if(tools.begin(), tools.end(),
                                   [&](const OfferedTool& one) { return one.name == call.name; });
    if (tool == tools.end()) continue;
    for (const OfferedArgument& argument : tool->arguments) {
      const auto value = call.arguments.find(argument.name);
      if (argument.kind != OfferedArgument::Kind::kCalendar || value == call.arguments.end() ||
          !value->is_string())
        continue;
      const std::string iso = value->get<std::string>();
      for (auto turn = turns.rbegin(); turn != turns.rend(); ++turn) {
        const auto said =
            SaidCalendarValues(argument.entity, turn->user, NormaliseSpokenWords(turn->user), day);
        const auto found =
            std::find_if(said.begin(), said.end(), [&](const SaidValue& one) { return one.value == iso; });
        if (found == said.end()) continue;
        *value = found->words;
        break;
      }
    }
  }
  return calls;
}

}  // namespace sotto
