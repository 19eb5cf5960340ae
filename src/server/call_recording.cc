#include "server/call_recording.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "core/audio.h"
#include "core/pcm16.h"

namespace sotto {
namespace {

constexpr int64_t kFrameMs = 10;
constexpr size_t kFrameValues = kFrameSamples * kWavChannels;
constexpr int64_t kFlushEvery = 100;    // frames
constexpr int64_t kKeepBack = 100;      // the end of what is recorded: speech is noticed a little late
constexpr int64_t kDoubtAtMost = 3000;  // frames that are kept back for words that nobody decides
constexpr int64_t kResyncAbove = 25;    // a pacer makes up for what is less
constexpr size_t kMostWaitingBytes = size_t{8} << 20;

static_assert(CallRecording::kRateHz == kSampleRateHz);

}  // namespace

// The file, which only posted work touches, one piece after the other.
struct CallRecording::Writer {
  WavFile file;
  Scheduler& scheduler;
  const Scheduler::Strand strand;
  Over over;
  std::string error;  // the first; the strand's
  std::atomic<size_t> waiting_bytes{0};
  std::atomic<uint64_t> lost_frames{0};

  // `work`: Result<void>(WavFile&).
  template <typename Work>
  static void Post(const std::shared_ptr<Writer>& writer, size_t bytes, Work work) {
    writer->waiting_bytes += bytes;
    writer->scheduler.Post(
        {.strand = writer->strand, .blocks = true, .what = "a recording"},
        [writer, work = std::move(work)](std::stop_token) -> Result<void> {
          auto done = work(writer->file);
          if (!done && writer->error.empty()) {
            writer->error = done.error().message;
            Log().error("a recording: {}", writer->error);
          }
          return done;
        },
        [writer, bytes](Result<void> done) {
          writer->waiting_bytes -= bytes;
          if (!done) writer->lost_frames += bytes / (sizeof(int16_t) * kWavChannels);
        });
  }
};

CallRecording::CallRecording(std::string id, WavFile file, Scheduler& scheduler, Over over)
    : id_(std::move(id)),
      writer_(std::shared_ptr<Writer>(
          new Writer{std::move(file), scheduler, scheduler.NewStrand(), std::move(over), {}, {}, {}})) {}

CallRecording::~CallRecording() { Finish(); }

int64_t CallRecording::FrameAt(TimePoint time) const {
  if (!began_ || time <= *began_) return 0;
  return std::chrono::duration_cast<std::chrono::milliseconds>(time - *began_).count() / kFrameMs;
}

void CallRecording::Add(TimePoint now, std::span<const float> caller, std::span<const float> assistant) {
  SOTTO_CHECK(caller.size() == kFrameSamples && assistant.size() == kFrameSamples, "{} and {} samples",
              caller.size(), assistant.size());
  if (finished_) return;
  if (!began_) began_ = now;
  // The call was held: nobody heard anything.
  if (const int64_t behind = FrameAt(now) - frames_; behind > kResyncAbove) {
    kept_.resize(kept_.size() + static_cast<size_t>(behind) * kFrameValues);
    frames_ += behind;
  }
  if (paused()) {
    kept_.resize(kept_.size() + kFrameValues);
    NoteSilence(frames_, frames_ + 1);
  } else {
    for (size_t i = 0; i < kFrameSamples; ++i) {
      kept_.push_back(ToPcm16(caller[i]));
      kept_.push_back(ToPcm16(assistant[i]));
    }
  }
  if (++frames_ % kFlushEvery == 0) Flush(false);
}

void CallRecording::Doubt(TimePoint since) {
  if (!doubt_) doubt_ = std::max<int64_t>(0, FrameAt(since));
}

void CallRecording::Decided() { doubt_.reset(); }

void CallRecording::Erase(TimePoint from) {
  if (finished_) return;
  const int64_t first = std::min<int64_t>(FrameAt(from), frames_);
  NoteSilence(first, frames_);
  const int64_t in_memory = std::max(first, kept_from_);
  std::fill(kept_.begin() + static_cast<std::ptrdiff_t>(in_memory - kept_from_) *
                                static_cast<std::ptrdiff_t>(kFrameValues),
            kept_.end(), int16_t{0});
  if (first >= kept_from_) return;
  Writer::Post(writer_, 0, [first, n = kept_from_ - first](WavFile& file) {
    return file.Erase(static_cast<uint64_t>(first) * kFrameSamples, static_cast<uint64_t>(n) * kFrameSamples);
  });
}

void CallRecording::Flush(bool all) {
  int64_t until = frames_;
  if (!all) {
    until -= kKeepBack;
    if (doubt_) until = std::min(until, std::max(*doubt_ - kKeepBack, frames_ - kDoubtAtMost));
  }
  const int64_t n = until - kept_from_;
  if (n <= 0) return;
  const size_t n_values = static_cast<size_t>(n) * kFrameValues;
  const size_t bytes = n_values * sizeof(int16_t);
  const auto first = kept_.begin();
  const auto last = first + static_cast<std::ptrdiff_t>(n_values);
  if (writer_->waiting_bytes + bytes > kMostWaitingBytes) {
    writer_->lost_frames += n_values / kWavChannels;  // silence: what is written later has its own place
  } else {
    Writer::Post(
        writer_, bytes,
        [frame = static_cast<uint64_t>(kept_from_) * kFrameSamples,
         samples = std::vector<int16_t>(first, last)](WavFile& file) { return file.Write(frame, samples); });
  }
  kept_.erase(first, last);
  kept_from_ = until;
}

void CallRecording::Finish() {
  if (std::exchange(finished_, true)) return;
  Flush(true);
  Outcome outcome;
  outcome.frames = static_cast<uint64_t>(frames_) * kFrameSamples;
  outcome.silenced = silenced();
  writer_->scheduler.Post(
      {.strand = writer_->strand, .blocks = true, .what = "the end of a recording"},
      [writer = writer_, frames = outcome.frames](std::stop_token) -> Result<void> {
        SOTTO_RETURN_IF_ERROR(writer->file.Extend(frames));
        SOTTO_RETURN_IF_ERROR(writer->file.Sync());
        if (!writer->error.empty()) return MakeError(ErrorCode::kIo, "{}", writer->error);
        return {};
      },
      [writer = writer_, outcome = std::move(outcome)](Result<void> done) mutable {
        outcome.lost_frames = writer->lost_frames;
        if (!done) outcome.error = done.error().message;
        writer->over(std::move(outcome));
      });
}

void CallRecording::NoteSilence(int64_t from_frame, int64_t to_frame) {
  if (from_frame >= to_frame) return;
  const std::lock_guard lock(mutex_);
  const int64_t from_ms = from_frame * kFrameMs;
  while (!silenced_.empty() && silenced_.back().from_ms >= from_ms) silenced_.pop_back();
  if (!silenced_.empty() && silenced_.back().to_ms >= from_ms) {
    silenced_.back().to_ms = std::max(silenced_.back().to_ms, to_frame * kFrameMs);
  } else {
    silenced_.push_back({from_ms, to_frame * kFrameMs});
  }
}

std::vector<CallRecording::Silenced> CallRecording::silenced() const {
  const std::lock_guard lock(mutex_);
  return silenced_;
}

}  // namespace sotto
