#include "learn/own_words.h"

#include <algorithm>
#include <array>

#include "text/normalise.h"

namespace sotto {
namespace {

// Of four letters and more; shorter words never count.
constexpr std::array<std::string_view, 58> kSmallWords = {
    "about", "after", "also",  "another",   "anything", "asks", "been",  "before", "call",  "caller",
    "calls", "does",  "done",  "from",      "gets",     "give", "goes",  "have",   "into",  "just",
    "know",  "like",  "make",  "many",      "more",     "most", "much",  "only",   "other", "over",
    "same",  "says",  "some",  "something", "take",     "tell", "than",  "that",   "their", "them",
    "then",  "there", "they",  "thing",     "this",     "time", "today", "user",   "wants", "were",
    "what",  "when",  "where", "which",     "will",     "with", "would", "your"};

std::string_view Singular(std::string_view word) {
  return word.size() > 4 && word.ends_with('s') && !word.ends_with("ss") ? word.substr(0, word.size() - 1)
                                                                         : word;
}

void Add(std::string_view text, WordSet& words) {
  std::string plain(text);
  std::replace(plain.begin(), plain.end(), '_', ' ');
  plain = NormaliseSpoken(plain);
  for (const std::string_view word : SplitWords(plain)) {
    const bool small = word.size() < 4 || std::binary_search(kSmallWords.begin(), kSmallWords.end(), word);
    if (!small) words.emplace(Singular(word));
  }
}

}  // namespace

WordSet OwnWords(const Workflow& workflow) {
  WordSet words;
  for (const ToolDef& tool : workflow.tools) {
    if (tool.role != ToolRole::kTask && tool.role != ToolRole::kHandoff) continue;
    for (const std::string& text : {tool.name, tool.title, tool.description}) Add(text, words);
    for (const Slot& slot : tool.slots) {
      Add(slot.name, words);
      for (const EntityValue& value : slot.entity.values) {
        Add(value.spoken, words);
        for (const std::string& synonym : value.synonyms) Add(synonym, words);
      }
    }
  }
  return words;
}

bool HasAnyOf(const WordSet& words, std::string_view spoken) {
  const auto all = SplitWords(spoken);
  return std::any_of(all.begin(), all.end(),
                     [&](std::string_view word) { return words.contains(Singular(word)); });
}

}  // namespace sotto
