// Calls under the names that their carriers gave them (AudioSocket's UUID, a telephone network's call id): who
// is calling and what for may be announced before a call comes, and a dialplan asks afterwards how it ended,
// to know where it goes next. In memory, bounded; any thread.
//
//   Announce, for a minute --Begin--> on --End--> ended, for ten minutes
//            '------------------------^ (also without)
#pragma once

#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "assistant/session_core.h"
#include "base/clock.h"
#include "core/caller.h"

namespace sotto {

class CallLog {
 public:
  struct Announced {
    std::string owner;     // who may ask for it: the API key's name
    std::string workflow;  // empty: the line's
    Caller caller;
    bool has_caller = false;
  };

  explicit CallLog(const Clock& clock, size_t most = 10000) : clock_(clock), most_(most) {}

  // Again: instead of what was announced before. False: the call is on, or over.
  bool Announce(const std::string& id, Announced announced);
  // Once: what was announced, where something was.
  std::optional<Announced> Begin(const std::string& id, const std::string& workflow);
  void SetSession(const std::string& id, const std::string& session, const std::string& workflow);
  void End(const std::string& id, std::string_view reason, const std::optional<HandOff>& hand_off);

  // {"id", "state": announced | on | ended, "workflow", "session", "reason", "hand_off"}; none where nobody
  // knows the call, or somebody else announced it.
  std::optional<Json> Find(const std::string& id, const std::string& owner) const;

 private:
  struct Entry {
    const char* state = "announced";
    TimePoint until{};
    std::optional<Announced> announced;
    std::string workflow = {};
    std::string session = {};
    std::string reason = {};
    Json hand_off = nullptr;
    std::list<std::string>::iterator place;
  };
  Entry& At(const std::string& id);
  void Forget();

  const Clock& clock_;
  const size_t most_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;  // guarded by mutex_
  std::list<std::string> order_;                    // guarded by mutex_; the oldest first
};

}  // namespace sotto
