// sotto flywheel report, sotto flywheel watch: what callers wanted, how the assistant does.
#include <cstdlib>

#include "base/http_client.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/flywheel.h"
#include "cli/flywheel_input.h"
#include "flywheel/log_time.h"
#include "flywheel/report.h"
#include "learn/synth.h"
#include "slm/gguf.h"

namespace sotto {
namespace {

// Conversations that are played where a workflow has none of its own to compare with.
constexpr size_t kPlayedConversations = 500;

struct WatchFlags {
  FlywheelFlags input;
  WatchLimits limits;
  std::vector<std::string> training;
  double remote_price = 0;
  std::string webhook;
  std::string out;
  bool no_encoder = false;
  bool no_alerts = false;
  bool json = false;
};

// What the model learnt from: the files given, else those of the workflow's folder, else conversations that its
// own simulator plays.
Result<SpeechProfile> TrainingProfile(const WatchFlags& flags, std::shared_ptr<const Workflow> workflow) {
  std::vector<std::string> files = flags.training;
  if (files.empty()) {
    for (const char* name : {kSeedsFile, kVoicesFile, "report/generated.jsonl"}) {
      const std::filesystem::path path = workflow->folder / name;
      if (std::filesystem::exists(path)) files.push_back(path.string());
    }
  }
  std::vector<LabelledConversation> rows;
  for (const std::string& file : files) {
    SOTTO_ASSIGN_OR_RETURN(std::vector<LabelledConversation> more, ReadConversations(file));
    std::move(more.begin(), more.end(), std::back_inserter(rows));
  }
  std::string name = "training";
  if (flags.training.empty() && !std::filesystem::exists(workflow->folder / "report/generated.jsonl")) {
    SynthOptions options;
    options.count = kPlayedConversations;
    SOTTO_ASSIGN_OR_RETURN(Synthesised made, Synthesise(workflow, options));
    std::move(made.conversations.begin(), made.conversations.end(), std::back_inserter(rows));
    name = "training (played anew)";
  }
  SpeechProfile profile = ProfileOfData(rows, name);
  for (const auto& [entity_name, entity] : workflow->entities) {
    for (const EntityValue& value : entity.values) {
      AddWords(value.spoken, profile);
      for (const std::string& synonym : value.synonyms) AddWords(synonym, profile);
    }
  }
  for (const ToolDef& tool : workflow->tools)
    for (const std::string& example : tool.examples) AddWords(example, profile);
  return profile;
}

// The same length of time before the query's.
Result<std::optional<SpeechProfile>> ProfileBefore(const WatchFlags& flags, const FlywheelInput& input) {
  SOTTO_ASSIGN_OR_RETURN(const TurnQuery query, flags.input.query.Query());
  const auto since = ParseUtc(query.since);
  const auto until = ParseUtc(query.until.empty() ? input.log.last : query.until);
  if (!since || !until || *until <= *since) return std::optional<SpeechProfile>();
  SOTTO_ASSIGN_OR_RETURN(const auto store, TurnStore::Open(flags.input.store, {.create = false}));
  TurnQuery before;
  before.workflow = input.workflow->name;
  before.until = query.since;
  before.since =
      UtcOfSeconds(static_cast<double>((2 * since->time_since_epoch() - until->time_since_epoch()).count()));
  SOTTO_ASSIGN_OR_RETURN(const LogView log, ReadLog(*store, before));
  if (log.turns() == 0) return std::optional<SpeechProfile>();
  return std::optional<SpeechProfile>(
      ProfileOfLog(log, "the time before " + query.since, input.workflow->dialogue.accept));
}

struct WatchedLog {
  std::unique_ptr<FlywheelInput> input;
  std::vector<Drift> drifts;
  Watched watched;
};

Result<WatchedLog> Watch(const WatchFlags& flags) {
  WatchedLog out;
  SOTTO_ASSIGN_OR_RETURN(out.input, OpenFlywheelInput(flags.input));
  const FlywheelInput& input = *out.input;
  const SpeechProfile now = ProfileOfLog(input.log, "now", input.workflow->dialogue.accept);
  SOTTO_ASSIGN_OR_RETURN(const SpeechProfile training, TrainingProfile(flags, input.workflow));
  out.drifts.push_back(DriftOf(now, training));
  SOTTO_ASSIGN_OR_RETURN(const auto before, ProfileBefore(flags, input));
  if (before) out.drifts.push_back(DriftOf(now, *before));
  WatchInput watch;
  watch.limits = flags.limits;
  watch.remote_price = flags.remote_price;
  watch.drift = &out.drifts.back();  // the time before, where there is one: callers, not a generator
  watch.sample = [&](const std::string& session, int turn) -> std::optional<std::vector<ToolCall>> {
    const auto found = input.labels.labels.find({session, turn});
    if (found == input.labels.labels.end() || !found->second.sample) return std::nullopt;
    return found->second.calls;
  };
  out.watched = WatchLog(input.log, *input.workflow, watch);
  return out;
}

Result<void> PostAlerts(const Watched& watched, const std::string& url) {
  HttpRequest request;
  request.method = "POST";
  request.url = url;
  request.headers = {{"content-type", "application/json"}};
  Json alerts = ToJson(watched)["alerts"];
  request.body = Json{{"source", "sotto flywheel watch"}, {"alerts", std::move(alerts)}}.dump();
  SOTTO_ASSIGN_OR_RETURN(const HttpAnswer answer, MakeHttpClient()->Send(std::move(request)));
  if (answer.ok()) return {};
  return MakeError(ErrorCode::kUnavailable, "{} answered {}", HttpOrigin(url), answer.status);
}

// Whether something is beyond its limit.
Result<bool> RunWatch(const WatchFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const WatchedLog watched, Watch(flags));
  if (flags.json) {
    fmt::print("{}\n", ToJson(watched.watched).dump());
  } else {
    fmt::print("{}", WatchText(watched.watched));
  }
  for (const WatchAlert& alert : watched.watched.alerts) Log().warn("{}", alert.text);
  if (!flags.webhook.empty() && !watched.watched.alerts.empty())
    SOTTO_RETURN_IF_ERROR(PostAlerts(watched.watched, flags.webhook));
  return !watched.watched.alerts.empty();
}

Result<Patterns> PatternsOf(const WatchFlags& flags, const FlywheelInput& input) {
  std::shared_ptr<const SentenceEncoder> encoder;
  if (!flags.no_encoder) {
    SOTTO_ASSIGN_OR_RETURN(encoder, OpenInstalledEncoder());
    if (encoder == nullptr)
      fmt::print(
          stderr,
          "sotto: the sentence encoder is not installed: requests are compared by words and letters only\n");
  }
  PatternOptions options;
  options.encoder = encoder.get();
  return FindPatterns(input.log, *input.workflow, options);
}

// What the workflow's folder has to understand with.
Result<void> AddModel(const WatchFlags& flags, ProposalInput& proposal) {
  const std::filesystem::path path = std::filesystem::path(flags.input.workflow) / "model.gguf";
  proposal.model_path = path.string();
  proposal.model = LiveModel::kNone;
  if (!std::filesystem::exists(path)) return {};
  SOTTO_ASSIGN_OR_RETURN(const auto file, GgufFile::Open(path));
  proposal.model = file->Has("sotto.base_vocabulary") ? LiveModel::kSpecialist : LiveModel::kGeneral;
  if (const auto hash = file->GetString("sotto.workflow_hash")) proposal.model_hash = *hash;
  return {};
}

Result<Proposal> ProposalOf(const WatchFlags& flags, const WatchedLog& watched, const Patterns& patterns,
                            const Cleaned& cleaned) {
  ProposalInput proposal;
  proposal.workflow = watched.input->workflow.get();
  proposal.watched = &watched.watched;
  proposal.patterns = &patterns;
  proposal.drift = &watched.drifts.front();  // against training
  proposal.cleaned = &cleaned;
  proposal.folder = flags.input.workflow;
  proposal.store = flags.input.store;
  proposal.out = flags.out.empty() ? "week" : flags.out;
  SOTTO_RETURN_IF_ERROR(AddModel(flags, proposal));
  return Propose(proposal);
}

Result<void> RunPropose(const WatchFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const WatchedLog watched, Watch(flags));
  SOTTO_ASSIGN_OR_RETURN(const Patterns patterns, PatternsOf(flags, *watched.input));
  const Cleaned cleaned = CleanWithProgress(*watched.input);
  SOTTO_ASSIGN_OR_RETURN(const Proposal proposal, ProposalOf(flags, watched, patterns, cleaned));
  fmt::print("{}", flags.json ? ToJson(proposal).dump() + "\n" : ProposalText(proposal));
  return {};
}

Result<void> RunReport(const WatchFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const WatchedLog watched, Watch(flags));
  const FlywheelInput& input = *watched.input;
  SOTTO_ASSIGN_OR_RETURN(const Patterns patterns, PatternsOf(flags, input));
  const Cleaned cleaned = CleanWithProgress(input);
  SOTTO_ASSIGN_OR_RETURN(const Proposal proposal, ProposalOf(flags, watched, patterns, cleaned));
  const Json report = BuildReport(
      {&input.log, input.workflow.get(), &patterns, &watched.watched, watched.drifts, &cleaned, &proposal});
  SOTTO_RETURN_IF_ERROR(WriteReport(report, flags.out));
  if (flags.json) {
    fmt::print("{}\n", report.dump());
    return {};
  }
  fmt::print(
      "{}: report.html and report.json of {} conversations, {} turns; {} requests, {} that were not met\n",
      flags.out, watched.watched.sessions, watched.watched.turns, patterns.requests.size(),
      patterns.unmet.size());
  return {};
}

void AddWatchOptions(CLI::App& command, WatchFlags& flags) {
  flags.input.AddTo(command);
  command.add_option("--training", flags.training,
                     "Conversations that the model learnt from; default: those in the workflow's folder");
  command.add_option("--remote-price", flags.remote_price, "USD that a turn at a model elsewhere would cost")
      ->check(CLI::NonNegativeNumber);
  command.add_flag("--json", flags.json, "As JSON");
}

}  // namespace

void RegisterFlywheelReport(CLI::App& flywheel, CliContext& context) {
  CLI::App* command = flywheel.add_subcommand(
      "report", "What callers want, what nobody serves, where they struggle: HTML and JSON");
  auto flags = std::make_shared<WatchFlags>();
  AddWatchOptions(*command, *flags);
  command->add_option("--out", flags->out, "Folder for report.html and report.json")->required();
  command->add_flag("--no-encoder", flags->no_encoder, "Compare requests by words and letters only");
  command->footer(
      "Example (a weekly report):\n  sotto flywheel report --workflow workflows/banking --store turns.sqlite "
      "--since 2026-11-02 --until 2026-11-09 --out week");
  command->callback([flags, &context] {
    if (auto result = RunReport(*flags); !result) context.Fail(result.error());
  });
}

void RegisterFlywheelPropose(CLI::App& flywheel, CliContext& context) {
  CLI::App* command = flywheel.add_subcommand(
      "propose",
      "What the next model should be, and why: none, one that learns on, one from scratch, an adapter");
  auto flags = std::make_shared<WatchFlags>();
  AddWatchOptions(*command, *flags);
  command->add_option("--out", flags->out, "Folder that the proposed commands name; default: week");
  command->add_flag("--no-encoder", flags->no_encoder, "Compare requests by words and letters only");
  command->footer(
      "It proposes; nothing is trained. The report has the same.\nExample:\n"
      "  sotto flywheel propose --workflow workflows/banking --store turns.sqlite --since 2026-11-02");
  command->callback([flags, &context] {
    if (auto result = RunPropose(*flags); !result) context.Fail(result.error());
  });
}

void RegisterFlywheelWatch(CLI::App& flywheel, CliContext& context) {
  CLI::App* command =
      flywheel.add_subcommand("watch", "Rates, tool by tool, and which are beyond their limits");
  auto flags = std::make_shared<WatchFlags>();
  AddWatchOptions(*command, *flags);
  const auto limit = [&](const char* name, double& value, const char* what) {
    command->add_option(name, value, what)->check(CLI::NonNegativeNumber)->capture_default_str();
  };
  limit("--completion", flags->limits.completion, "Least share of tasks that are completed");
  limit("--fallback", flags->limits.fallback, "Largest share of turns that are not understood");
  limit("--hand-off", flags->limits.hand_off, "Largest share of conversations that a person takes over");
  limit("--again", flags->limits.again, "Largest share of turns after which the same is asked again");
  limit("--accuracy", flags->limits.accuracy,
        "Least accuracy on the labelled sample (`sotto label --sample`)");
  limit("--psi", flags->limits.psi, "Largest drift");
  command->add_option("--least", flags->limits.least, "Cases below which nothing is said")
      ->capture_default_str();
  command->add_option("--webhook", flags->webhook, "POST the alerts there as JSON")->envname("SOTTO_WEBHOOK");
  command->add_flag("--no-exit-code", flags->no_alerts, "Exit with 0 although there are alerts");
  command->footer(
      "Exit code 1: something is beyond its limit; each is a line in the log too.\nExample:\n"
      "  sotto flywheel watch --workflow workflows/banking --store turns.sqlite --since 2026-11-02 "
      "--remote-price 0.002 --webhook http://127.0.0.1:9000/alerts");
  command->callback([flags, &context] {
    if (auto result = RunWatch(*flags); !result) {
      context.Fail(result.error());
    } else if (*result && !flags->no_alerts) {
      context.exit_code = 1;
    }
  });
}

}  // namespace sotto
