#include "cli/text_input.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/utf8.h"

namespace sotto {

std::string CleanText(std::string text, std::string_view source) {
  size_t n_replaced = 0;
  std::string clean = CleanUtf8(text, &n_replaced);
  if (n_replaced > 0) {
    fmt::print(stderr, "sotto: {}: {} not UTF-8, replaced\n", source,
               n_replaced == 1 ? "a byte that is" : fmt::format("{} bytes that are", n_replaced));
  }
  return clean;
}

bool NextLine(std::istream& stream, std::string_view source, int& line_number, std::string& line) {
  if (!std::getline(stream, line)) return false;
  ++line_number;
  line = CleanText(std::move(line), fmt::format("{}, line {}", source, line_number));
  return true;
}

}  // namespace sotto
