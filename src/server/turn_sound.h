// What a turn sounded like, for those who label it: the caller's words of that turn, cut out of the recording of its
// call. What was silenced there is silent here: only what lies on the disk is read. Pure but for CutTurn, which
// blocks; any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "flywheel/label_queue.h"
#include "server/recording_facts.h"

namespace sotto {

struct TurnSound {
  std::filesystem::path file;  // the call's
  int64_t from_ms = 0;         // since the call began
  int64_t to_ms = 0;
  bool silenced = false;  // some of it was, or all

  double seconds() const { return static_cast<double>(to_ms - from_ms) / 1000; }
};

// Whether `facts` are of the call in which the turn was spoken. A conversation that went on in another call has a
// recording each; a turn is of the last that began before it.
bool IsOfCall(const LabelItem& item, const RecordingFacts& facts);

// Nothing: the turn was typed, or its recording ends before it (a machine that stopped).
std::optional<TurnSound> SoundOf(const LabelItem& item, const RecordingFacts& facts,
                                 std::filesystem::path file);

// The same among `recordings` of a folder (ReadRecordings).
std::optional<TurnSound> FindSound(const LabelItem& item, const std::filesystem::path& folder,
                                   const std::vector<std::pair<std::string, RecordingFacts>>& recordings);

// A WAV file, 16 bit, the caller in both ears. kIo, kCorrupt: the error names the file.
Result<std::string> CutTurn(const TurnSound& sound);

}  // namespace sotto
