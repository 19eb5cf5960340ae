#include "retrieve/index_sources.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "base/mapped_file.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "core/json.h"
#include "document/document.h"

namespace sotto {
namespace {

Result<void> AddRows(const std::filesystem::path& file, std::vector<IndexSource>& sources) {
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  std::set<std::string> seen;
  int number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string here = fmt::format("{}:{}", file.string(), number);
    SOTTO_ASSIGN_OR_RETURN(const Json row, ParseJson(line, here));
    const auto field = [&](const char* key) {
      return row.is_object() && row.contains(key) && row[key].is_string() ? row[key].get<std::string>() : "";
    };
    const std::string id = field("id");
    if (id.empty() || !row.contains("text"))
      return MakeError(ErrorCode::kInvalidArgument, "{}: a row needs \"id\" and \"text\"", here);
    if (!seen.insert(id).second)
      return MakeError(ErrorCode::kInvalidArgument, "{}: a second row of id '{}'", here, id);
    IndexSource source;
    source.name = id;
    const std::string title = field("title");
    source.row = (title.empty() ? "" : "# " + title + "\n\n") + field("text");
    source.size = source.row.size();
    source.hash = Sha256(source.row);
    sources.push_back(std::move(source));
  }
  return {};
}

void AddFile(const std::filesystem::path& file, const std::string& name, std::vector<IndexSource>& sources) {
  struct stat status {};
  if (stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;  // gone since it was listed
  IndexSource source;
  source.name = CleanUtf8(name);
  source.file = file;
  source.size = static_cast<uint64_t>(status.st_size);
  source.changed = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
  sources.push_back(std::move(source));
}

// Where a link leads to, it is still in the folder.
bool LiesIn(const std::filesystem::path& path, const std::filesystem::path& folder) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  const std::filesystem::path within = std::filesystem::canonical(folder, error);
  return !error &&
         std::mismatch(within.begin(), within.end(), real.begin(), real.end()).first == within.end();
}

}  // namespace

Result<std::vector<IndexSource>> FindSources(const std::filesystem::path& from,
                                             const std::filesystem::path& index, size_t* skipped) {
  std::vector<IndexSource> sources;
  std::error_code error;
  *skipped = 0;
  if (std::filesystem::is_regular_file(from, error)) {
    if (from.extension() == ".jsonl") {
      SOTTO_RETURN_IF_ERROR(AddRows(from, sources));
    } else {
      AddFile(from, from.filename().string(), sources);
    }
    return sources;
  }
  if (!std::filesystem::is_directory(from, error))
    return MakeError(ErrorCode::kNotFound, "{}: no such folder or file", from.string());
  auto at = std::filesystem::recursive_directory_iterator(
      from, std::filesystem::directory_options::skip_permission_denied, error);
  if (error) return MakeError(ErrorCode::kIo, "{}: {}", from.string(), error.message());
  while (at != std::filesystem::recursive_directory_iterator()) {
    const std::filesystem::path path = at->path();
    std::error_code ignored;
    const bool hidden = path.filename().string().starts_with('.');
    if (at->is_directory(ignored)) {
      if (hidden || std::filesystem::equivalent(path, index, ignored)) at.disable_recursion_pending();
    } else if (!hidden && at->is_regular_file(ignored)) {
      // Who may put a link here must not read what the index may read.
      if (LooksLikeDocument(path) && (!at->is_symlink(ignored) || LiesIn(path, from))) {
        AddFile(path, path.lexically_relative(from).generic_string(), sources);
      } else {
        ++*skipped;
      }
    }
    at.increment(error);
    if (error) break;  // a folder that went away: the others were listed, or are next time
  }
  std::sort(sources.begin(), sources.end(),
            [](const IndexSource& a, const IndexSource& b) { return a.name < b.name; });
  // Two names that differ only in bytes that are no UTF-8.
  sources.erase(std::unique(sources.begin(), sources.end(),
                            [](const IndexSource& a, const IndexSource& b) { return a.name == b.name; }),
                sources.end());
  return sources;
}

}  // namespace sotto
