#include "server/multipart.h"

#include <algorithm>

namespace sotto {
namespace {

constexpr size_t kMostParts = 64;
constexpr size_t kLongestBoundary = 200;

char Small(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

// The value of `key` in "form-data; name=\"file\"; filename=\"a.wav\""; empty: there is none.
std::string Parameter(std::string_view header, std::string_view key) {
  size_t at = 0;
  while ((at = header.find(';', at)) != std::string_view::npos) {
    ++at;
    while (at < header.size() && header[at] == ' ') ++at;
    std::string_view rest = header.substr(at);
    const bool found =
        rest.size() > key.size() && rest[key.size()] == '=' &&
        std::equal(key.begin(), key.end(), rest.begin(), [](char a, char b) { return a == Small(b); });
    if (!found) continue;
    rest.remove_prefix(key.size() + 1);
    if (!rest.starts_with('"')) return std::string(rest.substr(0, rest.find(';')));
    std::string value;
    for (size_t i = 1; i < rest.size() && rest[i] != '"'; ++i) {
      if (rest[i] == '\\' && i + 1 < rest.size()) ++i;
      value += rest[i];
    }
    return value;
  }
  return {};
}

bool HasName(std::string_view line, std::string_view name) {
  return line.size() > name.size() && line[name.size()] == ':' &&
         std::equal(name.begin(), name.end(), line.begin(), [](char a, char b) { return a == Small(b); });
}

Result<FormPart> ReadPart(std::string_view text) {
  const size_t blank = text.find("\r\n\r\n");
  if (blank == std::string_view::npos)
    return MakeError(ErrorCode::kInvalidArgument, "a part of the form has no end of its headers");
  FormPart part;
  part.bytes = text.substr(blank + 4);
  std::string_view head = text.substr(0, blank + 2);
  for (size_t end = 0; (end = head.find("\r\n")) != std::string_view::npos; head.remove_prefix(end + 2)) {
    const std::string_view line = head.substr(0, end);
    if (!HasName(line, "content-disposition")) continue;
    part.name = Parameter(line, "name");
    part.file_name = Parameter(line, "filename");
  }
  if (part.name.empty()) return MakeError(ErrorCode::kInvalidArgument, "a part of the form has no name");
  return part;
}

}  // namespace

Result<std::vector<FormPart>> ParseMultipart(std::string_view content_type, std::string_view body) {
  const std::string boundary = Parameter(content_type, "boundary");
  if (!content_type.starts_with("multipart/form-data") || boundary.empty() ||
      boundary.size() > kLongestBoundary)
    return MakeError(ErrorCode::kInvalidArgument, "the body should be multipart/form-data with a boundary");
  const std::string line = "\r\n--" + boundary;
  // The first boundary has no line before it.
  if (!body.starts_with(std::string_view(line).substr(2)))
    return MakeError(ErrorCode::kInvalidArgument, "the form does not begin with its boundary");
  body.remove_prefix(line.size() - 2);
  std::vector<FormPart> parts;
  while (!body.starts_with("--")) {
    const size_t end = body.find(line);
    if (!body.starts_with("\r\n") || end == std::string_view::npos)
      return MakeError(ErrorCode::kInvalidArgument, "the form does not end with its boundary");
    if (parts.size() == kMostParts)
      return MakeError(ErrorCode::kInvalidArgument, "the form has more than {} parts", kMostParts);
    SOTTO_ASSIGN_OR_RETURN(FormPart part, ReadPart(body.substr(2, end - std::min<size_t>(end, 2))));
    parts.push_back(std::move(part));
    body.remove_prefix(end + line.size());
  }
  return parts;
}

}  // namespace sotto
