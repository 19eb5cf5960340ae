#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/privacy_policy.h"
#include "privacy/audit.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

TEST(PrivacyPolicy, ReadsItsThreeRules) {
  for (const PrivacyRule rule : {PrivacyRule::kLocal, PrivacyRule::kPseudonymise, PrivacyRule::kAllow})
    EXPECT_EQ(*ParsePrivacyRule(PrivacyRuleName(rule)), rule);
  EXPECT_THAT(ParsePrivacyRule("remote").error().message,
              HasSubstr("'remote' is none of local, pseudonymise, allow"));
  EXPECT_THAT(ParsePrivacyRule("pseudonymize").error().message, HasSubstr("write 'pseudonymise'"));
}

TEST(PrivacyPolicy, TheStrictestOfWhatIsOfferedHolds) {
  PrivacyPolicy policy;
  EXPECT_EQ(policy.For("pay_bill"), PrivacyRule::kLocal);
  policy.rule = PrivacyRule::kAllow;
  policy.tools["pay_bill"] = PrivacyRule::kPseudonymise;
  policy.tools["reset_pin"] = PrivacyRule::kLocal;
  const std::vector<std::string> harmless{"greeting", "check_balance"};
  const std::vector<std::string> pays{"greeting", "pay_bill"};
  const std::vector<std::string> all{"pay_bill", "reset_pin"};
  EXPECT_EQ(policy.Strictest(harmless), PrivacyRule::kAllow);
  EXPECT_EQ(policy.Strictest(pays), PrivacyRule::kPseudonymise);
  EXPECT_EQ(policy.Strictest(all), PrivacyRule::kLocal);
  EXPECT_EQ(policy.Strictest({}), PrivacyRule::kAllow);
}

TEST(Audit, AnAddressSaysWhereAndNothingElse) {
  EXPECT_EQ(AuditedAddress("https://user:pass@host:8080/v1/chat?key=secret#x"), "https://host:8080/v1/chat");
  EXPECT_EQ(AuditedAddress("http://host"), "http://host");
  EXPECT_EQ(AuditedAddress("http://host/a@b"), "http://host/a@b");
}

TEST(Audit, SaysWhatLeftAndUnderWhichRule) {
  AuditRecord record;
  record.session = "s";
  record.turn = 3;
  record.to = "https://api.example.com/v1";
  record.why = "escalation";
  record.rule = PrivacyRule::kPseudonymise;
  record.rule_of = "tool pay_bill";
  record.outcome = AuditRecord::Outcome::kSent;
  record.bytes = 812;
  record.hidden[static_cast<size_t>(PersonalKind::kCard)] = 1;
  EXPECT_EQ(
      ToJson(record).dump(),
      R"({"session":"s","turn":3,"to":"https://api.example.com/v1","why":"escalation","rule":"pseudonymise",)"
      R"("rule_of":"tool pay_bill","outcome":"sent","bytes":812,"hidden":{"card":1},"open":{}})");
}

TEST(Audit, CountsWhatLeavesAsItIs) {
  const auto detector = *Detector::For("en");
  const KindCounts counts =
      CountKinds(*detector, "jane@example.com and bob@example.com, 4111 1111 1111 1111");
  EXPECT_EQ(counts[static_cast<size_t>(PersonalKind::kEmail)], 2U);
  EXPECT_EQ(counts[static_cast<size_t>(PersonalKind::kCard)], 1U);
}

}  // namespace
}  // namespace sotto
