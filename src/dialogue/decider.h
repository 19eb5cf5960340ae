// One decision of the policy at work: a copy of the state that each event is folded into at once, and the
// reply as it grows. Internal to the layer; dialogue/policy.h is the way in.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dialogue/composer.h"
#include "dialogue/policy.h"
#include "dialogue/slot_value.h"
#include "text/consent.h"
#include "text/speech_act.h"

namespace sotto {

class Decider {
 public:
  Decider(const DialogueProgram& program, const DialogueState& before)
      : program_(program), policy_(program.workflow().dialogue), state_(before), composer_(program, state_) {}

  void Begin(std::string session, const Caller& caller);
  void Turn(const TurnInput& input);
  void NoInput();
  void Result(const ToolResult& result, std::string_view at);
  // REQUIRES: one of the above was called, once.
  Decision Finish();

 private:
  using Call = Understanding::Call;
  // The calls of a turn, by what they are to the dialogue.
  struct Heard {
    std::vector<const Call*> controls;
    std::vector<const Call*> talk;
    std::vector<const Call*> tasks;
  };
  struct Rejection {
    int task = 0;
    const Slot* slot = nullptr;
    Json value;
    Misfit misfit;
  };

  // What becomes of a call that would begin a task.
  enum class Verdict { kTaken, kDoubted, kLeft, kAsked, kDelayed };
  // What is said to words that no call is left of.
  enum class Judged {
    kNothing,
    kAskOn,       // the open question again: nothing went wrong
    kLeftAlone,   // "don't ...": okay
    kCannotTell,  // a question about what Sotto can only do
    kOnlyNow,     // "tomorrow"
    kReadBack,    // what was read back, once more
    kDone,        // "undo that": it is
  };

  // decider_judge.cc: what the user really asked for.
  TurnInput Judge(const TurnInput& input);
  void JudgeAnswerTo(TurnInput& input);
  void JudgeRequests(TurnInput& input);
  void TakeAwayDenied(TurnInput& input) const;
  void JudgeNothingOpen(TurnInput& input);
  bool NamesOnlyAValue(std::string_view text) const;
  Answer AnswerOf(const TurnInput& input) const;
  ReadBack PendingReadBack() const;
  bool SaysMore(const TurnInput& input, Answer answer);
  bool NamesAnew(const Task& open, const ToolCall& call) const;
  std::vector<Call> ChangeInWords(std::string_view text) const;
  Verdict VerdictOn(const Call& call, const RequestJudgement& request) const;
  bool NamesALaterDay() const;
  bool ReplyToJudged();
  const LanguageData& language() const { return *program_.workflow().language_data; }

  // decider_turn.cc: what the user said.
  Heard Sort(const TurnInput& input);
  bool Corrects(const Heard& heard) const;
  void Control(const Call& call, const Heard& heard, bool correction);
  void Affirm(bool correction);
  void Deny(const Heard& heard, bool correction);
  void NeverMind();
  void Help();
  void Talk(const Call& call);
  void Goodbye();
  void Tasks(const Heard& heard);
  void Queue(const Call& call);
  void FirstTask(const Call& call);
  void BeginTask(const Call& call);
  void SayUnlike(const std::string& tool);
  void MergeSlots(const Task& task, const Call& call);
  void Reject(int id, const Slot& slot, const Json& value, Misfit misfit);
  // Digits that come in several turns. False: they are no part of the slot's number.
  bool CollectDigits(int id, const Slot& slot, const Json& value);
  bool PendingSlotsAreKnown() const;
  void Inherit(const ToolDef& tool, const Json& given);
  bool AskDocuments();

  // decider_repair.cc: what was not understood.
  void NotUnderstood();

  // decider_next.cc: what comes next.
  void Advance();
  void Dequeue();
  bool ResumeTop();
  bool NeedsVerification(const Task& task) const;
  void BeginVerification(int id, std::string_view why = "verify_first");
  void Screened(int id, const ToolResult& result);
  bool SayRejection(const Task& task);
  bool SayDigitsSoFar(const Task& task, const Slot& slot);
  bool SayFailedCheck(const Task& task);
  bool NeedsConfirmation(const Task& task) const;
  void AskSlots(const Task& task, std::vector<std::string> slots);
  void AskConfirm(const Task& task);
  void AskAgain(const Task& task, const std::string& slot);
  void Reask();
  bool Act(const Task& task);
  void Done(int id, const ToolResult& result, std::string_view at = {});
  void Verified(const ToolDef& tool, const ToolResult& result, std::string_view at);
  void Failed(int id, const ToolResult& result);
  void Idle();
  void Drop(std::string_view why);
  void End();
  void HandOffTo(const std::string& reason);

  // decider_plan.cc: goals that several tools lead to. False: the decision is made.
  bool AdvancePlan(const Task& task);
  bool AnswersOnePart(const Heard& heard, bool correction);
  bool SayFailedPlanCheck(const Task& task);
  bool PlanFits(const Task& task, const Json& values);
  bool ActOnStep(const Task& task, size_t step, const Json& values);
  void StepResult(int id, const ToolResult& result);
  void FinishPlan(const Task& task);
  void FailPlan(int id, size_t step, const std::string& failure, const Json& arguments, const Json& data);
  // "transfer $5.00 to savings" of each step: those that are to be done, or those that were.
  std::string StepPhrases(const Task& task, bool done) const;
  // What a read-back of the task shows: its slots; of a plan also what was reckoned, and its steps.
  Json Shown(const Task& task) const;
  // What of that a yes to a plan may repeat.
  Json Repeatable(const Task& task) const;

  void Emit(Event event);
  void Emit(Event::Type type, int task = 0, std::string name = "", Json value = nullptr) {
    Emit(Event{type, task, std::move(name), std::move(value)});
  }
  void Ask(Pending::Kind kind, std::vector<std::string> slots = {});
  void SayIntro(const ToolDef& tool);
  void SayQuestion(const ToolDef& tool, size_t slot);
  std::string Hint(const Slot& slot) const;
  std::string Titles(size_t limit) const;
  Json NamesOf(const ToolDef& tool) const { return Json{{"title", tool.title}, {"doing", tool.doing}}; }
  const ToolDef& ToolOf(const Task& task) const;
  const DialogueProgram::ToolTexts& TextsOf(const Task& task) const;

  const DialogueProgram& program_;
  const DialoguePolicy& policy_;
  DialogueState state_;
  Composer composer_;
  Decision decision_;
  Pending pending_;       // of the reply that grows
  bool aside_ = false;    // the reply leaves the question as it was
  bool handled_ = false;  // something in the turn made sense
  bool advance_ = false;  // go on with the tasks after the turn was read
  bool reask_ = false;    // put the open question again
  bool settled_ = false;  // the reply is complete
  bool more_ = false;     // offer "anything else?" when nothing is left
  std::string intro_;     // message before the next question: resume, queued
  std::string changed_;   // the new value of a slot that had one
  std::optional<Rejection> rejection_;
  struct {
    int task = 0;
    std::string slot;
  } partial_;         // got some of its digits
  std::string text_;  // the user's words
  Judged judged_ = Judged::kNothing;
  std::string judged_as_;            // why calls of the turn were not taken: negated, answer_unsure, ...
  std::optional<ToolCall> untaken_;  // the first of them that would have begun a task
};

}  // namespace sotto
