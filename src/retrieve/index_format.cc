#include "retrieve/index_format.h"

#include <cmath>

#include "base/mapped_file.h"

namespace sotto {

Result<std::filesystem::path> CurrentGeneration(const std::filesystem::path& index) {
  auto name = ReadFile(index / "current");
  if (!name) {
    return MakeError(ErrorCode::kNotFound, "{}: no index there; make one: sotto index build DIR --out {}",
                     index.string(), index.string());
  }
  while (!name->empty() && (name->back() == '\n' || name->back() == '\r')) name->pop_back();
  if (!name->starts_with("g-") || name->find('/') != std::string::npos) {
    return MakeError(ErrorCode::kCorrupt, "{}: '{}' names no generation", (index / "current").string(), *name);
  }
  return index / *name;
}

Result<std::string> ReadMeta(Database& database, std::string_view key) {
  SOTTO_ASSIGN_OR_RETURN(Statement read, database.Prepare("SELECT value FROM meta WHERE key = ?"));
  read.Bind(1, key);
  SOTTO_ASSIGN_OR_RETURN(const bool there, read.Step());
  if (!there) return MakeError(ErrorCode::kCorrupt, "{}: meta lacks '{}'", database.path(), key);
  return read.Text(0);
}

Result<void> WriteMeta(Database& database, std::string_view key, std::string_view value) {
  SOTTO_ASSIGN_OR_RETURN(Statement write, database.Prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)"));
  return write.Bind(1, key).Bind(2, value).Run();
}

double Idf(size_t n, size_t of) {
  const auto with = static_cast<double>(n);
  const auto all = static_cast<double>(of);
  return std::log(1 + (all - with + 0.5) / (with + 0.5));
}

}  // namespace sotto
