// One conversation's turns, whatever channel they come by: keeps the history that the brain reads and the
// dialogue that decides, and knows whether what has been understood so far is all that was asked for.
//
//   Begin -> (Prepare -> Hear... -> Commit | NoInput | Abandon -> [Result...])...
//
// One thread at a time.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assistant/understander.h"
#include "core/turn_record.h"
#include "dialogue/dialogue.h"

namespace sotto {

class TurnTaker {
 public:
  TurnTaker(std::shared_ptr<const DialogueProgram> program, std::unique_ptr<Understander> understander);
  // Continues where the events of a stored session end.
  TurnTaker(std::shared_ptr<const DialogueProgram> program, std::unique_ptr<Understander> understander,
            std::span<const Event> events);

  // How the user's words come; kTyped until this is called.
  void set_channel(Channel channel) { history_.channel = channel; }

  Decision Begin(const std::string& session, const Caller& caller) {
    return dialogue_.Begin(session, caller);
  }

  // Of a continued session: see Dialogue::Know.
  std::vector<Event> Know(const Caller& caller) { return dialogue_.Know(caller); }

  // The day it is, for the turns that follow: "tomorrow" is the day after it.
  void SetToday(Date today) { history_.today = today; }

  // Everything about the next utterance that can be computed before it is. REQUIRES (this and the next four):
  // no action is running.
  Result<void> Prepare();
  // A partial transcript; prepares where that was not done.
  Result<void> Hear(std::string_view partial);
  // What the last partial would mean: nothing certain, something clear to which more must be asked, or all
  // that is needed.
  enum class Grasp { kNothing, kUnderstood, kComplete };
  Grasp Peek();
  // The turn is over: understands it and lets the dialogue decide. Fills expectation and `understood` of the
  // record. Where the brain fails, the turn counts as not understood and the error goes to the record.
  Decision Commit(std::span<const Transcript::Hypothesis> hypotheses, TurnRecord* record);
  Decision NoInput(TurnRecord* record);
  void Abandon();

  // REQUIRES: acting(). `at`: now, as base/utc.h writes it.
  Decision AfterAction(const ToolResult& result, std::string_view at) { return dialogue_.Result(result, at); }

  // What a record says of its conversation: session, workflow, who is calling by now.
  void Describe(TurnRecord* record) const;

  bool acting() const { return dialogue_.acting(); }
  Expectation expectation() const { return dialogue_.expectation(); }
  const Workflow& workflow() const { return dialogue_.program().workflow(); }
  const Dialogue& dialogue() const { return dialogue_; }

 private:
  Grasp GraspOf(const Understanding& understanding) const;

  Dialogue dialogue_;
  std::unique_ptr<Understander> understander_;
  Conversation history_;
  bool prepared_ = false;
  std::string peeked_;  // the partial that `grasp_` is about
  std::string partial_;
  Grasp grasp_ = Grasp::kNothing;
};

// Adds a decision's events to the record, what they say of the turn's outcome, and its reply to the end of
// the record's reply.
void AddDecision(const Decision& decision, TurnRecord* record);

}  // namespace sotto
