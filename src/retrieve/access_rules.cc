#include "retrieve/access_rules.h"

#include <fnmatch.h>

#include <algorithm>

#include "base/mapped_file.h"

namespace sotto {
namespace {

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

template <typename F>
void ForEachPart(std::string_view list, F take) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    take(Trim(list.substr(0, comma)));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

}  // namespace

Result<AccessRules> AccessRules::Read(const std::filesystem::path& path) {
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  return Parse(text, path.string());
}

Result<AccessRules> AccessRules::Parse(std::string_view text, std::string_view source) {
  AccessRules rules;
  int number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = Trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty() || line[0] == '#') continue;
    const size_t colon = line.rfind(':');
    const std::string_view pattern = colon == std::string_view::npos ? "" : Trim(line.substr(0, colon));
    if (pattern.empty())
      return MakeError(ErrorCode::kInvalidArgument, "{}:{}: '{}' should be PATTERN: GROUP, GROUP", source, number, line);
    std::string groups;
    ForEachPart(line.substr(colon + 1), [&](std::string_view group) {
      if (!group.empty()) groups += (groups.empty() ? "" : ",") + std::string(group);
    });
    // No group: nobody but who is in all of none. A name that no group has.
    if (groups.empty()) {
      return MakeError(ErrorCode::kInvalidArgument, "{}:{}: no group after '{}:'; * is everybody", source, number,
                       pattern);
    }
    rules.rules_.emplace_back(pattern, groups == "*" ? "" : groups);
  }
  return rules;
}

std::string AccessRules::GroupsOf(const std::string& name) const {
  for (const auto& [pattern, groups] : rules_)
    if (fnmatch(pattern.c_str(), name.c_str(), 0) == 0) return groups;
  return {};
}

bool MaySee(std::string_view groups, const std::vector<std::string>& mine) {
  if (groups.empty()) return true;
  bool may = false;
  ForEachPart(groups, [&](std::string_view group) {
    may = may || std::find(mine.begin(), mine.end(), group) != mine.end();
  });
  return may;
}

}  // namespace sotto
