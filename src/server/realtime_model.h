// A conversation of the Realtime interface that a language model answers: the client's instructions and tools, the
// items of the conversation, and one response at a time.
//
//   idle --response.create, end of speech--> writing --all written--> (being said) --> response.done --> idle
//                                               '--cancel, speech of the user--> (mouth stops) --> cancelled --'
//
// A response that is asked for while one is only being said, or while speech is still being understood, waits. Threads:
// public functions from any; never blocks. Kept by its socket, its call and the completion that is under way.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http.h"
#include "server/language_models.h"
#include "server/line_packets.h"
#include "server/model_call.h"
#include "server/realtime_items.h"
#include "server/realtime_messages.h"

namespace sotto {

class RealtimeModelConversation final : public ModelCall::Line,
                                        public std::enable_shared_from_this<RealtimeModelConversation> {
 public:
  using Refused = tl::expected<void, RealtimeRefusal>;

  // `models` outlives whoever calls anything here; `model` is its Find(session.model). `has_voice`: Attach will bring a call.
  // `held`: one of the client's calls, for as long as this lives.
  RealtimeModelConversation(std::shared_ptr<WebSocketSender> sender, RealtimeSession session,
                            LanguageModels& models, std::shared_ptr<const LanguageModel> model,
                            bool has_voice, std::shared_ptr<const void> held);

  void Open();  // session.created
  // Its ears and mouth are there.
  void Attach(const std::shared_ptr<ModelCall>& call);
  // The client has gone.
  void Close();
  void Tell(Json event);

  Refused Update(const realtime_message::Update& update);
  // Everything that is refused is told by the caller, as an error event.
  Refused Add(const realtime_message::NewItem& item);
  Refused Remove(const std::string& item);
  Refused Retrieve(const std::string& item);
  Refused Respond(const realtime_message::Create& create);
  Refused Cancel();
  // Audio that the client says is whole; at 16 kHz. REQUIRES: there is a voice.
  void Commit(std::vector<float> samples);
  bool server_turns() const;

  void OnFrame(std::span<const float> frame, bool silent) override;
  void OnSpeech(bool speaks) override;
  void OnPartial(std::string_view text) override;
  void OnHeard(const Result<Transcript>& heard) override;
  void OnSaid(uint64_t sentence) override;
  void OnStopped(const std::string& heard) override;
  void OnEnd(std::string_view reason) override;

 private:
  struct Response {
    std::string id = {};
    RealtimeSettings settings = {};
    bool kept = true;  // its items are the conversation's
    Json metadata = nullptr;
    std::string item = {};  // of its message; empty: there is none
    size_t item_index = 0;
    std::string text = {};  // of it, as it was written
    size_t given = 0;       // bytes of it that the mouth has
    bool written = false;
    bool stopping = false;  // the mouth was told to
    std::string status = "completed";
    Json details = nullptr;  // status_details
    Json output = Json::array();
    Completion done = {};
  };
  // Speech that is over and not yet understood.
  struct Spoken {
    std::string item;
    bool committed = false;  // by the client
    int64_t begin_ms = 0;
    int64_t end_ms = 0;
  };
  // What is to be done when the lock is released; null: nothing.
  using Later = std::function<void()>;

  // All below: under the lock.
  void Send(Json event);
  void SendPart(const char* type, Json more);
  Json Last() const { return last_.empty() ? Json(nullptr) : Json(last_); }
  Json Before(std::string_view id) const;  // the item before this one, or null
  RealtimeItem* Find(std::string_view id);
  void AddItem(RealtimeItem item);
  void Keep(RealtimeItem item);
  bool MustWait() const;
  // An error of what was asked for is told in `refused`.
  Later Begin(const Json& asked, Refused* refused);
  Later BeginWaiting();
  void Write(const std::string& response, const ChatRequest& request);  // without the lock
  bool OnPiece(const std::string& response, std::string_view piece);
  Later OnWritten(const std::string& response, Result<Completion> done);
  void OpenMessage();
  void SayWhole(bool all);
  void AddCalls();
  void AddCall(const WrittenCall& call);
  void CancelNow(const char* reason);
  Later Settle();
  Later Finish(const std::string& heard);
  Json ToJson(const Response& response) const;
  RealtimeItem Message(std::string_view status, std::string_view text) const;  // of the response
  static void Run(const Later& later) {
    if (later) later();
  }

  const std::shared_ptr<const void> held_;
  LanguageModels& models_;
  const std::shared_ptr<const LanguageModel> model_;
  const bool has_voice_;
  const std::shared_ptr<WebSocketSender> sender_;
  LinePackets packets_;  // the pacer's
  mutable std::mutex mutex_;
  // All guarded by mutex_.
  RealtimeSession session_;
  RealtimeSettings settings_;
  std::unique_ptr<LineEncoder> encoder_;
  std::weak_ptr<ModelCall> call_;
  bool ready_;  // answers may begin
  bool closed_ = false;
  int64_t elapsed_ms_ = 0;
  std::deque<RealtimeItem> items_;
  std::string last_;  // the conversation's last item
  std::optional<Response> response_;
  std::optional<Json> waiting_;  // the response that waits, as it was asked for
  uint64_t sentences_ = 0;       // given to the mouth
  uint64_t said_ = 0;            // of them
  bool user_speaks_ = false;
  std::string speech_;  // item of the speech that is heard
  std::string partial_;
  int64_t speech_ms_ = 0;
  std::deque<Spoken> unheard_;
};

}  // namespace sotto
