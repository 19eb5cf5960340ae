#include "learn/calibration_rows.h"

#include <algorithm>
#include <map>

#include "base/random.h"
#include "brain/offered_tool.h"
#include "brain/prompt.h"
#include "brain/said_dates.h"
#include "text/dates.h"

namespace sotto {

std::vector<LabelledConversation> StratifiedByTool(std::span<const LabelledConversation> rows, size_t most,
                                                   uint64_t seed) {
  std::vector<size_t> order(rows.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  Random random(seed);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
  std::map<std::string, std::vector<size_t>> by_tool;
  for (const size_t index : order) {
    for (const Turn& turn : rows[index].conversation.turns) {
      for (const ToolCall& call : turn.calls) {
        std::vector<size_t>& of_tool = by_tool[call.name];
        if (of_tool.empty() || of_tool.back() != index) of_tool.push_back(index);
      }
    }
  }
  std::vector<std::pair<size_t, const std::vector<size_t>*>> tools;
  for (const auto& [name, indices] : by_tool) tools.emplace_back(indices.size(), &indices);
  std::stable_sort(tools.begin(), tools.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<bool> taken(rows.size(), false);
  std::vector<size_t> next(tools.size(), 0);
  std::vector<LabelledConversation> chosen;
  for (bool more = true; more && chosen.size() < most;) {
    more = false;
    for (size_t tool = 0; tool < tools.size() && chosen.size() < most; ++tool) {
      const std::vector<size_t>& indices = *tools[tool].second;
      while (next[tool] < indices.size() && taken[indices[next[tool]]]) ++next[tool];
      if (next[tool] == indices.size()) continue;
      taken[indices[next[tool]]] = true;
      chosen.push_back(rows[indices[next[tool]]]);
      more = true;
    }
  }
  return chosen;
}

Result<std::vector<std::vector<TokenId>>> EncodeRows(std::shared_ptr<const Model> model,
                                                     const Workflow& workflow,
                                                     std::span<const LabelledConversation> rows) {
  SOTTO_ASSIGN_OR_RETURN(const PromptForm form, PromptForm::Create(model, ""));
  std::vector<ToolSpec> specs = ToToolSpecs(workflow);
  const bool controls = std::any_of(rows.begin(), rows.end(), [](const LabelledConversation& row) {
    return std::any_of(row.conversation.turns.begin(), row.conversation.turns.end(), [](const Turn& turn) {
      return std::any_of(turn.calls.begin(), turn.calls.end(),
                         [](const ToolCall& call) { return IsControlTool(call.name); });
    });
  });
  if (controls) specs.insert(specs.end(), ControlTools().begin(), ControlTools().end());
  SOTTO_ASSIGN_OR_RETURN(const std::vector<OfferedTool> tools, MakeOfferedTools(specs, workflow, true));
  const ChatSetup setup = form.Setup(workflow, specs);
  const std::vector<TokenId> prefix = form.Prefix(setup);
  std::vector<std::vector<TokenId>> sequences;
  for (const LabelledConversation& row : rows) {
    std::vector<TokenId> tokens = prefix;
    const std::vector<Turn>& turns = row.conversation.turns;
    for (size_t i = 0; i < turns.size() && !turns[i].calls.empty(); ++i) {
      Turn turn = turns[i];
      turn.calls = CallsInWordsSaid(std::span(turns).first(i + 1), tools,
                                    {row.conversation.today, WritesDayFirst(workflow.language)});
      const std::vector<TokenId> more = form.PastTurn(setup, i == 0, turn, tools);
      tokens.insert(tokens.end(), more.begin(), more.end());
    }
    if (tokens.size() > prefix.size()) sequences.push_back(std::move(tokens));
  }
  return sequences;
}

}  // namespace sotto
