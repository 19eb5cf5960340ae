#include "assistant/caller_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sotto {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(CallerNames, AreWhatMayBeANameHoweverDeepItStands) {
  const Json data = Json::parse(R"({
    "names": ["Con Edison", "AT&T", "landlord", "7 Eleven"],
    "accounts": [{"id": "acc_4711", "type": "checking", "number": "4532 1234", "opened": "2024-05-01", "balance": 12.5}],
    "note": "Your statement is on its way to the address that we have.",
    "greeting": "Hello there.", "code": "A4711", "mail": "alex@example.org", "time": "10:30"})");
  EXPECT_THAT(NamesIn(data),
              ::testing::UnorderedElementsAre("checking", "Con Edison", "AT&T", "landlord", "7 Eleven"));
  EXPECT_THAT(NamesIn(Json(12)), IsEmpty());
  EXPECT_THAT(NamesIn(Json("Zo\u00eb")), ElementsAre("Zo\u00eb"));
}

TEST(CallerNames, EachStandsOnceAndTheNewestStay) {
  std::vector<std::string> names;
  EXPECT_TRUE(AddNames({"Netflix", "landlord", "netflix"}, &names));
  EXPECT_FALSE(AddNames({"NETFLIX"}, &names));
  EXPECT_THAT(names, ElementsAre("Netflix", "landlord"));
  std::vector<std::string> many;
  for (size_t i = 0; i < kMostCallerNames; ++i) many.push_back("name " + std::to_string(i));
  EXPECT_TRUE(AddNames(many, &names));
  EXPECT_EQ(names.size(), kMostCallerNames);
  EXPECT_EQ(names.front(), "name 0");
}

}  // namespace
}  // namespace sotto
