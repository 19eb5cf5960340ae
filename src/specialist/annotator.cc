#include "specialist/annotator.h"

namespace sotto {
namespace {

constexpr SpecialistKind kKinds[] = {
    {"classify", "which of some labels a text has, how sure that is, and whether any at all",
     R"(specialist: {name}
kind: classify
description: What a text is about
data:
  train: [train.jsonl]   # {"text": "...", "label": "..."}; rows without a label are out of scope
  valid: [valid.jsonl]
out_of_scope:            # leave out where every text has one of the labels
  false_alarms: 0.03     # share of good texts that may be taken for out of scope
threshold: 0.5           # of the confidence; below it:
below: ask               # escalate, ask, person or none
)",
     &OpenClassify, &TrainClassify, &EvaluateClassify},
    {"embed", "a text as a vector: near where two texts mean the same",
     R"(specialist: {name}
kind: embed
description: Sentences as vectors
)",
     &OpenEmbed, nullptr, nullptr},
    {"language", "which language a text is in (cld2)",
     R"(specialist: {name}
kind: language
description: Which language a text is in
# languages: [en, de, fr]   # leave out: any
threshold: 0.5
below: none
)",
     &OpenLanguage, nullptr, &EvaluateLanguage},
};

}  // namespace

std::span<const SpecialistKind> SpecialistKinds() { return kKinds; }

Result<const SpecialistKind*> FindKind(const SpecialistDeclaration& declaration) {
  std::string known;
  for (const SpecialistKind& kind : kKinds) {
    if (kind.name == declaration.kind) return &kind;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", kind.name);
  }
  return MakeError(ErrorCode::kInvalidArgument, "{}:{}: unknown kind '{}' (the kinds are {})",
                   declaration.file().string(), declaration.root["kind"].Mark().line + 1, declaration.kind,
                   known);
}

std::filesystem::path SpecialistFolder(std::string_view name_or_folder) {
  const std::filesystem::path path(name_or_folder);
  std::error_code error;
  if (name_or_folder.find('/') != std::string_view::npos ||
      std::filesystem::exists(path / "specialist.yaml", error))
    return path;
  return std::filesystem::path("specialists") / path;
}

Result<std::unique_ptr<Annotator>> OpenSpecialist(std::string_view name_or_folder,
                                                  const SpecialistContext& context) {
  SOTTO_ASSIGN_OR_RETURN(const SpecialistDeclaration declaration,
                         ReadDeclaration(SpecialistFolder(name_or_folder)));
  SOTTO_ASSIGN_OR_RETURN(const SpecialistKind* kind, FindKind(declaration));
  return kind->open(declaration, context);
}

Result<std::vector<std::filesystem::path>> DataFiles(const SpecialistDeclaration& declaration,
                                                     const std::vector<std::string>& files,
                                                     std::string_view key) {
  if (files.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: has no 'data.{}' and none was given",
                     declaration.file().string(), key);
  }
  std::vector<std::filesystem::path> paths;
  for (const std::string& file : files)
    paths.push_back(declaration.folder / file);  // an absolute one stays so
  return paths;
}

}  // namespace sotto
