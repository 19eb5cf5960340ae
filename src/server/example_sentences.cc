#include "server/example_sentences.h"

#include <algorithm>
#include <map>
#include <optional>

namespace sotto {
namespace {

constexpr size_t kLongest = 80;

// Something that the slot may be; `used`: how many values of each entity the sentence has already.
std::optional<std::string> ValueFor(const Slot& slot, std::map<std::string, size_t>& used) {
  const Entity& entity = slot.entity;
  if (!entity.values.empty()) {
    const size_t number = used[slot.entity_name]++;
    return entity.values[number % entity.values.size()].spoken;
  }
  switch (entity.type) {
    case Entity::Type::kMoney:
      if (entity.currency != "USD") return std::nullopt;
      return "50 dollars";
    case Entity::Type::kDigits:
      return std::string("453278120946")
          .substr(0, static_cast<size_t>(entity.length > 0 ? entity.length : 4));
    case Entity::Type::kDate:
      return "tomorrow";
    default:
      return std::nullopt;
  }
}

struct Filled {
  std::string text;
  int values = 0;
};

std::optional<Filled> Fill(const ToolDef& tool, const std::string& example) {
  Filled filled;
  std::map<std::string, size_t> used;
  size_t at = 0;
  while (true) {
    const size_t open = example.find('{', at);
    filled.text += example.substr(at, open - at);
    if (open == std::string::npos) break;
    const size_t close = example.find('}', open);
    if (close == std::string::npos) return std::nullopt;
    const Slot* slot = tool.FindSlot(example.substr(open + 1, close - open - 1));
    const auto value = slot == nullptr ? std::nullopt : ValueFor(*slot, used);
    if (!value) return std::nullopt;
    filled.text += *value;
    ++filled.values;
    at = close + 1;
  }
  return filled.text.size() <= kLongest ? std::optional(filled) : std::nullopt;
}

}  // namespace

std::vector<std::string> ExampleSentences(const Workflow& workflow) {
  std::vector<std::string> sentences;
  for (const ToolDef& tool : workflow.tools) {
    if (tool.role != ToolRole::kTask) continue;
    Filled best{"", -1};
    for (const std::string& example : tool.examples) {
      auto filled = Fill(tool, example);
      if (filled && filled->values > best.values) best = *std::move(filled);
    }
    if (best.values >= 0) sentences.push_back(std::move(best.text));
  }
  return sentences;
}

}  // namespace sotto
