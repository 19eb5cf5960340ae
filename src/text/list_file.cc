#include "text/list_file.h"

#include <algorithm>
#include <string>

namespace sotto {
namespace {

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// "[name]"; a line may also begin with a bracket of its own: "[please] do".
bool IsSection(std::string_view line) {
  return line.size() > 2 && line.front() == '[' && line.back() == ']' &&
         line.find_first_of("[(|", 1) == std::string_view::npos;
}

}  // namespace

Result<void> ReadListFile(std::string_view text, std::string_view source, const ListFileReader& reader) {
  bool in_section = false;
  int number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = Trimmed(text.substr(begin, end - begin));
    begin = end + 1;
    ++number;
    if (line.empty() || line.front() == '#') continue;
    const bool section = IsSection(line);
    Result<void> read;
    if (section) {
      read = reader.section(line.substr(1, line.size() - 2));
    } else if (in_section) {
      read = reader.line(line);
    } else {
      read = MakeError(ErrorCode::kCorrupt, "a phrase before the first [section]");
    }
    if (!read) return WithContext(read.error(), fmt::format("{}:{}", source, number));
    in_section = in_section || section;
  }
  return {};
}

}  // namespace sotto
