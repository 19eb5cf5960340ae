// A WebSocket's end that keeps what it was sent.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "core/json.h"
#include "server/http.h"

namespace sotto {

struct HeardSender final : WebSocketSender {
  void SendText(std::string text) override { texts.push_back(Json::parse(text)); }
  void SendBinary(std::string bytes) override { binaries.push_back(std::move(bytes)); }
  void Close(uint16_t code, std::string reason) override {
    closed = code;
    why = std::move(reason);
  }
  size_t waiting_bytes() const override { return 0; }

  // Events of this type, in order.
  std::vector<Json> Of(std::string_view type) const {
    std::vector<Json> found;
    std::copy_if(texts.begin(), texts.end(), std::back_inserter(found),
                 [&](const Json& event) { return event.at("type") == type; });
    return found;
  }
  std::vector<std::string> Types() const {
    std::vector<std::string> types;
    for (const Json& event : texts) types.push_back(event.at("type"));
    return types;
  }

  std::vector<Json> texts;
  std::vector<std::string> binaries;
  uint16_t closed = 0;
  std::string why;
};

}  // namespace sotto
