#include "assistant/privacy_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/mapped_file.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kCard = "4111 1111 1111 1111";

Outbound Leaving(PrivacyRule rule, const std::string& said) {
  return {"big", "https://api.example", rule, Json::array({{{"role", "user"}, {"content", said}}})};
}

class PrivacyGuardTest : public testing::Test {
 protected:
  PrivacyGuardTest()
      : new_guard_(GuardsOf("banking", "en", folder_.path() / "audit.jsonl", clock_).value()) {}
  std::vector<Json> Audit() const {
    std::vector<Json> lines;
    std::istringstream text(ReadFile(folder_.path() / "audit.jsonl").value());
    for (std::string line; std::getline(text, line);) lines.push_back(Json::parse(line));
    return lines;
  }

  TempFolder folder_;
  const SystemClock clock_;
  const std::function<std::shared_ptr<OutboundGuard>()> new_guard_;
};

TEST_F(PrivacyGuardTest, LetsPseudonymsOutAndTheDataBackIn) {
  const auto guard = new_guard_();
  const std::string said = std::string("block my card ") + kCard;
  const Json left = guard->Outgoing(Leaving(PrivacyRule::kPseudonymise, said)).value();
  const std::string content = left[0].at("content");
  EXPECT_THAT(content, HasSubstr("block my card"));
  EXPECT_THAT(content, Not(HasSubstr(kCard)));
  const std::string hidden = content.substr(std::string("block my card ").size());
  const auto back = guard->Incoming({{"block_card", Json{{"card", hidden}}}}).value();
  EXPECT_EQ(back[0].arguments.at("card"), kCard);
  // The same in the next turn of the conversation, another in another one.
  EXPECT_EQ(guard->Outgoing(Leaving(PrivacyRule::kPseudonymise, said)).value(), left);
  EXPECT_NE(new_guard_()->Outgoing(Leaving(PrivacyRule::kPseudonymise, said)).value(), left);
}

TEST_F(PrivacyGuardTest, TellsTheAuditWhatLeftAndNeverTheData) {
  const auto guard = new_guard_();
  ASSERT_TRUE(guard->Outgoing(Leaving(PrivacyRule::kPseudonymise, std::string("it is ") + kCard)));
  ASSERT_TRUE(guard->Outgoing(Leaving(PrivacyRule::kAllow, std::string("it is ") + kCard)));
  const std::vector<Json> lines = Audit();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].at("rule"), "pseudonymise");
  EXPECT_EQ(lines[0].at("to"), "https://api.example");
  EXPECT_EQ(lines[0].at("hidden").at("card"), 1);
  EXPECT_EQ(lines[1].at("open").at("card"), 1);
  EXPECT_EQ(lines[0].at("session"), lines[1].at("session"));
  EXPECT_GT(lines[1].at("bytes"), 20);
  EXPECT_THAT(ReadFile(folder_.path() / "audit.jsonl").value(), Not(HasSubstr("4111")));
}

}  // namespace
}  // namespace sotto
