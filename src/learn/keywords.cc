#include "learn/keywords.h"

#include <string_view>

#include "learn/own_words.h"
#include "learn/paraphrase.h"
#include "text/normalise.h"

namespace sotto {
namespace {

constexpr double kOwnShare = 0.8;

// Around one word.
constexpr const char* kFrames[] = {
    "[(the|my) ]%[ please]",
    "(it's about|about|regarding|i'm calling about|something about|it's to do with) [(my|the|this|that) ]%",
    "(i have a question about|i've got a problem with) [(my|the|this|that) ]%",
    "<do>(sort out|deal with|look into|ask about|talk about|get|see|change|check|use) [(my|the|some|a) ]%",
    "<tell>about [(the|my) ]%",
};

// "arrived", "flying", "really": not something one asks about.
bool IsNoNoun(std::string_view word) {
  return word.ends_with("ed") || word.ends_with("ing") || word.ends_with("ly");
}

}  // namespace

std::map<std::string, std::vector<std::string>> Keywords(const PhraseBook& book,
                                                         const std::vector<SeedPattern>& requests) {
  std::map<std::string, std::map<std::string, double>> counts;  // word, tool
  for (const SeedPattern& request : requests) {
    if (request.kind != TurnKind::kAsk) continue;
    for (const std::string& word : ContentWords(request.text))
      if (!book.IsVerb(word) && !IsNoNoun(word)) counts[word][request.tool] += 1;
  }
  std::map<std::string, std::vector<std::string>> keywords;
  for (const auto& [word, tools] : counts) {
    double all = 0;
    for (const auto& [tool, count] : tools) all += count;
    for (const auto& [tool, count] : tools)
      if (count >= kOwnShare * all) keywords[tool].push_back(word);
  }
  return keywords;
}

size_t AddKeywordPatterns(const Workflow& workflow, const std::vector<SeedPattern>& requests, size_t enough,
                          PhraseBook& book) {
  size_t added = 0;
  for (const auto& [name, words] : Keywords(book, requests)) {
    const ToolDef* tool = workflow.FindTool(name);
    if (!IsGoal(*tool)) continue;
    if (book.ForTool(name).ask.size() >= enough) continue;
    std::string any = "(";
    for (const std::string& word : words) any += WithSynonyms(book, word) + "|";
    any.back() = ')';
    for (std::string frame : kFrames) {
      auto pattern = Pattern::Parse(frame.replace(frame.find('%'), 1, any), book.macros());
      if (!pattern) continue;
      book.AddPattern(name, TurnKind::kAsk, *std::move(pattern));
      ++added;
    }
  }
  return added;
}

}  // namespace sotto
