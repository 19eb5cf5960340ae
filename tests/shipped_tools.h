// The tools of the shipped workflows with a value for every slot, and sentences expanded from tests/data.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "dialogue/dialogue.h"
#include "text/phrase_list.h"
#include "text/speak.h"
#include "workflow/parse.h"

namespace sotto {

inline const std::vector<std::string>& ShippedWorkflows() {
  static const std::vector<std::string> names{"banking", "telecom", "coffee"};
  return names;
}

inline std::shared_ptr<const DialogueProgram> ShippedProgram(
    const std::string& name, std::optional<DialoguePolicy::Confirm> confirm = std::nullopt) {
  auto loaded = LoadWorkflow(std::string(SOTTO_SOURCE_DIR "/workflows/") + name);
  SOTTO_CHECK(loaded, "{}", loaded.error().message);
  auto workflow = std::make_shared<Workflow>(**loaded);
  if (confirm) workflow->dialogue.confirm = *confirm;
  auto program = DialogueProgram::Compile(std::move(workflow));
  SOTTO_CHECK(program, "{}", program.error().message);
  return *program;
}

// A value that the slot accepts: no number that tests/data names as another one.
inline Json ValueFor(const Slot& slot, size_t nth = 0) {
  switch (slot.entity.type) {
    case Entity::Type::kEnum:
      return slot.entity.values.at(nth % slot.entity.values.size()).value;
    case Entity::Type::kDigits:
      return std::string("4532904532904532")
          .substr(0, slot.entity.length == 0 ? 4 : static_cast<size_t>(slot.entity.length));
    case Entity::Type::kMoney:
    case Entity::Type::kNumber:
      return 200;
    case Entity::Type::kDate:
      return "2027-03-03";
    case Entity::Type::kTime:
      return "15:30";
    case Entity::Type::kDuration:
      return "P14D";
    case Entity::Type::kDateRange:
      return "2027-03-01/2027-03-15";
    case Entity::Type::kText:
      return slot.entity.values.empty() ? "Miller" : slot.entity.values.front().value;
  }
  return nullptr;
}

// How a person says the value.
inline std::string SaidValue(const Slot& slot, const Json& value, bool in_words) {
  if (value.is_number()) return in_words ? SpeakNumber(value.get<double>()) : value.dump();
  const std::string text = value.get<std::string>();
  if (slot.entity.type == Entity::Type::kDigits) return in_words ? SpeakDigits(text) : text;
  return std::string(SpokenValue(slot.entity, text));
}

// A call with every slot filled; slots of one entity get different values.
inline ToolCall FullCall(const ToolDef& tool) {
  ToolCall call{tool.name, Json::object()};
  std::map<std::string, size_t> taken;
  for (const Slot& slot : tool.slots) call.arguments[slot.name] = ValueFor(slot, taken[slot.entity_name]++);
  return call;
}

// A verified caller who has said nothing yet.
inline Dialogue VerifiedDialogue(std::shared_ptr<const DialogueProgram> program) {
  const std::vector<Event> events{{Event::Type::kBegan, 0, "test", nullptr},
                                  {Event::Type::kVerified, 0, "", nullptr}};
  return Dialogue(std::move(program), events);
}

// All sentences of a file, by its sections; at most `per_line` of each line's alternatives, evenly spread.
inline std::map<std::string, std::vector<std::string>> ReadSections(const std::string& file,
                                                                    size_t per_line) {
  std::ifstream stream(std::string(SOTTO_SOURCE_DIR "/tests/data/") + file);
  SOTTO_CHECK(stream.good(), "{}", file);
  std::map<std::string, std::vector<std::string>> sections;
  std::string section;
  std::string line;
  while (std::getline(stream, line)) {
    if (line.empty() || line.front() == '#') continue;
    if (line.front() == '[' && line.back() == ']') {
      section = line.substr(1, line.size() - 2);
      continue;
    }
    auto all = ExpandPattern(line, 1000000);
    SOTTO_CHECK(all, "{}: {}", file, all.error().message);
    const size_t n = std::min(per_line, all->size());
    for (size_t i = 0; i < n; ++i) sections[section].push_back((*all)[i * all->size() / n]);
  }
  return sections;
}

inline std::string Replaced(std::string text, const std::string& what, const std::string& with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}

}  // namespace sotto
