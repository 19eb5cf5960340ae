// What the tests of voice sessions share: a small workflow, an understander by key words, a runner that
// counts.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "core/action.h"
#include "core/understander.h"
#include "dialogue/program.h"
#include "workflow/parse.h"

namespace sotto {

inline constexpr const char* kWorkflow = R"(
workflow: test
assistant: {name: Test, greeting: "Hello! How can I help you today?"}
entities:
  account: {values: {checking: [], savings: []}}
  last_four: {type: digits, length: 4}
  money: {type: money, currency: USD, min: 0.01}
tools:
  transfer_money:
    description: Transfer money
    title: transfer money
    doing: transferring money
    slots:
      amount: {entity: money, required: true, ask: the amount}
      to_account: {entity: account, required: true, ask: which account to transfer to}
    confirm: "Transfer {amount:money} to {to_account}?"
    action: {use: test.transfer}
    done: "Done. Transferred {amount:money} to {to_account}."
    examples: ["transfer {amount} to {to_account}", "move {amount} to my {to_account} account"]
  activate_card:
    description: Activate a card
    title: activate a card
    doing: activating a card
    slots:
      card_last_four: {entity: last_four, required: true, ask: the last four digits}
    confirm: never
    action: {use: test.activate}
    done: "Your card is active."
    examples: ["activate my card", "activate the card ending in {card_last_four}"]
  goodbye: {description: The user leaves, role: goodbye, done: "Goodbye!", examples: ["goodbye", "bye"]}
  intent_unclear: {description: Not understood, role: unclear}
)";

inline std::shared_ptr<const DialogueProgram> CompileTestWorkflow(const std::filesystem::path& folder) {
  ParsedWorkflow parsed = ParseWorkflow(kWorkflow, "test.yaml");
  std::string mistakes;
  for (const Mistake& mistake : parsed.mistakes) mistakes += ToString(mistake, "test.yaml") + "\n";
  SOTTO_CHECK(parsed.workflow.has_value(), "{}", mistakes);
  parsed.workflow->folder = folder;
  auto program = DialogueProgram::Compile(std::make_shared<const Workflow>(*std::move(parsed.workflow)));
  SOTTO_CHECK(program.has_value(), "{}", program.error().message);
  return *program;
}

// Understands by key words: enough to drive a conversation without a trained model.
class KeywordUnderstander : public Understander {
 public:
  void Begin(Conversation, Expectation expectation, std::vector<std::string>) override {
    expectation_ = std::move(expectation);
  }
  void Hear(std::string partial, Done peek) override {
    if (peek) peek(Read(partial));
  }
  void Commit(std::vector<Transcript::Hypothesis> hypotheses, Duration, Done done) override {
    done(Read(hypotheses.front().text));
  }
  void Abandon() override {}

 private:
  Understanding Read(const std::string& text) const {
    const auto has = [&](const char* word) {
      return (" " + text + " ").find(std::string(" ") + word + " ") != std::string::npos;
    };
    ToolCall call{"intent_unclear", Json::object()};
    if (has("transfer") || has("move") || expectation_.tool == "transfer_money") {
      call.name = "transfer_money";
      if (has("two")) call.arguments["amount"] = 200;
      if (has("three")) call.arguments["amount"] = 300;
      if (has("savings")) call.arguments["to_account"] = "savings";
      if (call.arguments.empty() && !has("transfer")) call = {"intent_unclear", Json::object()};
    }
    if (has("activate") || expectation_.tool == "activate_card") {
      call.name = "activate_card";
      if (has("four five three two") || text == "4532") call.arguments["card_last_four"] = "4532";
    }
    if (expectation_.kind == Expectation::Kind::kConfirm && has("yes"))
      call = {control::kAffirm, Json::object()};
    if (expectation_.kind == Expectation::Kind::kConfirm && has("no"))
      call = {control::kDeny, Json::object()};
    if (has("bye") || has("goodbye")) call = {"goodbye", Json::object()};
    Understanding understanding;
    Understanding::Call one;
    one.call = call;
    one.confidence = 0.95;
    understanding.calls.push_back(one);
    understanding.confidence = 0.95;
    understanding.transcript = text;
    return understanding;
  }

  Expectation expectation_;
};

class CountingRunner final : public InlineActionRunner {
 public:
  ToolResult Run(const ActionRequest& request) override {
    requests.push_back(request);
    return {true, "", Json::object()};
  }
  std::vector<ActionRequest> requests;
};

}  // namespace sotto
