#include "speech/device.h"

#include <fcntl.h>
#include <portaudio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "base/spsc_ring.h"
#include "speech/resample.h"

namespace sotto {
namespace {

constexpr auto kReadLimit = std::chrono::milliseconds(500);
constexpr size_t kRingSamples = 1 << 16;

// Initialises PortAudio while it lives. ALSA and JACK print what they miss on stderr: kept away from the
// user.
class PortAudio {
 public:
  PortAudio() {
    static std::mutex mutex;
    std::lock_guard lock(mutex);
    std::fflush(stderr);
    const int saved = ::dup(2);
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) ::dup2(nowhere, 2);
    error_ = Pa_Initialize();
    std::fflush(stderr);
    if (saved >= 0) ::dup2(saved, 2);
    if (saved >= 0) ::close(saved);
    if (nowhere >= 0) ::close(nowhere);
  }
  ~PortAudio() {
    if (error_ == paNoError) Pa_Terminate();
  }
  PortAudio(const PortAudio&) = delete;
  PortAudio& operator=(const PortAudio&) = delete;
  bool ok() const { return error_ == paNoError; }

 private:
  PaError error_;
};

std::vector<AudioDeviceInfo> List() {
  std::vector<AudioDeviceInfo> devices;
  for (int i = 0; i < Pa_GetDeviceCount(); ++i) {
    const PaDeviceInfo* info = Pa_GetDeviceInfo(i);
    if (info == nullptr) continue;
    const PaHostApiInfo* api = Pa_GetHostApiInfo(info->hostApi);
    devices.push_back({i, info->name, api == nullptr ? "" : api->name, info->maxInputChannels,
                       info->maxOutputChannels, info->defaultSampleRate, i == Pa_GetDefaultInputDevice(),
                       i == Pa_GetDefaultOutputDevice()});
  }
  return devices;
}

// Index of the device called `name`, the default where it is empty.
Result<int> Choose(const std::string& name, bool input) {
  const char* kind = input ? "microphone" : "loudspeaker";
  std::string there;
  int number = -1;
  std::from_chars(name.data(), name.data() + name.size(), number);
  for (const AudioDeviceInfo& device : List()) {
    if ((input ? device.inputs : device.outputs) == 0) continue;
    const bool is_default = input ? device.default_input : device.default_output;
    if (name.empty() ? is_default : (device.index == number || device.name.find(name) != std::string::npos)) {
      return device.index;
    }
    there += fmt::format("{}{} \"{}\"", there.empty() ? "" : ", ", device.index, device.name);
  }
  if (there.empty()) return MakeError(ErrorCode::kNotFound, "this machine has no {}", kind);
  return MakeError(ErrorCode::kNotFound, "no {} \"{}\"; there are {}", kind, name, there);
}

}  // namespace

std::vector<AudioDeviceInfo> ListAudioDevices() {
  const PortAudio audio;
  return audio.ok() ? List() : std::vector<AudioDeviceInfo>();
}

struct AudioDevice::Streams {
  PortAudio audio;
  PaStream* input = nullptr;
  PaStream* output = nullptr;
  SpscRing<float> recorded{kRingSamples};
  SpscRing<float> to_play{kRingSamples};
  std::unique_ptr<Resampler> from_input;  // used by the caller's thread
  std::unique_ptr<Resampler> to_output;
  std::vector<float> pending;  // recorded, at 16 kHz
  std::atomic<bool> lost{false};

  ~Streams() {
    for (PaStream* stream : {input, output}) {
      if (stream != nullptr) Pa_CloseStream(stream);
    }
  }

  static int OnInput(const void* in, void*, unsigned long frames, const PaStreamCallbackTimeInfo*,
                     PaStreamCallbackFlags, void* self) {
    if (in != nullptr) static_cast<Streams*>(self)->recorded.Write({static_cast<const float*>(in), frames});
    return paContinue;
  }
  static int OnOutput(const void*, void* out, unsigned long frames, const PaStreamCallbackTimeInfo*,
                      PaStreamCallbackFlags, void* self) {
    const std::span<float> samples(static_cast<float*>(out), frames);
    const size_t got = static_cast<Streams*>(self)->to_play.Read(samples);
    std::fill(samples.begin() + static_cast<std::ptrdiff_t>(got), samples.end(), 0.0f);
    return paContinue;
  }
  static void OnFinished(void* self) { static_cast<Streams*>(self)->lost = true; }

  Result<void> OpenOne(int device, bool is_input) {
    const PaDeviceInfo* info = Pa_GetDeviceInfo(device);
    PaStreamParameters parameters = {};
    parameters.device = device;
    parameters.channelCount = 1;
    parameters.sampleFormat = paFloat32;
    parameters.suggestedLatency = is_input ? info->defaultLowInputLatency : info->defaultLowOutputLatency;
    PaStream** stream = is_input ? &input : &output;
    PaError error = paInvalidSampleRate;
    int rate_hz = kSampleRateHz;
    for (const int candidate : {kSampleRateHz, static_cast<int>(info->defaultSampleRate), 48000, 44100}) {
      rate_hz = candidate;
      error = Pa_OpenStream(stream, is_input ? &parameters : nullptr, is_input ? nullptr : &parameters,
                            rate_hz, static_cast<unsigned long>(rate_hz / 100), paNoFlag,
                            is_input ? OnInput : OnOutput, this);
      if (error == paNoError) break;
    }
    if (error != paNoError) {
      return MakeError(ErrorCode::kUnavailable, "cannot open {}: {}", info->name, Pa_GetErrorText(error));
    }
    Pa_SetStreamFinishedCallback(*stream, OnFinished);
    SOTTO_ASSIGN_OR_RETURN(auto resampler, is_input ? Resampler::CreateLive(rate_hz, kSampleRateHz)
                                                    : Resampler::CreateLive(kSampleRateHz, rate_hz));
    (is_input ? from_input : to_output) = std::move(resampler);
    error = Pa_StartStream(*stream);
    if (error != paNoError) {
      return MakeError(ErrorCode::kUnavailable, "cannot start {}: {}", info->name, Pa_GetErrorText(error));
    }
    return {};
  }
};

Result<std::unique_ptr<AudioDevice>> AudioDevice::Open(const std::string& microphone,
                                                       const std::string& loudspeaker) {
  std::unique_ptr<AudioDevice> device(new AudioDevice);
  device->microphone_ = microphone;
  device->loudspeaker_ = loudspeaker;
  SOTTO_RETURN_IF_ERROR(device->Reopen());
  return device;
}

AudioDevice::~AudioDevice() = default;

Result<void> AudioDevice::Reopen() {
  streams_.reset();  // PortAudio sees new devices only after it was shut down
  auto streams = std::make_unique<Streams>();
  if (!streams->audio.ok()) return MakeError(ErrorCode::kUnavailable, "this machine has no sound system");
  SOTTO_ASSIGN_OR_RETURN(const int input, Choose(microphone_, true));
  SOTTO_ASSIGN_OR_RETURN(const int output, Choose(loudspeaker_, false));
  SOTTO_RETURN_IF_ERROR(streams->OpenOne(input, true));
  SOTTO_RETURN_IF_ERROR(streams->OpenOne(output, false));
  streams_ = std::move(streams);
  return {};
}

Result<void> AudioDevice::Read(std::span<float> frame) {
  SOTTO_CHECK(frame.size() == kFrameSamples);
  if (streams_ == nullptr) return MakeError(ErrorCode::kUnavailable, "no microphone is open");
  const auto deadline = std::chrono::steady_clock::now() + kReadLimit;
  std::array<float, 1024> block;
  while (streams_->pending.size() < frame.size()) {
    const size_t got = streams_->recorded.Read(block);
    if (got > 0) {
      streams_->from_input->Process({block.data(), got}, &streams_->pending);
      continue;
    }
    if (streams_->lost || Pa_IsStreamActive(streams_->input) != 1 ||
        std::chrono::steady_clock::now() > deadline) {
      return MakeError(ErrorCode::kUnavailable, "the microphone is gone");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::copy_n(streams_->pending.begin(), frame.size(), frame.begin());
  streams_->pending.erase(streams_->pending.begin(),
                          streams_->pending.begin() + static_cast<std::ptrdiff_t>(frame.size()));
  return {};
}

Result<void> AudioDevice::Write(std::span<const float> frame) {
  SOTTO_CHECK(frame.size() == kFrameSamples);
  if (streams_ == nullptr || streams_->lost || Pa_IsStreamActive(streams_->output) != 1) {
    return MakeError(ErrorCode::kUnavailable, "the loudspeaker is gone");
  }
  std::vector<float> converted;
  streams_->to_output->Process(frame, &converted);
  streams_->to_play.Write(converted);
  return {};
}

}  // namespace sotto
