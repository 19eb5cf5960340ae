#include "slm/chat_template.h"

#include <gtest/gtest.h>

#include <set>

#include "base/mapped_file.h"
#include "slm/gguf_writer.h"
#include "slm_test_files.h"

namespace sotto {
namespace {

using std::chrono::November;

constexpr const char* kModels[] = {"Qwen-Qwen3-0.6B",
                                   "Qwen-Qwen2.5-7B-Instruct",
                                   "meta-llama-Llama-3.1-8B-Instruct",
                                   "meta-llama-Llama-3.2-3B-Instruct",
                                   "HuggingFaceTB-SmolLM3-3B",
                                   "google-gemma-2-2b-it",
                                   "microsoft-Phi-3.5-mini-instruct",
                                   "ibm-granite-granite-3.3-2B-Instruct",
                                   "mistralai-Mistral-Nemo-Instruct-2407"};

// The deliberate exceptions that chat_template.h lists: family and case.
const std::set<std::pair<std::string, std::string>> kExceptions = {
    {"mistral", "multi_turn"},  // system text stays first
    {"gemma2", "tools"},
    {"gemma2", "tools_no_system"},  // tools as JSON
    {"gemma2", "tools_history"},
    {"phi3", "tools"},
    {"phi3", "tools_no_system"},
    {"phi3", "tools_history"},
    {"phi3", "tools_result"},
    {"smollm3", "tools"},
    {"smollm3", "tools_no_system"},
    {"smollm3", "tools_history"},
    {"smollm3", "tools_result"},
    {"granite3", "tools_history"},
    {"granite3", "tools_result"},  // calls stay in the history
};

Json ReadCases(const std::string& model) {
  const auto path = Refvec() / "chat" / (model + ".json");
  auto text = ReadFile(path);
  EXPECT_TRUE(text);
  return *ParseJson(*text, path.string());
}

std::vector<ToolSpec> ToolsOf(const Json& json) {
  std::vector<ToolSpec> tools;
  for (const Json& tool : json) tools.push_back(*ToolSpecFromJson(tool));
  return tools;
}

std::vector<ChatMessage> MessagesOf(const Json& json, std::string& system) {
  std::vector<ChatMessage> messages;
  for (const Json& item : json) {
    const std::string role = item["role"];
    if (role == "system") {
      system = item["content"];
      continue;
    }
    ChatMessage message;
    message.content = item["content"];
    message.role = role == "user"        ? ChatMessage::Role::kUser
                   : role == "assistant" ? ChatMessage::Role::kAssistant
                                         : ChatMessage::Role::kTool;
    if (item.contains("tool_calls")) {
      for (const Json& call : item["tool_calls"]) {
        message.calls.push_back({call["function"]["name"],
                                 *ParseJson(call["function"]["arguments"].get<std::string>(), "arguments")});
      }
    }
    messages.push_back(std::move(message));
  }
  return messages;
}

std::string RenderedIn(const Json& reference) {
  for (const char* key : {"prompt", "rendered"}) {
    if (reference.contains(key)) return reference[key];
  }
  return "";
}

TEST(ChatTemplate, RendersTheReferencePromptsOfNineModels) {
  SOTTO_NEEDS_REFVEC();
  int equal = 0;
  for (const char* model : kModels) {
    const Json file = ReadCases(model);
    const std::string eos = std::string(model).starts_with("mistral") ? "<|im_end|>" : "";
    auto chat = ChatTemplate::Recognise(file["chat_template"].get<std::string>(), model, "{BOS}", eos);
    ASSERT_TRUE(chat) << chat.error().message;
    for (const Json& reference : file["cases"]) {
      if (reference.contains("error")) continue;
      SCOPED_TRACE(std::string(model) + " " + reference["case"].get<std::string>());
      ChatSetup setup;
      setup.date = {std::chrono::year(2026), November, std::chrono::day(20)};
      const std::vector<ChatMessage> messages = MessagesOf(reference["messages"], setup.system);
      if (reference["tools"].get<bool>()) setup.tools = ToolsOf(file["tools"]);
      const std::string text = TextOf(chat->Render(setup, messages, true));
      if (kExceptions.contains({std::string(chat->name()), reference["case"]})) {
        EXPECT_NE(text, RenderedIn(reference)) << "no exception any more";
      } else {
        EXPECT_EQ(text, RenderedIn(reference));
        ++equal;
      }
    }
  }
  EXPECT_GE(equal, 54);
}

}  // namespace
}  // namespace sotto
