// What one Wyoming connection asks for (docs/formats/wyoming.md): who we are, words of audio, audio of words,
// what was meant, and a conversation. Knows nothing of sockets: events in, events out.
//
// Threads: Take by one at a time; `send` is called from any, and lives until what was asked for is done.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/scheduler.h"
#include "server/served_workflow.h"
#include "server/text_sessions.h"
#include "server/wyoming_protocol.h"

namespace sotto {

// Which session a client's conversation is, as long as the session lives. Any thread.
class WyomingConversations {
 public:
  std::string Find(const std::string& conversation) const;  // empty: none
  void Set(const std::string& conversation, std::string session);

 private:
  static constexpr size_t kMost = 10000;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> sessions_;  // guarded by mutex_
};

// Work that was posted and will still use the server. Any thread.
class WyomingWork {
 public:
  // Under way for as long as what is returned lives.
  std::shared_ptr<const void> Begin();
  void Wait() const;

 private:
  std::atomic<size_t> under_way_{0};
};

struct WyomingServices {
  Scheduler* scheduler = nullptr;
  const ServedWorkflows* workflows = nullptr;
  TextSessions* sessions = nullptr;
  WyomingConversations* conversations = nullptr;
  WyomingWork* work = nullptr;
};

class WyomingSession : public std::enable_shared_from_this<WyomingSession> {
 public:
  using Send = std::function<void(const WyomingEvent&)>;

  // `workflow`: whose ears, voice and brain; empty: the first that is served. The services outlive it.
  WyomingSession(const WyomingServices& services, std::string workflow, Send send);

  // Events that are not known are passed over, as the protocol wants it.
  void Take(WyomingEvent event);

 private:
  ServedWorkflowPtr Workflow() const;
  void Fail(const std::string& text, const char* code) const;
  void Describe() const;
  void BeginAudio(const WyomingEvent& event);
  void AddAudio(const WyomingEvent& event);
  void HearAudio();
  void Speak(std::string text, std::string voice, bool last_of_stream);
  void SpeakSentences(const std::string& more, bool all);
  void Recognize(const WyomingEvent& event);
  void Handle(const WyomingEvent& event);
  void Say(const std::string& conversation, const std::string& session, const std::string& text,
           bool may_begin);
  void BeginAndSay(const std::string& conversation, const std::string& text);

  const WyomingServices services_;
  const std::string name_;
  const Send send_;
  const Scheduler::Strand speaking_;  // sentences are spoken in their order
  std::string own_conversation_;      // of a client that names none

  bool hearing_ = false;
  int rate_hz_ = 0;
  int channels_ = 1;
  std::string audio_;

  bool streaming_ = false;  // between synthesize-start and synthesize-stop
  std::string voice_;
  std::string unspoken_;
};

}  // namespace sotto
