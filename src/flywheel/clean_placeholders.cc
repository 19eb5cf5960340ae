#include "flywheel/clean_placeholders.h"

#include <map>

#include "base/hash.h"
#include "base/random.h"
#include "privacy/planted.h"
#include "text/normalise.h"

namespace sotto {
namespace {

struct Invented {
  std::string words;  // as said
  Json value;         // as in the call
};

bool IsNameChar(char c) { return (c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9'); }

// The bytes of the first placeholder at or after `from`.
std::pair<size_t, size_t> NextPlaceholder(std::string_view text, size_t from) {
  for (size_t open = text.find('<', from); open != std::string_view::npos; open = text.find('<', open + 1)) {
    size_t end = open + 1;
    while (end < text.size() && IsNameChar(text[end])) ++end;
    const bool numbered = end > open + 2 && text[end - 1] >= '0' && text[end - 1] <= '9';
    if (numbered && end < text.size() && text[end] == '>') return {open, end + 1};
  }
  return {std::string_view::npos, 0};
}

std::string Digits(size_t count, Random& random) {
  std::string digits;
  for (size_t i = 0; i < count; ++i) digits += static_cast<char>('0' + random.Below(10));
  return digits;
}

std::string KindOf(std::string_view placeholder) {
  return std::string(placeholder.substr(0, placeholder.rfind('_')));
}

Invented InventDigits(size_t count, bool spoken, Random& random) {
  Invented made;
  const std::string digits = Digits(count, random);
  made.value = digits;
  made.words = spoken ? SpeakDigits(digits, random) : digits;
  return made;
}

Invented InventText(std::string text) {
  Invented made;
  made.value = text;
  made.words = std::move(text);
  return made;
}

Invented InventOfKind(const std::string& kind, bool spoken, Random& random) {
  static constexpr const char* kFirst[] = {"alex", "maria", "sam", "priya", "tom", "lena", "omar", "grace"};
  static constexpr const char* kLast[] = {"morgan", "lopez", "carter", "singh",
                                          "baker",  "novak", "hassan", "lee"};
  static constexpr const char* kStreets[] = {"oak street", "mill lane", "station road", "park avenue"};
  if (kind == "name") return InventText(fmt::format("{} {}", random.Pick(kFirst), random.Pick(kLast)));
  if (kind == "email") return InventText(fmt::format("{} at example dot com", random.Pick(kFirst)));
  if (kind == "address") return InventText(fmt::format("{} {}", 2 + random.Below(90), random.Pick(kStreets)));
  if (kind == "birth_date") return InventText("the third of march");
  if (kind == "url") return InventText("example dot com");
  if (kind == "card") return InventDigits(16, spoken, random);
  if (kind == "ssn") return InventDigits(9, spoken, random);
  if (kind == "phone") return InventDigits(10, spoken, random);
  if (kind == "secret") return InventDigits(4, spoken, random);
  return InventDigits(8, spoken, random);
}

Invented InventFor(const Slot* slot, const std::string& kind, bool spoken, Random& random) {
  if (slot == nullptr) return InventOfKind(kind, spoken, random);
  const Entity& entity = slot->entity;
  if (entity.type == Entity::Type::kDigits)
    return InventDigits(entity.length > 0 ? static_cast<size_t>(entity.length) : 8, spoken, random);
  if (entity.type == Entity::Type::kText || entity.type == Entity::Type::kEnum) {
    if (entity.values.empty()) return InventOfKind(kind, spoken, random);
    const EntityValue& listed = random.Pick(entity.values);
    Invented made;
    made.value = ValueJson(entity, listed.value);
    made.words = listed.spoken.empty() ? listed.value : listed.spoken;
    return made;
  }
  if (entity.type == Entity::Type::kMoney || entity.type == Entity::Type::kNumber) {
    Invented made;
    const size_t amount = 10 + random.Below(90);
    made.value = amount;
    made.words = std::to_string(amount);
    return made;
  }
  return InventOfKind(kind, spoken, random);
}

}  // namespace

bool HasPlaceholder(std::string_view text) {
  return NextPlaceholder(text, 0).first != std::string_view::npos;
}

std::string_view PlaceholderIn(std::string_view text) {
  const auto [begin, end] = NextPlaceholder(text, 0);
  if (begin != 0 || end != text.size()) return {};
  return text.substr(1, text.size() - 2);
}

size_t FillPlaceholders(Conversation& conversation, const Workflow& workflow, bool spoken,
                        const std::string& seed) {
  size_t filled = 0;
  std::map<std::string, Json> carried;  // "tool.slot" -> its value in an earlier turn
  for (size_t t = 0; t < conversation.turns.size(); ++t) {
    Turn& turn = conversation.turns[t];
    std::map<std::string, Invented> made;  // by placeholder, of this turn
    const auto random_of = [&](std::string_view placeholder) {
      return Random(Fnv1a(fmt::format("{}/{}/{}", seed, t, placeholder)));
    };
    for (ToolCall& call : turn.calls) {
      const ToolDef* tool = workflow.FindTool(call.name);
      for (auto& item : call.arguments.items()) {
        if (!item.value().is_string()) continue;
        const std::string text = item.value().get<std::string>();
        const std::string name(PlaceholderIn(text));
        const std::string key = call.name + "." + item.key();
        if (name.empty()) continue;
        const bool said = turn.user.find("<" + name + ">") != std::string::npos;
        if (const auto before = carried.find(key); !said && before != carried.end()) {
          item.value() = before->second;
          continue;
        }
        if (!made.contains(name)) {
          Random random = random_of(name);
          made[name] =
              InventFor(tool == nullptr ? nullptr : tool->FindSlot(item.key()), KindOf(name), spoken, random);
          ++filled;
        }
        item.value() = made[name].value;
        carried[key] = made[name].value;
      }
    }
    std::string words;
    size_t at = 0;
    for (auto [begin, end] = NextPlaceholder(turn.user, 0); begin != std::string::npos;
         std::tie(begin, end) = NextPlaceholder(turn.user, end)) {
      const std::string name = turn.user.substr(begin + 1, end - begin - 2);
      // Names that no call is about are left out: nothing hangs on them, and some were none ("yeah").
      if (!made.contains(name) && KindOf(name) == "name") made[name] = {};
      if (!made.contains(name)) {
        Random random = random_of(name);
        made[name] = InventOfKind(KindOf(name), spoken, random);
        ++filled;
      }
      words += turn.user.substr(at, begin - at) + made[name].words;
      at = end;
    }
    words += turn.user.substr(at);
    turn.user.clear();
    for (const std::string_view word : SplitWords(words))
      turn.user += (turn.user.empty() ? "" : " ") + std::string(word);
  }
  return filled;
}

}  // namespace sotto
