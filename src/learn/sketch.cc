#include "learn/sketch.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "text/normalise.h"

namespace sotto {
namespace {

std::string Words(std::string_view identifier) {
  std::string words(identifier);
  std::replace(words.begin(), words.end(), '_', ' ');
  return NormaliseSpoken(words);
}

bool IsPreposition(std::string_view word) {
  static constexpr std::array<std::string_view, 14> kPrepositions = {
      "from", "to", "in", "at", "on", "for", "with", "of", "into", "until", "by", "after", "before", "about"};
  return std::find(kPrepositions.begin(), kPrepositions.end(), word) != kPrepositions.end();
}

// How a slot is put into a sentence: "from {from_account}", "{card_type} card", "for {amount}".
std::vector<std::string> SlotClauses(const ToolDef& tool, const Slot& slot) {
  const std::string words = Words(slot.name);
  const std::vector<std::string_view> parts = SplitWords(words);
  const std::string hole = "{" + slot.name + "}";
  std::vector<std::string> clauses;
  if (!parts.empty() && IsPreposition(parts.front())) {
    clauses.push_back(fmt::format("{} {}", parts.front(), hole));
    if (parts.size() > 1)
      clauses.push_back(
          fmt::format("{} the {} {}", parts.front(), hole, words.substr(parts.front().size() + 1)));
    return clauses;
  }
  switch (slot.entity.type) {
    case Entity::Type::kMoney:
      clauses = {"for " + hole, "of " + hole, hole};
      break;
    case Entity::Type::kNumber:
      clauses = {hole, "with " + hole, hole + " " + words, "set to " + hole, "to " + hole};
      break;
    case Entity::Type::kDigits:
      clauses = {"ending in " + hole, "number " + hole, words + " " + hole};
      break;
    case Entity::Type::kDate:
      clauses = {"on " + hole, "for " + hole, hole};
      break;
    case Entity::Type::kText:
    case Entity::Type::kEnum:
      clauses = {"for " + hole, hole, "for the " + hole, "with " + hole};
      break;
  }
  (void)tool;
  return clauses;
}

// "cancel card" -> "cancel (my|the|a) card"; one word stays.
std::string Request(std::string_view name) {
  const std::string words = Words(name);
  const size_t space = words.find(' ');
  if (space == std::string::npos) return words;
  return words.substr(0, space) + " (my|the|a|) " + words.substr(space + 1);
}

// First sentence of a description as something one asks for: "Check the balance of an account".
std::string Described(const std::string& description) {
  std::string first = description.substr(0, description.find_first_of(".,;("));
  first = NormaliseSpoken(first);
  if (const size_t to = first.find(" to be "); to != std::string::npos) first.resize(to);
  const auto words = SplitWords(first);
  return words.size() >= 2 && words.size() <= 9 ? first : std::string();
}

void AddPattern(const std::string& text, std::string_view tool, TurnKind kind, PhraseBook& book,
                size_t& added) {
  auto pattern = Pattern::Parse(text, book.macros());
  if (!pattern) return;
  book.AddPattern(tool, kind, *std::move(pattern));
  ++added;
}

void SketchAsks(const ToolDef& tool, PhraseBook& book, size_t& added) {
  std::vector<std::string> requests = {Request(tool.name)};
  if (!tool.title.empty()) requests.push_back(NormaliseSpoken(tool.title));
  if (std::string described = Described(tool.description); !described.empty()) requests.push_back(described);
  for (const std::string& request : requests) {
    AddPattern("<do>" + request, tool.name, TurnKind::kAsk, book, added);
    for (const Slot& slot : tool.slots) {
      for (const std::string& clause : SlotClauses(tool, slot))
        AddPattern("<do>" + request + " " + clause, tool.name, TurnKind::kAsk, book, added);
      if (slot.entity.type == Entity::Type::kEnum) {
        // "cancel my {card_type} card"
        const size_t space = request.rfind(' ');
        if (space != std::string::npos)
          AddPattern("<do>" + request.substr(0, space) + " {" + slot.name + "}" + request.substr(space),
                     tool.name, TurnKind::kAsk, book, added);
      }
      for (const Slot& other : tool.slots)
        if (&other != &slot)
          AddPattern(fmt::format("<do>{} {} {}", request, SlotClauses(tool, slot).front(),
                                 SlotClauses(tool, other).front()),
                     tool.name, TurnKind::kAsk, book, added);
    }
  }
}

void SketchFills(const ToolDef& tool, PhraseBook& book, size_t& added) {
  for (const Slot& slot : tool.slots) {
    const std::string hole = "{" + slot.name + "}";
    const std::string words = Words(slot.name);
    std::vector<std::string> texts = {"(the |my |)" + words + " (is |) " + hole,
                                      "(it's |it is |make it |that's |)" + hole};
    for (const std::string& clause : SlotClauses(tool, slot)) texts.push_back("(it's |)" + clause);
    for (const Slot& other : tool.slots)
      if (&other != &slot)
        texts.push_back(
            fmt::format("{} {}", SlotClauses(tool, slot).front(), SlotClauses(tool, other).front()));
    for (const std::string& text : texts) AddPattern(text, tool.name, TurnKind::kFill, book, added);
  }
}

}  // namespace

size_t AddSketchedPatterns(const Workflow& workflow, size_t enough, PhraseBook& book) {
  size_t added = 0;
  for (const ToolDef& tool : workflow.tools) {
    if (tool.role == ToolRole::kVerify) SketchFills(tool, book, added);
    if (tool.role != ToolRole::kTask && tool.role != ToolRole::kHandoff) continue;
    if (book.ForTool(tool.name).ask.size() < enough) SketchAsks(tool, book, added);
    if (book.ForTool(tool.name).fill.size() < enough) SketchFills(tool, book, added);
  }
  return added;
}

}  // namespace sotto
