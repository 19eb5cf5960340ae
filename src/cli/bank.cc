// sotto bank: makes, shows and audits the demo bank.
#include "action/bank.h"

#include "action/actions.h"
#include "cli/action_options.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

struct BankFlags {
  std::string database;  // folder
  std::string file;
  std::string workflow = "banking";
  int64_t customer = 0;
  bool json = false;

  Result<std::string> Path() const {
    if (!file.empty()) return file;
    if (!database.empty()) return (std::filesystem::path(database) / "bank.db").string();
    std::string name = workflow;
    if (std::filesystem::exists(std::filesystem::path(workflow) / "workflow.yaml")) {
      SOTTO_ASSIGN_OR_RETURN(const auto loaded, LoadWorkflow(workflow));
      name = loaded->name;
    }
    return (DefaultDatabases(name) / "bank.db").string();
  }
};

void Print(const Json& tables) {
  for (const auto& [name, rows] : tables.items()) {
    fmt::print("{}\n", name);
    for (const Json& row : rows) {
      std::string line;
      for (const auto& [key, value] : row.items()) {
        line += fmt::format("  {}: {}", key,
                            value.is_string()         ? value.get<std::string>()
                            : value.is_number_float() ? fmt::format("{:.2f}", value.get<double>())
                                                      : value.dump());
      }
      fmt::print("{}\n", line);
    }
  }
}

Result<void> Init(const BankFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const std::filesystem::path path, flags.Path());
  if (path.has_parent_path()) {
    std::error_code ignored;
    std::filesystem::create_directories(path.parent_path(), ignored);
  }
  SOTTO_ASSIGN_OR_RETURN(const auto bank, Bank::Create(path));
  fmt::print("{}: a bank with three customers; 1 is the one who calls in the demo\n", path.string());
  return {};
}

Result<void> Show(const BankFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const std::string path, flags.Path());
  SOTTO_ASSIGN_OR_RETURN(const auto bank, Bank::Open(path));
  SOTTO_ASSIGN_OR_RETURN(const Json tables, bank->Show(flags.customer));
  if (flags.customer != 0 && tables.at("customers").empty()) {
    return MakeError(ErrorCode::kNotFound, "{}: no customer {}", path, flags.customer);
  }
  if (flags.json) {
    fmt::print("{}\n", tables.dump());
  } else {
    Print(tables);
  }
  return {};
}

Result<bool> Audit(const BankFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const std::string path, flags.Path());
  SOTTO_ASSIGN_OR_RETURN(const auto bank, Bank::Open(path));
  SOTTO_ASSIGN_OR_RETURN(const std::vector<std::string> broken, bank->Audit());
  if (flags.json) {
    fmt::print("{}\n", Json{{"broken", broken}}.dump());
  } else if (broken.empty()) {
    fmt::print("{}: the books are right\n", path);
  }
  for (const std::string& what : broken) fmt::print(stderr, "{}: {}\n", path, what);
  return broken.empty();
}

}  // namespace

void RegisterBank(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("bank", "The demo bank: make, show, audit");
  auto flags = std::make_shared<BankFlags>();
  AddDatabaseOption(*command, flags->database);
  command
      ->add_option("--workflow", flags->workflow,
                   "The workflow whose default --database it is: its name, or its folder")
      ->capture_default_str();
  command->add_option("--file", flags->file, "The bank's file itself, wherever it lies")
      ->envname("SOTTO_BANK");
  command->add_flag("--json", flags->json, "As JSON");
  command->require_subcommand(1);
  command->fallthrough();
  command->footer(
      "Example:\n  sotto chat --workflow workflows/banking\n  sotto bank show --customer 1\n  sotto bank "
      "audit");
  command->add_subcommand("init", "Makes a new bank")->callback([flags, &context] {
    if (auto result = Init(*flags); !result) context.Fail(result.error());
  });
  CLI::App* show = command->add_subcommand("show", "Customers, accounts, cards, payees, the last journals");
  show->add_option("--customer", flags->customer, "Only this customer's; default: everybody's");
  show->callback([flags, &context] {
    if (auto result = Show(*flags); !result) context.Fail(result.error());
  });
  command->add_subcommand("audit", "Proves the invariants; exit code 1 if one is broken")
      ->callback([flags, &context] {
        const auto right = Audit(*flags);
        if (!right) return context.Fail(right.error());
        if (!*right) context.exit_code = 1;
      });
}

}  // namespace sotto
