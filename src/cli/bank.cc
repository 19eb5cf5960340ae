// sotto bank: makes, shows and audits the demo bank.
#include "action/bank.h"

#include "cli/command.h"
#include "cli/commands.h"

namespace sotto {
namespace {

struct BankFlags {
  std::string file = "out/bank.db";
  bool json = false;
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
  const std::filesystem::path path = flags.file;
  if (path.has_parent_path()) {
    std::error_code ignored;
    std::filesystem::create_directories(path.parent_path(), ignored);
  }
  SOTTO_ASSIGN_OR_RETURN(const auto bank, Bank::Create(path));
  fmt::print("{}: a bank with one customer, three accounts and six cards\n", flags.file);
  return {};
}

Result<void> Show(const BankFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto bank, Bank::Open(flags.file));
  SOTTO_ASSIGN_OR_RETURN(const Json tables, bank->Show());
  if (flags.json) {
    fmt::print("{}\n", tables.dump());
  } else {
    Print(tables);
  }
  return {};
}

Result<bool> Audit(const BankFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto bank, Bank::Open(flags.file));
  SOTTO_ASSIGN_OR_RETURN(const std::vector<std::string> broken, bank->Audit());
  if (flags.json) {
    fmt::print("{}\n", Json{{"broken", broken}}.dump());
  } else if (broken.empty()) {
    fmt::print("{}: the books are right\n", flags.file);
  }
  for (const std::string& what : broken) fmt::print(stderr, "{}: {}\n", flags.file, what);
  return broken.empty();
}

}  // namespace

void RegisterBank(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("bank", "The demo bank: make, show, audit");
  auto flags = std::make_shared<BankFlags>();
  command->add_option("--file", flags->file, "The bank's database")
      ->capture_default_str()
      ->envname("SOTTO_BANK");
  command->add_flag("--json", flags->json, "As JSON");
  command->require_subcommand(1);
  command->fallthrough();
  command->footer("Example:\n  sotto bank init --file out/bank.db\n  sotto bank show\n  sotto bank audit");
  command->add_subcommand("init", "Makes a new bank")->callback([flags, &context] {
    if (auto result = Init(*flags); !result) context.Fail(result.error());
  });
  command->add_subcommand("show", "Accounts, cards, payees, the last journals")->callback([flags, &context] {
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
