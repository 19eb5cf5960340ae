// Logs of requests: each holds the conversation so far and what was answered. Of requests of one conversation
// the longest says everything.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "flywheel/import_session.h"

namespace sotto {

// Messages in the OpenAI form as turns: calls, results and replies go to the user's message before them. The
// error says what is wrong, without what was said.
Result<std::vector<ImportedTurn>> TurnsOfMessages(const Json& messages, const ImportNames& names);

class RequestChains {
 public:
  // `key`: the conversation's id; empty: found by what was said before.
  void Add(const std::string& key, std::vector<ImportedTurn> turns, const std::string& at);
  std::vector<ImportedSession> Take() { return std::move(sessions_); }

 private:
  std::vector<ImportedSession> sessions_;
  std::map<std::string, size_t> by_key_;                 // the session's place
  std::map<std::vector<std::string>, size_t> by_words_;  // without a key: of all that was said
};

}  // namespace sotto
