// The note after a call, made of its turn records and of nothing else: every number, name and outcome in it stands in the
// record. No model writes here; a form says which facts are told in which words.
//
//   call {session} on {at}, {channel}, {turns:count(turn,turns)}
//   @done - done: {what}[ ({details})]
//   @failed - not done: {what}[ ({details})]: {why}
//   @open - left open: {what}
//   [customer {customer}]
//
// A line is a template (text/template.h) over the call's fields; one that begins with @done, @failed, @open or @dropped is
// written once for each task of that outcome. A line that needs a field without a value is left out. docs/formats/
// call_note.md lists the fields. Pure functions; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/turn_record.h"
#include "text/template.h"
#include "workflow/workflow.h"

namespace sotto {

// What became of one thing that the caller wanted.
struct TaskFact {
  enum class Outcome { kDone, kFailed, kOpen, kDropped };
  std::string tool;
  Json slots = Json::object();  // as they were in the end
  Outcome outcome = Outcome::kOpen;
  std::string why;             // the failure, or why it was dropped
  Json data = Json::object();  // of the result
};
std::string_view TaskOutcomeName(TaskFact::Outcome outcome);  // "done"

// One call, from its records.
struct CallFacts {
  std::string session, workflow, channel, at;
  Caller caller;  // as known at the end
  int turns = 0;  // of the caller
  int not_understood = 0;
  int silences = 0;
  double seconds = 0;           // until the last thing that has a time
  std::vector<TaskFact> tasks;  // in the order they were begun
  std::string handed_over;      // the reason; empty: nobody took over
  bool ended = false;
};
// REQUIRES: records of one session, not empty.
CallFacts FactsOf(std::span<const TurnRecord> records);

class NoteForm {
 public:
  // The error names `source` and the line.
  static Result<NoteForm> Parse(std::string_view text, std::string_view source);
  // The form that is built in.
  static const NoteForm& Default();

  // `workflow`: for the titles of tools and what values are called; null: their names.
  std::string Write(const CallFacts& facts, const Workflow* workflow) const;

 private:
  struct Line {
    std::optional<TaskFact::Outcome> each;  // none: of the call
    ReplyTemplate text;
  };
  std::vector<Line> lines_;
};

// Reads a note again and looks for each of its numbers, quoted or capitalised names and outcomes in the records, by other
// means than the note was written with. One line for each that is not there; empty: all are facts. Words of the form are
// no facts: those of `form` and of the workflow are passed over.
std::vector<std::string> CheckNote(std::string_view note, std::span<const TurnRecord> records);

}  // namespace sotto
