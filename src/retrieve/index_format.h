// An index as it lies on the disk (docs/formats/index.md). Internal to the layer.
//
//   INDEX/current         the name of the generation that is in use, one line; replaced at once
//   INDEX/lock            held while somebody builds
//   INDEX/g-000003/       one generation: never changed once `current` names it
//     index.db            SQLite: documents, passages, terms with their postings and vectors
//     vectors.faiss       the passages' vectors, in the order of their ordinals
//
// A passage's ordinal is its id - 1: ids begin at 1 and have no gaps.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/sqlite.h"

namespace sotto {

inline constexpr int kIndexFormat = 1;
inline constexpr size_t kSpaceSize = 256;         // of the vectors
inline constexpr const char* kSpaceId = "lsa-1";  // how they are made; with the size: "lsa-1/256"
inline constexpr int kTitleWeight = 2;            // of a term in the title or a heading above, in occurrences

// One passage that has a term. `title`: in the document's title and the headings above the passage.
struct Posting {
  uint32_t chunk = 0;
  uint16_t body = 0;
  uint16_t title = 0;
  float Weighted() const { return static_cast<float>(body) + static_cast<float>(kTitleWeight * title); }
};
static_assert(sizeof(Posting) == 8);

// Plain little-endian arrays as blobs.
template <typename T>
std::string_view AsBytes(std::span<const T> values) {
  if (values.empty()) return "";  // not a null pointer, which would be NULL
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}
template <typename T>
std::vector<T> FromBytes(std::string_view bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

inline constexpr const char* kIndexSchema = R"sql(
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE documents (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,      -- the path below the folder, or the row's id
  hash TEXT NOT NULL,             -- SHA-256 of its bytes
  size INTEGER NOT NULL,
  changed INTEGER NOT NULL,       -- of the file, nanoseconds; 0: a row
  title TEXT NOT NULL,
  media_type TEXT NOT NULL,
  pages INTEGER NOT NULL,
  groups TEXT NOT NULL            -- who may see it: names with ',' between; '': everybody
) STRICT;
CREATE TABLE chunks (
  id INTEGER PRIMARY KEY,
  document INTEGER NOT NULL REFERENCES documents(id),
  begin INTEGER NOT NULL,         -- in the document's text, bytes
  page INTEGER NOT NULL,
  headings TEXT NOT NULL,         -- JSON: paths
  units TEXT NOT NULL,            -- JSON: [begin, length, page, path, kind] each, begin within the passage
  text TEXT NOT NULL
) STRICT;
CREATE TABLE terms (
  term TEXT PRIMARY KEY,
  postings ANY NOT NULL,          -- Posting, ascending
  vector ANY NOT NULL             -- floats; empty: the space does not know it
) STRICT;
)sql";

// The folder of the generation in use. kNotFound: no index there.
Result<std::filesystem::path> CurrentGeneration(const std::filesystem::path& index);
Result<std::string> ReadMeta(Database& database, std::string_view key);
Result<void> WriteMeta(Database& database, std::string_view key, std::string_view value);

// How rare a term is that `n` of `of` passages have (BM25's, never negative).
double Idf(size_t n, size_t of);

}  // namespace sotto
