// What callers say to an assistant in a language, as a recogniser is prepared for it: sentences, and the words
// around values, as spoken (lower case letters and apostrophes). Data: callers.txt of a language's folder
// (docs/formats/language.md). Immutable; any thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sotto {

struct CallerPhrases {
  std::vector<std::string> controls;  // to any assistant, at any time
  std::vector<std::string> yes;
  std::vector<std::string> no;
  std::vector<std::string> before_requests;
  std::vector<std::string> after_requests;
  std::vector<std::string> before_digits;
  std::vector<std::string> before_amounts;
  struct Frame {
    std::string text;   // with {} where a value of a list stands
    std::string thing;  // its last word, where it names one that callers of the workflow must talk about
  };
  std::vector<Frame> choices;
  std::vector<std::string> days;
  std::vector<std::string> times;
  std::vector<std::string> lengths;
  std::vector<std::string> ranges;

  // kCorrupt names the line: an unknown section, a choice without {}.
  static Result<CallerPhrases> Parse(std::string_view text, std::string_view source);
  // Of a language's folder; of a language that is compiled in. Empty where neither has a callers.txt.
  static Result<CallerPhrases> Read(const std::filesystem::path& folder);
  static Result<CallerPhrases> For(std::string_view code);
};

}  // namespace sotto
