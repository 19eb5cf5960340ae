#include "learn/date_forms.h"

#include <gtest/gtest.h>

#include <set>

#include "text/normalise.h"

namespace sotto {
namespace {

Entity EntityOf(Entity::Type type) {
  Entity entity;
  entity.type = type;
  return entity;
}

// What is drawn lies within the limits, and every way to say it is read back as it.
void ExpectReadBack(const Entity& entity, size_t least_forms) {
  Random random(5);
  std::set<std::string> forms;
  for (int i = 0; i < 1500; ++i) {
    const CallDay day{
        Date(std::chrono::year(2025) / 1 / 1) + std::chrono::days(static_cast<int>(random.Below(800))),
        i % 2 == 1};
    const std::string value = DrawCalendarValue(entity, day, random);
    const std::string text = SayCalendarValue(entity, value, day, random);
    const auto said = SaidCalendarValues(entity, text, NormaliseSpokenWords(text), day);
    ASSERT_EQ(said.size(), 1u) << text << " for " << value << " on " << DateText(*day.today);
    EXPECT_EQ(said.front().value, value) << text << " on " << DateText(*day.today);
    EXPECT_EQ(said.front().words, NormaliseSpoken(text));
    forms.insert(NormaliseSpoken(text));
  }
  EXPECT_GE(forms.size(), least_forms);
}

TEST(DateForms, AppointmentsAreReadBack) {
  Entity entity = EntityOf(Entity::Type::kDate);
  entity.earliest = *ParseDayLimit("tomorrow");
  entity.latest = *ParseDayLimit("60 days");
  ExpectReadBack(entity, 400);
}

TEST(DateForms, DaysThatLieBehindAreReadBack) {
  Entity entity = EntityOf(Entity::Type::kDate);
  entity.latest = *ParseDayLimit("today");
  ExpectReadBack(entity, 400);
}

TEST(DateForms, RangesAreReadBack) {
  Entity entity = EntityOf(Entity::Type::kDateRange);
  entity.latest = *ParseDayLimit("today");
  ExpectReadBack(entity, 200);
  ExpectReadBack(EntityOf(Entity::Type::kDateRange), 200);
}

TEST(DateForms, TimesAndLengthsAreReadBack) {
  Entity entity = EntityOf(Entity::Type::kTime);
  entity.min = 8 * 60;
  entity.max = 18 * 60;
  ExpectReadBack(entity, 80);
  ExpectReadBack(EntityOf(Entity::Type::kDuration), 60);
}

}  // namespace
}  // namespace sotto
