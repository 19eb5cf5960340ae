#include "server/http.h"

#include <algorithm>

#include "base/utf8.h"

namespace sotto {
namespace {

const std::string* Find(const HttpFields& fields, std::string_view name) {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; });
  return found == fields.end() ? nullptr : &found->second;
}

int HexDigit(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
  return -1;
}

Result<std::string> Decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return MakeError(ErrorCode::kInvalidArgument, "'%' stands without two hexadecimal digits");
      decoded.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      decoded.push_back(plus_is_space && text[i] == '+' ? ' ' : text[i]);
    }
  }
  if (FindInvalidUtf8(decoded) != std::string_view::npos)
    return MakeError(ErrorCode::kInvalidArgument, "the address is no UTF-8");
  if (std::any_of(decoded.begin(), decoded.end(),
                  [](char letter) { return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f; }))
    return MakeError(ErrorCode::kInvalidArgument, "a control character stands in the address");
  return decoded;
}

}  // namespace

const std::string* WebRequest::Header(std::string_view name) const { return Find(headers, name); }
const std::string* WebRequest::Query(std::string_view name) const { return Find(query, name); }

Result<HttpFields> ParseForm(std::string_view text) {
  HttpFields fields;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    SOTTO_ASSIGN_OR_RETURN(std::string name, Decode(pair.substr(0, equals), true));
    std::string value;
    if (equals != std::string_view::npos) {
      SOTTO_ASSIGN_OR_RETURN(value, Decode(pair.substr(equals + 1), true));
    }
    fields.emplace_back(std::move(name), std::move(value));
  }
  return fields;
}

Result<void> ParseTarget(std::string_view target, WebRequest* request) {
  if (target.empty() || target.front() != '/')
    return MakeError(ErrorCode::kInvalidArgument, "the address is no absolute path");
  request->target = target;
  const size_t mark = target.find('?');
  SOTTO_ASSIGN_OR_RETURN(request->path, Decode(target.substr(0, mark), false));
  const std::string steps = request->path + "/";
  if (steps.find("/../") != std::string::npos || steps.find('\\') != std::string::npos)
    return MakeError(ErrorCode::kInvalidArgument, "the address leaves its folder");
  request->query.clear();
  if (mark != std::string_view::npos) {
    SOTTO_ASSIGN_OR_RETURN(request->query, ParseForm(target.substr(mark + 1)));
  }
  return {};
}

}  // namespace sotto
