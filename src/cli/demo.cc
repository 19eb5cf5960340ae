// sotto demo: a real spoken conversation, both sides on this machine.
#include <algorithm>
#include <cerrno>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/demo_script.h"
#include "cli/percentile.h"
#include "cli/recorded_caller.h"
#include "cli/voice_terminal.h"
#include "speech/backends.h"
#include "speech/device.h"

namespace sotto {
namespace {

struct DemoFlags {
  VoiceFlags voice;
  std::string script;
  std::string caller_voice = "awb";
  std::string out = "demo.wav";
  bool real_time = false;
  bool json = false;
};

struct Totals {
  std::vector<double> voice_to_voice;
  std::vector<double> first_audio;
};

Result<void> Run(const DemoFlags& flags) {
  const auto began = std::chrono::steady_clock::now();
  SOTTO_ASSIGN_OR_RETURN(const auto terminal, VoiceTerminal::Open(flags.voice, flags.real_time));
  const double start_ms = Milliseconds(std::chrono::steady_clock::now() - began);
  SOTTO_ASSIGN_OR_RETURN(const std::vector<DemoLine> lines,
                         ReadDemoScript(terminal->workflow(), flags.script));
  SOTTO_ASSIGN_OR_RETURN(const auto caller_voice, OpenSynthesizer("flite", flags.caller_voice));
  if (caller_voice->name() == terminal->synthesizer_name()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "caller and assistant have the same voice ({}): choose another --caller-voice",
                     flags.caller_voice);
  }
  SOTTO_ASSIGN_OR_RETURN(auto recordings, RecordScript(lines, *caller_voice));
  RecordedCaller caller(std::move(recordings));

  if (!flags.json) {
    fmt::print("{} takes a call. Caller: {}; ears: {}; voice: {}; started in {:.0f} ms.\n\n",
               terminal->workflow().assistant.name, caller_voice->name(), terminal->recognizer_name(),
               terminal->synthesizer_name(), start_ms);
    for (const auto& [part, ms] : terminal->start_ms()) fmt::print("  {:<28}{:7.0f} ms\n", part, ms);
    fmt::print("\n");
  }
  Totals totals;
  CallOptions options;
  options.fast = !flags.real_time;
  options.out = flags.out;
  VoiceOptions voice = terminal->NextOptions();
  voice.front_end.echo_cancellation = false;  // the caller's line carries no echo
  VoiceSession::Callbacks callbacks;
  std::string said;  // in the turn that was answered last; empty: nothing
  callbacks.on_reply = [&](const TurnRecord& record) {
    const bool spoke = record.times.speech_end >= 0 && caller.current() >= 0;
    said = spoke ? caller.recording(static_cast<size_t>(caller.current())).text : "";
  };
  callbacks.on_turn = [&](const TurnRecord& record) {
    if (record.VoiceToVoiceMs() >= 0) totals.voice_to_voice.push_back(record.VoiceToVoiceMs());
    if (record.EndpointToFirstAudioMs() >= 0 && record.ended_by != "no_input") {
      totals.first_audio.push_back(record.EndpointToFirstAudioMs());
    }
    if (flags.json) {
      fmt::print("{}\n", ToJson(record).dump());
    } else {
      PrintTurn(record, said);
    }
  };
  SOTTO_ASSIGN_OR_RETURN(const CallResult result,
                         RunCall(*terminal, caller, options, voice, std::move(callbacks)));
  if (flags.json) return {};
  fmt::print(
      "The call took {:.0f} s{}. Median: {:.0f} ms from the caller's last sound to Sotto's first; of these "
      "Sotto needed {:.1f} ms.\n",
      result.seconds, result.ended ? " and Sotto ended it" : "", Percentile(totals.voice_to_voice, 0.5),
      Percentile(totals.first_audio, 0.5));
  if (!flags.out.empty()) fmt::print("Recorded in {} (left the caller, right Sotto).\n", flags.out);
  fmt::print("\nTalk to it yourself{}:\n  {} talk --workflow {}\n",
             ListAudioDevices().empty() ? " on a machine with a microphone and a loudspeaker" : "",
             program_invocation_name, flags.voice.brain.workflow);
  return {};
}

}  // namespace

void RegisterDemo(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("demo",
                                         "A spoken conversation: the caller's side is synthesised with "
                                         "another voice, then really heard and answered");
  auto flags = std::make_shared<DemoFlags>();
  flags->voice.AddTo(*command);
  command->add_option("--script", flags->script,
                      "What the caller says, one utterance a line, ! before one that interrupts; default: "
                      "demo.txt of the workflow");
  command->add_option("--caller-voice", flags->caller_voice, "slt, awb, kal16 or rms")->capture_default_str();
  command->add_option("--out", flags->out, "Stereo recording of the call")->capture_default_str();
  command->add_flag("--real-time", flags->real_time,
                    "At the pace of a call instead of as fast as the machine can");
  command->add_flag("--json", flags->json, "One turn record a line");
  command->footer("Example:\n  sotto demo --workflow workflows/banking --out call.wav");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
