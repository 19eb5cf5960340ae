// Numbers that are said in a rare way, in figures: "half a grand" -> "500", "a fiver" -> "5 dollars". What a
// specialist reads, so that it need not know every word for a number; docs/formats/specialist.md.
#pragma once

#include <string>
#include <string_view>

namespace sotto {

// The spoken form of `text` (text/normalise.h) with those numbers in figures. Plainly said ones ("two
// hundred", "fifteen ninety nine", "four five three two") stay as they are, and so does what was taken back
// or left open.
std::string WithPlainFigures(std::string_view text);

}  // namespace sotto
