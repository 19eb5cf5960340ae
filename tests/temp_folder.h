// A folder of this test's own, removed with everything in it when the object goes. Unique, so that tests may
// run side by side (ctest -j starts every test as a process of its own).
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

#include "base/check.h"

namespace sotto {

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sotto-test-XXXXXX").string();
    const char* made = mkdtemp(pattern.data());
    SOTTO_CHECK(made != nullptr, "cannot make {}", pattern);
    path_ = made;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace sotto
