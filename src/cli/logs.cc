// sotto logs: what the turn store holds, what goes in and out, and what may no longer be kept.
#include <pwd.h>
#include <unistd.h>

#include <charconv>

#include "base/mapped_file.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/flywheel.h"
#include "flywheel/log_export.h"
#include "flywheel/log_time.h"
#include "flywheel/log_view.h"

namespace sotto {
namespace {

struct LogsListFlags {
  std::string store;
  QueryFlags query;
  bool turns = false;
  bool json = false;
};

struct LogsExportFlags {
  std::string store;
  QueryFlags query;
  std::string form = "openai";
  std::string out;
};

struct LogsPurgeFlags {
  std::string store;
  std::vector<std::string> keep;
  std::string session;
  std::string reason;
  std::string at;
  bool trust_clock = false;
  bool dry_run = false;
};

void PrintTurnOfLog(const StoredTurn& turn) {
  const TurnRecord& record = turn.record;
  fmt::print("  {:>3}  {:<20}  {:<14}  {:<40.40}  {}  {:.2f}\n", record.turn, record.at,
             OutcomeName(record.outcome), turn.has_words ? WordsOf(record) : "(purged)",
             SkeletonOf(CallsOf(record)), ConfidenceOf(record));
}

Result<void> ListLogs(const LogsListFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto store, TurnStore::Open(flags.store, {.create = false}));
  SOTTO_ASSIGN_OR_RETURN(const TurnQuery query, flags.query.Query());
  size_t sessions = 0, turns = 0;
  std::vector<std::string> errors;
  const auto visit = [&](std::vector<StoredTurn> session) -> Result<void> {
    const TurnRecord& first = session.front().record;
    size_t with_words = 0;
    for (const StoredTurn& turn : session) with_words += HasWords(turn.record) ? 1 : 0;
    ++sessions;
    turns += session.size();
    if (flags.json) {
      fmt::print("{}\n", Json{{"session", first.session},
                              {"at", first.at},
                              {"workflow", first.workflow},
                              {"workflow_hash", first.workflow_hash},
                              {"channel", first.channel},
                              {"source", session.front().source},
                              {"turns", session.size()},
                              {"with_words", with_words},
                              {"outcome", OutcomeName(session.back().record.outcome)}}
                             .dump());
    } else {
      fmt::print("{}  {:<20}  {}  {} turns  {}  {}\n", first.session, first.at, first.workflow,
                 session.size(), session.front().source, OutcomeName(session.back().record.outcome));
      if (flags.turns)
        for (const StoredTurn& turn : session) PrintTurnOfLog(turn);
    }
    return {};
  };
  SOTTO_RETURN_IF_ERROR(store->EachSession(query, &errors, visit));
  PrintListed(errors);
  if (!flags.json) fmt::print("{} sessions, {} turns\n", sessions, turns);
  if (errors.empty()) return {};
  return MakeError(ErrorCode::kCorrupt, "{}: {} turns cannot be read (above)", flags.store, errors.size());
}

Result<void> ExportStore(const LogsExportFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto store, TurnStore::Open(flags.store, {.create = false}));
  SOTTO_ASSIGN_OR_RETURN(const TurnQuery query, flags.query.Query());
  SOTTO_ASSIGN_OR_RETURN(const ExportForm form, ParseExportForm(flags.form));
  SOTTO_ASSIGN_OR_RETURN(const Exported exported, ExportLogs(*store, query, form, flags.out));
  PrintListed(exported.not_read);
  fmt::print("{}: {} sessions, {} turns\n", flags.out, exported.sessions, exported.turns);
  return {};
}

// "words=90"
Result<void> ReadKeep(const std::string& text, Purge& purge) {
  const size_t equals = text.find('=');
  for (size_t kind = 0; kind < kDataKinds; ++kind) {
    if (equals == std::string::npos || text.substr(0, equals) != DataKindName(static_cast<DataKind>(kind)))
      continue;
    int days = 0;
    const auto [end, error] = std::from_chars(text.data() + equals + 1, text.data() + text.size(), days);
    if (error != std::errc() || end != text.data() + text.size() || days < 0) break;
    purge.days[kind] = days;
    return {};
  }
  return MakeError(
      ErrorCode::kInvalidArgument,
      "--keep: '{}' should be a kind of data and days: words=90, values=90, audio=30, metrics=730", text);
}

Result<void> PurgeStore(const LogsPurgeFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto store, TurnStore::Open(flags.store, {.create = false}));
  Purge purge;
  purge.who = LoginName();
  purge.reason = flags.reason;
  purge.session = flags.session;
  purge.trust_clock = flags.trust_clock;
  purge.now = UtcNow();
  if (!flags.at.empty()) {
    SOTTO_ASSIGN_OR_RETURN(purge.now, UtcFromUser(flags.at, "--at"));
  }
  for (const std::string& keep : flags.keep) SOTTO_RETURN_IF_ERROR(ReadKeep(keep, purge));
  SOTTO_ASSIGN_OR_RETURN(const Purged purged, store->Delete(purge, flags.dry_run));
  for (size_t kind = 0; kind < kDataKinds; ++kind)
    fmt::print("{}: {} {}\n", DataKindName(static_cast<DataKind>(kind)), purged.rows[kind],
               flags.dry_run ? "would be deleted" : "deleted");
  return {};
}

void RegisterLogsList(CLI::App& logs, CliContext& context) {
  CLI::App* command = logs.add_subcommand("list", "The conversations in a turn store");
  auto flags = std::make_shared<LogsListFlags>();
  AddStoreOption(*command, flags->store);
  flags->query.AddTo(*command);
  command->add_flag("--turns", flags->turns, "With their turns");
  command->add_flag("--json", flags->json, "One object a conversation");
  command->footer("Example:\n  sotto logs list --store turns.sqlite --since 2026-11-01 --turns");
  command->callback([flags, &context] {
    if (auto result = ListLogs(*flags); !result) context.Fail(result.error());
  });
}

void RegisterLogsExport(CLI::App& logs, CliContext& context) {
  CLI::App* command = logs.add_subcommand("export", "Write a turn store as files of others");
  auto flags = std::make_shared<LogsExportFlags>();
  AddStoreOption(*command, flags->store);
  flags->query.AddTo(*command);
  command
      ->add_option("--form", flags->form,
                   "openai (messages with replies and results), conversations (what was said and "
                   "understood), turns (records)")
      ->check(CLI::IsMember({"openai", "conversations", "turns"}))
      ->capture_default_str();
  command->add_option("--out", flags->out, "File, one JSON object a line")->required();
  command->footer("Example:\n  sotto logs export --store turns.sqlite --form openai --out chats.jsonl");
  command->callback([flags, &context] {
    if (auto result = ExportStore(*flags); !result) context.Fail(result.error());
  });
}

void RegisterLogsPurge(CLI::App& logs, CliContext& context) {
  CLI::App* command =
      logs.add_subcommand("purge", "Delete what may no longer be kept, and note that it went");
  auto flags = std::make_shared<LogsPurgeFlags>();
  AddStoreOption(*command, flags->store);
  command
      ->add_option("--keep", flags->keep,
                   "Days that a kind of data is kept: words=90, values=90, audio=30, metrics=730; several")
      ->delimiter(',');
  command->add_option("--session", flags->session, "Instead: everything of this conversation");
  command->add_option("--reason", flags->reason, "Why; it is kept")->required();
  command->add_option("--at", flags->at, "As if it were this day or time, UTC; default: now");
  command->add_flag("--trust-clock", flags->trust_clock, "Although the clock looks wrong");
  command->add_flag("--dry-run", flags->dry_run, "Only count");
  command->footer(
      "Example:\n  sotto logs purge --store turns.sqlite --keep words=90,values=90,audio=30,metrics=730 "
      "--reason \"retention policy\"\n"
      "  sotto logs purge --store turns.sqlite --session 0123...ef --reason \"request of the person\"");
  command->callback([flags, &context] {
    if (auto result = PurgeStore(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace

CLI::Option* AddStoreOption(CLI::App& command, std::string& path) {
  return command.add_option("--store", path, "The turn store (a file that `sotto serve --turns` writes)")
      ->envname("SOTTO_STORE")
      ->required();
}

void QueryFlags::AddTo(CLI::App& command) {
  command.add_option("--session", session, "Only this conversation");
  command.add_option("--since", since, "Only turns from this day or time on, UTC");
  command.add_option("--until", until, "Only turns before this day or time, UTC");
}

Result<TurnQuery> QueryFlags::Query() const {
  TurnQuery query;
  query.session = session;
  if (!since.empty()) {
    SOTTO_ASSIGN_OR_RETURN(query.since, UtcFromUser(since, "--since"));
  }
  if (!until.empty()) {
    SOTTO_ASSIGN_OR_RETURN(query.until, UtcFromUser(until, "--until"));
  }
  return query;
}

void PrintListed(const std::vector<std::string>& lines, size_t most) {
  for (size_t i = 0; i < std::min(most, lines.size()); ++i) fmt::print(stderr, "{}\n", OneLine(lines[i]));
  if (lines.size() > most) fmt::print(stderr, "and {} more\n", lines.size() - most);
}

std::string LoginName() {
  const passwd* entry = ::getpwuid(::getuid());
  return entry != nullptr && entry->pw_name != nullptr ? entry->pw_name : fmt::format("uid {}", ::getuid());
}

void RegisterLogs(CLI::App& app, CliContext& context) {
  CLI::App* logs = app.add_subcommand("logs", "The turn store: import, export, list, purge");
  logs->require_subcommand(1);
  RegisterLogsImport(*logs, context);
  RegisterLogsExport(*logs, context);
  RegisterLogsList(*logs, context);
  RegisterLogsPurge(*logs, context);
  RegisterLogsSimulate(*logs, context);
}

}  // namespace sotto
