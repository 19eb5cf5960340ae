// The demo bank: customers, accounts on a double-entry ledger, cards, payees, fraud cases, on SQLite. Every
// operation is one transaction that either happened, with its idempotency key, or did not. Threads: one at a
// time. Several processes may use one file.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "action/registry.h"
#include "base/sqlite.h"

namespace sotto {

class Bank {
 public:
  // An existing bank. The error names the file: missing, locked, corrupt, or no bank.
  static Result<std::unique_ptr<Bank>> Open(const std::filesystem::path& path);
  // A new one with the demo customer, accounts, cards and payees. Error: the file is already there.
  static Result<std::unique_ptr<Bank>> Create(const std::filesystem::path& path);
  // Open, or Create where there is none yet.
  static Result<std::unique_ptr<Bank>> OpenOrCreate(const std::filesystem::path& path);

  // bank.balance, bank.transfer, ...: the bank must outlive the registry.
  void AddActions(ActionRegistry& registry);

  // Runs one by its name without the registry's "bank.". Failures: insufficient_funds, account_not_found,
  // payee_unknown, card_not_found, already_cancelled, already_active, already_replaced, card_cancelled,
  // invalid_arguments, verification_failed, and those of FailureOf.
  ToolResult Do(const std::string& operation, const ActionRequest& request);

  // Every broken invariant in words; empty: the books are right.
  Result<std::vector<std::string>> Audit();
  // Accounts, cards, payees, last journals, cases.
  Result<Json> Show();

 private:
  explicit Bank(Database database) : database_(std::move(database)) {}
  using Operation = Result<ToolResult> (Bank::*)(const Json& arguments);

  Result<void> Seed();
  Result<ToolResult> DoOnce(Operation operation, const std::string& name, const ActionRequest& request);

  Result<ToolResult> Balance(const Json& arguments);
  Result<ToolResult> Statements(const Json& arguments);
  Result<ToolResult> Transfer(const Json& arguments);
  Result<ToolResult> PayBill(const Json& arguments);
  Result<ToolResult> CancelCard(const Json& arguments);
  Result<ToolResult> ReplaceCard(const Json& arguments);
  Result<ToolResult> ActivateCard(const Json& arguments);
  Result<ToolResult> ResetPin(const Json& arguments);
  Result<ToolResult> ReportFraud(const Json& arguments);
  Result<ToolResult> Verify(const Json& arguments);

  struct Account;
  struct Card;
  Result<Account> FindAccount(const std::string& type);
  Result<Card> FindCard(const Json& arguments);
  Result<void> Post(const std::string& kind, const std::string& note, int64_t from, int64_t to,
                    int64_t cents);

  static constexpr int64_t kCustomer = 1;  // whoever calls the demo
  Database database_;
};

// Cents of an amount in a call; an error below one cent or above ten million.
Result<int64_t> CentsOf(const Json& amount);

}  // namespace sotto
