#include "assistant/language_model.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/check.h"

namespace sotto {
namespace {

// Random weights: what it writes is noise, but the same noise each time.
const LanguageModel& Noise() {
  static const auto model = LanguageModel::Open("random:10m:Q8_0", {.n_threads = 1, .n_ctx = 512}).value();
  return *model;
}

CompletionRequest Asking(std::string_view text, int max_tokens) {
  CompletionRequest request;
  request.prompt = Noise().PromptOf(text);
  request.max_tokens = max_tokens;
  return request;
}

TEST(LanguageModel, TellsWhatItWritesInWholeCharacters) {
  const CompletionRequest request = Asking("Once upon a time", 40);
  std::string told;
  const Completion done = Noise()
                              .Complete(request,
                                        [&](std::string_view piece) {
                                          EXPECT_FALSE(piece.empty());
                                          told += piece;
                                          return true;
                                        })
                              .value();
  EXPECT_EQ(done.text, told);
  EXPECT_EQ(done.completion_tokens, 40);
  EXPECT_EQ(done.finish, Completion::Finish::kLength);
  EXPECT_EQ(Noise().Complete(request).value().text, done.text);  // nobody listens: the same
}

TEST(LanguageModel, ComputesABeginningOnce) {
  const Completion first = Noise().Complete(Asking("A long prompt that is asked for twice", 8)).value();
  const Completion second = Noise().Complete(Asking("A long prompt that is asked for twice", 8)).value();
  EXPECT_EQ(second.cached_tokens, second.prompt_tokens - 1);
  EXPECT_EQ(second.text, first.text);
  const Completion other = Noise().Complete(Asking("A long prompt that is asked for once", 8)).value();
  EXPECT_GT(other.cached_tokens, 20);
  const auto apart =
      LanguageModel::Open("random:10m:Q8_0", {.n_threads = 1, .n_ctx = 512, .kept = 0}).value();
  EXPECT_EQ(apart->Complete(Asking("A long prompt that is asked for once", 8)).value().text, other.text);
}

TEST(LanguageModel, EndsBeforeAStopAndNeverTellsItsBeginning) {
  const std::string whole = Noise().Complete(Asking("Stop", 30)).value().text;
  ASSERT_GT(whole.size(), 12u);
  CompletionRequest request = Asking("Stop", 30);
  request.stop = {whole.substr(8, 3)};
  std::string told;
  const Completion done = Noise()
                              .Complete(request,
                                        [&](std::string_view piece) {
                                          told += piece;
                                          return true;
                                        })
                              .value();
  EXPECT_EQ(done.text, whole.substr(0, whole.find(request.stop[0])));
  EXPECT_EQ(told, done.text);
  EXPECT_EQ(done.finish, Completion::Finish::kStop);
}

TEST(LanguageModel, StopsWhereNobodyWantsMore) {
  int pieces = 0;
  const Completion done =
      Noise().Complete(Asking("Once", 100), [&](std::string_view) { return ++pieces < 3; }).value();
  EXPECT_EQ(done.finish, Completion::Finish::kCancelled);
  EXPECT_LT(done.completion_tokens, 100);
}

TEST(LanguageModel, IsHeldToASchema) {
  const Json schema = Json::parse(
      R"({"type": "object", "properties": {"room": {"enum": ["kitchen", "bath"]}, "level": {"type": "integer", "minimum": 0, "maximum": 10}}, "required": ["room", "level"]})");
  const auto form = Noise().FormOf(schema, "test").value();
  for (uint64_t seed = 0; seed < 20; ++seed) {
    CompletionRequest request = Asking("Set a light", 0);
    request.form = form;
    request.sampler = {.temperature = 1, .seed = seed};
    const Completion done = Noise().Complete(request).value();
    const Json written = Json::parse(done.text);
    EXPECT_LE(written.at("level"), 10) << done.text;
    EXPECT_EQ(done.finish, Completion::Finish::kStop);
  }
  EXPECT_FALSE(Noise().FormOf(Json{{"type", "object"}, {"patternProperties", Json::object()}}, "test"));
}

TEST(LanguageModel, MakesACallThatItHasTo) {
  ASSERT_NE(Noise().chat(), nullptr);
  const std::vector<ToolSpec> tools{
      {"set_light", "",
       Json::parse(
           R"({"type": "object", "properties": {"level": {"type": "integer", "minimum": 0, "maximum": 9}}, "required": ["level"]})")},
      {"stop", "", Json::parse(R"({"type": "object", "properties": {}})")}};
  for (uint64_t seed = 0; seed < 10; ++seed) {
    CompletionRequest request = Asking("Set a light", 100);
    request.sampler = {.temperature = 1, .seed = seed};
    request.call = Noise().FormOfCalls(tools).value();
    request.call_open = Noise().chat()->call_form().open;
    request.call_close = Noise().chat()->call_form().close;
    request.call_first = true;
    const Completion done = Noise().Complete(request).value();
    ASSERT_FALSE(done.calls.empty());
    const Json call = Json::parse(done.calls[0]);
    EXPECT_TRUE(call.at("name") == "set_light" || call.at("name") == "stop") << done.calls[0];
  }
}

TEST(LanguageModel, ManyAtOnceWriteWhatTheyWouldAlone) {
  std::vector<std::string> alone;
  std::vector<std::string> together(6);
  const auto ask = [](size_t i) {
    return Noise().Complete(Asking("Number " + std::to_string(i), 20)).value().text;
  };
  for (size_t i = 0; i < together.size(); ++i) alone.push_back(ask(i));
  std::vector<std::thread> threads;
  for (size_t i = 0; i < together.size(); ++i) threads.emplace_back([&, i] { together[i] = ask(i); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(together, alone);
}

TEST(LanguageModel, TellsTheChancesOfItsTokens) {
  CompletionRequest request = Asking("Chance", 5);
  request.logprobs = 2;
  const Completion done = Noise().Complete(request).value();
  ASSERT_EQ(done.tokens.size(), 5u);
  for (const Completion::Token& token : done.tokens) {
    ASSERT_EQ(token.likeliest.size(), 2u);
    EXPECT_EQ(token.likeliest[0].token, token.chosen.token);  // temperature 0
    EXPECT_LE(token.likeliest[1].logprob, token.likeliest[0].logprob);
    EXPECT_LE(token.chosen.logprob, 0);
  }
}

TEST(LanguageModel, RefusesWhatDoesNotFit) {
  EXPECT_FALSE(Noise().Complete(Asking(std::string(2000, 'a'), 5)));
  EXPECT_FALSE(Noise().Complete({}));
  EXPECT_FALSE(LanguageModel::Open("nowhere.gguf", {}));
}

}  // namespace
}  // namespace sotto
