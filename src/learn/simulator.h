// The user simulator: people with goals talk to a bank, a telephone company, a coffee machine. One call of
// Next() plays one conversation: tasks are asked for, filled slot by slot in any order, corrected, left and
// come back to; related requests inherit arguments; between them people greet, thank, say things that nobody
// serves, and leave. The gold calls follow the conventions of design 3.2: while a task is open each call
// carries everything said in it so far.
//
// Two styles are played. Data sets have no state: no expectation stands before a turn and only the workflow's
// own tools are called. In an application every turn has an expectation (what was asked, read back, offered),
// and the control tools (yes, no, never mind, ...) are called too.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/conversation.h"
#include "learn/noise.h"
#include "learn/phrase_book.h"
#include "learn/values.h"
#include "workflow/rule.h"

namespace sotto {

struct SimulatorOptions {
  double with_state = 0.5;     // share of conversations in the application style
  double noise = 1;            // scales every noise level; 0: clean text
  double two_requests = 0.12;  // share of requests that are two in one breath
  // Sentences nobody serves, from public data, mixed with the phrase book's. May be null.
  std::shared_ptr<const std::vector<std::string>> out_of_scope;
  double public_share = 0.5;  // how often an unserved sentence is taken from there
};

// A conversation and what happened in it, for the coverage report.
struct SimulatedConversation {
  Conversation conversation;
  std::vector<std::string> patterns;  // per turn: "ask", "fill", "correct", ...
};

class Simulator {
 public:
  // REQUIRES: the workflow has at least one task with a pattern to ask for it.
  Simulator(std::shared_ptr<const Workflow> workflow, std::shared_ptr<const PhraseBook> book,
            std::shared_ptr<const Confusions> confusions, const SimulatorOptions& options, uint64_t seed);

  SimulatedConversation Next();

 private:
  static constexpr size_t kMaxTurns = 16;

  struct Task {
    const ToolDef* tool = nullptr;
    Json arguments = Json::object();
    bool confirmed = false;
    bool asked_together = false;
  };
  struct Said {
    SpokenWords words;
    Json values = Json::object();  // what these words say, by slot
  };

  // Says `pattern` for `tool`. Slots in `known` may not come up again unless `correct`. Nothing where the
  // pattern does not fit.
  std::optional<Said> Say(const Pattern& pattern, const ToolDef& tool, const Json& known, bool correct);
  std::optional<Said> SayPieces(std::span<const Piece> pieces, const ToolDef& tool, const Json& known,
                                bool correct);
  const Pattern& PickPattern(const std::vector<Pattern>& patterns);
  std::optional<Said> SayAny(const std::vector<Pattern>& patterns, const ToolDef& tool, const Json& known,
                             bool correct);
  std::optional<Said> SayAsk(const ToolDef& tool, bool follow_up);
  bool IsRelated(const ToolDef& last, const ToolDef& tool) const;
  bool Inherit(const ToolDef& tool, bool follow_up, Json& values);
  std::optional<Said> SayFill(const Task& task, bool correct);
  std::optional<Said> SayBareValue(const Task& task, bool correct = false);
  void SaySlot(const ToolDef& tool, const Slot& slot, const Piece& piece, const Json& known, bool correct,
               Said& said);
  std::string SayGeneral(std::string_view name, std::string_view otherwise);
  void Wrap(SpokenWords& words, bool request);

  // Turns. Each adds one turn to the conversation and moves the state on.
  void Emit(SpokenWords words, std::vector<ToolCall> calls, const char* pattern);
  void EmitTask(SpokenWords words, const char* pattern);
  // What was said fills slots of the open task.
  void EmitAnswer(Said said, const char* pattern);
  void EmitBare(const ToolDef* tool, const char* pattern);
  void EmitControl(const char* tool, const char* pattern);
  void EmitUnclear();

  // Moves: what the user does next (simulator_moves.cc).
  void StartTask(const ToolDef& tool);
  bool MustVerify() const;
  bool Verify();
  void StartTwo(const ToolDef& first);
  bool StartSame(const ToolDef& tool);
  bool StartRelated();
  void PlayTask();
  bool AnswerSlots();
  bool AnswerConfirm();
  void AnswerOffer();
  bool Correct();
  bool Digress();
  void ComeBack();
  const ToolDef* DrawTool();
  const ToolDef* Role(ToolRole role) const;

  bool Complete(const Task& task) const;
  std::vector<std::string> Missing(const Task& task) const;
  Expectation NextExpectation();
  bool Confirms(const ToolDef& tool) const;
  ToolCall CallOf(const Task& task) const;
  void Close(bool done);

  std::shared_ptr<const Workflow> workflow_;
  std::shared_ptr<const PhraseBook> book_;
  std::shared_ptr<const Confusions> confusions_;
  SimulatorOptions options_;
  Random random_;
  std::vector<const ToolDef*> tasks_;  // tools that come up as goals
  bool any_related_ = false;           // the workflow says what is related
  bool dates_ = false;                 // some slot's values hang on the day of the call
  std::map<const Slot*, Rule> when_;   // of the slots that are asked for only where it holds

  // Of the running conversation.
  CallDay day_;
  SimulatedConversation out_;
  bool with_state_ = false;
  bool verified_ = false;
  bool reads_back_ = false;  // the assistant is unsure in this one, where it never asks otherwise
  NoiseLevel noise_;
  std::optional<Task> open_;
  std::vector<Task> suspended_;
  std::optional<Task> last_;  // the last finished task: what follow-ups refer to
  bool offer_ = false;        // "anything else?" stands
  Expectation expectation_;
};

}  // namespace sotto
