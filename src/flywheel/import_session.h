// Conversations of others' logs on their way into turn records: what every form of log has in common, and the
// readers of each. A reader never fails as a whole: what it cannot read it lists, "source:line: why", without
// what anybody said.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/turn_record.h"

namespace sotto {

struct ImportedTurn {
  std::string text;  // what the caller said
  std::vector<Understanding::Call> calls;
  std::vector<TurnRecord::Action> actions;
  std::string reply;
  std::string at;     // ISO 8601; empty: not known
  std::string model;  // as the log names it
  TurnRecord::Outcome outcome = TurnRecord::Outcome::kHandled;
  std::string escalation;  // why somebody took over, with kEscalated
  Expectation expectation;
  double cost = 0;  // USD
};

struct ImportedSession {
  std::string id;  // as the log names it; empty: it has no name
  std::vector<ImportedTurn> turns;
};

// How names of tools and arguments there are called here, and columns of a CSV.
struct ImportNames {
  std::map<std::string, std::string, std::less<>> rename;
  // What a column holds -> its name: text (required), tool, arguments (JSON), arg.NAME, session, at, reply,
  // confidence, outcome.
  std::map<std::string, std::string, std::less<>> columns;

  std::string Of(std::string_view name) const;
};

struct ParsedLogs {
  std::vector<ImportedSession> sessions;
  std::vector<TurnRecord> records;    // of our own form, already whole
  std::vector<std::string> not_read;  // "source:line: why"
  size_t rows = 0;

  void List(std::string_view source, size_t line, std::string_view why) {
    not_read.push_back(fmt::format("{}:{}: {}", source, line, why));
  }
};

// Each appends to `out`. `source` names the file in what is listed.
void ParseTurnRecords(std::string_view text, std::string_view source, const ImportNames& names,
                      ParsedLogs& out);
void ParseConversationLogs(std::string_view text, std::string_view source, const ImportNames& names,
                           ParsedLogs& out);
// Rows with messages (whole conversations) or with a request and its response, of which later ones repeat what
// was said before.
void ParseOpenAiLogs(std::string_view text, std::string_view source, const ImportNames& names,
                     ParsedLogs& out);
// Traces, observations, sessions: JSON or JSON lines.
void ParseLangfuse(std::string_view text, std::string_view source, const ImportNames& names, ParsedLogs& out);
// Trackers and event rows as JSON, stories, NLU examples and tracker dumps as YAML.
void ParseRasa(std::string_view text, std::string_view source, const ImportNames& names, ParsedLogs& out);
// RFC 4180 with a header line; separated by commas, semicolons or tabs, whichever the header has most of.
void ParseCsvLogs(std::string_view text, std::string_view source, const ImportNames& names, ParsedLogs& out);

// Calls `read(row, line)` for every JSON value of a file that is JSON lines, one JSON array (its items; `line`
// is where the item is, counted from 1) or one object. What is no JSON is listed.
void EachJsonRow(std::string_view text, std::string_view source, ParsedLogs& out,
                 const std::function<void(const Json& row, size_t line)>& read);

// The text at `key`, empty where there is none.
std::string TextAt(const Json& object, std::string_view key);

}  // namespace sotto
