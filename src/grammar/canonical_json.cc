#include <fmt/format.h>

#include <cmath>

#include "grammar/grammar.h"

namespace sotto {
namespace {

void AppendString(const std::string& text, std::string& out) {
  // ensure_ascii off, invalid UTF-8 replaced: the same escapes as byte_nfa.cc spells.
  out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

void AppendNumber(const Json& value, std::string& out) {
  if (value.is_number_integer()) {
    out += value.dump();
    return;
  }
  const double number = value.get<double>();
  if (number == 0) {
    out += '0';
  } else if (number == std::floor(number) && std::abs(number) < 1e15) {
    out += fmt::format("{:.0f}", number);
  } else {
    out += fmt::format("{}", number);
  }
}

void Append(const Json& value, std::string& out) {
  switch (value.type()) {
    case Json::value_t::object: {
      out += '{';
      bool first = true;
      for (const auto& [key, item] : value.items()) {
        if (!first) out += ", ";
        first = false;
        AppendString(key, out);
        out += ": ";
        Append(item, out);
      }
      out += '}';
      return;
    }
    case Json::value_t::array: {
      out += '[';
      for (size_t i = 0; i < value.size(); ++i) {
        if (i > 0) out += ", ";
        Append(value[i], out);
      }
      out += ']';
      return;
    }
    case Json::value_t::string:
      AppendString(value.get_ref<const std::string&>(), out);
      return;
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
    case Json::value_t::number_float:
      AppendNumber(value, out);
      return;
    case Json::value_t::boolean:
      out += value.get<bool>() ? "true" : "false";
      return;
    default:
      out += "null";
  }
}

}  // namespace

std::string CanonicalJson(const Json& value) {
  std::string out;
  Append(value, out);
  return out;
}

}  // namespace sotto
