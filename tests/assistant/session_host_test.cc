#include "assistant/session_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assistant/step_clock.h"
#include "base/unique_id.h"
#include "speech/flite.h"
#include "temp_folder.h"

namespace sotto {
namespace {

DeploymentSources Banking() {
  DeploymentSources sources;
  sources.workflow = SOTTO_SOURCE_DIR "/workflows/banking";
  sources.databases = ":memory:";
  return sources;
}

Caller Customer(const std::string& channel) {
  Caller caller;
  caller.customer = "1";
  caller.channel = channel;
  caller.verified_by = "test";
  return caller;
}

// The host's sessions find the same bank, in writing and by voice; a reload is of no concern to those that
// have begun.
TEST(SessionHost, ServesInWritingAndByVoiceAcrossReloads) {
  const TempFolder folder;
  const std::filesystem::path turns = folder.path() / "turns.jsonl";
  std::vector<TurnRecord> spoken;
  std::string written;
  {
    auto opened = SessionHost::Open({.real_time = false, .turns = turns.string()});
    ASSERT_TRUE(opened) << opened.error().message;
    SessionHost& host = **opened;
    StartTimes times;
    const auto deployed = host.Deploy(Banking(), &times);
    ASSERT_TRUE(deployed) << deployed.error().message;
    EXPECT_GE(times.size(), 4u);
    const std::weak_ptr<const Deployment> first = host.deployment();

    StepClock clock;
    VoiceSession::Callbacks callbacks;
    callbacks.on_turn = [&](const TurnRecord& record) { spoken.push_back(record); };
    VoiceOptions options = SessionHost::OptionsOf(*host.deployment(), Customer("voice"));
    options.front_end.echo_cancellation = false;
    auto call = host.NewVoiceSession(options, callbacks, clock);
    ASSERT_TRUE(call) << call.error().message;
    ASSERT_TRUE(host.Deploy(Banking()));
    ASSERT_NE(host.deployment(), first.lock());

    std::vector<float> loudspeaker(kFrameSamples);
    const auto step = [&](std::span<const float> frame) {
      clock.NextStep();
      (*call)->Step(frame, loudspeaker);
    };
    const std::vector<float> silence(kFrameSamples);
    (*call)->Start();
    while (!(*call)->waiting()) step(silence);
    const auto voice = FliteSynthesizer::Create("awb");
    ASSERT_TRUE(voice);
    const auto audio = SynthesizeAll(**voice, "what is my savings balance");
    ASSERT_TRUE(audio);
    for (size_t i = 0; i + kFrameSamples <= audio->samples.size(); i += kFrameSamples) {
      step({audio->samples.data() + i, kFrameSamples});
    }
    for (int i = 0; i < 150 || !(*call)->waiting(); ++i) step(silence);
    call->reset();
    EXPECT_TRUE(first.expired()) << "the first deployment went with its last session";
  }
  ASSERT_EQ(spoken.size(), 2u);
  EXPECT_THAT(spoken.back().reply.text, testing::HasSubstr("savings"));
  EXPECT_THAT(spoken.back().errors, testing::IsEmpty());
  const auto records = ReadTurnRecords(turns);
  ASSERT_TRUE(records) << records.error().message;
  ASSERT_EQ(records->size(), 2u) << "records are written before the host has gone";
  EXPECT_EQ(ToJson(records->back()), ToJson(spoken.back()));
}

TEST(SessionHost, KeepsConversationsInWriting) {
  const TempFolder folder;
  const HostOptions options{.sessions = (folder.path() / "sessions.db").string(),
                            .turns = (folder.path() / "turns.jsonl").string()};
  DeploymentSources sources = Banking();
  sources.spoken = false;
  const std::string id = UniqueId();
  for (int life = 0; life < 2; ++life) {
    auto host = SessionHost::Open(options);
    ASSERT_TRUE(host) << host.error().message;
    ASSERT_TRUE((*host)->Deploy(sources));
    auto chat = (*host)->NewTextSession(id, Customer("text"));
    ASSERT_TRUE(chat) << chat.error().message;
    (*chat)->Begin();
    EXPECT_EQ((*chat)->resumed(), life == 1);
    EXPECT_THAT((*chat)->Say("what is my savings balance").reply.text, testing::HasSubstr("savings"));
  }
  const auto records = ReadTurnRecords(options.turns);
  ASSERT_TRUE(records);
  EXPECT_EQ(records->size(), 4u);
}

TEST(SessionHost, ADeploymentThatCannotBeOpenedChangesNothing) {
  auto host = SessionHost::Open({});
  ASSERT_TRUE(host);
  DeploymentSources sources = Banking();
  sources.spoken = false;
  ASSERT_TRUE((*host)->Deploy(sources));
  const auto before = (*host)->deployment();
  sources.model = "/no/such/model.gguf";
  const auto failed = (*host)->Deploy(sources);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, testing::HasSubstr("/no/such/model.gguf"));
  EXPECT_EQ((*host)->deployment(), before);
}

TEST(SessionHost, SaysWhichFileCannotBeOpened) {
  const auto host = SessionHost::Open({.sessions = "/no/such/folder/sessions.db"});
  ASSERT_FALSE(host);
  EXPECT_THAT(host.error().message, testing::HasSubstr("/no/such/folder/sessions.db"));
}

}  // namespace
}  // namespace sotto
