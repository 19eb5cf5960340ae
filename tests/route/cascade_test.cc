#include "route/cascade.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "route/exact_cache.h"

namespace sotto {
namespace {

using namespace std::chrono_literals;
using Outcome = RouteStep::Outcome;

Understanding Meant(std::string tool, double confidence, Json arguments = Json::object()) {
  Understanding understanding;
  understanding.calls.push_back({ToolCall{std::move(tool), std::move(arguments)}, confidence, {}});
  understanding.confidence = confidence;
  understanding.model = "small";
  return understanding;
}

// What a scripted step was asked, and answers when it is told to.
struct Script {
  Result<Understanding> answer = Meant("balance", 0.9);
  bool at_once = true;
  std::vector<std::string> log;
  Understander::Done waiting;

  void Answer() { std::exchange(waiting, nullptr)(answer); }
};

class ScriptedStep final : public Understander {
 public:
  explicit ScriptedStep(Script& script) : script_(script) {}
  ~ScriptedStep() override { script_.log.emplace_back("end"); }
  void Begin(Conversation history, Expectation, std::vector<std::string>) override {
    script_.log.push_back(fmt::format("begin {}", history.turns.size()));
  }
  void Hear(std::string partial, Done peek) override {
    script_.log.push_back("hear " + partial);
    if (peek) peek(script_.answer);
  }
  void Commit(std::vector<Transcript::Hypothesis> hypotheses, Duration limit, Done done) override {
    script_.log.push_back(
        fmt::format("commit {} {}", hypotheses.front().text, static_cast<int>(Milliseconds(limit))));
    if (script_.at_once) {
      done(script_.answer);
    } else {
      script_.waiting = std::move(done);
    }
  }
  void Abandon() override { script_.log.emplace_back("abandon"); }

 private:
  Script& script_;
};

PlanStep Local(std::string name, Script& script, double accept, bool listens = false) {
  PlanStep step;
  step.name = std::move(name);
  step.accept.overall = accept;
  step.listens = listens;
  step.budget = 1s;
  step.make = [&script](Scheduler&) { return std::make_unique<ScriptedStep>(script); };
  return step;
}

class CascadeTest : public testing::Test {
 protected:
  std::shared_ptr<RoutePlan> TwoSteps() {
    auto plan = std::make_shared<RoutePlan>();
    plan->steps = {Local("small", small_, 0.8, true), Local("large", large_, 0.5)};
    plan->fingerprint = "1";
    return plan;
  }
  // One turn; nullopt: not told yet.
  void Say(Understander& cascade, std::string text, Duration limit = 5s) {
    told_ = 0;
    cascade.Commit({{std::move(text)}}, limit, [this](Result<Understanding> answer) {
      ++told_;
      answer_ = std::move(answer);
    });
  }
  std::string RouteText() const {
    std::string text;
    for (const RouteStep& step : answer_->route)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", step.step, OutcomeName(step.outcome));
    return text;
  }

  FakeClock clock_;
  Scheduler scheduler_{clock_};
  Script small_;
  Script large_;
  Script third_;
  int told_ = 0;
  Result<Understanding> answer_ = Meant("none", 0);
};

TEST_F(CascadeTest, WhoIsSureAnswersAndNobodyElseIsAsked) {
  const auto cascade = MakeCascade(TwoSteps(), scheduler_);
  cascade->Begin({}, {}, {});
  cascade->Hear("what", nullptr);
  Say(*cascade, "what is my balance");
  ASSERT_EQ(told_, 1);
  EXPECT_EQ(answer_->calls[0].call.name, "balance");
  EXPECT_EQ(answer_->made_by, MadeBy::kModel);
  EXPECT_EQ(RouteText(), "small accepted");
  EXPECT_EQ(small_.log, (std::vector<std::string>{"begin 0", "hear what", "commit what is my balance 1000"}));
  EXPECT_TRUE(large_.log.empty());
}

TEST_F(CascadeTest, WhoIsUnsureIsFollowed) {
  small_.answer = Meant("balance", 0.7);
  large_.answer = Meant("transfer", 0.9);
  const auto cascade = MakeCascade(TwoSteps(), scheduler_);
  cascade->Begin({}, {}, {});
  Say(*cascade, "move it");
  ASSERT_EQ(told_, 1);
  EXPECT_EQ(answer_->calls[0].call.name, "transfer");
  EXPECT_EQ(answer_->made_by, MadeBy::kEscalation);
  EXPECT_EQ(RouteText(), "small unsure, large accepted");
  EXPECT_EQ(answer_->route[0].why, "0.7000 is below 0.8000");
  EXPECT_EQ(large_.log, (std::vector<std::string>{"begin 0", "commit move it 1000"}));
}

// A step that judges itself (route/surety.h) is held against that, and its understanding's confidence stays.
TEST_F(CascadeTest, AStepsOwnSuretyDecides) {
  small_.answer = Meant("balance", 0.7);
  RouteStep judged{.step = "small", .outcome = Outcome::kAccepted};
  judged.confidence = 0.85;
  small_.answer->route = {judged};
  const auto cascade = MakeCascade(TwoSteps(), scheduler_);
  cascade->Begin({}, {}, {});
  Say(*cascade, "what is my balance");
  ASSERT_EQ(told_, 1);
  EXPECT_EQ(RouteText(), "small accepted");
  EXPECT_EQ(answer_->route[0].confidence, 0.85);
  EXPECT_EQ(answer_->confidence, 0.7);

  small_.answer = Meant("balance", 0.95);
  judged.confidence = 0.6;
  small_.answer->route = {judged};
  cascade->Begin({}, {}, {});
  Say(*cascade, "what is in it");
  EXPECT_EQ(RouteText(), "small unsure, large accepted");
  EXPECT_EQ(answer_->route[0].why, "0.6000 is below 0.8000");
}

TEST_F(CascadeTest, WhatALikeSentenceMeantSavesTheLargerModel) {
  auto plan = TwoSteps();
  PlanStep like;
  like.name = "semantic";
  like.kind = PlanStep::Kind::kSemantic;
  plan->steps.insert(plan->steps.begin() + 1, like);
  plan->semantic = std::make_shared<SemanticCache>(clock_, LanguageFor("en").value(), nullptr,
                                                   SemanticCache::Options{.similarity = 0.4});
  EXPECT_FALSE(plan->Check());
  plan->keep_for = [](const ToolCall&) { return Duration(1h); };
  EXPECT_FALSE(plan->Check());
  plan->check = [](const Conversation&, std::span<const std::string>, std::string_view said,
                   std::span<const ToolCall>) -> std::optional<std::string> {
    if (said.find("forged") != std::string_view::npos) return "nobody said so";
    return std::nullopt;
  };
  const auto say = [&](double confidence, const std::string& text) {
    small_.answer = Meant("balance", confidence);
    const auto cascade = MakeCascade(plan, scheduler_);
    cascade->Begin({}, {}, {});
    Say(*cascade, text);
  };
  say(0.95, "what is my balance now");
  EXPECT_EQ(RouteText(), "small accepted");
  say(0.7, "and what is my balance");
  EXPECT_EQ(RouteText(), "small unsure, semantic accepted");
  EXPECT_EQ(answer_->made_by, MadeBy::kCache);
  EXPECT_EQ(answer_->transcript, "and what is my balance");
  EXPECT_EQ(answer_->confidence, 0.95);
  EXPECT_TRUE(large_.log.empty());
  say(0.7, "what is my balance forged");
  EXPECT_EQ(RouteText(), "small unsure, semantic refused, large accepted");
}

TEST_F(CascadeTest, WhereNobodyIsSureTheBestIsTaken) {
  small_.answer = Meant("balance", 0.7);
  large_.answer = Meant("transfer", 0.4);
  const auto cascade = MakeCascade(TwoSteps(), scheduler_);
  cascade->Begin({}, {}, {});
  Say(*cascade, "well");
  EXPECT_EQ(answer_->calls[0].call.name, "balance");
  EXPECT_EQ(answer_->confidence, 0.7);
  EXPECT_EQ(RouteText(), "small taken, large unsure");
}

TEST_F(CascadeTest, FailuresAndDelaysAreFollowedToo) {
  small_.answer = MakeError(ErrorCode::kIo, "broken");
  large_.answer = MakeError(ErrorCode::kTimeout, "slow");
  const auto cascade = MakeCascade(TwoSteps(), scheduler_);
  cascade->Begin({}, {}, {});
  Say(*cascade, "well");
  ASSERT_EQ(told_, 1);
  ASSERT_FALSE(answer_);
  EXPECT_EQ(answer_.error().code, ErrorCode::kTimeout);
  EXPECT_EQ(answer_.error().message, "nobody understood it; small: broken; large: slow");
  large_.answer = Meant("transfer", 0.9);
  cascade->Begin({}, {}, {});
  Say(*cascade, "well");
  EXPECT_EQ(RouteText(), "small failed, large accepted");
}

TEST_F(CascadeTest, TheTimeIsThatOfTheTurn) {
  small_.at_once = false;
  small_.answer = Meant("balance", 0.7);
  const auto cascade = MakeCascade(TwoSteps(), scheduler_);
  cascade->Begin({}, {}, {});
  Say(*cascade, "well", 300ms);
  EXPECT_EQ(small_.log.back(), "commit well 300");
  EXPECT_EQ(told_, 0);
  clock_.Advance(200ms);
  small_.Answer();
  EXPECT_EQ(large_.log.back(), "commit well 100");
  EXPECT_EQ(told_, 1);
  // Nothing left: what there is is taken.
  cascade->Begin({}, {}, {});
  Say(*cascade, "well", 300ms);
  clock_.Advance(300ms);
  small_.Answer();
  EXPECT_EQ(told_, 1);
  EXPECT_EQ(RouteText(), "small taken, large skipped");
}

TEST_F(CascadeTest, WhatIsAskedMeanwhileIsDoneAfterwards) {
  small_.at_once = false;
  const auto cascade = MakeCascade(TwoSteps(), scheduler_);
  cascade->Begin({}, {}, {});
  Say(*cascade, "first");
  Conversation second;
  second.turns.push_back({"first", {}, {}});
  cascade->Begin(second, {}, {});
  int peeked = 0;
  cascade->Hear("sec", [&](Result<Understanding>) { ++peeked; });
  EXPECT_EQ(small_.log.back(), "commit first 1000");
  EXPECT_EQ(peeked, 0);
  small_.Answer();
  EXPECT_EQ(told_, 1);
  EXPECT_EQ(peeked, 1);
  ASSERT_GE(small_.log.size(), 2u);
  EXPECT_EQ(small_.log[small_.log.size() - 2], "begin 1");
  EXPECT_EQ(small_.log.back(), "hear sec");
}

TEST_F(CascadeTest, WhatNobodyWantsAnyMoreIsToldOnceAndTheRestIsDropped) {
  small_.at_once = false;
  auto cascade = MakeCascade(TwoSteps(), scheduler_);
  cascade->Begin({}, {}, {});
  Say(*cascade, "first");
  const Understander::Done late = small_.waiting;
  cascade.reset();
  EXPECT_EQ(told_, 1);
  EXPECT_EQ(answer_.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(small_.log.back(), "end");
  late(small_.answer);
  EXPECT_EQ(told_, 1);
}

TEST_F(CascadeTest, WhatWaitsWhenItEndsIsToldToo) {
  small_.at_once = false;
  auto cascade = MakeCascade(TwoSteps(), scheduler_);
  cascade->Begin({}, {}, {});
  Say(*cascade, "first");
  int cancelled = 0;
  const auto count = [&](Result<Understanding> answer) {
    EXPECT_EQ(answer.error().code, ErrorCode::kCancelled);
    ++cancelled;
  };
  cascade->Begin({}, {}, {});
  cascade->Hear("sec", count);
  cascade->Commit({{"second"}}, 1s, count);
  EXPECT_EQ(cancelled, 0);
  cascade.reset();
  EXPECT_EQ(cancelled, 2);
  EXPECT_EQ(told_, 1);
}

TEST_F(CascadeTest, ItsOwnCompletionMayEndIt) {
  auto cascade = MakeCascade(TwoSteps(), scheduler_);
  cascade->Begin({}, {}, {});
  cascade->Commit({{"bye"}}, 1s, [&](Result<Understanding> answer) {
    answer_ = std::move(answer);
    cascade.reset();
  });
  EXPECT_EQ(RouteText(), "small accepted");
  EXPECT_EQ(small_.log.back(), "end");
}

TEST_F(CascadeTest, ACachedAnswerSavesTheRest) {
  ExactCache* cache = nullptr;
  auto plan = TwoSteps();
  auto owned = std::make_shared<ExactCache>(clock_, 100);
  cache = owned.get();
  PlanStep step;
  step.name = "cache";
  step.kind = PlanStep::Kind::kCache;
  plan->steps.insert(plan->steps.begin(), step);
  plan->cache = owned;
  plan->tag = "banking";
  plan->keep_for = [](const ToolCall& call) {
    return call.name == "transfer" ? Duration::zero() : Duration(60s);
  };
  const auto cascade = MakeCascade(plan, scheduler_);
  cascade->Begin({}, {}, {});
  Say(*cascade, "what is my balance");
  EXPECT_EQ(RouteText(), "cache unsure, small accepted");
  small_.log.clear();
  cascade->Begin({}, {}, {});
  Say(*cascade, "What is my balance.");
  EXPECT_EQ(RouteText(), "cache accepted");
  EXPECT_EQ(answer_->made_by, MadeBy::kCache);
  EXPECT_EQ(answer_->model, "small");
  EXPECT_EQ(answer_->transcript, "What is my balance.");
  EXPECT_EQ(small_.log, (std::vector<std::string>{"begin 0", "abandon"}));
  // Elsewhere the same words are not the same.
  Conversation later;
  later.turns.push_back({"hello", {}, {}});
  cascade->Begin(later, {}, {});
  Say(*cascade, "what is my balance");
  EXPECT_EQ(RouteText(), "cache unsure, small accepted");
  // What acts is never kept, nor what nobody was sure of.
  small_.answer = Meant("transfer", 0.95);
  for (int i = 0; i < 2; ++i) {
    cascade->Begin({}, {}, {});
    Say(*cascade, "move it");
    EXPECT_EQ(RouteText(), "cache unsure, small accepted");
  }
  small_.answer = Meant("balance", 0.3);
  large_.answer = Meant("balance", 0.3);
  for (int i = 0; i < 2; ++i) {
    cascade->Begin({}, {}, {});
    Say(*cascade, "hm balance");
    EXPECT_EQ(RouteText(), "cache unsure, small taken, large unsure");
  }
  EXPECT_EQ(cache->counters().entries, 2u);
  // Several readings of what was heard are no text.
  cascade->Begin({}, {}, {});
  cascade->Commit({{"what is my balance"}, {"what is my ballads"}}, 1s,
                  [&](Result<Understanding> answer) { answer_ = std::move(answer); });
  EXPECT_EQ(RouteText(), "cache skipped, small taken, large unsure");
}

TEST_F(CascadeTest, WhatMayNotLeaveIsKeptHereAlone) {
  auto plan = TwoSteps();
  PlanStep step;
  step.name = "cache";
  step.kind = PlanStep::Kind::kCache;
  plan->steps.insert(plan->steps.begin(), step);
  const auto everywhere = std::make_shared<ExactCache>(clock_, 100);
  const auto here = std::make_shared<ExactCache>(clock_, 100);
  plan->cache = everywhere;
  plan->cache_here = here;
  plan->keep_for = [](const ToolCall&) { return Duration(60s); };
  plan->privacy.rule = PrivacyRule::kAllow;
  plan->privacy.tools["balance"] = PrivacyRule::kLocal;
  const auto cascade = MakeCascade(plan, scheduler_);
  cascade->Begin({}, {}, {});
  Say(*cascade, "what is my balance");
  EXPECT_EQ(everywhere->counters().entries, 0u);
  EXPECT_EQ(here->counters().entries, 1u);
  small_.answer = Meant("opening_hours", 0.9);
  cascade->Begin({}, {}, {});
  Say(*cascade, "when are you open");
  EXPECT_EQ(everywhere->counters().entries, 1u);
  EXPECT_EQ(here->counters().entries, 1u);
}

TEST_F(CascadeTest, WhatIsSaidFirstIsKnownFromTheStart) {
  auto plan = TwoSteps();
  PlanStep step;
  step.name = "cache";
  step.kind = PlanStep::Kind::kCache;
  plan->steps.insert(plan->steps.begin(), step);
  plan->cache = std::make_shared<ExactCache>(clock_, 100);
  plan->keep_for = [](const ToolCall&) { return Duration::zero(); };
  plan->warm = std::make_shared<const WarmAnswers>(
      std::vector<WarmEntry>{{"what is my balance", 9, Meant("balance", 0.97)}});
  const auto cascade = MakeCascade(plan, scheduler_);
  cascade->Begin({}, {}, {});
  Say(*cascade, "um, What is my balance");
  EXPECT_EQ(RouteText(), "cache accepted");
  EXPECT_EQ(answer_->calls[0].call.name, "balance");
  EXPECT_EQ(answer_->made_by, MadeBy::kCache);
  // Later in a conversation, or as an answer, the same words may mean something else.
  Conversation later;
  later.turns.push_back({"hello", {}, {}});
  cascade->Begin(later, {}, {});
  Say(*cascade, "what is my balance");
  EXPECT_EQ(RouteText(), "cache unsure, small accepted");
  cascade->Begin({}, {Expectation::Kind::kSlots, "transfer", {"amount"}}, {});
  Say(*cascade, "what is my balance");
  EXPECT_EQ(RouteText(), "cache unsure, small accepted");
}

TEST_F(CascadeTest, APersonComesAfterTurnsThatNobodyWasSureOf) {
  auto plan = TwoSteps();
  PlanStep person;
  person.name = "person";
  person.kind = PlanStep::Kind::kPerson;
  person.after = 2;
  person.make = [](Scheduler&) { return MakeHandOver("speak_to_human"); };
  plan->steps.push_back(person);
  small_.answer = Meant("balance", 0.2);
  large_.answer = Meant("balance", 0.3);
  const auto cascade = MakeCascade(plan, scheduler_);
  const auto say = [&] {
    cascade->Begin({}, {}, {});
    Say(*cascade, "mumble");
    return RouteText();
  };
  EXPECT_EQ(say(), "small unsure, large taken, person skipped");
  EXPECT_EQ(say(), "small unsure, large unsure, person accepted");
  EXPECT_EQ(answer_->calls[0].call.name, "speak_to_human");
  EXPECT_EQ(answer_->made_by, MadeBy::kRule);
  EXPECT_EQ(say(), "small unsure, large taken, person skipped");
  small_.answer = Meant("balance", 0.9);
  EXPECT_EQ(say(), "small accepted");
  small_.answer = Meant("balance", 0.2);
  EXPECT_EQ(say(), "small unsure, large taken, person skipped");
}

TEST_F(CascadeTest, NobodyWaitsForAThreadOfTheirOwn) {
  // Completions from another thread, while the driver goes on.
  Scheduler threads(clock_, {.threads = 2});
  auto plan = TwoSteps();
  for (PlanStep& step : plan->steps) {
    step.make = [&, unsure = step.name == "small"](Scheduler&) {
      class Posted final : public Understander {
       public:
        Posted(Scheduler& scheduler, double confidence) : scheduler_(scheduler), confidence_(confidence) {}
        void Begin(Conversation, Expectation, std::vector<std::string>) override {}
        void Hear(std::string, Done) override {}
        void Commit(std::vector<Transcript::Hypothesis> said, Duration, Done done) override {
          scheduler_.Post(
              {},
              [said, confidence = confidence_](std::stop_token) -> Result<Understanding> {
                return Meant(said[0].text, confidence);
              },
              std::move(done));
        }
        void Abandon() override {}

       private:
        Scheduler& scheduler_;
        const double confidence_;
      };
      return std::make_unique<Posted>(threads, unsure ? 0.5 : 0.9);
    };
  }
  std::vector<std::unique_ptr<Understander>> cascades;
  std::mutex mutex;
  std::condition_variable all;
  int told = 0;
  for (int i = 0; i < 20; ++i) cascades.push_back(MakeCascade(plan, threads));
  for (int turn = 0; turn < 50; ++turn) {
    for (const auto& cascade : cascades) {
      cascade->Begin({}, {}, {});
      cascade->Commit({{"t" + std::to_string(turn)}}, 60s, [&, turn](Result<Understanding> answer) {
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->calls[0].call.name, "t" + std::to_string(turn));
        EXPECT_EQ(answer->route.size(), 2u);
        const std::lock_guard lock(mutex);
        if (++told == 20 * 50) all.notify_one();
      });
    }
  }
  std::unique_lock lock(mutex);
  all.wait(lock, [&] { return told == 20 * 50; });
}

TEST(RoutePlan, SaysWhatIsWrong) {
  RoutePlan plan;
  EXPECT_EQ(plan.Check().error().message, "a route without a step");
  Script script;
  plan.steps = {Local("a", script, 0.5), Local("a", script, 0.5)};
  EXPECT_EQ(plan.Check().error().message, "two steps of the name 'a'");
  plan.steps = {Local("a", script, 0.5)};
  EXPECT_TRUE(plan.Check());
  PlanStep remote;
  remote.name = "big";
  remote.kind = PlanStep::Kind::kRemote;
  auto step = std::make_shared<RemoteStep>();
  step->model = *RemoteModel::Create({.name = "big", .base_url = "http://127.0.0.1:1/v1", .model = "m"},
                                     RemoteContext::Make());
  remote.remote = step;
  plan.steps.push_back(remote);
  EXPECT_EQ(plan.Check().error().message, "step 'big' has nobody who checks it");
  plan.check = [](const Conversation&, std::span<const std::string>, std::string_view,
                  std::span<const ToolCall>) { return std::optional<std::string>(); };
  EXPECT_EQ(plan.Check().error().message,
            "step 'big' leaves this machine, but the workflow's privacy is local");
  plan.privacy.rule = PrivacyRule::kPseudonymise;
  EXPECT_NE(plan.Check().error().message.find("there is nothing that guards it"), std::string::npos);
  plan.privacy.rule = PrivacyRule::kAllow;
  EXPECT_TRUE(plan.Check());
  plan.privacy.tools["report_fraud"] = PrivacyRule::kLocal;
  EXPECT_NE(plan.Check().error().message.find("tool 'report_fraud' is local"), std::string::npos);
}

}  // namespace
}  // namespace sotto
