// A folder whose documents are extracted as they come, each at least once and, told apart by its bytes, with one
// result:
//
//   OUT/straight_through/HASH.json, OUT/review/HASH.json, OUT/failed/HASH.json
//   OUT/done.db          which bytes are done, as what
//
// The order is: result on the disk, then the row in done.db, then (where a folder is given) the document is moved
// there. Whatever stops in between is done again and gives the same result in the same place. A document that is
// still being written is taken when its size stands still. One thread; one processor an OUT at a time.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "base/sqlite.h"
#include "document/reader.h"
#include "extract/extractor.h"

namespace sotto {

// What kind of document one is, and how sure that is.
struct DocumentClass {
  std::string label;  // empty: none of those that are known, or not sure enough
  double confidence = 0;
};

struct ProcessOptions {
  DocumentOptions documents;
  std::filesystem::path move;  // where documents go when they are done; empty: they stay
  std::function<void(const std::string& line)> tell = {};
  // Of a document's text; null: all are of one kind. What is of a class goes by its schema in `schemas`; a class without one
  // or no class at all is for a person.
  std::function<DocumentClass(const std::string& text)> classify = {};
  std::map<std::string, ExtractSchema> schemas = {};
};

struct ProcessReport {
  size_t straight_through = 0, review = 0, failed = 0;
  size_t known = 0;  // bytes that were done before
};

class FolderProcessor {
 public:
  static Result<FolderProcessor> Open(const std::filesystem::path& from, const std::filesystem::path& out,
                                      ExtractSchema schema, ProcessOptions options);
  FolderProcessor(FolderProcessor&&) = default;

  // Everything that is there now. Errors: of `out` (a document's own are results).
  Result<ProcessReport> RunOnce();
  // One file. False: it is gone, or is no document.
  Result<bool> Process(const std::filesystem::path& file, ProcessReport& report);

 private:
  FolderProcessor(std::filesystem::path from, std::filesystem::path out, ExtractSchema schema,
                  ProcessOptions options, Database database);
  Result<void> Store(const std::string& hash, const std::string& name, const std::string& status,
                     const Json& json);
  std::string Extract(const Document& document, Json& json) const;
  void Move(const std::filesystem::path& file, const std::string& hash);

  std::filesystem::path from_, out_;
  ExtractSchema schema_;
  ProcessOptions options_;
  Database database_;
  std::unique_ptr<DocumentReader> reader_;
};

}  // namespace sotto
