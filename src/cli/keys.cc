// sotto keys: who may use a server.
#include <fmt/ranges.h>

#include <filesystem>

#include "cli/audit.h"
#include "cli/command.h"
#include "cli/flywheel.h"
#include "cli/server_commands.h"
#include "server/access.h"
#include "server/act_log.h"

namespace sotto {
namespace {

struct KeysFlags {
  std::string file;
  std::string audit;
  std::string audit_key_file;
  ApiKey key;
};

// Where there is an audit log, what cannot be written down is not done.
Result<void> Audited(const KeysFlags& flags, const char* act, const std::function<Result<void>()>& run) {
  if (flags.audit.empty()) return run();
  SOTTO_ASSIGN_OR_RETURN(std::string key, ReadAuditKey(flags.audit_key_file));
  const SystemClock clock;
  SOTTO_ASSIGN_OR_RETURN(const auto log, ActLog::Open(flags.audit, std::move(key), clock));
  ActLine line;
  line.by = LoginName();
  line.via = "command";
  line.act = act;
  line.on = flags.key.name;
  line.outcome = "begun";
  SOTTO_ASSIGN_OR_RETURN(line.of, log->Write(line));
  const auto done = run();
  line.outcome = done ? "done" : "failed";
  SOTTO_RETURN_IF_ERROR(log->Write(line));
  return done;
}

Result<void> Add(const KeysFlags& flags) {
  KeyFile keys;
  if (std::filesystem::exists(flags.file)) {
    SOTTO_ASSIGN_OR_RETURN(keys, KeyFile::Read(flags.file));
  }
  SOTTO_ASSIGN_OR_RETURN(const std::string made, keys.Add(flags.key));
  const auto write = [&] { return keys.Write(flags.file); };
  SOTTO_RETURN_IF_ERROR(Audited(flags, "key.add", write));
  std::error_code ignored;
  std::filesystem::permissions(
      flags.file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, ignored);
  if (made.empty()) {
    fmt::print("{} is whoever shows the certificate of {}\n", flags.key.name, flags.key.certificate);
    return {};
  }
  fmt::print(stderr, "sotto: keep it: it is not written anywhere, and nobody can find it out again\n");
  fmt::print("{}\n", made);
  return {};
}

Result<void> Remove(const KeysFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(KeyFile keys, KeyFile::Read(flags.file));
  if (!keys.Remove(flags.key.name))
    return MakeError(ErrorCode::kNotFound, "{} has no key of the name '{}'", flags.file, flags.key.name);
  return Audited(flags, "key.remove", [&] { return keys.Write(flags.file); });
}

Result<void> List(const KeysFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const KeyFile keys, KeyFile::Read(flags.file));
  for (const ApiKey& key : keys.keys) {
    fmt::print("{}  {}  {} a minute\n", key.name, fmt::join(key.scopes, ","), key.per_minute);
  }
  return {};
}

}  // namespace

void RegisterKeys(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("keys", "API keys of a server (`sotto serve --keys FILE`)");
  command->require_subcommand(1);
  auto flags = std::make_shared<KeysFlags>();
  flags->key.scopes = {scope::kTalk};
  command->add_option("--file", flags->file, "Where their hashes lie")->required()->envname("SOTTO_KEYS");
  command->add_option("--audit", flags->audit, "Audit log of the server (`sotto audit`), which is told of it")
      ->envname("SOTTO_AUDIT");
  command->add_option("--audit-key-file", flags->audit_key_file, "Key of its hashes, where they have one")
      ->envname("SOTTO_AUDIT_KEY_FILE");
  const auto add_command = [&](const char* name, const char* what, Result<void> (*run)(const KeysFlags&)) {
    CLI::App* made = command->add_subcommand(name, what);
    made->fallthrough();
    made->callback([flags, run, &context] {
      if (auto result = run(*flags); !result) context.Fail(result.error());
    });
    return made;
  };
  CLI::App* add = add_command("add", "Makes a key and prints it, once", Add);
  add->add_option("name", flags->key.name, "What it is called in logs and limits")->required();
  add->add_option("--scope", flags->key.scopes, fmt::format("What it may: {}", fmt::join(kScopes, ", ")))
      ->delimiter(',')
      ->capture_default_str();
  add->add_option("--per-minute", flags->key.per_minute, "Requests")
      ->check(CLI::Range(1, 100000000))
      ->capture_default_str();
  add->add_option("--certificate", flags->key.certificate,
                  "It has no secret: it is the key of whoever shows a client certificate of this name "
                  "(`sotto serve --client-ca`)");
  CLI::App* remove =
      add_command("remove", "Ends a key and its tokens (SIGHUP tells a running server)", Remove);
  remove->add_option("name", flags->key.name, "Of the key")->required();
  add_command("list", "Names, scopes and limits", List);
  command->footer(
      "Example:\n  sotto keys --file keys.json add shop --scope talk,vouch\n"
      "  sotto keys --file keys.json add till --certificate till-7.shop.example");
}

}  // namespace sotto
