#include "specialist/declaration.h"

#include <algorithm>
#include <cmath>

#include "base/mapped_file.h"
#include "base/utf8.h"

namespace sotto {
namespace {

const std::vector<std::string> kSharedKeys = {"specialist", "kind",  "description", "data",
                                              "threshold",  "below", "license",     "origin"};
const std::vector<std::string> kBelowNames = {"none", "escalate", "ask", "person"};
constexpr Below kBelowValues[] = {Below::kNone, Below::kEscalate, Below::kAsk, Below::kPerson};

void ReadShared(YamlReader& reader, SpecialistDeclaration& out) {
  const YAML::Node& root = out.root;
  if (!root.IsMap()) {
    reader.Add(root.Mark(), "a specialist is a map", "begin with 'specialist: NAME' and 'kind: classify'");
    return;
  }
  reader.Read(root, "", "specialist", out.name);
  reader.Read(root, "", "kind", out.kind);
  reader.Read(root, "", "description", out.description);
  reader.Read(root, "", "license", out.license);
  reader.Read(root, "", "origin", out.origin);
  reader.Read(root, "", "threshold", out.threshold);
  out.below = kBelowValues[reader.ReadOneOf(root, "", "below", kBelowNames, 0)];
  if (!IsIdentifier(out.name)) reader.Add(root.Mark(), "'specialist' is no name", "letters, digits and _");
  if (!(out.threshold >= 0 && out.threshold <= 1))
    reader.Add(root["threshold"].Mark(), "'threshold' is not in 0..1");
  if (out.threshold > 0 && out.below == Below::kNone && !root["below"])
    reader.Add(root["threshold"].Mark(), "a threshold, but nothing that happens below it",
               "below: escalate, ask, person or none");
  if (const YAML::Node data = root["data"];
      data && reader.CheckMap(data, "data", {"train", "valid"}, "data")) {
    reader.Read(data, "data", "train", out.train);
    reader.Read(data, "data", "valid", out.valid);
  }
}

}  // namespace

std::string_view BelowName(Below below) {
  for (size_t i = 0; i < kBelowNames.size(); ++i) {
    if (kBelowValues[i] == below) return kBelowNames[i];
  }
  return kBelowNames[0];
}

Result<void> FirstMistake(const YamlReader& reader, const std::filesystem::path& file) {
  for (const Mistake& mistake : reader.mistakes) {
    if (!mistake.warning)
      return MakeError(ErrorCode::kInvalidArgument, "{}", ToString(mistake, file.string()));
  }
  return {};
}

Result<SpecialistDeclaration> ReadDeclaration(const std::filesystem::path& folder) {
  SpecialistDeclaration out;
  out.folder = folder.filename().empty() ? folder.parent_path() : folder;
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(out.file()));
  if (FindInvalidUtf8(text) != std::string_view::npos)
    return MakeError(ErrorCode::kInvalidArgument, "{}: is not UTF-8", out.file().string());
  try {
    out.root = YAML::Load(text);
    YamlReader reader;
    ReadShared(reader, out);
    SOTTO_RETURN_IF_ERROR(FirstMistake(reader, out.file()));
  } catch (const YAML::Exception& error) {
    return MakeError(ErrorCode::kInvalidArgument, "{}:{}:{}: {}", out.file().string(), error.mark.line + 1,
                     error.mark.column + 1, error.msg);
  }
  if (out.kind.empty())
    return MakeError(ErrorCode::kInvalidArgument, "{}: has no 'kind'", out.file().string());
  return out;
}

Result<void> CheckKeys(const SpecialistDeclaration& declaration, const std::vector<std::string>& kind_keys) {
  std::vector<std::string> known = kSharedKeys;
  known.insert(known.end(), kind_keys.begin(), kind_keys.end());
  YamlReader reader;
  try {
    reader.CheckMap(declaration.root, "", known, "specialist");
  } catch (const YAML::Exception& error) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: {}", declaration.file().string(), error.msg);
  }
  return FirstMistake(reader, declaration.file());
}

}  // namespace sotto
