#include "cli/route_learn.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "assistant/brain_understander.h"
#include "assistant/open_route.h"
#include "assistant/simulated_caller.h"
#include "brain/calibration.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/route.h"

namespace sotto {
namespace {

struct SuretyRows {
  std::vector<Surety::Features> rows;
  std::vector<bool> right;
};

void AddRow(const ScoredTurn& turn, bool right, const KnownSentences& known, SuretyRows& rows) {
  if (turn.made_by == MadeBy::kRule) return;
  rows.rows.push_back(
      Surety::FeaturesOf(FactsOf(turn.features), turn.understanding, turn.expectation, known));
  rows.right.push_back(right);
}

// A caller's lines as turns of which it is known what they are about: the first sentence and its other wordings, and each
// answer where it is asked for. Their labels say what is wanted, not what of it each line says.
std::vector<LabelledConversation> TurnsOf(const SimulatedCaller& caller, const Workflow& workflow) {
  std::vector<LabelledConversation> turns;
  if (caller.want.size() != 1) return turns;  // which line asks for which is not known
  const ToolCall& wanted = caller.want.front();
  const ToolDef* tool = workflow.FindTool(wanted.name);
  const auto add = [&](std::vector<Turn> said) {
    LabelledConversation one;
    one.conversation.turns = std::move(said);
    one.conversation.today = caller.today;
    one.last_turn_only = true;
    turns.push_back(std::move(one));
  };
  for (const std::string& line : {caller.say.front(), caller.again.front()}) add({Turn{line, {}, {wanted}}});
  for (const auto& [name, lines] : caller.answers) {
    const std::string slot = name.substr(name.find('.') + 1);  // npos + 1 = 0: all of it
    if (!wanted.arguments.contains(slot)) continue;
    const Expectation asked{Expectation::Kind::kSlots, wanted.name, {slot}};
    add({Turn{tool->title, {}, {ToolCall{wanted.name, Json::object()}}},
         Turn{lines.front(), asked, {wanted}}});
  }
  return turns;
}

// Whether the right tool is called, with the slot that was asked for and no other that nobody wanted. Nothing where a value
// is another than the one wanted in the end: callers change their minds, and read wrong numbers off cards.
std::optional<bool> IsWanted(const ScoredTurn& turn, const Workflow& workflow) {
  if (turn.got.size() != 1 || turn.got.front().name != turn.gold.front().name) return false;
  const Json& wanted = turn.gold.front().arguments;
  const Json& got = turn.got.front().arguments;
  const ToolDef* tool = workflow.FindTool(turn.got.front().name);
  bool more = false;
  for (const auto& [name, value] : got.items()) {
    if (wanted.contains(name) && !SameValue(wanted.at(name), value)) return std::nullopt;
    const Slot* slot = tool == nullptr ? nullptr : tool->FindSlot(name);
    more = more || (!wanted.contains(name) && (slot == nullptr || !slot->inferred));
  }
  const auto answers = [&](const std::string& slot) { return got.contains(slot); };
  return !more && std::all_of(turn.expectation.slots.begin(), turn.expectation.slots.end(), answers);
}

Result<void> AddCallers(const std::shared_ptr<const Brain>& brain, const std::string& file,
                        const KnownSentences& known, SuretyRows& rows) {
  SOTTO_ASSIGN_OR_RETURN(const std::vector<SimulatedCaller> callers, ReadCallers(file, brain->workflow()));
  for (const Channel channel : {Channel::kSpoken, Channel::kTyped}) {
    std::vector<LabelledConversation> turns;
    for (const SimulatedCaller& caller : callers) {
      if (caller.channel != channel) continue;
      std::vector<LabelledConversation> more = TurnsOf(caller, brain->workflow());
      turns.insert(turns.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    }
    if (turns.empty()) continue;
    EvaluationOptions options;
    options.channel = channel;
    ProgressBar progress("asking callers");
    options.on_progress = [&](size_t done, size_t total) { progress.Update(done, total); };
    SOTTO_ASSIGN_OR_RETURN(const Evaluation evaluation, Evaluate(brain, turns, options));
    for (const ScoredTurn& turn : evaluation.turns)
      if (const auto right = IsWanted(turn, brain->workflow())) AddRow(turn, *right, known, rows);
  }
  return {};
}

}  // namespace

void LearnFlags::AddTo(CLI::App& command) {
  command.add_option("--learn", turns,
                     "Learn how sure an answer is from these labelled turns, *.jsonl; several");
  command.add_option("--learn-callers", callers,
                     "And from the sentences and answers of callers with goals (callers.jsonl); several");
}

std::string LearnFlags::Names() const {
  std::string names;
  for (const auto* files : {&turns, &callers})
    for (const std::string& file : *files)
      names += (names.empty() ? "" : ", ") + std::filesystem::path(file).filename().string();
  return names;
}

std::vector<double> SuretyOf(const Evaluation& evaluation, const SuretyJudge& judge) {
  std::vector<double> sure;
  for (const ScoredTurn& turn : evaluation.turns)
    sure.push_back(judge(FactsOf(turn.features), turn.understanding, turn.expectation));
  return sure;
}

Result<SuretyJudge> LearnSurety(std::shared_ptr<const Brain> brain, const LearnFlags& flags,
                                Channel channel) {
  SOTTO_ASSIGN_OR_RETURN(const auto known, ReadKnownSentences(brain->workflow()));
  SuretyRows rows;
  if (!flags.turns.empty()) {
    SOTTO_ASSIGN_OR_RETURN(const Evaluation evaluation, AnswerTurns(brain, flags.turns, channel));
    for (const ScoredTurn& turn : evaluation.turns) AddRow(turn, turn.exact, *known, rows);
  }
  const size_t n_turns = rows.rows.size();
  for (const std::string& file : flags.callers) SOTTO_RETURN_IF_ERROR(AddCallers(brain, file, *known, rows));
  const size_t n_callers = rows.rows.size() - n_turns;
  // Whichever there is less of counts once.
  const auto share = [&](size_t n, size_t other) {
    return other == 0 || n <= other ? 1.0 : static_cast<double>(other) / static_cast<double>(n);
  };
  std::vector<double> weights(n_turns, share(n_turns, n_callers));
  weights.resize(rows.rows.size(), share(n_callers, n_turns));
  SOTTO_ASSIGN_OR_RETURN(const Surety surety, Surety::Fit(rows.rows, rows.right, weights));
  return SuretyJudge{surety, known};
}

}  // namespace sotto
