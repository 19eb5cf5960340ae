#include <gtest/gtest.h>

#include "specialist/annotator.h"
#include "specialist/call_summary.h"
#include "specialist/extractive.h"
#include "specialist/voicemail.h"

namespace sotto {
namespace {

TurnRecord RecordWith(int turn, std::string heard, std::vector<Json> events) {
  TurnRecord record;
  record.session = "s1";
  record.turn = turn;
  record.at = "2026-03-18T09:30:00Z";
  record.channel = "phone";
  record.heard.text = std::move(heard);
  record.events = std::move(events);
  record.outcome = turn == 0 ? TurnRecord::Outcome::kBegan : TurnRecord::Outcome::kHandled;
  return record;
}

std::vector<TurnRecord> OneCall() {
  std::vector<TurnRecord> records;
  records.push_back(RecordWith(0, "", {}));
  records.push_back(
      RecordWith(1, "move two hundred to savings and what's my balance",
                 {{{"event", "task_began"}, {"task", 1}, {"name", "transfer_money"}},
                  {{"event", "slot_set"}, {"task", 1}, {"name", "amount"}, {"value", 200}},
                  {{"event", "slot_set"}, {"task", 1}, {"name", "to_account"}, {"value", "savings"}},
                  {{"event", "task_done"}, {"task", 1}, {"name", ""}, {"value", {{"balance", 1050.5}}}},
                  {{"event", "task_began"}, {"task", 2}, {"name", "cancel_card"}},
                  {{"event", "task_done"}, {"task", 2}, {"name", "not_found"}, {"value", Json::object()}},
                  {{"event", "task_began"}, {"task", 3}, {"name", "pay_bill"}},
                  {{"event", "task_dropped"}, {"task", 3}, {"name", "never_mind"}},
                  {{"event", "task_began"}, {"task", 4}, {"name", "reset_pin"}}}));
  records.back().caller.customer = "C-1001";
  records.back().outcome = TurnRecord::Outcome::kEscalated;
  records.back().escalation = {"person", "asked", "wants a person"};
  return records;
}

TEST(CallSummary, SaysWhatBecameOfEachTask) {
  const auto records = OneCall();
  const std::string note = NoteForm::Default().Write(FactsOf(records), nullptr);
  EXPECT_EQ(note,
            "Call s1 on 2026-03-18T09:30:00Z, phone, 1 turn.\n"
            "Customer C-1001.\n"
            "Done: transfer money (amount 200, to account savings).\n"
            "Not done: cancel card: not found.\n"
            "Given up: pay bill.\n"
            "Left open: reset pin.\n"
            "Handed over to a person: asked.\n");
  EXPECT_TRUE(CheckNote(note, records).empty());
}

TEST(CallSummary, FindsWhatNoRecordSays) {
  const auto records = OneCall();
  EXPECT_EQ(CheckNote("Done: transfer money (amount 300).\n", records).size(),
            2u);  // the number, and as a value
  EXPECT_EQ(CheckNote("Done: transfer money (to account checking).\n", records).size(), 1u);
  const std::vector<TurnRecord> nothing = {RecordWith(0, "", {})};
  EXPECT_EQ(CheckNote("Done: transfer money.\n", nothing).size(), 1u);
  EXPECT_EQ(CheckNote("Handed over to a person: asked.\n", nothing).size(), 1u);
}

TEST(CallSummary, TakesAFormOfItsOwn) {
  const auto form = NoteForm::Parse(
      "# ours\nCRM {customer}\n@done + {what}: {slots.amount:money}[, now {result.balance:money}]\n",
      "f.txt");
  ASSERT_TRUE(form.has_value()) << form.error().message;
  EXPECT_EQ(form->Write(FactsOf(OneCall()), nullptr),
            "CRM C-1001\n+ transfer money: $200.00, now $1,050.50\n");
  EXPECT_EQ(NoteForm::Parse("x\n@lost {what}\n", "f.txt").error().message,
            "f.txt:2: no tasks are 'lost' (@done, @failed, @open, @dropped)");
  EXPECT_NE(NoteForm::Parse("{a:mony}\n", "f.txt").error().message.find("f.txt:1"), std::string::npos);
  EXPECT_FALSE(NoteForm::Parse("", "f.txt").has_value());
}

TEST(Extractive, TakesSentencesAsTheyStand) {
  const std::string text =
      "The card machine swallowed my card. I called the bank about the card on Monday. The weather was fine. "
      "The bank "
      "said the card machine would be emptied and the card sent. Dr. B. Smith was nice.";
  const auto best = ExtractSentences(text, 2);
  ASSERT_EQ(best.size(), 2u);
  for (const auto& one : best) EXPECT_EQ(text.substr(one.begin, one.end - one.begin), one.text);
  EXPECT_LT(best[0].begin, best[1].begin);
  EXPECT_EQ(ExtractSentences(text, 100).size(), 5u);
  EXPECT_TRUE(ExtractSentences("", 3).empty());
  for (const auto& one : best) EXPECT_EQ(one.text.find("weather"), std::string::npos);
}

TEST(Voicemail, SaysWhoNumberWishAndWhen) {
  const auto detector = Detector::For("en").value();
  const std::string text =
      "Hi, this is Jane Miller. I'd like to move my appointment to next Tuesday. Please call me back on 020 "
      "7946 0958. Thanks, bye.";
  const Json said = SummariseVoicemail(*detector, text, *ParseDate("2016-11-07"), {.regions = {"GB"}});
  EXPECT_EQ(said["who"]["text"], "Jane Miller");
  EXPECT_EQ(said["wish"]["text"], "I'd like to move my appointment to next Tuesday.");
  EXPECT_EQ(said["callback"]["text"], "020 7946 0958");
  ASSERT_EQ(said["when"].size(), 1u) << said.dump();
  EXPECT_EQ(said["when"][0]["value"], "2016-11-15");
  EXPECT_TRUE(SummariseVoicemail(*detector, "", *ParseDate("2016-11-07"), {}).empty());
}

}  // namespace
}  // namespace sotto
