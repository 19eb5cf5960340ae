#include "learn/delexicalise.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <span>

#include "brain/said_dates.h"
#include "learn/paraphrase.h"
#include "text/dates.h"
#include "text/normalise.h"
#include "text/spoken_numbers.h"

namespace sotto {
namespace {

struct Hole {
  size_t begin = 0;  // words
  size_t end = 0;
  std::string slot;
};

bool Overlaps(const std::vector<Hole>& holes, size_t begin, size_t end) {
  return std::any_of(holes.begin(), holes.end(),
                     [&](const Hole& hole) { return begin < hole.end && hole.begin < end; });
}

std::optional<Hole> FindWords(std::span<const std::string_view> words, const std::string& said,
                              const std::vector<Hole>& taken) {
  const std::string spoken = NormaliseSpoken(said);
  const std::vector<std::string_view> wanted = SplitWords(spoken);
  if (wanted.empty() || wanted.size() > words.size()) return std::nullopt;
  for (size_t i = 0; i + wanted.size() <= words.size(); ++i)
    if (std::equal(wanted.begin(), wanted.end(), words.begin() + static_cast<std::ptrdiff_t>(i)) &&
        !Overlaps(taken, i, i + wanted.size()))
      return Hole{i, i + wanted.size(), {}};
  return std::nullopt;
}

// "dollars" and the like after a number belong to it.
bool IsUnit(std::string_view word) {
  return word == "dollars" || word == "bucks" || word == "dollar" || word == "euros" || word == "pounds";
}

std::optional<Hole> FindNumber(std::span<const std::string_view> words, const Slot& slot, const Json& value,
                               const std::vector<Hole>& taken) {
  const bool digits = slot.entity.type == Entity::Type::kDigits;
  NumberOptions options;
  options.homophones = true;
  if (digits) options.digits_length = slot.entity.length;
  std::optional<Hole> best;
  for (const NumberReading& reading : ReadNumbers(words, options)) {
    const bool same =
        digits ? reading.kind == NumberKind::kDigits && reading.text == value.get<std::string>()
               : reading.kind != NumberKind::kDigits && std::abs(reading.value - value.get<double>()) < 1e-9;
    if (!same || Overlaps(taken, reading.begin, reading.end)) continue;
    if (!best || reading.end - reading.begin > best->end - best->begin)
      best = Hole{reading.begin, reading.end, {}};
  }
  if (best && !digits && best->end < words.size() && IsUnit(words[best->end])) ++best->end;
  return best;
}

// Longest of the ways the enum value is said.
std::optional<Hole> FindEnum(const PhraseBook& book, std::span<const std::string_view> words,
                             const Slot& slot, const std::string& value, const std::vector<Hole>& taken) {
  // What the phrase book says for the value, if it says anything: a hole is filled from there again.
  std::vector<std::string> forms;
  bool in_book = false;
  for (const std::string_view name : {std::string_view(slot.name), std::string_view(slot.entity_name)})
    for (const Pattern& form : book.ValueForms(name, value, {})) {
      in_book = true;
      if (form.source().find_first_of("()[]<>") == std::string::npos) forms.push_back(form.source());
    }
  if (!in_book) {
    forms.push_back(PlainWords(value));
    if (const auto* others = book.ValueWords(slot.name, value))
      forms.insert(forms.end(), others->begin(), others->end());
    for (const EntityValue& listed : slot.entity.values) {
      if (listed.value != value) continue;
      forms.push_back(listed.spoken);
      forms.insert(forms.end(), listed.synonyms.begin(), listed.synonyms.end());
    }
  }
  std::optional<Hole> best;
  for (const std::string& form : forms) {
    const auto found = FindWords(words, form, taken);
    if (found && (!best || found->end - found->begin > best->end - best->begin)) best = found;
  }
  return best;
}

// `text` as it was written: marks between the words decide ("5/5").
std::optional<Hole> FindCalendar(std::span<const std::string_view> words, std::string_view text,
                                 const Slot& slot, const std::string& value, const CallDay& day,
                                 const std::vector<Hole>& taken) {
  for (const SaidValue& said : SaidCalendarValues(slot.entity, text, NormaliseSpokenWords(text), day)) {
    if (said.value == value) return FindWords(words, said.words, taken);
  }
  return std::nullopt;
}

std::optional<Hole> Find(const PhraseBook& book, std::span<const std::string_view> words,
                         std::string_view text, const CallDay& day, const Slot& slot, const Json& value,
                         const std::vector<Hole>& taken) {
  std::optional<Hole> hole;
  switch (slot.entity.type) {
    case Entity::Type::kEnum:
      hole = FindEnum(book, words, slot, ValueText(value), taken);
      break;
    case Entity::Type::kDigits:
      if (value.is_string()) hole = FindNumber(words, slot, value, taken);
      break;
    case Entity::Type::kMoney:
    case Entity::Type::kNumber:
      if (value.is_number()) hole = FindNumber(words, slot, value, taken);
      break;
    case Entity::Type::kText:
      if (value.is_string()) hole = FindWords(words, value.get<std::string>(), taken);
      break;
    case Entity::Type::kDate:
    case Entity::Type::kTime:
    case Entity::Type::kDuration:
    case Entity::Type::kDateRange:
      if (value.is_string()) hole = FindCalendar(words, text, slot, value.get<std::string>(), day, taken);
      break;
  }
  if (hole) hole->slot = slot.name;
  return hole;
}

// Arguments of `call` that this turn said: those that `open` (the same task one turn before) does not have,
// or has otherwise. `changed`: one of them had another value.
Json NewArguments(const ToolCall& call, const Json& open, bool& changed) {
  Json fresh = Json::object();
  for (const auto& [name, value] : call.arguments.items()) {
    if (open.contains(name) && SameValue(open[name], value)) continue;
    changed = changed || open.contains(name);
    fresh[name] = value;
  }
  return fresh;
}

// Value slots that take room first: digits before amounts before names before enums.
int Order(const Slot& slot) {
  switch (slot.entity.type) {
    case Entity::Type::kDigits:
      return 0;
    case Entity::Type::kMoney:
    case Entity::Type::kNumber:
      return 1;
    case Entity::Type::kText:
    case Entity::Type::kDate:
    case Entity::Type::kTime:
    case Entity::Type::kDuration:
    case Entity::Type::kDateRange:
      return 2;
    case Entity::Type::kEnum:
      return 3;
  }
  return 4;
}

// Whether an earlier call had the value, under whatever name ("transfer 200 to checking" after the savings
// balance).
bool IsInherited(const Json& earlier, const Json& value) {
  for (const auto& [name, old] : earlier.items())
    if (SameValue(old, value)) return true;
  return false;
}

struct Located {
  std::vector<Hole> holes;
  std::string implied;   // " @slot=value" ...
  bool missing = false;  // an argument that is neither said nor implied
};

Located Locate(const PhraseBook& book, const ToolDef& tool, std::span<const std::string_view> words,
               std::string_view text, const CallDay& day, const Json& fresh, const Json& inheritable) {
  Located located;
  std::vector<const Slot*> slots;
  for (const auto& [name, value] : fresh.items()) {
    const Slot* slot = tool.FindSlot(name);
    if (slot == nullptr) {
      located.missing = true;
      return located;
    }
    slots.push_back(slot);
  }
  std::stable_sort(slots.begin(), slots.end(),
                   [](const Slot* a, const Slot* b) { return Order(*a) < Order(*b); });
  for (const Slot* slot : slots) {
    const Json& value = fresh[slot->name];
    // Two slots of one entity: the words before tell which ("from checking to savings").
    if (auto hole = Find(book, words, text, day, *slot, value, located.holes)) {
      located.holes.push_back(*std::move(hole));
      continue;
    }
    if (IsInherited(inheritable, value)) continue;
    std::optional<std::string> mark;
    if (slot->entity.type == Entity::Type::kEnum) mark = ImpliedMark(slot->name, ValueText(value));
    if (!mark) {
      located.missing = true;
      return located;
    }
    located.implied += *mark;
  }
  return located;
}

std::string WithHoles(std::span<const std::string_view> words, std::vector<Hole> holes) {
  std::sort(holes.begin(), holes.end(), [](const Hole& a, const Hole& b) { return a.begin < b.begin; });
  std::string text;
  size_t next = 0;
  for (size_t i = 0; i < words.size();) {
    if (!text.empty()) text += ' ';
    if (next < holes.size() && holes[next].begin == i) {
      text += "{" + holes[next].slot + "}";
      i = holes[next].end;
      ++next;
    } else {
      text += words[i++];
    }
  }
  return text;
}

}  // namespace

std::vector<SeedPattern> Delexicalise(const Workflow& workflow, const PhraseBook& book,
                                      const Conversation& conversation) {
  std::vector<SeedPattern> patterns;
  const CallDay day{conversation.today, WritesDayFirst(workflow.language)};
  const ToolDef* open = nullptr;  // the task of the last task turn
  Json arguments = Json::object();
  for (const Turn& turn : conversation.turns) {
    if (turn.calls.size() != 1) {
      open = nullptr;
      continue;
    }
    const ToolCall& call = turn.calls.front();
    const ToolDef* tool = workflow.FindTool(call.name);
    if (tool == nullptr) continue;
    const std::string spoken = NormaliseSpoken(turn.user);
    const std::vector<std::string_view> words = SplitWords(spoken);
    if (words.empty()) continue;
    if (tool->slots.empty()) {
      patterns.push_back({tool->name, TurnKind::kAsk, spoken});
      continue;
    }
    bool changed = false;
    const bool same_task = tool == open;
    const Json fresh = NewArguments(call, same_task ? arguments : Json::object(), changed);
    const Located located =
        Locate(book, *tool, words, turn.user, day, fresh, same_task ? Json::object() : arguments);
    const size_t n_inherited =
        same_task ? 0
                  : fresh.size() - located.holes.size() -
                        static_cast<size_t>(std::count(located.implied.begin(), located.implied.end(), '@'));
    if (!located.missing && !changed && !(same_task && fresh.empty())) {
      const TurnKind kind = same_task ? TurnKind::kFill : n_inherited > 0 ? TurnKind::kNext : TurnKind::kAsk;
      patterns.push_back({tool->name, kind, WithHoles(words, located.holes) + located.implied});
    }
    open = tool;
    arguments = call.arguments;
  }
  return patterns;
}

std::vector<SeedPattern> Delexicalise(const Workflow& workflow, const PhraseBook& book,
                                      const std::vector<LabelledConversation>& seeds) {
  std::set<std::string> seen;
  std::vector<SeedPattern> all;
  for (const LabelledConversation& seed : seeds) {
    if (seed.name_only) continue;
    for (SeedPattern& made : Delexicalise(workflow, book, seed.conversation))
      if (seen.insert(made.tool + "/" + made.text).second) all.push_back(std::move(made));
  }
  return all;
}

void AddSeedPatterns(const Workflow& workflow, const std::vector<SeedPattern>& patterns, PhraseBook& book) {
  for (const SeedPattern& made : patterns) {
    const ToolDef* tool = workflow.FindTool(made.tool);
    auto pattern = Pattern::Parse(Paraphrase(book, *tool, made.kind, made.text), book.macros());
    if (pattern) book.AddPattern(made.tool, made.kind, *std::move(pattern));
  }
}

}  // namespace sotto
