// The recording of one call: a stereo WAV of 16 kHz, the caller left, the assistant right, written while the call goes
// on. Its time is the call's: what is not recorded (paused, held, lost to a slow disk) is silence of the same length.
//
//   Add, every 10 ms --> kept a little while --each second--> posted --> the file
//                             ^ what is being said and not yet decided stays here, at most 30 s: if it turns out
//                               to be a secret, it is silenced before it was ever written
//
// Threads: the pacer's, of the call; Ask and the views from any. Writing is work that is posted.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/scheduler.h"
#include "server/wav_file.h"

namespace sotto {

class CallRecording : public std::enable_shared_from_this<CallRecording> {
 public:
  static constexpr int kRateHz = 16000;
  // Stretches that were silenced, in milliseconds from the beginning.
  struct Silenced {
    int64_t from_ms = 0;
    int64_t to_ms = 0;
    bool operator==(const Silenced&) const = default;
  };
  // How it came out.
  struct Outcome {
    uint64_t frames = 0;       // of kRateHz
    uint64_t lost_frames = 0;  // that the disk did not take in time, silence now
    std::vector<Silenced> silenced;
    std::string error;  // the first one; empty: none
  };
  using Over = std::function<void(Outcome)>;

  // `over` is called once, on a thread that may block, when the file is whole and closed. `scheduler` outlives it.
  CallRecording(std::string id, WavFile file, Scheduler& scheduler, Over over);
  ~CallRecording();

  const std::string& id() const { return id_; }

  // 10 ms of both; `now`: the call's clock.
  void Add(TimePoint now, std::span<const float> caller, std::span<const float> assistant);
  // Words are being said of which nobody knows yet what they are; they are decided.
  void Doubt(TimePoint since);
  void Decided();
  // Silence over everything from then on.
  void Erase(TimePoint from);
  // A secret is asked for or repeated: silence until it is not any more.
  void SetSecret(bool secret) { secret_ = secret; }
  void Finish();

  // Somebody asks for silence, or for sound again.
  void Ask(bool paused) { asked_ = paused; }
  bool paused() const { return asked_ || secret_; }
  int64_t milliseconds() const { return frames_ * 10; }
  std::vector<Silenced> silenced() const;

 private:
  struct Writer;
  void Flush(bool all);
  void NoteSilence(int64_t from_frame, int64_t to_frame);
  int64_t FrameAt(TimePoint time) const;

  const std::string id_;
  const std::shared_ptr<Writer> writer_;
  std::atomic<bool> asked_{false};
  std::atomic<bool> secret_{false};
  std::atomic<int64_t> frames_{0};  // of 10 ms, so far

  // The pacer's.
  std::optional<TimePoint> began_;
  std::vector<int16_t> kept_;     // interleaved, from kept_from_ on
  int64_t kept_from_ = 0;         // frame of 10 ms
  std::optional<int64_t> doubt_;  // since which frame
  bool finished_ = false;

  mutable std::mutex mutex_;
  std::vector<Silenced> silenced_;  // guarded by mutex_; in order, disjoint
};

}  // namespace sotto
