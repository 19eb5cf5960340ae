#include "slm/chat_template.h"

namespace sotto {
namespace {

void Write(const Json& value, int indent, int depth, std::string& out) {
  const auto line = [&](int at) {
    if (indent > 0) out.append("\n").append(static_cast<size_t>(indent * at), ' ');
  };
  const std::string_view comma = indent > 0 ? "," : ", ";
  if (!value.is_structured() || value.empty()) {
    out += value.dump(-1, ' ', false, Json::error_handler_t::replace);
    return;
  }
  const bool is_object = value.is_object();
  out += is_object ? '{' : '[';
  bool first = true;
  for (const auto& [key, item] : value.items()) {
    if (!first) out += comma;
    first = false;
    line(depth + 1);
    if (is_object) out += Json(key).dump(-1, ' ', false, Json::error_handler_t::replace) + ": ";
    Write(item, indent, depth + 1, out);
  }
  line(depth);
  out += is_object ? '}' : ']';
}

}  // namespace

std::string PythonJson(const Json& value, int indent) {
  std::string out;
  Write(value, indent, 0, out);
  return out;
}

}  // namespace sotto
