// Audio of phrases that are said again and again, ready to play: the fixed parts of reply templates. Kept in
// memory and, between runs, on disk: one file `<hash of voice and text>.s16`, 16-bit mono at 16 kHz. Only
// what Warm() was given is written to disk; texts with a caller's data never are. Silence at both ends is
// trimmed and the ends are faded, so that phrases can be put side by side without a click. Any thread.
#pragma once

#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "speech/synthesizer.h"

namespace sotto {

using Phrase = std::shared_ptr<const std::vector<float>>;

class PhraseCache {
 public:
  // An empty folder: memory only.
  PhraseCache(std::shared_ptr<Synthesizer> synthesizer, std::filesystem::path folder);

  // Makes sure of all of them; synthesises what is neither in memory nor on disk. A phrase that fails is
  // logged and skipped: it will be synthesised when it is needed. Returns how many were synthesised now.
  int Warm(std::span<const std::string> phrases);

  // Null if not there.
  Phrase Find(std::string_view text) const;
  // Kept in memory from now on. The oldest unwarmed phrases go when there are more than a thousand.
  void Remember(std::string_view text, Phrase phrase);

  Synthesizer& synthesizer() const { return *synthesizer_; }
  size_t size() const;

 private:
  std::filesystem::path FileOf(std::string_view text) const;
  Phrase ReadFromDisk(std::string_view text) const;

  const std::shared_ptr<Synthesizer> synthesizer_;
  const std::filesystem::path folder_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Phrase> phrases_;
  std::list<std::string> remembered_;  // oldest first
};

// `samples` without the silence at its ends (`keep` samples of it stay) and with 5 ms fades.
std::vector<float> TrimAndFade(std::span<const float> samples, size_t keep);

}  // namespace sotto
