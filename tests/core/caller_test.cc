#include "core/caller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/unique_id.h"
#include "core/action.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

TEST(Caller, ComesBackFromJson) {
  const Caller caller{"17", "phone", "+15550100", "verify_caller", "2026-11-30T08:00:00Z"};
  EXPECT_EQ(*CallerFromJson(ToJson(caller)), caller);
  EXPECT_EQ(ToJson(Caller()), Json::object());
  EXPECT_EQ(*CallerFromJson(Json::object()), Caller());
  EXPECT_EQ(CallerFromJson(Json{{"customer", "17"}, {"of_a_later_version", 1}})->customer, "17");
}

TEST(Caller, ErrorNamesTheKey) {
  EXPECT_THAT(CallerFromJson(Json{{"customer", 17}}).error().message, HasSubstr("caller.customer"));
  EXPECT_FALSE(CallerFromJson(Json::array()));
}

// Whatever the parts are, other parts give another key.
TEST(IdempotencyKey, NoTwoTriesShareOne) {
  std::set<std::string> keys;
  int made = 0;
  const std::vector<std::string> names{"", "1", "1/2", "2", "%2F", "/", "1%2F2", "a b", "\n", "\xc3\xa9"};
  for (const std::string& customer : names) {
    for (const std::string& session : names) {
      for (const int task : {1, 2, 11}) {
        for (const int attempt : {1, 2, 12}) {
          const Caller caller{customer, "text", "", "", ""};
          const std::string key = IdempotencyKey(caller, session, task, attempt);
          keys.insert(key);
          ++made;
          for (const char c : key) EXPECT_TRUE(c > ' ' && c < 127) << key;
        }
      }
    }
  }
  EXPECT_EQ(keys.size(), static_cast<size_t>(made));
}

TEST(IdempotencyKey, DoesNotDependOnHowTheCallerWasVerified) {
  const Caller before{"1", "voice", "", "host", "2026-11-30T08:00:00Z"};
  const Caller after{"1", "text", "+1", "verify_caller", ""};
  EXPECT_EQ(IdempotencyKey(before, "s", 3, 1), IdempotencyKey(after, "s", 3, 1));
}

TEST(UniqueId, IsNeverTheSameTwice) {
  std::set<std::string> ids;
  for (int i = 0; i < 10000; ++i) ids.insert(UniqueId());
  EXPECT_EQ(ids.size(), 10000u);
  for (const std::string& id : ids) {
    ASSERT_EQ(id.size(), 32u);
    ASSERT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
  }
  Random one(7);
  Random again(7);
  EXPECT_EQ(UniqueId(one), UniqueId(again));
  EXPECT_NE(UniqueId(one), UniqueId(one));
}

}  // namespace
}  // namespace sotto
