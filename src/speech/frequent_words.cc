#include "speech/frequent_words.h"

#include <charconv>
#include <vector>

#include "base/check.h"

namespace sotto {

extern const char* const kFrequentEnglishWords;  // made by CMake

std::span<const FrequentWord> FrequentWords() {
  static const std::vector<FrequentWord> words = [] {
    std::vector<FrequentWord> read;
    std::string_view rest = kFrequentEnglishWords;
    while (!rest.empty()) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      const size_t space = line.find(' ');
      if (space == std::string_view::npos) continue;
      int count = 0;
      const std::string_view number = line.substr(space + 1);
      const auto parsed = std::from_chars(number.data(), number.data() + number.size(), count);
      SOTTO_CHECK(parsed.ec == std::errc() && count > 0, "frequent_words.txt: {}", line);
      read.push_back({line.substr(0, space), static_cast<float>(count)});
    }
    return read;
  }();
  return words;
}

}  // namespace sotto
