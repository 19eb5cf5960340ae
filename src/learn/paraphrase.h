// Other words for a plain sentence: its beginning ("i need to", "can you") becomes any beginning, and common
// verbs and nouns become any of their like (`synonyms` of the general book). For patterns that come from
// seeds and examples, which somebody wrote in one wording only.
#pragma once

#include <string>
#include <string_view>

#include "learn/phrase_book.h"

namespace sotto {

// `text` in the notation of learn/pattern.h, as a pattern that also says it otherwise. Patterns that have
// alternatives of their own come back unchanged. `request`: it asks for something, so beginnings may change.
std::string Paraphrase(const PhraseBook& book, std::string_view text, bool request);

}  // namespace sotto
