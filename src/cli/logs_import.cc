// sotto logs import, sotto logs simulate: what goes into the turn store.
#include <optional>

#include "base/mapped_file.h"
#include "brain/brain.h"
#include "cli/command.h"
#include "cli/flywheel.h"
#include "cli/progress.h"
#include "flywheel/import_logs.h"
#include "flywheel/log_simulate.h"
#include "privacy/redaction.h"
#include "slm/model.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

struct LogsImportFlags {
  std::string store;
  std::vector<std::string> files;
  std::string format;
  std::string workflow;
  std::string language = "en";
  std::string listed;
  bool listed_is_well = false;
  std::vector<std::string> rename, columns;
  bool json = false;
};

struct LogsSimulateFlags {
  std::string workflow;
  std::string out;
  LogSimulation simulation;
  std::string planted_list;
  std::string conversations;  // whose callers call, instead of the simulator's
  std::string model;          // that understands them; empty: as they are labelled
  bool keep_personal_data = false;
};

Result<void> ReadNames(const std::vector<std::string>& pairs, const char* option,
                       std::map<std::string, std::string, std::less<>>& names) {
  for (const std::string& pair : pairs) {
    const size_t equals = pair.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == pair.size())
      return MakeError(ErrorCode::kInvalidArgument, "{}: '{}' should be A=B", option, pair);
    names[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return {};
}

Result<bool> ImportLogs(const LogsImportFlags& flags) {
  LogImportOptions options;
  if (!flags.format.empty()) {
    SOTTO_ASSIGN_OR_RETURN(options.format, ParseLogFormat(flags.format));
  }
  SOTTO_RETURN_IF_ERROR(ReadNames(flags.rename, "--rename", options.names.rename));
  SOTTO_RETURN_IF_ERROR(ReadNames(flags.columns, "--column", options.names.columns));
  if (!flags.workflow.empty()) {
    SOTTO_ASSIGN_OR_RETURN(const auto workflow, LoadWorkflow(flags.workflow));
    options.workflow = workflow->name;
    options.workflow_hash = workflow->hash;
  }
  SOTTO_ASSIGN_OR_RETURN(options.detector, Detector::For(flags.language));
  SOTTO_ASSIGN_OR_RETURN(const auto store, TurnStore::Open(flags.store));
  std::string listed;
  bool all = true;
  for (const std::string& path : flags.files) {
    ProgressBar bar("importing " + path);
    options.progress = [&](size_t done, size_t total) { bar.Update(done, total); };
    SOTTO_ASSIGN_OR_RETURN(const ImportedFile file, ImportFile(*store, path, options));
    bar.Finish();
    PrintListed(file.not_read);
    for (const std::string& line : file.not_read) listed += line + "\n";
    all = all && file.not_read.empty();
    if (flags.json) {
      fmt::print("{}\n", Json{{"file", file.path},
                              {"format", LogFormatName(file.format)},
                              {"rows", file.rows},
                              {"sessions", file.sessions},
                              {"turns", file.turns},
                              {"added", file.added},
                              {"not_read", file.not_read.size()}}
                             .dump());
    } else {
      fmt::print("{} ({}): {} turns, {} new, {} there already, {} not read\n", file.path,
                 LogFormatName(file.format), file.turns, file.added, file.turns - file.added,
                 file.not_read.size());
    }
  }
  if (!flags.listed.empty()) SOTTO_RETURN_IF_ERROR(WriteFileAtomically(flags.listed, listed));
  return all || flags.listed_is_well;
}

Result<SimulatedLogs> Simulated(const std::shared_ptr<const Workflow>& workflow,
                                const LogsSimulateFlags& flags) {
  if (flags.conversations.empty()) return SimulateLogs(workflow, flags.simulation);
  SimulatedCallers callers;
  SOTTO_ASSIGN_OR_RETURN(callers.conversations, ReadConversations(flags.conversations));
  LogSimulation simulation = flags.simulation;
  if (flags.model.empty()) return SimulateCallers(workflow, simulation, callers);
  SOTTO_ASSIGN_OR_RETURN(const auto brain, Brain::Open(workflow, flags.model, {}));
  simulation.model = brain->model().id();
  BrainSession session(brain);
  ProgressBar bar("understanding");
  size_t turns = 0, all = 0;
  for (const LabelledConversation& one : callers.conversations) all += one.conversation.turns.size();
  callers.understand = [&](const Conversation& history, const Expectation& expectation,
                           const std::vector<std::string>& offered,
                           const std::string& words) -> Result<Understanding> {
    bar.Update(++turns, std::max(turns, all));
    SOTTO_RETURN_IF_ERROR(session.Begin(history, expectation, offered));
    return session.Commit(words);
  };
  return SimulateCallers(workflow, simulation, callers);
}

Result<void> WriteSimulated(const LogsSimulateFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto workflow, LoadWorkflow(flags.workflow));
  SOTTO_ASSIGN_OR_RETURN(const SimulatedLogs logs, Simulated(workflow, flags));
  SOTTO_ASSIGN_OR_RETURN(const auto detector, Detector::For("en"));
  if (!flags.planted_list.empty()) {
    std::string list;
    for (const PlantedText& planted : logs.planted)
      list += Json{{"text", planted.text.text},
                   {"value", planted.value},
                   {"bare", planted.bare},
                   {"kind", KindName(planted.text.spans.front().kind)},
                   {"spoken", planted.form == PlantedForm::kSpoken}}
                  .dump() +
              "\n";
    SOTTO_RETURN_IF_ERROR(WriteFileAtomically(flags.planted_list, list));
  }
  // Into a store a whole log is one transaction.
  std::vector<TurnRecord> records;
  size_t refused = 0;
  ProgressBar bar("writing");
  for (size_t i = 0; i < logs.records.size(); ++i) {
    if (flags.keep_personal_data) {
      records.push_back(logs.records[i]);
    } else {
      // As a call's: what cannot be redacted is not kept.
      auto redacted = RedactRecord(logs.records[i], *detector);
      if (redacted) {
        records.push_back(*std::move(redacted));
      } else {
        ++refused;
      }
    }
    bar.Update(i + 1, logs.records.size());
  }
  bar.Finish();
  if (IsTurnStorePath(flags.out)) {
    SOTTO_ASSIGN_OR_RETURN(const auto store, TurnStore::Open(flags.out));
    SOTTO_RETURN_IF_ERROR(store->AddAll(records, "simulated"));
  } else {
    std::string text;
    for (const TurnRecord& record : records) text += ToJson(record).dump() + "\n";
    SOTTO_RETURN_IF_ERROR(WriteFileAtomically(flags.out, text));
  }
  fmt::print("{}: {} records, {} planted values, {} not kept: they cannot be redacted\n", flags.out,
             records.size(), logs.planted.size(), refused);
  return {};
}

}  // namespace

void RegisterLogsImport(CLI::App& logs, CliContext& context) {
  CLI::App* command = logs.add_subcommand("import", "Take logs into a turn store, redacted on the way");
  auto flags = std::make_shared<LogsImportFlags>();
  AddStoreOption(*command, flags->store);
  command->add_option("files", flags->files, "Files of logs")->required();
  command
      ->add_option("--format", flags->format,
                   "turns (our records), conversations, openai (requests and responses), langfuse, rasa, "
                   "csv; default: what it looks like")
      ->check(CLI::IsMember({"turns", "conversations", "openai", "langfuse", "rasa", "csv"}));
  command->add_option("--workflow", flags->workflow, "Folder of the workflow whose conversations these are");
  command->add_option("--rename", flags->rename,
                      "A tool or argument is called otherwise here: THEIRS=OURS; several");
  command->add_option("--column", flags->columns,
                      "csv: which column holds what: text=utterance; what is text, tool, arguments (JSON), "
                      "arg.NAME, session, at, reply, confidence or outcome; several");
  command->add_option("--language", flags->language, "What personal data is looked for in")
      ->capture_default_str();
  command->add_option("--listed", flags->listed, "Write every line that was not read to this file, and why");
  command->add_flag("--no-exit-code", flags->listed_is_well, "Exit with 0 although something was not read");
  command->add_flag("--json", flags->json, "One object a file");
  command->footer(
      "What cannot be read is listed and left out (exit code 1); the rest is taken. The same file twice adds "
      "nothing.\nExample:\n"
      "  sotto logs import --store turns.sqlite turns.jsonl\n"
      "  sotto logs import --store turns.sqlite --workflow workflows/banking tracker.json --rename "
      "transfer=transfer_money\n"
      "  sotto logs import --store turns.sqlite calls.csv --column text=utterance --column tool=intent");
  command->callback([flags, &context] {
    if (auto result = ImportLogs(*flags); !result) {
      context.Fail(result.error());
    } else if (!*result) {
      context.exit_code = 1;
    }
  });
}

void RegisterLogsSimulate(CLI::App& logs, CliContext& context) {
  CLI::App* command = logs.add_subcommand(
      "simulate", "Make logs of a workflow that nobody has called yet, for trying this out");
  auto flags = std::make_shared<LogsSimulateFlags>();
  LogSimulation& simulation = flags->simulation;
  command->add_option("--workflow", flags->workflow, "Folder of the workflow")->required();
  command->add_option("--out", flags->out, "File: *.jsonl, or a turn store *.sqlite")->required();
  command->add_option("--turns", simulation.turns, "With words of a caller")->capture_default_str();
  command->add_option("--seed", simulation.seed, "The same seed gives the same logs")->capture_default_str();
  const auto share = [&](const char* name, double& value, const char* what) {
    command->add_option(name, value, what)->check(CLI::Range(0.0, 1.0))->capture_default_str();
  };
  share("--wrong", simulation.wrong, "Of requests: taken for another tool, and said again");
  share("--unclear", simulation.unclear, "Of turns: not understood, and said again");
  share("--unserved", simulation.unserved, "Of conversations: ask for what no tool does");
  share("--planted", simulation.planted, "Of turns: somebody says personal data");
  CLI::Option* conversations =
      command->add_option("--conversations", flags->conversations,
                          "Labelled conversations, *.jsonl, that are called with, each once; default: the "
                          "simulator's");
  conversations->excludes("--planted")->excludes("--turns");
  command
      ->add_option(
          "--model", flags->model,
          "With --conversations: a model that understands them; whom it takes wrongly says so and gets "
          "a person. Default: understood as labelled, but for --wrong and --unclear")
      ->needs(conversations);
  command->add_option("--planted-list", flags->planted_list,
                      "Write what was planted to this file, one JSON object a line: what to look for");
  command->add_option("--begins", simulation.begins, "When, UTC")->capture_default_str();
  command->add_option("--days", simulation.days, "Over how many days")->capture_default_str();
  command->add_flag("--keep-personal-data", flags->keep_personal_data,
                    "Write records as they are; default: typed placeholders stand for personal data");
  command->footer(
      "Example:\n  sotto logs simulate --workflow workflows/banking --turns 5000 --out turns.jsonl\n"
      "  sotto logs simulate --workflow workflows/banking --conversations week.jsonl --model "
      "workflows/banking/model.gguf --out turns.sqlite");
  command->callback([flags, &context] {
    if (auto result = WriteSimulated(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
