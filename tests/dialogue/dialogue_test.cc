#include "dialogue/dialogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "base/check.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// Answers every action with what the test set, success without data otherwise.
class ScriptedRunner final : public InlineActionRunner {
 public:
  ToolResult Run(const ActionRequest& request) override {
    requests.push_back(request);
    const auto found = results.find(request.tool);
    return found == results.end() ? ToolResult{true, "", Json::object()} : found->second;
  }
  std::vector<ActionRequest> requests;
  std::map<std::string, ToolResult> results{
      {"check_balance", {true, "", {{"balance", 1250.5}}}},
      {"pay_bill", {true, "", {{"paid_from", "checking"}}}},
      {"replace_card", {true, "", {{"days", 5}}}},
  };
};

std::shared_ptr<const DialogueProgram> Compile(const Workflow& workflow) {
  auto program = DialogueProgram::Compile(std::make_shared<const Workflow>(workflow));
  SOTTO_CHECK(program, "{}", program.error().message);
  return *program;
}

Workflow Banking() {
  const auto parsed = ReadWorkflow(SOTTO_SOURCE_DIR "/workflows/banking");
  SOTTO_CHECK(parsed && parsed->workflow);
  return *parsed->workflow;
}

// A dialogue with a runner; Say returns the reply's text and checks that the events alone give the same
// state.
struct Talk {
  explicit Talk(const Workflow& workflow) : dialogue(Compile(workflow)) {
    const Decision begin = dialogue.Begin("test");
    events = begin.events;
  }
  std::string Say(const std::string& text, const std::vector<ToolCall>& calls) {
    return Say(CertainInput(text, calls));
  }
  std::string Say(const TurnInput& input) { return Take(dialogue.RunTurn(input, runner)); }
  std::string Silence() { return Take(dialogue.Settle(dialogue.NoInput(), runner)); }
  std::string Take(Decision decision) {
    last = std::move(decision);
    if (std::getenv("SOTTO_TEST_SHOW") != nullptr) fmt::print("> {}\n", last.reply.text);
    events.insert(events.end(), last.events.begin(), last.events.end());
    EXPECT_TRUE(Fold(events) == dialogue.state());
    EXPECT_FALSE(last.reply.text.empty());
    return last.reply.text;
  }
  Dialogue dialogue;
  ScriptedRunner runner;
  std::vector<Event> events;
  Decision last;
};

ToolCall Call(std::string name, Json arguments = Json::object()) {
  return {std::move(name), std::move(arguments)};
}
TurnInput Unsure(const std::string& name, const Json& arguments, double confidence) {
  return {name, {{Call(name, arguments), confidence, {}}}};
}

TEST(Dialogue, AsksForEverythingAtOnceThenActs) {
  Workflow workflow = Banking();
  workflow.dialogue.confirm = DialoguePolicy::Confirm::kNever;
  Talk talk(workflow);
  const std::string question = talk.Say("transfer money", {Call("transfer_money")});
  EXPECT_THAT(question,
              HasSubstr("the amount, which account to transfer from and which account to transfer to"));
  EXPECT_EQ(talk.dialogue.expectation().slots,
            (std::vector<std::string>{"amount", "from_account", "to_account"}));
  EXPECT_EQ(talk.Say("200 from checking to savings",
                     {Call("transfer_money",
                           {{"amount", 200}, {"from_account", "checking"}, {"to_account", "savings"}})}),
            "Done. Transferred $200.00 from checking to savings.");
  ASSERT_EQ(talk.runner.requests.size(), 1u);
}

TEST(Dialogue, ConfirmsAndActsOnce) {
  Talk talk(Banking());
  const ToolCall transfer =
      Call("transfer_money", {{"amount", 200}, {"from_account", "checking"}, {"to_account", "savings"}});
  EXPECT_EQ(talk.Say("", {transfer}), "Transfer $200.00 from checking to savings?");
  EXPECT_EQ(talk.dialogue.expectation().kind, Expectation::Kind::kConfirm);
  EXPECT_TRUE(talk.runner.requests.empty());
  EXPECT_THAT(
      talk.Say("yes but make it 300", {Call(control::kAffirm), Call("transfer_money", {{"amount", 300}})}),
      HasSubstr("$300.00"));
  EXPECT_TRUE(talk.runner.requests.empty());
  EXPECT_THAT(talk.Say("yes", {Call(control::kAffirm)}), HasSubstr("Done"));
  talk.Say("yes", {Call(control::kAffirm)});
  EXPECT_EQ(talk.runner.requests.size(), 1u);
}

TEST(Dialogue, DigressionComesBack) {
  Talk talk(Banking());
  EXPECT_THAT(talk.Say("cancel my card", {Call("cancel_card")}), HasSubstr("the type of card"));
  const std::string reply =
      talk.Say("what's in savings", {Call("check_balance", {{"account_type", "savings"}})});
  EXPECT_EQ(reply,
            "Your savings balance is $1,250.50. Back to cancelling your card. Is it your credit card or your "
            "debit card?");
  EXPECT_EQ(talk.dialogue.expectation().tool, "cancel_card");
  EXPECT_THAT(talk.dialogue.OfferedTools(), Contains(control::kDeny));
  EXPECT_THAT(talk.Say("debit", {Call("cancel_card", {{"card_type", "debit"}})}),
              HasSubstr("last four digits"));
  EXPECT_THAT(talk.Say("4532", {Call("cancel_card", {{"card_type", "debit"}, {"card_last_four", "4532"}})}),
              HasSubstr("ending in 4532"));
}

TEST(Dialogue, CheckFailsAndAsksAgain) {
  Talk talk(Banking());
  EXPECT_THAT(
      talk.Say("", {Call("transfer_money", {{"from_account", "savings"}, {"to_account", "savings"}})}),
      HasSubstr("same account"));
  EXPECT_EQ(talk.dialogue.expectation().slots, std::vector<std::string>{"to_account"});
  EXPECT_THAT(talk.Say("", {Call("transfer_money", {{"to_account", "checking"}})}), HasSubstr("How much"));
}

TEST(Dialogue, FollowUpInherits) {
  Talk talk(Banking());
  talk.Say("",
           {Call("cancel_card", {{"card_type", "debit"}, {"card_last_four", "4532"}}), Call("replace_card")});
  EXPECT_THAT(talk.Say("yes", {Call(control::kAffirm)}), HasSubstr("Order a new card for your debit card"));
  EXPECT_THAT(talk.Say("yes", {Call(control::kAffirm)}), HasSubstr("new debit card is on its way"));
  ASSERT_EQ(talk.runner.requests.size(), 2u);
  EXPECT_EQ(talk.runner.requests[1].arguments["card_last_four"], "4532");
}

TEST(Dialogue, NeverSaysSuccessWithoutIt) {
  Talk talk(Banking());
  talk.runner.results["transfer_money"] = {false, "insufficient_funds", {{"available", 50}}};
  talk.Say("", {Call("transfer_money",
                     {{"amount", 200}, {"from_account", "checking"}, {"to_account", "savings"}})});
  const std::string reply = talk.Say("yes", {Call(control::kAffirm)});
  EXPECT_THAT(reply, HasSubstr("You only have $50.00 in checking"));
  EXPECT_THAT(reply, Not(HasSubstr("Done")));
  EXPECT_THAT(talk.Say("40 then", {Call("transfer_money", {{"amount", 40}})}),
              HasSubstr("$40.00 from checking to savings"));
}

TEST(Dialogue, RepairsEscalateToAPerson) {
  Talk talk(Banking());
  const std::string first = talk.Say("", {Call("reset_pin", {{"card_type", "debit"}})});
  const std::string second = talk.Say("hm", {Call("intent_unclear")});
  const std::string third = talk.Say("hm", {Call("intent_unclear")});
  EXPECT_NE(first, second);
  EXPECT_THAT(third, HasSubstr("4 digits"));
  talk.Say("hm", {});
  EXPECT_TRUE(talk.last.ended);
  ASSERT_TRUE(talk.last.hand_off);
  EXPECT_EQ(talk.last.hand_off->reason, "failures");
  EXPECT_THAT(talk.last.hand_off->summary, HasSubstr("reset a PIN (card type: debit)"));
}

TEST(Dialogue, LowConfidenceClarifiesOrReadsBack) {
  Talk talk(Banking());
  EXPECT_THAT(talk.Say(Unsure("get_statement", {{"account_type", "savings"}}, 0.2)),
              HasSubstr("Did you want to get a statement?"));
  EXPECT_TRUE(talk.runner.requests.empty());
  talk.Say("yes", {Call(control::kAffirm)});
  EXPECT_EQ(talk.runner.requests.size(), 1u);
  EXPECT_THAT(talk.Say(Unsure("check_balance", {{"account_type", "savings"}}, 0.5)),
              HasSubstr("account type savings"));
  talk.Say("yes", {Call(control::kAffirm)});
  EXPECT_EQ(talk.runner.requests.size(), 2u);
}

TEST(Dialogue, ControlsAsAPersonExpects) {
  Talk talk(Banking());
  const std::string question = talk.Say("", {Call("activate_card")});
  EXPECT_EQ(talk.Say("", {Call(control::kWait)}), "Take your time.");
  EXPECT_EQ(talk.Say("", {Call(control::kRepeat)}), question);
  EXPECT_THAT(talk.Say("", {Call(control::kHelp)}), HasSubstr("activating your card"));
  EXPECT_THAT(talk.Say("", {Call("goodbye")}), HasSubstr("activating your card"));
  EXPECT_FALSE(talk.last.ended);
  EXPECT_THAT(talk.Say("", {Call(control::kAffirm)}), HasSubstr("last four"));
  EXPECT_THAT(talk.Say("", {Call(control::kNeverMind)}), HasSubstr("activating your card"));
  EXPECT_EQ(talk.dialogue.state().open(), nullptr);
  talk.Say("", {Call(control::kDeny)});
  EXPECT_TRUE(talk.last.ended);
}

TEST(Dialogue, SilenceAsksThenGivesUp) {
  Talk talk(Banking());
  EXPECT_THAT(talk.Silence(), HasSubstr("didn't hear"));
  talk.Silence();
  EXPECT_THAT(talk.Silence(), HasSubstr("hang up"));
  EXPECT_TRUE(talk.last.ended);
}

TEST(Dialogue, WrongValuesAreNamed) {
  Talk talk(Banking());
  EXPECT_THAT(talk.Say("", {Call("activate_card", {{"card_last_four", "12345"}})}), HasSubstr("4 digits"));
  EXPECT_THAT(talk.Say("", {Call("transfer_money", {{"from_account", "credit"}})}),
              HasSubstr("checking or savings"));
  EXPECT_THAT(talk.Say("", {Call("transfer_money", {{"amount", 0}})}), HasSubstr("$0.01"));
}

constexpr const char* kGuarded = R"(workflow: guarded
entities:
  pin: {type: digits, length: 4}
  plan: {values: [small, large]}
tools:
  verify: {role: verify, description: Verify, title: verify you, attempts: 2, slots: {pin: {entity: pin, required: true, ask: your PIN}}, action: test.verify}
  change_plan: {description: Change plan, requires_verified: true, slots: {plan: {entity: plan, required: true}}, action: test.plan, done: "You have the {plan} plan now."}
  hours: {description: Opening hours, done: "Nine to five."}
  unclear: {role: unclear, description: Unclear}
)";

TEST(Dialogue, VerifiesTheCallerFirst) {
  const ParsedWorkflow parsed = ParseWorkflow(kGuarded, "guarded.yaml");
  ASSERT_TRUE(parsed.workflow);
  Talk talk(*parsed.workflow);
  EXPECT_THAT(talk.dialogue.OfferedTools(), Not(Contains("verify")));
  EXPECT_EQ(talk.Say("", {Call("change_plan", {{"plan", "large"}})}),
            "First I need to make sure it's you. Could you tell me your PIN?");
  EXPECT_THAT(talk.dialogue.OfferedTools(), Contains("verify"));
  EXPECT_THAT(talk.Say("", {Call("hours")}), HasSubstr("Nine to five. Back to verifying you."));
  talk.runner.results["verify"] = {false, "wrong", Json::object()};
  EXPECT_THAT(talk.Say("", {Call("verify", {{"pin", "1111"}})}), HasSubstr("doesn't match"));
  talk.runner.results.clear();
  EXPECT_THAT(talk.Say("", {Call("verify", {{"pin", "1234"}})}), HasSubstr("You have the large plan now."));
  EXPECT_EQ(talk.Say("", {Call("change_plan", {{"plan", "small"}})}), "You have the small plan now.");
}

TEST(Dialogue, AVerificationSaysWhoTheCallerIs) {
  const auto program = DialogueProgram::Compile(std::make_shared<const Workflow>(
                                                    *ParseWorkflow(kGuarded, "guarded.yaml").workflow))
                           .value();
  Dialogue dialogue(program);
  const Caller host{"", "phone", "+15550100", "", ""};
  std::vector<Event> events = dialogue.Begin("s", host).events;
  const auto keep = [&](const Decision& decision) {
    events.insert(events.end(), decision.events.begin(), decision.events.end());
    return decision;
  };
  keep(dialogue.Turn(CertainInput("", {{"change_plan", {{"plan", "large"}}}})));
  const Decision verifies = keep(dialogue.Turn(CertainInput("", {{"verify", {{"pin", "1234"}}}})));
  ASSERT_TRUE(verifies.action);
  EXPECT_EQ(verifies.action->caller, host);
  EXPECT_EQ(verifies.action->idempotency_key, IdempotencyKey(host, "s", 2, 1));
  // What the user said is no part of it, what the action found is.
  const Decision acts =
      keep(dialogue.Result({true, "", {{"customer", 17}, {"name", "Alex"}}}, "2026-11-30T08:00:00Z"));
  ASSERT_TRUE(acts.action);
  const Caller verified{"17", "phone", "+15550100", "verify", "2026-11-30T08:00:00Z"};
  EXPECT_EQ(acts.action->caller, verified);
  EXPECT_EQ(acts.action->session, "s");
  EXPECT_EQ(acts.action->idempotency_key, IdempotencyKey(verified, "s", 1, 1));
  // A session that was cut off here goes on with the same request.
  EXPECT_EQ(Dialogue(program, events).running_action().caller, verified);
  EXPECT_EQ(Dialogue(program, events).running_action().idempotency_key, acts.action->idempotency_key);
  // After the end somebody else may speak: what was verified is forgotten, what the host knows is not.
  keep(dialogue.Result({true, "", Json::object()}));
  DialogueState state = dialogue.state();
  Apply(state, {Event::Type::kReopened, 0, "", {}});
  EXPECT_EQ(state.caller, host);
}

TEST(Dialogue, WhomTheHostVouchesForIsNotAsked) {
  const auto program = DialogueProgram::Compile(std::make_shared<const Workflow>(
                                                    *ParseWorkflow(kGuarded, "guarded.yaml").workflow))
                           .value();
  Dialogue dialogue(program);
  dialogue.Begin("s", {"17", "text", "", "login", ""});
  EXPECT_TRUE(dialogue.Turn(CertainInput("", {{"change_plan", {{"plan", "large"}}}})).action);
}

// Each try of a verification is one of its own.
TEST(Dialogue, EveryAttemptHasItsOwnKey) {
  Talk talk(*ParseWorkflow(kGuarded, "guarded.yaml").workflow);
  talk.runner.results["verify"] = {false, "wrong", Json::object()};
  talk.Say("", {Call("change_plan", {{"plan", "large"}})});
  talk.Say("", {Call("verify", {{"pin", "1111"}})});
  talk.Say("", {Call("verify", {{"pin", "1111"}})});
  ASSERT_EQ(talk.runner.requests.size(), 2u);
  EXPECT_NE(talk.runner.requests[0].idempotency_key, talk.runner.requests[1].idempotency_key);
}

TEST(Dialogue, VerificationHasLimitedAttempts) {
  Talk talk(*ParseWorkflow(kGuarded, "guarded.yaml").workflow);
  talk.runner.results["verify"] = {false, "wrong", Json::object()};
  talk.Say("", {Call("change_plan", {{"plan", "large"}})});
  talk.Say("", {Call("verify", {{"pin", "1111"}})});
  talk.Say("", {Call("verify", {{"pin", "2222"}})});
  ASSERT_TRUE(talk.last.hand_off);
  EXPECT_EQ(talk.last.hand_off->reason, "verification");
}

TEST(Event, RoundTrip) {
  Talk talk(Banking());
  talk.Say("", {Call("cancel_card", {{"card_type", "debit"}}), Call("check_balance")});
  for (const Event& event : talk.events) {
    const auto back = EventFromJson(*ParseJson(ToJson(event).dump(), "event"));
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, event);
  }
}

// A confidence that is no number is no confidence: nothing is begun, changed or confirmed for it.
TEST(Dialogue, ANaNPassesNoThreshold) {
  const double nan = std::nan("");
  Talk talk(Banking());
  const Json transfer{{"amount", 20}, {"from_account", "checking"}, {"to_account", "savings"}};
  talk.Say(Unsure("transfer_money", transfer, nan));
  EXPECT_THAT(talk.last.reply.text, HasSubstr("Did you want to"));
  EXPECT_THAT(talk.runner.requests, testing::IsEmpty());
  // At the read-back a yes of that kind is no yes.
  Talk confirmed(Banking());
  confirmed.Say("move it", {Call("transfer_money", transfer)});
  confirmed.Say(Unsure("affirm", Json::object(), nan));
  EXPECT_THAT(confirmed.runner.requests, testing::IsEmpty());
  confirmed.Say("yes", {Call("affirm", Json::object())});
  EXPECT_THAT(confirmed.runner.requests, testing::SizeIs(1));
}

// Values of another type than text stay what they are from the call to the action, and are said by their
// words.
TEST(Dialogue, ListedNumbersAndBooleansReachTheActionAsSuch) {
  const auto parsed = ParseWorkflow(R"(
workflow: rating
entities:
  stars: {value_type: integer, values: {"1": {say: one star}, "2": {say: two stars}}}
  public: {value_type: boolean, values: {"true": {say: "yes"}, "false": {say: "no"}}}
  count: {type: number, value_type: integer}
tools:
  rate:
    as: rate-it
    description: Rate
    slots:
      stars: {entity: stars, as: n-stars, required: true}
      public: {entity: public}
      copies: {entity: count}
    checks: [{rule: not (public == true and stars == 1), say: "Better not.", clear: [public]}]
    action: {use: rate}
    done: "Rated {stars}[, shown: {public}]."
  intent_unclear: {role: unclear, description: What is not understood}
)",
                                    "rating.yaml");
  ASSERT_TRUE(parsed.workflow);
  const auto answer = [&](const Json& arguments) {
    Talk talk(*parsed.workflow);
    talk.Say("rate it", {Call("rate", arguments)});
    return std::pair(talk.last.reply.text,
                     talk.runner.requests.empty() ? Json() : talk.runner.requests[0].arguments);
  };
  EXPECT_EQ(answer({{"stars", 2}, {"public", false}}),
            std::pair(std::string("Rated two stars, shown: no."), Json({{"n-stars", 2}, {"public", false}})));
  EXPECT_EQ(answer({{"stars", "two stars"}}).second, Json({{"n-stars", 2}}));
  EXPECT_EQ(answer({{"stars", 1}, {"public", true}}).first, "Better not.");
  EXPECT_THAT(answer({{"stars", 1}, {"copies", 2.5}}).first, HasSubstr("whole number"));
  EXPECT_EQ(ToExportedTool(*parsed.workflow->FindTool("rate")).parameters["properties"]["n-stars"],
            Json({{"type", "integer"}, {"enum", {1, 2}}}));
}

// An appointment, a statement and a booking by the hour.
Workflow Calendar() {
  const auto parsed = ParseWorkflow(R"(workflow: calendar
entities:
  day: {type: date, min: today, max: 30 days}
  hour: {type: time, min: 08:00, max: "18:00"}
  length: {type: duration, max: 4 hours}
  span: {type: date_range, max: today}
tools:
  book:
    description: Book a room
    slots:
      day: {entity: day, required: true, question: "Which day?"}
      hour: {entity: hour, required: true, question: "When?"}
      length: {entity: length, required: true, question: "How long?"}
    confirm: "The room on {day} {hour} for {length}?"
    action: none
    done: "Booked."
    examples: [book a room]
  statement:
    description: Show a statement
    slots:
      span: {entity: span, required: true, question: "From when to when?"}
    action: none
    done: "Here is {span}."
    examples: [my statement]
  intent_unclear: {role: unclear, description: Not understood}
)",
                                    "calendar.yaml");
  SOTTO_CHECK(parsed.workflow);
  return *parsed.workflow;
}

TEST(Dialogue, CalendarValuesAreCheckedAgainstTheDayOfTheCall) {
  Talk talk(Calendar());
  const auto say = [&](const char* tool, const Json& arguments) {
    TurnInput input = CertainInput("words", {{tool, arguments}});
    input.today = ParseDate("2026-03-18");
    return talk.Say(input);
  };
  EXPECT_THAT(say("book", {{"day", "2026-03-17"}}),
              HasSubstr("That is too early: the earliest is Wednesday, March 18."));
  EXPECT_THAT(say("book", {{"day", "2026-05-17"}}),
              HasSubstr("That is too late: the latest is Friday, April 17."));
  EXPECT_THAT(say("book", {{"day", "whenever"}}), HasSubstr("I need a date there."));
}

TEST(Dialogue, CalendarValuesAreSaidAsPeopleDo) {
  Talk talk(Calendar());
  const auto say = [&](const char* tool, const Json& arguments) {
    TurnInput input = CertainInput("words", {{tool, arguments}});
    input.today = ParseDate("2026-03-18");
    return talk.Say(input);
  };
  say("book", {{"day", "2026-03-24"}});
  EXPECT_THAT(say("book", {{"hour", "19:00"}}), HasSubstr("the latest is at 6:00 PM"));
  EXPECT_EQ(say("book", {{"hour", "15:30"}}), "How long?");
  EXPECT_THAT(say("book", {{"length", "P1D"}}), HasSubstr("at most 4 hours"));
  EXPECT_EQ(say("book", {{"length", "PT90M"}}),
            "The room on Tuesday, March 24 at 3:30 PM for 1 hour and 30 minutes?");
  std::string spoken;
  for (const Reply::Part& part : talk.last.reply.parts) spoken += part.spoken;
  EXPECT_EQ(spoken,
            "The room on Tuesday the twenty fourth of March at half past three in the afternoon for one hour "
            "and thirty minutes?");
  // What lies ahead is cut off a statement.
  EXPECT_THAT(say("statement", {{"span", "2026-03-01/2026-03-31"}}), HasSubstr("March 1 to March 18"));
}

}  // namespace
}  // namespace sotto
