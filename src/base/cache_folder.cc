#include "base/cache_folder.h"

#include <cstdlib>

namespace sotto {

std::filesystem::path CacheFolder() {
  if (const char* own = std::getenv("SOTTO_CACHE"); own != nullptr && *own != 0) return own;
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg != nullptr && *xdg != 0) {
    return std::filesystem::path(xdg) / "sotto";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != 0) {
    return std::filesystem::path(home) / ".cache" / "sotto";
  }
  return std::filesystem::temp_directory_path() / "sotto-cache";
}

}  // namespace sotto
