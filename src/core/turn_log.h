// Where turn records go, and what becomes of them later: a JSONL file (one record a line) and the
// conversations that they were (core/conversation_jsonl.h), for evaluation and training.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "core/conversation_jsonl.h"
#include "core/turn_record.h"

namespace sotto {

class TurnSink {
 public:
  virtual ~TurnSink() = default;
  // Any thread. An error means that the record was not kept; the conversation goes on.
  virtual Result<void> Write(const TurnRecord& record) = 0;
};

// Appends to a file. A record is on the disk when Write returns, and either all of it or none: a line that a
// crash or a full disk cut off is ended before the next one begins, and reading names it. Several processes
// may append to one file. Any thread.
class TurnLog final : public TurnSink {
 public:
  // Made where there is none. The error names the file.
  static Result<std::unique_ptr<TurnLog>> Open(const std::filesystem::path& path);
  ~TurnLog() override;
  TurnLog(const TurnLog&) = delete;
  TurnLog& operator=(const TurnLog&) = delete;

  Result<void> Write(const TurnRecord& record) override;

 private:
  TurnLog(int file, std::string path) : file_(file), path_(std::move(path)) {}

  const int file_;
  const std::string path_;
  std::mutex mutex_;
  bool torn_ = false;  // the last line may have no end; guarded by mutex_
};

// All records of the file in order. `errors`, where given, collects "path:line: what" of every line that is
// none, which is left out; without it the first one is the error.
Result<std::vector<TurnRecord>> ReadTurnRecords(const std::filesystem::path& path,
                                                std::vector<std::string>* errors = nullptr);

// One conversation a session, in the order in which the sessions first appear, each in the order of its
// turns: what the user said (as it was understood) with what was expected, and what it was taken for. Turns
// without words (the greeting, silence) are left out, and with them sessions without any.
std::vector<LabelledConversation> ConversationsOf(std::span<const TurnRecord> records);

}  // namespace sotto
