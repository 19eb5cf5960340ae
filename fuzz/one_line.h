// What every fuzz target holds an error to: one line.
#pragma once

#include <string>

#include "base/check.h"
#include "base/error.h"

namespace sotto {

template <typename T>
void CheckError(const Result<T>& result) {
  if (!result) SOTTO_CHECK(result.error().message.find('\n') == std::string::npos, "more than one line");
}

}  // namespace sotto
