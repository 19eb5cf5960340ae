// "Did you mean": the known name nearest to a mistyped one.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace sotto {

// The nearest candidate, letters big or small, or "" where none is near: at most a third of the longer name
// differs, or one is the beginning of the other.
std::string ClosestName(std::string_view name, const std::vector<std::string>& candidates);

// "did you mean 'amount'?", or "one of a, b, c" where nothing is near; "" without candidates.
std::string Suggestion(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace sotto
