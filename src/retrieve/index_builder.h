// Makes an index of a folder's documents, or brings one up to date: a file that has not changed is not read again, one
// that is gone leaves the index, what cannot be read costs one line and nothing else. Readers of the index see the
// old one until the new one is complete (retrieve/index_format.h).
//
// A file named *.jsonl is rows: {"id", "text", "title"?}, each a document (Markdown) of its own.
//
// Who may see a document stands in `access`, a file of lines "PATTERN: GROUP, GROUP" (shell patterns of the path
// below the folder; the first that fits counts): for everybody where none fits.
//
// One builder an index at a time, on the thread that calls; documents are read in processes of their own.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "document/document.h"
#include "retrieve/chunk.h"

namespace sotto {

struct IndexOptions {
  DocumentOptions documents;
  ChunkOptions chunks;
  std::string language = "en";   // of the stemmer
  std::filesystem::path access;  // empty: everybody may see everything
  int readers = 2;               // processes
  bool fresh = false;            // read everything, whatever the index has
  std::function<void(std::string_view stage, size_t done, size_t total)> progress = {};
  std::function<void(const std::string& line)> tell = {};  // what could not be read, what was left out
};

struct IndexReport {
  size_t documents = 0;
  size_t chunks = 0;
  size_t added = 0;
  size_t changed = 0;
  size_t unchanged = 0;
  size_t removed = 0;
  size_t failed = 0;     // left out, each told
  size_t terms = 0;
  double read_s = 0;     // reading and cutting
  double learn_s = 0;    // counting terms, vectors
  bool new_space = false;  // vectors were learned anew
};

// Errors: `from` is not there, another build is running (kUnavailable), the disk.
Result<IndexReport> BuildIndex(const std::filesystem::path& from, const std::filesystem::path& index,
                               const IndexOptions& options);

// Empties or removes nothing else than an index: kInvalidArgument where the folder is something else.
Result<void> CheckIndexFolder(const std::filesystem::path& index);

}  // namespace sotto
