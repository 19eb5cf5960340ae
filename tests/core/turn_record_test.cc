#include "core/turn_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <limits>

#include "base/mapped_file.h"
#include "base/random.h"
#include "core/turn_log.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string RandomText(Random& random) {
  static const std::vector<std::string> kPieces{"two hundred", "\"", "\\", "\n", "é",
                                                "日本",        "\t", "{}", "0",  " "};
  std::string text;
  for (size_t i = random.Below(4); i > 0; --i) text += random.Pick(kPieces);
  return text;
}

// Every field at a random value, also those that look odd as text.
TurnRecord RandomRecord(Random& random) {
  const auto text = [&] { return RandomText(random); };
  const auto number = [&] { return random.Chance(0.2) ? 1.0 / 3 : random.Uniform() * 1e5; };
  TurnRecord record;
  record.session = "s" + text();
  record.turn = static_cast<int>(random.Below(100));
  record.at = "2026-11-30T08:00:00Z";
  record.channel = text();
  record.caller = {text(), text(), text(), text(), text()};
  record.workflow = text();
  record.workflow_hash = text();
  record.release = {"v" + text(), "e" + text(), text()};
  record.ended_by = text();
  for (double* time :
       {&record.times.speech_start, &record.times.speech_end, &record.times.endpoint,
        &record.times.last_partial, &record.times.final_transcript, &record.times.understood,
        &record.times.acted, &record.times.replied, &record.times.first_audio, &record.times.done}) {
    if (random.Chance(0.8)) *time = number();
  }
  if (random.Chance(0.5)) record.needed_pause_ms = number() + 1;
  record.cut_off = random.Chance(0.5);
  record.expectation.kind = static_cast<Expectation::Kind>(random.Below(4));
  record.expectation.tool = text();
  record.expectation.slots = {text(), text()};
  record.offered_tools = {text(), "affirm"};
  record.heard.text = text();
  record.heard.final = random.Chance(0.5);
  record.heard.words.push_back(
      {text(), std::chrono::milliseconds(random.Below(9999)), std::chrono::milliseconds(7), number()});
  record.heard.n_best.push_back({text(), -number()});
  record.recognizer = text();
  record.listening_mode = text();
  if (random.Chance(0.8)) {
    Understanding& understood = record.understood.emplace();
    Understanding::Call call;
    call.call.name = text();
    call.call.arguments = {{"amount", number()}, {"b", text()}, {"a", nullptr}};
    call.confidence = number();
    call.arguments = {{"b", number()}, {"a", number()}};
    understood.calls = {call, call};
    understood.confidence = number();
    understood.transcript = text();
    understood.made_by = static_cast<MadeBy>(random.Below(5));
    understood.model = text();
    understood.cost = {1, -2, 3, number()};
    for (uint64_t i = random.Below(3); i > 0; --i)
      understood.route.push_back(
          {text(), static_cast<RouteStep::Outcome>(random.Below(7)), text(), number(), number(), number()});
    if (random.Chance(0.5)) record.shadow = understood;
  }
  record.outcome = static_cast<TurnRecord::Outcome>(random.Below(5));
  if (random.Chance(0.5)) record.escalation = {text(), text(), text()};
  record.events = {Json{{"event", "user_said"}, {"name", text()}}, Json{{"event", "no_progress"}}};
  TurnRecord::Action action;
  action.request.tool = text();
  action.request.action = text();
  action.request.arguments = {{"z", 1}, {"a", text()}};
  action.request.idempotency_key = text();
  action.request.caller = record.caller;
  action.request.session = record.session;
  action.result.ok = random.Chance(0.5);
  action.result.failure = action.result.ok ? "" : "timeout";
  action.result.data = {{"balance", number()}};
  action.ms = number();
  record.actions = {action, action};
  record.reply.text = text();
  record.reply.parts = {{text(), true}, {text(), false}};
  record.reply.interruptible = random.Chance(0.5);
  record.reply.ends_conversation = random.Chance(0.5);
  record.voice = text();
  record.played_ms = number();
  record.played_text = text();
  record.interrupted = random.Chance(0.5);
  record.fillers = random.Chance(0.5);
  record.errors = {text()};
  return record;
}

TEST(TurnRecord, ComesBackExactly) {
  Random random(11);
  for (int i = 0; i < 500; ++i) {
    const TurnRecord record = RandomRecord(random);
    const std::string written = ToJson(record).dump();
    const auto again = TurnRecordFromJson(Json::parse(written));
    ASSERT_TRUE(again) << again.error().message << "\n" << written;
    ASSERT_EQ(ToJson(*again).dump(), written);
    // What the JSON shows only as part of something else, or not at all.
    EXPECT_EQ(again->times.understood, record.times.understood);
    EXPECT_EQ(again->needed_pause_ms, record.needed_pause_ms);
    EXPECT_EQ(again->heard.final, record.heard.final);
    EXPECT_EQ(again->caller, record.caller);
    EXPECT_EQ(again->escalation, record.escalation);
    EXPECT_EQ(again->actions[0].request.session, record.session);
    EXPECT_EQ(again->actions[0].request.caller, record.caller);
    ASSERT_EQ(again->reply.parts.size(), 2u);
    EXPECT_EQ(again->reply.parts[1].fixed, false);
    EXPECT_EQ(again->understood.has_value(), record.understood.has_value());
    if (record.understood) {
      EXPECT_EQ(again->understood->made_by, record.understood->made_by);
      EXPECT_EQ(again->understood->route, record.understood->route);
      EXPECT_EQ(again->understood->calls[0].arguments, record.understood->calls[0].arguments);
    }
  }
}

TEST(TurnRecord, EveryEnumerationIsStoredByName) {
  TurnRecord record;
  record.understood.emplace().made_by = MadeBy::kEscalation;
  record.outcome = TurnRecord::Outcome::kEscalated;
  record.expectation.kind = Expectation::Kind::kOffer;
  const Json json = ToJson(record);
  EXPECT_EQ(json.at("understood").at("made_by"), "escalation");
  EXPECT_EQ(json.at("outcome"), "escalated");
  EXPECT_EQ(json.at("expectation").at("kind"), "offer");
  EXPECT_EQ(json.at("schema"), 2);
}

TEST(TurnRecord, WhatIsNoNumberStaysNone) {
  TurnRecord record;
  record.understood.emplace().confidence = std::numeric_limits<double>::quiet_NaN();
  const auto again = TurnRecordFromJson(Json::parse(ToJson(record).dump()));
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->understood->confidence >= 0);  // passes no threshold
}

// A record as the first version wrote it.
constexpr const char* kVersion1 =
    R"({"session":"call-7","turn":2,"at":"2026-05-01T09:00:00Z","channel":"voice","ended_by":"pause",)"
    R"("times_ms":{"speech_start":10.5,"understood":1400.25},"latency_ms":{"needed_pause":600.0},"cut_off":false,)"
    R"("expectation":{"kind":"ask","tool":"transfer_money","slots":["amount"]},)"
    R"("heard":{"text":"two hundred","words":[{"text":"two","start_ms":0,"end_ms":200,"confidence":0.9}],)"
    R"("n_best":[{"text":"two hundred","log_score":0.0}],"recognizer":"pocketsphinx","listening_mode":"amount"},)"
    R"("understood":{"calls":[{"name":"transfer_money","arguments":{"amount":200},"confidence":0.98,)"
    R"("argument_confidence":{"amount":0.99}}],"confidence":0.98,"made_by":"model","transcript":"two hundred",)"
    R"("cost":{"prefilled":3,"forced":9,"decided":4,"commit_to_call_ms":1.2}},"events":[{"event":"no_progress"}],)"
    R"("actions":[{"tool":"t","action":"bank.transfer","arguments":{},"idempotency_key":"k","ok":false,)"
    R"("failure":"timeout","data":{},"ms":5000.0}],"reply":{"text":"$200.","spoken":"two hundred dollars",)"
    R"("voice":"rms","interruptible":true,"ends_conversation":false},"played":{"ms":900.0,"text":"two","interrupted":true,)"
    R"("fillers":false},"errors":["one"]})";

TEST(TurnRecord, ReadsTheFirstVersion) {
  const auto record = TurnRecordFromJson(Json::parse(kVersion1));
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->session, "call-7");
  EXPECT_EQ(record->times.understood, 1400.25);
  EXPECT_EQ(record->understood->calls.at(0).call.arguments.at("amount"), 200);
  EXPECT_EQ(record->understood->made_by, MadeBy::kModel);
  EXPECT_EQ(record->actions.at(0).result.failure, "timeout");
  ASSERT_EQ(record->reply.parts.size(), 1u);
  EXPECT_EQ(record->reply.parts[0].spoken, "two hundred dollars");
  EXPECT_TRUE(record->interrupted);
}

TEST(TurnRecord, PassesOverWhatALaterProgramAdded) {
  Json json = Json::parse(kVersion1);
  json["mood"] = {{"of", "the caller"}};
  json["heard"]["accent"] = 3;
  EXPECT_TRUE(TurnRecordFromJson(json));
  json["schema"] = 3;
  const auto record = TurnRecordFromJson(json);
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(record.error().message, HasSubstr("schema 3"));
}

TEST(TurnRecord, ErrorsNameTheKey) {
  const auto error = [](const char* pointer, const Json& value) {
    Json json = Json::parse(kVersion1);
    json[Json::json_pointer(pointer)] = value;
    const auto record = TurnRecordFromJson(json);
    return record ? std::string("none") : record.error().message;
  };
  EXPECT_EQ(error("/turn", "two"), "turn is not a whole number");
  EXPECT_EQ(error("/turn", 1e300), "turn is not a whole number");
  EXPECT_EQ(error("/turn", int64_t{1} << 40), "turn is not a number of that size");
  EXPECT_EQ(error("/heard/words/0/confidence", "high"), "heard.words[0].confidence is not a number");
  EXPECT_EQ(error("/heard/words", 3), "heard.words is not a list");
  EXPECT_EQ(error("/understood/calls/0/argument_confidence/amount", Json::array()),
            "understood.calls[0].argument_confidence.amount is not a number");
  EXPECT_EQ(error("/understood/made_by", "magic"),
            "understood.made_by 'magic' is none of model, rule, cache, escalation, person");
  EXPECT_EQ(error("/outcome", "fine"),
            "outcome is not began, handled, not_understood, no_input or escalated");
  EXPECT_EQ(error("/caller", Json{{"customer", 1}}), "caller.customer is not a text");
  EXPECT_EQ(error("/errors/0", 1), "errors[0] is not a text");
  EXPECT_EQ(TurnRecordFromJson(Json::array()).error().message, "the record is not an object");
  EXPECT_EQ(TurnRecordFromJson(Json{{"turn", 1}}).error().message, "session is missing");
}

TEST(TurnLog, WhatWasWrittenIsThereWhateverEndsTheProcess) {
  const TempFolder folder;
  const auto path = folder.path() / "turns.jsonl";
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto log = TurnLog::Open(path);
    if (!log) ::_exit(1);
    TurnRecord record;
    record.session = "s";
    for (record.turn = 0; record.turn < 20; ++record.turn) {
      if (!(*log)->Write(record)) ::_exit(1);
    }
    ::raise(SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  const auto records = ReadTurnRecords(path);
  ASSERT_TRUE(records) << records.error().message;
  ASSERT_EQ(records->size(), 20u);
  EXPECT_EQ(records->back().turn, 19);
}

// A line that was cut off costs itself, neither the next nor the one before.
TEST(TurnLog, ALineThatWasCutOffIsEndedAndNamed) {
  const TempFolder folder;
  const auto path = folder.path() / "turns.jsonl";
  TurnRecord record;
  record.session = "s";
  ASSERT_TRUE(TurnLog::Open(path).value()->Write(record));
  std::ofstream(path, std::ios::app) << R"({"schema": 2, "session": "s", "tu)";
  record.turn = 1;
  ASSERT_TRUE(TurnLog::Open(path).value()->Write(record));
  std::vector<std::string> errors;
  const auto records = ReadTurnRecords(path, &errors);
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 2u);
  EXPECT_EQ((*records)[1].turn, 1);
  EXPECT_THAT(errors, ElementsAre(path.string() + ":2: not valid JSON"));
  EXPECT_THAT(ReadTurnRecords(path).error().message, StartsWith(path.string() + ":2: "));
}

// The disk is full in the middle of a line (here: a limit on the size of files).
TEST(TurnLog, ADiskThatIsFullLosesOneRecordAndSaysSo) {
  const TempFolder folder;
  const auto path = folder.path() / "turns.jsonl";
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    auto log = TurnLog::Open(path);
    TurnRecord record;
    record.session = "s";
    const size_t line = ToJson(record).dump().size() + 1;
    const rlimit limit{line * 3 / 2, RLIM_INFINITY};
    if (!(*log)->Write(record) || ::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(1);
    record.turn = 1;
    if ((*log)->Write(record)) ::_exit(2);
    const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &none) != 0) ::_exit(3);
    record.turn = 2;
    ::_exit((*log)->Write(record) ? 0 : 4);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  ASSERT_EQ(WEXITSTATUS(status), 0);
  std::vector<std::string> errors;
  const auto records = ReadTurnRecords(path, &errors).value();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[1].turn, 2);
  EXPECT_EQ(errors.size(), 1u);
}

TEST(TurnLog, BecomesConversations) {
  std::vector<TurnRecord> records(5);
  const auto turn = [&](size_t i, const char* session, int number, const char* heard) {
    records[i].session = session;
    records[i].turn = number;
    records[i].heard.text = heard;
  };
  turn(0, "a", 0, "");  // the greeting
  turn(1, "b", 2, "no");
  turn(2, "a", 1, "two hundert");
  turn(3, "b", 1, "balance");
  turn(4, "a", 2, "");  // silence
  records[2].expectation = {Expectation::Kind::kSlots, "transfer_money", {"amount"}};
  Understanding& understood = records[2].understood.emplace();
  understood.transcript = "two hundred";
  understood.calls.push_back({{"transfer_money", {{"amount", 200}}}, 1, {}});
  const auto conversations = ConversationsOf(records);
  ASSERT_EQ(conversations.size(), 2u);
  EXPECT_EQ(conversations[0].conversation.turns.at(0).user, "balance");
  EXPECT_EQ(conversations[0].conversation.turns.at(1).user, "no");
  EXPECT_EQ(ToJson(conversations[1]).dump(),
            R"({"messages":[{"role":"user","content":"two hundred","expectation":{"kind":"ask",)"
            R"("tool":"transfer_money","slots":["amount"]}},{"role":"assistant","content":"","tool_calls":)"
            R"([{"type":"function","function":{"name":"transfer_money","arguments":{"amount":200}}}]}]})");
  // And these are read again.
  EXPECT_TRUE(ConversationFromJson(ToJson(conversations[1])));
}

}  // namespace
}  // namespace sotto
