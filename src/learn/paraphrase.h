// Other words for a plain sentence: its beginning ("i need to", "can you") becomes any beginning, and common
// words become any of their like (the thesaurus). For patterns that come from
// seeds and examples, which somebody wrote in one wording only.
#pragma once

#include <string>
#include <string_view>

#include "learn/phrase_book.h"

namespace sotto {

// What somebody said about `tool`, in the notation of learn/pattern.h, as a pattern that also says it
// otherwise. Unchanged: patterns that have alternatives of their own, and greetings, thanks and the like,
// which are not put together of words ("decent afternoon").
std::string Paraphrase(const PhraseBook& book, const ToolDef& tool, TurnKind kind, std::string_view text);

// Everyday words of `text` or others for them.
std::string WithSynonyms(const PhraseBook& book, const std::string& text);

}  // namespace sotto
