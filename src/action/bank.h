// The demo bank: customers, each with accounts on a double-entry ledger, cards, payees, fraud cases, on
// SQLite. Every operation is one transaction that either happened, with its idempotency key, or did not, and
// sees and moves only what belongs to the request's verified caller: nothing in the arguments can name
// anybody else's. Threads: one at a time. Several processes may use one file.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "action/registry.h"
#include "base/sqlite.h"

namespace sotto {

class Bank {
 public:
  // An existing bank; one of an older version is brought up to this one's. The error names the file: missing,
  // locked, corrupt, no bank, or of a newer version.
  static Result<std::unique_ptr<Bank>> Open(const std::filesystem::path& path);
  // A new one with three customers (1: Alex Morgan, who calls in the demo), their accounts, cards and payees.
  // Error: the file is already there.
  static Result<std::unique_ptr<Bank>> Create(const std::filesystem::path& path);
  // Open, or Create where there is none yet.
  static Result<std::unique_ptr<Bank>> OpenOrCreate(const std::filesystem::path& path);

  // bank.balance, bank.transfer, ...: the bank must outlive the registry.
  void AddActions(ActionRegistry& registry);

  // Runs one by its name without the registry's "bank.". Failures: not_verified (the caller is not, or is no
  // customer), insufficient_funds, account_not_found, payee_unknown, card_not_found, already_cancelled,
  // already_active, already_replaced, card_cancelled, invalid_arguments, verification_failed,
  // verification_locked (too many wrong answers), and those of FailureOf.
  // `verify` needs no verified caller. Of a caller whose customer is known it wants the PIN, or a card's last
  // digits with the birth date; of anybody else a card's digits with either. Its result names the customer.
  ToolResult Do(const std::string& operation, const ActionRequest& request);

  // Every broken invariant in words; empty: the books are right.
  Result<std::vector<std::string>> Audit();
  // Customers, accounts, cards, payees, last journals, cases: of one customer, or (0) of all.
  Result<Json> Show(int64_t customer = 0);

 private:
  explicit Bank(Database database) : database_(std::move(database)) {}
  // `customer`: the verified one; of Verify the one that is claimed, 0: nobody.
  using Operation = Result<ToolResult> (Bank::*)(int64_t customer, const Json& arguments);

  Result<void> Seed();
  Result<void> AddPayees(int64_t customer, std::span<const char* const> names);
  Result<ToolResult> DoOnce(Operation operation, const std::string& name, const ActionRequest& request);

  Result<ToolResult> Balance(int64_t customer, const Json& arguments);
  Result<ToolResult> Statements(int64_t customer, const Json& arguments);
  Result<ToolResult> Transfer(int64_t customer, const Json& arguments);
  Result<ToolResult> PayBill(int64_t customer, const Json& arguments);
  Result<ToolResult> CancelCard(int64_t customer, const Json& arguments);
  Result<ToolResult> ReplaceCard(int64_t customer, const Json& arguments);
  Result<ToolResult> ActivateCard(int64_t customer, const Json& arguments);
  Result<ToolResult> ResetPin(int64_t customer, const Json& arguments);
  Result<ToolResult> ReportFraud(int64_t customer, const Json& arguments);
  Result<ToolResult> Verify(int64_t customer, const Json& arguments);
  Result<ToolResult> Names(int64_t customer, const Json& arguments);

  struct Account;
  struct Card;
  // 0: the caller is none.
  Result<int64_t> CustomerOf(const Caller& caller);
  Result<Account> FindAccount(int64_t customer, const std::string& type);
  Result<Card> FindCard(int64_t customer, const Json& arguments);
  Result<ToolResult> WrongAnswer(const std::vector<int64_t>& customers);
  Result<void> Post(const std::string& kind, const std::string& note, int64_t from, int64_t to,
                    int64_t cents);

  Database database_;
};

// Cents of an amount in a call; an error below one cent or above ten million.
Result<int64_t> CentsOf(const Json& amount);

}  // namespace sotto
