// Where the tests of slm find their data: goldens in the tree, reference vectors beside it.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace sotto {

inline std::filesystem::path TestData(const std::string& name) {
  return std::filesystem::path(SOTTO_SOURCE_DIR) / "tests/data/slm" / name;
}

// A file of this process's own; all of them are removed when it ends.
inline std::filesystem::path TempFile(const std::string& name) {
  struct Folder {
    Folder() { std::filesystem::create_directories(path); }
    ~Folder() { std::filesystem::remove_all(path); }
    const std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("sotto_slm_test_" + std::to_string(::getpid()));
  };
  static const Folder folder;
  return folder.path / name;
}

// Empty: not on this machine, skip.
inline std::filesystem::path Refvec() {
  const char* shared = std::getenv("SOTTO_SHARED");
  const std::filesystem::path folder =
      (shared != nullptr ? std::filesystem::path(shared)
                         : std::filesystem::path(SOTTO_SOURCE_DIR) / "../shared") /
      "refvec";
  return std::filesystem::exists(folder) ? folder : std::filesystem::path();
}

}  // namespace sotto

// Leaves the test where the reference vectors are missing.
#define SOTTO_NEEDS_REFVEC()     \
  if (::sotto::Refvec().empty()) \
  GTEST_SKIP() << "no ../shared/refvec (set SOTTO_SHARED to the folder that holds it)"
