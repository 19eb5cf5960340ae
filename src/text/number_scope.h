// Which numbers of a sentence are no amounts of what is asked, by the words around them: names ("unit 5",
// "ending 9920"), what is told beside ("last month it was 60, now it's 74"), and what is no exact number ("up to
// 300", "sixty odd"). Internal to the text layer; the words are a language's data.
#pragma once

#include <span>
#include <vector>

#include "text/spoken_numbers.h"

namespace sotto {

// Sets `unit` of numbers that are names.
void MarkNames(std::span<const NormalisedWord> words, std::vector<NumberReading>& readings);

// Sets `standing`: vague ones are alternatives; those told beside are taken back where another one is left.
void MarkScope(std::span<const NormalisedWord> words, std::vector<NumberReading>& readings);

}  // namespace sotto
