#include "action/bank.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "base/random.h"
#include "log_reader.h"

namespace sotto {
namespace {

std::filesystem::path Fresh(const std::string& name) {
  const std::filesystem::path path = testing::TempDir() + "sotto_" + name + ".db";
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path.string() + suffix);
  return path;
}

Caller Verified(const std::string& customer) { return {customer, "text", "", "host", ""}; }

ActionRequest Request(const char* arguments, std::string key = "") {
  return {"", "", Json::parse(arguments), std::move(key), Json::object(), Verified("1"), ""};
}

double Balance(Bank& bank, const char* account) {
  return bank.Do("balance", {"", "", Json{{"account_type", account}}, "", Json::object(), Verified("1"), ""})
      .data.at("balance")
      .get<double>();
}

constexpr const char* kTransfer = R"({"amount": 200, "from_account": "checking", "to_account": "savings"})";

TEST(Bank, TransfersOnceHoweverOftenItIsAsked) {
  const auto bank = Bank::Create(Fresh("once")).value();
  const double before = Balance(*bank, "checking");
  const ToolResult first = bank->Do("transfer", Request(kTransfer, "task-1"));
  ASSERT_TRUE(first.ok) << first.failure;
  const ToolResult again = bank->Do("transfer", Request(kTransfer, "task-1"));
  EXPECT_TRUE(again.ok);
  EXPECT_EQ(again.data, first.data);
  EXPECT_DOUBLE_EQ(Balance(*bank, "checking"), before - 200);
  const ToolResult other =
      bank->Do("transfer",
               Request(R"({"amount": 300, "from_account": "checking", "to_account": "savings"})", "task-1"));
  EXPECT_EQ(other.failure, "invalid_arguments");
  EXPECT_THAT(bank->Audit().value(), testing::IsEmpty());
}

// What was asked for is the caller's business; what went wrong is everybody's.
TEST(Bank, LogsNoValuesOfSlots) {
  const auto bank = Bank::Create(Fresh("private")).value();
  const LogReader log;
  EXPECT_TRUE(bank->Do("transfer", Request(kTransfer, "secret-task")).ok);
  for (const char* wrong : {R"({"amount": 73, "from_account": "checking", "to_account": "savings"})",
                            R"({"amount": -57, "from_account": "checking", "to_account": "savings"})",
                            R"({"amount": "4532 4532", "from_account": "checking", "to_account": "savings"})",
                            R"({"amount": 91919191, "from_account": "checking", "to_account": "savings"})",
                            R"({"amount": 5, "from_account": "checking", "to_account": "checking"})"}) {
    EXPECT_EQ(bank->Do("transfer", Request(wrong, "secret-task")).failure, "invalid_arguments") << wrong;
    EXPECT_EQ(bank->Do("transfer", Request(wrong)).failure.empty(),
              std::string(wrong).find("73") != std::string::npos)
        << wrong;
  }
  for (const char* value : {"secret-task", "73", "57", "4532", "91919191", "checking", "savings"}) {
    EXPECT_THAT(log.text(), testing::Not(testing::HasSubstr(value)));
  }
  EXPECT_THAT(log.text(), testing::HasSubstr("transfer: its idempotency key was used for something else"));
  EXPECT_THAT(log.text(), testing::HasSubstr("the amount is outside 0.01 to"));
}

TEST(Bank, RefusesWithoutTouchingTheBooks) {
  const auto bank = Bank::Create(Fresh("refuse")).value();
  const double before = Balance(*bank, "checking");
  const ToolResult poor = bank->Do(
      "transfer", Request(R"({"amount": 99999, "from_account": "checking", "to_account": "savings"})", "k"));
  EXPECT_EQ(poor.failure, "insufficient_funds");
  EXPECT_DOUBLE_EQ(poor.data.at("available").get<double>(), before);
  EXPECT_EQ(bank->Do("pay_bill", Request(R"({"payee": "nobody", "amount": 5})")).failure, "payee_unknown");
  EXPECT_EQ(bank->Do("pay_bill", Request(R"({"payee": "verizon", "amount": -5})")).failure,
            "invalid_arguments");
  EXPECT_EQ(bank->Do("balance", Request(R"({"account_type": "gold"})")).failure, "account_not_found");
  EXPECT_DOUBLE_EQ(Balance(*bank, "checking"), before);
  EXPECT_THAT(bank->Audit().value(), testing::IsEmpty());
}

TEST(Bank, PaysAKnownPayeeHoweverItIsSpelt) {
  const auto bank = Bank::Create(Fresh("payee")).value();
  const ToolResult paid =
      bank->Do("pay_bill", Request(R"({"payee": "con edison", "amount": 61.25, "from_account": "savings"})"));
  ASSERT_TRUE(paid.ok) << paid.failure;
  EXPECT_EQ(paid.data.at("paid_from"), "savings");
  EXPECT_DOUBLE_EQ(Balance(*bank, "savings"), 12438.75);
}

TEST(Bank, ACancelledCardStaysCancelled) {
  const auto bank = Bank::Create(Fresh("cards")).value();
  EXPECT_EQ(bank->Do("activate_card", Request(R"({"card_last_four": "4532"})")).failure, "already_active");
  EXPECT_TRUE(bank->Do("activate_card", Request(R"({"card_last_four": "1234"})")).ok);
  EXPECT_TRUE(bank->Do("cancel_card",
                       Request(R"({"card_type": "debit", "card_last_four": "4532", "reason": "lost"})"))
                  .ok);
  EXPECT_EQ(bank->Do("cancel_card", Request(R"({"card_type": "debit", "card_last_four": "4532"})")).failure,
            "already_cancelled");
  EXPECT_EQ(bank->Do("activate_card", Request(R"({"card_last_four": "4532"})")).failure, "card_cancelled");
  EXPECT_EQ(bank->Do("reset_pin", Request(R"({"card_type": "debit", "card_last_four": "4532"})")).failure,
            "card_cancelled");
  EXPECT_TRUE(bank->Do("replace_card", Request(R"({"card_type": "debit", "card_last_four": "4532"})")).ok);
  EXPECT_EQ(bank->Do("replace_card", Request(R"({"card_type": "debit", "card_last_four": "4532"})")).failure,
            "already_replaced");
  EXPECT_EQ(bank->Do("cancel_card", Request(R"({"card_type": "debit", "card_last_four": "0000"})")).failure,
            "card_not_found");
  EXPECT_TRUE(bank->Do("report_fraud", Request(R"({"card_type": "credit", "transaction_amount": 12.5})")).ok);
  EXPECT_EQ(bank->Do("verify", Request(R"({"pin": "0000"})")).failure, "verification_failed");
  EXPECT_TRUE(bank->Do("verify", Request(R"({"pin": "4711"})")).ok);
}

TEST(Bank, TellsTheNamesOfWhoeverIsCallingAndNobodyElses) {
  const auto bank = Bank::Create(Fresh("names")).value();
  const auto names = [&](Caller caller) {
    return bank->Do("names", {"", "", Json::object(), "", Json::object(), std::move(caller), ""});
  };
  const Json alex = names(Verified("1")).data.at("names");
  EXPECT_THAT(alex,
              testing::IsSupersetOf({Json("Con Edison"), Json("Everyday checking"), Json("Doctor Miller")}));
  EXPECT_THAT(alex, testing::Not(testing::Contains(Json("Harbour Clinic"))));
  EXPECT_THAT(names(Verified("2")).data.at("names"), testing::Contains(Json("Harbour Clinic")));
  EXPECT_EQ(names({"1", "voice", "", "", ""}).failure, "not_verified");
}

TEST(Bank, TheSchemaItselfKeepsTheInvariants) {
  const std::filesystem::path path = Fresh("schema");
  ASSERT_TRUE(Bank::Create(path));
  Database database = Database::Open(path, Database::Mode::kOpen).value();
  const auto refused = [&](const char* sql) {
    const auto result = database.Execute(sql);
    return result ? std::string("nothing") : ConstraintOf(result.error());
  };
  EXPECT_EQ(refused("UPDATE entries SET cents = 1 WHERE id = 1"), "entries_are_final");
  EXPECT_EQ(refused("DELETE FROM entries"), "entries_are_final");
  EXPECT_EQ(refused("INSERT INTO entries (journal_id, account_id, cents) VALUES (1, 1, 100)"),
            "journal_is_posted");
  EXPECT_EQ(refused("INSERT INTO journals (id, kind) VALUES (900, 'x'); "
                    "INSERT INTO entries (journal_id, account_id, cents) VALUES (900, 1, 100); "
                    "UPDATE journals SET posted = 1 WHERE id = 900"),
            "journal_does_not_balance");
  EXPECT_EQ(refused("UPDATE cards SET state = 'active' WHERE state = 'cancelled'"), "card_cancelled");
}

TEST(Bank, NamesAFileThatIsNoBank) {
  const std::filesystem::path path = Fresh("garbage");
  EXPECT_EQ(Bank::Open(path).error().code, ErrorCode::kNotFound);
  FILE* file = std::fopen(path.c_str(), "w");
  std::fputs("this is not a database, but it is long enough to look at", file);
  std::fclose(file);
  const auto bank = Bank::Open(path);
  ASSERT_FALSE(bank);
  EXPECT_EQ(bank.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(bank.error().message, testing::HasSubstr(path.string()));
}

TEST(Bank, ALockedDatabaseIsUnavailable) {
  const std::filesystem::path path = Fresh("locked");
  const auto bank = Bank::Create(path).value();
  Database other = Database::Open(path, Database::Mode::kOpen, std::chrono::milliseconds(0)).value();
  ASSERT_TRUE(other.Execute("PRAGMA busy_timeout = 0; BEGIN IMMEDIATE"));
  EXPECT_EQ(bank->Do("transfer", Request(kTransfer)).failure, "unavailable");
  ASSERT_TRUE(other.Execute("ROLLBACK"));
  EXPECT_TRUE(bank->Do("transfer", Request(kTransfer)).ok);
}

// Transfers one cent under key after key until it is killed; tells each key through the pipe once it is
// committed.
[[noreturn]] void TransferUntilKilled(const std::filesystem::path& path, int first, int pipe) {
  const auto bank = Bank::Open(path);
  if (!bank) ::_exit(1);
  for (int key = first;; ++key) {
    const ToolResult result = (*bank)->Do(
        "transfer", Request(R"({"amount": 0.01, "from_account": "checking", "to_account": "savings"})",
                            std::to_string(key)));
    if (!result.ok || ::write(pipe, &key, sizeof(key)) != sizeof(key)) ::_exit(2);
  }
}

// A real kill at any point, 200 times: what was told as done is done, nothing is done twice, and asking again
// after the kill does what was cut off.
TEST(Bank, SurvivesSigkillWithoutLosingOrDoublingATransfer) {
  const std::filesystem::path path = Fresh("sigkill");
  ASSERT_TRUE(Bank::Create(path));
  Random random(7);
  int next = 0;
  for (int round = 0; round < 200; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) TransferUntilKilled(path, next, ends[1]);
    ::close(ends[1]);
    // Killed somewhere within the transfer after the n-th.
    int key = next - 1;
    for (size_t n = random.Below(4); n > 0 && ::read(ends[0], &key, sizeof(key)) == sizeof(key);) --n;
    for (size_t spin = random.Below(40000); spin > 0; --spin) asm volatile("");
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child failed by itself";
    while (::read(ends[0], &key, sizeof(key)) == sizeof(key)) {
    }
    ::close(ends[0]);
    next =
        key + 1;  // the one after the last that was told: perhaps done, perhaps not; asked again next round
  }
  const auto bank = Bank::Open(path).value();
  EXPECT_TRUE(
      bank->Do("transfer", Request(R"({"amount": 0.01, "from_account": "checking", "to_account": "savings"})",
                                   std::to_string(next)))
          .ok);
  EXPECT_THAT(bank->Audit().value(), testing::IsEmpty());
  EXPECT_NEAR(Balance(*bank, "savings"), 12500.0 + 0.01 * (next + 1), 1e-6);
  EXPECT_GT(next, 100);
}

}  // namespace
}  // namespace sotto
