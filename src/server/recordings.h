// The folder of recordings: begun, listed, fetched, deleted when their time is over (docs/formats/recordings.md).
//
//   <id>.wav    the sound (server/call_recording.h)
//   <id>.json   what it is: session, workflow, channel, when it began and until when it is kept, what was silenced
//
// A recording that the machine's end cut off is found when the folder is opened: its header is repaired and it is ready,
// said to be incomplete. Only the owner of the process may read folder and files. Any thread; what blocks says so.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/scheduler.h"
#include "core/json.h"
#include "server/call_recording.h"
#include "server/turn_sound.h"

namespace sotto {

class ServerMetrics;
class Webhooks;

class Recordings {
 public:
  struct Services {
    const Clock* clock = nullptr;
    Scheduler* scheduler = nullptr;
    ServerMetrics* metrics = nullptr;
    Webhooks* webhooks = nullptr;  // null: nobody is told that a recording is ready
  };
  using About = RecordingAbout;

  // Blocks. The services outlive it. kIo: the folder cannot be made, read, or kept from others.
  static Result<std::unique_ptr<Recordings>> Open(const Services& services, std::filesystem::path folder);
  // Waits, some seconds at most, for files that are being finished. What is not is found when the folder is opened again.
  ~Recordings();
  Recordings(const Recordings&) = delete;
  Recordings& operator=(const Recordings&) = delete;

  // Blocks. kIo.
  Result<std::shared_ptr<CallRecording>> Begin(const About& about);

  // {"id", "session", "workflow", "channel", "began", "keep_until", "state": recording | paused | ready, "complete",
  // "seconds", "rate_hz", "silenced": [[from, to] in seconds], "lost_seconds"}.
  std::optional<Json> Find(const std::string& id) const;
  // The newest first; `session` empty: all of them.
  Json List(const std::string& session) const;
  // Of one that is ready; empty: there is none.
  std::filesystem::path FileOf(const std::string& id) const;
  // What a turn sounded like, where its call was recorded and is over.
  std::optional<TurnSound> SoundOfTurn(const LabelItem& item) const;
  // While it is recorded; null: it is not.
  std::shared_ptr<CallRecording> Running(const std::string& id) const;
  // Blocks. False: there is none that is ready.
  bool Delete(const std::string& id);
  // Blocks. Deletes what is kept no longer.
  void Sweep();

 private:
  struct Shared;
  explicit Recordings(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

  const std::shared_ptr<Shared> shared_;
};

}  // namespace sotto
