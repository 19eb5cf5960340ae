#include "workflow/network.h"

#include <algorithm>
#include <filesystem>

#include "text/normalise.h"
#include "workflow/rule.h"
#include "workflow/suggest.h"

namespace sotto {
namespace {

constexpr int kMostBudgetMs = 1000;

std::string TrimmedPart(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return std::string(text);
}

// "escalation_risk > 0.8 -> handoff", or a map of `when` and `then`.
void ReadNetworkRule(const YAML::Node& node, const std::string& path, Workflow& workflow,
                     const std::vector<std::string>& names, YamlReader& reader) {
  NetworkDef::Rule rule;
  rule.line = node.Mark().line + 1;
  if (node.IsScalar()) {
    const std::string& text = node.Scalar();
    const size_t arrow = text.rfind("->");
    if (arrow == std::string::npos) {
      reader.Add(node.Mark(), "a rule of a network needs an arrow", "escalation_risk > 0.8 -> handoff");
      return;
    }
    rule.when = TrimmedPart(std::string_view(text).substr(0, arrow));
    rule.then = TrimmedPart(std::string_view(text).substr(arrow + 2));
  } else {
    if (!reader.CheckMap(node, path, {"when", "then"}, "a rule of the network")) return;
    reader.Read(node, path, "when", rule.when);
    reader.Read(node, path, "then", rule.then);
  }
  const auto parsed = Rule::Parse(rule.when, names);
  if (!parsed) {
    reader.Add(node.Mark(), fmt::format("in the rule '{}': {}", rule.when, parsed.error().message));
    return;
  }
  // A word that is compared with something that is no name: one that was mistyped.
  for (const auto& [left, right] : parsed->words()) {
    if (std::find(names.begin(), names.end(), left) != names.end()) continue;
    const std::string& word = left.empty() ? right : left;
    reader.Add(node.Mark(),
               fmt::format("in the rule '{}': '{}' is no specialist of the network", rule.when, word),
               Suggestion(word, names));
    return;
  }
  if (parsed->slots().empty()) {
    reader.Add(node.Mark(), fmt::format("the rule '{}' names no specialist of the network", rule.when));
    return;
  }
  if (rule.then != kNetworkHandOff && workflow.FindTool(rule.then) == nullptr) {
    std::vector<std::string> known{std::string(kNetworkHandOff)};
    for (const ToolDef& tool : workflow.tools) known.push_back(tool.name);
    reader.Add(node.Mark(), fmt::format("'{}' is no tool and not 'handoff'", rule.then),
               Suggestion(rule.then, known));
    return;
  }
  workflow.network.rules.push_back(std::move(rule));
}

}  // namespace

void ReadNetwork(const YAML::Node& node, Workflow& workflow, YamlReader& reader) {
  if (!reader.CheckMap(node, "network", {"specialists", "rules", "budget_ms"}, "network")) return;
  NetworkDef& network = workflow.network;
  reader.Read(node, "network", "budget_ms", network.budget_ms, 1);
  if (network.budget_ms > kMostBudgetMs)
    reader.AddAt("network.budget_ms", fmt::format("more than {} ms: nobody waits that long", kMostBudgetMs));
  std::vector<std::string> paths;
  reader.Read(node, "network", "specialists", paths);
  if (paths.empty()) {
    reader.AddAt("network", "a network without specialists", "specialists: [language, escalation_risk]");
    return;
  }
  std::vector<std::string> names;
  const YAML::Node list = node["specialists"];
  for (size_t i = 0; i < paths.size(); ++i) {
    const YAML::Mark mark = list.IsSequence() ? list[i].Mark() : list.Mark();
    std::string name = std::filesystem::path(paths[i]).lexically_normal().filename().string();
    if (!IsIdentifier(name)) {
      reader.Add(mark, fmt::format("'{}' is no name of a specialist", paths[i]), "letters, digits and _");
    } else if (std::find(names.begin(), names.end(), name) != names.end()) {
      reader.Add(mark, fmt::format("'{}' stands twice in the network", name));
    } else {
      network.specialists.push_back({name, paths[i], mark.line + 1});
      names.push_back(std::move(name));
    }
  }
  const YAML::Node rules = node["rules"];
  if (!rules) return;
  if (!rules.IsSequence()) {
    reader.Add(rules.Mark(), "'rules' of the network is no list", "- escalation_risk > 0.8 -> handoff");
    return;
  }
  for (size_t i = 0; i < rules.size(); ++i)
    ReadNetworkRule(rules[i], fmt::format("network.rules.{}", i), workflow, names, reader);
}

}  // namespace sotto
