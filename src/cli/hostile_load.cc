#include "cli/hostile_load.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <deque>
#include <functional>
#include <utility>

#include "base/random.h"
#include "base/unique_id.h"
#include "server/audio_socket_protocol.h"
#include "server/twilio_signature.h"

namespace sotto {
namespace {

using std::chrono::milliseconds;
using AudioFrame = AudioSocketMessage::Kind;

constexpr size_t kHeldOpen = 32;  // half-made connections of each kind at a time
constexpr milliseconds kAnswerWithin{2000};

// A socket that is only as polite as it is told to be.
class HostileSocket {
 public:
  explicit HostileSocket(uint16_t port, int receive_bytes = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_bytes > 0) ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) Close();
    const timeval wait{0, 200'000};
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  }
  ~HostileSocket() { Close(); }
  HostileSocket(HostileSocket&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  HostileSocket& operator=(HostileSocket&&) = delete;

  // False: the other side has closed, or does not read.
  bool Send(std::string_view bytes) const {
    while (socket_ >= 0 && !bytes.empty()) {
      const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return socket_ >= 0;
  }
  // What comes until `until` stands in it, the other side closes or it takes too long.
  std::string Read(std::string_view until) const {
    std::string got;
    std::array<char, 4096> block;
    while (socket_ >= 0 && got.find(until) == std::string::npos && got.size() < (size_t{1} << 20)) {
      pollfd ready{socket_, POLLIN, 0};
      if (::poll(&ready, 1, static_cast<int>(kAnswerWithin.count())) <= 0) break;
      const ssize_t n = ::recv(socket_, block.data(), block.size(), 0);
      if (n <= 0) break;
      got.append(block.data(), static_cast<size_t>(n));
    }
    return got;
  }
  // As a machine that has lost its network does not: the other side is told with a reset.
  void Reset() {
    const linger now{1, 0};
    if (socket_ >= 0) ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    Close();
  }
  void Close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }

 private:
  int socket_;
};

std::string AnyBytes(Random& random, size_t most) {
  std::string bytes(1 + random.Below(most), '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.Below(256));
  return bytes;
}

std::string HttpBytes(std::string_view method, std::string_view path, std::string_view headers,
                      std::string_view body) {
  return fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: {}\r\n\r\n{}", method, path,
                     headers, body.size(), body);
}

std::string UpgradeRequest(std::string_view path, std::string_view headers) {
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: localhost\r\n{}Connection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      path, headers);
}

// A client's frame (RFC 6455, 5.2), masked with zeros.
std::string WebSocketFrame(int opcode, std::string_view payload) {
  std::string frame(1, static_cast<char>(0x80 | opcode));
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80 | payload.size());
  } else {
    frame += static_cast<char>(0x80 | 126);
    frame += static_cast<char>(payload.size() >> 8 & 0xff);
    frame += static_cast<char>(payload.size() & 0xff);
  }
  frame.append(4, '\0');
  return frame.append(payload);
}

struct Attack {
  const HostileLoad::Target& target;
  Random& random;
  std::string bearer =
      fmt::format("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", target.key);
  std::deque<HostileSocket> held = {};  // still open

  void Hold(HostileSocket socket) {
    held.push_back(std::move(socket));
    if (held.size() > kHeldOpen) held.pop_front();
  }
  HostileSocket VoiceSocket(int receive_bytes = 0) const {
    HostileSocket socket(target.http, receive_bytes);
    socket.Send(UpgradeRequest("/v1/voice", bearer));
    socket.Read("\r\n\r\n");
    socket.Send(WebSocketFrame(1, R"({"type": "start", "echo_cancellation": false})"));
    return socket;
  }

  void Vanish() {
    switch (random.Below(4)) {
      case 0: {
        HostileSocket call = VoiceSocket();
        for (size_t n = random.Below(20); n > 0; --n) call.Send(WebSocketFrame(2, std::string(640, '\0')));
        return call.Reset();
      }
      case 1: {
        HostileSocket line(target.audio_socket);
        line.Send(AudioSocketBytes(AudioFrame::kId, UniqueId().substr(0, 16)));
        for (size_t n = random.Below(20); n > 0; --n)
          line.Send(AudioSocketBytes(AudioFrame::kAudio, std::string(320, '\0')));
        return line.Reset();
      }
      case 2: {  // in the middle of an answer
        HostileSocket asks(target.http);
        asks.Send(HttpBytes("POST", "/v1/sessions", bearer, "{}"));
        return asks.Reset();
      }
      default: {
        HostileSocket asks(target.http);
        asks.Send(HttpBytes("GET", "/v1/sessions/none/events", bearer, ""));
        return asks.Close();
      }
    }
  }

  void Garbage() {
    const uint16_t ports[] = {target.http, target.audio_socket,
                              target.wyoming != 0 ? target.wyoming : target.http};
    HostileSocket socket(ports[random.Below(3)]);
    switch (random.Below(4)) {
      case 0:
        socket.Send(AnyBytes(random, 4096));
        break;
      case 1:  // JSON that is none, or none that is meant
        socket.Send(HttpBytes("POST", "/v1/sessions", bearer, AnyBytes(random, 300)));
        break;
      case 2:
        socket.Send(HttpBytes("POST", "/v1/sessions", bearer, std::string(20000, '[')));
        break;
      default: {
        HostileSocket call(target.http);
        call.Send(UpgradeRequest("/v1/voice", bearer));
        call.Read("\r\n\r\n");
        call.Send(WebSocketFrame(static_cast<int>(random.Below(16)), AnyBytes(random, 2000)));
        call.Read("ended");
      }
    }
    socket.Read("\r\n\r\n");
  }

  void HalfFrames() {
    switch (random.Below(4)) {
      case 0: {
        HostileSocket asks(target.http);
        asks.Send("POST /v1/sessions HTTP/1.1\r\nHost: local");
        return Hold(std::move(asks));
      }
      case 1: {
        HostileSocket asks(target.http);
        asks.Send(fmt::format(
            "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: 500\r\n\r\n{{", bearer));
        return Hold(std::move(asks));
      }
      case 2: {
        HostileSocket call = VoiceSocket();
        const std::string frame = WebSocketFrame(2, std::string(640, '\0'));
        call.Send(std::string_view(frame).substr(0, 1 + random.Below(frame.size() - 1)));
        return Hold(std::move(call));
      }
      default: {
        HostileSocket line(target.audio_socket);
        const std::string bytes = AudioSocketBytes(AudioFrame::kId, UniqueId().substr(0, 16)) +
                                  AudioSocketBytes(AudioFrame::kAudio, std::string(320, '\0'));
        line.Send(std::string_view(bytes).substr(0, 1 + random.Below(bytes.size() - 1)));
        return Hold(std::move(line));
      }
    }
  }

  void Flood() {
    switch (random.Below(4)) {
      case 0: {  // requests whose answers nobody waits for
        HostileSocket asks(target.http);
        std::string many;
        for (int i = 0; i < 200; ++i) many += HttpBytes("GET", "/v1/workflows", bearer, "");
        asks.Send(many);
        return asks.Close();
      }
      case 1: {
        HostileSocket call = VoiceSocket();
        for (int i = 0; i < 500 && call.Send(WebSocketFrame(9, "flood")); ++i) {
        }
        return call.Close();
      }
      case 2:
        for (int i = 0; i < 50; ++i) HostileSocket(target.http).Close();
        return;
      default: {  // sound faster than it can be heard
        HostileSocket line(target.audio_socket);
        line.Send(AudioSocketBytes(AudioFrame::kId, UniqueId().substr(0, 16)));
        for (int i = 0; i < 1000 && line.Send(AudioSocketBytes(AudioFrame::kAudio, std::string(320, '\0')));
             ++i) {
        }
        return line.Close();
      }
    }
  }

  // Whoever does not read is not waited for.
  void SlowReads() {
    switch (random.Below(3)) {
      case 0: {
        HostileSocket asks(target.http, 2048);
        std::string many;
        for (int i = 0; i < 50; ++i) many += HttpBytes("GET", "/v1/workflows", bearer, "");
        asks.Send(many);
        return Hold(std::move(asks));
      }
      case 1:
        return Hold(VoiceSocket(2048));
      default: {
        HostileSocket asks(target.http);
        for (const char byte : std::string_view("GET /heal")) {
          if (!asks.Send(std::string_view(&byte, 1))) break;
          std::this_thread::sleep_for(milliseconds(20));
        }
        return Hold(std::move(asks));
      }
    }
  }

  // The token of a browser or a stream, from the server's own answer.
  std::string NewToken() const {
    HostileSocket asks(target.http);
    asks.Send(HttpBytes("POST", "/v1/tokens", bearer, ""));
    const std::string answer = asks.Read("}");
    const size_t at = answer.find("\"token\":\"");
    return at == std::string::npos ? "" : answer.substr(at + 9, answer.find('"', at + 9) - at - 9);
  }
  std::string NewStreamToken(const std::string& call) const {
    const HttpFields form = {{"CallSid", call}, {"From", "+15550100"}, {"To", "+15550199"}};
    const std::string path = "/v1/twilio/voice";
    const std::string signature = TwilioSignature(target.twilio_token, target.public_url + path, form);
    HostileSocket asks(target.http);
    asks.Send(
        HttpBytes("POST", path,
                  fmt::format("X-Twilio-Signature: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n",
                              signature),
                  fmt::format("CallSid={}&From=%2B15550100&To=%2B15550199", call)));
    const std::string answer = asks.Read("</Response>");
    const std::string_view before = "name=\"token\" value=\"";
    const size_t at = answer.find(before);
    if (at == std::string::npos) return "";
    const size_t begin = at + before.size();
    return answer.substr(begin, answer.find('"', begin) - begin);
  }
  // Whether a stream with this token is let in.
  bool StreamOpens(const std::string& call, const std::string& token) const {
    const std::string path = "/v1/twilio/media";
    std::string socket_url = target.public_url;
    socket_url.replace(0, socket_url.find("://"), target.public_url.starts_with("https") ? "wss" : "ws");
    HostileSocket stream(target.http);
    stream.Send(
        UpgradeRequest(path, fmt::format("X-Twilio-Signature: {}\r\n",
                                         TwilioSignature(target.twilio_token, socket_url + path, {}))));
    if (stream.Read("\r\n\r\n").find(" 101 ") == std::string::npos) return false;
    const Json start = {
        {"event", "start"},
        {"streamSid", "MZ" + call},
        {"start",
         {{"callSid", call},
          {"streamSid", "MZ" + call},
          {"customParameters", {{"token", token}}},
          {"mediaFormat", {{"encoding", "audio/x-mulaw"}, {"sampleRate", 8000}, {"channels", 1}}}}}};
    stream.Send(WebSocketFrame(1, R"({"event":"connected","protocol":"Call","version":"1.0.0"})"));
    stream.Send(WebSocketFrame(1, start.dump()));
    // It greets, or it closes.
    return stream.Read("\"media\"").find("\"media\"") != std::string::npos;
  }
  bool TokenIsTaken(const std::string& token) const {
    HostileSocket asks(target.http);
    asks.Send(HttpBytes("GET", "/v1/workflows", fmt::format("Authorization: Bearer {}\r\n", token), ""));
    return asks.Read("\r\n\r\n").find(" 200 ") != std::string::npos;
  }

  // Returns how many were tried and how many of them were let in.
  std::pair<uint64_t, uint64_t> Replay() {
    uint64_t tried = 0;
    uint64_t accepted = 0;
    const auto expect_refused = [&](bool taken) {
      ++tried;
      accepted += taken;
    };
    if (random.Below(4) == 0) {
      const std::string call = "CA" + UniqueId();
      const std::string token = NewStreamToken(call);
      if (token.empty()) return {};  // the lines are busy
      const bool first = StreamOpens(call, token);
      if (first) expect_refused(StreamOpens(call, token));
      expect_refused(StreamOpens("CA" + UniqueId(), token));
      return {tried, accepted};
    }
    std::string token = NewToken();
    if (token.size() < 8) return {};
    // Another expiry, another name, another signature: one letter of each.
    for (const size_t at : {size_t{0}, token.size() / 2, token.size() - 2}) {
      std::string altered = token;
      altered[at] = altered[at] == '1' ? '2' : '1';
      if (altered != token) expect_refused(TokenIsTaken(altered));
    }
    std::string key = target.key;
    key.back() = key.back() == '0' ? '1' : '0';
    expect_refused(TokenIsTaken(key));
    return {tried, accepted};
  }
};

}  // namespace

struct HostileLoad::Kind {
  const char* name;
  std::atomic<uint64_t> done{0};
};

HostileLoad::HostileLoad(Target target, uint64_t seed) : target_(std::move(target)) {
  const auto add = [&](const char* name, std::function<void(Attack&)> attack) {
    kinds_.push_back(std::make_unique<Kind>());
    Kind& kind = *kinds_.back();
    kind.name = name;
    threads_.emplace_back([this, &kind, attack = std::move(attack), mine = seed + kinds_.size()] {
      Random random(mine);
      Attack state{target_, random};
      for (; !stopping_; ++kind.done) {
        attack(state);
        std::this_thread::sleep_for(target_.pause);
      }
    });
  };
  add("vanish", [](Attack& attack) { attack.Vanish(); });
  add("garbage", [](Attack& attack) { attack.Garbage(); });
  add("half_frames", [](Attack& attack) { attack.HalfFrames(); });
  add("flood", [](Attack& attack) { attack.Flood(); });
  add("slow_reads", [](Attack& attack) { attack.SlowReads(); });
  if (!target_.key.empty()) {
    add("replay", [this](Attack& attack) {
      const auto [tried, accepted] = attack.Replay();
      tried_ += tried;
      accepted_ += accepted;
    });
  }
}

HostileLoad::~HostileLoad() { Stop(); }

void HostileLoad::Stop() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

Json HostileLoad::counts() const {
  Json json = Json::object();
  for (const auto& kind : kinds_) json[kind->name] = kind->done.load();
  json["replays"] = {{"tried", tried_.load()}, {"accepted", accepted_.load()}};
  return json;
}

}  // namespace sotto
