// sotto audit: what was done to a server, and whether the log that says so is whole.
#include "cli/audit.h"

#include <fmt/ranges.h>

#include "base/mapped_file.h"
#include "cli/command.h"
#include "cli/server_commands.h"
#include "server/act_log.h"

namespace sotto {
namespace {

constexpr size_t kLeastKey = 16;  // bytes

struct AuditFlags {
  std::string file;
  std::string key_file;
  std::string expect;
  std::string act;
  std::string by;
  std::string since;
  bool json = false;
};

Json ToJson(const ActLine& line) {
  Json json = {{"number", line.number}, {"at", line.at}, {"by", line.by},          {"via", line.via},
               {"act", line.act},       {"on", line.on}, {"outcome", line.outcome}};
  if (line.of > 0) json["of"] = line.of;
  if (!line.detail.empty()) json["detail"] = line.detail;
  return json;
}

Result<ActReport> ReadReport(const AuditFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const std::string key, ReadAuditKey(flags.key_file));
  return VerifyActs(flags.file, key, flags.expect);
}

Result<void> Verify(const AuditFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const ActReport report, ReadReport(flags));
  if (report.lines.empty()) {
    fmt::print("{}: no line yet\n", flags.file);
    return {};
  }
  fmt::print("{}: {} lines, {} to {}, all as they were written{}\nlast hash {}\n", flags.file,
             report.lines.size(), report.lines.front().at, report.lines.back().at,
             flags.key_file.empty() ? " (plain hashes: who can write the file can write all of it anew)" : "",
             report.lines.back().hash);
  for (const uint64_t number : report.unfinished) {
    const ActLine& line = report.lines[number - 1];
    fmt::print("line {}: {} by {} was begun, how it ended is not known\n", number, line.act, line.by);
  }
  return {};
}

Result<void> Show(const AuditFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const ActReport report, ReadReport(flags));
  for (const ActLine& line : report.lines) {
    if (!flags.act.empty() && line.act != flags.act && !line.act.starts_with(flags.act + ".")) continue;
    if (!flags.by.empty() && line.by != flags.by) continue;
    if (line.at < flags.since) continue;
    if (flags.json) {
      fmt::print("{}\n", ToJson(line).dump(-1, ' ', false, Json::error_handler_t::replace));
      continue;
    }
    fmt::print("{:>6}  {}  {:<8} {}{}{}  by {} ({}){}\n", line.number, line.at, line.outcome, line.act,
               line.on.empty() ? "" : " ", line.on, line.by, line.via,
               line.of == 0 ? std::string()
                            : fmt::format(", begun in line {}{}{}", line.of, line.detail.empty() ? "" : ": ",
                                          line.detail));
  }
  return {};
}

}  // namespace

Result<std::string> ReadAuditKey(const std::string& file) {
  if (file.empty()) return std::string();
  SOTTO_ASSIGN_OR_RETURN(std::string key, ReadFile(file));
  while (!key.empty() && std::isspace(static_cast<unsigned char>(key.back()))) key.pop_back();
  if (key.size() >= kLeastKey) return key;
  return MakeError(ErrorCode::kInvalidArgument,
                   "{}: a key of the audit log has {} letters at least (openssl rand -hex 32)", file,
                   kLeastKey);
}

void RegisterAudit(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand(
      "audit",
      "What was done to a server, by whom (`sotto serve --audit FILE`), and whether that log is whole");
  command->require_subcommand(1);
  auto flags = std::make_shared<AuditFlags>();
  const auto add_command = [&](const char* name, const char* what, Result<void> (*run)(const AuditFlags&)) {
    CLI::App* made = command->add_subcommand(name, what);
    made->add_option("file", flags->file, "The log")->required()->envname("SOTTO_AUDIT");
    made->add_option("--key-file", flags->key_file, "Key of its hashes, where they have one")
        ->envname("SOTTO_AUDIT_KEY_FILE");
    made->callback([flags, run, &context] {
      if (auto result = run(*flags); !result) context.Fail(result.error());
    });
    return made;
  };
  CLI::App* verify =
      add_command("verify", "Checks every line; exit status 1 where one is not as it was written", Verify);
  verify->add_option("--expect", flags->expect,
                     "A last hash that was noted elsewhere: finds lines that were cut off the end");
  CLI::App* show = add_command("show", "Lists what was done, after checking it", Show);
  show->add_option("--act", flags->act, "Only this act, or acts of this kind: recording, recording.delete");
  show->add_option("--by", flags->by, "Only by this key or login");
  show->add_option("--since", flags->since, "Only from this time on: 2026-12-01, 2026-12-01T13:00:00Z");
  show->add_flag("--json", flags->json, "For machines");
  command->footer(
      "Example:\n  sotto audit verify audit.jsonl --expect HASH\n  sotto audit show audit.jsonl --act "
      "recording");
}

}  // namespace sotto
