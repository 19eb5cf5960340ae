// What a caller of the demo and of the voice benchmarks says: the workflow's demo.txt, spoken by a
// synthesizer.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "cli/recorded_caller.h"
#include "speech/synthesizer.h"
#include "workflow/workflow.h"

namespace sotto {

struct DemoLine {
  std::string text;
  bool interrupts = false;  // said while Sotto speaks
};

// One utterance a line; `#` begins a comment, `!` before a line that interrupts. An empty `path`: demo.txt of
// the workflow, or, where it has none, lines that work with any workflow.
Result<std::vector<DemoLine>> ReadDemoScript(const Workflow& workflow, const std::filesystem::path& path);

using SpokenLines = std::vector<RecordedCaller::Recording>;

Result<SpokenLines> RecordScript(std::span<const DemoLine> lines, Synthesizer& voice);
// The same lines said by several callers, each with a voice of flite's that is not Sotto's.
Result<std::vector<SpokenLines>> RecordCallers(std::span<const DemoLine> lines);

}  // namespace sotto
