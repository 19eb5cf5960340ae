#include "base/abandoned_files.h"

#include <signal.h>

#include <cerrno>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sotto {
namespace {

// The number that follows the last dot, which is cut off with it.
std::optional<pid_t> CutNumber(std::string_view* name) {
  const size_t dot = name->rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view digits = name->substr(dot + 1);
  pid_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number < 0) return std::nullopt;
  name->remove_suffix(digits.size() + 1);
  return number;
}

// Of whom a temporary file is; nothing: it is none.
std::optional<pid_t> WriterOf(std::string_view name) {
  constexpr std::string_view kEnding = ".tmp";
  if (!name.ends_with(kEnding)) return std::nullopt;
  name.remove_suffix(kEnding.size());
  const auto last = CutNumber(&name);
  const auto before = last ? CutNumber(&name) : std::nullopt;
  if (name.empty()) return std::nullopt;
  return before ? before : last;
}

bool IsGone(pid_t process) { return process > 0 && ::kill(process, 0) != 0 && errno == ESRCH; }

}  // namespace

size_t RemoveAbandonedFiles(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> abandoned;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const auto writer = WriterOf(entry.path().filename().string());
    if (writer && IsGone(*writer) && entry.is_regular_file(error)) abandoned.push_back(entry.path());
  }
  size_t removed = 0;
  for (const std::filesystem::path& path : abandoned) removed += std::filesystem::remove(path, error) ? 1 : 0;
  return removed;
}

}  // namespace sotto
