// The user simulator: people with goals talk to a bank, a telephone company, a coffee machine. One call of
// Next() plays one conversation: tasks are asked for, filled slot by slot in any order, corrected, left and
// come back to; related requests inherit arguments; between them people greet, thank, say things that nobody
// serves, and leave. The gold calls follow the conventions of design 3.2: while a task is open each call
// carries everything said in it so far.
//
// Two styles are played. Data sets have no state: no expectation stands before a turn and only the workflow's
// own tools are called. In an application the real dialogue hears every turn (learn/expectations.h), and people
// answer what it asks, reads back and offers: each turn has its expectation, the control tools (yes, no, never
// mind, ...) are called too, and where the dialogue ends the conversation does.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "brain/label_rules.h"
#include "core/conversation.h"
#include "learn/expectations.h"
#include "learn/noise.h"
#include "learn/phrase_book.h"
#include "learn/values.h"

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
  bool with_state = false;            // in an application
  double confidence = 1;  // with_state: how sure the assistant was of what it heard (GoldDialogue)
  bool grounded = true;   // all values were said
};

class Simulator {
 public:
  // REQUIRES: the workflow has at least one task with a pattern to ask for it.
  Simulator(std::shared_ptr<const DialogueProgram> program, std::shared_ptr<const PhraseBook> book,
            std::shared_ptr<const Confusions> confusions, const SimulatorOptions& options, uint64_t seed);

  SimulatedConversation Next();

 private:
  static constexpr size_t kMaxTurns = 16;

  struct Task {
    const ToolDef* tool = nullptr;
    Json arguments = Json::object();  // what was said of it so far, and what its words took over
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
  // What was said fills slots of `task`.
  void EmitAnswer(Task& task, Said said, const char* pattern);
  void EmitBare(const ToolDef* tool, const char* pattern);
  void EmitControl(const char* tool, const char* pattern);
  void EmitUnclear();

  // Moves: what the user does next (simulator_moves.cc). Those that return a bool: whether the user goes on
  // with the task.
  void StartTask(const ToolDef& tool);
  void StartTwo(const ToolDef& first);
  bool StartSame(const ToolDef& tool);
  bool StartRelated();
  bool AnswerSlots();
  bool Control();
  bool Correct();
  bool Digress();
  void SayComingBack();
  bool AnswerVerification(Task& verification, Task& waiting);
  const ToolDef* DrawTool();
  const ToolDef* Role(ToolRole role) const;
  // Without state.
  void PlayAlone();
  bool MustVerify() const;
  bool Verify();
  void ComeBack();
  // With the dialogue (simulator_answers.cc).
  void PlayWithDialogue();
  bool Answer();
  bool AnswerResumed();
  bool AnswerConfirm();
  bool AnswerChange();
  bool AnswerClarify();

  bool Talking() const { return !over_ && out_.conversation.turns.size() < kMaxTurns; }
  bool Complete(const Task& task) const;
  std::vector<std::string> Missing(const Task& task) const;
  ToolCall CallOf(const Task& task) const;
  // With the dialogue: what it makes of the turn, and where that leaves the user.
  void Follow(const Turn& turn);
  void Remember(const Turn& turn, const ToolCall& clarified, std::span<const Event> events);

  std::shared_ptr<const DialogueProgram> program_;
  std::shared_ptr<const Workflow> workflow_;
  std::shared_ptr<const PhraseBook> book_;
  std::shared_ptr<const Confusions> confusions_;
  LabelRules rules_;
  SimulatorOptions options_;
  Random random_;
  std::vector<const ToolDef*> tasks_;  // tools that come up as goals
  bool any_related_ = false;           // the workflow says what is related
  bool dates_ = false;                 // some slot's values hang on the day of the call

  // Of the running conversation.
  CallDay day_;
  SimulatedConversation out_;
  NoiseLevel noise_;
  std::optional<Task> open_;
  std::vector<Task> suspended_;           // without state
  std::optional<Task> last_;              // the last finished task: what follow-ups refer to
  bool verified_ = false;                 // without state
  std::optional<GoldDialogue> dialogue_;  // engaged: with state
  Expectation expectation_;
  bool over_ = false;
  bool optional_ = true;        // something that need not be said may be
  std::map<int, Task> wanted_;  // the dialogue's tasks, by their ids
  std::deque<ToolCall> queue_;  // asked for in one breath with something else, not begun yet
};

}  // namespace sotto
