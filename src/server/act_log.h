// The audit log of what was done to a server: who did what, when, and how it ended (docs/formats/audit.md). One JSON
// object a line, each of which holds the hash of the line before: a line that was changed, taken out, put in or moved is
// found (`sotto audit verify`). With a key the hashes are HMACs, which nobody can make again who has the file alone.
// It holds names of keys and acts, never what anybody said.
//
// A line is on the disk when Write returns. What a crash cut off within a line is cut away by whoever writes next, who
// says so in a line of its own; it was never answered for. Several processes may write to one file, one after the other.
// Any thread. Source: hash chains after Schneier and Kelsey (1999), "Secure audit logs to support computer forensics".
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "core/json.h"

namespace sotto {

struct ActLine {
  uint64_t number = 0;  // 1, 2, ...
  std::string at;       // ISO 8601, UTC
  std::string by;       // a key's name, a login, "registry", "signal"
  std::string via;      // "key", "certificate", "program", "command"
  std::string act;      // "reload", "recording.delete", ...
  std::string on = {};  // what it was done to; empty: the server
  // begun: it will be done next. done, refused, failed: how the act of line `of` ended.
  std::string outcome = {};
  uint64_t of = 0;          // 0: of none
  std::string detail = {};  // of an outcome: "204", "not_reloaded"
  std::string before = {};  // hash of the line before; of the first: 64 zeros
  std::string hash = {};    // of this line
};

// What may stand in `on`: an id that a machine made stays as it is; of anything else, which a caller may have chosen, a
// short hash.
std::string AuditedId(std::string_view id);

class ActLog {
 public:
  // Made where there is none, readable by its owner alone. `key` empty: plain hashes. `clock` outlives it. The error:
  // the file cannot be opened, or its last line is not what was written with this key.
  static Result<std::unique_ptr<ActLog>> Open(const std::filesystem::path& path, std::string key,
                                              const Clock& clock);
  ~ActLog();
  ActLog(const ActLog&) = delete;
  ActLog& operator=(const ActLog&) = delete;

  // Sets number, at, before and hash. An error: the act must not be done.
  Result<uint64_t> Write(ActLine line);

 private:
  ActLog(int file, std::string path, std::string key, const Clock& clock)
      : file_(file), path_(std::move(path)), key_(std::move(key)), clock_(clock) {}

  Result<void> TakeUp();
  Result<void> Append(ActLine& line);

  const int file_;
  const std::string path_;
  const std::string key_;
  const Clock& clock_;
  std::mutex mutex_;
  // As of the end of the file when it had `size_` bytes; guarded by mutex_.
  int64_t size_ = -1;
  uint64_t number_ = 0;
  std::string hash_;
};

struct ActReport {
  std::vector<ActLine> lines;
  std::vector<uint64_t> unfinished;  // numbers of acts that were begun and of whose end nothing is known
};

// All lines, checked: numbers without a gap, every hash. `expect`, where not empty: a hash that was noted elsewhere and
// must be among them, else the file was cut off or written anew. kCorrupt: "FILE:LINE: what is wrong".
Result<ActReport> VerifyActs(const std::filesystem::path& path, std::string_view key,
                             std::string_view expect = {});
// The same of text in memory; `name` stands in errors. Foreign bytes.
Result<ActReport> VerifyActText(std::string_view text, std::string_view key, std::string_view name);

}  // namespace sotto
