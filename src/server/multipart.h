// multipart/form-data (RFC 7578) as fields: what a form with a file sends. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sotto {

struct FormPart {
  std::string name;
  std::string file_name;  // empty: a plain field
  std::string bytes;
};

// `content_type`: of the request, with its boundary. At most 64 parts. The error says what is wrong.
Result<std::vector<FormPart>> ParseMultipart(std::string_view content_type, std::string_view body);

}  // namespace sotto
