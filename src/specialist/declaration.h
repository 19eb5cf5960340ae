// specialist.yaml (docs/formats/narrow_specialist.md): one small job, declared. The kinds share what stands here;
// each reads its own keys besides (annotator.h). Immutable after reading.
#pragma once

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "workflow/yaml_reader.h"

namespace sotto {

// What to do with an answer that is not sure enough.
enum class Below { kEscalate, kAsk, kPerson, kNone };
std::string_view BelowName(Below below);  // "escalate"

struct SpecialistDeclaration {
  std::filesystem::path folder;
  std::string name;                       // as the folder's, an identifier
  std::string kind;                       // "classify"
  std::string description;                // one line
  std::string license, origin;            // of the trained file: what its data asks for
  std::vector<std::string> train, valid;  // data files, relative to the folder
  double threshold = 0;                   // of the confidence, 0..1; below it:
  Below below = Below::kNone;
  YAML::Node root;  // all of it: the kind's own keys

  std::filesystem::path model() const { return folder / "model.gguf"; }
  std::filesystem::path file() const { return folder / "specialist.yaml"; }
};

// Reads the folder's specialist.yaml. The error is the first mistake, with file, line and what would be right; kinds
// and their own keys are checked by FindKind() and the kind.
Result<SpecialistDeclaration> ReadDeclaration(const std::filesystem::path& folder);
// `kind_keys`: the keys that the kind knows beside the shared ones.
Result<void> CheckKeys(const SpecialistDeclaration& declaration, const std::vector<std::string>& kind_keys);
// The first mistake of a reader as an error.
Result<void> FirstMistake(const YamlReader& reader, const std::filesystem::path& file);

}  // namespace sotto
