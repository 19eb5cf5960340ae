#include "action/caller_fields.h"

#include <array>

namespace sotto {
namespace {

struct Field {
  const char* parameter;
  const char* header;
  std::string Caller::*value;
};

constexpr std::array<Field, 5> kFields{{
    {"caller_customer", "Sotto-Caller-Customer", &Caller::customer},
    {"caller_verified_by", "Sotto-Caller-Verified-By", &Caller::verified_by},
    {"caller_verified_at", "Sotto-Caller-Verified-At", &Caller::verified_at},
    {"caller_channel", "Sotto-Caller-Channel", &Caller::channel},
    {"caller_address", "Sotto-Caller-Address", &Caller::address},
}};

std::string HeaderValue(const std::string& text) {
  std::string value;
  for (const char c : text) {
    if (c > ' ' && c < 127 && c != '%') {
      value += c;
    } else {
      value += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return value;
}

}  // namespace

Json WithCaller(Json arguments, const Caller& caller) {
  if (!arguments.is_object()) arguments = Json::object();
  for (const Field& field : kFields) {
    const std::string& value = caller.*field.value;
    arguments[field.parameter] = value.empty() ? Json() : Json(value);
  }
  return arguments;
}

std::vector<std::pair<std::string, std::string>> CallerHeaders(const Caller& caller) {
  std::vector<std::pair<std::string, std::string>> headers;
  for (const Field& field : kFields) {
    const std::string& value = caller.*field.value;
    if (!value.empty()) headers.emplace_back(field.header, HeaderValue(value));
  }
  return headers;
}

}  // namespace sotto
