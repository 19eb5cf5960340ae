// Conversations on disk: the events of every session, in one SQLite file, so that any of them can be
// continued or replayed. What is appended has been synced to disk when Append returns: an action that was
// begun is known after a crash, and runs again under its idempotency key.
//
//   sessions(id, name, workflow, begun_at, changed_at, ended)
//   events(session, number, at, event)          event: JSON, docs/formats/events.md
//
// Owns the connection. One thread at a time; other processes may use the same file.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/sqlite.h"
#include "core/caller.h"
#include "dialogue/event.h"

namespace sotto {

struct SessionInfo {
  std::string id;
  std::string name;  // that a person gave it; empty: none
  std::string workflow;
  std::string changed_at;  // ISO 8601, UTC
  bool ended = false;
  int events = 0;
};

// What is to be stored of one session.
struct SessionAppend {
  std::string session;
  std::string workflow;
  std::vector<Event> events;
  std::chrono::system_clock::time_point now;
};

// Whether `caller`, as the host knows them now, may go on with the session of these events: who began it may,
// whom the session has verified since, if the host vouches for that customer, and anybody in whose absence
// nobody was known. The error says no more than that the session is another's.
Result<void> CheckCaller(const std::string& session, std::span<const Event> events, const Caller& caller);

class SessionStore {
 public:
  // Creates the file where there is none; one of an older version is brought up to this one's. Errors name
  // the file: kUnavailable locked, kCorrupt no database or something else's, kUnsupported of a newer version.
  static Result<std::unique_ptr<SessionStore>> Open(const std::filesystem::path& path);

  // In order; empty where there is no such session. kInvalidArgument: the session belongs to another
  // workflow.
  Result<std::vector<Event>> Load(const std::string& session, const std::string& workflow);
  // All of them or none. REQUIRES: they follow what is stored.
  Result<void> Append(const std::string& session, const std::string& workflow, std::span<const Event> events,
                      std::chrono::system_clock::time_point now);
  // The same of several, in order, synced once: all of them or none.
  Result<void> AppendAll(std::span<const SessionAppend> appends);
  // What people call sessions by. A name may be given again; then the older session has lost it.
  // REQUIRES: the session is stored.
  Result<void> Name(const std::string& session, const std::string& name);
  // Its id; empty where no session has that name.
  Result<std::string> Named(const std::string& name);
  // The last changed first.
  Result<std::vector<SessionInfo>> List(int limit = 50);

 private:
  explicit SessionStore(Database database) : database_(std::move(database)) {}

  // Of an open transaction.
  Result<void> Write(const std::string& session, const std::string& workflow, std::span<const Event> events,
                     std::chrono::system_clock::time_point now);

  Database database_;
  // Prepared once.
  std::optional<Statement> touch_;
  std::optional<Statement> insert_;
};

}  // namespace sotto
