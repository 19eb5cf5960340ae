#include "speech/speaker.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <condition_variable>
#include <iterator>
#include <optional>

#include "base/check.h"
#include "base/log.h"

namespace sotto {
namespace {

constexpr size_t kSentencePauseSamples = 2560;  // 160 ms
constexpr std::ptrdiff_t kKeepSamples = 320;    // 20 ms of the synthesizer's own leading silence
constexpr float kSilence = 0.004f;
constexpr size_t kMaxRewindSamples = 24000;   // 1.5 s
constexpr size_t kGapSamples = 640;           // 40 ms
constexpr size_t kPlainRewindSamples = 4800;  // 300 ms
constexpr std::chrono::seconds kSentenceLimit{10};
constexpr std::chrono::milliseconds kOneLetter{65};  // about, as the embedded voices speak

bool EndsSentence(char c) { return c == '.' || c == '?' || c == '!'; }

std::string Trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return std::string(text);
}

}  // namespace

struct Speaker::Unit {
  std::string text;
  Phrase phrase;  // ready audio; otherwise `samples` grows
  size_t pause_samples = 0;

  std::mutex mutex;
  std::condition_variable more;  // samples, or done
  std::vector<float> samples;
  bool done = false;
  std::optional<Error> error;
  Scheduler::Ticket work;

  // Copies up to out.size() samples from `from`. Sets *end when nothing follows.
  size_t Read(size_t from, std::span<float> out, bool wait, bool* end) {
    if (phrase != nullptr) return Copy(*phrase, from, out, true, end);
    std::unique_lock lock(mutex);
    if (wait) more.wait(lock, [&] { return done || samples.size() >= from + out.size(); });
    return Copy(samples, from, out, done, end);
  }

  // Appends what the synthesizer says, until it has said everything or `stop`.
  Result<void> Fill(Synthesizer& synthesizer, const std::stop_token& stop) {
    // Silence is held back until sound follows: so neither end has more of it than is wanted.
    std::vector<float> held;
    bool begun = false;
    const auto result = synthesizer.Speak(text, [&](std::span<const float> chunk) {
      const auto last =
          std::find_if(chunk.rbegin(), chunk.rend(), [](float s) { return std::abs(s) > kSilence; });
      const auto sound = static_cast<std::ptrdiff_t>(chunk.size()) - (last - chunk.rbegin());
      std::lock_guard lock(mutex);
      if (done || stop.stop_requested()) return false;
      if (sound > 0) {
        const auto from = begun || std::ssize(held) < kKeepSamples ? held.begin() : held.end() - kKeepSamples;
        samples.insert(samples.end(), from, held.end());
        samples.insert(samples.end(), chunk.begin(), chunk.begin() + sound);
        held.clear();
        begun = true;
        more.notify_all();
      }
      held.insert(held.end(), chunk.begin() + sound, chunk.end());
      return true;
    });
    std::lock_guard lock(mutex);
    if (begun && !done) {
      held.resize(std::min(held.size(), kGapSamples));
      samples.insert(samples.end(), held.begin(), held.end());
    }
    return result;
  }

  // Nothing is added any more.
  void End(Result<void> result) {
    std::lock_guard lock(mutex);
    if (!result && result.error().code != ErrorCode::kCancelled) error = std::move(result).error();
    done = true;
    more.notify_all();
  }

 private:
  size_t Copy(const std::vector<float>& source, size_t from, std::span<float> out, bool complete,
              bool* end) const {
    const size_t total = source.size() + (complete && !source.empty() ? pause_samples : 0);
    const size_t available = total > from ? total - from : 0;
    const size_t count = std::min(out.size(), available);
    for (size_t i = 0; i < count; ++i) out[i] = from + i < source.size() ? source[from + i] : 0.0f;
    *end = complete && from + count >= total;
    return count;
  }
};

Speaker::Speaker(std::shared_ptr<PhraseCache> cache, Scheduler& scheduler, const Scheduler::Strand& strand,
                 bool wait)
    : cache_(std::move(cache)),
      scheduler_(scheduler),
      strand_(cache_->synthesizer().takes_turns() ? strand : scheduler.NewStrand()),
      wait_(wait) {}
Speaker::~Speaker() { Stop(); }

std::vector<Sentence> SentencesOf(const Reply& reply) {
  std::vector<Sentence> sentences(1);
  auto close = [&] {
    sentences.back().text = Trim(sentences.back().text);
    if (!sentences.back().text.empty()) {
      sentences.emplace_back();
    } else {
      sentences.back().fixed = true;
    }
  };
  for (const Reply::Part& part : reply.parts) {
    for (size_t i = 0; i < part.spoken.size(); ++i) {
      const char c = part.spoken[i];
      sentences.back().text += c;
      if (!std::isspace(static_cast<unsigned char>(c)) && !part.fixed) sentences.back().fixed = false;
      const bool last = i + 1 == part.spoken.size();
      if (EndsSentence(c) && part.fixed &&
          (last || std::isspace(static_cast<unsigned char>(part.spoken[i + 1]))))
        close();
    }
  }
  close();
  sentences.pop_back();
  return sentences;
}

std::vector<std::string> WarmableSentences(std::span<const std::string> fixed_parts) {
  std::vector<std::string> result;
  for (const std::string& part : fixed_parts) {
    Reply reply;
    reply.parts.push_back({part, true});
    for (Sentence& sentence : SentencesOf(reply)) {
      const bool whole = EndsSentence(sentence.text.back()) &&
                         !std::islower(static_cast<unsigned char>(sentence.text.front()));
      if (whole) result.push_back(std::move(sentence.text));
    }
  }
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

void Speaker::Say(const Reply& reply) {
  Stop();
  stopped_.reset();
  played_samples_ = 0;
  Add(reply);
}

void Speaker::Append(const Reply& reply) {
  if (!busy()) {
    Say(reply);
    return;
  }
  Add(reply);
}

void Speaker::Add(const Reply& reply) {
  for (Sentence& sentence : SentencesOf(reply)) {
    auto unit = std::make_shared<Unit>();
    unit->text = std::move(sentence.text);
    unit->pause_samples = EndsSentence(unit->text.back()) ? kSentencePauseSamples : 0;
    unit->phrase = cache_->Find(unit->text);
    units_.push_back(unit);
    if (unit->phrase == nullptr) Post(unit, sentence.fixed);
  }
}

void Speaker::Post(const std::shared_ptr<Unit>& unit, bool fixed) {
  Synthesizer& synthesizer = cache_->synthesizer();
  auto work = [cache = cache_, unit, fixed](std::stop_token stop) -> Result<void> {
    SOTTO_RETURN_IF_ERROR(unit->Fill(cache->synthesizer(), stop));
    if (fixed) cache->Remember(unit->text, std::make_shared<std::vector<float>>(unit->samples));
    return {};
  };
  // Where many speakers share a synthesizer, the sentence that is needed first is synthesised first: the first
  // one of a reply now, the next when about so much has been said. A sentence of a reply that plays never waits
  // behind everybody else's first ones then, and when there is too much to say, replies begin later, whole.
  std::chrono::milliseconds before{0};
  for (size_t i = unit_; i < units_.size() && units_[i] != unit; ++i)
    before += kOneLetter * static_cast<int>(units_[i]->text.size());
  unit->work =
      scheduler_.Post({.strand = strand_,
                       .deadline = scheduler_.clock().Now() + before + kSentenceLimit,
                       .priority = Priority::kUrgent,
                       .blocks = synthesizer.blocks(),
                       .what = "speech"},
                      std::move(work), [unit](Result<void> result) { unit->End(std::move(result)); });
}

void Speaker::Pause() {
  if (!busy() || paused_) return;
  paused_ = true;
  fading_ = true;
}

void Speaker::Resume() {
  if (!paused_) return;
  paused_ = false;
  fading_ = false;
  if (!busy()) return;
  // Back to the last gap of 40 ms within 1.5 s, or 300 ms where there is none.
  std::vector<float> past(std::min(position_, kMaxRewindSamples));
  bool end = false;
  units_[unit_]->Read(position_ - past.size(), past, false, &end);
  size_t quiet = 0;
  size_t back = std::min(past.size(), kPlainRewindSamples);
  for (size_t i = past.size(); i-- > 0;) {
    quiet = std::abs(past[i]) < kSilence ? quiet + 1 : 0;
    if (quiet >= kGapSamples) {
      back = past.size() - i;
      break;
    }
  }
  position_ -= back;
  played_samples_ -= std::min(played_samples_, back);
}

void Speaker::Stop() {
  if (units_.empty()) return;
  stopped_ = heard();
  for (const auto& unit : units_) unit->work.Cancel();
  if (auto error = TakeError()) error_ = std::move(error);
  units_.clear();
  unit_ = 0;
  position_ = 0;
  paused_ = false;
  fading_ = false;
}

bool Speaker::NextFrame(std::span<float> frame) {
  SOTTO_CHECK(frame.size() == kFrameSamples);
  std::fill(frame.begin(), frame.end(), 0.0f);
  if (!busy() || (paused_ && !fading_)) return false;
  size_t filled = 0;
  while (filled < frame.size() && busy()) {
    bool end = false;
    const size_t count = units_[unit_]->Read(position_, frame.subspan(filled), wait_, &end);
    filled += count;
    position_ += count;
    played_samples_ += count;
    if (!end) {
      if (filled < frame.size()) break;
      continue;
    }
    ++unit_;
    position_ = 0;
  }
  // Waiting for the first audio of a reply is latency, which is measured elsewhere; a gap later is a late
  // frame.
  if (filled < frame.size() && busy() && played_samples_ > 0) ++late_frames_;
  if (fading_) {
    for (size_t i = 0; i < frame.size(); ++i) {
      frame[i] *= 1.0f - static_cast<float>(i) / static_cast<float>(frame.size());
    }
    fading_ = false;
  }
  return filled > 0;
}

Speaker::Heard Speaker::heard() const {
  if (stopped_) return *stopped_;
  Heard heard;
  heard.audio = std::chrono::milliseconds(played_samples_ * 1000 / kSampleRateHz);
  heard.all = !busy();
  for (size_t i = 0; i < std::min(unit_, units_.size()); ++i) {
    heard.text += (heard.text.empty() ? "" : " ") + units_[i]->text;
  }
  if (!busy() || position_ == 0) return heard;
  Unit& unit = *units_[unit_];
  size_t total = 0;
  if (unit.phrase != nullptr) {
    total = unit.phrase->size();
  } else {
    std::lock_guard lock(unit.mutex);
    total = unit.samples.size();
  }
  if (total == 0) return heard;
  const double share = std::min(1.0, static_cast<double>(position_) / static_cast<double>(total));
  size_t cut = static_cast<size_t>(share * static_cast<double>(unit.text.size()));
  if (cut < unit.text.size())
    cut = unit.text.rfind(' ', cut) == std::string::npos ? 0 : unit.text.rfind(' ', cut);
  if (cut > 0) heard.text += (heard.text.empty() ? "" : " ") + unit.text.substr(0, cut);
  return heard;
}

std::optional<Error> Speaker::TakeError() {
  if (error_) return std::exchange(error_, std::nullopt);
  for (const auto& unit : units_) {
    std::lock_guard lock(unit->mutex);
    if (unit->error) return std::exchange(unit->error, std::nullopt);
  }
  return std::nullopt;
}

}  // namespace sotto
