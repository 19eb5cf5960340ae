#include "speech/wyoming.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "core/json.h"
#include "core/pcm16.h"
#include "speech/resample.h"

namespace sotto {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr size_t kMaxLineBytes = 1 << 20;
constexpr size_t kMaxPayloadBytes = 16 << 20;

struct Address {
  std::string host;
  std::string port;
};

Result<Address> ParseUrl(const std::string& url, const char* default_port) {
  constexpr std::string_view kScheme = "wyoming://";
  std::string rest = url.starts_with(kScheme) ? url.substr(kScheme.size()) : "";
  while (!rest.empty() && rest.back() == '/') rest.pop_back();
  const size_t colon = rest.rfind(':');
  Address address{rest.substr(0, colon), colon == std::string::npos ? default_port : rest.substr(colon + 1)};
  int port = 0;
  const auto parsed = std::from_chars(address.port.data(), address.port.data() + address.port.size(), port);
  if (address.host.empty() || parsed.ptr != address.port.data() + address.port.size() || port < 1 ||
      port > 65535) {
    return MakeError(ErrorCode::kInvalidArgument, "\"{}\" is not wyoming://host:port", url);
  }
  return address;
}

struct Event {
  std::string type;
  Json data = Json::object();
  std::string payload;
};

// What a server says of itself is not to be trusted with types.
std::string TextOf(const Json& data) {
  return data.contains("text") && data["text"].is_string() ? data["text"].get<std::string>() : "error";
}
bool Is(const Json& data, const char* key, int value) { return data.contains(key) && data[key] == value; }

// A connection with a deadline for everything. One thread.
class Connection {
 public:
  ~Connection() { Close(); }

  Result<void> Open(const Address& address, milliseconds limit) {
    Close();
    name_ = fmt::format("wyoming://{}:{}", address.host, address.port);
    addrinfo hints = {};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
        error != 0) {
      return MakeError(ErrorCode::kUnavailable, "{}: {}", name_, ::gai_strerror(error));
    }
    int problem = ECONNREFUSED;
    for (const addrinfo* one = found; one != nullptr && socket_ < 0; one = one->ai_next)
      problem = TryOne(*one, limit);
    ::freeaddrinfo(found);
    if (socket_ < 0)
      return MakeError(ErrorCode::kUnavailable, "{}: cannot connect: {}", name_, std::strerror(problem));
    return {};
  }

  void Close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
    buffer_.clear();
  }
  bool open() const { return socket_ >= 0; }
  const std::string& name() const { return name_; }

  Result<void> Send(std::string_view type, const Json& data, std::string_view payload, milliseconds limit) {
    Json header = {{"type", type}};
    if (!data.empty()) header["data"] = data;
    if (!payload.empty()) header["payload_length"] = payload.size();
    std::string bytes = header.dump() + '\n';
    bytes += payload;
    const auto deadline = SteadyClock::now() + limit;
    size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t count = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (count > 0) {
        sent += static_cast<size_t>(count);
      } else if (errno == EAGAIN || errno == EINTR) {
        SOTTO_RETURN_IF_ERROR(Wait(POLLOUT, deadline));
      } else {
        return MakeError(ErrorCode::kUnavailable, "{}: connection lost: {}", name_, std::strerror(errno));
      }
    }
    return {};
  }

  Result<Event> Receive(milliseconds limit) {
    const auto deadline = SteadyClock::now() + limit;
    size_t end = 0;
    while ((end = buffer_.find('\n')) == std::string::npos) {
      if (buffer_.size() > kMaxLineBytes) return Garbage("a line without an end");
      SOTTO_RETURN_IF_ERROR(More(deadline));
    }
    const Json header =
        Json::parse(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    buffer_.erase(0, end + 1);
    if (!header.is_object() || !header.contains("type") || !header["type"].is_string())
      return Garbage("no event");
    Event event;
    event.type = header["type"];
    if (header.contains("data") && header["data"].is_object()) event.data = header["data"];
    SOTTO_ASSIGN_OR_RETURN(const std::string more, Take(header, "data_length", deadline));
    if (!more.empty()) {
      const Json data = Json::parse(more, nullptr, false);
      if (!data.is_object()) return Garbage("data that is no object");
      event.data.update(data);
    }
    SOTTO_ASSIGN_OR_RETURN(event.payload, Take(header, "payload_length", deadline));
    return event;
  }

 private:
  int TryOne(const addrinfo& address, milliseconds limit) {
    const int handle =
        ::socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol);
    if (handle < 0) return errno;
    int problem = 0;
    if (::connect(handle, address.ai_addr, address.ai_addrlen) != 0) {
      problem = errno;
      if (problem == EINPROGRESS) {
        pollfd wait = {handle, POLLOUT, 0};
        socklen_t size = sizeof(problem);
        if (::poll(&wait, 1, static_cast<int>(limit.count())) != 1) {
          problem = ETIMEDOUT;
        } else if (::getsockopt(handle, SOL_SOCKET, SO_ERROR, &problem, &size) != 0) {
          problem = errno;
        }
      }
    }
    if (problem != 0) {
      ::close(handle);
      return problem;
    }
    socket_ = handle;
    return 0;
  }

  tl::unexpected<Error> Garbage(const char* what) {
    Close();
    return MakeError(ErrorCode::kCorrupt, "{}: not the Wyoming protocol: {}", name_, what);
  }

  Result<void> Wait(short what, SteadyClock::time_point deadline) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - SteadyClock::now());
    pollfd wait = {socket_, what, 0};
    if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) == 0) {
      return MakeError(ErrorCode::kTimeout, "{}: no answer in time", name_);
    }
    return {};
  }

  Result<void> More(SteadyClock::time_point deadline) {
    char block[65536];
    while (true) {
      const ssize_t count = ::recv(socket_, block, sizeof(block), 0);
      if (count > 0) {
        buffer_.append(block, static_cast<size_t>(count));
        return {};
      }
      if (count == 0) return MakeError(ErrorCode::kUnavailable, "{}: closed the connection", name_);
      if (errno != EAGAIN && errno != EINTR) {
        return MakeError(ErrorCode::kUnavailable, "{}: connection lost: {}", name_, std::strerror(errno));
      }
      SOTTO_RETURN_IF_ERROR(Wait(POLLIN, deadline));
    }
  }

  // The bytes that the header announces under `key`; empty where it does not.
  Result<std::string> Take(const Json& header, const char* key, SteadyClock::time_point deadline) {
    if (!header.contains(key) || header[key].is_null()) return std::string();
    if (!header[key].is_number_unsigned() || header[key].get<size_t>() > kMaxPayloadBytes)
      return Garbage("a bad length");
    const size_t size = header[key];
    while (buffer_.size() < size) SOTTO_RETURN_IF_ERROR(More(deadline));
    std::string bytes = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return bytes;
  }

  int socket_ = -1;
  std::string name_;
  std::string buffer_;
};

Json Format() { return {{"rate", kSampleRateHz}, {"width", 2}, {"channels", 1}}; }

class WyomingRecognizer final : public Recognizer {
 public:
  WyomingRecognizer(Address address, WyomingOptions options)
      : address_(std::move(address)), options_(std::move(options)) {}

  void NewCaller() override { Cancel(); }
  Result<void> Start(ListeningMode /*mode*/) override {
    SOTTO_RETURN_IF_ERROR(connection_.Open(address_, options_.connect));
    SOTTO_RETURN_IF_ERROR(
        connection_.Send("transcribe", {{"language", options_.language}}, "", options_.connect));
    return connection_.Send("audio-start", Format(), "", options_.connect);
  }
  Result<void> Feed(std::span<const float> samples) override {
    if (!connection_.open())
      return MakeError(ErrorCode::kUnavailable, "{}: not connected", connection_.name());
    return connection_.Send("audio-chunk", Format(), ToPcm16Bytes(samples), options_.connect);
  }
  std::optional<Transcript> Partial() override { return std::nullopt; }
  Result<Transcript> Finish() override {
    if (!connection_.open())
      return MakeError(ErrorCode::kUnavailable, "{}: not connected", connection_.name());
    auto transcript = Answer();
    connection_.Close();
    return transcript;
  }
  void Cancel() override { connection_.Close(); }

 private:
  Result<Transcript> Answer() {
    SOTTO_RETURN_IF_ERROR(connection_.Send("audio-stop", Json::object(), "", options_.connect));
    const auto deadline = SteadyClock::now() + options_.transcript;
    while (true) {
      const auto left = std::chrono::ceil<milliseconds>(deadline - SteadyClock::now());
      SOTTO_ASSIGN_OR_RETURN(const Event event, connection_.Receive(std::max(left, milliseconds(0))));
      if (event.type == "error") {
        return MakeError(ErrorCode::kUnavailable, "{}: {}", connection_.name(), TextOf(event.data));
      }
      if (event.type != "transcript") continue;
      if (!event.data.contains("text") || !event.data["text"].is_string()) {
        return MakeError(ErrorCode::kCorrupt, "{}: a transcript without text", connection_.name());
      }
      Transcript transcript;
      transcript.final = true;
      transcript.text = event.data["text"].get<std::string>();
      const size_t begin = transcript.text.find_first_not_of(" \t\r\n");
      transcript.text.erase(0, std::min(begin, transcript.text.size()));
      if (!transcript.text.empty()) transcript.n_best.push_back({transcript.text, 0});
      return transcript;
    }
  }

  const Address address_;
  const WyomingOptions options_;
  Connection connection_;
};

class WyomingPool final : public RecognizerPool {
 public:
  WyomingPool(Address address, WyomingOptions options)
      : address_(std::move(address)), options_(std::move(options)) {}
  Result<std::unique_ptr<Recognizer>> Acquire() override {
    return std::make_unique<WyomingRecognizer>(address_, options_);
  }
  std::string name() const override { return fmt::format("wyoming://{}:{}", address_.host, address_.port); }
  bool blocks() const override { return true; }

 private:
  const Address address_;
  const WyomingOptions options_;
};

class WyomingSynthesizer final : public Synthesizer {
 public:
  WyomingSynthesizer(Address address, std::string voice, WyomingOptions options)
      : address_(std::move(address)), voice_(std::move(voice)), options_(std::move(options)) {}

  Result<void> Speak(std::string_view text, const Sink& sink) override {
    Connection connection;
    SOTTO_RETURN_IF_ERROR(connection.Open(address_, options_.connect));
    Json data = {{"text", text}};
    if (!voice_.empty()) data["voice"] = {{"name", voice_}};
    SOTTO_RETURN_IF_ERROR(connection.Send("synthesize", data, "", options_.connect));
    std::unique_ptr<Resampler> resampler;
    std::vector<float> samples;
    while (true) {
      SOTTO_ASSIGN_OR_RETURN(const Event event, connection.Receive(options_.silence));
      if (event.type == "error") {
        return MakeError(ErrorCode::kUnavailable, "{}: {}", connection.name(), TextOf(event.data));
      }
      samples.clear();
      if (event.type == "audio-chunk") {
        const bool known = event.data.contains("rate") && event.data["rate"].is_number_integer() &&
                           Is(event.data, "width", 2) && Is(event.data, "channels", 1);
        if (!known)
          return MakeError(ErrorCode::kUnsupported, "{}: audio that is not 16-bit mono", connection.name());
        if (resampler == nullptr) {
          SOTTO_ASSIGN_OR_RETURN(resampler, Resampler::Create(event.data["rate"].get<int>(), kSampleRateHz));
        }
        resampler->Process(FromPcm16Bytes(event.payload), &samples);
      } else if (event.type == "audio-stop" && resampler != nullptr) {
        resampler->Flush(&samples);
      }
      if (!samples.empty() && !sink(samples)) return MakeError(ErrorCode::kCancelled, "speech was stopped");
      if (event.type == "audio-stop") return {};
    }
  }
  std::string name() const override {
    return fmt::format("wyoming://{}:{} {}", address_.host, address_.port, voice_);
  }
  bool blocks() const override { return true; }

 private:
  const Address address_;
  const std::string voice_;
  const WyomingOptions options_;
};

}  // namespace

Result<std::unique_ptr<RecognizerPool>> OpenWyomingRecognizers(const std::string& url,
                                                               WyomingOptions options) {
  SOTTO_ASSIGN_OR_RETURN(Address address, ParseUrl(url, "10300"));
  return std::make_unique<WyomingPool>(std::move(address), std::move(options));
}

Result<std::shared_ptr<Synthesizer>> OpenWyomingSynthesizer(const std::string& url, const std::string& voice,
                                                            WyomingOptions options) {
  SOTTO_ASSIGN_OR_RETURN(Address address, ParseUrl(url, "10200"));
  return std::make_shared<WyomingSynthesizer>(std::move(address), voice, std::move(options));
}

}  // namespace sotto
