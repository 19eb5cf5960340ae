// Workflows as files: workflow/parse.h.
#include <algorithm>
#include <fstream>
#include <sstream>

#include "workflow/parse.h"

namespace sotto {

Result<ParsedWorkflow> ReadWorkflow(const std::filesystem::path& path) {
  std::error_code ignored;
  const bool folder = std::filesystem::is_directory(path, ignored);
  const std::filesystem::path file = folder ? path / "workflow.yaml" : path;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    return MakeError(ErrorCode::kNotFound, "cannot read {}: {}", file.string(),
                     folder ? "no workflow in that folder" : "no such file or folder");
  }
  std::ostringstream text;
  text << stream.rdbuf();
  const std::filesystem::path parent = file.parent_path().empty() ? "." : file.parent_path();
  ParsedWorkflow parsed = ParseWorkflow(text.str(), file.string(), parent);
  if (parsed.workflow) parsed.workflow->folder = parent;
  return parsed;
}

Result<std::shared_ptr<const Workflow>> LoadWorkflow(const std::filesystem::path& path) {
  SOTTO_ASSIGN_OR_RETURN(ParsedWorkflow parsed, ReadWorkflow(path));
  if (!parsed.workflow) {
    const auto is_error = [](const Mistake& mistake) { return !mistake.warning; };
    const auto first = std::find_if(parsed.mistakes.begin(), parsed.mistakes.end(), is_error);
    const auto count = std::count_if(parsed.mistakes.begin(), parsed.mistakes.end(), is_error);
    return MakeError(ErrorCode::kInvalidArgument, "{}{}", ToString(*first, parsed.file),
                     count > 1 ? fmt::format(" (and {} more: sotto check {})", count - 1, parsed.file) : "");
  }
  return std::make_shared<const Workflow>(std::move(*parsed.workflow));
}

}  // namespace sotto
