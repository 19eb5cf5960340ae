#include "learn/sketch.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "text/normalise.h"

namespace sotto {
namespace {

std::string Words(std::string_view identifier) { return NormaliseSpoken(PlainWords(identifier)); }

bool IsPreposition(std::string_view word) {
  static constexpr std::array<std::string_view, 14> kPrepositions = {
      "from", "to", "in", "at", "on", "for", "with", "of", "into", "until", "by", "after", "before", "about"};
  return std::find(kPrepositions.begin(), kPrepositions.end(), word) != kPrepositions.end();
}

std::string AnyLike(std::string_view preposition) {
  if (preposition == "from") return "(from|from|from|out of|outta|off)";
  if (preposition == "to") return "(to|to|to|into|over to|onto)";
  return std::string(preposition);
}

// How a slot is put into a sentence: "from {from_account}", "{card_type} card", "for {amount}".
std::vector<std::string> SlotClauses(const Slot& slot) {
  const std::string words = Words(slot.name);
  const std::vector<std::string_view> parts = SplitWords(words);
  const std::string hole = "{" + slot.name + "}";
  std::vector<std::string> clauses;
  if (!parts.empty() && IsPreposition(parts.front())) {
    const std::string preposition = AnyLike(parts.front());
    clauses.push_back(fmt::format("{}[ my] {}", preposition, hole));
    if (parts.size() > 1)
      clauses.push_back(
          fmt::format("{} (the|my) {} {}", preposition, hole, words.substr(parts.front().size() + 1)));
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
    case Entity::Type::kTime:
      clauses = {"at " + hole, hole, hole + " if possible"};
      break;
    case Entity::Type::kDuration:
      clauses = {"for " + hole, hole};
      break;
    case Entity::Type::kDateRange:
      clauses = {"for " + hole, hole, "of " + hole};
      break;
    case Entity::Type::kText:
    case Entity::Type::kEnum:
      clauses = {"for " + hole, hole, "for the " + hole, "with " + hole, "it's (the |my |)" + hole};
      break;
  }
  return clauses;
}

// "cancel card" -> "cancel (my|the|a) card"; one word stays, and so does "speak to human".
std::string Request(std::string_view name) {
  std::string words = Words(name);
  const size_t space = words.find(' ');
  if (space == std::string::npos || IsPreposition(FirstWord(words.substr(space + 1)))) return words;
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

// What somebody wrote, and a value it does not have said after it: "my connection is dead it's the
// {service}".
void AddLateValues(const ToolDef& tool, PhraseBook& book, size_t& added) {
  const std::vector<Pattern> written = book.ForTool(tool.name).ask;
  size_t next = 0;  // each clause in turn
  for (const Pattern& pattern : written) {
    for (const Slot& slot : tool.slots) {
      const auto& slots = pattern.slots();
      const bool said = std::find(slots.begin(), slots.end(), slot.name) != slots.end() ||
                        pattern.source().find("@" + slot.name + "=") != std::string::npos;
      if (said) continue;
      const std::vector<std::string> clauses = SlotClauses(slot);
      AddPattern(pattern.source() + " " + clauses[next++ % clauses.size()], tool.name, TurnKind::kAsk, book,
                 added);
    }
  }
}

// What a tool's name is about besides its verb, if no other task is about it too: "roaming" of set_roaming.
std::string OwnNoun(const Workflow& workflow, const ToolDef& tool) {
  const auto noun = [](const ToolDef& of) {
    const std::string words = Words(of.name);
    const size_t space = words.find(' ');
    return space == std::string::npos ? std::string() : words.substr(space + 1);
  };
  std::string own = noun(tool);
  for (const ToolDef& other : workflow.tools)
    if (&other != &tool && noun(other) == own) return {};
  return own;
}

void SketchNouns(const Workflow& workflow, const ToolDef& tool, PhraseBook& book, size_t& added) {
  const std::string noun = OwnNoun(workflow, tool);
  if (noun.empty()) return;
  const std::string any = "(my |the |a |)" + noun;
  for (const std::string& text :
       {any + "[ please]", "<get>" + any,
        "(it's |i'm calling |this is |just |)(about|regarding|concerning) " + any,
        "(i have |i've got |)a (question|problem|request) (about|with|regarding) " + any,
        "(something|there's something) (about|with|to do with) " + any})
    AddPattern(text, tool.name, TurnKind::kAsk, book, added);
}

// Whom one is handed over to: "somebody in {department} please".
void SketchHandoff(const ToolDef& tool, PhraseBook& book, size_t& added) {
  for (const Slot& slot : tool.slots) {
    if (slot.entity.type != Entity::Type::kEnum) continue;
    const std::string hole = "{" + slot.name + "}";
    for (const std::string& text :
         {"(<get>|)(someone|somebody|a person|anyone|an agent|the people) (in|from|for|at) " + hole +
              "[ please]",
          "<do>(speak to|talk to|speak with|be connected to|be put through to|get through to) "
          "(someone in |somebody from |)" +
              hole,
          "(put me through|connect me|transfer me|hand me over) to " + hole,
          hole + " (department|team|people|please)"})
      AddPattern(text, tool.name, TurnKind::kAsk, book, added);
  }
}

void SketchAsks(const ToolDef& tool, PhraseBook& book, size_t& added) {
  std::vector<std::string> requests = {Request(tool.name)};
  if (!tool.title.empty()) requests.push_back(NormaliseSpoken(tool.title));
  if (std::string described = Described(tool.description); !described.empty()) requests.push_back(described);
  for (const std::string& request : requests) {
    AddPattern("<do>" + request, tool.name, TurnKind::kAsk, book, added);
    for (const Slot& slot : tool.slots) {
      for (const std::string& clause : SlotClauses(slot))
        AddPattern(fmt::format("<do>{} {}", request, clause), tool.name, TurnKind::kAsk, book, added);
      if (slot.entity.type == Entity::Type::kEnum) {
        // "cancel my {card_type} card"
        const size_t space = request.rfind(' ');
        if (space != std::string::npos)
          AddPattern("<do>" + request.substr(0, space) + " {" + slot.name + "}" + request.substr(space),
                     tool.name, TurnKind::kAsk, book, added);
      }
      for (const Slot& other : tool.slots)
        if (&other != &slot)
          AddPattern(
              fmt::format("<do>{} {} {}", request, SlotClauses(slot).front(), SlotClauses(other).front()),
              tool.name, TurnKind::kAsk, book, added);
    }
  }
}

void SketchFills(const ToolDef& tool, PhraseBook& book, size_t& added) {
  for (const Slot& slot : tool.slots) {
    const std::string hole = "{" + slot.name + "}";
    const std::string words = Words(slot.name);
    std::vector<std::string> texts = {fmt::format("(the |my |){} (is |) {}", words, hole),
                                      "(it's |it is |make it |that's |)" + hole};
    for (const std::string& clause : SlotClauses(slot)) texts.push_back(fmt::format("(it's |){}", clause));
    for (const Slot& other : tool.slots) {
      if (&other == &slot) continue;
      const std::string clause = SlotClauses(other).front();
      texts.push_back(fmt::format("{} {}", SlotClauses(slot).front(), clause));
      if (other.entity_name == slot.entity_name)
        texts.push_back(fmt::format("{} {}", hole, clause));  // "savings to checking"
    }
    for (const std::string& text : texts) AddPattern(text, tool.name, TurnKind::kFill, book, added);
  }
}

// The same once more: "what about my {account}".
void SketchAgain(const ToolDef& tool, PhraseBook& book, size_t& added) {
  for (const Slot& slot : tool.slots) {
    if (slot.entity.type == Entity::Type::kText) continue;
    const std::string hole = "{" + slot.name + "}";
    for (const std::string& text :
         {"(and|and also|what about|how about|and what about|and how about|now|also|and then|then) "
          "[(my|the|for|for the|in) ]" +
              hole + "[ (too|as well|one|please)]",
          "[and ](same|the same|same thing|the same thing|same again) (for|with) [(my|the) ]" + hole,
          "(and|now|also) the " + hole + " (one|side of things|part)",
          "(and|now|also) " + SlotClauses(slot).front()})
      AddPattern(text, tool.name, TurnKind::kAgain, book, added);
  }
}

// Refers back to what was just done: "and activate it".
void SketchNext(const ToolDef& tool, PhraseBook& book, size_t& added) {
  const std::string name = Words(tool.name);
  const std::string verb(FirstWord(name));
  if (!book.IsVerb(verb) || verb == name) return;
  for (const std::string& text :
       {"<do>" + verb + " (it|that|that one|this one|them)[ (too|as well|then|for me)]",
        "(and|and also|also|then|now) (<do>|)" + verb +
            " (it|that|that one|this one)[ (too|as well|then|please)]",
        "(and|and also|also|then|now) (<do>|)" + verb + " the " + name.substr(verb.size() + 1) +
            "[ (of|for|on) (it|that|that one|this one)]"})
    AddPattern(text, tool.name, TurnKind::kNext, book, added);
}

}  // namespace

size_t AddSketchedPatterns(const Workflow& workflow, size_t enough, PhraseBook& book) {
  size_t added = 0;
  for (const ToolDef& tool : workflow.tools) {
    if (tool.role == ToolRole::kVerify) SketchFills(tool, book, added);
    if (!IsGoal(tool)) continue;
    if (book.ForTool(tool.name).ask.size() < enough) {
      AddLateValues(tool, book, added);
      SketchAsks(tool, book, added);
      SketchNouns(workflow, tool, book, added);
      if (tool.role == ToolRole::kHandoff) SketchHandoff(tool, book, added);
      if (book.ForTool(tool.name).again.empty()) SketchAgain(tool, book, added);
      if (tool.role == ToolRole::kTask && book.ForTool(tool.name).next.empty()) SketchNext(tool, book, added);
    }
    if (book.ForTool(tool.name).fill.size() < enough) SketchFills(tool, book, added);
  }
  return added;
}

}  // namespace sotto
