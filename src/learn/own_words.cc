#include "learn/own_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "text/normalise.h"

namespace sotto {
namespace {

// Of four letters and more; shorter words never count.
constexpr std::array<std::string_view, 180> kSmallWords = {
    "about",     "after",     "again",    "already", "also",       "always",   "another", "anybody",
    "anymore",   "anyone",    "anything", "around",  "asks",       "away",     "back",    "because",
    "been",      "before",    "being",    "better",  "call",       "caller",   "calls",   "cant",
    "come",      "could",     "didnt",    "does",    "done",       "dont",     "down",    "each",
    "else",      "even",      "ever",     "every",   "everything", "find",     "from",    "gets",
    "getting",   "give",      "goes",     "going",   "good",       "great",    "hasnt",   "have",
    "havent",    "hello",     "help",     "here",    "hows",       "into",     "isnt",    "just",
    "keep",      "keeps",     "know",     "last",    "later",      "least",    "left",    "less",
    "like",      "little",    "long",     "look",    "made",       "make",     "many",    "maybe",
    "might",     "mine",      "month",    "more",    "most",       "much",     "must",    "myself",
    "near",      "need",      "needs",    "never",   "next",       "nobody",   "none",    "nothing",
    "often",     "once",      "ones",     "only",    "other",      "over",     "please",  "quite",
    "rather",    "really",    "right",    "said",    "same",       "saying",   "says",    "seem",
    "seems",     "should",    "show",     "since",   "some",       "somebody", "someone", "something",
    "somewhere", "soon",      "still",    "such",    "sure",       "take",     "tell",    "than",
    "thank",     "thanks",    "that",     "thats",   "their",      "them",     "then",    "there",
    "theres",    "these",     "they",     "theyre",  "thing",      "think",    "this",    "those",
    "though",    "through",   "time",     "today",   "tomorrow",   "tonight",  "took",    "tried",
    "trying",    "under",     "until",    "used",    "user",       "very",     "want",    "wanted",
    "wants",     "wasnt",     "week",     "well",    "went",       "were",     "werent",  "what",
    "whats",     "when",      "where",    "wheres",  "which",      "while",    "whole",   "whos",
    "will",      "with",      "within",   "without", "wont",       "would",    "wrong",   "year",
    "years",     "yesterday", "your",     "youre"};

std::string_view Singular(std::string_view word) {
  return word.size() > 4 && word.ends_with('s') && !word.ends_with("ss") ? word.substr(0, word.size() - 1)
                                                                         : word;
}

bool IsSmall(std::string_view word) {
  return word.size() < 4 || std::binary_search(kSmallWords.begin(), kSmallWords.end(), word);
}

void Add(std::string_view text, WordSet& words) {
  for (const std::string& word : ContentWords(NormaliseSpoken(PlainWords(text))))
    words.emplace(Singular(word));
}

}  // namespace

WordSet OwnWords(const Workflow& workflow) {
  WordSet words;
  for (const ToolDef& tool : workflow.tools) {
    if (!IsGoal(tool)) continue;
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

WordSet ContentWords(std::string_view text) {
  WordSet words;
  for (const std::string_view word : SplitWords(text))
    if (!IsSmall(word) && word.find_first_of("{}@=") == std::string_view::npos) words.emplace(word);
  return words;
}

std::vector<std::string> ListedForms(const EntityValue& value) {
  std::vector<std::string> forms{PlainWords(value.value), value.spoken};
  forms.insert(forms.end(), value.synonyms.begin(), value.synonyms.end());
  return forms;
}

bool HasWords(std::string_view spoken, std::string_view words) {
  return fmt::format(" {} ", spoken).find(fmt::format(" {} ", words)) != std::string::npos;
}

bool HasAnyOf(const WordSet& words, std::string_view spoken) {
  const auto all = SplitWords(spoken);
  return std::any_of(all.begin(), all.end(),
                     [&](std::string_view word) { return words.contains(Singular(word)); });
}

}  // namespace sotto
