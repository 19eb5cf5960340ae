#include "core/json.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string>

#include "base/utf8.h"

namespace sotto {
namespace {

// Deeper than any schema or message of a person's making, and shallow enough for whoever walks it
// recursively.
constexpr int kMaxDepth = 500;

// Where the nesting goes beyond kMaxDepth, or npos. Looks at brackets outside of strings only.
size_t FindTooDeep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return i;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return std::string_view::npos;
}

// "source:line:column" of a byte.
std::string Place(std::string_view text, std::string_view source, size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t newline = before.rfind('\n');
  const size_t column = newline == std::string_view::npos ? before.size() + 1 : before.size() - newline;
  return fmt::format("{}:{}:{}", source, line, column);
}

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
  if (const size_t at = FindInvalidUtf8(text); at != std::string_view::npos) {
    return MakeError(ErrorCode::kCorrupt, "{}: byte 0x{:02X} is not UTF-8", Place(text, source, at),
                     static_cast<uint8_t>(text[at]));
  }
  if (const size_t at = FindTooDeep(text); at != std::string_view::npos) {
    return MakeError(ErrorCode::kCorrupt, "{}: JSON nested more than {} deep", Place(text, source, at),
                     kMaxDepth);
  }
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    return MakeError(ErrorCode::kCorrupt, "{}: not valid JSON",
                     Place(text, source, error.byte > 0 ? error.byte - 1 : 0));
  } catch (const nlohmann::json::exception&) {
    return MakeError(ErrorCode::kCorrupt, "{}: a number is too large for JSON here", source);
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
