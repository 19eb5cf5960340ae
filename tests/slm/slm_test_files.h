// Where the tests of slm find their data: goldens in the tree, reference vectors beside it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "temp_folder.h"

namespace sotto {

inline std::filesystem::path TestData(const std::string& name) {
  return std::filesystem::path(SOTTO_SOURCE_DIR) / "tests/data/slm" / name;
}

// A file of this process's own; all of them are removed when it ends.
inline std::filesystem::path TempFile(const std::string& name) {
  static const TempFolder folder;
  return folder / name;
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
