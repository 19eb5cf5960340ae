#include "core/json.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string>

namespace sotto {
namespace {

std::string Folded(const std::string& text) {
  std::string folded;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) {
      folded += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return folded;
}

}  // namespace

Result<Json> ParseJson(std::string_view text, std::string_view source) {
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    const size_t end = std::min(error.byte > 0 ? error.byte - 1 : 0, text.size());
    const std::string_view before = text.substr(0, end);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const size_t newline = before.rfind('\n');
    const size_t column = newline == std::string_view::npos ? end + 1 : end - newline;
    return MakeError(ErrorCode::kCorrupt, "{}:{}:{}: not valid JSON", source, line, column);
  }
}

bool SameValue(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) {
    return std::abs(a.get<double>() - b.get<double>()) <= 1e-9 * std::max(1.0, std::abs(a.get<double>()));
  }
  if (a.is_string() && b.is_string())
    return Folded(a.get_ref<const std::string&>()) == Folded(b.get_ref<const std::string&>());
  if (a.is_object() && b.is_object()) {
    return a.size() == b.size() && std::all_of(a.items().begin(), a.items().end(), [&](const auto& item) {
             return b.contains(item.key()) && SameValue(item.value(), b.at(item.key()));
           });
  }
  if (a.is_array() && b.is_array()) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                              [](const Json& x, const Json& y) { return SameValue(x, y); });
  }
  return a == b;
}

}  // namespace sotto
