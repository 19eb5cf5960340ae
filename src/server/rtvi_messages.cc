#include "server/rtvi_messages.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/unique_id.h"
#include "server/json_fields.h"

namespace sotto {
namespace {

using namespace rtvi_message;

constexpr const char* kRtviLabel = "rtvi-ai";
constexpr size_t kMaxIdBytes = 200;
constexpr size_t kMaxTypedBytes = 4000;
constexpr size_t kMaxKeysAtOnce = 64;
constexpr std::array<std::pair<std::string_view, Ask::What>, 3> kAsks{
    {{"state", Ask::What::kState}, {"hush", Ask::What::kHush}, {"record", Ask::What::kRecord}}};

using RtviRead = tl::expected<RtviMessage, std::string>;

RtviRead Finished(JsonFields& fields, RtviMessage message) {
  if (auto done = fields.Done(true); !done) return tl::unexpected(done.error().message);
  return message;
}

RtviRead ReadReady(const Json& data) {
  ClientReady ready;
  JsonFields fields(data, "data.");
  fields.Text("version", &ready.version, 40);
  // Messages before version 1 had other names.
  if (ready.version.starts_with("0."))
    return tl::unexpected(
        fmt::format("this server speaks RTVI {}; '{}' is too old", kRtviVersion, ready.version));
  return Finished(fields, ready);
}

RtviRead ReadSendText(const Json& data) {
  SendText send;
  bool at_once = true;
  JsonFields fields(data, "data.");
  fields.Require("content", fields.Text("content", &send.text, kMaxTypedBytes) && !send.text.empty());
  if (const Json* options = fields.Object("options")) {
    JsonFields inner(*options, "data.options.");
    inner.Bool("run_immediately", &at_once);
    inner.Bool("audio_response", &send.speaks);
    if (auto done = inner.Done(true); !done) return tl::unexpected(done.error().message);
  }
  if (!at_once)
    return tl::unexpected(std::string(
        "data.options.run_immediately should be true: here every text is a turn, and is answered"));
  return Finished(fields, send);
}

// The older message for the same.
RtviRead ReadAppend(const Json& data) {
  SendText send;
  std::string role;
  bool at_once = false;
  JsonFields fields(data, "data.");
  fields.Text("role", &role, 40);
  fields.Require("content", fields.Text("content", &send.text, kMaxTypedBytes) && !send.text.empty());
  fields.Bool("run_immediately", &at_once);
  if (role != "user" || !at_once)
    return tl::unexpected(std::string(
        "append-to-context should have role 'user' and run_immediately: the context is the workflow's"));
  return Finished(fields, send);
}

RtviRead ReadKeys(const Json& data) {
  Keys keys;
  JsonFields fields(data, "data.");
  std::string one;
  if (fields.Text("button", &one, 1)) keys.keys = one;  // as before 2.1
  if (const Json* buttons = fields.Array("buttons", kMaxKeysAtOnce)) {
    for (const Json& button : *buttons) keys.keys += button.is_string() ? button.get<std::string>() : "?";
  }
  const bool right = !keys.keys.empty() && keys.keys.find_first_not_of("0123456789*#") == std::string::npos;
  if (!right) return tl::unexpected(std::string("data.buttons should be a list of 0-9, * and #"));
  return Finished(fields, keys);
}

RtviRead ReadAsk(const Json& data) {
  std::string name;
  JsonFields fields(data, "data.");
  fields.Require("t", fields.Text("t", &name, 100));
  const Json* more = fields.Object("d");
  if (auto done = fields.Done(true); !done) return tl::unexpected(done.error().message);
  const auto found =
      std::find_if(kAsks.begin(), kAsks.end(), [&](const auto& ask) { return ask.first == name; });
  if (found == kAsks.end())
    return tl::unexpected(
        fmt::format("there is no client-message '{}'; there are state, hush and record", name));
  Ask ask{found->second};
  if (ask.what == Ask::What::kRecord) {
    const Json none = Json::object();
    JsonFields inner(more == nullptr ? none : *more, "data.d.");
    inner.Require("paused", inner.Bool("paused", &ask.paused));
    return Finished(inner, ask);
  }
  return ask;
}

RtviRead ReadType(const std::string& type, const Json& data) {
  if (type == "client-ready") return ReadReady(data);
  if (type == "send-text") return ReadSendText(data);
  if (type == "append-to-context") return ReadAppend(data);
  if (type == "dtmf") return ReadKeys(data);
  if (type == "client-message") return ReadAsk(data);
  if (type == "disconnect-bot") return DisconnectBot{};
  if (type == "llm-function-call-result")
    return tl::unexpected(std::string("what the workflow does it does here: no result is waited for"));
  if (type.starts_with("ui-")) return tl::unexpected(fmt::format("'{}' is not served here", type));
  return tl::unexpected(fmt::format("there is no message '{}'", type));
}

}  // namespace

tl::expected<RtviRequest, RtviRefusal> ReadRtviMessage(std::string_view text) {
  const auto json = ParseBody(text);
  if (!json) return tl::unexpected(RtviRefusal{"", json.error().message});
  RtviRequest request;
  std::string label;
  std::string type;
  const Json nothing = Json::object();
  JsonFields fields(*json);
  fields.Text("label", &label, 40);
  fields.Text("id", &request.id, kMaxIdBytes);
  fields.Require("type", fields.Text("type", &type, 100));
  const Json* data = fields.Object("data");
  if (auto done = fields.Done(true); !done)
    return tl::unexpected(RtviRefusal{request.id, done.error().message});
  if (label != kRtviLabel)
    return tl::unexpected(RtviRefusal{request.id, fmt::format("label should be '{}'", kRtviLabel)});
  auto message = ReadType(type, data == nullptr ? nothing : *data);
  if (!message) return tl::unexpected(RtviRefusal{request.id, std::move(message).error()});
  request.message = *std::move(message);
  return request;
}

std::string RtviText(std::string_view type, Json data, std::string_view id) {
  const Json message = {{"label", kRtviLabel},
                        {"type", type},
                        {"id", id.empty() ? UniqueId().substr(0, 8) : std::string(id)},
                        {"data", std::move(data)}};
  return message.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string RtviText(const RtviRefusal& refusal) {
  if (!refusal.id.empty()) return RtviText("error-response", {{"error", refusal.message}}, refusal.id);
  return RtviText("error", {{"error", refusal.message}, {"message", refusal.message}, {"fatal", false}}, "");
}

std::string_view RtviAskName(Ask::What what) {
  return std::find_if(kAsks.begin(), kAsks.end(), [&](const auto& ask) { return ask.second == what; })->first;
}

}  // namespace sotto
