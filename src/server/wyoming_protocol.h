// Wyoming, the protocol of Home Assistant's voice pipelines, as bytes: events of one line of JSON, then as many
// bytes of JSON data and of payload (audio) as the line says. Source: the `wyoming` project's README (OHF-Voice),
// version 1.7. Pure.
//
//   {"type": "audio-chunk", "data": {...}, "data_length": 40, "payload_length": 2048}\n<data><payload>
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "core/json.h"

namespace sotto {

struct WyomingEvent {
  std::string type;
  Json data = Json::object();  // of the line and of the bytes after it, together
  std::string payload = {};
};

// Cuts a stream into events. A value; one thread.
class WyomingReader {
 public:
  static constexpr size_t kMaxLine = size_t{64} << 10;
  static constexpr size_t kMaxData = size_t{1} << 20;
  static constexpr size_t kMaxPayload = size_t{1} << 20;

  void Feed(std::string_view bytes) { waiting_ += bytes; }
  // The next whole event; none: more bytes are needed. kCorrupt, from then on: this is no Wyoming.
  Result<std::optional<WyomingEvent>> Next();

 private:
  struct Head {
    WyomingEvent event;
    size_t data_bytes = 0;
    size_t payload_bytes = 0;
  };
  Result<Head> ReadHead(std::string_view line) const;

  std::string waiting_;
  std::optional<Head> head_;  // whose bytes have not all come
};

std::string WyomingBytes(const WyomingEvent& event);

}  // namespace sotto
