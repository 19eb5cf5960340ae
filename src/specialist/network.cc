#include "specialist/network.h"

#include <algorithm>

#include "workflow/suggest.h"

namespace sotto {
namespace {

// Beside the workflow, in the working folder, two above the workflow (workflows/NAME of a checkout), or as a path.
std::filesystem::path FolderOf(const Workflow& workflow, const std::string& written) {
  std::error_code error;
  for (const std::filesystem::path& folder :
       {workflow.folder / "specialists" / written, workflow.folder / written,
        std::filesystem::path("specialists") / written,
        workflow.folder / ".." / ".." / "specialists" / written}) {
    if (std::filesystem::exists(folder / "specialist.yaml", error)) return folder;
  }
  return std::filesystem::path("specialists") / written;
}

}  // namespace

std::vector<Mistake> Network::Build(const Workflow& workflow, const SpecialistContext& context) {
  std::vector<Mistake> mistakes;
  definition_ = workflow.network;
  encoder_ = context.encoder;
  const auto add = [&](int line, std::string message, std::string suggestion = "") {
    mistakes.push_back({line, 1, std::move(message), std::move(suggestion), false});
  };
  std::vector<std::string> names;
  for (const NetworkDef::Use& use : definition_.specialists) {
    names.push_back(use.name);
    const auto declaration = ReadDeclaration(FolderOf(workflow, use.path));
    if (!declaration) {
      add(use.line, fmt::format("specialist '{}': {}", use.name, declaration.error().message));
      continue;
    }
    if (declaration->name != use.name) {
      add(use.line, fmt::format("specialist '{}': {} calls itself '{}'", use.name,
                                declaration->file().string(), declaration->name));
      continue;
    }
    if (declaration->kind == "embed") {
      add(use.line, fmt::format("specialist '{}': a vector says nothing of a turn", use.name));
      continue;
    }
    const auto kind = FindKind(*declaration);
    auto annotator = kind ? (*kind)->open(*declaration, context)
                          : Result<std::unique_ptr<Annotator>>(tl::unexpected(kind.error()));
    if (!annotator) {
      add(use.line, fmt::format("specialist '{}': {}", use.name, annotator.error().message));
      continue;
    }
    reads_vector_ = reads_vector_ || (*annotator)->reads_vector();
    annotators_.push_back(*std::move(annotator));
  }
  for (const NetworkDef::Rule& rule : definition_.rules) {
    auto parsed = sotto::Rule::Parse(rule.when, names);
    if (!parsed) {  // a workflow that was not read by parse.h
      add(rule.line, fmt::format("in the rule '{}': {}", rule.when, parsed.error().message));
      continue;
    }
    for (const auto& [name, word] : parsed->words()) {
      const auto annotator =
          std::ranges::find_if(annotators_, [&](const auto& one) { return one->declaration().name == name; });
      if (annotator == annotators_.end()) continue;
      if ((*annotator)->is_number()) {
        add(rule.line, fmt::format("in the rule '{}': '{}' is a number, not '{}'", rule.when, name, word));
        continue;
      }
      const std::vector<std::string> labels = (*annotator)->labels();
      if (!labels.empty() && std::ranges::find(labels, word) == labels.end())
        add(rule.line, fmt::format("in the rule '{}': '{}' has no label '{}'", rule.when, name, word),
            Suggestion(word, labels));
    }
    rules_.push_back(*std::move(parsed));
  }
  return mistakes;
}

std::vector<Mistake> CheckNetwork(const Workflow& workflow, const SpecialistContext& context) {
  if (workflow.network.specialists.empty()) return {};
  Network network;
  return network.Build(workflow, context);
}

Result<std::shared_ptr<const Network>> Network::Open(const Workflow& workflow,
                                                     const SpecialistContext& context) {
  const std::shared_ptr<Network> network(new Network);
  const std::vector<Mistake> mistakes = network->Build(workflow, context);
  if (!mistakes.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "{}",
                     ToString(mistakes.front(), (workflow.folder / "workflow.yaml").string()));
  }
  return network;
}

Json Network::Run(TextInContext text) const {
  std::vector<float> vector;
  if (reads_vector_ && text.vector.empty() && encoder_ != nullptr) {
    vector = encoder_->Encode(text.text);
    text.vector = vector;
  }
  Json by = Json::object();
  for (const auto& annotator : annotators_)
    by[annotator->declaration().name] = annotator->AnnotateInContext(text);
  return by;
}

const NetworkDef::Rule* Network::Decide(const Json& annotations) const {
  if (rules_.empty()) return nullptr;
  Json values = Json::object();
  for (const auto& annotator : annotators_) {
    const auto said = annotations.find(annotator->declaration().name);
    if (said == annotations.end()) continue;
    Json value = annotator->RuleValue(*said);
    if (!value.is_null()) values[annotator->declaration().name] = std::move(value);
  }
  for (size_t i = 0; i < rules_.size(); ++i) {
    if (rules_[i].Holds(values).value_or(false)) return &definition_.rules[i];
  }
  return nullptr;
}

}  // namespace sotto
