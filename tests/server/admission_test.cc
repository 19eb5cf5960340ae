#include "server/admission.h"

#include <gtest/gtest.h>

#include "scripted_voice.h"
#include "server/busy_sentence.h"
#include "server/cpu_share.h"
#include "server/text_sessions.h"

namespace sotto {
namespace {

using Measure = Admission::Measure;
using std::chrono::seconds;

// Two cores, and what a second of them does.
class AdmissionTest : public testing::Test {
 protected:
  void Run(int n_seconds, double cpu_share, int64_t late = 0, double waiting = 0) {
    for (int i = 0; i < n_seconds; ++i) {
      clock_.Advance(seconds(1));
      now_.cpu_time += std::chrono::duration_cast<Duration>(std::chrono::duration<double>(2 * cpu_share));
      now_.late_frames += late;
      now_.waited += std::chrono::duration_cast<Duration>(std::chrono::duration<double>(waiting));
      admission_.Observe(now_);
    }
  }
  bool Closed(Measure measure) const { return admission_.state(measure).closed; }

  FakeClock clock_;
  Admission admission_{clock_, {}, 2};
  Admission::Reading now_;
};

TEST_F(AdmissionTest, TakesPeopleInWhileThereIsRoom) {
  EXPECT_FALSE(admission_.AdmitCall());  // before anything was measured
  Run(20, 0.6, 1, 100);
  EXPECT_NEAR(admission_.state(Measure::kCpu).load, 0.6, 1e-6);
  EXPECT_NEAR(admission_.state(Measure::kLateFrames).load, 1, 1e-6);
  EXPECT_NEAR(admission_.state(Measure::kQueue).load, 100, 1e-3);
  EXPECT_FALSE(admission_.AdmitCall());
  EXPECT_FALSE(admission_.AdmitSession(true));
}

TEST_F(AdmissionTest, ABusyProcessorIsNoReasonAgainstWritingAlone) {
  Run(10, 0.95);
  const auto refused = admission_.AdmitCall();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->retry_after_s, 5);
  EXPECT_TRUE(admission_.AdmitSession(true));
  EXPECT_FALSE(admission_.AdmitSession(false));
}

TEST_F(AdmissionTest, LateFramesAndQueuesKeepEverybodyOut) {
  Run(10, 0.1, 6);
  EXPECT_TRUE(Closed(Measure::kLateFrames));
  EXPECT_TRUE(admission_.AdmitSession(false));
  Run(60, 0.1);
  EXPECT_FALSE(admission_.AdmitSession(false));
  Run(10, 0.1, 0, 501);
  EXPECT_TRUE(Closed(Measure::kQueue));
  EXPECT_TRUE(admission_.AdmitCall());
  EXPECT_TRUE(admission_.AdmitSession(false));
}

TEST_F(AdmissionTest, OneMomentDecidesNothing) {
  Run(10, 0.5);
  Run(1, 1.0, 20);  // 0.6 and 4 over the window
  EXPECT_FALSE(admission_.AdmitCall());
}

TEST_F(AdmissionTest, OpensAgainOnlyAfterCalm) {
  Run(10, 0.95);
  ASSERT_TRUE(Closed(Measure::kCpu));
  Run(30, 0.75);  // below the limit, but not below four fifths of it
  EXPECT_TRUE(Closed(Measure::kCpu));
  Run(4, 0.5);
  Run(2, 1.0);  // not calm after all: 0.7 over the window
  Run(8, 0.5);  // calm again for four seconds
  EXPECT_TRUE(Closed(Measure::kCpu));
  EXPECT_TRUE(admission_.AdmitCall());
  Run(1, 0.5);
  EXPECT_FALSE(Closed(Measure::kCpu));
  EXPECT_FALSE(admission_.AdmitCall());
}

// 0.60 of two cores are used, 0.85 may be: room for 0.50 cores, which are twelve calls of 0.04.
TEST_F(AdmissionTest, ThoseWhoCameJustNowCountBeforeTheyAreMeasured) {
  Run(10, 0.6);
  int let_in = 0;
  while (let_in < 100 && !admission_.AdmitCall()) ++let_in;
  EXPECT_EQ(let_in, 12);
  EXPECT_FALSE(Closed(Measure::kCpu));
  Run(3, 0.6);  // some of them are seen by now
  let_in = 0;
  while (let_in < 100 && !admission_.AdmitCall()) ++let_in;
  EXPECT_GT(let_in, 3);
  EXPECT_LT(let_in, 12);
}

TEST_F(AdmissionTest, ALimitOfNothingIsNotLookedAt) {
  Admission admission(clock_, {.most_cpu = 0, .most_late = 0, .most_waiting = 0}, 2);
  for (int i = 0; i < 10; ++i) {
    clock_.Advance(seconds(1));
    admission.Observe({seconds(20 * i), 1000 * i, seconds(10000 * i)});
  }
  EXPECT_FALSE(admission.AdmitCall());
  EXPECT_FALSE(admission.AdmitSession(true));
}

TEST(CpuShare, ReadsTheQuotaOfAContainer) {
  EXPECT_EQ(CoresOfQuota("150000 100000\n"), 1.5);
  EXPECT_EQ(CoresOfQuota("max 100000\n"), 0);
  EXPECT_EQ(CoresOfQuota(""), 0);
  EXPECT_EQ(CoresOfQuota("-1 100000"), 0);
  EXPECT_EQ(CoresOfQuota("5 0"), 0);
  EXPECT_GT(UsableCores(), 0);
  EXPECT_GT(ProcessCpuTime(), Duration::zero());
}

TEST(BusySentence, IsSaidToItsEndAndThenHungUp) {
  const auto line = std::make_shared<HeardLine>();
  int over = 0;
  BusySentence sentence(std::make_shared<std::vector<float>>(1000, 0.5f), line, [&] { ++over; });
  int steps = 1;
  while (sentence.Step(Duration::zero())) ++steps;
  EXPECT_EQ(over, 1);
  EXPECT_EQ(steps, 7 + 29);
  EXPECT_NEAR(LoudnessOf(std::span(line->audio).first(1000)), 0.5, 1e-6);
  EXPECT_EQ(LoudnessOf(std::span(line->audio).subspan(1000)), 0);
}

// What closes it here, refuses there: calls and sessions, and the metrics say so.
TEST(BusyServer, RefusesCallsAndSessionsAndSaysTheSentence) {
  FakeClock load_clock;
  Admission admission(load_clock, {}, 1);
  for (int i = 0; i < 10; ++i) {
    load_clock.Advance(seconds(1));
    admission.Observe({Duration::zero(), 100 * i, Duration::zero()});
  }
  ScriptedVoice world;
  const SystemClock clock;
  Scheduler scheduler(clock, {.threads = 1});
  TextSessions sessions({.clock = &clock, .metrics = &world.metrics, .admission = &admission}, {});
  std::optional<Problem> problem;
  sessions.Begin(world.served, "me", nullptr, {}, "",
                 [&](TextSessions::Answer answer) { problem = answer.error(); });
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->status, 503);
  EXPECT_GT(problem->retry_after_s, 0);

  VoiceCalls calls(
      {.scheduler = &scheduler, .clock = &clock, .metrics = &world.metrics, .admission = &admission}, {});
  EXPECT_TRUE(calls.full());
  const auto refused = [&](const std::shared_ptr<HeardLine>& line) {
    std::atomic<bool> told{false};
    std::optional<Problem> why;
    calls.Open(world.served, VoiceCalls::OptionsFor(*world.served, "phone"), line,
               [&](tl::expected<VoiceCalls::CallPtr, Problem> call) {
                 why = call.error();
                 told = true;
                 told.notify_all();
               });
    told.wait(false);
    return why->status;
  };
  const auto program = std::make_shared<HeardLine>();
  EXPECT_EQ(refused(program), 503);
  EXPECT_TRUE(program->audio.empty());
  const auto telephone = std::make_shared<HeardLine>();
  telephone->hears = true;
  EXPECT_EQ(refused(telephone), 503);
  EXPECT_GT(telephone->audio.size(), 2u * kSampleRateHz);  // two sentences
  EXPECT_GT(LoudnessOf(telephone->audio), 0.01);
  EXPECT_EQ(calls.size(), 0u);

  world.metrics.Load(admission);
  const std::string text = world.metrics.Text({}, 0);
  EXPECT_NE(text.find("sotto_admission_closed{measure=\"late_frames\"} 1"), std::string::npos) << text;
  EXPECT_NE(text.find("sotto_admission_closed{measure=\"cpu\"} 0"), std::string::npos);
  EXPECT_NE(text.find("sotto_load{measure=\"late_frames\"} 100"), std::string::npos);
  EXPECT_NE(text.find("sotto_refused_total{reason=\"load\"} 3"), std::string::npos);
}

}  // namespace
}  // namespace sotto
