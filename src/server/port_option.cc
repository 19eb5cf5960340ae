#include "server/port_option.h"

#include <charconv>

namespace sotto {

Result<PortOptions> ParsePort(std::string_view text, std::string_view what) {
  PortOptions options;
  std::string_view where = text.substr(0, text.find('='));
  if (where.size() < text.size()) options.workflow = text.substr(where.size() + 1);
  if (const size_t colon = where.rfind(':'); colon != std::string_view::npos) {
    std::string_view address = where.substr(0, colon);
    if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
    options.address = address;
    where = where.substr(colon + 1);
  }
  const auto [end, error] = std::from_chars(where.data(), where.data() + where.size(), options.port);
  if (error != std::errc() || end != where.data() + where.size() || options.address.empty()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: '{}' is no port; right would be 9092, 0.0.0.0:9092 or 9092=banking", what, text);
  }
  return options;
}

}  // namespace sotto
