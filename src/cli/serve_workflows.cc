#include "cli/serve_workflows.h"

#include "brain/brain.h"
#include "cli/open_actions.h"
#include "speech/backends.h"
#include "speech/domain_model.h"
#include "speech/phrase_cache.h"
#include "speech/speaker.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

constexpr uint64_t kDomainTextSeed = 1;
// What engines still do for calls that are over is done by then.
constexpr std::chrono::seconds kRetired{60};

Result<void> AddVoice(const ServeFlags& flags, const ServeShared& shared, const Workflow& workflow,
                      Deployment::Parts* parts) {
  SOTTO_ASSIGN_OR_RETURN(const DomainText text, MakeDomainText(workflow, kDomainTextSeed));
  const std::string& name = flags.recognizer.empty() ? workflow.assistant.recognizer : flags.recognizer;
  SOTTO_ASSIGN_OR_RETURN(parts->recognizers, OpenRecognizers(name, text, flags.ready_recognizers));
  SOTTO_ASSIGN_OR_RETURN(const auto synthesizer,
                         OpenSynthesizer(flags.synthesizer, workflow.assistant.voice));
  parts->phrases = std::make_shared<PhraseCache>(synthesizer, DefaultCacheFolder() / "phrases");
  if (const ReplyTemplate* greeting = parts->program->greeting()) {
    parts->phrases->Warm(WarmableSentences(greeting->FixedParts()));
  }
  for (std::string& sentence : WarmableSentences(parts->program->FixedParts())) {
    shared.scheduler->Post(
        {.strand = shared.synthesizer, .priority = Priority::kIdle, .blocks = synthesizer->blocks()},
        [phrases = parts->phrases, sentence = std::move(sentence)](std::stop_token) {
          phrases->Warm(std::span(&sentence, 1));
        });
  }
  return {};
}

Result<ServedWorkflowPtr> OpenOne(const ServeFlags& flags, const ServeShared& shared,
                                  const std::string& folder) {
  SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const Workflow> workflow, LoadWorkflow(folder));
  BrainOptions brain_options;
  brain_options.n_threads = flags.threads;
  brain_options.team = shared.team;
  Deployment::Parts parts;
  SOTTO_ASSIGN_OR_RETURN(parts.brain, Brain::Open(workflow, "", brain_options));
  SOTTO_ASSIGN_OR_RETURN(parts.program, DialogueProgram::Compile(workflow));
  const std::filesystem::path database = flags.database.empty() || flags.database == ":memory:"
                                             ? std::filesystem::path(flags.database)
                                             : std::filesystem::path(flags.database) / workflow->name;
  SOTTO_ASSIGN_OR_RETURN(parts.actions, OpenRunner(*workflow, database));
  if (!flags.text_only) SOTTO_RETURN_IF_ERROR(AddVoice(flags, shared, *workflow, &parts));

  // Its last call may end while an engine still works for it: what it stands on goes later.
  std::shared_ptr<ServedWorkflow> served(
      new ServedWorkflow, [scheduler = shared.scheduler](ServedWorkflow* old) {
        const std::shared_ptr<ServedWorkflow> owned(old);
        scheduler->Post({.priority = Priority::kIdle,
                         .blocks = true,
                         .not_before = scheduler->clock().Now() + kRetired,
                         .what = "a workflow's end"},
                        [owned](std::stop_token) {});
      });
  served->name = workflow->name;
  SOTTO_ASSIGN_OR_RETURN(served->deployment, Deployment::Create(std::move(parts)));
  served->caller = HostCaller(*workflow, flags.customer, "");
  if (flags.text_only) return served;
  const Deployment::Parts& kept = served->deployment->parts();
  served->recognizers = MakeLiveRecognizers(*kept.recognizers, *shared.scheduler);
  served->voice.program = kept.program;
  served->voice.actions = kept.actions.get();
  served->voice.recognizers = served->recognizers.get();
  served->voice.phrases = kept.phrases;
  served->voice.synthesis = shared.scheduler;
  served->voice.synthesizer = shared.synthesizer;
  SOTTO_ASSIGN_OR_RETURN(served->voice_options.endpoint, EndpointOptions::FromPolicy(workflow->policy));
  return served;
}

}  // namespace

Result<std::vector<ServedWorkflowPtr>> OpenServedWorkflows(const ServeFlags& flags,
                                                           const ServeShared& shared) {
  std::vector<ServedWorkflowPtr> opened;
  for (const std::string& folder : flags.workflows) {
    SOTTO_ASSIGN_OR_RETURN(ServedWorkflowPtr one, OpenOne(flags, shared, folder));
    opened.push_back(std::move(one));
  }
  return opened;
}

}  // namespace sotto
