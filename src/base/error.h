// Errors of the world (file, network, device, deadline, bad input) and the Result that carries them.
//
// A Result<T> is either a T or an Error: a code for programs and one line for people that names the culprit
// (path, line, key, value) and what would be right. Bugs are not errors: they abort (base/check.h). Domain
// outcomes (not understood, escalate, declined) are alternatives of a variant, never an Error.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace sotto {

enum class ErrorCode {
  kInvalidArgument,  // the caller's input is wrong (CLI exit code 2)
  kNotFound,         // file, key, tool, device not there
  kCorrupt,          // data violates its format
  kUnsupported,      // well-formed, but not something this build can do
  kOutOfRange,       // id, position or length beyond its limit
  kIo,               // read, write, socket failed
  kTimeout,          // deadline passed
  kUnavailable,      // busy, locked, down: may work later
  kCancelled,        // the caller no longer wants it
};

// "invalid argument", "not found", ...: static storage.
std::string_view ErrorCodeName(ErrorCode code);

struct Error {
  ErrorCode code;
  std::string message;  // one line, no trailing full stop
};

template <typename T>
using Result = tl::expected<T, Error>;

// return MakeError(ErrorCode::kNotFound, "no tool '{}' in {}", name, path);
template <typename... Args>
tl::unexpected<Error> MakeError(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(Error{code, fmt::format(format, std::forward<Args>(args)...)});
}

// The same error with "context: " before its message.
tl::unexpected<Error> WithContext(Error error, std::string_view context);

}  // namespace sotto

#define SOTTO_CONCAT_INNER(a, b) a##b
#define SOTTO_CONCAT(a, b) SOTTO_CONCAT_INNER(a, b)

// SOTTO_RETURN_IF_ERROR(Save(path)); leaves the function with the error, if there is one.
#define SOTTO_RETURN_IF_ERROR(expression)                                     \
  do {                                                                        \
    if (auto sotto_result = (expression); !sotto_result) {                    \
      return tl::unexpected<::sotto::Error>(std::move(sotto_result).error()); \
    }                                                                         \
  } while (false)

// SOTTO_ASSIGN_OR_RETURN(auto model, Model::Load(path));
#define SOTTO_ASSIGN_OR_RETURN(declaration, expression) \
  SOTTO_ASSIGN_OR_RETURN_INNER(SOTTO_CONCAT(sotto_result_, __LINE__), declaration, expression)
#define SOTTO_ASSIGN_OR_RETURN_INNER(result, declaration, expression)            \
  auto result = (expression);                                                    \
  if (!result) return tl::unexpected<::sotto::Error>(std::move(result).error()); \
  declaration = std::move(*result)
