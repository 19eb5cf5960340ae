// One conversation's turns, whatever channel they come by: keeps the history that the understander reads and
// the dialogue that decides, and knows whether what has been understood so far is all that was asked for.
//
//   Begin -> (Prepare -> Hear... -> Understand -> Take | NoInput | Abandon -> [AfterAction...])...
//
// Nothing here waits: see core/understander.h. One thread at a time.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/turn_record.h"
#include "core/understander.h"
#include "dialogue/dialogue.h"

namespace sotto {

class TurnTaker {
 public:
  // Continues where the events of a stored session end; none: a new one.
  TurnTaker(std::shared_ptr<const DialogueProgram> program, std::unique_ptr<Understander> understander,
            std::span<const Event> events);

  // How the user's words come; kTyped until this is called.
  void set_channel(Channel channel) { history_.channel = channel; }
  // The day it is, for the turns that follow: "tomorrow" is the day after it.
  void SetToday(Date today) { history_.today = today; }

  Decision Begin(const std::string& session, const Caller& caller) {
    return dialogue_.Begin(session, caller);
  }
  // Of a continued session: see Dialogue::Know.
  std::vector<Event> Know(const Caller& caller) { return dialogue_.Know(caller); }

  // Everything about the next utterance that can be computed before it is. REQUIRES (this and the next five):
  // no action is running, and nothing is being understood.
  void Prepare();
  // A partial transcript; prepares where that was not done. `peek`: see Understander::Hear; null: not asked.
  void Hear(std::string_view partial, Understander::Done peek);
  // What the last partial would mean: nothing certain, something clear to which more must be asked, or all
  // that is needed.
  enum class Grasp { kNothing, kUnderstood, kComplete };
  Grasp GraspOf(const Result<Understanding>& peeked) const;
  // The turn is over: asks for what it means; `done` is followed by Take(). The readings are not empty.
  void Understand(std::vector<Transcript::Hypothesis> hypotheses, Duration limit, Understander::Done done);
  // Lets the dialogue decide. `heard`: the words where the understanding does not say. Fills expectation,
  // `understood` and, where it is an error, the error of the record: the turn then counts as not understood.
  // `rule`: of the network, that holds; null: none.
  Decision Take(Result<Understanding> understood, std::string heard, TurnRecord* record,
                const NetworkDef::Rule* rule = nullptr);
  // Of words that nobody has to understand: none. Counts as not understood.
  Decision TakeNothing(TurnRecord* record);
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
  Decision Decide(TurnInput input, const TurnRecord& record);

  Dialogue dialogue_;
  std::unique_ptr<Understander> understander_;
  Conversation history_;
  bool prepared_ = false;
};

// Adds a decision's events to the record, what they say of the turn's outcome, and its reply to the end of
// the record's reply.
void AddDecision(const Decision& decision, TurnRecord* record);

}  // namespace sotto
