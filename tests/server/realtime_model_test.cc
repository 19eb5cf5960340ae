// The Realtime interface where a language model answers: random weights, whose words are noise but always the same noise;
// ears that hear what the test says, on a clock that it advances.
#include "server/realtime_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "heard_sender.h"
#include "scripted_voice.h"

namespace sotto {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const char* const kLightTool =
    R"({"type": "function", "name": "set_light", "description": "Sets a light", "parameters": {"type": "object", "properties":
        {"level": {"type": "integer", "minimum": 0, "maximum": 9}}, "required": ["level"], "additionalProperties": false}})";

std::shared_ptr<const LanguageModel> Writer() {
  static const std::shared_ptr<const LanguageModel> model =
      LanguageModel::Open("random:10m:Q8_0", {.n_threads = 1, .n_ctx = 4096}).value();
  return model;
}

RealtimeItem Item(std::string_view json) {
  auto item = ReadRealtimeItem(Json::parse(json));
  EXPECT_TRUE(item.has_value()) << (item ? "" : item.error().message);
  return *item;
}

TEST(RealtimeItems, AreReadAndShown) {
  const RealtimeItem said = Item(
      R"({"type": "message", "role": "user", "id": "a", "content": [{"type": "input_text", "text": "hello"}]})");
  EXPECT_EQ(said.id, "a");
  EXPECT_EQ(ToRealtime(said)["content"][0], (Json{{"type", "input_text"}, {"text", "hello"}}));
  const RealtimeItem answered = Item(
      R"({"type": "message", "role": "assistant", "content": [{"type": "output_audio", "transcript": "hi"}]})");
  EXPECT_EQ(ToRealtime(answered)["content"][0], (Json{{"type", "output_audio"}, {"transcript", "hi"}}));
  const RealtimeItem call =
      Item(R"({"type": "function_call", "name": "f", "call_id": "c", "arguments": "{\"a\": 1}"})");
  EXPECT_EQ(ToRealtime(call)["arguments"], R"({"a": 1})");
  EXPECT_THAT(call.id, HasSubstr("item_"));
  EXPECT_EQ(
      ToRealtime(Item(R"({"type": "function_call_output", "call_id": "c", "output": "done"})"))["output"],
      "done");
  for (const char* wrong :
       {R"({"type": "mcp_call"})", R"({"type": "message", "role": "robot", "content": []})",
        R"({"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "x"}]})",
        R"({"type": "function_call", "name": "f", "arguments": "[]"})", R"({"type": "function_call_output"})",
        R"({"type": "message", "role": "user"})"}) {
    EXPECT_FALSE(ReadRealtimeItem(Json::parse(wrong))) << wrong;
  }
}

TEST(RealtimeItems, BecomeAChat) {
  RealtimeSettings settings;
  const Json session = {{"instructions", "Be brief."}, {"tools", Json::array({Json::parse(kLightTool)})}};
  ASSERT_TRUE(ReadRealtimeSettings(session, "session", &settings));
  std::deque<RealtimeItem> items{
      Item(
          R"({"type": "message", "role": "system", "content": [{"type": "input_text", "text": "It is dark."}]})"),
      Item(R"({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "light"}]})"),
      Item(
          R"({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Gladly."}]})"),
      Item(
          R"({"type": "function_call", "name": "set_light", "call_id": "c", "arguments": "{\"level\": 3}"})"),
      Item(R"({"type": "function_call_output", "call_id": "c", "output": "ok"})")};
  const ChatRequest chat = RealtimeChat("m", settings, items);
  EXPECT_EQ(chat.setup.system, "Be brief.\n\nIt is dark.");
  ASSERT_EQ(chat.messages.size(), 3u);
  EXPECT_EQ(chat.messages[1].content, "Gladly.");
  EXPECT_EQ(chat.messages[1].calls[0].arguments["level"], 3);
  EXPECT_EQ(chat.messages[2].role, ChatMessage::Role::kTool);
  EXPECT_EQ(chat.call, ChatRequest::Call::kMay);
  items.pop_back();
  items.pop_back();
  EXPECT_EQ(RealtimeChat("m", settings, items).messages.back().role, ChatMessage::Role::kUser);
}

TEST(RealtimeItems, SettingsAreChecked) {
  RealtimeSettings settings;
  const auto refused = [&](const char* json) {
    const auto read = ReadRealtimeSettings(Json::parse(json), "session", &settings);
    return read ? std::string() : read.error().param;
  };
  EXPECT_EQ(refused(R"({"tool_choice": "required"})"), "session.tool_choice");
  EXPECT_EQ(refused(R"({"tool_choice": {"type": "function", "name": "fly"}})"), "session.tool_choice");
  EXPECT_EQ(refused(R"({"tool_choice": 3})"), "session.tool_choice");
  EXPECT_EQ(refused(R"({"tools": [{"type": "mcp", "server_label": "x"}]})"), "session.tools");
  EXPECT_EQ(refused(R"({"tools": [{"type": "function"}]})"), "session.tools");
  EXPECT_EQ(refused(R"({"max_output_tokens": 0})"), "session.max_output_tokens");
  EXPECT_EQ(refused(R"({"output_modalities": []})"), "session.output_modalities");
  EXPECT_EQ(refused(R"({"instructions": 7})"), "session");
  EXPECT_TRUE(settings.tools.empty());
  EXPECT_EQ(
      refused(fmt::format(R"({{"tools": [{}], "tool_choice": {{"type": "function", "name": "set_light"}},
                                     "max_output_tokens": 40}})",
                          kLightTool)
                  .c_str()),
      "");
  EXPECT_EQ(settings.max_tokens, 40);
  // Tools that go take the choice among them along.
  EXPECT_EQ(refused(R"({"tools": []})"), "");
  EXPECT_EQ(settings.tool_choice, "auto");
}

TEST(RealtimeItems, SentencesAreSaidWhenTheyAreWhole) {
  EXPECT_EQ(WholeSentences("One. Two"), 5u);
  EXPECT_EQ(WholeSentences("One. Two? Th"), 10u);
  EXPECT_EQ(WholeSentences("It costs 3.5"), 0u);
  EXPECT_EQ(WholeSentences("One."), 0u);  // "One.5" may come
  EXPECT_EQ(WholeSentences(std::string(300, 'a')), 0u);
  EXPECT_EQ(WholeSentences(std::string(200, 'a') + " " + std::string(99, 'b')), 201u);
}

class RealtimeModelTest : public testing::Test {
 protected:
  void Begin(bool has_voice) {
    RealtimeSession session;
    session.id = "s";
    session.model = "words";
    session.input = session.output = {LineFormat::Codec::kPcm16, 24000};
    conversation_ =
        std::make_shared<RealtimeModelConversation>(sender_, session, models_, Writer(), has_voice, nullptr);
    conversation_->Open();
    if (!has_voice) return;
    call_ = ModelCall::Open(world_.served, "words", world_.metrics, conversation_).value();
    conversation_->Attach(call_);
  }
  // As the socket does; the refusal's code.
  std::string Tell(std::string_view text) {
    auto request = ReadRealtimeMessage(text);
    EXPECT_TRUE(request.has_value()) << text;
    RealtimeModelConversation::Refused done;
    using namespace realtime_message;
    if (const auto* update = std::get_if<Update>(&request->message)) done = conversation_->Update(*update);
    if (const auto* item = std::get_if<NewItem>(&request->message)) done = conversation_->Add(*item);
    if (const auto* item = std::get_if<Delete>(&request->message)) done = conversation_->Remove(item->item);
    if (const auto* item = std::get_if<Retrieve>(&request->message))
      done = conversation_->Retrieve(item->item);
    if (const auto* create = std::get_if<Create>(&request->message)) done = conversation_->Respond(*create);
    if (std::holds_alternative<realtime_message::Cancel>(request->message)) done = conversation_->Cancel();
    return done ? "" : done.error().code;
  }
  std::string Say(const std::string& text) {
    return Tell(Json{{"type", "conversation.item.create"},
                     {"item",
                      {{"type", "message"},
                       {"role", "user"},
                       {"content", Json::array({{{"type", "input_text"}, {"text", text}}})}}}}
                    .dump());
  }
  std::string Ask(Json response) {
    return Tell(Json{{"type", "response.create"}, {"response", std::move(response)}}.dump());
  }
  void Silence(int ms) {
    for (int i = 0; i < ms / 10; ++i) {
      call_->Step(Duration::zero());
      world_.clock.Advance(milliseconds(10));
    }
  }
  // What the ears hear, while a voice sounds.
  void Speak(const std::string& text, int ms = 1000) {
    world_.ears.finals.emplace_back(Heard(text));
    size_t at = 0;
    for (int i = 0; i < ms / 10; ++i, at += kFrameSamples) {
      if (at + kFrameSamples > world_.speech.size()) at = 0;
      call_->Hear({world_.speech.data() + at, kFrameSamples});
      Silence(10);
    }
  }
  Json Done() const {
    const auto done = sender_->Of("response.done");
    return done.empty() ? Json() : done.back().at("response");
  }

  ScriptedVoice world_;
  const std::shared_ptr<HeardSender> sender_ = std::make_shared<HeardSender>();
  LanguageModels models_{world_.scheduler_, {{"words", Writer()}}};
  std::shared_ptr<RealtimeModelConversation> conversation_;
  std::shared_ptr<ModelCall> call_;
};

TEST_F(RealtimeModelTest, WritesAnAnswer) {
  Begin(false);
  EXPECT_EQ(sender_->texts[0]["session"]["output_modalities"], Json::array({"text"}));
  EXPECT_EQ(
      Tell(R"({"type": "session.update", "session": {"type": "realtime", "instructions": "Be brief."}})"),
      "");
  EXPECT_EQ(sender_->texts[1]["session"]["instructions"], "Be brief.");
  EXPECT_EQ(Say("who lives here"), "");
  sender_->texts.clear();
  EXPECT_EQ(Ask({{"max_output_tokens", 6}, {"metadata", {{"mine", "1"}}}}), "");
  std::string told;
  for (const Json& event : sender_->Of("response.output_text.delta")) told += event["delta"];
  const Json done = Done();
  EXPECT_EQ(done["output"][0]["content"][0]["text"], told);
  EXPECT_EQ(sender_->Of("response.output_text.done")[0]["text"], told);
  EXPECT_EQ(done["status"], "incomplete");  // six tokens of noise
  EXPECT_EQ(done["status_details"]["reason"], "max_output_tokens");
  EXPECT_EQ(done["usage"]["output_tokens"], 6);
  EXPECT_GT(done["usage"]["input_tokens"], 5);
  EXPECT_EQ(done["metadata"]["mine"], "1");
  std::vector<std::string> types = sender_->Types();
  types.erase(std::unique(types.begin(), types.end()), types.end());
  EXPECT_THAT(types, ElementsAre("response.created", "response.output_item.added", "conversation.item.added",
                                 "response.content_part.added", "response.output_text.delta",
                                 "response.output_text.done", "response.content_part.done",
                                 "response.output_item.done", "conversation.item.done", "response.done"));
  // It is an item like any other.
  const std::string id = done["output"][0]["id"];
  EXPECT_EQ(Tell(Json{{"type", "conversation.item.retrieve"}, {"item_id", id}}.dump()), "");
  EXPECT_EQ(sender_->texts.back()["item"]["content"][0]["text"], told);
  EXPECT_EQ(Tell(Json{{"type", "conversation.item.delete"}, {"item_id", id}}.dump()), "");
  EXPECT_EQ(Tell(Json{{"type", "conversation.item.delete"}, {"item_id", id}}.dump()), "item_not_found");
}

TEST_F(RealtimeModelTest, CallsTheClientsTools) {
  Begin(false);
  EXPECT_EQ(Tell(fmt::format(
                R"({{"type": "session.update", "session": {{"tools": [{}], "tool_choice": "required"}}}})",
                kLightTool)),
            "");
  Say("set the light");
  EXPECT_EQ(Ask({{"max_output_tokens", 200}}), "");
  const Json done = Done();
  // Noise may follow the call.
  const auto found = std::find_if(done["output"].begin(), done["output"].end(),
                                  [](const Json& item) { return item["type"] == "function_call"; });
  ASSERT_NE(found, done["output"].end()) << done.dump(2);
  const Json call = *found;
  EXPECT_EQ(call["name"], "set_light");
  EXPECT_LE(Json::parse(call["arguments"].get<std::string>()).at("level"), 9);
  EXPECT_EQ(sender_->Of("response.function_call_arguments.delta")[0]["delta"], call["arguments"]);
  EXPECT_EQ(sender_->Of("response.function_call_arguments.done")[0]["call_id"], call["call_id"]);
  const auto output = [](const std::string& id) {
    return Json{{"type", "conversation.item.create"},
                {"item", {{"type", "function_call_output"}, {"call_id", id}, {"output", "ok"}}}}
        .dump();
  };
  EXPECT_EQ(Tell(output("call_of_nobody")), "invalid_value");
  EXPECT_EQ(Tell(output(call["call_id"])), "");
  EXPECT_EQ(Ask({{"tool_choice", "none"}, {"max_output_tokens", 4}}), "");
  EXPECT_EQ(sender_->Of("response.done").size(), 2u);
  EXPECT_EQ(Done()["output"][0]["type"], "message");
  EXPECT_GT(Done()["usage"]["input_tokens"], done["usage"]["input_tokens"]);
}

TEST_F(RealtimeModelTest, ResponsesBesideTheConversation) {
  Begin(false);
  Say("one");
  sender_->texts.clear();
  EXPECT_EQ(Ask({{"conversation", "none"},
                 {"max_output_tokens", 3},
                 {"input",
                  Json::array({{{"type", "message"},
                                {"role", "user"},
                                {"content", Json::array({{{"type", "input_text"}, {"text", "aside"}}})}}})}}),
            "");
  EXPECT_TRUE(sender_->Of("conversation.item.added").empty());
  EXPECT_EQ(Done()["conversation_id"], nullptr);
  EXPECT_EQ(Done()["output"][0]["type"], "message");
  EXPECT_EQ(Tell(Json{{"type", "conversation.item.retrieve"}, {"item_id", Done()["output"][0]["id"]}}.dump()),
            "item_not_found");
}

TEST_F(RealtimeModelTest, MistakesAreNamed) {
  Begin(false);
  EXPECT_EQ(Tell(R"({"type": "response.cancel"})"), "response_cancel_not_active");
  EXPECT_EQ(Tell(R"({"type": "session.update", "session": {"output_modalities": ["audio"]}})"),
            "invalid_value");
  EXPECT_EQ(Ask({{"output_modalities", {"audio"}}}), "invalid_value");
  EXPECT_EQ(Ask({{"tool_choice", "required"}}), "invalid_value");
  EXPECT_EQ(Ask({{"input", {1}}}), "invalid_value");
  const Json odd = {{"type", "function"},
                    {"name", "f"},
                    {"parameters", {{"type", "object"}, {"patternProperties", Json::object()}}}};
  EXPECT_EQ(Ask({{"tools", Json::array({odd})}}), "");
  EXPECT_EQ(Done()["status"], "failed");
  EXPECT_EQ(Done()["status_details"]["error"]["type"], "invalid_request_error");
  Say(std::string(20000, 'x') + " too long for the context");
  EXPECT_EQ(Ask(Json::object()), "");
  EXPECT_EQ(Done()["status"], "failed");
  EXPECT_THAT(Done()["status_details"]["error"]["message"].get<std::string>(),
              HasSubstr("the context holds"));
}

TEST_F(RealtimeModelTest, WhatIsSpokenIsHeardAndAnsweredAloud) {
  Begin(true);
  Tell(R"({"type": "session.update", "session": {"max_output_tokens": 12}})");
  world_.ears.partial = "set the";
  Speak("set the light please", 800);
  EXPECT_EQ(sender_->Of("input_audio_buffer.speech_started").size(), 1u);
  EXPECT_EQ(sender_->Of("conversation.item.input_audio_transcription.delta")[0]["delta"], "set the");
  Silence(900);
  const auto heard = sender_->Of("conversation.item.input_audio_transcription.completed");
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0]["transcript"], "set the light please");
  EXPECT_EQ(heard[0]["item_id"], sender_->Of("input_audio_buffer.speech_started")[0]["item_id"]);
  ASSERT_EQ(sender_->Of("response.created").size(), 1u);
  Silence(20000);
  const Json done = Done();
  ASSERT_EQ(done["output"].size(), 1u) << done.dump(2);
  std::string told;
  for (const Json& event : sender_->Of("response.output_audio_transcript.delta")) told += event["delta"];
  EXPECT_EQ(done["output"][0]["content"][0]["transcript"], told);
  // In the order of the protocol: sound between the beginning of the part and its end.
  const auto types = sender_->Types();
  const auto at = [&](const char* type) {
    return std::find(types.begin(), types.end(), type) - types.begin();
  };
  EXPECT_GT(sender_->Of("response.output_audio.delta").size(), 5u);
  EXPECT_LT(at("response.content_part.added"), at("response.output_audio.delta"));
  EXPECT_LT(at("response.output_audio.delta"), at("response.output_audio.done"));
  EXPECT_EQ(types.back(), "response.done");
}

TEST_F(RealtimeModelTest, WhoSpeaksInterrupts) {
  Begin(true);
  Tell(R"({"type": "session.update", "session": {"max_output_tokens": 60}})");
  Say("tell me a story");
  EXPECT_EQ(Ask(Json::object()), "");
  Silence(600);
  ASSERT_TRUE(sender_->Of("response.done").empty());
  // The next one waits while this one is said.
  EXPECT_EQ(Ask(Json::object()), "");
  EXPECT_EQ(sender_->Of("response.created").size(), 1u);
  EXPECT_EQ(Tell(R"({"type": "response.cancel"})"), "");
  Silence(20);
  EXPECT_EQ(Done()["status"], "cancelled");
  EXPECT_EQ(Done()["status_details"]["reason"], "client_cancelled");
  EXPECT_EQ(sender_->Of("response.created").size(), 1u) << "the one that waited was cancelled as well";
  EXPECT_EQ(Ask(Json::object()), "");
  Silence(600);
  Speak("stop", 500);
  EXPECT_EQ(sender_->Of("response.done").size(), 2u);
  EXPECT_EQ(Done()["status_details"]["reason"], "turn_detected");
  const std::string whole = [&] {
    std::string told;
    for (const Json& event : sender_->Of("response.output_audio_transcript.delta"))
      if (event["response_id"] == Done()["id"]) told += event["delta"];
    return told;
  }();
  EXPECT_LT(Done()["output"][0]["content"][0]["transcript"].get<std::string>().size(), whole.size());
  EXPECT_EQ(Done()["output"][0]["status"], "incomplete");
  Silence(900);
  EXPECT_EQ(sender_->Of("response.created").size(), 3u);  // "stop" is answered
}

TEST_F(RealtimeModelTest, TheClientMayDecideWhatIsWhole) {
  Begin(true);
  Tell(
      R"({"type": "session.update", "session": {"max_output_tokens": 3, "audio": {"input": {"turn_detection": null}}}})");
  Speak("nobody listens", 700);
  Silence(900);
  EXPECT_TRUE(sender_->Of("input_audio_buffer.speech_started").empty());
  world_.ears.finals.clear();
  world_.ears.finals.emplace_back(Heard("now it is whole"));
  conversation_->Commit(std::vector<float>(16000, 0.01F));
  EXPECT_EQ(Ask(Json::object()), "");  // waits until that is heard
  EXPECT_TRUE(sender_->Of("response.created").empty());
  Silence(20);
  EXPECT_EQ(sender_->Of("conversation.item.input_audio_transcription.completed")[0]["transcript"],
            "now it is whole");
  EXPECT_EQ(sender_->Of("response.created").size(), 1u);
  EXPECT_EQ(sender_->Of("input_audio_buffer.committed").size(), 1u);
  call_->HangUp("hung_up");
  Silence(10);
  EXPECT_EQ(sender_->closed, 1000);
}

}  // namespace
}  // namespace sotto
