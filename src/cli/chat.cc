// sotto chat: a conversation in writing.
#include <editline/readline.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <sstream>

#include "action/actions.h"
#include "assistant/brain_understander.h"
#include "assistant/goal_understander.h"
#include "assistant/open_route.h"
#include "assistant/screening_runner.h"
#include "assistant/text_session.h"
#include "assistant/turn_network.h"
#include "base/mapped_file.h"
#include "base/unique_id.h"
#include "brain/brain.h"
#include "cli/action_options.h"
#include "cli/brain_options.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/config_file.h"
#include "cli/text_input.h"
#include "cli/turn_sink.h"
#include "dialogue/script.h"
#include "privacy/redaction.h"
#include "route/cascade.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

struct ChatFlags {
  TodayFlag today;
  std::string workflow;
  std::string model;
  std::string script;
  std::string session;
  std::string sessions;  // file
  std::string turns;     // file
  bool keep_personal_data = false;
  std::string actions;  // folder of their databases
  std::string confirm;
  std::string chat_template;
  std::string config;
  std::string customer = kDemoCustomer;
  std::vector<std::string> show;
  int threads = 2;
  bool no_model = false;
  bool json = false;
  bool list = false;

  bool Shows(std::string_view what) const { return std::find(show.begin(), show.end(), what) != show.end(); }
};

// Where the user's lines come from: the terminal with editing and history, a pipe, or a script.
class LineSource {
 public:
  explicit LineSource(std::vector<std::string> lines, bool scripted)
      : lines_(std::move(lines)), scripted_(scripted), terminal_(!scripted && isatty(STDIN_FILENO) != 0) {
    if (!terminal_) return;
    const char* home = std::getenv("HOME");
    if (home != nullptr) history_ = std::string(home) + "/.sotto_history";
    using_history();
    stifle_history(1000);
    if (!history_.empty()) read_history(history_.c_str());
  }
  ~LineSource() {
    if (terminal_ && !history_.empty()) write_history(history_.c_str());
  }
  LineSource(const LineSource&) = delete;
  LineSource& operator=(const LineSource&) = delete;

  // False at the end. Scripted lines are printed, as if typed.
  bool Next(std::string& line) {
    if (scripted_) {
      if (next_ == lines_.size()) return false;
      line = lines_[next_++];
      fmt::print("> {}\n", line);
      return true;
    }
    if (!terminal_) return NextLine(std::cin, "standard input", line_number_, line);
    char* typed = readline("> ");
    if (typed == nullptr) return false;
    line = CleanText(typed, "what was typed");
    std::free(typed);  // readline's own allocation
    if (!line.empty()) add_history(line.c_str());
    return true;
  }

 private:
  const std::vector<std::string> lines_;
  const bool scripted_;
  const bool terminal_;
  std::string history_;
  size_t next_ = 0;
  int line_number_ = 0;
};

struct Script {
  std::vector<std::string> lines;
  std::vector<std::vector<Understanding::Call>> calls;  // empty: the lines are words only
};

// A dialogue test (its first dialogue, with calls) or plain lines.
Result<Script> ReadScript(const std::string& path, const Workflow& workflow) {
  Script script;
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  if (text.find("\n==") == std::string::npos && !text.starts_with("==")) {
    std::istringstream lines(text);
    int line_number = 0;
    for (std::string line; NextLine(lines, path, line_number, line);) script.lines.push_back(line);
    return script;
  }
  SOTTO_ASSIGN_OR_RETURN(const auto dialogues, ParseScripts(text, path, workflow));
  for (size_t i = 1; i < dialogues.front().turns.size(); ++i) {
    const ScriptTurn& turn = dialogues.front().turns[i];
    script.lines.push_back(turn.silence ? "" : turn.text);
    if (!turn.silence) script.calls.push_back(turn.calls);
  }
  return script;
}

void Print(const TurnRecord& record, const ChatFlags& flags) {
  if (flags.json) {
    fmt::print("{}\n", ToJson(record).dump());
    std::fflush(stdout);
    return;
  }
  if (flags.Shows("calls") && record.understood) {
    for (const Understanding::Call& call : record.understood->calls) {
      fmt::print("  call   {}  {:.3f}\n", ToString(call.call), call.confidence);
    }
  }
  if (flags.Shows("events")) {
    for (const Json& json : record.events) {
      if (const auto event = EventFromJson(json)) fmt::print("  event  {}\n", ToString(*event));
    }
    for (const TurnRecord::Action& action : record.actions) {
      fmt::print("  action {} {} -> {} {}\n", action.request.action, action.request.arguments.dump(),
                 action.result.ok ? "ok" : action.result.failure, action.result.data.dump());
    }
  }
  if (flags.Shows("route") && record.understood) {
    for (const RouteStep& step : record.understood->route) {
      fmt::print("  route  {} {}  {:.3f}  {:.2f} ms  ${:.6f}  {}\n", step.step, OutcomeName(step.outcome),
                 step.confidence, step.ms, step.cost, step.why);
    }
  }
  if (flags.Shows("times")) {
    double acting = 0;
    for (const TurnRecord::Action& action : record.actions) acting += action.ms;
    const double whole = record.times.replied - record.times.endpoint;
    const double understanding =
        record.times.understood < 0 ? 0 : record.times.understood - record.times.endpoint;
    fmt::print("  time   understand {:.2f} ms, act {:.2f} ms, all {:.2f} ms\n", understanding, acting, whole);
  }
  for (const std::string& error : record.errors) fmt::print(stderr, "sotto: {}\n", error);
  fmt::print("{}\n", record.reply.text);
  std::fflush(stdout);
}

Result<std::unique_ptr<Understander>> MakeUnderstander(const ChatFlags& flags,
                                                       std::shared_ptr<const Workflow> workflow,
                                                       std::shared_ptr<RouteResources> route, Script& script,
                                                       Scheduler& scheduler) {
  const bool model = !flags.model.empty() || std::filesystem::exists(workflow->folder / "model.gguf");
  if (!script.calls.empty() && flags.model.empty()) {
    return std::make_unique<TypedUnderstander>(workflow, std::move(script.calls));
  }
  if (flags.no_model || !model) {
    if (!flags.no_model) {
      fmt::print(stderr, "sotto: {} has no model.gguf; type calls, such as {}(); see --model\n",
                 workflow->folder.string(), workflow->tools.front().name);
    }
    return WithGoals(workflow, std::make_unique<TypedUnderstander>(workflow));
  }
  BrainOptions options;
  options.n_threads = flags.threads;
  options.chat_template = flags.chat_template;
  SOTTO_ASSIGN_OR_RETURN(const auto brain, Brain::Open(workflow, flags.model, options));
  if (route != nullptr) {
    SOTTO_ASSIGN_OR_RETURN(const auto plan, OpenRoute(std::move(route), brain));
    return WithGoals(workflow, MakeCascade(plan, scheduler));
  }
  return WithGoals(workflow, MakeBrainUnderstander(brain, scheduler));
}

Result<void> ListSessions(const std::string& sessions_file) {
  SOTTO_ASSIGN_OR_RETURN(const auto store, SessionStore::Open(sessions_file));
  SOTTO_ASSIGN_OR_RETURN(const std::vector<SessionInfo> sessions, store->List());
  for (const SessionInfo& session : sessions) {
    fmt::print("{}  {}  {}  {} events{}\n", session.changed_at, session.workflow,
               session.name.empty() ? session.id : session.name, session.events,
               session.ended ? "  ended" : "");
  }
  return {};
}

Result<void> Converse(TextSession& session, SessionStore* store, LineSource& lines, const ChatFlags& flags) {
  const TurnRecord first = session.Begin();
  if (!flags.session.empty() && !session.resumed()) {
    SOTTO_RETURN_IF_ERROR(store->Name(session.id(), flags.session));
  }
  Print(first, flags);
  for (std::string line; !session.ended() && lines.Next(line);) {
    const bool empty = line.find_first_not_of(" \t\r") == std::string::npos;
    Print(empty ? session.Silence() : session.Say(line), flags);
  }
  if (session.hand_off()) {
    fmt::print(stderr, "handed over ({}): {}\n", session.hand_off()->reason, session.hand_off()->summary);
  }
  return {};
}

Result<void> Run(const ChatFlags& flags) {
  if (flags.list) return ListSessions(flags.sessions.empty() ? "sotto-sessions.db" : flags.sessions);
  SOTTO_ASSIGN_OR_RETURN(std::shared_ptr<const Workflow> workflow, LoadWorkflow(flags.workflow));
  if (!flags.confirm.empty()) {
    auto changed = std::make_shared<Workflow>(*workflow);
    SOTTO_RETURN_IF_ERROR(SetPolicy(*changed, "confirm", flags.confirm));
    workflow = std::move(changed);
  }
  Script script;
  if (!flags.script.empty()) {
    SOTTO_ASSIGN_OR_RETURN(script, ReadScript(flags.script, *workflow));
  }
  SOTTO_ASSIGN_OR_RETURN(const auto program, DialogueProgram::Compile(workflow));
  const SystemClock clock;
  std::shared_ptr<ActionRunner> actions;
  SOTTO_ASSIGN_OR_RETURN(actions, OpenRunner(*workflow, flags.actions));
  SOTTO_ASSIGN_OR_RETURN(actions, WithScreening(*workflow, std::move(actions), flags.actions, clock));
  LineSource lines(std::move(script.lines), !flags.script.empty());
  SOTTO_ASSIGN_OR_RETURN(auto config, ReadRouteConfig(flags.config));
  std::shared_ptr<RouteResources> route;
  if (config) {
    SOTTO_ASSIGN_OR_RETURN(route, RouteResources::Open(*std::move(config)));
  }
  // What a remote model answers comes on another thread.
  Scheduler scheduler(clock, {.threads = route != nullptr ? 1 : 0});
  SOTTO_ASSIGN_OR_RETURN(auto understander, MakeUnderstander(flags, workflow, route, script, scheduler));
  std::shared_ptr<const TurnNetwork> network;
  if (!workflow->network.specialists.empty()) {
    SOTTO_ASSIGN_OR_RETURN(auto opened, Network::Open(*workflow, {}));
    network = std::make_shared<const TurnNetwork>(std::move(opened), scheduler);
  }
  std::unique_ptr<SessionStore> store;
  if (!flags.session.empty() || !flags.sessions.empty()) {
    SOTTO_ASSIGN_OR_RETURN(store,
                           SessionStore::Open(flags.sessions.empty() ? "sotto-sessions.db" : flags.sessions));
  }
  std::optional<Journal> journal;
  if (store != nullptr) journal.emplace(*store, scheduler);
  std::unique_ptr<TurnSink> turns;
  if (!flags.turns.empty()) {
    SOTTO_ASSIGN_OR_RETURN(turns, OpenTurns(flags.turns));
  }
  TurnSink* sink = turns.get();
  std::optional<RedactingSink> redacting;
  if (sink != nullptr && !flags.keep_personal_data) {
    SOTTO_ASSIGN_OR_RETURN(auto detector, Detector::For("en"));
    redacting.emplace(*sink, std::move(detector));
    sink = &*redacting;
  }
  std::string id;
  if (!flags.session.empty()) {
    SOTTO_ASSIGN_OR_RETURN(id, store->Named(flags.session));
  }
  if (id.empty()) id = UniqueId();
  SOTTO_ASSIGN_OR_RETURN(const Date today, flags.today.Day());
  SOTTO_ASSIGN_OR_RETURN(
      const auto session,
      TextSession::Open({program, actions.get(), journal ? &*journal : nullptr, &clock, nullptr, today,
                         std::move(network), sink},
                        std::move(understander), id, TerminalCaller(*workflow, flags.customer, "text")));
  return Converse(*session, store.get(), lines, flags);
}

}  // namespace

void RegisterChat(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("chat", "Talk to the assistant in writing");
  auto flags = std::make_shared<ChatFlags>();
  command->add_option("--workflow", flags->workflow, "Folder of the workflow")->envname("SOTTO_WORKFLOW");
  command->add_option("--model", flags->model, "GGUF file; default: model.gguf in the workflow's folder")
      ->envname("SOTTO_MODEL");
  command->add_option("--threads", flags->threads, "Threads of the model")
      ->envname("SOTTO_THREADS")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  AddChatTemplate(*command, flags->chat_template);
  flags->today.AddTo(*command);
  command->add_option("--script", flags->script,
                      "Lines to say: plain ones, or a dialogue test with its calls");
  command->add_option("--show", flags->show, "What to print besides the replies")
      ->delimiter(',')
      ->check(CLI::IsMember({"calls", "events", "times", "route"}));
  command
      ->add_option("--config", flags->config,
                   "Options that are not given here, and the section route:; default: sotto.yaml")
      ->envname("SOTTO_CONFIG");
  command->add_option("--session", flags->session,
                      "Name of the conversation; one that was left is continued");
  command->add_option("--db", flags->sessions,
                      "Where conversations are kept; default with --session: sotto-sessions.db");
  AddDatabaseOption(*command, flags->actions);
  command->add_option("--bank", flags->actions, "The same as --database, as it was called before")->group("");
  command->add_option(
      "--turns", flags->turns,
      "Append the record of each turn to this file, one a line; *.sqlite, *.db: a turn store (sotto logs)");
  command->add_flag("--keep-personal-data", flags->keep_personal_data,
                    "Write turn records as they are; default: typed placeholders stand for personal data");
  AddCustomerOption(*command, flags->customer);
  command->add_option("--confirm", flags->confirm, "When to read back")
      ->check(CLI::IsMember({"default", "never", "always"}));
  command->add_flag("--no-model", flags->no_model, "Type calls instead of words: transfer_money(amount=20)");
  command->add_flag("--list", flags->list, "List the stored conversations");
  command->add_flag("--json", flags->json, "One turn record a line (docs/formats/turn_record.md)");
  command->footer(
      "An empty line is silence. Example:\n  sotto chat --workflow workflows/banking --show calls,times");
  command->callback([command, flags, &context] {
    if (auto config = ApplyConfigFile(*command, flags->config); !config) {
      context.Fail(config.error());
    } else if (flags->workflow.empty() && !flags->list) {
      context.Fail({ErrorCode::kInvalidArgument, "chat needs --workflow DIR"});
    } else if (auto result = Run(*flags); !result) {
      context.Fail(result.error());
    }
  });
}

}  // namespace sotto
