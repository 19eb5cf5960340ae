#include "learn/synth.h"

#include <iterator>

#include "brain/label_rules.h"
#include "learn/delexicalise.h"
#include "learn/keywords.h"
#include "learn/public_data.h"
#include "learn/sketch.h"

namespace sotto {
namespace {

// A task with fewer patterns than this of a kind gets some made from its names.
constexpr size_t kEnoughPatterns = 16;

}  // namespace

Result<std::shared_ptr<const PhraseBook>> LoadBook(const Workflow& workflow) {
  SOTTO_ASSIGN_OR_RETURN(PhraseBook book, PhraseBook::Load(workflow));
  std::vector<LabelledConversation> conversations;
  for (const char* name : {kSeedsFile, kVoicesFile}) {
    const std::filesystem::path file = workflow.folder / name;
    if (workflow.folder.empty() || !std::filesystem::exists(file)) continue;
    SOTTO_ASSIGN_OR_RETURN(std::vector<LabelledConversation> rows, ReadConversations(file));
    std::move(rows.begin(), rows.end(), std::back_inserter(conversations));
  }
  if (!conversations.empty()) {
    const std::vector<SeedPattern> patterns = Delexicalise(workflow, book, conversations);
    AddKeywordPatterns(workflow, patterns, kEnoughPatterns, book);
    AddSeedPatterns(workflow, patterns, book);
  }
  AddSketchedPatterns(workflow, kEnoughPatterns, book);
  return std::make_shared<const PhraseBook>(std::move(book));
}

Result<std::shared_ptr<const Confusions>> LoadConfusions(const Workflow& workflow) {
  Confusions confusions = Confusions::BuiltIn();
  const std::filesystem::path path = workflow.folder / "confusions.tsv";
  if (!workflow.folder.empty() && std::filesystem::exists(path))
    SOTTO_RETURN_IF_ERROR(confusions.AddFile(path.string()));
  return std::make_shared<const Confusions>(std::move(confusions));
}

Result<Synthesised> Synthesise(std::shared_ptr<const Workflow> workflow, const SynthOptions& options) {
  SOTTO_ASSIGN_OR_RETURN(const auto book, LoadBook(*workflow));
  SOTTO_ASSIGN_OR_RETURN(const auto confusions, LoadConfusions(*workflow));
  bool any = false;
  for (const ToolDef& tool : workflow->tools)
    any = any || (IsGoal(tool) && !book->ForTool(tool.name).ask.empty());
  if (!any)
    return MakeError(ErrorCode::kInvalidArgument,
                     "workflow '{}' has no sentence for any task: add examples, phrases.yaml or seed.jsonl",
                     workflow->name);
  Synthesised out;
  out.n_patterns = book->n_patterns();
  SimulatorOptions simulated = options.simulator;
  if (!options.data.empty()) {
    SOTTO_ASSIGN_OR_RETURN(PublicSentences sentences,
                           ReadPublicSentences(*workflow, options.data, PublicSplit::kTrain));
    simulated.out_of_scope = std::make_shared<const std::vector<std::string>>(std::move(sentences.unserved));
  }
  SOTTO_ASSIGN_OR_RETURN(auto program, DialogueProgram::Compile(workflow));
  const LabelRules rules(*workflow);
  Simulator simulator(std::move(program), book, confusions, simulated, options.seed);
  for (size_t attempts = 0; out.conversations.size() < options.count && attempts < options.count * 4 + 100;
       ++attempts) {
    SimulatedConversation played = simulator.Next();
    if (played.conversation.turns.empty()) {
      ++out.dropped["empty"];
      continue;
    }
    const auto why =
        played.grounded ? rules.WhyMalformed(played.conversation) : rules.WhyInvalid(played.conversation);
    if (why) {
      std::string reason = why->substr(why->find(": ") + 2);
      if (const size_t quote = reason.find(" of '"); quote != std::string::npos)
        reason = "value" + reason.substr(quote);
      ++out.dropped[reason];
      continue;
    }
    out.coverage.Add(played);
    LabelledConversation labelled;
    labelled.conversation = std::move(played.conversation);
    out.conversations.push_back(std::move(labelled));
    if (options.progress) options.progress(out.conversations.size(), options.count);
  }
  return out;
}

}  // namespace sotto
