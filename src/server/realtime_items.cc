#include "server/realtime_items.h"

#include <algorithm>

#include "base/unique_id.h"
#include "server/json_fields.h"
#include "server/openai_answer.h"

namespace sotto {
namespace {

constexpr size_t kMaxItemText = 256 * 1024;
constexpr size_t kMaxInstructions = 256 * 1024;
constexpr size_t kMaxTools = 256;
constexpr size_t kSpokenAtOnce = 240;  // bytes without the end of a sentence

template <typename T = RealtimeItem>
tl::expected<T, RealtimeRefusal> Refused(std::string message, std::string param) {
  return tl::unexpected(RealtimeRefusal{"invalid_value", std::move(message), std::move(param), {}});
}

const char* RoleName(RealtimeItem::Role role) {
  switch (role) {
    case RealtimeItem::Role::kAssistant:
      return "assistant";
    case RealtimeItem::Role::kSystem:
      return "system";
    default:
      return "user";
  }
}

tl::expected<RealtimeItem, RealtimeRefusal> ReadMessageItem(const Json& json, RealtimeItem item) {
  std::string role;
  JsonFields fields(json, "item.");
  fields.Require("role", fields.Text("role", &role, 40));
  const Json* content = fields.Array("content", 64);
  fields.Require("content", content != nullptr);
  if (auto done = fields.Done(true); !done) return Refused(done.error().message, "item");
  if (role != "user" && role != "assistant" && role != "system")
    return Refused("item.role should be user, assistant or system", "item.role");
  item.role = role == "user"        ? RealtimeItem::Role::kUser
              : role == "assistant" ? RealtimeItem::Role::kAssistant
                                    : RealtimeItem::Role::kSystem;
  for (const Json& part : *content) {
    // A recording that was heard elsewhere stands for its words.
    const bool audio = part.is_object() && (part.value("type", Json()) == "input_audio" ||
                                            part.value("type", Json()) == "output_audio");
    const char* key = audio ? "transcript" : "text";
    if (!part.is_object() || !part.contains(key) || !part.at(key).is_string())
      return Refused(
          "parts of a message should be texts (input_text, output_text) or recordings with their transcript; "
          "sound "
          "comes through input_audio_buffer.append, and this model sees no images",
          "item.content");
    item.spoken = item.spoken || audio;
    item.text += part.at(key).get<std::string>();
  }
  if (item.text.size() > kMaxItemText)
    return Refused(fmt::format("an item has at most {} bytes", kMaxItemText), "item.content");
  return item;
}

ChatMessage::Role ChatRole(RealtimeItem::Role role) {
  return role == RealtimeItem::Role::kAssistant ? ChatMessage::Role::kAssistant : ChatMessage::Role::kUser;
}

// tool_choice as the chat request has it: its form is read there as well.
tl::expected<void, RealtimeRefusal> CheckChoice(const Json& choice, const RealtimeSettings& settings,
                                                const std::string& where) {
  const std::string param = where + ".tool_choice";
  if (choice == "auto" || choice == "none") return {};
  if (choice == "required") {
    if (settings.tools.empty())
      return Refused<void>("tool_choice 'required' wants a call, and there are no tools", param);
    return {};
  }
  const bool named = choice.is_object() && choice.contains("name") && choice.at("name").is_string();
  if (!named) return Refused<void>("tool_choice should be auto, none, required, or name a function", param);
  const std::string name = choice.at("name");
  const bool there = std::any_of(settings.tools.begin(), settings.tools.end(),
                                 [&](const ToolSpec& tool) { return tool.name == name; });
  if (!there)
    return Refused<void>(
        fmt::format("tool_choice names '{}', which is none of the tools", name.substr(0, 80)), param);
  return {};
}

tl::expected<void, RealtimeRefusal> ReadTurnDetection(const Json& json, RealtimeSettings* settings) {
  const auto audio = json.find("audio");
  if (audio == json.end() || !audio->is_object()) return {};
  const auto input = audio->find("input");
  if (input == audio->end() || !input->is_object()) return {};
  const auto turns = input->find("turn_detection");
  if (turns == input->end() || !turns->is_object()) return {};
  JsonFields fields(*turns, "turn_detection.");
  fields.Bool("create_response", &settings->answers_turns);
  fields.Bool("interrupt_response", &settings->interruptible);
  if (auto done = fields.Done(true); !done)
    return Refused<void>(done.error().message, "session.audio.input.turn_detection");
  return {};
}

}  // namespace

std::string NewRealtimeId(std::string_view kind) {
  return std::string(kind) + "_" + UniqueId().substr(0, 24);
}

tl::expected<RealtimeItem, RealtimeRefusal> ReadRealtimeItem(const Json& json) {
  RealtimeItem item;
  std::string type;
  JsonFields fields(json, "item.");
  fields.Text("id", &item.id, 200);
  fields.Require("type", fields.Text("type", &type, 100));
  if (auto done = fields.Done(true); !done) return Refused(done.error().message, "item");
  if (item.id.empty()) item.id = NewRealtimeId("item");
  if (type == "message") return ReadMessageItem(json, std::move(item));
  JsonFields more(json, "item.");
  if (type == "function_call") {
    item.kind = RealtimeItem::Kind::kCall;
    more.Require("name", more.Text("name", &item.name, 200));
    more.Text("arguments", &item.text, kMaxItemText);
    if (!more.Text("call_id", &item.call, 200)) item.call = NewRealtimeId("call");
    const auto arguments = ParseBody(item.text.empty() ? "{}" : item.text);
    if (!arguments || !arguments->is_object()) more.Wrong("arguments", "a JSON object as a text");
  } else if (type == "function_call_output") {
    item.kind = RealtimeItem::Kind::kOutput;
    more.Require("call_id", more.Text("call_id", &item.call, 200));
    more.Text("output", &item.text, kMaxItemText);
  } else {
    return Refused(fmt::format("item.type '{}' is not known here; there are message, function_call and "
                               "function_call_output",
                               type),
                   "item.type");
  }
  if (auto done = more.Done(true); !done) return Refused(done.error().message, "item");
  return item;
}

Json ToRealtime(const RealtimeItem& item) {
  Json json = {{"id", item.id}, {"object", "realtime.item"}, {"status", item.status}};
  switch (item.kind) {
    case RealtimeItem::Kind::kCall:
      json["type"] = "function_call";
      json["call_id"] = item.call;
      json["name"] = item.name;
      json["arguments"] = item.text;
      return json;
    case RealtimeItem::Kind::kOutput:
      json["type"] = "function_call_output";
      json["call_id"] = item.call;
      json["output"] = item.text;
      return json;
    default:
      break;
  }
  json["type"] = "message";
  json["role"] = RoleName(item.role);
  const std::string way = item.role == RealtimeItem::Role::kAssistant ? "output_" : "input_";
  json["content"] = Json::array();
  if (item.status == "in_progress") return json;
  json["content"].push_back(item.spoken ? Json{{"type", way + "audio"}, {"transcript", item.text}}
                                        : Json{{"type", way + "text"}, {"text", item.text}});
  return json;
}

tl::expected<void, RealtimeRefusal> ReadRealtimeSettings(const Json& json, const std::string& where,
                                                         RealtimeSettings* settings) {
  RealtimeSettings read = *settings;
  JsonFields fields(json, where + ".");
  fields.Text("instructions", &read.instructions, kMaxInstructions);
  const Json* tools = fields.Array("tools", kMaxTools);
  const Json* choice = fields.Any("tool_choice");
  const Json* most = fields.Any("max_output_tokens");
  fields.Number("temperature", &read.temperature, 0, 2);
  const Json* modalities = fields.Any("output_modalities");
  if (auto done = fields.Done(true); !done) return Refused<void>(done.error().message, where);
  if (tools != nullptr) {
    read.tools.clear();
    read.tools_json = *tools;
    for (const Json& tool : *tools) {
      if (tool.is_object() && tool.value("type", Json("function")) != "function")
        return Refused<void>("tools should be functions: nothing else is called here", where + ".tools");
      auto spec = ToolSpecFromJson(tool);
      if (!spec) return Refused<void>(spec.error().message, where + ".tools");
      read.tools.push_back(*std::move(spec));
    }
  }
  if (choice != nullptr && !choice->is_null()) read.tool_choice = *choice;
  if (auto checked = CheckChoice(read.tool_choice, read, where); !checked) {
    // Tools that went took a choice among them along.
    if (choice != nullptr && !choice->is_null()) return checked;
    read.tool_choice = "auto";
  }
  if (most != nullptr && !most->is_null()) {
    const bool number = most->is_number_integer() && *most >= 1 && *most <= (1 << 24);
    if (!number && *most != "inf")
      return Refused<void>("max_output_tokens should be a number from 1, or 'inf'",
                           where + ".max_output_tokens");
    read.max_tokens = number ? most->get<int>() : 0;
  }
  if (modalities != nullptr && !modalities->is_null()) {
    if (!modalities->is_array() || modalities->empty())
      return Refused<void>("output_modalities should be ['audio'] or ['text']", where + ".output_modalities");
    read.speaks = std::find(modalities->begin(), modalities->end(), "audio") != modalities->end();
  }
  if (auto turns = ReadTurnDetection(json, &read); !turns) return turns;
  *settings = std::move(read);
  return {};
}

ChatRequest RealtimeChat(const std::string& model, const RealtimeSettings& settings,
                         const std::deque<RealtimeItem>& items) {
  ChatRequest request;
  request.model = model;
  request.setup.system = settings.instructions;
  request.max_tokens = settings.max_tokens;
  request.sampler.temperature = static_cast<float>(settings.temperature);
  request.sampler.seed = static_cast<uint64_t>(UnixTime());
  for (const ToolSpec& tool : settings.tools) {
    if (!settings.tool_choice.is_object() || settings.tool_choice.at("name") == tool.name)
      request.setup.tools.push_back(tool);
  }
  request.call = settings.tool_choice == "auto"   ? ChatRequest::Call::kMay
                 : settings.tool_choice == "none" ? ChatRequest::Call::kNever
                                                  : ChatRequest::Call::kMust;
  std::vector<ChatMessage>& messages = request.messages;
  for (const RealtimeItem& item : items) {
    // What is not whole yet, and what nobody heard a word of, was not said.
    const bool words =
        item.kind == RealtimeItem::Kind::kMessage && item.role == RealtimeItem::Role::kAssistant;
    if (item.status == "in_progress" || (words && item.text.empty())) continue;
    if (item.kind == RealtimeItem::Kind::kMessage && item.role == RealtimeItem::Role::kSystem) {
      request.setup.system += (request.setup.system.empty() ? "" : "\n\n") + item.text;
    } else if (item.kind == RealtimeItem::Kind::kMessage) {
      messages.push_back({ChatRole(item.role), item.text, {}});
    } else if (item.kind == RealtimeItem::Kind::kOutput) {
      messages.push_back({ChatMessage::Role::kTool, item.text, {}});
    } else {
      if (messages.empty() || messages.back().role != ChatMessage::Role::kAssistant)
        messages.push_back({ChatMessage::Role::kAssistant, "", {}});
      auto arguments = ParseBody(item.text.empty() ? "{}" : item.text);
      // A call that was cut off stands without what it was to be called with.
      messages.back().calls.push_back({item.name, arguments ? *std::move(arguments) : Json::object()});
    }
  }
  if (messages.empty() || messages.back().role == ChatMessage::Role::kAssistant)
    messages.push_back({ChatMessage::Role::kUser, "", {}});
  return request;
}

size_t WholeSentences(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\n' || c == '\t'; };
  for (size_t at = text.size(); at > 1; --at) {
    const char letter = text[at - 2];
    const bool ends = letter == '.' || letter == '!' || letter == '?' || letter == '\n';
    if (ends && blank(text[at - 1])) return at;
  }
  if (text.size() < kSpokenAtOnce) return 0;
  const size_t last = text.find_last_of(" \n\t");
  return last == std::string_view::npos ? 0 : last + 1;
}

}  // namespace sotto
