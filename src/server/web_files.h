// The page: the files of web/, compiled in. Static storage.
#pragma once

#include <string_view>

namespace sotto {

struct WebFile {
  std::string_view path;  // "/app.js"
  std::string_view type;  // "text/javascript; charset=utf-8"
  std::string_view bytes;
};

// Null: there is none. "/" is /index.html.
const WebFile* FindWebFile(std::string_view path);

}  // namespace sotto
