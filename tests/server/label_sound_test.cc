// Turns that wait for labels, heard over HTTP by who may.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assistant/open_deployment.h"
#include "assistant/session_host.h"
#include "base/http_client.h"
#include "base/mapped_file.h"
#include "base/utc.h"
#include "flywheel/log_records.h"
#include "flywheel/turn_store.h"
#include "server/access.h"
#include "server/metrics.h"
#include "server/recordings.h"
#include "server/server.h"
#include "server/wav_file.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

class LabelSoundOverHttp : public testing::Test {
 protected:
  // A call of ten seconds in which one turn was said from 4 to 5.5 s, and a typed conversation.
  void SetUp() override {
    const auto store = *TurnStore::Open(folder_ / "turns.sqlite");
    LoggedSession spoken("call-1"), typed("typed-1");
    const auto lost = [](LoggedSession& session, const char* words) -> TurnRecord& {
      TurnRecord& record = session.Say(words, {{"intent_unclear", Json::object()}}, 0.2);
      record.outcome = TurnRecord::Outcome::kNotUnderstood;
      record.at = UtcStamp(std::chrono::system_clock::now() + std::chrono::seconds(4));
      return record;
    };
    TurnRecord& turn = lost(spoken, "can you send me a chequebook");
    turn.channel = "voice";
    turn.times.speech_start = 4000;
    turn.times.speech_end = 5500;
    lost(typed, "is there a machine for coins");
    ASSERT_TRUE(store->AddAll(spoken.records, "live"));
    ASSERT_TRUE(store->AddAll(typed.records, "live"));
    {
      const SystemClock clock;
      Scheduler scheduler(clock);
      ServerMetrics metrics;
      const auto recordings =
          Recordings::Open({&clock, &scheduler, &metrics, nullptr}, folder_ / "recordings").value();
      const auto recording = recordings->Begin({"call-1", "banking", "voice", 2}).value();
      const std::vector<float> loud(kFrameSamples, 0.25f), silence(kFrameSamples, 0);
      for (int i = 0; i < 1000; ++i)
        recording->Add(TimePoint{} + std::chrono::milliseconds(10 * i), i < 400 || i >= 550 ? silence : loud,
                       loud);
      recording->Finish();
    }
    KeyFile keys;
    for (const auto& [name, scopes] :
         {std::pair{"ana", std::vector<std::string>{scope::kLabel}},
          std::pair{"ben", std::vector<std::string>{scope::kLabel, scope::kRecordings}},
          std::pair{"cy", std::vector<std::string>{scope::kRecordings}}})
      keys_[name] = keys.Add({.name = name, .scopes = scopes}).value();
    ASSERT_TRUE(keys.Write(folder_ / "keys.json"));
    host_ = SessionHost::Open({.threads = 1}).value();
    Scheduler& scheduler = host_->scheduler();
    auto deployment =
        OpenDeployment(
            {.workflow = SOTTO_SOURCE_DIR "/workflows/banking", .databases = folder_.path(), .spoken = false},
            {scheduler, scheduler})
            .value();
    const auto served =
        std::make_shared<ServedWorkflow>(ServedWorkflow{"banking", std::move(deployment), {}});
    ServerOptions options;
    options.recordings = folder_ / "recordings";
    options.access.keys = folder_ / "keys.json";
    LabelDesk::Options desk;
    desk.input.store = folder_ / "turns.sqlite";
    desk.rights_file = folder_ / "labellers";
    options.desks.try_emplace("banking", std::make_shared<LabelDesk>(BankingWorkflow(), desk));
    server_ = Server::Start({&host_->clock(), &scheduler, nullptr, nullptr}, std::move(options),
                            [served]() -> Result<std::vector<ServedWorkflowPtr>> {
                              return std::vector<ServedWorkflowPtr>{served};
                            })
                  .value();
  }

  HttpAnswer Ask(const std::string& who, const std::string& where, const std::string& body = "") {
    return http_
        ->Send(
            {.method = body.empty() ? "GET" : "POST",
             .url = server_->url() + where,
             .headers = {{"Authorization", "Bearer " + keys_.at(who)}, {"Content-Type", "application/json"}},
             .body = body,
             .timeout = std::chrono::milliseconds(60000),
             .max_answer_bytes = size_t{1} << 24})
        .value();
  }
  Json ItemOf(const std::string& who, const std::string& session) {
    const Json page = Json::parse(Ask(who, "/v1/labels/queue?anew=true").body);
    for (const Json& item : page["items"])
      if (item["session"] == session) return item;
    return {};
  }

  TempFolder folder_;
  std::map<std::string, std::string> keys_;
  std::unique_ptr<SessionHost> host_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<HttpClient> http_ = MakeHttpClient();
};

TEST_F(LabelSoundOverHttp, IsTheTurnAloneAndForWhoMayHearIt) {
  const std::string audio = "/v1/labels/audio?session=call-1&turn=1";
  EXPECT_EQ(Ask("ben", audio).status, 404);  // nothing waits yet: nobody asked for the queue
  EXPECT_TRUE(ItemOf("ana", "call-1")["recording"].is_null());
  const HttpAnswer refused = Ask("ana", audio);
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("recordings"));
  EXPECT_EQ(Ask("cy", audio).status, 403);

  const Json item = ItemOf("ben", "call-1");
  EXPECT_NEAR(item["recording"]["seconds"].get<double>(), 2.0, 0.01);
  EXPECT_EQ(item["recording"]["silenced"], false);
  EXPECT_TRUE(ItemOf("ben", "typed-1")["recording"].is_null());
  const HttpAnswer heard = Ask("ben", audio);
  ASSERT_EQ(heard.status, 200);
  EXPECT_EQ(heard.Header("content-type"), "audio/wav");
  EXPECT_EQ(ReadWavHeader(heard.body).value_or(0), 16000);
  EXPECT_EQ(heard.body.size(), kWavHeaderBytes + 2 * 16000 * 4);
  // 300 ms of what was before, the words, 200 ms of what was after: of the caller, not of who spoke all the time.
  const auto sample = [&](double s) {
    const size_t at = kWavHeaderBytes + static_cast<size_t>(s * 16000) * 4;
    return static_cast<int16_t>(static_cast<unsigned char>(heard.body[at]) |
                                static_cast<unsigned char>(heard.body[at + 1]) << 8);
  };
  EXPECT_EQ(sample(0.29), 0);
  EXPECT_GT(sample(0.31), 8000);
  EXPECT_GT(sample(1.79), 8000);
  EXPECT_EQ(sample(1.81), 0);

  EXPECT_EQ(Ask("ben", "/v1/labels/audio?session=typed-1&turn=1").status, 404);
  EXPECT_EQ(Ask("ben", "/v1/labels/audio?session=call-1&turn=2").status, 404);
  EXPECT_EQ(Ask("ben", "/v1/labels/audio?session=call-1&turn=x").status, 400);
  EXPECT_EQ(Ask("ben", "/v1/labels/audio?turn=1").status, 400);
  EXPECT_EQ(Ask("ben", audio + "&workflow=other").status, 404);
  // What is labelled waits no longer, and is heard no longer.
  EXPECT_EQ(Ask("ben", "/v1/labels", R"({"session": "call-1", "turn": 1, "answer": "n"})").status, 201);
  EXPECT_EQ(Ask("ben", audio).status, 404);
  ASSERT_TRUE(WriteFileAtomically(folder_ / "labellers", "ana\n"));
  EXPECT_EQ(Ask("ben", "/v1/labels/audio?session=typed-1&turn=1").status, 403);
}

}  // namespace
}  // namespace sotto
