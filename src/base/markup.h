// Text inside HTML and XML. Source: XML 1.0, 2.4.
#pragma once

#include <string>
#include <string_view>

namespace sotto {

// The text as it stands in an element or in an attribute between double quotes: & < > and " as entities.
inline std::string EscapeMarkup(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

}  // namespace sotto
