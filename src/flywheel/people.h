// Who may do what to versions and labels. The file `people` in a registry's folder (docs/formats/registry.md): a name
// and its rights a line, "#" begins a comment:
//
//   ana: label, approve
//   ben: label, approve, promote, roll_back
//   model:*: label
//
// Without the file the machine's login that the folder belongs to may do everything, in whosever name, and no other
// login may do anything. The machine's own acts (kMachine) need no right: they need proof (registry.h).
//
// A value; any thread.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sotto {

enum class Right : uint8_t { kLabel, kApprove, kPromote, kRollBack };
inline constexpr size_t kRights = 4;
std::string_view RightName(Right right);  // "roll_back"

class People {
 public:
  // Of `folder`, or its default. kInvalidArgument: "flywheel/people:3: 'promot' is no right; did you mean 'promote'?"
  static Result<People> Of(const std::filesystem::path& folder);
  static Result<People> Parse(std::string_view text, std::string_view source);
  static bool Written(const std::filesystem::path& folder);

  // kInvalidArgument: they may not; the error names who may, and the file.
  Result<void> Check(const std::string& name, Right right) const;
  // What Check rests on, for the act: "people, SHA-256 1f3a...", "the folder is root's".
  const std::string& basis() const { return basis_; }
  std::set<std::string> With(Right right) const;
  const std::string& source() const { return source_; }

 private:
  std::map<std::string, std::set<Right>, std::less<>> rights_;
  std::string source_;  // the file, or where it would lie
  std::string basis_;
  bool everybody_ = false;  // the default, for the folder's owner
  bool written_ = false;
};

// The login that this process runs as: "ana", or "uid 1000".
std::string ProcessLogin();

}  // namespace sotto
