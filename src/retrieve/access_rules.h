// Which groups may see which documents: lines "PATTERN: GROUP, GROUP" (retrieve/index_builder.h).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace sotto {

class AccessRules {
 public:
  // Errors name file and line.
  static Result<AccessRules> Read(const std::filesystem::path& path);
  static Result<AccessRules> Parse(std::string_view text, std::string_view source);

  // "staff,audit"; "": everybody.
  std::string GroupsOf(const std::string& name) const;

 private:
  std::vector<std::pair<std::string, std::string>> rules_;
};

// Whether somebody of `mine` may see what is for `groups`.
bool MaySee(std::string_view groups, const std::vector<std::string>& mine);

}  // namespace sotto
