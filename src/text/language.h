// The language of a text (cld2). Short texts are guesses: callers ask for `reliable`.
#pragma once

#include <string>
#include <string_view>

namespace sotto {

struct Language {
  std::string code = "un";  // ISO 639-1, "un": not known
  int percent = 0;          // of the text that is in it
  bool reliable = false;
};

// Any thread. Empty text: "un".
Language DetectLanguage(std::string_view text);

}  // namespace sotto
