#include "assistant/warm_file.h"

#include <algorithm>
#include <map>

#include "assistant/brain_understander.h"
#include "brain/calibration.h"
#include "dialogue/dialogue.h"
#include "route/answer_cache.h"
#include "slm/model.h"
#include "workflow/stakes.h"

namespace sotto {
namespace {

struct FirstWords {
  std::string text;  // as it was said first
  size_t count = 0;
};

// Whether an understanding of the call may be known from the start: it must hang on nothing but the words, and lead to
// nothing that anybody would regret.
bool MayBeWarm(const Workflow& workflow, const Understanding::Call& call) {
  const ToolDef* tool = workflow.FindTool(call.call.name);
  if (tool == nullptr || !call.unfit.empty() || Acts(workflow, *tool)) return false;
  if (tool->role == ToolRole::kUnclear || tool->role == ToolRole::kHandoff || tool->role == ToolRole::kVerify)
    return false;
  return std::none_of(call.call.arguments.items().begin(), call.call.arguments.items().end(),
                      [&](const auto& argument) {
                        const Slot* slot = tool->FindSlot(argument.key());
                        return slot == nullptr || slot->entity.IsCalendar();
                      });
}

bool SameCalls(const Understanding& a, const Understanding& b) {
  return std::equal(a.calls.begin(), a.calls.end(), b.calls.begin(), b.calls.end(),
                    [](const auto& x, const auto& y) { return SameCall(x.call, y.call); });
}

}  // namespace

Result<WarmMade> MakeWarmFile(std::shared_ptr<const Brain> brain, std::span<const std::string> sentences,
                              const WarmOptions& options) {
  const std::shared_ptr<const Workflow> workflow(brain, &brain->workflow());
  SOTTO_ASSIGN_OR_RETURN(const auto program, DialogueProgram::Compile(workflow));
  Dialogue dialogue(program);
  dialogue.Begin("warm");
  std::vector<std::string> offered;
  for (std::string& tool : dialogue.OfferedTools()) {
    if (IsControlTool(tool)) offered.push_back(std::move(tool));
  }
  std::map<std::string, FirstWords> by_text;
  for (const std::string& sentence : sentences) {
    const std::string text = CacheText(sentence);
    if (text.empty()) continue;
    FirstWords& said = by_text[text];
    if (said.count++ == 0) said.text = sentence;
  }
  std::vector<FirstWords> all;
  for (auto& [text, said] : by_text) all.push_back(std::move(said));
  std::stable_sort(all.begin(), all.end(),
                   [](const FirstWords& a, const FirstWords& b) { return a.count > b.count; });

  WarmMade made;
  made.file.workflow = workflow->hash;
  made.file.model = brain->model().id();
  BrainSession session(brain);
  // With how sure it is, where somebody judges that.
  using Judged = std::pair<Understanding, std::optional<double>>;
  const auto understand = [&](const std::string& text, Channel channel) -> Result<Judged> {
    Conversation nothing_before;
    nothing_before.channel = channel;
    SOTTO_RETURN_IF_ERROR(session.Begin(nothing_before, {}, offered));
    SOTTO_ASSIGN_OR_RETURN(Understanding understood, session.Commit(text));
    std::optional<double> sure;
    if (options.judge != nullptr) sure = (*options.judge)(FactsOf(session.last_features()), understood, {});
    return Judged{std::move(understood), sure};
  };
  for (FirstWords& said : all) {
    if (made.file.entries.size() == std::min(options.most, kMostWarmEntries)) break;
    ++made.asked;
    SOTTO_ASSIGN_OR_RETURN(Judged judged_typed, understand(said.text, Channel::kTyped));
    SOTTO_ASSIGN_OR_RETURN(const Judged judged_spoken, understand(said.text, Channel::kSpoken));
    auto& [typed, sure_typed] = judged_typed;
    const auto& [spoken, sure_spoken] = judged_spoken;
    if (!std::all_of(typed.calls.begin(), typed.calls.end(),
                     [&](const auto& call) { return MayBeWarm(*workflow, call); })) {
      ++made.not_kept;
    } else if (options.accept.Missed(typed, sure_typed) || options.accept.Missed(spoken, sure_spoken) ||
               !SameCalls(typed, spoken)) {
      ++made.unsure;
    } else {
      typed.cost = {};
      made.file.entries.push_back({std::move(said.text), said.count, std::move(typed)});
    }
  }
  return made;
}

}  // namespace sotto
