#include "brain/specialist.h"

#include <fmt/ranges.h>

#include <set>

#include "base/hash.h"
#include "base/log.h"
#include "base/mapped_file.h"

namespace sotto {
namespace {

constexpr size_t kNamed = 8;  // of what is unknown, in the error

// The stretches of calls in the model's vocabulary; empty: an ordinary model, or a base without a workflow.
std::vector<std::string_view> Stretches(const Model& model) {
  const auto n_base = model.gguf().GetU32("sotto.base_vocabulary");
  const auto tokens = model.gguf().GetStringArray("tokenizer.ggml.tokens");
  if (!n_base || !tokens || *n_base >= tokens->size()) return {};
  return {tokens->begin() + static_cast<std::ptrdiff_t>(*n_base), tokens->end()};
}

}  // namespace

std::string Specialist::version() const {
  return HashName(fmt::format("{}\n{}\n{}\n{}\n{}", model->id(), calibration.ToJson(model->id()).dump(), card,
                              vocabulary_hash, workflow_hash));
}

Result<std::shared_ptr<const Specialist>> Specialist::Open(const std::filesystem::path& path,
                                                           const LoadOptions& options) {
  auto specialist = std::make_shared<Specialist>();
  SOTTO_ASSIGN_OR_RETURN(specialist->model, Model::Load(path, options));
  const Model& model = *specialist->model;
  auto calibration = Calibration::Read(path.parent_path() / "calibration.json", model.id());
  if (calibration) {
    specialist->calibration = *std::move(calibration);
  } else if (calibration.error().code != ErrorCode::kNotFound) {
    Log().warn("confidence is not calibrated: {}", calibration.error().message);
  }
  if (auto card = ReadFile(path.parent_path() / "card.md")) specialist->card = *std::move(card);
  if (const auto stretches = Stretches(model); !stretches.empty()) {
    specialist->vocabulary_hash = HashName(fmt::format("{}", fmt::join(stretches, "\n")));
  }
  if (const auto hash = model.gguf().GetString("sotto.workflow_hash")) specialist->workflow_hash = *hash;
  return specialist;
}

std::vector<std::string> UnknownTo(const Model& model, const Workflow& workflow) {
  const std::vector<std::string_view> stretches = Stretches(model);
  if (!model.gguf().Has("sotto.base_vocabulary")) return {};
  const std::set<std::string_view> known(stretches.begin(), stretches.end());
  std::vector<std::string> unknown;
  for (const ToolSpec& tool : ToToolSpecs(workflow)) {
    if (!known.contains("{\"name\": " + Json(tool.name).dump() + ", \"arguments\": {")) {
      unknown.push_back(fmt::format("tool '{}'", tool.name));
    }
    const auto properties = tool.parameters.find("properties");
    if (properties == tool.parameters.end()) continue;
    for (const auto& [slot, schema] : properties->items()) {
      if (!known.contains(Json(slot).dump() + ": ")) {
        unknown.push_back(fmt::format("slot '{}' of '{}'", slot, tool.name));
      }
      const auto values = schema.find("enum");
      if (values == schema.end()) continue;
      for (const Json& value : *values) {
        if (!value.is_string() || known.contains(value.dump())) continue;
        unknown.push_back(
            fmt::format("value '{}' of '{}' in '{}'", value.get<std::string>(), slot, tool.name));
      }
    }
  }
  return unknown;
}

Result<void> CheckFits(const Model& model, const Workflow& workflow) {
  std::vector<std::string> unknown = UnknownTo(model, workflow);
  if (unknown.empty()) return {};
  const size_t more = unknown.size() > kNamed ? unknown.size() - kNamed : 0;
  unknown.resize(unknown.size() - more);
  return MakeError(
      ErrorCode::kInvalidArgument,
      "{} was trained for another workflow than {} is now: it does not know {}{} (train it again: "
      "sotto train {})",
      model.path(), workflow.name, fmt::join(unknown, ", "),
      more > 0 ? fmt::format(" and {} more", more) : "", workflow.folder.string());
}

}  // namespace sotto
