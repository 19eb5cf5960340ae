// Values of slots: drawing one, and saying it.
#pragma once

#include "brain/said_dates.h"
#include "learn/phrase_book.h"
#include "learn/utterance.h"

namespace sotto {

// A value for `slot` of `tool` that fits what is known (rules of the form `a != b`) and differs from `other`,
// where there is an alternative. kText: a listed value, a name of the phrase book or a made-up one. The
// calendar's values are drawn for the day of the call; REQUIRES (both): day.today where the slot is of such a
// type.
Json DrawValue(const PhraseBook& book, const ToolDef& tool, const Slot& slot, const Json& known,
               const Json& other, const CallDay& day, Random& random);

// One of the ways `value` is said.
SpokenWords SayValue(const PhraseBook& book, const Slot& slot, const Json& value, std::string_view form,
                     const CallDay& day, Random& random);

// A pattern's words; REQUIRES: it names no slots.
std::string SayPlain(const Pattern& pattern, Random& random);

// "Brenlow Valley", "zortex energy": a name nobody has heard, of one to three words.
std::string MadeUpName(Random& random);

}  // namespace sotto
