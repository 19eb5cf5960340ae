#include "learn/coverage.h"

#include <fmt/format.h>

#include <functional>

namespace sotto {
namespace {

constexpr const char* kKinds[] = {"none", "ask", "confirm", "offer"};

Json Of(const std::map<std::string, size_t>& counts) {
  Json json = Json::object();
  for (const auto& [name, count] : counts) json[name] = count;
  return json;
}

}  // namespace

void Coverage::Add(const SimulatedConversation& played) {
  ++n_conversations_;
  std::string before = "start";
  for (size_t i = 0; i < played.conversation.turns.size(); ++i) {
    const Turn& turn = played.conversation.turns[i];
    ++n_turns_;
    sentences_.insert(std::hash<std::string>()(turn.user));
    ++expectations_[kKinds[static_cast<size_t>(turn.expectation.kind)]];
    if (i < played.patterns.size()) ++patterns_[played.patterns[i]];
    for (const ToolCall& call : turn.calls) {
      ++tools_[call.name];
      for (const auto& [name, value] : call.arguments.items()) {
        ++arguments_[call.name + "." + name];
        // Digits and amounts are not counted one by one.
        const std::string text = ValueText(value);
        const bool listed = !value.is_string() || text.find_first_not_of("0123456789") != std::string::npos;
        if (listed && !text.empty()) ++values_[call.name + "." + name + "=" + text];
      }
    }
    if (turn.calls.empty()) continue;
    ++transitions_[before + " > " + turn.calls.front().name];
    before = turn.calls.front().name;
  }
}

Json Coverage::ToJson() const {
  return Json{{"conversations", n_conversations_},
              {"turns", n_turns_},
              {"different_sentences", sentences_.size()},
              {"tools", Of(tools_)},
              {"arguments", Of(arguments_)},
              {"patterns", Of(patterns_)},
              {"expectations", Of(expectations_)},
              {"transitions", Of(transitions_)}};
}

std::string Coverage::ToText(const Workflow& workflow) const {
  std::string text = fmt::format("{} conversations, {} turns, {} different sentences\n", n_conversations_,
                                 n_turns_, sentences_.size());
  const auto section = [&](const char* title, const Counts& counts) {
    text += fmt::format("{}:", title);
    for (const auto& [name, count] : counts) text += fmt::format(" {} {},", name, count);
    text.back() = '\n';
  };
  section("turns", patterns_);
  section("state", expectations_);
  section("tools", tools_);
  section("arguments", arguments_);
  text += fmt::format("transitions: {} different\n", transitions_.size());
  for (const ToolDef& tool : workflow.tools) {
    if (!tools_.contains(tool.name)) text += fmt::format("never: {}\n", tool.name);
    for (const Slot& slot : tool.slots) {
      if (!arguments_.contains(tool.name + "." + slot.name))
        text += fmt::format("never: {}.{}\n", tool.name, slot.name);
      if (slot.entity.type != Entity::Type::kEnum) continue;
      for (const EntityValue& value : slot.entity.values) {
        const std::string key = tool.name + "." + slot.name + "=" + value.value;
        if (!values_.contains(key)) text += fmt::format("never: {}\n", key);
      }
    }
  }
  return text;
}

}  // namespace sotto
