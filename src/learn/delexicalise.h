// Patterns out of seed conversations: the words that carry values become holes, so that "200 dollars from
// checking" teaches "{amount} from {from_account}". What a seed implies without saying it in a listed form
// stays in the words and is marked ("i lost my {card_type} card @reason=lost").
#pragma once

#include <vector>

#include "core/conversation_jsonl.h"
#include "learn/phrase_book.h"

namespace sotto {

struct SeedPattern {
  std::string tool;
  TurnKind kind = TurnKind::kAsk;
  std::string text;  // in the notation of learn/pattern.h
};

// One pattern a turn, where the turn allows one: a single call whose arguments that are new in this turn can
// be found in the words or are enum values.
std::vector<SeedPattern> Delexicalise(const Workflow& workflow, const PhraseBook& book,
                                      const Conversation& conversation);

// Those of all conversations that are not for names only, every one once.
std::vector<SeedPattern> Delexicalise(const Workflow& workflow, const PhraseBook& book,
                                      const std::vector<LabelledConversation>& seeds);

// Adds them to `book`, with other words too (learn/paraphrase.h).
void AddSeedPatterns(const Workflow& workflow, const std::vector<SeedPattern>& patterns, PhraseBook& book);

}  // namespace sotto
