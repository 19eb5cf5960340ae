// What the embedded recognizer needs to know about one workflow, as files that PocketSphinx reads: one
// trigram model per ListeningMode (`open.lm.bin`, `yes_no.lm.bin`, ...) and one pronunciation dictionary
// (`words.dict`) with exactly the words of those models, so that no word can be missing.
//
// Built once from the sentences (about a second for ten thousand) and kept in a cache folder named by the
// hash of everything that goes into it. Immutable; any thread.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"
#include "speech/domain_text.h"

namespace sotto {

struct DomainModelOptions {
  // Share of a slot's own sentences in the model used while that slot is asked for; the rest is open speech.
  double mode_share = 0.95;
};

class DomainModel {
 public:
  // `cache` is created where needed; DefaultCacheFolder() / "asr" is the usual one.
  static Result<DomainModel> Build(const DomainText& text, const std::filesystem::path& cache,
                                   const DomainModelOptions& options = {});

  const std::filesystem::path& dictionary() const { return dictionary_; }
  std::filesystem::path language_model(ListeningMode mode) const;

 private:
  std::filesystem::path folder_;
  std::filesystem::path dictionary_;
};

// Where built things are kept between runs: SOTTO_CACHE, else $XDG_CACHE_HOME/sotto, else ~/.cache/sotto,
// else sotto-cache in the folder for temporary files.
std::filesystem::path DefaultCacheFolder();

}  // namespace sotto
