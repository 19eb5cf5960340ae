// A whole file, mapped read-only. The bytes live as long as the object; move keeps the address.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "base/error.h"

namespace sotto {

class MappedFile {
 public:
  static Result<MappedFile> Open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), size_bytes_}; }
  const std::string& path() const { return path_; }

 private:
  MappedFile() = default;

  void* data_ = nullptr;
  size_t size_bytes_ = 0;
  std::string path_;
};

// The whole file as text.
Result<std::string> ReadFile(const std::filesystem::path& path);

// Writes to a temporary name beside `path`, syncs, then renames: readers see the old or the new file, never
// half.
Result<void> WriteFileAtomically(const std::filesystem::path& path, std::string_view contents);

}  // namespace sotto
