#include "server/wyoming_protocol.h"

#include "server/json_fields.h"

namespace sotto {
namespace {

constexpr size_t kMaxType = 64;

}  // namespace

Result<WyomingReader::Head> WyomingReader::ReadHead(std::string_view line) const {
  const auto json = ParseBody(line);
  if (!json) return MakeError(ErrorCode::kCorrupt, "a line that is no event: {}", json.error().message);
  JsonFields fields(*json, "event.");
  Head head;
  int64_t data_bytes = 0;
  int64_t payload_bytes = 0;
  fields.Require("type", fields.Text("type", &head.event.type, kMaxType));
  if (const Json* data = fields.Object("data")) head.event.data = *data;
  fields.Integer("data_length", &data_bytes, 0, kMaxData);
  fields.Integer("payload_length", &payload_bytes, 0, kMaxPayload);
  if (auto done = fields.Done(true); !done) return MakeError(ErrorCode::kCorrupt, "{}", done.error().message);
  head.data_bytes = static_cast<size_t>(data_bytes);
  head.payload_bytes = static_cast<size_t>(payload_bytes);
  return head;
}

Result<std::optional<WyomingEvent>> WyomingReader::Next() {
  if (!head_) {
    const size_t end = waiting_.find('\n');
    if (end == std::string::npos ? waiting_.size() > kMaxLine : end > kMaxLine)
      return MakeError(ErrorCode::kCorrupt, "a line of more than {} bytes", kMaxLine);
    if (end == std::string::npos) return std::nullopt;
    SOTTO_ASSIGN_OR_RETURN(head_, ReadHead(std::string_view(waiting_).substr(0, end)));
    waiting_.erase(0, end + 1);
  }
  if (waiting_.size() < head_->data_bytes + head_->payload_bytes) return std::nullopt;
  WyomingEvent event = std::move(head_->event);
  if (head_->data_bytes > 0) {
    const auto data = ParseBody(std::string_view(waiting_).substr(0, head_->data_bytes));
    if (!data || !data->is_object())
      return MakeError(ErrorCode::kCorrupt, "data of an event that is no object of JSON");
    event.data.update(*data);
  }
  event.payload = waiting_.substr(head_->data_bytes, head_->payload_bytes);
  waiting_.erase(0, head_->data_bytes + head_->payload_bytes);
  head_.reset();
  return event;
}

std::string WyomingBytes(const WyomingEvent& event) {
  Json head = {{"type", event.type}, {"version", "1.7.0"}};
  const std::string data = event.data.empty() ? "" : event.data.dump();
  if (!data.empty()) head["data_length"] = data.size();
  if (!event.payload.empty()) head["payload_length"] = event.payload.size();
  return head.dump() + "\n" + data + event.payload;
}

}  // namespace sotto
