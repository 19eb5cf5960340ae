// Logs of others: what each form says comes in, redacted, once; what cannot be read is listed by line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "flywheel/import_logs.h"
#include "flywheel/log_export.h"
#include "log_records.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Import : public ::testing::Test {
 protected:
  void SetUp() override {
    store_ = *TurnStore::Open(folder_ / "turns.sqlite");
    options_.detector = *Detector::For("en");
    options_.workflow = "banking";
  }

  ImportedFile Take(const std::string& name, const std::string& text) {
    EXPECT_TRUE(WriteFileAtomically(folder_ / name, text));
    auto file = ImportFile(*store_, folder_ / name, options_);
    EXPECT_TRUE(file) << file.error().message;
    return file ? *std::move(file) : ImportedFile();
  }

  std::vector<std::string> Turns() {
    std::vector<std::string> turns;
    const std::vector<StoredTurn> all = *store_->ReadAll({});
    for (const StoredTurn& turn : all)
      turns.push_back(fmt::format("{} -> {}{}", turn.record.heard.text, CallsText(CallsOf(turn.record)),
                                  turn.record.reply.text.empty() ? "" : " -> " + turn.record.reply.text));
    return turns;
  }

  TempFolder folder_;
  std::unique_ptr<TurnStore> store_;
  LogImportOptions options_;
};

TEST_F(Import, OfMessagesWithResults) {
  const std::string row =
      R"({"messages":[{"role":"system","content":"x"},{"role":"user","content":"what is my balance"},)"
      R"({"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":)"
      R"({"name":"balance","arguments":"{\"account\":\"savings\"}"}}]},{"role":"tool","tool_call_id":"c1",)"
      R"("content":"{\"amount\":5}"},{"role":"assistant","content":"Five dollars."}]})";
  options_.names.rename["balance"] = "check_balance";
  const ImportedFile file = Take("chats.jsonl", row + "\n" + row + "\n{\"messages\": 3}\nnot json\n");
  EXPECT_EQ(file.format, LogFormat::kConversations);
  EXPECT_EQ(file.added, 2U);  // the same was said twice
  EXPECT_THAT(Turns(), ElementsAre("what is my balance -> check_balance(account=savings) -> Five dollars.",
                                   "what is my balance -> check_balance(account=savings) -> Five dollars."));
  const auto all = *store_->ReadAll({});
  ASSERT_EQ(all[0].record.actions.size(), 1U);
  EXPECT_EQ(all[0].record.actions[0].request.tool, "check_balance");
  EXPECT_TRUE(all[0].record.actions[0].result.ok);
  EXPECT_THAT(file.not_read, ElementsAre(HasSubstr("chats.jsonl:3: messages is not an array"),
                                         HasSubstr(":4: not valid JSON")));
  EXPECT_EQ(Take("chats.jsonl", row + "\n" + row + "\n").added, 0U);
  EXPECT_EQ(Take("chats.jsonl", row + "\n" + row + "\n" + row + "\n").added, 1U);
}

TEST_F(Import, OfRequestsThatRepeatWhatWasSaidBefore) {
  const auto request = [](const std::string& messages, const std::string& answer) {
    return R"({"created":1745044394,"model":"gpt-x","messages":[)" + messages +
           R"(],"choices":[{"message":)" + answer + "}]}\n";
  };
  const std::string first = R"({"role":"user","content":"send money"})";
  const std::string asked = R"({"role":"assistant","content":"How much?"})";
  const std::string second = R"({"role":"user","content":"twenty dollars"})";
  const std::string call =
      R"({"role":"assistant","content":null,"tool_calls":[{"id":"1","function":{"name":"pay","arguments":"{\"amount\":20}"}}]})";
  const ImportedFile file =
      Take("requests.jsonl", request(first, asked) + request(first + "," + asked + "," + second, call) +
                                 request(R"({"role":"user","content":"hello"})", asked));
  EXPECT_EQ(file.format, LogFormat::kOpenAi);
  EXPECT_EQ(file.sessions, 2U);
  EXPECT_THAT(Turns(), ElementsAre("send money ->  -> How much?", "twenty dollars -> pay(amount=20)",
                                   "hello ->  -> How much?"));
  EXPECT_EQ((*store_->ReadAll({}))[1].record.at, "2025-04-19T06:33:14Z");
  EXPECT_EQ((*store_->ReadAll({}))[1].record.understood->model, "gpt-x");
}

TEST_F(Import, OfLangfuse) {
  const ImportedFile file = Take(
      "export.json",
      R"([{"id":"t1","sessionId":"s1","timestamp":"2026-11-01T10:00:00.000Z","input":"hi","output":"Hello."},
          {"id":"t2","sessionId":"s1","timestamp":"2026-11-01T10:01:00.000Z","input":{"question":"my balance"},
           "output":{"answer":"Five."}},
          {"id":"o1","traceId":"t3","type":"GENERATION","startTime":"2026-11-01T11:00:00Z","model":"m",
           "calculatedTotalCost":0.002,"input":{"messages":[{"role":"user","content":"block my card"}]},
           "output":{"role":"assistant","tool_calls":[{"function":{"name":"lock_card","arguments":"{}"}}]}},
          {"id":"o2","traceId":"t3","type":"SPAN"}, {"what":1}])");
  EXPECT_EQ(file.format, LogFormat::kLangfuse);
  EXPECT_THAT(Turns(),
              ElementsAre("block my card -> lock_card()", "hi ->  -> Hello.", "my balance ->  -> Five."));
  EXPECT_DOUBLE_EQ(CostOf((*store_->ReadAll({}))[0].record), 0.002);
  EXPECT_THAT(file.not_read, ElementsAre(HasSubstr(":5: neither a trace")));
  const auto all = *store_->ReadAll({});
  EXPECT_EQ(all[1].record.session, all[2].record.session);
  EXPECT_THAT(all[1].record.session, Not(HasSubstr("s1")));
}

TEST_F(Import, OfRasaTrackers) {
  const ImportedFile file =
      Take("tracker.json",
           R"({"sender_id":"+15551234567","events":[{"event":"action","name":"action_session_start"},
       {"event":"user","timestamp":1745044394.1,"text":"pay 20 to gas","parse_data":{"intent":{"name":"pay",
        "confidence":0.81},"entities":[{"entity":"amount","value":20},{"entity":"party","role":"payee","value":"gas"}]}},
       {"event":"bot","text":"Done."},{"event":"user","text":"/greet"},
       {"event":"user","text":"gibberish","parse_data":{"intent":{"name":"nlu_fallback","confidence":0.3}}},
       {"event":"action","name":"action_human_handoff"},{"no":"event"}]})");
  EXPECT_EQ(file.format, LogFormat::kRasa);
  EXPECT_THAT(Turns(), ElementsAre("pay 20 to gas -> pay(amount=20, payee=gas) -> Done.", "gibberish -> "));
  const auto all = *store_->ReadAll({});
  EXPECT_DOUBLE_EQ(all[0].record.understood->confidence, 0.81);
  EXPECT_EQ(all[1].record.outcome, TurnRecord::Outcome::kEscalated);
  EXPECT_EQ(file.not_read.size(), 2U);
  EXPECT_THAT(*ReadFile(folder_ / "turns.sqlite"), Not(HasSubstr("5551234567")));
}

TEST_F(Import, OfRasaStoriesAndExamples) {
  const ImportedFile file = Take("stories.yml", R"(version: "3.1"
stories:
- story: pay
  steps:
  - intent: pay
    user: |-
      send [20]{"entity": "amount", "value": 20} to [the gas company](payee:gas company)
  - action: utter_done
  - intent: thank
nlu:
- intent: check_balance
  examples: |
    - how much is in [savings](account)
    - balance please
- synonym: x
  examples: |
    - y
)");
  EXPECT_THAT(Turns(), ElementsAre("send 20 to the gas company -> pay(amount=20, payee=gas company)",
                                   "how much is in savings -> check_balance(account=savings)",
                                   "balance please -> check_balance()"));
  EXPECT_THAT(file.not_read, ElementsAre(HasSubstr("stories.yml:9: intent 'thank' without the words")));
  EXPECT_THAT(Take("broken.yml", "stories: [\n  {a: ").not_read, ElementsAre(HasSubstr("not valid YAML")));
  EXPECT_THAT(Take("other.yml", "a: 1").not_read, ElementsAre(HasSubstr("none of stories")));
}

TEST_F(Import, OfTables) {
  options_.names.columns = {
      {"text", "utterance"}, {"tool", "intent"}, {"session", "call"}, {"arg.amount", "sum"}};
  const ImportedFile file = Take("calls.csv",
                                 "call;utterance;intent;sum;at\n"
                                 "1;\"send; \"\"20\"\" now\";pay;20;2026-11-01\n"
                                 "1;yes;affirm;;2026-11-01T00:01:00Z\n"
                                 "2;no time;pay;5;tomorrow\n"
                                 "2;too;few\n"
                                 "2;\"open quote;pay;5;2026-11-01\n");
  EXPECT_THAT(Turns(), ElementsAre("send; \"20\" now -> pay(amount=20)", "yes -> affirm()"));
  EXPECT_THAT(file.not_read,
              ElementsAre(HasSubstr(":4: its time"), HasSubstr(":5: 3 fields where the header has 5"),
                          HasSubstr(":6: a quote")));
  options_.names.columns = {{"text", "words"}};
  EXPECT_THAT(Take("calls.csv", "a,b\n1,2\n").not_read, ElementsAre(HasSubstr("no column 'words'")));
}

TEST_F(Import, OfOurOwnRecordsTornInTheMiddle) {
  LoggedSession session("a");
  session.Say("one", {{"x", Json::object()}});
  session.Say("two", {{"x", Json::object()}});
  std::string text = ToJson(session.records[0]).dump() + "\n" +
                     ToJson(session.records[1]).dump().substr(0, 80) + "\n" +
                     ToJson(session.records[1]).dump() + "\n{\"session\": \"a\", \"turn\": \"x\"}\n";
  const ImportedFile file = Take("turns.jsonl", text);
  EXPECT_EQ(file.format, LogFormat::kTurns);
  EXPECT_EQ(file.added, 2U);
  EXPECT_THAT(file.not_read, ElementsAre(HasSubstr("turns.jsonl:2:"), HasSubstr("turns.jsonl:4:")));
  EXPECT_EQ(*ReadFile(folder_ / "turns.jsonl"), text);
  // What was exported comes back as the same.
  ASSERT_TRUE(ExportLogs(*store_, {}, ExportForm::kTurns, folder_ / "again.jsonl"));
  EXPECT_EQ(Take("again2.jsonl", *ReadFile(folder_ / "again.jsonl")).added, 0U);
}

TEST_F(Import, RedactsBeforeAByteIsStored) {
  const ImportedFile file = Take(
      "chats.jsonl",
      R"({"messages":[{"role":"user","content":"block card 4111 1111 1111 1111 of jane@example.org"},)"
      R"({"role":"assistant","tool_calls":[{"function":{"name":"block","arguments":{"card":"4111111111111111"}}}]}]})"
      "\n{\"messages\":[{\"role\":\"4111 1111 1111 1111\"}]}\n");
  ASSERT_EQ(file.added, 1U);
  EXPECT_THAT(Turns(), ElementsAre("block card <card_1> of <email_1> -> block(card=<card_1>)"));
  for (const std::string& line : file.not_read) EXPECT_THAT(line, Not(HasSubstr("4111")));
  store_.reset();
  EXPECT_THAT(*ReadFile(folder_ / "turns.sqlite"), Not(HasSubstr("4111")));
}

TEST_F(Import, SaysWhatItDoesNotKnow) {
  ASSERT_TRUE(WriteFileAtomically(folder_ / "x.json", R"({"a": 1})"));
  const auto file = ImportFile(*store_, folder_ / "x.json", options_);
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message, HasSubstr("--format"));
  EXPECT_FALSE(ImportFile(*store_, folder_ / "none.json", options_));
}

}  // namespace
}  // namespace sotto
