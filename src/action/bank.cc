#include "action/bank.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <map>

#include "action/bank_schema.h"
#include "action/sql_rows.h"
#include "base/log.h"

namespace sotto {
namespace {

constexpr int64_t kVersion = 2;
// Then a customer cannot be verified until kLockedFor has passed: three guesses a session would soon find a
// PIN.
constexpr int64_t kWrongAnswers = 6;
constexpr const char* kLockedFor = "-15 minutes";

constexpr int64_t kMaxCents = 1'000'000'000;

double Money(int64_t cents) { return static_cast<double>(cents) / 100.0; }

std::string StringOf(const Json& arguments, const char* key) {
  const auto value = arguments.find(key);
  return value != arguments.end() && value->is_string() ? value->get<std::string>() : std::string();
}

// "Con Edison" and "con-edison" are one payee.
std::string PayeeKey(const std::string& name) {
  std::string key;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      key += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return key;
}

ToolResult Done(Json data = Json::object()) { return {true, "", std::move(data)}; }

// A failure of the bank's business travels as an error up to the transaction, which is then rolled back.
tl::unexpected<Error> Refuse(std::string_view failure) {
  return MakeError(ErrorCode::kCancelled, "{}", failure);
}

// From version 1, in one transaction: all of it or nothing.
Result<void> BringUp(Database& database) {
  SOTTO_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database));
  {
    // Another process may have been faster.
    SOTTO_ASSIGN_OR_RETURN(Statement version, database.Prepare("PRAGMA user_version"));
    SOTTO_RETURN_IF_ERROR(version.Step());
    if (version.Integer(0) != 1) return {};
  }
  auto done = database.Execute(std::string(kBankFrom1To2) + kBankOwners);
  if (!done)
    return WithContext(done.error(), database.path() + ": a bank of version 1 that cannot be brought up");
  return transaction.Commit();
}

}  // namespace

Result<int64_t> CentsOf(const Json& amount) {
  if (!amount.is_number()) return MakeError(ErrorCode::kInvalidArgument, "the amount is not a number");
  const double cents = std::round(amount.get<double>() * 100);
  if (!(cents >= 1) || cents > static_cast<double>(kMaxCents)) {
    return MakeError(ErrorCode::kInvalidArgument, "the amount is outside 0.01 to {}", Money(kMaxCents));
  }
  return static_cast<int64_t>(cents);
}

struct Bank::Account {
  int64_t id = 0;
  int64_t balance_cents = 0;
  int64_t floor_cents = 0;
  // What can be taken out.
  double available() const { return Money(balance_cents - floor_cents); }
};

struct Bank::Card {
  int64_t id = 0;
  std::string type;
  std::string state;
};

Result<std::unique_ptr<Bank>> Bank::Open(const std::filesystem::path& path) {
  SOTTO_ASSIGN_OR_RETURN(Database database, Database::Open(path, Database::Mode::kOpen));
  SOTTO_ASSIGN_OR_RETURN(Statement version, database.Prepare("PRAGMA user_version"));
  SOTTO_ASSIGN_OR_RETURN(const bool row, version.Step());
  const int64_t found = row ? version.Integer(0) : 0;
  if (found > kVersion) {
    return MakeError(ErrorCode::kUnsupported, "{} is a bank of version {}; this program knows up to {}",
                     path.string(), found, kVersion);
  }
  if (found < 1) {
    return MakeError(ErrorCode::kCorrupt, "{} is not a bank (make one with sotto bank init)", path.string());
  }
  SOTTO_RETURN_IF_ERROR(version.Step());  // ends the read, before what follows writes
  if (found == 1) SOTTO_RETURN_IF_ERROR(BringUp(database));
  return std::unique_ptr<Bank>(new Bank(std::move(database)));
}

Result<std::unique_ptr<Bank>> Bank::Create(const std::filesystem::path& path) {
  if (std::filesystem::exists(path) && std::filesystem::file_size(path) > 0) {
    return MakeError(ErrorCode::kInvalidArgument, "{} is already there", path.string());
  }
  SOTTO_ASSIGN_OR_RETURN(Database database, Database::Open(path, Database::Mode::kCreate));
  std::unique_ptr<Bank> bank(new Bank(std::move(database)));
  SOTTO_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(bank->database_));
  SOTTO_RETURN_IF_ERROR(bank->database_.Execute(std::string(kBankSchema) + kBankOwners));
  SOTTO_RETURN_IF_ERROR(bank->Seed());
  SOTTO_RETURN_IF_ERROR(transaction.Commit());
  return bank;
}

Result<std::unique_ptr<Bank>> Bank::OpenOrCreate(const std::filesystem::path& path) {
  return std::filesystem::exists(path) ? Open(path) : Create(path);
}

Result<void> Bank::Seed() {
  SOTTO_RETURN_IF_ERROR(database_.Execute(R"sql(
INSERT INTO customers (id, name, birth_date, pin) VALUES
  (1, 'Alex Morgan', '1985-03-14', '4711'), (2, 'Sam Rivera', '1972-11-02', '9034'),
  (3, 'Kim Novak', '1999-07-30', '2580');
INSERT INTO accounts (id, customer_id, type, name, floor_cents) VALUES
  (1, 1, 'checking', 'Everyday checking', 0), (2, 1, 'savings', 'Savings', 0), (3, 1, 'credit', 'Credit line', -500000),
  (11, 2, 'checking', 'Everyday checking', 0), (12, 2, 'savings', 'Savings', 0),
  (13, 2, 'credit', 'Credit line', -1000000), (21, 3, 'checking', 'Student checking', 0),
  (90, NULL, 'bank', 'BankCo', NULL);
INSERT INTO cards (customer_id, type, last_four, state) VALUES
  (1, 'debit', '4532', 'active'), (1, 'credit', '9876', 'active'), (1, 'debit', '1234', 'issued'),
  (1, 'credit', '5521', 'issued'), (1, 'debit', '7788', 'active'), (1, 'credit', '1111', 'cancelled'),
  (2, 'debit', '4532', 'active'), (2, 'credit', '6010', 'active'), (3, 'debit', '3141', 'active');
)sql"));
  static constexpr const char* kAlex[] = {"electric company",
                                          "water company",
                                          "gas company",
                                          "internet provider",
                                          "phone company",
                                          "landlord",
                                          "insurance company",
                                          "city utilities",
                                          "gym",
                                          "credit union",
                                          "Netflix",
                                          "Spotify",
                                          "Comcast",
                                          "Verizon",
                                          "AT&T",
                                          "Geico",
                                          "State Farm",
                                          "Con Edison",
                                          "Oakwood Apartments",
                                          "Doctor Miller"};
  static constexpr const char* kSam[] = {"electric company", "landlord", "Verizon", "Harbour Clinic"};
  static constexpr const char* kKim[] = {"phone company", "university"};
  SOTTO_RETURN_IF_ERROR(AddPayees(1, kAlex));
  SOTTO_RETURN_IF_ERROR(AddPayees(2, kSam));
  SOTTO_RETURN_IF_ERROR(AddPayees(3, kKim));
  SOTTO_RETURN_IF_ERROR(Post("opening", "Salary", 90, 1, 254017));
  SOTTO_RETURN_IF_ERROR(Post("opening", "Opening deposit", 90, 2, 1250000));
  SOTTO_RETURN_IF_ERROR(Post("purchase", "Groceries", 1, 90, 8250));
  SOTTO_RETURN_IF_ERROR(Post("purchase", "Airline tickets", 3, 90, 41236));
  SOTTO_RETURN_IF_ERROR(Post("opening", "Salary", 90, 11, 873350));
  SOTTO_RETURN_IF_ERROR(Post("opening", "Opening deposit", 90, 12, 4100000));
  SOTTO_RETURN_IF_ERROR(Post("opening", "Allowance", 90, 21, 32075));
  return {};
}

Result<void> Bank::AddPayees(int64_t customer, std::span<const char* const> names) {
  SOTTO_ASSIGN_OR_RETURN(
      Statement account,
      database_.Prepare("INSERT INTO accounts (type, name, floor_cents) VALUES ('payee', ?, 0)"));
  SOTTO_ASSIGN_OR_RETURN(
      Statement payee,
      database_.Prepare("INSERT INTO payees (customer_id, name, key, account_id) VALUES (?, ?, ?, ?)"));
  for (const char* name : names) {
    SOTTO_RETURN_IF_ERROR(account.Bind(1, std::string_view(name)).Run());
    const int64_t id = database_.last_id();
    SOTTO_RETURN_IF_ERROR(
        payee.Bind(1, customer).Bind(2, std::string_view(name)).Bind(3, PayeeKey(name)).Bind(4, id).Run());
  }
  return {};
}

void Bank::AddActions(ActionRegistry& registry) {
  for (const char* operation : {"balance", "statement", "transfer", "pay_bill", "cancel_card", "replace_card",
                                "activate_card", "reset_pin", "report_fraud", "verify", "names"}) {
    registry.Add(std::string("bank.") + operation,
                 [this, operation](const ActionRequest& request, const std::stop_token&) {
                   return Do(operation, request);
                 });
  }
}

ToolResult Bank::Do(const std::string& operation, const ActionRequest& request) {
  static const std::map<std::string, Operation> operations = {{"balance", &Bank::Balance},
                                                              {"statement", &Bank::Statements},
                                                              {"transfer", &Bank::Transfer},
                                                              {"pay_bill", &Bank::PayBill},
                                                              {"cancel_card", &Bank::CancelCard},
                                                              {"replace_card", &Bank::ReplaceCard},
                                                              {"activate_card", &Bank::ActivateCard},
                                                              {"reset_pin", &Bank::ResetPin},
                                                              {"report_fraud", &Bank::ReportFraud},
                                                              {"verify", &Bank::Verify},
                                                              {"names", &Bank::Names}};
  const auto found = operations.find(operation);
  if (found == operations.end()) return Failure("unknown_action");
  auto result = DoOnce(found->second, operation, request);
  if (result) return *std::move(result);
  return FailureOf(result.error());
}

// One transaction: look the key up, do it, remember the answer. What the business refuses has no effect; of
// a verification the wrong answer is counted.
Result<ToolResult> Bank::DoOnce(Operation operation, const std::string& name, const ActionRequest& request) {
  const bool verifies = name == "verify";
  const std::string arguments = request.arguments.dump(-1, ' ', false, Json::error_handler_t::replace);
  SOTTO_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database_));
  SOTTO_ASSIGN_OR_RETURN(const int64_t customer, CustomerOf(request.caller));
  if (!verifies && (customer == 0 || !request.caller.verified())) return Failure("not_verified");
  if (!request.idempotency_key.empty()) {
    SOTTO_ASSIGN_OR_RETURN(
        Statement known,
        database_.Prepare("SELECT action, arguments, customer, result FROM done WHERE key = ?"));
    SOTTO_ASSIGN_OR_RETURN(const bool again, known.Bind(1, request.idempotency_key).Step());
    if (again) {
      if (known.Text(0) != name || known.Text(1) != arguments || known.Text(2) != request.caller.customer) {
        return MakeError(ErrorCode::kInvalidArgument, "{}: its idempotency key was used for something else",
                         name);
      }
      SOTTO_ASSIGN_OR_RETURN(const Json data, ParseJson(known.Text(3), "stored result"));
      return Done(data);
    }
  }
  auto result = (this->*operation)(customer, request.arguments);
  if (!result) {
    // Refusals are answers; nothing of them stays in the database.
    if (result.error().code == ErrorCode::kCancelled) return Failure(result.error().message);
    return result;
  }
  if (!result->ok) {
    if (verifies) SOTTO_RETURN_IF_ERROR(transaction.Commit());
    return result;
  }
  if (!request.idempotency_key.empty()) {
    SOTTO_ASSIGN_OR_RETURN(
        Statement remember,
        database_.Prepare(
            "INSERT INTO done (key, customer, action, arguments, result) VALUES (?, ?, ?, ?, ?)"));
    SOTTO_RETURN_IF_ERROR(remember.Bind(1, request.idempotency_key)
                              .Bind(2, request.caller.customer)
                              .Bind(3, name)
                              .Bind(4, arguments)
                              .Bind(5, result->data.dump())
                              .Run());
  }
  SOTTO_RETURN_IF_ERROR(transaction.Commit());
  return result;
}

Result<int64_t> Bank::CustomerOf(const Caller& caller) {
  int64_t id = 0;
  const char* end = caller.customer.data() + caller.customer.size();
  const auto [rest, wrong] = std::from_chars(caller.customer.data(), end, id);
  if (wrong != std::errc() || rest != end || id <= 0) return 0;
  SOTTO_ASSIGN_OR_RETURN(Statement find, database_.Prepare("SELECT 1 FROM customers WHERE id = ?"));
  SOTTO_ASSIGN_OR_RETURN(const bool there, find.Bind(1, id).Step());
  return there ? id : 0;
}

Result<Bank::Account> Bank::FindAccount(int64_t customer, const std::string& type) {
  SOTTO_ASSIGN_OR_RETURN(
      Statement find,
      database_.Prepare(
          "SELECT id, balance_cents, floor_cents FROM accounts WHERE customer_id = ? AND type = ?"));
  SOTTO_ASSIGN_OR_RETURN(const bool row, find.Bind(1, customer).Bind(2, type).Step());
  if (!row) return Refuse("account_not_found");
  return Account{find.Integer(0), find.Integer(1), find.Integer(2)};
}

// The customer's card of the given type and digits, of which either may be missing if the other tells it
// apart. Of several with the same digits the newest.
Result<Bank::Card> Bank::FindCard(int64_t customer, const Json& arguments) {
  const std::string type = StringOf(arguments, "card_type");
  const std::string last_four = StringOf(arguments, "card_last_four");
  SOTTO_ASSIGN_OR_RETURN(
      Statement find,
      database_.Prepare("SELECT id, type, state FROM cards WHERE customer_id = ?1 AND (?2 = '' OR type = ?2) "
                        "AND (?3 = '' OR last_four = ?3) ORDER BY state = 'cancelled', id DESC LIMIT 1"));
  SOTTO_ASSIGN_OR_RETURN(const bool row, find.Bind(1, customer).Bind(2, type).Bind(3, last_four).Step());
  if (!row) return Refuse("card_not_found");
  return Card{find.Integer(0), find.Text(1), find.Text(2)};
}

// Moves money by one balanced journal of two entries.
Result<void> Bank::Post(const std::string& kind, const std::string& note, int64_t from, int64_t to,
                        int64_t cents) {
  SOTTO_ASSIGN_OR_RETURN(Statement journal,
                         database_.Prepare("INSERT INTO journals (kind, note) VALUES (?, ?)"));
  SOTTO_RETURN_IF_ERROR(journal.Bind(1, kind).Bind(2, note).Run());
  const int64_t id = database_.last_id();
  SOTTO_ASSIGN_OR_RETURN(
      Statement entry,
      database_.Prepare("INSERT INTO entries (journal_id, account_id, cents) VALUES (?, ?, ?)"));
  SOTTO_RETURN_IF_ERROR(entry.Bind(1, id).Bind(2, from).Bind(3, -cents).Run());
  SOTTO_RETURN_IF_ERROR(entry.Bind(1, id).Bind(2, to).Bind(3, cents).Run());
  SOTTO_ASSIGN_OR_RETURN(Statement post, database_.Prepare("UPDATE journals SET posted = 1 WHERE id = ?"));
  return post.Bind(1, id).Run();
}

Result<ToolResult> Bank::Balance(int64_t customer, const Json& arguments) {
  const std::string type = StringOf(arguments, "account_type");
  SOTTO_ASSIGN_OR_RETURN(const Account account, FindAccount(customer, type));
  // Of a credit line people want to know what they owe.
  return Done({{"balance", Money(type == "credit" ? -account.balance_cents : account.balance_cents)}});
}

Result<ToolResult> Bank::Statements(int64_t customer, const Json& arguments) {
  const std::string type = StringOf(arguments, "account_type");
  SOTTO_ASSIGN_OR_RETURN(const Account account, FindAccount(customer, type));
  const std::string period = StringOf(arguments, "period");
  const char* since = period == "last_year"       ? "-12 months"
                      : period == "last_3_months" ? "-3 months"
                                                  : "-1 month";
  SOTTO_ASSIGN_OR_RETURN(
      Statement sums,
      database_.Prepare(
          "SELECT count(*), coalesce(sum(max(cents, 0)), 0), coalesce(sum(max(-cents, 0)), 0) FROM entries "
          "JOIN journals ON journals.id = journal_id WHERE account_id = ? AND at >= "
          "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?)"));
  SOTTO_RETURN_IF_ERROR(sums.Bind(1, account.id).Bind(2, std::string_view(since)).Step());
  return Done({{"count", sums.Integer(0)},
               {"total_in", Money(sums.Integer(1))},
               {"total_out", Money(sums.Integer(2))},
               {"balance", Money(type == "credit" ? -account.balance_cents : account.balance_cents)}});
}

Result<ToolResult> Bank::Names(int64_t customer, const Json& /*arguments*/) {
  Json names = Json::array();
  for (const char* query : {"SELECT name FROM payees WHERE customer_id = ? ORDER BY name",
                            "SELECT name FROM accounts WHERE customer_id = ? ORDER BY id"}) {
    SOTTO_ASSIGN_OR_RETURN(Statement list, database_.Prepare(query));
    list.Bind(1, customer);
    while (true) {
      SOTTO_ASSIGN_OR_RETURN(const bool more, list.Step());
      if (!more) break;
      names.push_back(std::string(list.Text(0)));
    }
  }
  return Done({{"names", std::move(names)}});
}

Result<ToolResult> Bank::Transfer(int64_t customer, const Json& arguments) {
  SOTTO_ASSIGN_OR_RETURN(const int64_t cents, CentsOf(arguments.value("amount", Json())));
  const std::string from_type = StringOf(arguments, "from_account");
  const std::string to_type = StringOf(arguments, "to_account");
  if (from_type == to_type)
    return MakeError(ErrorCode::kInvalidArgument, "transfer from an account to itself");
  SOTTO_ASSIGN_OR_RETURN(const Account from, FindAccount(customer, from_type));
  SOTTO_ASSIGN_OR_RETURN(const Account to, FindAccount(customer, to_type));
  const auto posted = Post("transfer", from_type + " to " + to_type, from.id, to.id, cents);
  if (!posted && ConstraintOf(posted.error()).find("insufficient_funds") != std::string::npos) {
    return Failure("insufficient_funds", {{"available", from.available()}});
  }
  SOTTO_RETURN_IF_ERROR(posted);
  return Done({{"available", Money(from.balance_cents - from.floor_cents - cents)},
               {"balance", Money(from.balance_cents - cents)}});
}

Result<ToolResult> Bank::PayBill(int64_t customer, const Json& arguments) {
  SOTTO_ASSIGN_OR_RETURN(const int64_t cents, CentsOf(arguments.value("amount", Json())));
  const std::string from_type =
      arguments.contains("from_account") ? StringOf(arguments, "from_account") : "checking";
  SOTTO_ASSIGN_OR_RETURN(const Account from, FindAccount(customer, from_type));
  SOTTO_ASSIGN_OR_RETURN(
      Statement find,
      database_.Prepare("SELECT name, account_id FROM payees WHERE customer_id = ? AND key = ?"));
  SOTTO_ASSIGN_OR_RETURN(const bool known,
                         find.Bind(1, customer).Bind(2, PayeeKey(StringOf(arguments, "payee"))).Step());
  if (!known) return Refuse("payee_unknown");
  const auto posted = Post("bill", find.Text(0), from.id, find.Integer(1), cents);
  if (!posted && ConstraintOf(posted.error()).find("insufficient_funds") != std::string::npos) {
    return Failure("insufficient_funds", {{"available", from.available()}, {"paid_from", from_type}});
  }
  SOTTO_RETURN_IF_ERROR(posted);
  return Done(
      {{"available", Money(from.balance_cents - from.floor_cents - cents)}, {"paid_from", from_type}});
}

Result<ToolResult> Bank::CancelCard(int64_t customer, const Json& arguments) {
  SOTTO_ASSIGN_OR_RETURN(const Card card, FindCard(customer, arguments));
  if (card.state == "cancelled") return Refuse("already_cancelled");
  SOTTO_ASSIGN_OR_RETURN(Statement cancel,
                         database_.Prepare("UPDATE cards SET state = 'cancelled', reason = ? WHERE id = ?"));
  SOTTO_RETURN_IF_ERROR(cancel.Bind(1, StringOf(arguments, "reason")).Bind(2, card.id).Run());
  return Done();
}

Result<ToolResult> Bank::ReplaceCard(int64_t customer, const Json& arguments) {
  SOTTO_ASSIGN_OR_RETURN(const Card card, FindCard(customer, arguments));
  SOTTO_ASSIGN_OR_RETURN(
      Statement order, database_.Prepare("INSERT INTO cards (customer_id, type, last_four, state, replaces) "
                                         "VALUES (?, ?, ?, 'issued', ?)"));
  const std::string digits = fmt::format("{:04}", (card.id * 7919 + 2357) % 10000);
  const auto ordered = order.Bind(1, customer).Bind(2, card.type).Bind(3, digits).Bind(4, card.id).Run();
  if (!ordered && !ConstraintOf(ordered.error()).empty()) return Refuse("already_replaced");
  SOTTO_RETURN_IF_ERROR(ordered);
  return Done({{"new_last_four", digits}, {"days", 5}});
}

Result<ToolResult> Bank::ActivateCard(int64_t customer, const Json& arguments) {
  SOTTO_ASSIGN_OR_RETURN(const Card card, FindCard(customer, arguments));
  if (card.state == "active") return Refuse("already_active");
  SOTTO_ASSIGN_OR_RETURN(Statement activate,
                         database_.Prepare("UPDATE cards SET state = 'active' WHERE id = ?"));
  const auto activated = activate.Bind(1, card.id).Run();
  if (!activated && ConstraintOf(activated.error()) == "card_cancelled") return Refuse("card_cancelled");
  SOTTO_RETURN_IF_ERROR(activated);
  return Done();
}

Result<ToolResult> Bank::ResetPin(int64_t customer, const Json& arguments) {
  SOTTO_ASSIGN_OR_RETURN(const Card card, FindCard(customer, arguments));
  if (card.state == "cancelled") return Refuse("card_cancelled");
  SOTTO_ASSIGN_OR_RETURN(Statement reset, database_.Prepare("INSERT INTO pin_resets (card_id) VALUES (?)"));
  SOTTO_RETURN_IF_ERROR(reset.Bind(1, card.id).Run());
  return Done();
}

Result<ToolResult> Bank::ReportFraud(int64_t customer, const Json& arguments) {
  SOTTO_ASSIGN_OR_RETURN(const Card card, FindCard(customer, arguments));
  SOTTO_ASSIGN_OR_RETURN(
      Statement open,
      database_.Prepare("INSERT INTO fraud_cases (case_number, customer_id, card_id, amount_cents) "
                        "SELECT printf('%06d', 480211 + 37 * count(*)), ?, ?, ? FROM fraud_cases "
                        "RETURNING case_number"));
  open.Bind(1, customer).Bind(2, card.id).BindNull(3);
  if (arguments.contains("transaction_amount")) {
    SOTTO_ASSIGN_OR_RETURN(const int64_t cents, CentsOf(arguments.at("transaction_amount")));
    open.Bind(3, cents);
  }
  SOTTO_RETURN_IF_ERROR(open.Step());
  const std::string number = open.Text(0);
  SOTTO_RETURN_IF_ERROR(open.Step());
  return Done({{"case_number", number}});
}

// Who claims to be a customer shows it with the PIN, or with the digits of a card and the birth date. Who
// claims nothing is looked for by the digits. Both must lead to exactly one customer: a PIN alone would fit
// somebody.
Result<ToolResult> Bank::Verify(int64_t customer, const Json& arguments) {
  const std::string pin = StringOf(arguments, "pin");
  const std::string born = StringOf(arguments, "birth_date");
  const std::string digits = StringOf(arguments, "card_last_four");
  SOTTO_ASSIGN_OR_RETURN(
      Statement find,
      database_.Prepare(
          "SELECT id, pin, birth_date, wrong_answers >= ?3 AND wrong_at > "
          "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?4) FROM customers WHERE (?1 = 0 OR id = ?1) AND "
          "(CASE WHEN ?2 = '' THEN ?1 <> 0 ELSE EXISTS (SELECT 1 FROM cards WHERE customer_id = customers.id "
          "AND last_four = ?2 AND state <> 'cancelled') END)"));
  find.Bind(1, customer).Bind(2, digits).Bind(3, kWrongAnswers).Bind(4, std::string_view(kLockedFor));
  std::vector<int64_t> meant;
  std::vector<int64_t> right;
  bool locked = false;
  while (true) {
    SOTTO_ASSIGN_OR_RETURN(const bool row, find.Step());
    if (!row) break;
    meant.push_back(find.Integer(0));
    const bool by_pin = !pin.empty() && pin == find.Text(1);
    const bool by_birth = pin.empty() && !digits.empty() && !born.empty() && born == find.Text(2);
    if (by_pin || by_birth) right.push_back(find.Integer(0));
    locked = locked || find.Integer(3) != 0;
  }
  if (locked) return Failure("verification_locked");
  if (right.size() != 1) {
    // A wrong card of a customer who is known is a wrong answer of theirs.
    return WrongAnswer(meant.empty() && customer != 0 ? std::vector<int64_t>{customer} : meant);
  }
  SOTTO_ASSIGN_OR_RETURN(
      Statement forget,
      database_.Prepare("UPDATE customers SET wrong_answers = 0, wrong_at = NULL WHERE id = ?"));
  SOTTO_RETURN_IF_ERROR(forget.Bind(1, right.front()).Run());
  return Done({{"customer", std::to_string(right.front())}});
}

Result<ToolResult> Bank::WrongAnswer(const std::vector<int64_t>& customers) {
  SOTTO_ASSIGN_OR_RETURN(
      Statement count, database_.Prepare("UPDATE customers SET wrong_answers = wrong_answers + 1, wrong_at = "
                                         "strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE id = ?"));
  for (const int64_t customer : customers) SOTTO_RETURN_IF_ERROR(count.Bind(1, customer).Run());
  return Failure("verification_failed");
}

Result<std::vector<std::string>> Bank::Audit() {
  static const std::pair<const char*, const char*> checks[] = {
      {"journal {} does not balance",
       "SELECT journal_id FROM entries GROUP BY journal_id HAVING sum(cents) <> 0"},
      {"journal {} was never posted", "SELECT id FROM journals WHERE posted <> 1"},
      {"journal {} has fewer than two entries",
       "SELECT journals.id FROM journals LEFT JOIN entries ON journal_id = journals.id GROUP BY journals.id "
       "HAVING count(entries.id) < 2"},
      {"account {}'s balance is not the sum of its entries",
       "SELECT a.id FROM accounts a WHERE balance_cents <> (SELECT coalesce(sum(cents), 0) FROM entries "
       "WHERE account_id = a.id)"},
      {"account {} is below its floor", "SELECT id FROM accounts WHERE balance_cents < floor_cents"},
      {"card {} is not cancelled, but a card that it replaces is its own replacement",
       "SELECT id FROM cards WHERE replaces = id"},
      {"journal {} moves money between customers",
       "SELECT journal_id FROM entries JOIN owners ON owners.account_id = entries.account_id "
       "GROUP BY journal_id HAVING min(customer_id) <> max(customer_id)"},
      {"card {} replaces another customer's",
       "SELECT c.id FROM cards c JOIN cards o ON o.id = c.replaces WHERE o.customer_id <> c.customer_id"},
      {"fraud case {} is about another customer's card",
       "SELECT f.id FROM fraud_cases f JOIN cards ON cards.id = card_id WHERE "
       "cards.customer_id <> f.customer_id"}};
  std::vector<std::string> broken;
  for (const auto& [text, sql] : checks) {
    SOTTO_ASSIGN_OR_RETURN(Statement check, database_.Prepare(sql));
    while (true) {
      SOTTO_ASSIGN_OR_RETURN(const bool row, check.Step());
      if (!row) break;
      broken.push_back(fmt::format(fmt::runtime(text), check.Integer(0)));
    }
  }
  SOTTO_ASSIGN_OR_RETURN(Statement integrity, database_.Prepare("PRAGMA integrity_check"));
  SOTTO_RETURN_IF_ERROR(integrity.Step());
  if (integrity.Text(0) != "ok") broken.push_back("the file is damaged: " + integrity.Text(0));
  return broken;
}

Result<Json> Bank::Show(int64_t customer) {
  // ?1: whose, 0: everybody's.
  static const std::pair<const char*, const char*> tables[] = {
      {"customers", "SELECT id AS customer, name FROM customers WHERE ?1 IN (0, id)"},
      {"accounts",
       "SELECT customer_id AS customer, type, name, balance_cents / 100.0 AS balance FROM accounts "
       "WHERE customer_id IS NOT NULL AND ?1 IN (0, customer_id)"},
      {"cards",
       "SELECT customer_id AS customer, type, last_four, state FROM cards WHERE ?1 IN (0, customer_id)"},
      {"payees",
       "SELECT payees.customer_id AS customer, payees.name, balance_cents / 100.0 AS paid FROM payees "
       "JOIN accounts ON accounts.id = account_id WHERE ?1 IN (0, payees.customer_id)"},
      {"journals",
       "SELECT journals.id, at, min(customer_id) AS customer, kind, note, max(cents) / 100.0 AS amount "
       "FROM journals JOIN entries ON journal_id = journals.id "
       "LEFT JOIN owners ON owners.account_id = entries.account_id "
       "GROUP BY journals.id HAVING ?1 IN (0, min(customer_id)) ORDER BY journals.id DESC LIMIT 20"},
      {"fraud_cases",
       "SELECT customer_id AS customer, case_number, amount_cents / 100.0 AS amount, at FROM fraud_cases "
       "WHERE ?1 IN (0, customer_id)"},
      {"pin_resets",
       "SELECT customer_id AS customer, card_id, at FROM pin_resets JOIN cards ON cards.id = card_id "
       "WHERE ?1 IN (0, customer_id)"}};
  Json json = Json::object();
  for (const auto& [name, sql] : tables) {
    Json rows = Json::array();
    SOTTO_ASSIGN_OR_RETURN(Statement select, database_.Prepare(sql));
    select.Bind(1, customer);
    while (true) {
      SOTTO_ASSIGN_OR_RETURN(const bool row, select.Step());
      if (!row) break;
      rows.push_back(RowOf(select));
    }
    json[name] = std::move(rows);
  }
  return json;
}

}  // namespace sotto
