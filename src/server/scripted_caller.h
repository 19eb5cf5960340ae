// Somebody who calls over the network, for tests and benchmarks: says recordings one after the other, each when
// the other side has spoken and has been silent for a while, as people do; notes what is heard and when.
//
//   dialled --connected--> listens --silence--> speaks --end of recording--> listens ... --> hangs up
//                             '--nothing is said for `patience`: speaks all the same (unanswered)
//
// Stepped by a Pacer, every 10 ms; results are read when it is over. Source of what counts as late: a small
// jitter buffer bridges 40 ms.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/audio.h"
#include "server/call_client.h"
#include "server/pacer.h"

namespace sotto {

class ScriptedCaller final : public Paced {
 public:
  using Dial = std::function<std::unique_ptr<CallClient>(CallClient::Callbacks callbacks)>;
  struct Options {
    std::chrono::milliseconds polite{900};     // of silence before speaking
    std::chrono::milliseconds patience{8000};  // without an answer
    bool keep_audio = false;
    std::function<void(const Json& event)> on_event = {};  // of WebSockets; on a thread of the connection
  };

  // `clock` runs by itself and outlives it. Recordings at 16 kHz.
  ScriptedCaller(const Clock& clock, std::vector<Audio> recordings, const Dial& dial, Options options);
  ~ScriptedCaller() override;

  bool Step(Duration late) override;
  // Presses a key. Any thread, as long as the caller has not been stepped to its end.
  void Key(char key) { line_->Key(key); }

  struct Results {
    bool over = false;
    std::string ended;            // why the connection ended; empty: it has not
    std::vector<double> waited;   // ms from the end of each recording to the first sound
    int unanswered = 0;           // recordings
    int packets = 0;              // that came
    int late_packets = 0;         // in the middle of sound
    double longest_gap_ms = 0;    // in the middle of sound
    std::vector<float> audio;     // all that was heard, where it is kept
    std::vector<size_t> said_at;  // where in `audio` each recording began
  };
  // Any thread.
  Results results() const;

 private:
  void OnAudio(std::span<const float> samples);
  void Speak(TimePoint now);

  const Clock& clock_;
  const std::vector<Audio> recordings_;
  const Options options_;
  // Step's.
  size_t next_ = 0;      // recording
  size_t position_ = 0;  // in it
  bool speaking_ = false;
  bool hung_up_ = false;

  mutable std::mutex mutex_;
  // All guarded by mutex_.
  Results results_;
  TimePoint began_;       // of listening: connected, or own speech ended
  TimePoint last_sound_;  // of the other side
  TimePoint last_packet_;
  bool last_sounded_ = false;  // the last packet's end
  bool answered_ = false;      // since then
  bool waits_ = false;         // for the answer to a recording

  std::unique_ptr<CallClient> line_;  // last: nothing is told once it has gone
};

}  // namespace sotto
