// Names that one caller is likely to say: what the system of record calls their payees and accounts, and what it has just
// told them. They lean the recognizer towards these words (Recognizer::SetPhrases) and decide nothing. Pure: any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace sotto {

// So many at most: the newest stay.
inline constexpr size_t kMostCallerNames = 300;

// The strings of an action's data, however deep, that can be names: one to five words of letters, at most one of them with
// a digit; no sentences, dates, codes and numbers.
std::vector<std::string> NamesIn(const Json& data);

// `names` with those of `more` that it does not have, upper or lower case. False: nothing is new.
bool AddNames(const std::vector<std::string>& more, std::vector<std::string>* names);

}  // namespace sotto
