#include "cli/version_facts.h"

#include "base/hash.h"
#include "base/mapped_file.h"
#include "base/sha256.h"
#include "brain/specialist.h"
#include "cli/commit.h"

namespace sotto {
namespace {

std::string HashOfFile(const std::filesystem::path& path) {
  const auto bytes = ReadFile(path);
  return bytes ? HashName(*bytes) : std::string();
}

}  // namespace

std::string ToolsHash(const Workflow& workflow) {
  std::string text;
  for (const ToolSpec& tool : ToToolSpecs(workflow))
    text += tool.name + "\n" + tool.description + "\n" + tool.parameters.dump() + "\n";
  return HashName(text);
}

Result<VersionFacts> VersionFactsOf(const Workflow& workflow, const std::filesystem::path& model,
                                    int n_threads) {
  VersionFacts facts;
  SOTTO_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(model));
  SOTTO_ASSIGN_OR_RETURN(const auto specialist, Specialist::Open(model, {.n_threads = n_threads}));
  SOTTO_RETURN_IF_ERROR(CheckFits(*specialist->model, workflow));
  facts.workflow = workflow.name;
  facts.workflow_hash = workflow.hash;
  facts.model = specialist->model->id();
  facts.model_sha256 = Sha256(bytes);
  facts.model_bytes = bytes.size();
  const GgufFile& gguf = specialist->model->gguf();
  const auto text_of = [&](const char* key) {
    const auto text = gguf.GetString(key);
    return text ? std::string(*text) : std::string();
  };
  facts.prompt_form = HashName(text_of("tokenizer.chat_template") + "\n" + text_of("sotto.normaliser") +
                               "\n" + specialist->vocabulary_hash);
  facts.tools = ToolsHash(workflow);
  facts.calibration = HashOfFile(model.parent_path() / "calibration.json");
  facts.thresholds = HashOfFile(workflow.folder / "route.json");
  facts.program = kCommit;
  return facts;
}

Result<TrainingRecord> ReadTrainingData(const std::vector<std::string>& files) {
  TrainingRecord record;
  for (const std::string& file : files) {
    SOTTO_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(file));
    SOTTO_ASSIGN_OR_RETURN(const std::vector<LabelledConversation> rows, ReadConversations(file));
    for (const LabelledConversation& row : rows) record.trained.Add(row.conversation);
    record.files.push_back({{"file", std::filesystem::path(file).filename().string()},
                            {"sha256", Sha256(bytes)},
                            {"conversations", rows.size()}});
  }
  return record;
}

}  // namespace sotto
