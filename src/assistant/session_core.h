// What a conversation is, whatever channel it comes by: a turn is understood, decided, journalled and acted
// on, in this order, and a record of it is kept. Text and voice sessions drive the same one.
//
//          Begin, TakeSilence, words that need no understanding
//            .-----------------------------------------------.
//            |                                               v
//   idle ----+-- Take --> understanding -- calls, kTimeout --> decided: OnDecision
//    ^                                                       |          |
//    |                                    without an action  |          v with one
//    '------------------------- OnSettled <------------------'      storing -- stored --> acting
//                                                            ^          |                   |
//                                                            '-- decided <- result, failure, timeout
//
// Journal, then act: no action begins before everything that led to it, and that it begins, is on the disk. A
// session that was cut off is continued from there: an action whose outcome is not known runs again, under
// the same idempotency key. Where the journal fails, nothing is lost and nothing is done: what could not be
// stored is stored before whatever follows, and an action that waits for it fails with `unavailable`.
//
// Beside the understanding a network of specialists may look at the words (assistant/turn_network.h): the decision waits for
// it until its budget is over, counted from the words, and no longer; where that was missed the record says so.
//
// Nothing waits and everything ends: understanding, storing and acting have a deadline each. Missed: not
// understood; the action fails with `timeout`, never begun; the action fails with `timeout`. The error goes
// to the record and the log; what comes later is recognised by its number and dropped.
//
// One thread at a time, which also runs the listener, from inside Poll() and what is called here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "assistant/journal.h"
#include "assistant/turn_network.h"
#include "assistant/turn_taker.h"
#include "base/inbox.h"
#include "core/action.h"
#include "core/caller.h"
#include "core/turn_log.h"

namespace sotto {

class Deployment;

// What every session needs; all of it outlives the session.
struct SessionServices {
  std::shared_ptr<const DialogueProgram> program;
  ActionRunner* actions = nullptr;
  Journal* journal = nullptr;  // null: nothing is kept
  const Clock* clock = nullptr;
  // Kept as long as the session; null: none (deployment.h).
  std::shared_ptr<const Deployment> deployment = nullptr;
  std::optional<Date> today = std::nullopt;  // the day of the call, where it is not the clock's
  // Null: none. Kept as long as the session.
  std::shared_ptr<const TurnNetwork> network = nullptr;
  // Where records go besides the host; null: nowhere. Of a voice session one that does not block (TurnQueue).
  TurnSink* turns = nullptr;
};

struct SessionOptions {
  std::string id;  // required: of this session alone (base/unique_id.h)
  std::string channel;
  Caller caller;  // what the host knows
  std::chrono::milliseconds understand_within{5000};
  std::chrono::milliseconds store_within{3000};
  std::chrono::milliseconds act_grace{1000};  // after the action's own timeout_ms
};

class SessionCore {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    // To be said now. An action follows where the decision has one; nothing else before it is over.
    virtual void OnDecision(const Decision& decision) = 0;
    // The turn is decided to its end.
    virtual void OnSettled() = 0;
  };

  // Continues the session `options.id` where the journal has one; blocks for that. kInvalidArgument: no id,
  // or the stored session is another workflow's or somebody else's. `listener` outlives it.
  static Result<std::unique_ptr<SessionCore>> Open(SessionServices services, SessionOptions options,
                                                   std::unique_ptr<Understander> understander,
                                                   Listener& listener);

  // Once, before everything else: the greeting; of a continued session the outcome of an action that was cut
  // off, or what was said last.
  void Begin();
  // Begins a turn: its record is the one below from now on. REQUIRES (this and the next two): idle().
  TurnRecord& NewTurn(std::string ended_by);
  // What was heard, as in the record: without words nobody is asked what it means.
  void Take();
  void TakeSilence();

  // Handles what has come, and what should have: call it often.
  void Poll();
  // The same, but waits for it, until the turn is settled and stored. Not with a clock that stands still.
  void Settle();
  // The turn is over and its record complete: to `turns` with it.
  void CloseRecord();

  bool idle() const { return stage_ == Stage::kIdle; }
  bool understanding() const { return stage_ == Stage::kUnderstanding; }
  // An action runs or is about to.
  bool acting() const { return stage_ == Stage::kStoring || stage_ == Stage::kActing; }
  // An append to the journal is under way.
  bool storing() const { return storing_; }
  bool resumed() const { return resumed_; }
  bool ended() const { return taker_.dialogue().state().ended; }
  const std::optional<HandOff>& hand_off() const { return hand_off_; }
  TurnRecord& record() { return record_; }
  TurnTaker& taker() { return taker_; }
  const TurnTaker& taker() const { return taker_; }
  // For what the driver of the session waits for besides.
  const std::shared_ptr<Inbox>& inbox() const { return inbox_; }
  const std::string& id() const { return options_.id; }
  int turns() const { return next_turn_; }
  TimePoint Now() const { return services_.clock->Now(); }
  // Since Begin().
  double Ms() const { return Milliseconds(Now() - began_at_); }
  double Ms(TimePoint time) const { return Milliseconds(time - began_at_); }

 private:
  enum class Stage { kIdle, kUnderstanding, kStoring, kActing };

  SessionCore(SessionServices services, SessionOptions options, std::unique_ptr<Understander> understander,
              Listener& listener, const std::vector<Event>& events);

  void Enter(Stage stage, Duration limit);
  void OnUnderstood(Result<Understanding> understood);
  void AskNetwork(const std::string& text);
  void OnAnnotated(Result<Json> said);
  void Decide(Result<Understanding> understood);
  void Apply(Decision decision);
  void Keep(const std::vector<Event>& events);
  void Store();
  void OnStored(size_t count, const Result<void>& stored);
  void Act();
  void OnActed(ToolResult result);
  void OnMissed();
  void Settled();
  // A completion that runs `handle` on the session's thread, unless it has gone on meanwhile.
  template <typename T>
  std::function<void(T)> Awaited(void (SessionCore::*handle)(T));

  const SessionServices services_;
  const SessionOptions options_;
  Listener& listener_;
  const bool resumed_;
  TimePoint began_at_;
  const std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  TurnTaker taker_;
  std::optional<HandOff> hand_off_;
  TurnRecord record_;
  int next_turn_ = 0;

  Stage stage_ = Stage::kIdle;
  uint64_t awaited_ = 0;  // number of what the stage waits for
  TimePoint stage_ends_ = TimePoint::max();
  CallSoFar call_;                                   // the turns that are over
  TimePoint asked_network_at_;                       // of this turn
  bool network_awaited_ = false;                     // asked, and neither told nor given up
  std::optional<Result<Understanding>> understood_;  // waits for the network
  std::optional<ActionRequest> action_;              // that waits or runs
  TimePoint action_began_;
  std::vector<Event> unstored_;
  bool storing_ = false;  // an append is under way
  bool unknown_ = false;  // the continued dialogue does not know yet who is calling now
};

}  // namespace sotto
