// sotto talk: a spoken conversation, with the microphone or with recordings.
#include <algorithm>
#include <cmath>
#include <csignal>
#include <thread>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/recorded_caller.h"
#include "cli/voice_terminal.h"
#include "speech/audio_file.h"
#include "speech/device.h"

namespace sotto {
namespace {

struct TalkFlags {
  VoiceFlags voice;
  std::vector<std::string> recordings;
  std::string replay;
  std::string out;
  std::string microphone;
  std::string loudspeaker;
  int echo_delay_ms = -1;
  bool fast = false;
  bool json = false;
  bool list_devices = false;
};

volatile std::sig_atomic_t stopped = 0;
void OnSignal(int) { stopped = 1; }

VoiceSession::Callbacks Printer(bool json) {
  VoiceSession::Callbacks callbacks;
  callbacks.on_turn = [json](const TurnRecord& record) {
    if (json) {
      fmt::print("{}\n", ToJson(record).dump());
      std::fflush(stdout);
    } else {
      PrintTurn(record);
    }
  };
  return callbacks;
}

int PrintDevices(bool json) {
  const std::vector<AudioDeviceInfo> devices = ListAudioDevices();
  if (json) {
    Json list = Json::array();
    for (const AudioDeviceInfo& device : devices) {
      list.push_back({{"index", device.index},
                      {"name", device.name},
                      {"system", device.system},
                      {"inputs", device.inputs},
                      {"outputs", device.outputs},
                      {"rate_hz", device.rate_hz},
                      {"default_input", device.default_input},
                      {"default_output", device.default_output}});
    }
    fmt::print("{}\n", list.dump());
    return 0;
  }
  if (devices.empty()) fmt::print("This machine has no microphone and no loudspeaker.\n");
  for (const AudioDeviceInfo& device : devices) {
    fmt::print("{:3}  {}  ({}, {} in, {} out, {:.0f} Hz){}{}\n", device.index, device.name, device.system,
               device.inputs, device.outputs, device.rate_hz,
               device.default_input ? "  default microphone" : "",
               device.default_output ? "  default loudspeaker" : "");
  }
  return 0;
}

// Root mean square; -100 of silence.
double LevelDb(std::span<const float> samples) {
  double sum = 0;
  for (const float sample : samples) sum += static_cast<double>(sample) * static_cast<double>(sample);
  return std::max(-100.0, 10 * std::log10(std::max(sum, 1e-20) /
                                          std::max<double>(1, static_cast<double>(samples.size()))));
}

Result<void> TalkRecorded(const TalkFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto terminal,
                         VoiceTerminal::Open(flags.voice, !flags.fast && flags.replay.empty()));
  CallOptions options;
  options.fast = flags.fast || !flags.replay.empty();
  options.fake_clock = !flags.replay.empty();
  options.out = flags.out;
  VoiceOptions voice = terminal->NextOptions();
  voice.front_end.echo_cancellation = false;  // recordings hold no echo of this call
  std::vector<RecordedCaller::Recording> recordings;
  for (const std::string& file : flags.recordings) {
    SOTTO_ASSIGN_OR_RETURN(Audio audio, ReadAudioFile(file));
    if (audio.samples.empty()) {
      return MakeError(ErrorCode::kInvalidArgument, "{}: the recording is empty", file);
    }
    recordings.push_back({file, std::move(audio), false});
  }
  RecordedCaller caller(std::move(recordings));
  if (!flags.replay.empty()) {
    SOTTO_ASSIGN_OR_RETURN(Audio audio, ReadAudioFile(flags.replay, kSampleRateHz, 0));
    options.limit = std::chrono::seconds(static_cast<int64_t>(audio.seconds()) + 30);
    caller = RecordedCaller::Replay(std::move(audio));
  }
  const std::vector<std::string> files =
      flags.replay.empty() ? flags.recordings : std::vector<std::string>{flags.replay};
  std::vector<bool> heard(files.size());
  VoiceSession::Callbacks callbacks = Printer(flags.json);
  callbacks.on_turn = [&, print = std::move(callbacks.on_turn)](const TurnRecord& record) {
    const int current = caller.current();
    if (!record.heard.text.empty() && current >= 0) heard[static_cast<size_t>(current)] = true;
    print(record);
  };
  SOTTO_RETURN_IF_ERROR(RunCall(*terminal, caller, options, voice, std::move(callbacks)));
  for (int i = 0; i <= caller.current(); ++i) {
    const auto index = static_cast<size_t>(i);
    if (heard[index]) continue;
    fmt::print(stderr, "sotto: nothing was heard in {} (level {:.0f} dB of full scale)\n", files[index],
               LevelDb(caller.recording(index).audio.samples));
  }
  return {};
}

// Waits for devices to come back after they were lost.
Result<void> Reconnect(AudioDevice& device, const Error& why) {
  fmt::print(stderr, "sotto: {}; plug one in, or stop with Ctrl-C\n", why.message);
  while (stopped == 0) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    if (device.Reopen()) return {};
  }
  return MakeError(ErrorCode::kCancelled, "stopped");
}

Result<void> TalkLive(const TalkFlags& flags) {
  auto opened = AudioDevice::Open(flags.microphone, flags.loudspeaker);
  if (!opened) {
    return MakeError(opened.error().code,
                     "{}; try `sotto talk --wav FILE`, `sotto demo` or `sotto chat` (text)",
                     opened.error().message);
  }
  const auto device = *std::move(opened);
  SOTTO_ASSIGN_OR_RETURN(const auto terminal, VoiceTerminal::Open(flags.voice, true));
  VoiceOptions voice = terminal->NextOptions();
  voice.front_end.gain_control = true;
  voice.front_end.echo_delay_ms = flags.echo_delay_ms;
  SystemClock clock;
  SOTTO_ASSIGN_OR_RETURN(const auto session, terminal->NewSession(clock, voice, Printer(flags.json)));
  std::unique_ptr<StereoWriter> writer;
  if (!flags.out.empty()) {
    SOTTO_ASSIGN_OR_RETURN(writer, StereoWriter::Create(flags.out));
  }
  std::signal(SIGINT, OnSignal);
  std::signal(SIGTERM, OnSignal);
  std::vector<float> microphone(kFrameSamples), loudspeaker(kFrameSamples);
  session->Start();
  while (stopped == 0 && !session->ended()) {
    if (const auto read = device->Read(microphone); !read) {
      if (!Reconnect(*device, read.error())) break;
      continue;
    }
    const std::vector<float> raw = microphone;
    session->Step(microphone, loudspeaker);
    if (const auto written = device->Write(loudspeaker); !written) {
      if (!Reconnect(*device, written.error())) break;
    }
    if (writer != nullptr) SOTTO_RETURN_IF_ERROR(writer->Write(raw, loudspeaker));
  }
  return {};
}

}  // namespace

void RegisterTalk(CLI::App& app, CliContext& context) {
  CLI::App* command =
      app.add_subcommand("talk", "Speak with an assistant: microphone and loudspeaker, or recordings");
  auto flags = std::make_shared<TalkFlags>();
  flags->voice.AddTo(*command, false);
  command->get_option("--workflow")->required(false);
  command->add_option("--wav", flags->recordings,
                      "What the caller says, one recording a turn, instead of a microphone");
  command->add_option("--replay", flags->replay,
                      "A recorded call (its left channel) as one stream: gives the same calls again");
  command->add_option("--session", flags->voice.session, "Go on with this conversation of those in --db");
  command->add_option(
      "--turns", flags->voice.turns,
      "Append the record of each turn to this file, one a line; *.sqlite, *.db: a turn store (sotto logs)");
  command->add_flag("--keep-personal-data", flags->voice.keep_personal_data,
                    "Write turn records as they are; default: typed placeholders stand for personal data");
  command->add_option("--out", flags->out, "Record the call: left the caller, right Sotto");
  command->add_option("--microphone", flags->microphone,
                      "Index or part of the name of a device (see --devices)");
  command->add_option("--loudspeaker", flags->loudspeaker, "The same for the loudspeaker");
  command
      ->add_option("--echo-delay", flags->echo_delay_ms,
                   "From loudspeaker to microphone (ms), rather too little than too much; by default it is "
                   "found while talking")
      ->check(CLI::Range(0, 400));
  command->add_flag("--fast", flags->fast, "With --wav: as fast as the machine can instead of in real time");
  command->add_flag("--json", flags->json, "One turn record (docs/formats/turn_record.md) a line");
  command->add_flag("--devices", flags->list_devices, "List microphones and loudspeakers");
  command->footer(
      "Example:\n  sotto talk --workflow workflows/banking\n"
      "  sotto talk --workflow workflows/banking --wav hello.wav balance.flac --out call.wav --fast --json");
  command->callback([flags, &context] {
    if (flags->list_devices) {
      context.exit_code = PrintDevices(flags->json);
      return;
    }
    if (flags->voice.brain.workflow.empty()) {
      context.Fail({ErrorCode::kInvalidArgument, "talk: --workflow is required"});
      return;
    }
    const bool recorded = !flags->recordings.empty() || !flags->replay.empty();
    if (auto result = recorded ? TalkRecorded(*flags) : TalkLive(*flags); !result)
      context.Fail(result.error());
  });
}

}  // namespace sotto
