#include "speech/espeak.h"

#include <dlfcn.h>

#include <cstdint>
#include <mutex>
#include <vector>

#include "core/pcm16.h"
#include "speech/resample.h"

namespace sotto {
namespace {

// The part of espeak-ng's C interface that is used (speak_lib.h, stable since 1.30), declared anew so that no
// header of it is needed.
constexpr int kSynchronousOutput = 2;
constexpr int kDontExit = 0x8000;
constexpr unsigned kUtf8 = 1;
constexpr int kPositionCharacter = 1;
using Callback = int (*)(short* samples, int count, void* events);
using Initialize = int (*)(int output, int buffer_ms, const char* path, int options);
using SetVoice = int (*)(const char* name);
using SetCallback = void (*)(Callback callback);
using Synth = int (*)(const void* text, size_t size, unsigned position, int position_type, unsigned end,
                      unsigned flags, unsigned* identifier, void* user_data);

struct Library {
  SetVoice set_voice = nullptr;
  Synth synth = nullptr;
  int rate_hz = 0;
};

// espeak has one state for the program; the sentence being spoken is in `current`, under `mutex`.
std::mutex mutex;
struct Speaking {
  const Synthesizer::Sink* sink = nullptr;
  Resampler* resampler = nullptr;
  bool cancelled = false;
};
Speaking* current = nullptr;

int OnAudio(short* samples, int count, void* /*events*/) {
  if (samples == nullptr || count <= 0 || current == nullptr) return 0;
  std::vector<float> out;
  current->resampler->Process(FromPcm16(std::span<const int16_t>(samples, static_cast<size_t>(count))), &out);
  if (!out.empty() && !(*current->sink)(out)) current->cancelled = true;
  return current->cancelled ? 1 : 0;
}

// Loads and starts the library at its first use.
Result<Library> Load() {
  static Library library;
  std::lock_guard lock(mutex);
  if (library.rate_hz > 0) return library;
  void* handle = ::dlopen("libespeak-ng.so.1", RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    return MakeError(ErrorCode::kUnavailable,
                     "espeak-ng is not installed (Debian: apt install libespeak-ng1)");
  }
  const auto initialize = reinterpret_cast<Initialize>(::dlsym(handle, "espeak_Initialize"));
  const auto set_callback = reinterpret_cast<SetCallback>(::dlsym(handle, "espeak_SetSynthCallback"));
  library.set_voice = reinterpret_cast<SetVoice>(::dlsym(handle, "espeak_SetVoiceByName"));
  library.synth = reinterpret_cast<Synth>(::dlsym(handle, "espeak_Synth"));
  if (initialize == nullptr || set_callback == nullptr || library.set_voice == nullptr ||
      library.synth == nullptr) {
    return MakeError(ErrorCode::kUnsupported, "this espeak-ng is not the one that is known");
  }
  library.rate_hz = initialize(kSynchronousOutput, 40, nullptr, kDontExit);
  if (library.rate_hz <= 0)
    return MakeError(ErrorCode::kUnavailable, "espeak-ng does not start (is espeak-ng-data there?)");
  set_callback(OnAudio);
  return library;
}

class EspeakSynthesizer final : public Synthesizer {
 public:
  EspeakSynthesizer(Library library, std::string voice) : library_(library), voice_(std::move(voice)) {}

  Result<void> Speak(std::string_view text, const Sink& sink) override {
    SOTTO_ASSIGN_OR_RETURN(const auto resampler, Resampler::Create(library_.rate_hz, kSampleRateHz));
    Speaking speaking{&sink, resampler.get(), false};
    const std::string copy(text);
    std::lock_guard lock(mutex);
    current = &speaking;
    const int voiced = library_.set_voice(voice_.c_str());
    const int spoke = voiced == 0 ? library_.synth(copy.c_str(), copy.size() + 1, 0, kPositionCharacter, 0,
                                                   kUtf8, nullptr, nullptr)
                                  : 0;
    current = nullptr;
    if (voiced != 0) return MakeError(ErrorCode::kNotFound, "espeak-ng has no voice \"{}\"", voice_);
    if (speaking.cancelled) return MakeError(ErrorCode::kCancelled, "speech was stopped");
    if (spoke != 0) return MakeError(ErrorCode::kUnavailable, "espeak-ng cannot speak \"{}\"", text);
    std::vector<float> rest;
    resampler->Flush(&rest);
    if (!rest.empty() && !sink(rest)) return MakeError(ErrorCode::kCancelled, "speech was stopped");
    return {};
  }
  std::string name() const override { return "espeak-ng " + voice_; }
  bool takes_turns() const override { return true; }

 private:
  const Library library_;
  const std::string voice_;
};

}  // namespace

Result<std::shared_ptr<Synthesizer>> OpenEspeak(const std::string& voice) {
  SOTTO_ASSIGN_OR_RETURN(const Library library, Load());
  return std::make_shared<EspeakSynthesizer>(library, voice);
}

}  // namespace sotto
