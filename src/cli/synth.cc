// sotto synth: conversations by self-play, for training and for looking at.
#include "learn/synth.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "learn/public_data.h"
#include "learn/teacher.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

struct SynthFlags {
  std::string workflow;
  size_t count = 1000;
  uint64_t seed = 1;
  std::string out;
  size_t show = 0;
  double noise = 1;
  double with_state = 0.5;
  bool json = false;
  std::string data;
  std::string public_out;
  bool held_out = false;
  std::string teacher;
  std::string teacher_model;
  std::string relabel;
  size_t labellers = 3;
};

void Show(const Conversation& conversation) {
  for (const Turn& turn : conversation.turns) {
    std::string tag;
    if (turn.expectation.kind != Expectation::Kind::kNone) {
      const Json json = ToJson(turn.expectation);
      tag = fmt::format("  [{}", json.value("kind", ""));
      if (!turn.expectation.tool.empty()) tag += " " + turn.expectation.tool;
      for (const std::string& slot : turn.expectation.slots) tag += " " + slot;
      tag += "]";
    }
    fmt::print("  {}{}\n", turn.user, tag);
    for (const ToolCall& call : turn.calls) fmt::print("      {}\n", ToString(call));
  }
  fmt::print("\n");
}

// The public sentences by themselves: PREFIX.served.jsonl and PREFIX.unclear.jsonl.
Result<void> WritePublic(const Workflow& workflow, const SynthFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const PublicSentences sentences,
                         ReadPublicSentences(workflow, flags.data,
                                             flags.held_out ? PublicSplit::kHeldOut : PublicSplit::kTrain));
  SOTTO_RETURN_IF_ERROR(WriteConversations(flags.public_out + ".served.jsonl", sentences.served));
  std::vector<std::string> unserved = sentences.unserved;
  unserved.insert(unserved.end(), sentences.stateless.begin(), sentences.stateless.end());
  SOTTO_RETURN_IF_ERROR(
      WriteConversations(flags.public_out + ".unclear.jsonl", UnclearRows(workflow, unserved)));
  for (const auto& [what, count] : sentences.counts) fmt::print("{:6} {}\n", count, what);
  return {};
}

// Conversations by a teacher: like the seeds, or traces with new labels.
Result<void> Teach(const Workflow& workflow, const SynthFlags& flags) {
  ChatEndpoint endpoint;
  endpoint.url = flags.teacher;
  endpoint.model = flags.teacher_model;
  if (const char* key = std::getenv("SOTTO_TEACHER_KEY"); key != nullptr) endpoint.api_key = key;
  const std::unique_ptr<ChatModel> teacher = ConnectChatModel(endpoint);
  TeacherOptions options;
  options.count = flags.count;
  options.seed = flags.seed;
  options.labellers = flags.labellers;
  ProgressBar bar("asking the teacher");
  options.progress = [&](size_t done, size_t total) { bar.Update(done, total); };
  const std::string source =
      flags.relabel.empty() ? (workflow.folder / "seed.jsonl").string() : flags.relabel;
  SOTTO_ASSIGN_OR_RETURN(const auto rows, ReadConversations(source));
  SOTTO_ASSIGN_OR_RETURN(const Taught taught, flags.relabel.empty()
                                                  ? ExpandSeeds(*teacher, workflow, rows, options)
                                                  : Relabel(*teacher, workflow, rows, options));
  bar.Finish();
  if (!flags.out.empty()) SOTTO_RETURN_IF_ERROR(WriteConversations(flags.out, taught.conversations));
  for (size_t i = 0; i < flags.show && i < taught.conversations.size(); ++i)
    Show(taught.conversations[i].conversation);
  fmt::print("{} conversations in {} requests, {} turns arbitrated\n", taught.conversations.size(),
             taught.n_requests, taught.n_arbitrated);
  for (const auto& [why, count] : taught.dropped) fmt::print("dropped {}: {}\n", count, why);
  return {};
}

Result<void> Run(const SynthFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto workflow, LoadWorkflow(flags.workflow));
  if (!flags.teacher.empty()) return Teach(*workflow, flags);
  if (!flags.public_out.empty()) return WritePublic(*workflow, flags);
  SynthOptions options;
  options.count = flags.count;
  options.seed = flags.seed;
  options.data = flags.data;
  options.simulator.noise = flags.noise;
  options.simulator.with_state = flags.with_state;
  ProgressBar bar("generating");
  options.progress = [&](size_t done, size_t total) { bar.Update(done, total); };
  SOTTO_ASSIGN_OR_RETURN(const Synthesised made, Synthesise(workflow, options));
  bar.Finish();
  if (!flags.out.empty()) SOTTO_RETURN_IF_ERROR(WriteConversations(flags.out, made.conversations));
  for (size_t i = 0; i < flags.show && i < made.conversations.size(); ++i)
    Show(made.conversations[i].conversation);
  if (flags.json) {
    Json report = made.coverage.ToJson();
    report["available_patterns"] = made.n_patterns;
    Json dropped = Json::object();
    for (const auto& [why, count] : made.dropped) dropped[why] = count;
    report["dropped"] = std::move(dropped);
    fmt::print("{}\n", report.dump(2));
    return {};
  }
  fmt::print("{}{} patterns to speak with\n", made.coverage.ToText(*workflow), made.n_patterns);
  for (const auto& [why, count] : made.dropped) fmt::print("dropped {}: {}\n", count, why);
  return {};
}

}  // namespace

void RegisterSynth(CLI::App& app, CliContext& context) {
  CLI::App* command =
      app.add_subcommand("synth", "Generate labelled conversations for a workflow by self-play");
  auto flags = std::make_shared<SynthFlags>();
  command->add_option("--workflow", flags->workflow, "Workflow folder")->required();
  command->add_option("--count", flags->count, "Conversations")->capture_default_str();
  command->add_option("--seed", flags->seed, "The same seed gives the same conversations")
      ->capture_default_str();
  command->add_option("--out", flags->out, "Write them here, one a line");
  command->add_option("--show", flags->show, "Print that many");
  command->add_option("--noise", flags->noise, "Scales recogniser noise; 0: clean text")
      ->capture_default_str();
  command
      ->add_option("--with-state", flags->with_state,
                   "Share of conversations with expectations and control tools")
      ->capture_default_str();
  auto* data = command->add_option(
      "--data", flags->data,
      "Folder of public data: people in the conversations also say its unserved sentences");
  auto* public_out =
      command->add_option("--public-out", flags->public_out,
                          "Only write the public sentences: PREFIX.served.jsonl, PREFIX.unclear.jsonl");
  public_out->needs(data);
  command->add_flag("--held-out", flags->held_out, "With --public-out: the held-out split, for measuring")
      ->needs(public_out);
  auto* teacher = command->add_option("--teacher", flags->teacher,
                                      "OpenAI-compatible endpoint (http://host:port/v1) that writes "
                                      "conversations like seed.jsonl; its key, if it "
                                      "needs one, in SOTTO_TEACHER_KEY");
  auto* teacher_model =
      command->add_option("--teacher-model", flags->teacher_model, "The model it should use");
  teacher->needs(teacher_model);
  teacher_model->needs(teacher);
  command
      ->add_option("--relabel", flags->relabel, "With --teacher: label the user turns of this file instead")
      ->needs(teacher);
  command->add_option("--labellers", flags->labellers, "With --teacher: votes on every turn")
      ->capture_default_str()
      ->check(CLI::Range(1, 9));
  command->add_flag("--json", flags->json, "The coverage report as JSON");
  command->footer(
      "Example:\n  sotto synth --workflow workflows/banking --count 40000 --seed 1 --out banking.jsonl "
      "--show 20");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
