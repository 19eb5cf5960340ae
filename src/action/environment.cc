#include "action/environment.h"

#include <cstdlib>

namespace sotto {

Result<std::string> ExpandEnvironment(std::string text) {
  for (size_t begin = text.find("${"); begin != std::string::npos; begin = text.find("${", begin)) {
    const size_t end = text.find('}', begin);
    if (end == std::string::npos) return MakeError(ErrorCode::kInvalidArgument, "a '${{' without its '}}'");
    const std::string name = text.substr(begin + 2, end - begin - 2);
    const char* value = std::getenv(name.c_str());
    if (value == nullptr)
      return MakeError(ErrorCode::kInvalidArgument, "the environment variable {} is not set", name);
    text.replace(begin, end - begin + 1, value);
    begin += std::string_view(value).size();
  }
  return text;
}

}  // namespace sotto
