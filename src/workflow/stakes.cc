#include "workflow/stakes.h"

#include <algorithm>
#include <cctype>

#include "text/normalise.h"

namespace sotto {
namespace {

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return upper;
}

bool OnlySelects(const Json& statements) {
  if (!statements.is_array() || statements.empty()) return false;
  return std::all_of(statements.begin(), statements.end(), [](const Json& statement) {
    if (!statement.is_string()) return false;
    const std::string& text = statement.get_ref<const std::string&>();
    const size_t begin = text.find_first_not_of(" \t\r\n(");
    return begin != std::string::npos && Upper(std::string_view(text).substr(begin, 6)) == "SELECT";
  });
}

// What the kind of the action says; nothing where it says nothing.
std::optional<bool> OnlyReads(const ToolDef& tool) {
  if (tool.action == "sql") return OnlySelects(tool.action_options.value("statements", Json::array()));
  if (tool.action == "http" && tool.action_options.contains("method")) {
    const Json& method = tool.action_options["method"];
    return method.is_string() && Upper(method.get_ref<const std::string&>()) == "GET";
  }
  return std::nullopt;
}

}  // namespace

std::string_view StakesName(Stakes stakes) {
  switch (stakes) {
    case Stakes::kNone:
      return "nothing";
    case Stakes::kLittle:
      return "little";
    case Stakes::kMoney:
      return "money";
    case Stakes::kAccess:
      return "access";
    case Stakes::kCommitments:
      return "commitments";
  }
  return "nothing";
}

Stakes StakesOf(const Workflow& workflow, const ToolDef& tool) {
  if (tool.action.empty() || tool.role != ToolRole::kTask) return Stakes::kNone;
  const LanguageData& language = *workflow.language_data;
  const std::string name = NormaliseSpoken(PlainWords(tool.name));
  const std::string title = NormaliseSpoken(tool.title);
  std::vector<std::string_view> words = SplitWords(name);
  if (tool.effect == ToolEffect::kReads) return Stakes::kNone;
  if (tool.effect == ToolEffect::kUnknown) {
    const std::optional<bool> reads = OnlyReads(tool);
    if (reads == true) return Stakes::kNone;
    if (!reads && language.reading.MatchesAt(words, 0) > 0) return Stakes::kNone;
  }
  const auto any_slot = [&](Entity::Type type) {
    return std::any_of(tool.slots.begin(), tool.slots.end(),
                       [type](const Slot& slot) { return slot.entity.type == type; });
  };
  for (const std::string_view word : SplitWords(title)) words.push_back(word);
  if (any_slot(Entity::Type::kMoney) || language.money.Found(words)) return Stakes::kMoney;
  if (any_slot(Entity::Type::kDigits) || language.access.Found(words)) return Stakes::kAccess;
  if (language.commitments.Found(words)) return Stakes::kCommitments;
  return Stakes::kLittle;
}

bool ReadsBack(const Workflow& workflow, const ToolDef& tool) {
  if (tool.role == ToolRole::kVerify || tool.role == ToolRole::kAnswer) return false;
  switch (workflow.dialogue.confirm) {
    case DialoguePolicy::Confirm::kNever:
      return false;
    case DialoguePolicy::Confirm::kAlways:
      return !tool.action.empty();
    case DialoguePolicy::Confirm::kDefault:
      break;
  }
  if (!tool.confirm.empty()) return true;
  const Stakes stakes = StakesOf(workflow, tool);
  return !tool.never_confirm && stakes != Stakes::kNone && stakes != Stakes::kLittle;
}

}  // namespace sotto
