// The bank's customers, looked at as somebody would who wants another's money.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "action/bank.h"
#include "base/sqlite.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kTransfer = R"({"amount": 200, "from_account": "checking", "to_account": "savings"})";

class BankCallersTest : public ::testing::Test {
 protected:
  BankCallersTest() : bank_(Bank::Create(folder_.path() / "bank.db").value()) {}
  ~BankCallersTest() override { EXPECT_THAT(bank_->Audit().value(), IsEmpty()); }

  static Caller Verified(const std::string& customer) { return {customer, "text", "", "host", ""}; }
  ToolResult Do(const std::string& operation, const std::string& arguments, const Caller& caller,
                std::string key = "") {
    return bank_->Do(operation,
                     {"", "", Json::parse(arguments), std::move(key), Json::object(), caller, "session"});
  }
  double Balance(const std::string& customer, const std::string& account) {
    return Do("balance", Json{{"account_type", account}}.dump(), Verified(customer)).data.at("balance");
  }
  // What customer 2 has, in every table.
  std::string Sams() { return bank_->Show(2).value().dump(); }

  const TempFolder folder_;
  std::unique_ptr<Bank> bank_;
};

TEST_F(BankCallersTest, WhoIsNotVerifiedDoesNothing) {
  const std::string before = bank_->Show().value().dump();
  const std::vector<std::pair<std::string, std::string>> operations{
      {"balance", R"({"account_type": "checking"})"},
      {"statement", R"({"account_type": "checking"})"},
      {"transfer", kTransfer},
      {"pay_bill", R"({"payee": "landlord", "amount": 5})"},
      {"cancel_card", R"({"card_type": "debit", "card_last_four": "4532"})"},
      {"replace_card", R"({"card_type": "debit", "card_last_four": "4532"})"},
      {"activate_card", R"({"card_last_four": "1234"})"},
      {"reset_pin", R"({"card_type": "debit", "card_last_four": "4532"})"},
      {"report_fraud", R"({"card_type": "debit"})"}};
  const std::vector<Caller> strangers{{},
                                      {"", "phone", "+15550100", "", ""},
                                      {"1", "phone", "+15550100", "", ""},  // claimed, not verified
                                      {"", "text", "", "host", ""},         // verified as nobody
                                      Verified("99"),
                                      Verified("0"),
                                      Verified("-1"),
                                      Verified("1 OR 1=1"),
                                      Verified("1; DROP TABLE customers"),
                                      Verified("0x1"),
                                      Verified(" 1"),
                                      Verified("1e0"),
                                      Verified("Alex Morgan"),
                                      Verified("18446744073709551617")};  // 2^64 + 1
  for (const Caller& stranger : strangers) {
    for (const auto& [operation, arguments] : operations) {
      EXPECT_EQ(Do(operation, arguments, stranger, "key").failure, "not_verified")
          << operation << " " << ToJson(stranger).dump();
    }
  }
  EXPECT_EQ(bank_->Show().value().dump(), before);
}

TEST_F(BankCallersTest, EachSeesTheirOwn) {
  EXPECT_DOUBLE_EQ(Balance("1", "checking"), 2457.67);
  EXPECT_DOUBLE_EQ(Balance("2", "checking"), 8733.50);
  EXPECT_EQ(Do("balance", R"({"account_type": "savings"})", Verified("3")).failure, "account_not_found");
  EXPECT_EQ(Do("statement", R"({"account_type": "checking"})", Verified("3")).data.at("count"), 1);
}

TEST_F(BankCallersTest, ArgumentsCannotNameAnotherCustomer) {
  const std::string sams = Sams();
  const double mine = Balance("1", "checking");
  for (const char* name : {"customer", "customer_id", "caller", "caller_customer", ":customer", "1", "?1"}) {
    Json forged = Json::parse(kTransfer);
    forged["amount"] = 20;
    forged[name] = 2;
    EXPECT_TRUE(Do("transfer", forged.dump(), Verified("1")).ok);
    forged[name] = Json{{"customer", "2"}};
    EXPECT_TRUE(Do("transfer", forged.dump(), Verified("1")).ok);
  }
  EXPECT_DOUBLE_EQ(Balance("1", "checking"), mine - 14 * 20);
  EXPECT_EQ(Sams(), sams);
}

TEST_F(BankCallersTest, SqlInTextIsText) {
  const std::string before = bank_->Show().value().dump();
  const std::vector<std::string> texts{"landlord' OR '1'='1",
                                       "x'; DROP TABLE payees; --",
                                       "' UNION SELECT name, 90 FROM payees --",
                                       "%",
                                       "_",
                                       "*",
                                       ""};
  for (const std::string& text : texts) {
    EXPECT_EQ(Do("pay_bill", Json{{"payee", text}, {"amount", 5}}.dump(), Verified("1")).failure,
              "payee_unknown");
    EXPECT_EQ(Do("balance", Json{{"account_type", text}}.dump(), Verified("1")).failure, "account_not_found");
    if (text.empty()) continue;  // not said: the newest card
    EXPECT_EQ(Do("cancel_card", Json{{"card_last_four", text}}.dump(), Verified("1")).failure,
              "card_not_found");
  }
  EXPECT_EQ(bank_->Show().value().dump(), before);
}

TEST_F(BankCallersTest, AnothersCardIsNoCard) {
  const std::string sams = Sams();
  for (const char* operation :
       {"cancel_card", "replace_card", "activate_card", "reset_pin", "report_fraud"}) {
    EXPECT_EQ(Do(operation, R"({"card_last_four": "6010"})", Verified("1")).failure, "card_not_found")
        << operation;
  }
  // Both have a card ending in 4532: one is cancelled, the other stays.
  EXPECT_TRUE(Do("cancel_card", R"({"card_type": "debit", "card_last_four": "4532"})", Verified("1")).ok);
  EXPECT_TRUE(Do("report_fraud", R"({"card_last_four": "4532"})", Verified("1")).ok);
  EXPECT_EQ(Sams(), sams);
}

TEST_F(BankCallersTest, AnothersPayeeIsUnknown) {
  const double sams = Balance("2", "checking");
  EXPECT_EQ(Do("pay_bill", R"({"payee": "Harbour Clinic", "amount": 5})", Verified("1")).failure,
            "payee_unknown");
  EXPECT_TRUE(Do("pay_bill", R"({"payee": "landlord", "amount": 5})", Verified("1")).ok);
  EXPECT_DOUBLE_EQ(Balance("2", "checking"), sams);
  const Json shown = bank_->Show(2).value();
  for (const Json& payee : shown.at("payees")) EXPECT_EQ(payee.at("paid"), 0.0);
}

TEST_F(BankCallersTest, AnothersKeyTellsAndDoesNothing) {
  const ToolResult mine = Do("transfer", kTransfer, Verified("1"), "key-1");
  ASSERT_TRUE(mine.ok);
  const double sams = Balance("2", "checking");
  const ToolResult replayed = Do("transfer", kTransfer, Verified("2"), "key-1");
  EXPECT_EQ(replayed.failure, "invalid_arguments");
  EXPECT_EQ(replayed.data, Json::object());
  EXPECT_DOUBLE_EQ(Balance("2", "checking"), sams);
  // Neither does a caller who is no longer verified get the answer once more.
  EXPECT_EQ(Do("transfer", kTransfer, {"1", "text", "", "", ""}, "key-1").failure, "not_verified");
  EXPECT_EQ(Do("transfer", kTransfer, Verified("1"), "key-1").data, mine.data);
}

TEST_F(BankCallersTest, VerifiesAClaimOrFindsByTheCard) {
  const Caller nobody{"", "phone", "", "", ""};
  const Caller claims{"1", "phone", "", "", ""};
  const auto verified = [&](const Caller& caller, const char* arguments) {
    const ToolResult result = Do("verify", arguments, caller);
    return result.ok ? result.data.at("customer").get<std::string>() : result.failure;
  };
  EXPECT_EQ(verified(claims, R"({"pin": "4711"})"), "1");
  EXPECT_EQ(verified(claims, R"({"card_last_four": "9876", "birth_date": "1985-03-14"})"), "1");
  // Sam's PIN and Sam's card say nothing about Alex.
  EXPECT_EQ(verified(claims, R"({"pin": "9034"})"), "verification_failed");
  EXPECT_EQ(verified(claims, R"({"card_last_four": "6010", "birth_date": "1972-11-02"})"),
            "verification_failed");
  EXPECT_EQ(verified(claims, R"({"birth_date": "1985-03-14"})"), "verification_failed");
  EXPECT_EQ(verified(claims, "{}"), "verification_failed");
  EXPECT_EQ(verified(claims, R"({"pin": ""})"), "verification_failed");
  EXPECT_EQ(verified(claims, R"({"pin": "4711"})"), "1");  // the count begins anew
  // The same digits are on two customers' cards; the birth date tells them apart.
  EXPECT_EQ(verified(nobody, R"({"card_last_four": "4532", "birth_date": "1972-11-02"})"), "2");
  EXPECT_EQ(verified(nobody, R"({"card_last_four": "4532", "pin": "4711"})"), "1");
  // A PIN alone would fit somebody.
  EXPECT_EQ(verified(nobody, R"({"pin": "4711"})"), "verification_failed");
  EXPECT_EQ(verified(nobody, R"({"birth_date": "1985-03-14"})"), "verification_failed");
  // A cancelled card says nothing.
  EXPECT_EQ(verified(nobody, R"({"card_last_four": "1111", "pin": "4711"})"), "verification_failed");
}

TEST_F(BankCallersTest, GuessingLocksForAWhileAlsoFromOtherSessions) {
  const Caller claims{"1", "phone", "", "", ""};
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(Do("verify", Json{{"pin", fmt::format("{:04}", i)}}.dump(), claims).failure,
              "verification_failed");
  }
  bank_.reset();
  bank_ = Bank::Open(folder_.path() / "bank.db").value();
  EXPECT_EQ(Do("verify", R"({"pin": "4711"})", claims).failure, "verification_locked");
  EXPECT_TRUE(Do("verify", R"({"pin": "9034"})", {"2", "phone", "", "", ""}).ok);
  Database database = Database::Open(folder_.path() / "bank.db", Database::Mode::kOpen).value();
  ASSERT_TRUE(database.Execute("UPDATE customers SET wrong_at = '2020-01-01T00:00:00.000Z' WHERE id = 1"));
  EXPECT_TRUE(Do("verify", R"({"pin": "4711"})", claims).ok);
}

TEST_F(BankCallersTest, TheSchemaItselfMovesNothingBetweenCustomers) {
  Database database = Database::Open(folder_.path() / "bank.db", Database::Mode::kOpen).value();
  const auto refused = database.Execute(
      "BEGIN; INSERT INTO journals (id, kind) VALUES (900, 'theft');"
      "INSERT INTO entries (journal_id, account_id, cents) VALUES (900, 11, -100);"
      "INSERT INTO entries (journal_id, account_id, cents) VALUES (900, 1, 100);");
  ASSERT_FALSE(refused);
  EXPECT_EQ(ConstraintOf(refused.error()), "two_customers");
  ASSERT_TRUE(database.Execute("ROLLBACK"));
}

// The schema of the first version, with what somebody did in it.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, birth_date TEXT NOT NULL, pin TEXT NOT NULL) STRICT;
CREATE TABLE accounts (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers(id),
  type TEXT NOT NULL CHECK (type IN ('checking', 'savings', 'credit', 'payee', 'bank')), name TEXT NOT NULL,
  floor_cents INTEGER, balance_cents INTEGER NOT NULL DEFAULT 0,
  CONSTRAINT insufficient_funds CHECK (floor_cents IS NULL OR balance_cents >= floor_cents)) STRICT;
CREATE UNIQUE INDEX one_account_a_type ON accounts(customer_id, type) WHERE customer_id IS NOT NULL;
CREATE TABLE journals (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, note TEXT NOT NULL DEFAULT '',
  at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), posted INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE entries (id INTEGER PRIMARY KEY, journal_id INTEGER NOT NULL REFERENCES journals(id),
  account_id INTEGER NOT NULL REFERENCES accounts(id), cents INTEGER NOT NULL CHECK (cents <> 0)) STRICT;
CREATE TRIGGER entry_in INSERT ON entries BEGIN
  SELECT RAISE(ABORT, 'journal_is_posted') FROM journals WHERE id = new.journal_id AND posted = 1;
  UPDATE accounts SET balance_cents = balance_cents + new.cents WHERE id = new.account_id;
END;
CREATE TABLE cards (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id), type TEXT NOT NULL,
  last_four TEXT NOT NULL, state TEXT NOT NULL, replaces INTEGER REFERENCES cards(id), reason TEXT) STRICT;
CREATE TABLE payees (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, key TEXT NOT NULL UNIQUE,
  account_id INTEGER NOT NULL REFERENCES accounts(id)) STRICT;
CREATE TABLE pin_resets (id INTEGER PRIMARY KEY, card_id INTEGER NOT NULL REFERENCES cards(id),
  at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))) STRICT;
CREATE TABLE fraud_cases (id INTEGER PRIMARY KEY, case_number TEXT NOT NULL UNIQUE,
  customer_id INTEGER NOT NULL REFERENCES customers(id), card_id INTEGER REFERENCES cards(id), amount_cents INTEGER,
  at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))) STRICT;
CREATE TABLE done (key TEXT PRIMARY KEY, action TEXT NOT NULL, arguments TEXT NOT NULL, result TEXT NOT NULL)
  STRICT, WITHOUT ROWID;
INSERT INTO customers VALUES (1, 'Alex Morgan', '1985-03-14', '4711');
INSERT INTO accounts (id, customer_id, type, name, floor_cents) VALUES (1, 1, 'checking', 'Checking', 0),
  (2, 1, 'savings', 'Savings', 0), (90, NULL, 'bank', 'BankCo', NULL), (91, NULL, 'payee', 'landlord', 0);
INSERT INTO payees (name, key, account_id) VALUES ('landlord', 'landlord', 91);
INSERT INTO journals (id, kind) VALUES (1, 'opening'), (2, 'bill');
INSERT INTO entries (journal_id, account_id, cents) VALUES (1, 90, -50000), (1, 1, 50000), (2, 1, -1200), (2, 91, 1200);
UPDATE journals SET posted = 1;
INSERT INTO cards (customer_id, type, last_four, state) VALUES (1, 'debit', '4532', 'active');
INSERT INTO done VALUES ('demo/1/00ff', 'transfer', '{}', '{}');
PRAGMA user_version = 1;
)sql";

TEST(BankFiles, AnOldBankIsBroughtUpWithAllThatIsInIt) {
  const TempFolder folder;
  const auto path = folder.path() / "bank.db";
  {
    Database old = Database::Open(path, Database::Mode::kCreate).value();
    ASSERT_TRUE(old.Execute(kVersion1));
  }
  for (int opened = 0; opened < 2; ++opened) {
    const auto bank = Bank::Open(path);
    ASSERT_TRUE(bank) << bank.error().message;
    EXPECT_THAT((*bank)->Audit().value(), IsEmpty());
    const Json tables = (*bank)->Show().value();
    EXPECT_EQ(tables.at("customers").size(), 1u);
    EXPECT_EQ(tables.at("payees"), Json::parse(R"([{"customer": 1, "name": "landlord", "paid": 12.0}])"));
    EXPECT_EQ(tables.at("accounts").at(0).at("balance"), 488.0);
    EXPECT_EQ(tables.at("journals").size(), 2u);
  }
  const auto bank = Bank::Open(path).value();
  const ToolResult paid = bank->Do("pay_bill", {"", "", Json{{"payee", "Landlord"}, {"amount", 5}}, "k",
                                                Json::object(), Caller{"1", "text", "", "host", ""}, "s"});
  EXPECT_TRUE(paid.ok) << paid.failure;
}

TEST(BankFiles, ABankOfANewerVersionIsLeftAlone) {
  const TempFolder folder;
  const auto path = folder.path() / "bank.db";
  ASSERT_TRUE(Bank::Create(path));
  {
    Database database = Database::Open(path, Database::Mode::kOpen).value();
    ASSERT_TRUE(database.Execute("PRAGMA user_version = 7"));
  }
  const auto bank = Bank::Open(path);
  ASSERT_FALSE(bank);
  EXPECT_EQ(bank.error().message, path.string() + " is a bank of version 7; this program knows up to 2");
}

}  // namespace
}  // namespace sotto
