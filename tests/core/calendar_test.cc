#include "core/calendar.h"

#include <gtest/gtest.h>

namespace sotto {
namespace {

TEST(Calendar, DatesAsText) {
  EXPECT_EQ(DateText(*ParseDate("2024-02-29")), "2024-02-29");
  for (const char* wrong :
       {"", "2026-02-29", "2026-13-01", "2026-1-01", "2026/01/01", "tomorrow", "0000-01-01"})
    EXPECT_FALSE(ParseDate(wrong)) << wrong;
  EXPECT_EQ(DateText(AddMonths(*ParseDate("2026-01-31"), 1)), "2026-02-28");
  EXPECT_EQ(DateText(AddMonths(*ParseDate("2026-01-15"), -2)), "2025-11-15");
  EXPECT_EQ(DateText(WeekStart(*ParseDate("2026-11-29"))), "2026-11-23");
  EXPECT_EQ(DateText(MonthEnd(*ParseDate("2028-02-03"))), "2028-02-29");
}

TEST(Calendar, RangesTimesAndPeriodsAsText) {
  EXPECT_EQ(DateRangeText(*ParseDateRange("2026-03-01/2026-03-15")), "2026-03-01/2026-03-15");
  EXPECT_FALSE(ParseDateRange("2026-03-15/2026-03-01"));
  EXPECT_EQ(DayTimeText(*ParseDayTime("08:00/24:00")), "08:00/24:00");
  for (const char* wrong : {"24:30", "12:60", "24:00", "9:00", "11:00/10:00", "noon"})
    EXPECT_FALSE(ParseDayTime(wrong)) << wrong;
  EXPECT_EQ(PeriodText(*ParsePeriod("P2W")), "P14D");
  EXPECT_EQ(PeriodText(*ParsePeriod("PT90M")), "PT1H30M");
  EXPECT_EQ(PeriodText(*ParsePeriod("P1Y3M")), "P1Y3M");
  for (const char* wrong : {"P", "PT", "1D", "P1", "PT1S", "P-1D", "P99999999D"})
    EXPECT_FALSE(ParsePeriod(wrong)) << wrong;
  EXPECT_LT(RoughMinutes({0, 30, 0}), RoughMinutes({1, 0, 0}));
}

}  // namespace
}  // namespace sotto
