// Words that only one task's requests have ("gigs", "roaming"), and short requests made of them: "about my
// gigs", "roaming please". People who never saw the seeds use such a word in a sentence of their own; a model
// that has only seen it in the seeds' sentences does not trust it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "learn/delexicalise.h"
#include "learn/phrase_book.h"

namespace sotto {

// Per tool, in alphabetical order. A word counts for a tool if at least four of five requests with it are the
// tool's.
std::map<std::string, std::vector<std::string>> Keywords(const PhraseBook& book,
                                                         const std::vector<SeedPattern>& requests);

// Adds requests made of the keywords to every task that has fewer than `enough` patterns. How many were
// added.
size_t AddKeywordPatterns(const Workflow& workflow, const std::vector<SeedPattern>& requests, size_t enough,
                          PhraseBook& book);

}  // namespace sotto
