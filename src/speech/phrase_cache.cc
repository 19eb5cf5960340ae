#include "speech/phrase_cache.h"

#include <algorithm>

#include "base/hash.h"
#include "base/log.h"
#include "base/mapped_file.h"
#include "core/pcm16.h"

namespace sotto {
namespace {

constexpr float kPhraseSilence = 0.004f;  // about -48 dBFS
constexpr size_t kKeptSamples = 640;      // 40 ms
constexpr size_t kFadeSamples = 80;       // 5 ms
constexpr size_t kMaxRemembered = 1000;

}  // namespace

std::vector<float> TrimAndFade(std::span<const float> samples, size_t keep) {
  auto loud = [](float sample) { return std::abs(sample) > kPhraseSilence; };
  const auto first = std::find_if(samples.begin(), samples.end(), loud);
  if (first == samples.end()) return {};
  const auto last = std::find_if(samples.rbegin(), samples.rend(), loud);
  const size_t begin = static_cast<size_t>(first - samples.begin());
  const size_t end = samples.size() - static_cast<size_t>(last - samples.rbegin());
  const size_t from = begin > keep ? begin - keep : 0;
  const size_t to = std::min(end + keep, samples.size());
  std::vector<float> out(samples.begin() + static_cast<std::ptrdiff_t>(from),
                         samples.begin() + static_cast<std::ptrdiff_t>(to));
  const size_t fade = std::min(kFadeSamples, out.size() / 2);
  for (size_t i = 0; i < fade; ++i) {
    const float gain = static_cast<float>(i) / static_cast<float>(fade);
    out[i] *= gain;
    out[out.size() - 1 - i] *= gain;
  }
  return out;
}

PhraseCache::PhraseCache(std::shared_ptr<Synthesizer> synthesizer, std::filesystem::path folder)
    : synthesizer_(std::move(synthesizer)), folder_(std::move(folder)) {}

std::filesystem::path PhraseCache::FileOf(std::string_view text) const {
  return folder_ / fmt::format("{:016x}.s16", Fnv1a(text, Fnv1a(synthesizer_->name() + '\n')));
}

Phrase PhraseCache::ReadFromDisk(std::string_view text) const {
  if (folder_.empty()) return nullptr;
  const auto bytes = ReadFile(FileOf(text));
  if (!bytes || bytes->size() % 2 != 0) return nullptr;
  return std::make_shared<std::vector<float>>(FromPcm16Bytes(*bytes));
}

int PhraseCache::Warm(std::span<const std::string> phrases) {
  int made = 0;
  std::error_code error;
  if (!folder_.empty()) std::filesystem::create_directories(folder_, error);
  for (const std::string& text : phrases) {
    if (Find(text) != nullptr) continue;
    Phrase phrase = ReadFromDisk(text);
    if (phrase == nullptr) {
      const auto audio = SynthesizeAll(*synthesizer_, text);
      if (!audio) {
        Log().warn("phrase cache: {}", audio.error().message);
        continue;
      }
      ++made;
      phrase = std::make_shared<std::vector<float>>(TrimAndFade(audio->samples, kKeptSamples));
      if (!folder_.empty()) {
        if (const auto written = WriteFileAtomically(FileOf(text), ToPcm16Bytes(*phrase)); !written) {
          Log().warn("phrase cache: {}", written.error().message);
        }
      }
    }
    std::lock_guard lock(mutex_);
    phrases_[text] = std::move(phrase);
  }
  return made;
}

Phrase PhraseCache::Find(std::string_view text) const {
  std::lock_guard lock(mutex_);
  const auto it = phrases_.find(std::string(text));
  return it == phrases_.end() ? nullptr : it->second;
}

void PhraseCache::Remember(std::string_view text, Phrase phrase) {
  std::lock_guard lock(mutex_);
  if (!phrases_.try_emplace(std::string(text), std::move(phrase)).second) return;
  remembered_.emplace_back(text);
  if (remembered_.size() > kMaxRemembered) {
    phrases_.erase(remembered_.front());
    remembered_.pop_front();
  }
}

size_t PhraseCache::size() const {
  std::lock_guard lock(mutex_);
  return phrases_.size();
}

}  // namespace sotto
