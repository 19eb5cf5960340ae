#include "flywheel/people.h"

#include <fmt/ranges.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "base/mapped_file.h"
#include "base/sha256.h"
#include "workflow/suggest.h"

namespace sotto {
namespace {

constexpr const char* kPeopleFile = "people";
constexpr size_t kMostBytes = 1 << 20;
constexpr size_t kHashShown = 16;
const std::array<std::string, kRights> kRightNames{"label", "approve", "promote", "roll_back"};

std::string LoginOf(uid_t uid) {
  const passwd* entry = ::getpwuid(uid);
  return entry != nullptr && entry->pw_name != nullptr ? entry->pw_name : fmt::format("uid {}", uid);
}

std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

Result<Right> RightFromName(std::string_view name) {
  for (size_t i = 0; i < kRights; ++i)
    if (name == kRightNames[i]) return static_cast<Right>(i);
  return MakeError(ErrorCode::kInvalidArgument, "'{}' is no right; {}", name,
                   Suggestion(name, {kRightNames.begin(), kRightNames.end()}));
}

}  // namespace

std::string ProcessLogin() { return LoginOf(::geteuid()); }

std::string_view RightName(Right right) { return kRightNames[static_cast<size_t>(right)]; }

bool People::Written(const std::filesystem::path& folder) {
  std::error_code error;
  return std::filesystem::exists(folder / kPeopleFile, error);
}

Result<People> People::Of(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kPeopleFile;
  if (Written(folder)) {
    SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
    return Parse(text, path.string());
  }
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0)
    return MakeError(ErrorCode::kNotFound, "{}: not there", folder.string());
  People people;
  people.source_ = path.string();
  people.everybody_ = info.st_uid == ::geteuid();
  people.basis_ = "no file of people; the folder is " + LoginOf(info.st_uid) + "'s";
  return people;
}

Result<People> People::Parse(std::string_view text, std::string_view source) {
  if (text.size() > kMostBytes)
    return MakeError(ErrorCode::kInvalidArgument, "{}: {} bytes; a name and its rights a line", source,
                     text.size());
  People people;
  people.source_ = source;
  people.written_ = true;
  people.basis_ = "people, SHA-256 " + Sha256(text).substr(0, kHashShown);
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    line = Trimmed(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    // The last colon: "model:*: label".
    const size_t colon = line.rfind(':');
    const std::string_view name = colon == std::string_view::npos ? "" : Trimmed(line.substr(0, colon));
    if (name.empty())
      return MakeError(ErrorCode::kInvalidArgument, "{}:{}: should read NAME: right, right", source, number);
    std::set<Right>& rights = people.rights_[std::string(name)];
    std::string_view rest = line.substr(colon + 1);
    while (!Trimmed(rest).empty()) {
      const size_t comma = std::min(rest.find(','), rest.size());
      auto right = RightFromName(Trimmed(rest.substr(0, comma)));
      if (!right)
        return MakeError(ErrorCode::kInvalidArgument, "{}:{}: {}", source, number, right.error().message);
      rights.insert(*right);
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return people;
}

std::set<std::string> People::With(Right right) const {
  std::set<std::string> names;
  for (const auto& [name, rights] : rights_)
    if (rights.contains(right)) names.insert(name);
  return names;
}

Result<void> People::Check(const std::string& name, Right right) const {
  if (!written_) {
    if (everybody_) return {};
    return MakeError(ErrorCode::kInvalidArgument, "'{}' may not {}: {}, and this is {}; {} says who else may",
                     name, RightName(right), basis_, ProcessLogin(), source_);
  }
  const auto found = rights_.find(name);
  if (found != rights_.end() && found->second.contains(right)) return {};
  const std::set<std::string> may = With(right);
  return MakeError(ErrorCode::kInvalidArgument, "'{}' may not {}: {} gives that right to {}", name,
                   RightName(right), source_,
                   may.empty() ? "nobody" : fmt::format("{}", fmt::join(may, ", ")));
}

}  // namespace sotto
