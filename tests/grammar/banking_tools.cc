#include "grammar/banking_tools.h"

#include "base/check.h"
#include "base/mapped_file.h"

namespace sotto {

const std::vector<ToolSpec>& BankingTools() {
  static const std::vector<ToolSpec> tools = [] {
    const std::string path = SOTTO_SOURCE_DIR "/tests/data/grammar/banking_tools.json";
    const auto text = ReadFile(path);
    SOTTO_CHECK(text, "{}", text.error().message);
    const auto json = ParseJson(*text, path);
    SOTTO_CHECK(json, "{}", json.error().message);
    std::vector<ToolSpec> all;
    for (const Json& entry : *json) {
      auto tool = ToolSpecFromJson(entry);
      SOTTO_CHECK(tool, "{}", tool.error().message);
      all.push_back(*std::move(tool));
    }
    return all;
  }();
  return tools;
}

}  // namespace sotto
