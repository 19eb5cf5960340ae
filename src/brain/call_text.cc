#include "brain/call_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "text/normalise.h"

namespace sotto {
namespace {

std::string NumberText(const Json& value) {
  if (value.is_number_integer()) return value.dump();
  const double number = value.get<double>();
  if (std::abs(number) < 1e15 && number == std::floor(number)) return fmt::format("{:.0f}", number);
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), number);
  return std::string(buffer, end.ptr);
}

std::string ValueText(const Json& value, const OfferedArgument* argument) {
  return LiteralText(argument == nullptr ? value : WrittenValue(value, *argument, true));
}

}  // namespace

Json WrittenValue(const Json& value, const OfferedArgument& argument, bool spoken) {
  if (spoken && argument.kind == OfferedArgument::Kind::kSpan && value.is_string()) {
    return NormaliseSpoken(value.get_ref<const std::string&>());
  }
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (std::abs(number) < 1e15 && number == std::floor(number)) return static_cast<int64_t>(number);
  }
  return value;
}

std::string LiteralText(const Json& value) {
  if (value.is_number()) return NumberText(value);
  if (value.is_array()) {
    std::string text = "[";
    for (const Json& item : value) text += (text.size() > 1 ? ", " : "") + LiteralText(item);
    return text + "]";
  }
  if (value.is_object()) {
    std::string text = "{";
    for (const auto& [key, item] : value.items()) {
      text += (text.size() > 1 ? ", " : "") + Json(key).dump() + ": " + LiteralText(item);
    }
    return text + "}";
  }
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string CallText(const ToolCall& call, const OfferedTool* tool) {
  std::string text = "{\"name\": " + Json(call.name).dump() + ", \"arguments\": {";
  bool first = true;
  const auto write = [&](const std::string& name, const OfferedArgument* argument) {
    text += (first ? "" : ", ") + Json(name).dump() + ": " + ValueText(call.arguments.at(name), argument);
    first = false;
  };
  if (tool != nullptr) {
    for (const OfferedArgument& argument : tool->arguments) {
      if (call.arguments.contains(argument.name)) write(argument.name, &argument);
    }
  }
  for (const auto& [name, value] : call.arguments.items()) {
    if (tool == nullptr || tool->Find(name) == nullptr) write(name, nullptr);
  }
  return text + "}}";
}

std::string CallsText(std::span<const ToolCall> calls, std::span<const OfferedTool> tools) {
  std::string text;
  for (const ToolCall& call : calls) {
    const auto tool = std::find_if(tools.begin(), tools.end(),
                                   [&](const OfferedTool& candidate) { return candidate.name == call.name; });
    text += CallText(call, tool == tools.end() ? nullptr : &*tool);
  }
  return text;
}

std::string ExpectationText(const Expectation& expectation) {
  std::string text;
  switch (expectation.kind) {
    case Expectation::Kind::kNone:
      return "";
    case Expectation::Kind::kSlots:
      text = "ask";
      break;
    case Expectation::Kind::kConfirm:
      text = "confirm";
      break;
    case Expectation::Kind::kOffer:
      text = "offer";
      break;
  }
  if (!expectation.tool.empty()) text += " " + expectation.tool;
  for (const std::string& slot : expectation.slots) text += " " + slot;
  return text;
}

}  // namespace sotto
