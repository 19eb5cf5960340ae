#include "base/absence.h"

#include <gtest/gtest.h>

#include "log_reader.h"

namespace sotto {
namespace {

size_t TimesIn(const LogReader& log, std::string_view what) {
  const std::string text = log.text();
  size_t n = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

TEST(Absence, IsLeftAloneForAWhileAndSaidOnce) {
  LogReader log;
  Absence absence("redis at 127.0.0.1:1", "what it keeps", std::chrono::seconds(5), true);
  const TimePoint start{};
  EXPECT_TRUE(absence.MayAsk(start));
  absence.Lost("refused", start);
  EXPECT_FALSE(absence.MayAsk(start + std::chrono::milliseconds(4999)));
  EXPECT_TRUE(absence.MayAsk(start + std::chrono::seconds(5)));
  absence.Lost("refused again", start + std::chrono::seconds(5));
  EXPECT_FALSE(absence.MayAsk(start + std::chrono::seconds(9)));
  absence.Answered();
  absence.Answered();
  EXPECT_EQ(TimesIn(log, "redis at 127.0.0.1:1: refused; going on without what it keeps"), 1u);
  EXPECT_EQ(TimesIn(log, "refused again"), 0u);
  EXPECT_EQ(TimesIn(log, "redis at 127.0.0.1:1: back"), 1u);
  // The next absence is said again.
  absence.Lost("gone", start + std::chrono::seconds(20));
  EXPECT_EQ(TimesIn(log, "gone; going on"), 1u);
}

}  // namespace
}  // namespace sotto
