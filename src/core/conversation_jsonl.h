// Conversations as data: *.jsonl, one conversation a line (design 3.3). The form of seeds, generated data,
// traces, evaluation sets and exported logs. Two forms are read:
//   {"messages": [{"role": "user", "content": "..."},
//                 {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function":
//                  {"name": "...", "arguments": {...} or "{...}"}}]}, ...], "tools": [...]?}
//   {"question": "<messages as a JSON string>", "answer": "{\"name\": ..., \"parameters\": {...}}"}
//     (the history with its calls, then the last user turn, whose call is the answer)
// Also read: content as a list of parts (text, Anthropic's tool_use and tool_result), the older
// "function_call" and role "function", calls as the text of an assistant message (JSON, <tool_call>...,
// [TOOL_CALLS] ...), arguments under "args" or "input". What cannot be read is an error of its line: no call
// is ever left out silently.
// System, tool and plain assistant messages are skipped: the brain never reads them. Of ours, on a user
// message: "expectation": {"kind": "ask|confirm|offer", "tool": "...", "slots": [...]} and, on the row,
// "name_only": true and "today": "2026-03-03", the day that "tomorrow" follows.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/conversation.h"

namespace sotto {

struct LabelledConversation {
  Conversation conversation;
  bool name_only = false;       // only the tool name of each turn is known; its arguments are not
  int line = 0;                 // in the file, from 1
  bool last_turn_only = false;  // question/answer form: earlier turns are history, not to be scored
};

// One line. The error names what is wrong, without the file.
Result<LabelledConversation> ConversationFromJson(const Json& row);
Json ToJson(const LabelledConversation& labelled);

// The whole file. `errors`, where given, collects "path:line: what" for every bad line, which is left out;
// without it the first bad line is the error. Empty lines are skipped. An empty file is an error.
Result<std::vector<LabelledConversation>> ReadConversations(const std::filesystem::path& path,
                                                            std::vector<std::string>* errors = nullptr);
Result<void> WriteConversations(const std::filesystem::path& path,
                                const std::vector<LabelledConversation>& conversations);

Json ToJson(const Expectation& expectation);
Result<Expectation> ExpectationFromJson(const Json& json);

}  // namespace sotto
