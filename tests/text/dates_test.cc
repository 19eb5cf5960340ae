#include "text/dates.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/random.h"
#include "text/calendar_speech.h"
#include "text/date_ranges.h"
#include "text/times.h"

namespace sotto {
namespace {

// The readings of each span that was read, in order: the conventional one first.
using Spans = std::vector<std::vector<std::string>>;

template <typename Reading, typename ToText>
Spans SpansOf(const std::vector<Reading>& readings, ToText to_text) {
  Spans spans;
  size_t begin = 0;
  for (const Reading& reading : readings) {
    if (spans.empty() || reading.begin != begin) spans.emplace_back();
    begin = reading.begin;
    spans.back().push_back(to_text(reading));
  }
  return spans;
}

Spans Read(const std::string& kind, const std::string& text, const DateContext& context) {
  if (kind == "range") {
    return SpansOf(ReadDateRanges(text, context),
                   [](const auto& reading) { return DateRangeText(reading.range); });
  }
  if (kind == "time")
    return SpansOf(ReadTimes(text), [](const auto& reading) { return DayTimeText(reading.time); });
  if (kind == "duration")
    return SpansOf(ReadPeriods(text), [](const auto& reading) { return PeriodText(reading.period); });
  return SpansOf(ReadDates(text, context), [](const auto& reading) { return DateText(reading.date); });
}

std::vector<std::string> Split(const std::string& text, char mark) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, mark);) {
    const size_t first = part.find_first_not_of(' ');
    if (first != std::string::npos)
      parts.push_back(part.substr(first, part.find_last_not_of(' ') - first + 1));
  }
  return parts;
}

std::string Joined(const Spans& spans) {
  std::string all;
  for (const auto& span : spans) {
    all += all.empty() ? "" : " | ";
    for (size_t i = 0; i < span.size(); ++i) all += (i == 0 ? "" : " or ") + span[i];
  }
  return all;
}

// See the head of tests/data/dates/days.tsv.
TEST(Dates, DataFiles) {
  int cases = 0;
  int read = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SOTTO_SOURCE_DIR "/tests/data/dates")) {
    if (entry.path().extension() != ".tsv") continue;
    std::ifstream file(entry.path());
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
      if (line.empty() || line[0] == '#') continue;
      const std::string where = entry.path().filename().string() + ":" + std::to_string(number) + ": " + line;
      const std::vector<std::string> columns = Split(line, '\t');
      ASSERT_GE(columns.size(), 3u) << where;
      const std::vector<std::string> kind = Split(columns[1], ' ');
      DateContext context;
      const auto today = ParseDate(columns[0]);
      ASSERT_TRUE(today) << where;
      context.today = *today;
      ASSERT_TRUE(
          (std::map<std::string, int>{{"date", 0}, {"range", 0}, {"time", 0}, {"duration", 0}}.contains(
              kind[0])))
          << where;
      for (size_t i = 1; i < kind.size(); ++i) {
        ASSERT_TRUE(kind[i] == "past" || kind[i] == "dmy") << where;
        context.past = context.past || kind[i] == "past";
        context.day_first = context.day_first || kind[i] == "dmy";
      }
      const Spans actual = Read(kind[0], columns[2], context);
      const std::vector<std::string> spans =
          columns.size() > 3 ? Split(columns[3], '|') : std::vector<std::string>{};
      bool right = spans.size() == actual.size();
      for (size_t i = 0; right && i < spans.size(); ++i) {
        std::vector<std::string> wanted;
        for (const std::string& word : Split(spans[i], ' ')) {
          if (word != "or") wanted.push_back(word);
        }
        right = !wanted.empty() && wanted[0] == actual[i][0];
        for (const std::string& value : wanted)
          right = right && std::find(actual[i].begin(), actual[i].end(), value) != actual[i].end();
      }
      EXPECT_TRUE(right) << where << "\n  read: " << Joined(actual);
      ++cases;
      read += right ? 1 : 0;
    }
  }
  EXPECT_GT(cases, 300);
  std::printf("%d of %d forms read\n", read, cases);
}

TEST(Dates, RegionDecidesTheOrder) {
  EXPECT_FALSE(WritesDayFirst("en"));
  EXPECT_FALSE(WritesDayFirst("en-US"));
  EXPECT_TRUE(WritesDayFirst("en-GB"));
  EXPECT_TRUE(WritesDayFirst("de"));
}

TEST(Dates, SpokenDatesReadBack) {
  Random random(7);
  const Date today = *ParseDate("2026-03-18");
  for (int i = 0; i < 2000; ++i) {
    const Date date = today + std::chrono::days(static_cast<int>(random.Below(900)) - 450);
    for (const bool near : {false, true}) {
      const std::string iso = DateText(date);
      const auto day = near ? std::optional(today) : std::nullopt;
      for (const std::string& said : {SpeakDate(iso, day), ShowDate(iso, day)}) {
        const auto readings = ReadDates(said, {.today = today, .past = date < today});
        ASSERT_FALSE(readings.empty()) << said;
        EXPECT_EQ(DateText(readings.front().date), iso) << said;
      }
    }
  }
}

TEST(Dates, SpokenTimesAndPeriodsReadBack) {
  for (int minute = 5; minute < 24 * 60; minute += 5) {
    const DayTime time{std::chrono::minutes(minute), std::chrono::minutes(minute)};
    const std::string iso = DayTimeText(time);
    for (const std::string& said : {SpeakDayTime(iso), ShowDayTime(iso)}) {
      const auto readings = ReadTimes(said);
      ASSERT_FALSE(readings.empty()) << said;
      EXPECT_EQ(DayTimeText(readings.front().time), iso) << said;
    }
  }
  for (const PartOfDay& part : PartsOfDay()) {
    const auto readings = ReadTimes(part.name);
    ASSERT_EQ(readings.size(), 1u) << part.name;
    EXPECT_EQ(readings.front().time, part.time) << part.name;
  }
  for (const Period& period : {Period{0, 14, 0}, Period{3, 0, 0}, Period{15, 0, 0}, Period{0, 0, 90},
                               Period{0, 3, 0}, Period{0, 0, 45}}) {
    const std::string iso = PeriodText(period);
    for (const std::string& said : {SpeakPeriod(iso), ShowPeriod(iso)}) {
      const auto readings = ReadPeriods(said);
      ASSERT_EQ(readings.size(), 1u) << said;
      EXPECT_EQ(PeriodText(readings.front().period), iso) << said;
    }
  }
}

TEST(Dates, WordsInAnyOrderAreHarmless) {
  const char* kWords[] = {"the", "day",   "after", "week", "from",  "next",    "monday", "in",
                          "two", "first", "of",    "may",  "to",    "past",    "half",   "last",
                          "and", "5",     "2026",  "ago",  "month", "between", "at",     "pm"};
  Random random(11);
  const DateContext context{.today = *ParseDate("2026-03-18")};
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    for (size_t n = random.Below(30); n > 0; --n)
      text += std::string(random.Pick(kWords)) + (random.Chance(0.1) ? ", " : " ");
    const size_t n_words = NormaliseSpokenWords(text).size();
    for (const DateReading& reading : ReadDates(text, context)) {
      EXPECT_LT(reading.begin, reading.end) << text;
      EXPECT_LE(reading.end, n_words) << text;
    }
    for (const DateRangeReading& reading : ReadDateRanges(text, context))
      EXPECT_LE(reading.range.from, reading.range.to) << text;
    for (const TimeReading& reading : ReadTimes(text)) EXPECT_LE(reading.time.from, reading.time.to) << text;
    ReadPeriods(text);
  }
  std::string deep;
  for (int i = 0; i < 400; ++i) deep += "the day after two weeks from ";
  EXPECT_TRUE(ReadDates(deep + "monday", context).size() <= 1);
}

}  // namespace
}  // namespace sotto
