// Recordings of calls: what is on the disk is measured.
#include <sys/stat.h>

#include <fstream>

#include "assistant/session_host.h"
#include "base/http_client.h"
#include "base/mapped_file.h"
#include "core/pcm16.h"
#include "scripted_voice.h"
#include "server/recordings.h"
#include "server/secret_watch.h"
#include "server/server.h"
#include "server/turn_sound.h"
#include "server/wav_file.h"
#include "server/webhooks.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

using std::chrono::hours;
using testing::HasSubstr;

struct Stereo {
  std::vector<float> caller;
  std::vector<float> assistant;

  double Loudness(const std::vector<float>& side, double from_s, double to_s) const {
    const auto at = [&](double s) {
      return std::min(side.size(), static_cast<size_t>(s * CallRecording::kRateHz));
    };
    return LoudnessOf(std::span(side).subspan(at(from_s), at(to_s) - at(from_s)));
  }
  double seconds() const { return static_cast<double>(caller.size()) / CallRecording::kRateHz; }
};

Stereo ReadStereo(const std::filesystem::path& path) {
  const std::string bytes = ReadFile(path).value();
  EXPECT_EQ(ReadWavHeader(bytes).value_or(0), CallRecording::kRateHz);
  const std::vector<float> both = FromPcm16Bytes(std::string_view(bytes).substr(kWavHeaderBytes));
  EXPECT_EQ(bytes.substr(0, kWavHeaderBytes), WavHeader(CallRecording::kRateHz, both.size() * 2));
  Stereo stereo;
  for (size_t i = 0; i + 1 < both.size(); i += 2) {
    stereo.caller.push_back(both[i]);
    stereo.assistant.push_back(both[i + 1]);
  }
  return stereo;
}

mode_t RightsOf(const std::filesystem::path& path) {
  struct stat status {};
  EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 0777;
}

TEST(WavFile, IsWholeAfterEveryWrite) {
  const TempFolder folder;
  const std::filesystem::path path = folder.path() / "a.wav";
  auto file = WavFile::Create(path, 16000).value();
  EXPECT_EQ(RightsOf(path), 0600u);
  const std::vector<int16_t> samples(3200, 16384);  // 100 ms
  ASSERT_TRUE(file.Write(0, samples));
  EXPECT_NEAR(ReadStereo(path).seconds(), 0.1, 1e-9);
  ASSERT_TRUE(file.Write(4800, samples));  // 200 ms were never written
  ASSERT_TRUE(file.Erase(800, 400));
  ASSERT_TRUE(file.Extend(8000));
  const Stereo heard = ReadStereo(path);
  EXPECT_NEAR(heard.seconds(), 0.5, 1e-9);
  EXPECT_NEAR(heard.Loudness(heard.caller, 0, 0.05), 0.5, 0.001);
  EXPECT_EQ(heard.Loudness(heard.assistant, 0.05, 0.075), 0);
  EXPECT_NEAR(heard.Loudness(heard.assistant, 0.075, 0.1), 0.5, 0.001);
  EXPECT_EQ(heard.Loudness(heard.caller, 0.1, 0.3), 0);
  EXPECT_NEAR(heard.Loudness(heard.caller, 0.3, 0.4), 0.5, 0.001);
  EXPECT_EQ(heard.Loudness(heard.caller, 0.4, 0.5), 0);
  EXPECT_FALSE(WavFile::Create(path, 16000));  // never over another
}

TEST(WavFile, ARepairedHeaderSaysWhatIsThere) {
  const TempFolder folder;
  const std::filesystem::path path = folder.path() / "a.wav";
  {
    std::ofstream stream(path, std::ios::binary);
    stream << WavHeader(16000, 0) << std::string(16000 * 4 + 3, '\1');
  }
  EXPECT_EQ(RepairWav(path).value_or(0), 16000u);
  EXPECT_NEAR(ReadStereo(path).seconds(), 1, 1e-9);
  std::ofstream(path, std::ios::binary) << "RIFF";
  EXPECT_FALSE(RepairWav(path));
  std::ofstream(path, std::ios::binary) << std::string(100, 'x');
  EXPECT_FALSE(RepairWav(path));
  EXPECT_FALSE(ReadWavHeader(WavHeader(16000, 4).replace(22, 1, "\1")));  // mono
}

// Frames of a constant, so that loudness tells who is heard when.
class RecordingTest : public testing::Test {
 protected:
  void SetUp() override { recordings_ = Open(folder_.path() / "recordings"); }
  std::unique_ptr<Recordings> Open(const std::filesystem::path& folder) {
    return Recordings::Open({&clock_, &scheduler_, &metrics_, nullptr}, folder).value();
  }
  std::shared_ptr<CallRecording> Begin() {
    return recordings_->Begin({"session-1", "banking", "phone", 2}).value();
  }
  void Add(CallRecording& recording, int ms, float caller, float assistant) {
    const std::vector<float> left(kFrameSamples, caller);
    const std::vector<float> right(kFrameSamples, assistant);
    for (int i = 0; i < ms / 10; ++i) {
      recording.Add(clock_.Now(), left, right);
      clock_.Advance(milliseconds(10));
    }
  }
  Stereo Heard(const std::string& id) const { return ReadStereo(recordings_->FileOf(id)); }

  TempFolder folder_;
  FakeClock clock_;
  Scheduler scheduler_{clock_};
  ServerMetrics metrics_;
  std::unique_ptr<Recordings> recordings_;
};

TEST_F(RecordingTest, TheCallerIsLeftAndTheAssistantRight) {
  EXPECT_EQ(RightsOf(folder_.path() / "recordings"), 0700u);
  const auto recording = Begin();
  Add(*recording, 1500, 0.25f, 0);
  Add(*recording, 1000, 0, 0.5f);
  EXPECT_EQ(recordings_->Find(recording->id())->at("state"), "recording");
  EXPECT_TRUE(recordings_->FileOf(recording->id()).empty());
  recording->Finish();
  const Stereo heard = Heard(recording->id());
  EXPECT_NEAR(heard.seconds(), 2.5, 1e-9);
  EXPECT_NEAR(heard.Loudness(heard.caller, 0, 1.5), 0.25, 0.001);
  EXPECT_EQ(heard.Loudness(heard.caller, 1.5, 2.5), 0);
  EXPECT_EQ(heard.Loudness(heard.assistant, 0, 1.5), 0);
  EXPECT_NEAR(heard.Loudness(heard.assistant, 1.5, 2.5), 0.5, 0.001);
  const Json view = *recordings_->Find(recording->id());
  EXPECT_EQ(view["state"], "ready");
  EXPECT_EQ(view["complete"], true);
  EXPECT_EQ(view["seconds"], 2.5);
  EXPECT_EQ(view["session"], "session-1");
  EXPECT_EQ(RightsOf(recordings_->FileOf(recording->id())), 0600u);
  const std::filesystem::path facts = folder_.path() / "recordings" / (recording->id() + ".json");
  EXPECT_EQ(RightsOf(facts), 0600u);
}

TEST_F(RecordingTest, APauseIsSilenceOfTheSameLength) {
  const auto recording = Begin();
  Add(*recording, 1000, 0.25f, 0.25f);
  recording->Ask(true);
  EXPECT_EQ(recordings_->Find(recording->id())->at("state"), "paused");
  Add(*recording, 3000, 0.25f, 0.25f);
  recording->Ask(false);
  Add(*recording, 1000, 0.25f, 0.25f);
  recording->Finish();
  const Stereo heard = Heard(recording->id());
  EXPECT_NEAR(heard.seconds(), 5, 1e-9);
  EXPECT_NEAR(heard.Loudness(heard.caller, 0, 1), 0.25, 0.001);
  EXPECT_EQ(heard.Loudness(heard.caller, 1, 4), 0);
  EXPECT_EQ(heard.Loudness(heard.assistant, 1, 4), 0);
  EXPECT_NEAR(heard.Loudness(heard.caller, 4, 5), 0.25, 0.001);
  EXPECT_EQ(recordings_->Find(recording->id())->at("silenced"), Json::parse("[[1.0, 4.0]]"));
}

TEST_F(RecordingTest, WhatTurnsOutToBeASecretIsOverwrittenWhereverItIs) {
  const auto recording = Begin();
  Add(*recording, 5000, 0.25f, 0.25f);  // most of it has been written
  recording->Erase(TimePoint{} + milliseconds(1500));
  Add(*recording, 1000, 0.25f, 0.25f);
  recording->Finish();
  const Stereo heard = Heard(recording->id());
  EXPECT_NEAR(heard.Loudness(heard.caller, 0, 1.5), 0.25, 0.001);
  EXPECT_EQ(heard.Loudness(heard.caller, 1.5, 5), 0);
  EXPECT_EQ(heard.Loudness(heard.assistant, 1.5, 5), 0);
  EXPECT_NEAR(heard.Loudness(heard.caller, 5, 6), 0.25, 0.001);
}

TEST_F(RecordingTest, WhatIsNotDecidedIsNotWritten) {
  const auto recording = Begin();
  Add(*recording, 3000, 0.25f, 0);
  recording->Doubt(clock_.Now());
  Add(*recording, 10000, 0.5f, 0);
  const std::filesystem::path file = folder_.path() / "recordings" / (recording->id() + ".wav");
  EXPECT_LE(ReadStereo(file).seconds(), 3);
  recording->Erase(TimePoint{} + milliseconds(3000));
  recording->Decided();
  Add(*recording, 2000, 0.25f, 0);
  EXPECT_GT(ReadStereo(file).seconds(), 13);
  recording->Finish();
  EXPECT_EQ(Heard(recording->id()).Loudness(Heard(recording->id()).caller, 3, 13), 0);
}

TEST_F(RecordingTest, AHeldCallLeavesItsTime) {
  const auto recording = Begin();
  Add(*recording, 1000, 0.25f, 0.25f);
  clock_.Advance(milliseconds(7000));
  Add(*recording, 1000, 0.25f, 0.25f);
  recording->Finish();
  const Stereo heard = Heard(recording->id());
  EXPECT_NEAR(heard.seconds(), 9, 1e-9);
  EXPECT_EQ(heard.Loudness(heard.caller, 1, 8), 0);
  EXPECT_NEAR(heard.Loudness(heard.caller, 8, 9), 0.25, 0.001);
}

// What lies on the disk in the middle of a call is what a crash leaves.
TEST_F(RecordingTest, ACrashLeavesAFileThatTheNextStartFinishes) {
  const auto recording = Begin();
  Add(*recording, 4200, 0.25f, 0.5f);
  const std::filesystem::path after = folder_.path() / "after";
  std::filesystem::copy(folder_.path() / "recordings", after);
  const std::filesystem::path sound = after / (recording->id() + ".wav");
  {  // Nor was the last header written whole.
    std::fstream stream(sound, std::ios::binary | std::ios::in | std::ios::out);
    stream << WavHeader(16000, 0);
    stream.seekp(0, std::ios::end);
    stream << "x";
  }
  const auto next = Open(after);
  const Json view = *next->Find(recording->id());
  EXPECT_EQ(view["state"], "ready");
  EXPECT_EQ(view["complete"], false);
  EXPECT_GE(view["seconds"], 3.0);
  const Stereo heard = ReadStereo(next->FileOf(recording->id()));
  EXPECT_NEAR(heard.seconds(), view["seconds"].get<double>(), 1e-9);
  EXPECT_NEAR(heard.Loudness(heard.assistant, 0, 3), 0.5, 0.001);
  EXPECT_THAT(metrics_.Text({}, 0),
              HasSubstr("sotto_recordings_total{result=\"repaired\",workflow=\"banking\"} 1"));
  EXPECT_EQ(Open(after)->Find(recording->id())->at("complete"), false);  // and stays so
}

TEST_F(RecordingTest, IsDeletedWhenItsTimeIsOver) {
  const auto recording = Begin();
  Add(*recording, 1000, 0.25f, 0.25f);
  recording->Finish();
  const std::filesystem::path file = recordings_->FileOf(recording->id());
  clock_.Advance(hours(47));
  recordings_->Sweep();
  EXPECT_TRUE(std::filesystem::exists(file));
  const auto running = Begin();
  Add(*running, 1000, 0.25f, 0.25f);
  clock_.Advance(hours(50));
  recordings_->Sweep();
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_FALSE(recordings_->Find(recording->id()));
  EXPECT_TRUE(recordings_->Find(running->id()));  // nobody takes it from under a call
  EXPECT_FALSE(recordings_->Delete(running->id()));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path() / "recordings"), {}), 2);
}

TEST_F(RecordingTest, WhoeverIsToldHearsThatItIsReady) {
  // Nobody listens there: the event waits in its folder.
  const auto webhooks = Webhooks::Open(scheduler_, {.urls = {"http://127.0.0.1:1/"},
                                                    .secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                                                    .folder = folder_.path() / "events"})
                            .value();
  recordings_ =
      Recordings::Open({&clock_, &scheduler_, &metrics_, webhooks.get()}, folder_.path() / "told").value();
  const auto recording = Begin();
  Add(*recording, 1000, 0.25f, 0.25f);
  recording->Finish();
  const auto event = std::filesystem::directory_iterator(folder_.path() / "events");
  const Json body = Json::parse(Json::parse(ReadFile(event->path()).value()).at("body").get<std::string>());
  EXPECT_EQ(body["type"], "recording.ready");
  EXPECT_EQ(body["data"]["recording"], recording->id());
  EXPECT_EQ(body["data"]["session"], "session-1");
  EXPECT_EQ(body["data"]["seconds"], 1.0);
  EXPECT_EQ(body["data"]["complete"], true);
}

// The banking workflow with other lines in it.
std::filesystem::path Changed(const std::filesystem::path& folder, bool recorded) {
  const std::filesystem::path copy = folder / "banking";
  std::filesystem::copy(SOTTO_SOURCE_DIR "/workflows/banking", copy,
                        std::filesystem::copy_options::recursive);
  std::string text = ReadFile(copy / "workflow.yaml").value();
  const auto insert_after = [&](const std::string& line, size_t from, const std::string& more) {
    const size_t at = text.find(line, from);
    SOTTO_CHECK(at != std::string::npos, "{}", line);
    text.insert(at + line.size(), more);
  };
  insert_after("card_last_four:", text.find("\n  activate_card:"), "\n        secret: true");
  if (recorded) insert_after("workflow: banking\n", 0, "recording: {calls: true, keep_days: 7}\n");
  SOTTO_CHECK(WriteFileAtomically(copy / "workflow.yaml", text).has_value());
  return copy;
}

class RecordedCallTest : public testing::Test {
 protected:
  void Begin(bool recorded = true) {
    world_.emplace(Changed(folder_.path(), recorded));
    recordings_ = Recordings::Open({&world_->clock, &world_->scheduler_, &world_->metrics, nullptr},
                                   folder_.path() / "recordings")
                      .value();
    line_ = std::make_shared<HeardLine>();
    VoiceCall::Services services;
    services.recordings = recordings_.get();
    call_ = world_->Open(line_, services);
    world_->Silence(*call_, 5000);  // the greeting
  }
  double Now() const { return Milliseconds(world_->clock.Now() - TimePoint{}) / 1000; }
  struct Turn {
    double from = 0;
    double to = 0;
  };
  // When it was said.
  Turn Say(const std::string& text, int ms = 1500) {
    Turn turn{Now(), 0};
    world_->Say(*call_, text, ms);
    turn.to = Now();
    world_->Silence(*call_, 7000);
    return turn;
  }
  Stereo Finish() {
    call_->HangUp("hung_up");
    world_->Step(*call_);
    const Json list = recordings_->List("")["recordings"];
    SOTTO_CHECK(list.size() == 1, "{}", list.dump());
    view_ = list[0];
    return ReadStereo(recordings_->FileOf(view_["id"]));
  }

  // What somebody who labels hears of a turn whose words begin so.
  LabelItem ItemOf(const std::string& words) const {
    LabelItem item;
    for (const TurnRecord& turn : line_->turns) {
      if (!turn.heard.text.starts_with(words)) continue;
      item.session = turn.session;
      item.at = turn.at;
      item.speech_start_ms = turn.times.speech_start;
      item.speech_end_ms = turn.times.speech_end;
    }
    return item;
  }
  Stereo HeardOf(const TurnSound& sound) const {
    const std::filesystem::path file = folder_.path() / "turn.wav";
    EXPECT_TRUE(WriteFileAtomically(file, CutTurn(sound).value_or("")));
    return ReadStereo(file);
  }

  TempFolder folder_;
  std::optional<ScriptedVoice> world_;
  std::unique_ptr<Recordings> recordings_;
  std::shared_ptr<HeardLine> line_;
  std::shared_ptr<VoiceCall> call_;
  Json view_;
};

TEST_F(RecordedCallTest, IsSilentWhereASecretIsAskedForAndSaid) {
  Begin();
  const Turn asked = Say("activate my card");
  ASSERT_THAT(line_->replies.back(), HasSubstr("last four digits"));
  const Turn secret = Say("four five three two");
  const Turn after = Say("what is my savings balance");
  const Stereo heard = Finish();
  EXPECT_NEAR(heard.seconds(), Now(), 0.05);
  EXPECT_GT(heard.Loudness(heard.assistant, 0, asked.from), 0.01);  // the greeting
  EXPECT_GT(heard.Loudness(heard.caller, asked.from, asked.to), 0.01);
  EXPECT_EQ(heard.Loudness(heard.caller, secret.from - 0.3, secret.to), 0);
  EXPECT_GT(heard.Loudness(heard.caller, after.from, after.to), 0.01);
  EXPECT_GT(heard.Loudness(heard.assistant, after.to, after.to + 6), 0.01);
  EXPECT_GE(view_["silenced"].size(), 1u);
  EXPECT_EQ(view_["workflow"], "banking");
}

// A turn that is labelled is heard by itself: its own words, nobody else's.
TEST_F(RecordedCallTest, ATurnIsCutOutWhereItsWordsAre) {
  Begin();
  const Turn asked = Say("activate my card");
  Say("four five three two");
  Say("what is my savings balance", 2500);
  EXPECT_FALSE(recordings_->SoundOfTurn(ItemOf("activate my card")));  // the call goes on
  Finish();
  const auto sound = recordings_->SoundOfTurn(ItemOf("activate my card"));
  ASSERT_TRUE(sound);
  EXPECT_NEAR(static_cast<double>(sound->from_ms) / 1000, asked.from, 0.6);
  EXPECT_NEAR(static_cast<double>(sound->to_ms) / 1000, asked.to, 0.6);
  const Stereo heard = HeardOf(*sound);
  EXPECT_NEAR(heard.seconds(), sound->seconds(), 1e-9);
  EXPECT_GT(heard.Loudness(heard.caller, 0.3, heard.seconds() - 0.2), 0.01);
  EXPECT_EQ(heard.caller, heard.assistant);  // in both ears
  EXPECT_FALSE(sound->silenced);
  const auto secret = recordings_->SoundOfTurn(ItemOf("four five"));
  ASSERT_TRUE(secret);
  EXPECT_TRUE(secret->silenced);
  const Stereo silence = HeardOf(*secret);
  EXPECT_GT(silence.seconds(), 1);
  EXPECT_EQ(silence.Loudness(silence.caller, 0, silence.seconds()), 0);
  const auto long_one = recordings_->SoundOfTurn(ItemOf("what is"));
  ASSERT_TRUE(long_one);
  EXPECT_GT(long_one->seconds(), sound->seconds() + 0.5);

  // The same from the folder alone, which nobody serves.
  std::vector<std::string> errors;
  ASSERT_TRUE(WriteFileAtomically(folder_.path() / "recordings" / "torn.json", "{\"session\""));
  const auto found = ReadRecordings(folder_.path() / "recordings", 60, &errors);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(errors.size(), 1u);
  const auto again = FindSound(ItemOf("activate my card"), folder_.path() / "recordings", *found);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->from_ms, sound->from_ms);
  EXPECT_EQ(again->file, sound->file);
  EXPECT_TRUE(ReadRecordings(folder_.path() / "recordings", 8 * 86400, &errors)->empty());  // kept no longer
  EXPECT_FALSE(ReadRecordings(folder_.path() / "nowhere", 0, &errors));

  LabelItem item = ItemOf("activate my card");
  item.at = "1969-01-01T00:00:00Z";  // before the call
  EXPECT_FALSE(recordings_->SoundOfTurn(item));
  item = ItemOf("activate my card");
  item.session = "another";
  EXPECT_FALSE(recordings_->SoundOfTurn(item));
  item = ItemOf("activate my card");
  item.speech_start_ms = item.speech_end_ms = 1e7;  // beyond its end
  EXPECT_FALSE(recordings_->SoundOfTurn(item));
  item.speech_start_ms = item.speech_end_ms = -1;  // typed
  EXPECT_FALSE(recordings_->SoundOfTurn(item));
}

TEST_F(RecordedCallTest, ACardNumberThatNobodyAskedForIsNotHeardAgain) {
  Begin();
  const Turn before = Say("what is my savings balance");
  const Turn secret =
      Say("my card number is four one one one one one one one one one one one one one one one", 6000);
  const Turn after = Say("what is my savings balance");
  const Stereo heard = Finish();
  EXPECT_GT(heard.Loudness(heard.caller, before.from, before.to), 0.01);
  EXPECT_EQ(heard.Loudness(heard.caller, secret.from, secret.to), 0);
  EXPECT_GT(heard.Loudness(heard.caller, after.from, after.to), 0.01);
}

TEST_F(RecordedCallTest, ThePersonOnTheLineMayPauseIt) {
  Begin();
  call_->PauseRecording(true);
  const Turn paused = Say("what is my savings balance");
  call_->PauseRecording(false);
  const Turn heard_turn = Say("what is my savings balance");
  const Stereo heard = Finish();
  EXPECT_EQ(heard.Loudness(heard.caller, paused.from, paused.to), 0);
  EXPECT_EQ(heard.Loudness(heard.assistant, paused.to, paused.to + 4), 0);
  EXPECT_GT(heard.Loudness(heard.caller, heard_turn.from, heard_turn.to), 0.01);
}

TEST_F(RecordedCallTest, NothingIsRecordedWithoutTheKey) {
  Begin(false);
  Say("what is my savings balance");
  call_->HangUp("hung_up");
  world_->Step(*call_);
  EXPECT_TRUE(recordings_->List("")["recordings"].empty());
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path() / "recordings"));
}

TEST(RecordedWorkflow, IsNotServedWithoutAFolder) {
  const TempFolder folder;
  ScriptedVoice world(Changed(folder.path(), true));
  VoiceCall::Services services;
  services.scheduler = &world.scheduler_;
  services.clock = &world.clock;
  services.metrics = &world.metrics;
  const auto call = VoiceCall::Open(world.served, services, VoiceCalls::OptionsFor(*world.served, "voice"),
                                    std::make_shared<HeardLine>());
  ASSERT_FALSE(call);
  EXPECT_THAT(call.error().message, HasSubstr("--recordings"));
  // Nor does a server begin with it.
  const SystemClock clock;
  Scheduler scheduler(clock, {.threads = 1});
  const auto server = Server::Start({&clock, &scheduler, nullptr, nullptr}, {},
                                    [&]() -> Result<std::vector<ServedWorkflowPtr>> {
                                      return std::vector<ServedWorkflowPtr>{world.served};
                                    });
  ASSERT_FALSE(server);
  EXPECT_THAT(server.error().message, HasSubstr("--recordings"));
}

// Fetched over HTTP by whoever may.
TEST(RecordingsOverHttp, AreListedHeardAndDeletedWithTheScope) {
  const TempFolder folder;
  const std::filesystem::path kept = folder.path() / "recordings";
  std::string id;
  {
    const SystemClock clock;
    Scheduler scheduler(clock);
    ServerMetrics metrics;
    const auto recordings = Recordings::Open({&clock, &scheduler, &metrics, nullptr}, kept).value();
    const auto recording = recordings->Begin({"session-1", "banking", "phone", 2}).value();
    id = recording->id();
    const std::vector<float> frame(kFrameSamples, 0.25f);
    for (int i = 0; i < 60000; ++i) recording->Add(TimePoint{} + milliseconds(10 * i), frame, frame);
    recording->Finish();
  }
  KeyFile keys;
  const std::string talker = keys.Add({.name = "talker", .scopes = {scope::kTalk}}).value();
  const std::string listener = keys.Add({.name = "listener", .scopes = {scope::kRecordings}}).value();
  ServerOptions options;
  options.recordings = kept;
  options.access.keys = folder.path() / "keys.json";
  ASSERT_TRUE(keys.Write(options.access.keys));
  const auto host = SessionHost::Open({.threads = 1}).value();
  Scheduler& scheduler = host->scheduler();
  auto deployment =
      OpenDeployment(
          {.workflow = SOTTO_SOURCE_DIR "/workflows/banking", .databases = folder.path(), .spoken = false},
          {scheduler, scheduler})
          .value();
  const auto served = std::make_shared<ServedWorkflow>(ServedWorkflow{"banking", std::move(deployment), {}});
  const auto server = Server::Start({&host->clock(), &scheduler, nullptr, nullptr}, std::move(options),
                                    [&]() -> Result<std::vector<ServedWorkflowPtr>> {
                                      return std::vector<ServedWorkflowPtr>{served};
                                    })
                          .value();
  const auto http = MakeHttpClient();
  const auto ask = [&](const std::string& method, const std::string& where, const std::string& key) {
    return http
        ->Send({.method = method,
                .url = server->url() + where,
                .headers = {{"Authorization", "Bearer " + key}},
                .timeout = milliseconds(60000),
                .max_answer_bytes = size_t{1} << 26})
        .value();
  };
  const std::string path = "/v1/recordings/" + id;
  EXPECT_EQ(ask("GET", "/v1/recordings", talker).status, 403);
  EXPECT_EQ(ask("GET", path + "/audio", talker).status, 403);
  const Json list = Json::parse(ask("GET", "/v1/recordings", listener).body);
  ASSERT_EQ(list["recordings"].size(), 1u);
  EXPECT_EQ(list["recordings"][0]["id"], id);
  EXPECT_TRUE(Json::parse(ask("GET", "/v1/recordings?session=other", listener).body)["recordings"].empty());
  EXPECT_EQ(Json::parse(ask("GET", path, listener).body)["seconds"], 600.0);
  const HttpAnswer audio = ask("GET", path + "/audio", listener);
  EXPECT_EQ(audio.status, 200);
  EXPECT_EQ(audio.Header("content-type"), "audio/wav");
  EXPECT_TRUE(audio.body == ReadFile(kept / (id + ".wav")).value());  // 38 MB
  EXPECT_EQ(ask("HEAD", path + "/audio", listener).status, 200);
  EXPECT_EQ(ask("POST", path + "/pause", listener).status, 409);
  EXPECT_EQ(ask("GET", "/v1/recordings/..%2fkeys/audio", listener).status, 400);
  EXPECT_EQ(ask("DELETE", path, listener).status, 204);
  EXPECT_EQ(ask("GET", path + "/audio", listener).status, 404);
  EXPECT_EQ(ask("DELETE", path, listener).status, 404);
  EXPECT_TRUE(std::filesystem::is_empty(kept));
}

TEST(Recording, IsAskedForAndSecretsAreNamedInTheWorkflow) {
  const auto parse = [](const std::string& head) {
    return ParseWorkflow(head + R"(
workflow: test
assistant: {name: Test, greeting: Hello}
entities:
  four: {type: digits, length: 4}
  card: {type: digits, length: 16}
tools:
  pay:
    description: Pay
    slots:
      pin_code: {entity: four, ask: the PIN}
      pineapple: {entity: four, ask: the fruit}
      number: {entity: card, ask: the number}
      voucher: {entity: card, secret: false, ask: the voucher}
      code: {entity: four, secret: true, ask: the code}
    done: Done.
    examples: [pay]
  intent_unclear: {description: Not understood, role: unclear}
)",
                         "test.yaml");
  };
  const auto parsed = parse("recording: {calls: true, keep_days: 3}");
  ASSERT_TRUE(parsed.workflow) << (parsed.mistakes.empty() ? "" : ToString(parsed.mistakes[0], "test.yaml"));
  EXPECT_TRUE(parsed.workflow->recording.calls);
  EXPECT_EQ(parsed.workflow->recording.keep_days, 3);
  std::vector<bool> secret;
  for (const Slot& slot : parsed.workflow->FindTool("pay")->slots) secret.push_back(slot.secret);
  EXPECT_EQ(secret, (std::vector<bool>{true, false, true, false, true}));
  EXPECT_FALSE(parse("").workflow->recording.calls);
  EXPECT_FALSE(parse("recording: {cals: true}").mistakes.empty());
  EXPECT_FALSE(parse("recording: {calls: true, keep_days: 0}").mistakes.empty());
}

TEST(SecretWatch, KnowsWhatIsNamedLikeASecret) {
  const TempFolder folder;
  ScriptedVoice world(Changed(folder.path(), true));
  const Workflow& workflow = world.served->deployment->workflow();
  EXPECT_TRUE(workflow.recording.calls);
  EXPECT_EQ(workflow.recording.keep_days, 7);
  EXPECT_TRUE(workflow.FindTool("activate_card")->FindSlot("card_last_four")->secret);
  EXPECT_FALSE(workflow.FindTool("cancel_card")->FindSlot("card_last_four")->secret);
  SecretWatch watch(workflow, Detector::For("en").value());
  TurnRecord record;
  record.reply.text = "What are the last four digits?";
  EXPECT_FALSE(watch.Look(record).said);
  record.heard.text = "cancel my card ending in four five three two";
  record.reply.text = "Cancel your card ending in 4532?";
  SecretWatch::Verdict verdict = watch.Look(record);
  EXPECT_FALSE(verdict.said || verdict.repeated);
  record.heard.text = "my pin is nine one one seven";
  EXPECT_TRUE(watch.Look(record).said);
  record.heard.text = "yes";
  Understanding::Call call;
  call.call = {"activate_card", {{"card_last_four", "9117"}}};
  record.understood.emplace().calls.push_back(call);
  record.reply.text = "Activate the card ending in 9 1 1 7?";
  verdict = watch.Look(record);
  EXPECT_TRUE(verdict.said && verdict.repeated);
}

}  // namespace
}  // namespace sotto
