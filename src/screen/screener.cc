#include "screen/screener.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>

#include "base/mapped_file.h"
#include "workflow/suggest.h"
#include "workflow/yaml_reader.h"

namespace sotto {
namespace {

constexpr size_t kMostReasons = 3;
const std::vector<std::string> kActionNames = {"pass", "review", "step_up", "hold"};

std::vector<std::string> FeatureNameList() {
  return {ScreenFeatureNames().begin(), ScreenFeatureNames().end()};
}

ScreenAction ReadAction(const YAML::Node& node, const std::string& path, const std::string& key,
                        YamlReader& reader) {
  return static_cast<ScreenAction>(reader.ReadOneOf(node, path, key, kActionNames, 1));
}

void ReadScreenRule(const YAML::Node& node, const std::string& path, ScreenDeclaration& out,
                    YamlReader& reader) {
  if (!reader.CheckMap(node, path, {"name", "when", "then", "say"}, "a rule")) return;
  ScreenRule rule;
  rule.line = node.Mark().line + 1;
  reader.Read(node, path, "name", rule.name);
  reader.Read(node, path, "when", rule.when);
  reader.Read(node, path, "say", rule.say);
  rule.then = ReadAction(node, path, "then", reader);
  if (rule.say.empty()) rule.say = rule.name;
  if (rule.say.empty()) reader.Add(node.Mark(), "a rule without 'say': whoever looks at the alert reads it");
  const auto parsed = Rule::Parse(rule.when, FeatureNameList());
  if (!parsed) {
    reader.Add(node.Mark(), fmt::format("in the rule '{}': {}", rule.when, parsed.error().message));
    return;
  }
  if (!parsed->words().empty()) {
    const auto& [left, right] = parsed->words().front();
    const bool is_right = left.empty() || FindScreenFeature(left) < kScreenFeatures;
    const std::string& word = is_right ? right : left;
    reader.Add(node.Mark(), fmt::format("in the rule '{}': '{}' is no feature", rule.when, word),
               Suggestion(word, FeatureNameList()));
    return;
  }
  out.rules.push_back(std::move(rule));
}

void ReadScreenKeys(const YAML::Node& root, ScreenDeclaration& out, YamlReader& reader) {
  if (!reader.CheckMap(root, "",
                       {"screen", "origin", "delay_days", "alerts_a_day", "flagged", "rules", "trees"},
                       "screen.yaml"))
    return;
  reader.Read(root, "", "screen", out.name);
  reader.Read(root, "", "origin", out.origin);
  reader.Read(root, "", "delay_days", out.delay_days, 0);
  reader.Read(root, "", "alerts_a_day", out.alerts_a_day);
  if (root["flagged"]) out.flagged = ReadAction(root, "", "flagged", reader);
  if (out.name.empty()) reader.Add(root.Mark(), "has no name", "screen: payments");
  if (!(out.alerts_a_day > 0)) reader.AddAt("alerts_a_day", "an alert budget of nothing");
  if (const YAML::Node trees = root["trees"];
      trees && reader.CheckMap(trees, "trees", {"count", "depth", "learning_rate"}, "trees")) {
    reader.Read(trees, "trees", "count", out.trees.trees, 1);
    reader.Read(trees, "trees", "depth", out.trees.depth, 1);
    reader.Read(trees, "trees", "learning_rate", out.trees.learning_rate);
  }
  if (const YAML::Node rules = root["rules"]) {
    if (!rules.IsSequence()) {
      reader.Add(rules.Mark(), "'rules' is no list");
      return;
    }
    for (size_t i = 0; i < rules.size(); ++i)
      ReadScreenRule(rules[i], fmt::format("rules.{}", i), out, reader);
  }
}

}  // namespace

std::string_view ScreenActionName(ScreenAction action) { return kActionNames[static_cast<size_t>(action)]; }

Result<ScreenDeclaration> ReadScreenDeclaration(const std::filesystem::path& folder) {
  ScreenDeclaration out;
  out.folder = folder;
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(out.file()));
  YamlReader reader;
  try {
    ReadScreenKeys(YAML::Load(text), out, reader);
  } catch (const YAML::Exception& error) {
    return MakeError(ErrorCode::kInvalidArgument, "{}:{}:{}: {}", out.file().string(), error.mark.line + 1,
                     error.mark.column + 1, error.msg);
  }
  for (const Mistake& mistake : reader.mistakes) {
    if (!mistake.warning)
      return MakeError(ErrorCode::kInvalidArgument, "{}", ToString(mistake, out.file().string()));
  }
  return out;
}

Result<std::shared_ptr<const Screener>> Screener::Open(const std::filesystem::path& folder) {
  const std::shared_ptr<Screener> screener(new Screener);
  SOTTO_ASSIGN_OR_RETURN(screener->declaration_, ReadScreenDeclaration(folder));
  for (const ScreenRule& rule : screener->declaration_.rules) {
    SOTTO_ASSIGN_OR_RETURN(Rule parsed, Rule::Parse(rule.when, FeatureNameList()));
    screener->rules_.push_back(std::move(parsed));
  }
  const std::filesystem::path trained = folder / "trained.json";
  std::error_code error;
  if (!std::filesystem::exists(trained, error)) {
    return MakeError(ErrorCode::kNotFound, "{} is not there: 'sotto screen train FILE --model {}' makes it",
                     trained.string(), folder.string());
  }
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(trained));
  SOTTO_ASSIGN_OR_RETURN(const Json json, ParseJson(text, trained.string()));
  if (!json.is_object() || !json.contains("threshold") || !json["threshold"].is_number())
    return MakeError(ErrorCode::kCorrupt, "{}: has no threshold", trained.string());
  screener->threshold_ = json["threshold"].get<double>();
  SOTTO_ASSIGN_OR_RETURN(screener->trees_, BoostedTrees::Open(folder / "trees.ubj", kScreenFeatures));
  return screener;
}

Result<std::vector<ScreenVerdict>> Screener::Check(std::span<const Payment> payments,
                                                   Profiles& profiles) const {
  std::vector<float> rows;
  rows.reserve(payments.size() * kScreenFeatures);
  for (const Payment& payment : payments) {
    const ScreenFeatures features = profiles.Take(payment);
    rows.insert(rows.end(), features.begin(), features.end());
  }
  return Judge(rows);
}

Result<std::vector<ScreenVerdict>> Screener::Judge(std::span<const float> rows) const {
  SOTTO_ASSIGN_OR_RETURN(const std::vector<float> scores, trees_->Predict(rows));
  std::vector<ScreenVerdict> verdicts(scores.size());
  std::vector<float> flagged;  // rows whose reasons are asked for
  std::vector<size_t> which;
  std::vector<Json> values(rules_.size(), Json::object());  // of each rule's features; made once
  for (size_t i = 0; i < verdicts.size(); ++i) {
    const auto features = rows.subspan(i * kScreenFeatures, kScreenFeatures);
    ScreenVerdict& verdict = verdicts[i];
    verdict.score = static_cast<double>(scores[i]);
    if (verdict.score >= threshold_) {
      verdict.action = declaration_.flagged;
      which.push_back(i);
      flagged.insert(flagged.end(), features.begin(), features.end());
    }
    for (size_t r = 0; r < rules_.size(); ++r) {
      for (const std::string& name : rules_[r].slots())
        values[r][name] = static_cast<double>(features[FindScreenFeature(name)]);
      if (!rules_[r].Holds(values[r]).value_or(false)) continue;
      verdict.action = std::max(verdict.action, declaration_.rules[r].then);
      verdict.reasons.push_back(declaration_.rules[r].say);
    }
  }
  SOTTO_ASSIGN_OR_RETURN(const std::vector<float> contributions, trees_->Contributions(flagged));
  for (size_t f = 0; f < which.size(); ++f) {
    const auto features = std::span<const float>(flagged).subspan(f * kScreenFeatures, kScreenFeatures);
    const auto added =
        std::span<const float>(contributions).subspan(f * (kScreenFeatures + 1), kScreenFeatures + 1);
    for (std::string& reason : ReasonsOf(features, added, kMostReasons))
      verdicts[which[f]].reasons.push_back(std::move(reason));
  }
  return verdicts;
}

}  // namespace sotto
