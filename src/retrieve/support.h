// Whether a text that a model wrote stands in the documents: sentence by sentence, each against the quotes that it was
// given. A sentence is supported where one quote (with its title and headings) covers most of its terms by how rare
// they are, has every figure and every name in it, and denies as it does; what is not supported is left out.
//
// By words: a paraphrase in wholly other words is taken for unsupported, and a sentence that turns the quote's words
// around is not found out. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "retrieve/answer.h"
#include "retrieve/index.h"

namespace sotto {

struct SupportedSentence {
  std::string text;
  size_t hit = 0;       // of the answer's hits: what supports it
  double coverage = 0;  // of its terms
};

struct CheckedText {
  std::vector<SupportedSentence> supported;
  std::vector<std::string> removed;  // sentences that nothing supports
  std::string text() const;          // the supported ones
};

inline constexpr double kLeastSupport = 0.7;

// `written`: "[1]" and the like in it are left out.
CheckedText CheckSupport(const Index& index, const DocumentAnswer& answer, std::string_view written);

// What a model is asked: the question and the quotes, numbered, and to say nothing else.
std::string GroundedPrompt(const DocumentAnswer& answer);

}  // namespace sotto
