// Fuzz target: any bytes as a tools array, as a row of a conversation file and as a workflow. Whatever they
// are, reading them gives a value or an error of one line; a workflow that was made of tools is one that
// parses; exporting it and making it again gives the same tools; nothing crashes.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/utf8.h"
#include "core/conversation_jsonl.h"
#include "workflow/parse.h"
#include "workflow/starter.h"

namespace sotto {
namespace {

std::vector<ToolSpec> Exported(const Workflow& workflow) {
  std::vector<ToolSpec> tools;
  for (const ToolDef& tool : workflow.tools) tools.push_back(ToExportedTool(tool));
  return tools;
}

std::string Mistakes(const ParsedWorkflow& parsed) {
  std::string all;
  for (const Mistake& mistake : parsed.mistakes) all += ToString(mistake, parsed.file) + "\n";
  return all;
}

void FuzzTools(std::string_view text, const std::vector<Conversation>& seeds) {
  const auto tools = ReadTools(text, "fuzz");
  if (!tools) {
    SOTTO_CHECK(tools.error().message.starts_with("fuzz"), "{}", tools.error().message);
    return;
  }
  for (const Conversation& seed : seeds) (void)UnknownCalls(seed, *tools);
  const auto made = WorkflowFromTools("fuzz", *tools, seeds, /*leave_out=*/true);
  SOTTO_CHECK(made, "{}", made.error().message);
  for (const std::string& line : made->notes) SOTTO_CHECK(FindInvalidUtf8(line) == std::string::npos);
  if (made->yaml.empty()) {
    SOTTO_CHECK(!made->refused.empty());
    return;
  }
  const ParsedWorkflow parsed = ParseWorkflow(made->yaml, "fuzz.yaml");
  SOTTO_CHECK(parsed.workflow, "{}\n{}", Mistakes(parsed), made->yaml);
  const auto again = WorkflowFromTools("fuzz", Exported(*parsed.workflow), {}, false);
  SOTTO_CHECK(again && !again->yaml.empty(), "{}", made->yaml);
}

}  // namespace
}  // namespace sotto

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  if (size > 16384) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  SOTTO_CHECK(FindInvalidUtf8(CleanUtf8(text)) == std::string::npos);
  std::vector<Conversation> seeds;
  if (const auto json = ParseJson(text, "fuzz")) {
    if (const auto row = ConversationFromJson(*json)) {
      (void)ToJson(*row).dump();
      seeds.push_back(row->conversation);
      const auto back = ConversationFromJson(ToJson(*row));
      SOTTO_CHECK(back && ToJson(*back) == ToJson(*row));
    }
  }
  FuzzTools(text, seeds);
  (void)ParseWorkflow(text, "fuzz");
  return 0;
}
