// Server-sent events (HTML Living Standard, 9.2): reads a text/event-stream as it arrives, in pieces of any
// size.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sotto {

struct SseEvent {
  std::string type = "message";
  std::string data;  // its lines, joined by '\n'
  std::string id;    // the last one of the stream so far
};

// A value; one thread.
class SseParser {
 public:
  // An event (all its lines) of more than `max_event_bytes` is an error.
  explicit SseParser(size_t max_event_bytes = size_t{1} << 20) : max_event_bytes_(max_event_bytes) {}

  // Calls `on_event` for every event that these bytes complete; one that the stream's end cuts off is none.
  // After an error (kOutOfRange) the parser reads no more.
  Result<void> Feed(std::string_view bytes, const std::function<void(const SseEvent&)>& on_event);

 private:
  void TakeLine(const std::function<void(const SseEvent&)>& on_event);

  const size_t max_event_bytes_;
  std::string line_;
  SseEvent event_;
  size_t event_bytes_ = 0;
  bool has_data_ = false;
  bool first_line_ = true;
  bool after_cr_ = false;  // a '\n' that comes next belongs to it
  bool failed_ = false;
};

}  // namespace sotto
