#include "base/utc.h"

#include <fmt/chrono.h>

namespace sotto {

std::string UtcStamp(std::chrono::system_clock::time_point time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

}  // namespace sotto
