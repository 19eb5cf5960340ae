#include "action/mcp_client.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"

namespace sotto::mcp {
namespace {

constexpr std::chrono::seconds kHandshakeLimit{10};
constexpr std::chrono::milliseconds kFirstPause{500};
constexpr std::chrono::seconds kLongestPause{30};
constexpr int kMaxUnanswered = 3;
constexpr int kMaxBadInARow = 1000;
constexpr const char* kIdempotencyKey = "sotto/idempotency_key";
constexpr size_t kMaxPages = 100;
constexpr size_t kMaxTools = 10'000;

Error ErrorOfAnswer(int64_t code) {
  switch (code) {
    case -32602:
      return {ErrorCode::kInvalidArgument, "the server refuses the arguments"};
    case -32601:
      return {ErrorCode::kNotFound, "the server does not know the method"};
    default:
      return {ErrorCode::kUnsupported, fmt::format("the server answers with error {}", code)};
  }
}

}  // namespace

// A tools/call, or (without a tool) whoever waits for the list of tools. Owned by whoever took it out of
// requests_.
struct Client::Request {
  std::string tool;
  Json arguments;
  std::string idempotency_key;
  Done done;
  ToolsDone tools_done;
  std::stop_token stop;
  std::unique_ptr<StopOn> on_stop;
  bool sent = false;

  void Fail(Error error) {
    on_stop.reset();
    if (tools_done) return tools_done(tl::unexpected(std::move(error)));
    done(tl::unexpected(std::move(error)));
  }
};

Client::Client(std::string name, std::unique_ptr<Transport> transport, const Clock& clock)
    : name_(std::move(name)), clock_(clock), transport_(std::move(transport)) {
  transport_->SetEvents({[this](uint64_t connection, std::string_view text) { OnMessage(connection, text); },
                         [this](uint64_t connection, Error why) { OnLost(connection, std::move(why)); }});
}

Client::~Client() {
  Lock lock(mutex_);
  closing_ = true;
  Requests left;
  left.swap(requests_);
  lock.unlock();
  transport_.reset();
  for (auto& [id, request] : left) request->Fail(Named({ErrorCode::kCancelled, "the client ends"}));
}

void Client::Connect() {
  const Lock lock(mutex_);
  ConnectIfDue(lock);
}

void Client::Call(const ToolCall& call, const std::string& idempotency_key, std::stop_token stop, Done done) {
  auto request = std::make_shared<Request>();
  request->tool = call.name;
  request->arguments = call.arguments;
  request->idempotency_key = idempotency_key;
  request->done = std::move(done);
  Add(std::move(request), std::move(stop));
}

void Client::ListTools(std::stop_token stop, ToolsDone done) {
  auto request = std::make_shared<Request>();
  request->tools_done = std::move(done);
  Add(std::move(request), std::move(stop));
}

void Client::Add(std::shared_ptr<Request> request, std::stop_token stop) {
  Lock lock(mutex_);
  if (state_ == State::kConnecting && clock_.Now() - connecting_since_ > kHandshakeLimit) {
    Lose({ErrorCode::kUnavailable, "the server does not get ready"}, lock);
    lock.lock();
  }
  if (!ConnectIfDue(lock)) {
    const Error why{ErrorCode::kUnavailable, lost_because_};
    lock.unlock();
    return request->Fail(Named(why));
  }
  if (state_ == State::kReady && request->tools_done) {
    const std::vector<Tool> tools = tools_;
    lock.unlock();
    return request->tools_done(tools);
  }
  if (state_ == State::kReady && FindTool(request->tool) == nullptr) {
    lock.unlock();
    return request->Fail(Named({ErrorCode::kNotFound, "the server has no such tool"}));
  }
  const int64_t id = next_id_++;
  request->stop = stop;
  requests_.emplace(id, request);
  if (state_ == State::kReady) SendCall(id, *request, lock);
  lock.unlock();
  // Calls back at once where it is too late already, so not under the lock.
  auto on_stop = std::make_unique<StopOn>(std::move(stop), [this, id] { Cancel(id); });
  lock.lock();
  if (requests_.contains(id)) request->on_stop = std::move(on_stop);
  lock.unlock();
}

bool Client::ConnectIfDue(const Lock& lock) {
  if (closing_) return false;
  if (state_ == State::kConnecting || state_ == State::kReady) return true;
  const TimePoint now = clock_.Now();
  if (state_ == State::kLost && now < not_before_) return false;
  state_ = State::kConnecting;
  connecting_since_ = now;
  initialized_ = false;
  unanswered_ = 0;
  bad_in_a_row_ = 0;
  pages_.clear();
  cursors_.clear();
  ++counters_.connections;
  transport_->Connect(++connection_);
  SendHandshake("initialize", InitializeParams(), lock);
  return true;
}

void Client::SendHandshake(std::string_view method, const Json& params, const Lock&) {
  const int64_t id = handshake_ = next_id_++;
  transport_->Send(RequestText(id, method, params), {.over = Over(id)});
}

void Client::SendCall(int64_t id, Request& request, const Lock&) {
  request.sent = true;
  Json params = {{"name", request.tool}, {"arguments", request.arguments}};
  if (!request.idempotency_key.empty()) params["_meta"] = {{kIdempotencyKey, request.idempotency_key}};
  transport_->Send(RequestText(id, "tools/call", params),
                   {.stop = request.stop, .over = Over(id), .once = !FindTool(request.tool)->repeatable});
}

Transport::Over Client::Over(int64_t id) {
  return [this, connection = connection_, id](Error why) { OnOver(connection, id, std::move(why)); };
}

void Client::Cancel(int64_t id) {
  Lock lock(mutex_);
  const std::shared_ptr<Request> request = Take(id, lock);
  if (request == nullptr) return;
  if (request->sent && state_ == State::kReady) {
    transport_->Send(NotificationText("notifications/cancelled", {{"requestId", id}, {"reason", "timeout"}}),
                     {});
    if (++unanswered_ >= kMaxUnanswered) {
      Lose({ErrorCode::kIo, "the server does not answer"}, lock);
      lock.lock();
    }
  }
  lock.unlock();
  request->Fail(Named({ErrorCode::kCancelled, "the call was given up"}));
}

void Client::OnMessage(uint64_t connection, std::string_view text) {
  const auto message = ReadMessage(text);
  Lock lock(mutex_);
  if (closing_ || connection != connection_ || (state_ != State::kConnecting && state_ != State::kReady))
    return;
  if (!message) {
    ++counters_.strange;
    Log().debug("mcp.{}: {}", name_, message.error().message);
    if (++bad_in_a_row_ >= kMaxBadInARow)
      Lose({ErrorCode::kIo, "what the server writes are no messages"}, lock);
    return;
  }
  bad_in_a_row_ = 0;
  if (message->kind == Message::Kind::kNotification) return;
  if (message->kind == Message::Kind::kRequest) {
    const bool ping = message->method == "ping";
    transport_->Send(ping ? ResultText(message->id, Json::object()) : NoSuchMethodText(message->id), {});
    return;
  }
  const int64_t id = message->id.is_number_integer() ? message->id.get<int64_t>() : 0;
  if (id != 0 && id == handshake_) {
    handshake_ = 0;
    if (auto taken = OnHandshake(*message, lock); !taken) Lose(std::move(taken).error(), lock);
    return;
  }
  const auto found = requests_.find(id);
  if (found == requests_.end() || !found->second->sent) {
    ++counters_.strange;
    return;
  }
  const std::shared_ptr<Request> request = Take(id, lock);
  unanswered_ = 0;
  losses_in_a_row_ = 0;
  lock.unlock();
  if (message->kind == Message::Kind::kError) return request->Fail(Named(ErrorOfAnswer(message->error_code)));
  request->on_stop.reset();
  request->done(message->result);
}

Result<void> Client::OnHandshake(const Message& message, Lock& lock) {
  if (message.kind == Message::Kind::kError) {
    return MakeError(ErrorCode::kUnavailable, "the server refuses to {} (error {})",
                     initialized_ ? "list its tools" : "begin", message.error_code);
  }
  if (!initialized_) return OnInitialized(message.result, lock);
  SOTTO_ASSIGN_OR_RETURN(const bool last, OnTools(message.result, lock));
  if (last) GetReady(lock);
  return {};
}

Result<void> Client::OnInitialized(const Json& result, const Lock& lock) {
  SOTTO_ASSIGN_OR_RETURN(server_, ReadInitializeResult(result));
  initialized_ = true;
  transport_->SetVersion(server_.version);
  transport_->Send(NotificationText("notifications/initialized"), {});
  SendHandshake("tools/list", Json::object(), lock);
  return {};
}

Result<bool> Client::OnTools(const Json& result, const Lock& lock) {
  SOTTO_ASSIGN_OR_RETURN(ToolPage page, ReadToolPage(result));
  for (Tool& tool : page.tools) pages_.push_back(std::move(tool));
  if (pages_.size() > kMaxTools) return MakeError(ErrorCode::kOutOfRange, "more than {} tools", kMaxTools);
  if (page.next_cursor.empty()) return true;
  if (cursors_.size() >= kMaxPages || !cursors_.insert(page.next_cursor).second)
    return MakeError(ErrorCode::kCorrupt, "the list of its tools has no end");
  SendHandshake("tools/list", {{"cursor", page.next_cursor}}, lock);
  return false;
}

void Client::GetReady(Lock& lock) {
  state_ = State::kReady;
  tools_ = std::move(pages_);
  pages_.clear();
  Requests told;
  for (auto request = requests_.begin(); request != requests_.end();) {
    const auto here = request++;
    if (here->second->tools_done || FindTool(here->second->tool) == nullptr) {
      told.insert(requests_.extract(here));
    } else {
      SendCall(here->first, *here->second, lock);
    }
  }
  const std::vector<Tool> tools = tools_;
  lock.unlock();
  for (auto& [id, request] : told) {
    if (!request->tools_done) {
      request->Fail(Named({ErrorCode::kNotFound, "the server has no such tool"}));
      continue;
    }
    request->on_stop.reset();
    request->tools_done(tools);
  }
}

void Client::OnLost(uint64_t connection, Error why) {
  Lock lock(mutex_);
  if (closing_ || connection != connection_ || state_ == State::kLost) return;
  Lose(std::move(why), lock);
}

void Client::OnOver(uint64_t connection, int64_t id, Error why) {
  Lock lock(mutex_);
  if (closing_ || connection != connection_) return;
  if (id == handshake_) return Lose(std::move(why), lock);
  const std::shared_ptr<Request> request = Take(id, lock);
  lock.unlock();
  if (request != nullptr) request->Fail(Named(std::move(why)));
}

void Client::Lose(Error why, Lock& lock) {
  state_ = State::kLost;
  handshake_ = 0;
  ++counters_.losses;
  lost_because_ = why.message;
  Duration pause{0};
  if (losses_in_a_row_ > 0) pause = kFirstPause * (1 << std::min(losses_in_a_row_ - 1, 6));
  ++losses_in_a_row_;
  not_before_ = clock_.Now() + std::min<Duration>(pause, kLongestPause);
  transport_->Disconnect();
  Requests left;
  left.swap(requests_);
  lock.unlock();
  Log().warn("mcp.{}: {}", name_, why.message);
  for (auto& [id, request] : left) {
    Error error = why;
    if (!request->sent) error.code = ErrorCode::kUnavailable;
    request->Fail(Named(std::move(error)));
  }
}

std::shared_ptr<Client::Request> Client::Take(int64_t id, const Lock&) {
  auto node = requests_.extract(id);
  return node.empty() ? nullptr : std::move(node.mapped());
}

const Tool* Client::FindTool(const std::string& tool) const {
  const auto found =
      std::find_if(tools_.begin(), tools_.end(), [&](const Tool& known) { return known.name == tool; });
  return found == tools_.end() ? nullptr : &*found;
}

Error Client::Named(Error error) const {
  error.message = fmt::format("mcp.{}: {}", name_, error.message);
  return error;
}

std::string Client::server_name() const {
  const std::lock_guard lock(mutex_);
  return server_.name;
}

bool Client::Repeatable(const std::string& tool) const {
  const std::lock_guard lock(mutex_);
  const Tool* found = FindTool(tool);
  return found != nullptr && found->repeatable;
}

Client::Counters Client::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

}  // namespace sotto::mcp
