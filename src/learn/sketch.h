// Patterns made from nothing but a tool's names and descriptions, for workflows that come with hardly any
// words of their own: "cancel_card(card_type)" gives "<do>cancel my card", "cancel the {card_type} card", and
// for answers "the card type is {card_type}", "{card_type}". Weaker than what people write, better than
// silence.
#pragma once

#include "learn/phrase_book.h"

namespace sotto {

// Adds to every task with fewer than `enough` patterns of a kind. How many were added.
size_t AddSketchedPatterns(const Workflow& workflow, size_t enough, PhraseBook& book);

}  // namespace sotto
