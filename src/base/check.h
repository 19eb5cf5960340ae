// SOTTO_CHECK(condition) and SOTTO_CHECK(condition, "format {}", value): a bug aborts, in every build, with
// file, line, condition and message on stderr. For what the world can cause, return an Error instead
// (base/error.h).
#pragma once

#include <fmt/format.h>

#include <string>

namespace sotto {

[[noreturn]] void CheckFailed(const char* file, int line, const char* condition, const std::string& message);

}  // namespace sotto

#define SOTTO_CHECK(condition, ...)                                            \
  do {                                                                         \
    if (!(condition)) [[unlikely]]                                             \
      ::sotto::CheckFailed(__FILE_NAME__, __LINE__, #condition,                \
                           std::string(__VA_OPT__(fmt::format(__VA_ARGS__)))); \
  } while (false)
