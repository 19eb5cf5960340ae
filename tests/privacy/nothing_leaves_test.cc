// 10,000 turns with planted cards, IBANs, social security numbers, phones and e-mails, typed and as spoken: none
// of them is in what would leave, in the audit or in the turn records on the disk, and all come back, from a
// stream cut at every byte.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/mapped_file.h"
#include "privacy/audit.h"
#include "privacy/planted.h"
#include "privacy/pseudonyms.h"
#include "privacy/redaction.h"
#include "temp_folder.h"

namespace sotto {
namespace {

constexpr int kConversations = 2500;
constexpr int kTurns = 4;

std::string Lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

std::string LettersAndDigits(std::string_view text) {
  std::string out;
  for (const char c : Lower(std::string(text)))
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')) out += c;
  return out;
}

// As it was planted, in figures without what stands between, or a stretch of it long enough to tell.
bool Leaks(const std::string& text, const PlantedText& planted) {
  if (Lower(text).find(Lower(planted.value)) != std::string::npos) return true;
  return LettersAndDigits(text).find(LettersAndDigits(planted.bare)) != std::string::npos;
}

std::shared_ptr<const Detector> English() {
  static const auto detector = *Detector::For("en");
  return detector;
}

PlantedText Any(const Planter& planter, Random& random) {
  const PersonalKind kind = random.Pick(Planter::Kinds());
  return planter.Plant(kind, random.Chance(.5) ? PlantedForm::kSpoken : PlantedForm::kTyped, random);
}

TEST(NothingLeaves, OfTenThousandTurns) {
  const Planter planter = *Planter::For("en");
  Random random(11);
  const TempFolder folder;
  const SystemClock clock;
  const auto audit = *AuditLog::Open(folder / "audit.jsonl", clock);
  int hidden_turns = 0;
  for (int c = 0; c < kConversations; ++c) {
    Conversation conversation;
    std::vector<PlantedText> planted;
    for (int t = 0; t < kTurns; ++t) {
      planted.push_back(Any(planter, random));
      Turn turn;
      turn.user = planted.back().text.text;
      turn.calls.push_back({"note", Json{{"value", planted.back().bare}, {"said", planted.back().value}}});
      conversation.turns.push_back(std::move(turn));
    }
    PseudonymVault vault(English(), random.Next());
    const auto hidden = vault.HideConversation(conversation);
    ASSERT_TRUE(hidden) << hidden.error().message;
    std::string leaving;
    for (const Turn& turn : hidden->turns) {
      leaving += turn.user + "\n" + turn.calls[0].arguments.dump() + "\n";
      ++hidden_turns;
    }
    for (const PlantedText& one : planted)
      ASSERT_FALSE(Leaks(leaving, one)) << one.text.text << "\n" << leaving;
    if (c % 100 == 0) {
      AuditRecord record;
      record.hidden = vault.counts();
      record.bytes = leaving.size();
      record.to = "https://" + planted[0].bare + "@api.example.com/v1?q=" + planted[1].bare;
      ASSERT_TRUE(audit->Write(record));
    }
    // What comes back, cut at every byte of one turn: the value is whole again.
    const std::string& said = hidden->turns[0].user;
    const std::string whole = vault.RestoreText(said);
    ASSERT_TRUE(LettersAndDigits(whole).find(LettersAndDigits(planted[0].bare)) != std::string::npos ||
                Lower(whole).find(Lower(planted[0].value)) != std::string::npos)
        << planted[0].text.text << "\n"
        << said << "\n"
        << whole;
    for (size_t cut = 0; cut <= said.size(); ++cut) {
      StreamRestorer restorer(vault);
      std::string out = restorer.Feed(std::string_view(said).substr(0, cut));
      out += restorer.Feed(std::string_view(said).substr(cut));
      out += restorer.Finish();
      ASSERT_EQ(out, whole) << "cut at " << cut << " of: " << said;
    }
  }
  EXPECT_EQ(hidden_turns, 10000);
  const std::string written = *ReadFile(folder / "audit.jsonl");
  EXPECT_THAT(written, ::testing::HasSubstr("\"to\":\"https://api.example.com/v1\""));
  EXPECT_EQ(std::count(written.begin(), written.end(), '\n'), kConversations / 100);
}

TurnRecord RecordOf(const PlantedText& planted, int turn) {
  TurnRecord record;
  record.session = "0123456789abcdef0123456789abcdef";
  record.turn = turn;
  record.caller.address = "+15551234567";
  const std::string& text = planted.text.text;
  record.heard.text = text;
  record.heard.n_best = {{text, 0}, {text + " please", -1}};
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    record.heard.words.push_back({text.substr(begin, end - begin), {}, {}, .9});
    begin = end + 1;
  }
  Understanding understood;
  understood.transcript = text;
  understood.calls.push_back({{"note", Json{{"value", planted.bare}, {"said", planted.value}}}, 1, {}});
  understood.calls[0].unfit.push_back({"value", "not_listed", planted.value});
  record.understood = understood;
  record.events = {Json{{"type", "slot_filled"}, {"value", planted.bare}}};
  TurnRecord::Action action;
  action.request.arguments = Json{{"value", planted.bare}};
  action.result.data = Json{{"echo", planted.value}};
  record.actions.push_back(action);
  record.reply.text = "You said " + planted.value + ".";
  record.reply.parts = {{"You said ", true}, {planted.value, false}, {".", true}};
  record.played_text = record.reply.text;
  record.errors = {"upstream refused: " + planted.value};
  record.escalation = TurnRecord::Escalation{"person", "asked", "the caller gave " + planted.value};
  return record;
}

TEST(NothingLeaves, IntoTurnRecordsOnTheDisk) {
  const Planter planter = *Planter::For("en");
  Random random(12);
  const TempFolder folder;
  const auto log = *TurnLog::Open(folder / "turns.jsonl");
  RedactingSink sink(*log, English());
  std::vector<PlantedText> planted;
  for (int t = 0; t < 1000; ++t) {
    planted.push_back(Any(planter, random));
    const auto written = sink.Write(RecordOf(planted.back(), t));
    ASSERT_TRUE(written) << written.error().message << "\n" << planted.back().text.text;
  }
  const auto records = ReadTurnRecords(folder / "turns.jsonl");
  ASSERT_TRUE(records) << records.error().message;
  ASSERT_EQ(records->size(), planted.size());
  for (size_t i = 0; i < planted.size(); ++i) {
    const std::string line = ToJson((*records)[i]).dump();
    ASSERT_FALSE(Leaks(line, planted[i])) << planted[i].text.text << "\n" << line;
    // It still trains: the value of the call stands in what was heard.
    const TurnRecord& record = (*records)[i];
    const std::string value = record.understood->calls[0].call.arguments["said"].get<std::string>();
    ASSERT_EQ(value.substr(0, 1), "<") << value;
    ASSERT_THAT(record.heard.text, ::testing::HasSubstr(value)) << line;
    ASSERT_EQ(record.understood->transcript, record.heard.text);
  }
  EXPECT_EQ((*records)[0].caller.address, "<phone_1>");
}

TEST(RedactRecord, AValueHasOnePlaceholderHoweverItIsWritten) {
  TurnRecord record;
  record.heard.text = "block four one one one one one one one one one one one one one one one";
  Understanding understood;
  understood.transcript = record.heard.text;
  understood.calls.push_back(
      {{"block", Json{{"card", "4111 1111 1111 1111"}, {"n", 4111111111111111}}}, 1, {}});
  record.understood = understood;
  const auto redacted = RedactRecord(record, *English());
  ASSERT_TRUE(redacted) << redacted.error().message;
  EXPECT_EQ(redacted->heard.text, "block <card_1>");
  EXPECT_EQ(redacted->understood->calls[0].call.arguments, (Json{{"card", "<card_1>"}, {"n", "<card_1>"}}));
}

// Tables and tools give numbers as numbers, and as names of fields.
TEST(RedactRecord, NumbersAndKeysAreLookedAtToo) {
  TurnRecord record;
  record.heard.text = "note it";
  Understanding understood;
  understood.transcript = record.heard.text;
  understood.calls.push_back({{"note", Json{{"number", 4111111111111111.0},
                                            {"phone", 4155550132},
                                            {"maestro", 6759649826438453000.0},
                                            {"amount", 1234.5},
                                            {"count", 250000},
                                            {"4111111111111111", true},
                                            {"jane.doe@example.org", 1}}},
                              1,
                              {}});
  record.understood = understood;
  const auto redacted = RedactRecord(record, *English());
  ASSERT_TRUE(redacted) << redacted.error().message;
  const Json& arguments = redacted->understood->calls[0].call.arguments;
  EXPECT_EQ(arguments["number"], "<card_1>");
  EXPECT_EQ(arguments["phone"].get<std::string>().substr(0, 1), "<");
  EXPECT_EQ(arguments["maestro"].get<std::string>().substr(0, 1), "<");  // beyond what a double holds exactly
  EXPECT_EQ(arguments["amount"], 1234.5);
  EXPECT_EQ(arguments["count"], 250000);
  const std::string all = ToJson(*redacted).dump();
  EXPECT_THAT(all, ::testing::Not(::testing::HasSubstr("4111111111111111")));
  EXPECT_THAT(all, ::testing::Not(::testing::HasSubstr("jane.doe")));
}

// Only what comes last says that it is a name.
TEST(RedactRecord, AValueThatIsFoundLateStandsNowhereBefore) {
  TurnRecord record;
  record.heard.text = "eighty to zodtaickson now";
  for (const char* word : {"eighty", "to", "zodtaickson", "now"})
    record.heard.words.push_back({word, {}, {}, .9});
  record.events = {Json{{"event", "user_said"}, {"name", record.heard.text}}};
  record.errors = {"refused: my name is zodtaickson"};
  const auto redacted = RedactRecord(record, *English());
  ASSERT_TRUE(redacted) << redacted.error().message;
  EXPECT_EQ(redacted->heard.text, "eighty to <name_1> now");
  EXPECT_EQ(redacted->heard.words[2].text, "<name_1>");
  EXPECT_EQ(redacted->events[0]["name"], redacted->heard.text);
  EXPECT_EQ(redacted->errors[0], "refused: my name is <name_1>");
}

// "name" is how an event calls what it is about, not a cue.
TEST(RedactRecord, TheKeysOfEventsAreNoCues) {
  for (const char* words : {"turn up the ac", "wait that would be seven zero nine three"}) {
    TurnRecord record;
    record.heard.text = words;
    record.events = {Json{{"event", "user_said"}, {"name", words}}};
    const auto redacted = RedactRecord(record, *English());
    ASSERT_TRUE(redacted) << words;
    EXPECT_EQ(ToJson(*redacted), ToJson(record));
  }
}

TEST(RedactRecord, LeavesWhatIdentifiesNobody) {
  TurnRecord record;
  record.heard.text = "transfer two hundred dollars from checking to savings";
  record.reply.text = "Transfer $200.00 from checking to savings?";
  const auto redacted = RedactRecord(record, *English());
  ASSERT_TRUE(redacted);
  EXPECT_EQ(ToJson(*redacted), ToJson(record));
}

}  // namespace
}  // namespace sotto
