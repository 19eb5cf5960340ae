#include "cli/demo_script.h"

#include <fstream>

#include "speech/backends.h"
#include "speech/domain_text.h"

namespace sotto {

Result<std::vector<DemoLine>> ReadDemoScript(const Workflow& workflow, const std::filesystem::path& path) {
  std::ifstream file(path.empty() ? workflow.folder / "demo.txt" : path);
  if (!file && !path.empty())
    return MakeError(ErrorCode::kInvalidArgument, "{}: no such file", path.string());
  std::vector<DemoLine> lines;
  for (std::string text; std::getline(file, text);) {
    if (text.empty() || text.front() == '#') continue;
    const bool interrupts = text.front() == '!';
    if (interrupts) text.erase(0, text.find_first_not_of("! "));
    lines.push_back({text, interrupts});
  }
  if (lines.empty()) {
    if (!path.empty())
      return MakeError(ErrorCode::kInvalidArgument, "{}: holds nothing to say", path.string());
    for (const char* text : {"hello", "what can you do", "thank you", "goodbye"})
      lines.push_back({text, false});
  }
  return lines;
}

Result<SpokenLines> RecordScript(std::span<const DemoLine> lines, Synthesizer& voice) {
  SpokenLines recordings;
  for (const DemoLine& line : lines) {
    SOTTO_ASSIGN_OR_RETURN(Audio audio, SynthesizeAll(voice, SpeakableWords(line.text)));
    recordings.push_back({line.text, std::move(audio), line.interrupts});
  }
  return recordings;
}

Result<std::vector<SpokenLines>> RecordCallers(std::span<const DemoLine> lines) {
  std::vector<SpokenLines> callers;
  for (const char* name : {"slt", "kal16", "awb"}) {
    SOTTO_ASSIGN_OR_RETURN(const auto voice, OpenSynthesizer("flite", name));
    SOTTO_ASSIGN_OR_RETURN(callers.emplace_back(), RecordScript(lines, *voice));
  }
  return callers;
}

}  // namespace sotto
