// Digit strings as they are dictated: "four five three two", "double seven oh", "45 then 32", "three nines
// and a one". Internal to the text layer; text/spoken_numbers.h is the way in.
#pragma once

#include <vector>

#include "text/number_grammar.h"
#include "text/spoken_numbers.h"

namespace sotto {

// All readings of kind kDigits: whole runs and the pieces of them. `length` as in NumberOptions.
void ReadDictatedDigits(const NumberGrammar& grammar, int length, std::vector<NumberReading>& readings);

}  // namespace sotto
