// The days that may be meant at one place of a text: what text/dates and text/date_ranges read with. Internal
// to the text layer.
#pragma once

#include <optional>
#include <vector>

#include "text/calendar_words.h"
#include "text/dates.h"

namespace sotto {

class DayReader {
 public:
  // What was said from the place to before `end`, and the days it may mean, the conventional one first.
  struct Day {
    std::vector<Date> dates;
    size_t end = 0;
    // After how long there is another such day: "tuesday", "the fifth", "the fifth of may".
    enum class Every { kNever, kWeek, kMonth, kYear } every = Every::kNever;
  };
  // A month of a year, as its first day.
  struct MonthOf {
    std::vector<Date> months;
    size_t end = 0;
    bool no_year = false;
  };

  // `words` must outlive it.
  DayReader(const CalendarWords& words, const DateContext& context)
      : words_(words), context_(context), at_(words.size() + 1) {}

  // Every expression that begins at word i.
  const std::vector<Day>& At(size_t i);
  // The longest, or null.
  const Day* Longest(size_t i);
  // "march", "next month", "the month", "march 2025".
  std::optional<MonthOf> Month(size_t i) const;
  // "next week", "the week after next", "last week", "in two weeks", "a week ago": the Monday of that week.
  struct WeekOf {
    Date monday;
    size_t end = 0;
  };
  std::optional<WeekOf> Week(size_t i) const;

  // `day` of `month` of the year that is meant, then of the other.
  std::vector<Date> DayOfYear(int month, int day) const;
  const CalendarWords& words() const { return words_; }
  const DateContext& context() const { return context_; }

 private:
  void Read(size_t i, std::vector<Day>& out);
  void ReadNamed(size_t i, std::vector<Day>& out) const;
  void ReadMovable(size_t i, std::vector<Day>& out) const;
  void ReadWeekday(size_t i, std::vector<Day>& out);
  void ReadWeekdayAlone(size_t i, int weekday, size_t end, std::vector<Day>& out) const;
  void ReadWeekdayWithDate(size_t end, int weekday, std::vector<Day>& out);
  void ReadWeekdayInWeek(size_t i, std::vector<Day>& out) const;
  void ReadWeekdayOfMonth(size_t i, std::vector<Day>& out) const;
  void ReadMonthDay(size_t i, std::vector<Day>& out) const;
  void ReadDayMonth(size_t i, std::vector<Day>& out) const;
  void ReadDayAlone(size_t i, std::vector<Day>& out) const;
  void ReadNumeric(size_t i, std::vector<Day>& out) const;
  void ReadDistance(size_t i, std::vector<Day>& out);
  void ReadNextTo(size_t i, std::vector<Day>& out);
  void ReadEdge(size_t i, std::vector<Day>& out) const;
  void AddMonthDay(int month, int day, size_t end, std::vector<Day>& out) const;
  std::vector<Date> DayOfSomeMonth(int day) const;
  bool MayBeDay(size_t end) const;

  const CalendarWords& words_;
  const DateContext context_;
  std::vector<std::optional<std::vector<Day>>> at_;
};

// `count` units from `date` on; negative: before it.
Date AddUnits(Date date, CalendarUnit unit, int count);

}  // namespace sotto
