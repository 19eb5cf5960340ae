// What is known of a recording besides its sound: ID.json beside ID.wav (docs/formats/recordings.md), which this reads
// and writes. A folder may be read while a server records into it: facts are replaced whole, and what is not ready is
// not looked at.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/json.h"
#include "server/call_recording.h"

namespace sotto {

// Of whom.
struct RecordingAbout {
  std::string session;
  std::string workflow;
  std::string channel;
  int keep_days = 30;
};

struct RecordingFacts {
  RecordingAbout about;
  int64_t began_s = 0;    // since 1970; the call's clock begins a little later, at its first frame
  bool ready = false;     // the call is over, and the file whole
  bool complete = false;  // nothing cut it off
  uint64_t frames = 0;
  uint64_t lost_frames = 0;
  std::vector<CallRecording::Silenced> silenced;

  int64_t keep_until_s() const { return began_s + int64_t{86400} * about.keep_days; }
};

Json ToJson(const RecordingFacts& facts);
// kIo, kCorrupt; the error names the file.
Result<RecordingFacts> ReadRecordingFacts(const std::filesystem::path& path);

// The recordings in a folder that are ready and still kept at `now_s`, by id, for who only reads it: nothing is
// repaired or deleted. `errors` collects files that cannot be read. kIo: there is no such folder.
Result<std::vector<std::pair<std::string, RecordingFacts>>> ReadRecordings(
    const std::filesystem::path& folder, int64_t now_s, std::vector<std::string>* errors);

}  // namespace sotto
