// Reads documents in a process of its own: the parsers of other people's bytes (poppler, tesseract, libxml2, libzip,
// GMime) may crash, hang or eat memory, and then a file is lost and nothing else. The process is forked at the first
// file, reads one after the other, and is killed and forked anew when a file takes it beyond its limits of time or
// memory.
//
// One thread at a time; several readers work side by side. Fork without exec: the process runs only code of this
// layer, and takes no lock that another thread of ours may hold but malloc's, which glibc keeps whole.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "document/document.h"

namespace sotto {

class DocumentReader {
 public:
  explicit DocumentReader(DocumentOptions options) : options_(std::move(options)) {}
  ~DocumentReader() { Stop(); }
  DocumentReader(const DocumentReader&) = delete;
  DocumentReader& operator=(const DocumentReader&) = delete;

  // Document::name is `path` as given. Errors name it: those of ParseDocument; kNotFound, kIo; kTimeout (longer than
  // max_seconds), kCorrupt (the parser crashed or ran out of memory).
  Result<Document> Read(const std::filesystem::path& path);

  const DocumentOptions& options() const { return options_; }

 private:
  Result<void> Begin();
  void Stop();

  const DocumentOptions options_;
  pid_t pid_ = -1;
  int socket_ = -1;
};

// The bytes of a file, at most `limit`: kOutOfRange beyond it, kNotFound, kIo. Read, not mapped: a file that is cut or
// removed meanwhile is a short text or an error and no signal.
Result<std::string> ReadDocumentBytes(const std::filesystem::path& path, size_t limit);

}  // namespace sotto
