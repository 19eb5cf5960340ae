// Which values of a closed list somebody named. A value counts as named when the words of one of its forms
// ("current account", "the eu", "italy") stand in what was said, one after the other; where two forms
// overlap, the longer one is meant ("last three months" is not "last month"). A plural or possessive s does
// not matter, nor does a slip of the keyboard in a word of five letters or more, unless the slip is a word of
// its own: "savngs" is savings, "token" is not "taken".
//
// This is what keeps closed lists from being bent: "roaming for australia" names no region, whatever a model
// finds most similar.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "brain/offered_tool.h"

namespace sotto {

// Whether a word is an ordinary word of the language, lower case. May be empty: none is.
using IsWord = std::function<bool(std::string_view)>;

// For each of `listed`: whether it was named in `words` (spoken form, text/normalise.h). Pure; cost: words x
// forms.
std::vector<bool> NamedValues(std::span<const OfferedArgument::Listed> listed,
                              std::span<const std::string_view> words, const IsWord& is_word);

// One word for another: equal, with or without an s, or a slip as above. `form` is what is listed.
bool SameListedWord(std::string_view form, std::string_view heard, const IsWord& is_word);

}  // namespace sotto
