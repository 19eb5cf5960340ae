// What a call does when a machine answers: hangs up, or leaves its message after the beep and nothing before it.
#include "assistant/voicemail_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numbers>

#include "speech/backends.h"
#include "speech/synthesizer.h"

namespace sotto {
namespace {

using Rule = VoicemailWatch::Rule;

Workflow WorkflowThatSays(const char* rule) {
  Workflow workflow;
  if (rule != nullptr) workflow.policy["voicemail"] = rule;
  return workflow;
}

// "hi, this is alex", a tone, silence.
std::vector<float> MachinesGreeting(bool beeps) {
  const auto voice = OpenSynthesizer("flite", "slt").value();
  std::vector<float> heard = SynthesizeAll(*voice, "hi, this is alex. talk to me.").value().samples;
  heard.resize(heard.size() + 8000);
  for (size_t i = 0; i < 6400 && beeps; ++i)
    heard.push_back(
        0.2F * static_cast<float>(std::sin(2 * std::numbers::pi * 1000 * static_cast<double>(i) / 16000)));
  heard.resize(heard.size() + 16000 * 5);
  return heard;
}

struct Said {
  bool over = false;
  double machine_s = -1;
  double begins_s = -1;  // of the message
  size_t samples = 0;    // of the message, as sent
};

Said Play(VoicemailWatch& watch, const std::vector<float>& heard, const char* words = nullptr) {
  Said said;
  bool machine = false;
  for (size_t i = 0; i + kFrameSamples <= heard.size() && !said.over; i += kFrameSamples) {
    const double now = static_cast<double>(i) / 16000;
    machine = watch.Hear(std::span(heard).subspan(i, kFrameSamples)) || machine;
    if (words != nullptr && i == 160 * 100) watch.Words(words);
    if (!machine) continue;
    if (said.machine_s < 0) said.machine_s = now;
    std::array<float, kFrameSamples> out;
    out.fill(1);
    said.over = !watch.Say(out);
    for (const float sample : out) {
      if (sample == 0) continue;
      if (said.begins_s < 0) said.begins_s = now;
      ++said.samples;
    }
  }
  return said;
}

TEST(VoicemailWatch, TheWorkflowSaysWhatToDo) {
  EXPECT_EQ(VoicemailWatch::RuleOf(WorkflowThatSays(nullptr)), Rule::kNone);
  EXPECT_EQ(VoicemailWatch::RuleOf(WorkflowThatSays("none")), Rule::kNone);
  EXPECT_EQ(VoicemailWatch::RuleOf(WorkflowThatSays("hang_up")), Rule::kHangUp);
  EXPECT_EQ(VoicemailWatch::RuleOf(WorkflowThatSays("leave_message")), Rule::kLeaveMessage);
}

TEST(VoicemailWatch, HangsUpAtOnce) {
  VoicemailWatch watch(WorkflowThatSays("hang_up"), Rule::kHangUp, nullptr);
  const Said said = Play(watch, MachinesGreeting(true));
  EXPECT_TRUE(said.over);
  EXPECT_EQ(said.samples, 0u);
  EXPECT_EQ(watch.reason(), "voicemail");
  EXPECT_EQ(watch.why(), "beep");
}

TEST(VoicemailWatch, LeavesItsMessageAfterTheBeepWhole) {
  const auto message = std::make_shared<const std::vector<float>>(10 * kFrameSamples + 50, 0.5F);
  VoicemailWatch watch(WorkflowThatSays("leave_message"), Rule::kLeaveMessage, message);
  const std::vector<float> heard = MachinesGreeting(true);
  const double beep_ends = static_cast<double>(heard.size()) / 16000 - 5;
  const Said said = Play(watch, heard);
  EXPECT_TRUE(said.over);
  EXPECT_GE(said.begins_s, beep_ends);
  EXPECT_LT(said.begins_s, beep_ends + 0.3);
  EXPECT_EQ(said.samples, message->size());
  EXPECT_EQ(watch.reason(), "voicemail_message");
}

TEST(VoicemailWatch, WithoutABeepItWaitsForSilence) {
  const auto message = std::make_shared<const std::vector<float>>(kFrameSamples, 0.5F);
  VoicemailWatch watch(WorkflowThatSays("leave_message"), Rule::kLeaveMessage, message);
  const std::vector<float> heard = MachinesGreeting(false);
  const double speech_ends = static_cast<double>(heard.size()) / 16000 - 5.5;
  const Said said = Play(watch, heard, "please leave a message");
  EXPECT_EQ(watch.why(), "words");
  EXPECT_GT(said.begins_s, speech_ends + 2);
  EXPECT_TRUE(said.over);
}

TEST(VoicemailWatch, APersonIsLeftAlone) {
  const auto voice = OpenSynthesizer("flite", "slt").value();
  std::vector<float> heard = SynthesizeAll(*voice, "hello?").value().samples;
  heard.resize(heard.size() + 16000 * 5);
  VoicemailWatch watch(WorkflowThatSays("hang_up"), Rule::kHangUp, nullptr);
  EXPECT_LT(Play(watch, heard, "hello").machine_s, 0);
}

}  // namespace
}  // namespace sotto
