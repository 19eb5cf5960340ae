// What is kept of one turn: who called, what was heard, understood, done and said, with every time and every
// confidence. The same object in logs, over the network, on the console and in the metrics;
// docs/formats/turn_record.md lists its fields. Nothing in it depends on which recognizer, model or
// synthesizer was used. A value; as JSON it comes back exactly, but for the options of actions, which the
// workflow has (and which may hold what is not to be logged).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/action.h"
#include "core/conversation.h"
#include "core/json.h"
#include "core/release.h"
#include "core/reply.h"
#include "core/transcript.h"
#include "core/understanding.h"

namespace sotto {

struct TurnRecord {
  // Of the JSON form. Fields are only ever added within a version; one that is renamed or means something
  // else makes a new one. Version 1 had no "schema".
  static constexpr int kSchema = 2;

  std::string session;
  int turn = 0;          // from 0, which is the greeting
  std::string at;        // wall time of the turn's beginning, ISO 8601, UTC
  std::string channel;   // voice, text, phone
  Caller caller;         // as known when the turn ended
  std::string workflow;  // its name
  std::string workflow_hash;
  Release release;       // what answers; empty: served from files alone
  std::string ended_by;  // pause, complete, too_long, keys, text, no_input, begin

  // Milliseconds since the session began; negative: did not happen.
  struct Times {
    double speech_start = -1;  // first voiced frame
    double speech_end = -1;    // last voiced frame
    double endpoint = -1;      // the end of the turn was decided
    double last_partial = -1;
    double final_transcript = -1;
    double understood = -1;
    double acted = -1;        // the last action came back
    double replied = -1;      // the reply was decided
    double first_audio = -1;  // its first sample went out
    double done = -1;         // its last one, or it was interrupted
  } times;
  double needed_pause_ms = 0;  // the pause that ended the turn, as demanded
  // The user went on speaking so soon after the end of the turn that it was probably cut off.
  bool cut_off = false;

  Expectation expectation;                 // what stood before the user spoke
  std::vector<std::string> offered_tools;  // what could be understood
  Transcript heard;
  std::string recognizer;
  std::string listening_mode;
  std::optional<Understanding> understood;
  // What a candidate made of the same words, where one understands along: nobody acted on it.
  std::optional<Understanding> shadow;
  // What the specialists of the workflow's network said of it (specialist/network.h).
  struct Annotations {
    Json by = Json::object();  // name -> annotation; what was too late is not there
    double ms = 0;             // from the end of the turn until they were there, or were given up
    bool missed = false;       // the budget: the turn was decided without them
    std::string rule;          // that held, as written; empty: none
    bool operator==(const Annotations&) const = default;
  };
  std::optional<Annotations> annotations;  // none: no network
  // What became of the turn.
  enum class Outcome {
    kBegan,  // the greeting
    kHandled,
    kNotUnderstood,  // it brought nothing
    kNoInput,
    kEscalated,  // somebody else takes over
  };
  Outcome outcome = Outcome::kHandled;
  struct Escalation {
    std::string to;       // person
    std::string reason;   // asked, failures, no_input, verification, action_failed, rule
    std::string summary;  // one line for whoever takes over
    bool operator==(const Escalation&) const = default;
  };
  std::optional<Escalation> escalation;  // kEscalated
  std::vector<Json> events;              // of the dialogue, in order
  struct Action {
    ActionRequest request;
    ToolResult result;
    double ms = 0;
  };
  std::vector<Action> actions;
  Reply reply;
  std::string voice;
  // What of the reply was really played; equal to all of it unless interrupted.
  double played_ms = 0;
  std::string played_text;
  bool interrupted = false;
  bool fillers = false;             // a slow action was bridged
  std::vector<std::string> errors;  // one line each

  // Of this record's times; negative where one is missing.
  double EndpointToFirstAudioMs() const { return Between(times.endpoint, times.first_audio); }
  double VoiceToVoiceMs() const { return Between(times.speech_end, times.first_audio); }

 private:
  static double Between(double from, double to) { return from < 0 || to < 0 ? -1 : to - from; }
};

std::string_view OutcomeName(TurnRecord::Outcome outcome);  // "not_understood"

Json ToJson(const TurnRecord& record);
// Also of version 1. What a later version added is passed over; a version that this program does not know is
// an error, and so is a field of the wrong type. The error names the key: "heard.words[2].confidence is not a
// number".
Result<TurnRecord> TurnRecordFromJson(const Json& json);
// {"calls": [{"name", "arguments", "confidence", "argument_confidence"}], "confidence", "made_by", ...}
Json ToJson(const Understanding& understanding);
// And back, like the record's: with at least one call. The error names the key.
Result<Understanding> UnderstandingFromJson(const Json& json);
Json ToJson(const Transcript& transcript);

}  // namespace sotto
