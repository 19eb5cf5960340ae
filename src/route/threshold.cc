#include "route/threshold.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/beta.hpp>
#include <cmath>

namespace sotto {
namespace {

constexpr double kNever = 1.01;
constexpr size_t kMostHistory = 50;

struct Order {
  std::vector<const JudgedTurn*> turns;  // most confident first

  explicit Order(std::vector<const JudgedTurn*> unordered) : turns(std::move(unordered)) {
    std::stable_sort(turns.begin(), turns.end(),
                     [](const JudgedTurn* a, const JudgedTurn* b) { return a->confidence > b->confidence; });
  }
};

std::vector<const JudgedTurn*> Pointers(std::span<const JudgedTurn> turns) {
  std::vector<const JudgedTurn*> all;
  for (const JudgedTurn& turn : turns)
    if (std::isfinite(turn.confidence)) all.push_back(&turn);
  return all;
}

struct Choice {
  double threshold = kNever;
  ThresholdEvidence evidence;
};

// Down from the highest testable threshold, until one does not pass.
std::optional<Choice> ProvenThreshold(const Order& order, const ThresholdGoal& goal) {
  const size_t needed = TurnsNeeded(*goal.max_error, goal.assurance);
  std::optional<Choice> chosen;
  size_t errors = 0;
  for (size_t i = 0; i < order.turns.size(); ++i) {
    errors += order.turns[i]->right ? 0 : 1;
    const bool last_of_equals =
        i + 1 == order.turns.size() || order.turns[i + 1]->confidence != order.turns[i]->confidence;
    if (!last_of_equals || i + 1 < needed) continue;
    const double upper = UpperErrorLimit(errors, i + 1, goal.assurance);
    if (!(upper < *goal.max_error)) break;
    chosen = Choice{order.turns[i]->confidence, {order.turns.size(), i + 1, errors, upper}};
  }
  return chosen;
}

ThresholdEvidence EvidenceOf(const Thresholds& thresholds, std::span<const JudgedTurn> turns,
                             double assurance) {
  ThresholdEvidence evidence{turns.size(), 0, 0, 1};
  for (const JudgedTurn& turn : turns) {
    const bool passes = std::all_of(turn.tools.begin(), turn.tools.end(), [&](const std::string& tool) {
      return turn.confidence >= thresholds.Of(tool);
    });
    if (!passes) continue;
    ++evidence.accepted;
    evidence.errors += turn.right ? 0 : 1;
  }
  evidence.upper_error = UpperErrorLimit(evidence.errors, evidence.accepted, assurance);
  return evidence;
}

Result<FittedThresholds> FitShare(std::span<const JudgedTurn> turns, const ThresholdGoal& goal) {
  const Order order(Pointers(turns));
  if (order.turns.empty()) return MakeError(ErrorCode::kNotFound, "there are no turns to fit to");
  const auto kept = static_cast<size_t>(
      std::floor((1 - *goal.strong_share) * static_cast<double>(order.turns.size()) + 1e-9));
  FittedThresholds fitted;
  fitted.thresholds.overall = kept == 0 ? kNever : order.turns[kept - 1]->confidence;
  // Equals of the last one kept would pass too: more stays than was asked for only where they are one group.
  fitted.all = EvidenceOf(fitted.thresholds, turns, goal.assurance);
  return fitted;
}

Json ToJson(const ThresholdEvidence& evidence) {
  return {{"turns", evidence.turns},
          {"accepted", evidence.accepted},
          {"errors", evidence.errors},
          {"upper_error", evidence.upper_error}};
}

// Reads typed members of an object; the first mistake stays.
class Fields {
 public:
  Fields(const Json& json, std::string where, std::string* error)
      : json_(json), where_(std::move(where)), error_(error) {
    if (!json_.is_object()) Fail("", "an object");
  }

  void Read(const char* key, double* out, double least, double most) const {
    const Json* value = Find(key);
    if (value == nullptr || !value->is_number() || !(value->get<double>() >= least) ||
        !(value->get<double>() <= most)) {
      return Fail(key, fmt::format("a number from {} to {}", least, most));
    }
    *out = value->get<double>();
  }
  void Read(const char* key, size_t* out) const {
    const Json* value = Find(key);
    const bool count = value != nullptr && value->is_number_integer() && value->get<int64_t>() >= 0;
    if (!count) return Fail(key, "a count");
    *out = value->get<size_t>();
  }
  void Read(const char* key, std::string* out) const {
    const Json* value = Find(key);
    if (value == nullptr || !value->is_string()) return Fail(key, "a text");
    *out = value->get<std::string>();
  }
  const Json* Find(const char* key) const {
    const auto found = json_.is_object() ? json_.find(key) : json_.end();
    return json_.is_object() && found != json_.end() ? &*found : nullptr;
  }
  void Fail(const std::string& key, const std::string& wanted) const {
    if (error_->empty()) *error_ = fmt::format("{}{} should be {}", where_, key.empty() ? "it" : key, wanted);
  }

 private:
  const Json& json_;
  const std::string where_;
  std::string* const error_;
};

ThresholdEvidence ReadEvidence(const Json& json, const std::string& where, std::string* error) {
  ThresholdEvidence evidence;
  const Fields fields(json, where + ".", error);
  fields.Read("turns", &evidence.turns);
  fields.Read("accepted", &evidence.accepted);
  fields.Read("errors", &evidence.errors);
  fields.Read("upper_error", &evidence.upper_error, 0, 1);
  return evidence;
}

}  // namespace

double Thresholds::Of(std::string_view tool) const {
  const auto found = by_tool.find(tool);
  return found == by_tool.end() ? overall : found->second;
}

std::optional<double> Thresholds::Missed(const Understanding& understanding,
                                         std::optional<double> sure) const {
  if (understanding.made_by == MadeBy::kRule) return std::nullopt;
  double highest = understanding.calls.empty() ? overall : 0;
  for (const Understanding::Call& call : understanding.calls) highest = std::max(highest, Of(call.call.name));
  if (sure.value_or(understanding.confidence) >= highest) return std::nullopt;
  return highest;
}

double UpperErrorLimit(size_t errors, size_t n, double assurance) {
  if (errors >= n) return 1;
  const boost::math::beta_distribution<double> beta(static_cast<double>(errors) + 1,
                                                    static_cast<double>(n - errors));
  return boost::math::quantile(beta, assurance);
}

size_t TurnsNeeded(double max_error, double assurance) {
  // Without an error the limit is 1 - (1 - assurance)^(1/n); it must be below.
  const double n = std::log(1 - assurance) / std::log1p(-max_error);
  auto turns = static_cast<size_t>(std::ceil(n));
  while (!(UpperErrorLimit(0, turns, assurance) < max_error)) ++turns;
  return turns;
}

Result<FittedThresholds> FitThresholds(std::span<const JudgedTurn> turns, const ThresholdGoal& goal) {
  if (goal.strong_share) return FitShare(turns, goal);
  const size_t needed = TurnsNeeded(*goal.max_error, goal.assurance);
  if (turns.size() < needed) {
    return MakeError(ErrorCode::kNotFound,
                     "{} turns cannot prove an error below {:g}: it takes {} without a mistake", turns.size(),
                     *goal.max_error, needed);
  }
  const Order order(Pointers(turns));
  const auto overall = ProvenThreshold(order, goal);
  if (!overall) {
    size_t errors = 0;
    for (size_t i = 0; i < std::min(needed, order.turns.size()); ++i) errors += order.turns[i]->right ? 0 : 1;
    return MakeError(
        ErrorCode::kNotFound,
        "no threshold has an error below {:g} for certain: of the {} surest of {} turns {} are wrong",
        *goal.max_error, std::min(needed, order.turns.size()), turns.size(), errors);
  }
  FittedThresholds fitted;
  fitted.thresholds.overall = overall->threshold;
  fitted.all = overall->evidence;
  fitted.all.turns = turns.size();
  std::map<std::string, std::vector<const JudgedTurn*>, std::less<>> of_tool;
  for (const JudgedTurn* turn : order.turns)
    if (turn->tools.size() == 1) of_tool[turn->tools.front()].push_back(turn);
  Thresholds refined = fitted.thresholds;
  for (auto& [tool, own] : of_tool) {
    if (own.size() < needed) continue;
    const auto choice = ProvenThreshold(Order(std::move(own)), goal);
    if (!choice) continue;
    refined.by_tool[tool] = choice->threshold;
    fitted.by_tool[tool] = choice->evidence;
  }
  // What the tools make of the whole must hold as well.
  const ThresholdEvidence together = EvidenceOf(refined, turns, goal.assurance);
  if (together.upper_error < *goal.max_error && together.accepted >= fitted.all.accepted) {
    fitted.thresholds = std::move(refined);
    fitted.all = together;
  } else {
    fitted.by_tool.clear();
  }
  return fitted;
}

Json ToJson(const ThresholdFile& file) {
  Json by_tool = Json::object();
  for (const auto& [tool, threshold] : file.thresholds.by_tool) by_tool[tool] = threshold;
  Json tools = Json::object();
  for (const auto& [tool, evidence] : file.by_tool) tools[tool] = ToJson(evidence);
  Json goal{{"assurance", file.goal.assurance}};
  if (file.goal.max_error) goal["max_error"] = *file.goal.max_error;
  if (file.goal.strong_share) goal["strong_share"] = *file.goal.strong_share;
  Json json{{"format", 1},
            {"model", file.model},
            {"workflow", file.workflow},
            {"at", file.at},
            {"data", file.data},
            {"goal", std::move(goal)},
            {"thresholds", {{"overall", file.thresholds.overall}, {"by_tool", std::move(by_tool)}}},
            {"evidence", {{"all", ToJson(file.evidence)}, {"by_tool", std::move(tools)}}},
            {"history", file.history}};
  if (file.learnt) {
    json["surety"] = {{"weights", file.learnt->surety.ToJson()},
                      {"known", file.learnt->known},
                      {"data", file.learnt->data}};
  }
  return json;
}

Result<ThresholdFile> ThresholdFileFromJson(const Json& json) {
  std::string error;
  ThresholdFile file;
  const Fields fields(json, "", &error);
  size_t format = 0;
  fields.Read("format", &format);
  if (error.empty() && format != 1) fields.Fail("format", "1");
  fields.Read("model", &file.model);
  fields.Read("workflow", &file.workflow);
  fields.Read("at", &file.at);
  fields.Read("data", &file.data);
  if (const Json* goal = fields.Find("goal"); goal != nullptr) {
    const Fields of(*goal, "goal.", &error);
    of.Read("assurance", &file.goal.assurance, 0, 1);
    if (of.Find("max_error") != nullptr) of.Read("max_error", &file.goal.max_error.emplace(), 0, 1);
    if (of.Find("strong_share") != nullptr) of.Read("strong_share", &file.goal.strong_share.emplace(), 0, 1);
  }
  if (const Json* learnt = fields.Find("surety"); learnt != nullptr) {
    const Fields of(*learnt, "surety.", &error);
    ThresholdFile::Learnt& read = file.learnt.emplace();
    of.Read("known", &read.known);
    of.Read("data", &read.data);
    const Json* weights = of.Find("weights");
    auto surety = Surety::FromJson(weights != nullptr ? *weights : Json());
    if (surety) {
      read.surety = *surety;
    } else if (error.empty()) {
      error = "surety.weights: " + surety.error().message;
    }
  }
  const Json none;
  const Json* thresholds = fields.Find("thresholds");
  const Fields of(thresholds != nullptr ? *thresholds : none, "thresholds.", &error);
  of.Read("overall", &file.thresholds.overall, 0, kNever);
  if (const Json* by_tool = of.Find("by_tool"); by_tool != nullptr && by_tool->is_object()) {
    const Fields tools(*by_tool, "thresholds.by_tool.", &error);
    for (const auto& [tool, unused] : by_tool->items())
      tools.Read(tool.c_str(), &file.thresholds.by_tool[tool], 0, kNever);
  }
  if (const Json* evidence = fields.Find("evidence"); evidence != nullptr && evidence->is_object()) {
    if (evidence->contains("all")) file.evidence = ReadEvidence((*evidence)["all"], "evidence.all", &error);
    if (evidence->contains("by_tool") && (*evidence)["by_tool"].is_object()) {
      for (const auto& [tool, one] : (*evidence)["by_tool"].items())
        file.by_tool[tool] = ReadEvidence(one, "evidence.by_tool." + tool, &error);
    }
  }
  if (const Json* history = fields.Find("history"); history != nullptr && history->is_array())
    for (const Json& one : *history)
      if (file.history.size() < kMostHistory) file.history.push_back(one);
  if (!error.empty()) return MakeError(ErrorCode::kInvalidArgument, "{}", error);
  return file;
}

}  // namespace sotto
