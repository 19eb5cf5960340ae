// Lets whoever labels in a terminal hear what a turn sounded like: from a folder of recordings that a server made
// (docs/formats/recordings.md), or the recording that the turn store names. Who may read those files may hear them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "flywheel/label_queue.h"
#include "server/turn_sound.h"

namespace sotto {

class LabelSound {
 public:
  // `folder` empty: only what the store names. kIo: there is no such folder. Facts that cannot be read are listed.
  static Result<LabelSound> Open(const std::string& folder);

  // "2.1 s", "2.1 s, a secret in it is silenced"; empty: there is nothing to hear.
  std::string Says(const LabelItem& item) const;
  // Plays it with aplay and waits. What is printed says where it lies if that does not work. REQUIRES: Says() is not
  // empty.
  void Play(const LabelItem& item) const;

 private:
  explicit LabelSound(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::optional<TurnSound> Find(const LabelItem& item) const;

  std::filesystem::path folder_;
  std::vector<std::pair<std::string, RecordingFacts>> recordings_;
};

}  // namespace sotto
