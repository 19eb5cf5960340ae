// Everything that happened, in one SQLite file: turn records (core/turn_record.h), appended and never changed.
//
//   turns         one row a turn: its names, and the metrics part of its record
//   turn_words    what was said       \  kept for as long as each kind of data may be kept
//   turn_values   arguments, results   > (turn_store_parts.h); gone, the metrics stay
//   turn_audio    path of a recording /
//   purges        who deleted what, when and why
//
// Append-only: triggers refuse every UPDATE, and every DELETE that is not part of Purge(). A record is on the
// disk when Write returns (WAL, full sync) or not in the store at all. The same record twice is there once: a
// row's key is the SHA-256 of its record. A file that is something else is an error and is never touched; a
// row that cannot be read is listed and left alone.
//
// Records come redacted: who opens the store puts a RedactingSink before it (privacy/redaction.h), imports
// redact by themselves (import_logs.h). Within a session turns are in the order in which they were stored:
// clocks jump, and a session that goes on in another process counts its turns anew.
//
// Any thread. Other processes may read and write the same file. docs/formats/flywheel.md has the schema.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/sqlite.h"
#include "core/turn_log.h"

namespace sotto {

struct StoredTurn {
  int64_t id = 0;  // in the order in which turns were stored
  TurnRecord record;
  std::string source;  // "live", or how it was imported: "rasa"
  std::string audio;   // path of its recording; empty: none
  bool has_words = true;
  bool has_values = true;
};

// Which turns. What is empty does not choose.
struct TurnQuery {
  std::string session = {};
  std::string workflow = {};
  std::string since = {};  // ISO 8601, included
  std::string until = {};  // ISO 8601, not included
};

// Kinds of data that are kept for different times.
enum class DataKind : uint8_t { kWords, kValues, kAudio, kMetrics };
inline constexpr size_t kDataKinds = 4;
std::string_view DataKindName(DataKind kind);  // "words"

struct Purge {
  std::string who;     // required
  std::string reason;  // required
  // By kind: delete what is older than so many days at `now`; nothing: keep it. Metrics take the others along.
  std::optional<int> days[kDataKinds] = {};
  std::string session = {};  // instead: everything of this session
  std::string now;           // ISO 8601, UTC
  bool trust_clock = false;  // although turns lie in its future, or it is far beyond the last one
};
// What a purge did, or would do.
struct Purged {
  int64_t rows[kDataKinds] = {};
};

class TurnStore final : public TurnSink {
 public:
  struct Options {
    bool create = true;
    int64_t most_bytes = 0;  // that the file may grow to; 0: the disk is the limit
    std::string source = "live";
  };
  // kNotFound, kCorrupt (no database, or one of something else), kUnsupported (of a later version). The error
  // names the file.
  static Result<std::unique_ptr<TurnStore>> Open(const std::filesystem::path& path, Options options);
  static Result<std::unique_ptr<TurnStore>> Open(const std::filesystem::path& path) {
    return Open(path, Options());
  }

  Result<void> Write(const TurnRecord& record) override;
  // Those that were new. All are on the disk, or none.
  Result<size_t> AddAll(std::span<const TurnRecord> records, const std::string& source);
  // Notes where the recording of a stored turn lies. kNotFound: no such turn; kInvalidArgument: it has one.
  Result<void> SetAudio(const std::string& session, int turn, const std::string& path);

  // Calls `visit` for each session, in the order of their first turns, with all of its turns that the query
  // chooses. `errors` collects "path: turn ID: why" of rows that cannot be read. An error of `visit` ends it.
  // Holds one session in memory.
  using Visit = std::function<Result<void>(std::vector<StoredTurn> session)>;
  Result<void> EachSession(const TurnQuery& query, std::vector<std::string>* errors, const Visit& visit);
  Result<std::vector<StoredTurn>> ReadAll(const TurnQuery& query, std::vector<std::string>* errors = nullptr);
  Result<int64_t> Count(const TurnQuery& query);

  // A name for an id of somebody else's (a telephone number, a user's name): the same for the same id in this
  // store, of 32 hexadecimal digits, and nothing that says the id without the store's own secret.
  Result<std::string> NameOf(std::string_view foreign_id);

  // All or nothing. kInvalidArgument: nobody, no reason, a clock that jumped.
  Result<Purged> Delete(const Purge& purge, bool only_count = false);

  const std::string& path() const { return database_.path(); }

 private:
  TurnStore(Database database, Options options);
  Result<void> Prepare();
  Result<bool> Insert(const TurnRecord& record, const std::string& source, const std::string& now);
  Result<StoredTurn> Read(Statement& row);

  std::mutex mutex_;  // guards all below
  Database database_;
  const Options options_;
  std::optional<Statement> insert_turn_, insert_words_, insert_values_;
  std::string secret_;
};

// A sink for turn records: a file that ends in .sqlite or .db is a store, every other one a log of one record
// a line (core/turn_log.h).
Result<std::unique_ptr<TurnSink>> OpenTurnSink(const std::string& path);
bool IsTurnStorePath(const std::filesystem::path& path);

// The parts of a session that was told turn by turn: a new one begins where turns are counted anew.
std::vector<std::span<const StoredTurn>> SessionParts(std::span<const StoredTurn> session);

}  // namespace sotto
