#include "brain/evaluation.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace sotto {
namespace {

constexpr size_t kMinErrorsForAuroc = 20;

bool SameCalls(const std::vector<ToolCall>& a, const std::vector<ToolCall>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), SameCall);
}

bool SameNames(const std::vector<ToolCall>& a, const std::vector<ToolCall>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const ToolCall& x, const ToolCall& y) { return x.name == y.name; });
}

std::vector<std::string> ControlsUsed(std::span<const LabelledConversation> rows) {
  for (const LabelledConversation& row : rows) {
    for (const Turn& turn : row.conversation.turns) {
      for (const ToolCall& call : turn.calls) {
        if (IsControlTool(call.name)) return ControlToolNames();
      }
    }
  }
  return {};
}

double Share(std::span<const ScoredTurn> turns, bool ScoredTurn::*what) {
  if (turns.empty()) return 0;
  const auto count =
      std::count_if(turns.begin(), turns.end(), [&](const ScoredTurn& turn) { return turn.*what; });
  return static_cast<double>(count) / static_cast<double>(turns.size());
}

double Percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::clamp<size_t>(rank, 1, values.size()) - 1];
}

// Accuracy of what remains when the least confident share is handed to somebody else.
Json Coverage(std::span<const ScoredTurn> turns) {
  std::vector<const ScoredTurn*> order;
  for (const ScoredTurn& turn : turns) order.push_back(&turn);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return a->confidence < b->confidence; });
  Json coverage = Json::array();
  for (const double escalated : {0.05, 0.10, 0.20}) {
    const auto skip = static_cast<size_t>(std::lround(escalated * static_cast<double>(order.size())));
    const auto right = std::count_if(order.begin() + static_cast<std::ptrdiff_t>(skip), order.end(),
                                     [](const ScoredTurn* turn) { return turn->exact; });
    const size_t kept = order.size() - skip;
    coverage.push_back({{"escalated", escalated},
                        {"exact", kept == 0 ? 0.0 : static_cast<double>(right) / static_cast<double>(kept)}});
  }
  return coverage;
}

Json PerTool(std::span<const ScoredTurn> turns) {
  struct Count {
    int turns = 0, exact = 0, name = 0;
  };
  std::map<std::string, Count> counts;
  for (const ScoredTurn& turn : turns) {
    Count& count = counts[turn.gold.front().name];
    ++count.turns;
    count.exact += turn.exact ? 1 : 0;
    count.name += turn.name_right ? 1 : 0;
  }
  Json json = Json::object();
  for (const auto& [tool, count] : counts) {
    json[tool] = {{"turns", count.turns},
                  {"exact", static_cast<double>(count.exact) / count.turns},
                  {"name", static_cast<double>(count.name) / count.turns}};
  }
  return json;
}

Json Calls(const std::vector<ToolCall>& calls) {
  Json json = Json::array();
  for (const ToolCall& call : calls) json.push_back(ToJson(call));
  return json;
}

}  // namespace

double Evaluation::exact() const { return Share(turns, &ScoredTurn::exact); }
double Evaluation::name() const { return Share(turns, &ScoredTurn::name_right); }

Result<Evaluation> Evaluate(std::shared_ptr<const Brain> brain, std::span<const LabelledConversation> rows,
                            const EvaluationOptions& options) {
  const std::vector<std::string> controls = ControlsUsed(rows);
  BrainSession session(brain);
  Evaluation evaluation;
  size_t done = 0;
  for (const LabelledConversation& row : rows) {
    Conversation conversation = row.conversation;
    if (options.corrupt) options.corrupt(conversation);
    Conversation history;
    history.tools = conversation.tools;
    history.channel = options.channel;
    history.today = conversation.today;
    bool all_exact = true;
    size_t scored = 0;
    const size_t n_turns = conversation.turns.size();
    for (size_t i = 0; i < n_turns; ++i) {
      Turn turn = std::move(conversation.turns[i]);
      if (!options.expectations) turn.expectation = {};
      const bool score = !turn.calls.empty() && (!row.last_turn_only || i + 1 == n_turns);
      std::vector<ToolCall> got;
      if (score) {
        SOTTO_RETURN_IF_ERROR(session.Begin(history, turn.expectation, controls));
        SOTTO_ASSIGN_OR_RETURN(const Understanding understanding, session.Commit(turn.user));
        for (const Understanding::Call& call : understanding.calls) got.push_back(call.call);
        ScoredTurn scored_turn;
        scored_turn.line = row.line;
        scored_turn.turn = static_cast<int>(i) + 1;
        scored_turn.user = turn.user;
        scored_turn.gold = turn.calls;
        scored_turn.got = got;
        scored_turn.name_right = SameNames(turn.calls, got);
        scored_turn.exact = row.name_only ? scored_turn.name_right : SameCalls(turn.calls, got);
        scored_turn.confidence = understanding.confidence;
        scored_turn.features = session.last_features();
        scored_turn.made_by = understanding.made_by;
        scored_turn.ms = understanding.cost.commit_to_call_ms;
        scored_turn.understanding = understanding;
        scored_turn.expectation = turn.expectation;
        all_exact = all_exact && scored_turn.exact;
        ++scored;
        evaluation.turns.push_back(std::move(scored_turn));
      }
      if (options.own_history && !got.empty()) turn.calls = std::move(got);
      history.turns.push_back(std::move(turn));
    }
    if (scored > 0) {
      ++evaluation.conversations;
      evaluation.conversations_exact += all_exact ? 1 : 0;
    }
    if (options.on_progress) options.on_progress(++done, rows.size());
  }
  return evaluation;
}

Json ToJson(const Evaluation& evaluation) {
  std::vector<double> confidences;
  std::vector<bool> right;
  std::vector<double> ms;
  Json errors = Json::array();
  for (const ScoredTurn& turn : evaluation.turns) {
    confidences.push_back(turn.confidence);
    right.push_back(turn.exact);
    ms.push_back(turn.ms);
    if (turn.exact) continue;
    errors.push_back({{"line", turn.line},
                      {"turn", turn.turn},
                      {"user", turn.user},
                      {"gold", Calls(turn.gold)},
                      {"got", Calls(turn.got)},
                      {"confidence", turn.confidence}});
  }
  Json json;
  json["turns"] = evaluation.turns.size();
  json["exact"] = evaluation.exact();
  json["name"] = evaluation.name();
  json["conversations"] = evaluation.conversations;
  json["conversation_exact"] = evaluation.conversations == 0
                                   ? 0.0
                                   : static_cast<double>(evaluation.conversations_exact) /
                                         static_cast<double>(evaluation.conversations);
  json["per_tool"] = PerTool(evaluation.turns);
  json["ece"] = ExpectedCalibrationError(confidences, right);
  json["auroc"] = errors.size() < kMinErrorsForAuroc ? Json(nullptr) : Json(AreaUnderRoc(confidences, right));
  json["coverage"] = Coverage(evaluation.turns);
  json["ms"] = {{"p50", Percentile(ms, 0.50)}, {"p95", Percentile(ms, 0.95)}, {"p99", Percentile(ms, 0.99)}};
  json["errors"] = std::move(errors);
  return json;
}

}  // namespace sotto
