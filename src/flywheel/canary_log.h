// How the calls of a canary ended, on the disk: `calls.db` in the registry's folder, one row a call, only ever
// appended. A server that is started again goes on where it was; `sotto canary status` reads it meanwhile. No
// words and no callers are in it. One thread at a time; several processes.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/sqlite.h"
#include "flywheel/canary.h"

namespace sotto {

class CanaryLog {
 public:
  static Result<std::unique_ptr<CanaryLog>> Open(const std::filesystem::path& folder);

  // All of them, or none. A call that is there already stays as it is.
  Result<void> Append(std::string_view experiment, std::string_view at, std::span<const CanaryCall> calls);
  // In the order in which they ended.
  Result<std::vector<CanaryCall>> Read(std::string_view experiment) const;

 private:
  explicit CanaryLog(Database database) : database_(std::move(database)) {}
  mutable Database database_;
};

}  // namespace sotto
