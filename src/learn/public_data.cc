#include "learn/public_data.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "text/normalise.h"

namespace sotto {
namespace {

struct IntentRule {
  std::vector<std::string> intents;
  std::vector<std::string> without;
  std::vector<std::string> skip;   // of "*"
  std::vector<std::string> words;  // at least one of them must be in the text
  bool all = false;
  bool stateless = false;
  std::string tool;
};

using Rules = std::map<std::string, std::vector<IntentRule>>;

std::vector<std::string> Strings(const YAML::Node& node) {
  std::vector<std::string> strings;
  if (!node) return strings;
  if (node.IsScalar()) return {node.Scalar()};
  for (const YAML::Node& item : node) strings.push_back(item.Scalar());
  return strings;
}

Result<Rules> ReadRules(const Workflow& workflow) {
  const std::filesystem::path path = workflow.folder / "public_data.yaml";
  if (!std::filesystem::exists(path)) return Rules{};
  YAML::Node root;
  try {
    root = YAML::LoadFile(path.string());
  } catch (const YAML::Exception& error) {
    return MakeError(ErrorCode::kInvalidArgument, "{}:{}: {}", path.string(), error.mark.line + 1, error.msg);
  }
  Rules rules;
  for (const auto& set : root) {
    const std::string name = set.first.Scalar();
    const auto& usable = UsablePublicSets();
    if (std::none_of(usable.begin(), usable.end(),
                     [&](const PublicSet& known) { return known.name == name; }))
      return MakeError(ErrorCode::kInvalidArgument, "{}:{}: set '{}' may not train a committed model",
                       path.string(), set.first.Mark().line + 1, name);
    for (const YAML::Node& item : set.second) {
      IntentRule rule{Strings(item["intents"]),        Strings(item["without"]),
                      Strings(item["skip"]),           Strings(item["words"]),
                      item["all"].as<bool>(false),     item["stateless"].as<bool>(false),
                      item["tool"].as<std::string>("")};
      if (workflow.FindTool(rule.tool) == nullptr)
        return MakeError(ErrorCode::kInvalidArgument, "{}:{}: the workflow has no tool '{}'", path.string(),
                         item.Mark().line + 1, rule.tool);
      rules[name].push_back(std::move(rule));
    }
  }
  return rules;
}

bool Fits(const IntentRule& rule, const std::vector<std::string>& intents, const std::string& spoken) {
  const auto has = [&](const std::string& intent) {
    return std::find(intents.begin(), intents.end(), intent) != intents.end();
  };
  if (std::any_of(rule.without.begin(), rule.without.end(), has)) return false;
  if (std::any_of(rule.skip.begin(), rule.skip.end(), has)) return false;
  if (!rule.words.empty() && std::none_of(rule.words.begin(), rule.words.end(), [&](const std::string& word) {
        return (" " + spoken + " ").find(" " + word + " ") != std::string::npos;
      }))
    return false;
  if (rule.intents.size() == 1 && rule.intents.front() == "*") return !intents.empty();
  return rule.all ? std::all_of(rule.intents.begin(), rule.intents.end(), has)
                  : std::any_of(rule.intents.begin(), rule.intents.end(), has);
}

struct Row {
  std::string text;
  std::vector<std::string> intents;
};

// Rows of one user turn; longer ones have no intent of their own.
Result<std::vector<Row>> ReadRows(const std::filesystem::path& path) {
  std::vector<Row> rows;
  std::ifstream file(path);
  if (!file) return MakeError(ErrorCode::kNotFound, "cannot read {}", path.string());
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty()) continue;
    SOTTO_ASSIGN_OR_RETURN(const Json json, ParseJson(line, fmt::format("{}:{}", path.string(), number)));
    if (!json.contains("turns") || json["turns"].size() != 1 || !json["turns"][0].contains("text")) continue;
    Row row{json["turns"][0]["text"].get<std::string>(), {}};
    if (json.contains("intent") && json["intent"].is_string())
      row.intents.push_back(json["intent"].get<std::string>());
    if (json.contains("intents"))
      for (const Json& intent : json["intents"]) row.intents.push_back(intent.get<std::string>());
    if (json.value("oos", false)) row.intents.emplace_back("oos");
    rows.push_back(std::move(row));
  }
  return rows;
}

// The files of a set's split that are there.
std::vector<std::filesystem::path> FilesOf(const std::filesystem::path& set, PublicSplit split) {
  std::vector<std::filesystem::path> files;
  const std::vector<std::string> names =
      split == PublicSplit::kTrain
          ? std::vector<std::string>{"train.jsonl", "train_decontam.jsonl", "train_oos_plus.jsonl"}
          : std::vector<std::string>{"valid.jsonl"};
  for (const std::string& name : names)
    if (std::filesystem::exists(set / name)) files.push_back(set / name);
  return files;
}

}  // namespace

const std::vector<PublicSet>& UsablePublicSets() {
  static const std::vector<PublicSet> kSets = {
      {"clinc150", "CC BY 3.0, clinc/oos-eval"},
      {"banking77", "CC BY 4.0, PolyAI"},
      {"hwu64", "CC BY 4.0, Heriot-Watt University"},
      {"hwu_slots", "CC BY 4.0, Heriot-Watt University"},
      {"nlupp_banking", "CC BY 4.0, PolyAI"},
      {"nlupp_hotels", "CC BY 4.0, PolyAI"},
      {"restaurant8k", "CC BY 4.0, PolyAI"},
      {"taskmaster4", "CC BY 4.0, Google"},
      {"evi_en", "CC BY 4.0, PolyAI"},
      {"rasa_financial", "Apache-2.0, Rasa"},
      {"distil_voice_banking", "Apache-2.0, distil labs"},
      {"distil_massive_iot", "Apache-2.0, distil labs; text CC BY 4.0"},
      {"bfcl", "Apache-2.0, Berkeley function calling leaderboard"},
      {"multiwoz21", "MIT"},
      {"pii_presidio_synth", "MIT, Microsoft"},
      {"retrieval_tau2_banking", "MIT"}};
  return kSets;
}

Result<PublicSentences> ReadPublicSentences(const Workflow& workflow, const std::filesystem::path& data,
                                            PublicSplit split) {
  SOTTO_ASSIGN_OR_RETURN(const Rules rules, ReadRules(workflow));
  std::set<std::string> held_out;
  if (split == PublicSplit::kTrain) {
    for (const PublicSet& set : UsablePublicSets())
      for (const auto& path : FilesOf(data / "sets" / set.name, PublicSplit::kHeldOut)) {
        SOTTO_ASSIGN_OR_RETURN(const std::vector<Row> rows, ReadRows(path));
        for (const Row& row : rows) held_out.insert(NormaliseSpoken(row.text));
      }
  }
  PublicSentences out;
  std::set<std::string> seen;
  for (const auto& [name, set_rules] : rules) {
    for (const auto& path : FilesOf(data / "sets" / name, split)) {
      SOTTO_ASSIGN_OR_RETURN(const std::vector<Row> rows, ReadRows(path));
      for (const Row& row : rows) {
        const std::string spoken = NormaliseSpoken(row.text);
        if (spoken.empty() || held_out.contains(spoken)) continue;
        const auto rule = std::find_if(set_rules.begin(), set_rules.end(), [&](const IntentRule& item) {
          return Fits(item, row.intents, spoken);
        });
        if (rule == set_rules.end() || !seen.insert(spoken).second) continue;
        ++out.counts[name + " " + rule->tool];
        if (rule->tool == workflow.unclear_tool) {
          (rule->stateless ? out.stateless : out.unserved).push_back(row.text);
          continue;
        }
        LabelledConversation labelled;
        Turn turn;
        turn.user = row.text;
        turn.calls.push_back({rule->tool, Json::object()});
        labelled.conversation.turns.push_back(std::move(turn));
        labelled.name_only = !workflow.FindTool(rule->tool)->slots.empty();
        out.served.push_back(std::move(labelled));
      }
    }
  }
  return out;
}

std::vector<LabelledConversation> UnclearRows(const Workflow& workflow,
                                              const std::vector<std::string>& sentences) {
  std::vector<LabelledConversation> rows;
  for (const std::string& sentence : sentences) {
    LabelledConversation labelled;
    Turn turn;
    turn.user = sentence;
    turn.calls.push_back({workflow.unclear_tool, Json::object()});
    labelled.conversation.turns.push_back(std::move(turn));
    rows.push_back(std::move(labelled));
  }
  return rows;
}

}  // namespace sotto
