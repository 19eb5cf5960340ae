#include "base/sse.h"

namespace sotto {

Result<void> SseParser::Feed(std::string_view bytes, const std::function<void(const SseEvent&)>& on_event) {
  for (const char c : bytes) {
    if (failed_) break;
    const bool second = std::exchange(after_cr_, c == '\r') && c == '\n';
    if (second) continue;
    if (c == '\r' || c == '\n') {
      TakeLine(on_event);
      continue;
    }
    line_ += c;
    if (++event_bytes_ > max_event_bytes_) failed_ = true;
  }
  if (!failed_) return {};
  line_.clear();
  event_.data.clear();
  return MakeError(ErrorCode::kOutOfRange, "an event of more than {} bytes", max_event_bytes_);
}

void SseParser::TakeLine(const std::function<void(const SseEvent&)>& on_event) {
  std::string line = std::exchange(line_, {});
  if (std::exchange(first_line_, false) && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
  if (line.empty()) {
    event_bytes_ = 0;
    if (std::exchange(has_data_, false)) on_event(event_);
    event_.type = "message";
    event_.data.clear();
    return;
  }
  const size_t colon = line.find(':');
  const std::string field = line.substr(0, colon);
  std::string value = colon == std::string::npos ? "" : line.substr(colon + 1);
  if (value.starts_with(' ')) value.erase(0, 1);
  if (field == "data") {
    if (std::exchange(has_data_, true)) event_.data += '\n';
    event_.data += value;
  } else if (field == "event") {
    event_.type = value.empty() ? "message" : value;
  } else if (field == "id" && value.find('\0') == std::string::npos) {
    event_.id = value;
  }
}

}  // namespace sotto
