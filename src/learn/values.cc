#include "learn/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "learn/date_forms.h"
#include "learn/number_forms.h"
#include "text/normalise.h"

namespace sotto {
namespace {

// How often an enum value is said in words of the thesaurus: where the workflow has no synonyms, where it
// has.
constexpr double kGeneralWordsShare = 0.4;
constexpr double kGeneralWordsShareOfKnown = 0.15;
constexpr double kUsualShare = 0.9;  // of amounts within the slot's usual range
constexpr double kNearShare = 0.4;   // of corrected numbers that are like the wrong one

double DrawMoney(const Entity& entity, Random& random) {
  const bool usual = (entity.usual_min || entity.usual_max) && random.Chance(kUsualShare);
  const double low = (usual && entity.usual_min ? entity.usual_min : entity.min).value_or(1);
  const double high = (usual && entity.usual_max ? entity.usual_max : entity.max).value_or(20000);
  for (int attempt = 0; attempt < 20; ++attempt) {
    const double kind = random.Uniform();
    double value = 0;
    if (kind < 0.30)
      value = static_cast<double>(1 + random.Below(40)) * 50;  // 50, 100, ... 2000
    else if (kind < 0.42)
      value = static_cast<double>(1 + random.Below(20)) * 5;  // 5 ... 100
    else if (kind < 0.54)
      value = static_cast<double>(1 + random.Below(9)) * 100;
    else if (kind < 0.64)
      value = static_cast<double>(1 + random.Below(20)) * 500;
    else if (kind < 0.84)
      value = static_cast<double>(2 + random.Below(998));
    else if (kind < 0.90)
      value = static_cast<double>(1000 + random.Below(9000));
    else
      value = static_cast<double>(2 + random.Below(random.Chance(0.7) ? 98 : 600)) +
              static_cast<double>(random.Chance(0.5) ? 99 : 1 + random.Below(99)) / 100;
    if (value >= low && value <= high) return std::round(value * 100) / 100;
  }
  return std::round((low + high) / 2);
}

std::string DrawDigits(int length, Random& random) {
  const size_t n = length > 0 ? static_cast<size_t>(length) : 4 + random.Below(7);
  std::string digits;
  for (size_t i = 0; i < n; ++i)
    digits += i > 0 && random.Chance(0.12) ? digits.back() : static_cast<char>('0' + random.Below(10));
  return digits;
}

// The other slot of a rule `a != b` that names `slot`, or empty. A tool without rules whose slots are two of
// one list (from where, to where) means two of it.
std::string MustDifferFrom(const ToolDef& tool, const std::string& slot) {
  for (const Check& check : tool.checks) {
    const size_t at = check.rule.find(" != ");
    if (at == std::string::npos) continue;
    std::string left = check.rule.substr(0, at);
    std::string right = check.rule.substr(at + 4);
    if (left == slot && tool.FindSlot(right) != nullptr) return right;
    if (right == slot && tool.FindSlot(left) != nullptr) return left;
  }
  const Slot* own = tool.FindSlot(slot);
  if (!tool.checks.empty() || own == nullptr || own->entity.type != Entity::Type::kEnum) return {};
  for (const Slot& other : tool.slots)
    if (&other != own && other.entity_name == own->entity_name) return other.name;
  return {};
}

std::string DrawText(const PhraseBook& book, const Slot& slot, Random& random) {
  const auto& names = book.Names(slot.name);
  const auto& entity_names = book.Names(slot.entity_name);
  const auto& values = slot.entity.values;
  const double kind = random.Uniform();
  if (!values.empty() && kind < 0.06) return values[random.Below(values.size())].value;
  if (!names.empty() && kind < 0.85) return SayPlain(random.Pick(names), random);
  if (!entity_names.empty() && kind < 0.85) return SayPlain(random.Pick(entity_names), random);
  const auto& general = book.General("name");
  if (!general.empty() && kind < 0.6) return SayPlain(random.Pick(general), random);
  return MadeUpName(random);
}

}  // namespace

std::string MadeUpName(Random& random) {
  static constexpr const char* kOnsets[] = {"b",  "br", "c",  "ch", "cl", "d", "dr", "f",  "fl", "g", "gr",
                                            "h",  "j",  "k",  "l",  "m",  "n", "p",  "pr", "r",  "s", "sh",
                                            "st", "t",  "th", "tr", "v",  "w", "y",  "z",  "qu"};
  static constexpr const char* kVowels[] = {"a",  "e", "i", "o", "u", "ai", "ea",
                                            "ee", "o", "a", "e", "i", "oo", "au"};
  static constexpr const char* kCodas[] = {"",  "",  "n", "r", "l", "s",  "m",  "x",  "ck", "nd", "rt",
                                           "t", "d", "k", "",  "",  "ng", "st", "ll", "p",  "b"};
  static constexpr const char* kTails[] = {"energy", "services", "insurance", "group",  "water", "motors",
                                           "market", "telecom",  "and sons",  "health", "media", "auto",
                                           "gym",    "rentals",  "union",     "supply", "bank",  "electric",
                                           "gas",    "company",  "wireless"};
  const auto word = [&] {
    std::string text;
    const size_t n_syllables = 1 + random.Below(3);
    for (size_t i = 0; i < n_syllables; ++i) {
      text += random.Pick(kOnsets);
      text += random.Pick(kVowels);
      text += random.Pick(kCodas);
    }
    if (text.size() < 3) text += "on";
    if (random.Chance(0.6)) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
    return text;
  };
  std::string name = word();
  if (random.Chance(0.3)) name += " " + word();
  if (random.Chance(0.35)) name += fmt::format(" {}", random.Pick(kTails));
  return name;
}

std::string SayPlain(const Pattern& pattern, Random& random) {
  std::string text;
  for (const Piece& piece : pattern.Expand(random))
    if (piece.kind == Piece::Kind::kWords) text += piece.text;
  return ToText(ToWords(text));
}

namespace {

// What is corrected was often misheard: fifty for fifteen, seventy for seventy five, one digit of four.
Json DrawNear(const Entity& entity, const Json& other, Random& random) {
  if (entity.type == Entity::Type::kDigits && other.is_string()) {
    auto digits = other.get<std::string>();
    if (digits.empty()) return {};
    digits[random.Below(digits.size())] = static_cast<char>('0' + random.Below(10));
    return digits;
  }
  const bool numeric = entity.type == Entity::Type::kMoney || entity.type == Entity::Type::kNumber;
  if (!numeric || !other.is_number_integer()) return {};
  const auto value = other.get<int64_t>();
  const int64_t ones = value % 10;
  int64_t near = value - ones + static_cast<int64_t>(random.Below(10));
  if (value > 20 && ones != 0 && random.Chance(0.3)) near = value - ones;
  if (value > 12 && value < 20) near = ones * 10;
  if (value >= 30 && value < 100 && ones == 0 && random.Chance(0.5)) near = 10 + value / 10;
  if (value >= 100 && value % 100 == 0) near = value + (random.Chance(0.5) ? 50 : 100);
  const auto as_double = static_cast<double>(near);
  if (as_double < entity.min.value_or(1) || as_double > entity.max.value_or(20000)) return {};
  return near;
}

// What a number usually is beside the values that are known.
Entity WithUsual(Entity entity, const Json& known) {
  for (const Entity::UsualFor& usual : entity.usual_for) {
    const auto value = known.find(usual.slot);
    if (value == known.end() || *value != usual.value) continue;
    entity.usual_min = usual.min ? usual.min : entity.min;
    entity.usual_max = usual.max ? usual.max : entity.max;
    break;
  }
  return entity;
}

Json DrawOnce(const PhraseBook& book, const Slot& slot, const Entity& entity, const CallDay& day,
              Random& random) {
  switch (entity.type) {
    case Entity::Type::kEnum:
      return entity.values.empty()
                 ? Json()
                 : ValueJson(entity, entity.values[random.Below(entity.values.size())].value);
    case Entity::Type::kDigits:
      return DrawDigits(entity.length, random);
    case Entity::Type::kMoney: {
      const double value = DrawMoney(entity, random);
      if (value == std::floor(value)) return static_cast<int64_t>(value);
      return value;
    }
    case Entity::Type::kNumber: {
      const auto low = static_cast<int64_t>(std::ceil(entity.min.value_or(1)));
      const auto high = static_cast<int64_t>(entity.max.value_or(static_cast<double>(low + 19)));
      return low +
             static_cast<int64_t>(random.Below(static_cast<size_t>(std::max<int64_t>(1, high - low + 1))));
    }
    case Entity::Type::kDate:
    case Entity::Type::kTime:
    case Entity::Type::kDuration:
    case Entity::Type::kDateRange:
      return DrawCalendarValue(entity, day, random);
    case Entity::Type::kText:
      return DrawText(book, slot, random);
  }
  return {};
}

}  // namespace

Json DrawValue(const PhraseBook& book, const ToolDef& tool, const Slot& slot, const Json& known,
               const Json& other, const CallDay& day, Random& random) {
  const std::string differs = MustDifferFrom(tool, slot.name);
  const bool rule = !differs.empty() && known.contains(differs);
  const Entity entity = WithUsual(slot.entity, known);
  Json value;
  for (int attempt = 0; attempt < 30; ++attempt) {
    value = Json();
    if (!other.is_null() && random.Chance(kNearShare)) value = DrawNear(slot.entity, other, random);
    if (value.is_null()) value = DrawOnce(book, slot, entity, day, random);
    if (!other.is_null() && SameValue(value, other)) continue;
    if (rule && SameValue(value, known[differs])) continue;
    break;
  }
  return value;
}

SpokenWords SayValue(const PhraseBook& book, const Slot& slot, const Json& value, std::string_view form,
                     const CallDay& day, Random& random) {
  using Carries = SpokenWord::Carries;
  const Entity& entity = slot.entity;
  switch (entity.type) {
    case Entity::Type::kMoney:
      return ToWords(SayMoney(value.get<double>(), form == "bare", random), Carries::kValue, slot.name);
    case Entity::Type::kNumber:
      return ToWords(SayNumber(value.get<double>(), random), Carries::kValue, slot.name);
    case Entity::Type::kDigits:
      return ToWords(SayDigits(value.get<std::string>(), random), Carries::kValue, slot.name);
    case Entity::Type::kText:
      return ToWords(value.get<std::string>(), Carries::kText, slot.name);
    case Entity::Type::kDate:
    case Entity::Type::kTime:
    case Entity::Type::kDuration:
    case Entity::Type::kDateRange:
      return ToWords(SayCalendarValue(entity, value.get<std::string>(), day, random), Carries::kText,
                     slot.name);
    case Entity::Type::kEnum:
      break;
  }
  const std::string text = ValueText(value);
  const auto* forms = &book.ValueForms(slot.name, text, form);
  if (forms->empty()) forms = &book.ValueForms(slot.entity_name, text, form);
  if (!forms->empty()) return ToWords(SayPlain(random.Pick(*forms), random), Carries::kValue, slot.name);
  std::string said = PlainWords(text);
  double general = kGeneralWordsShare;
  for (const EntityValue& listed : entity.values) {
    if (listed.value != text) continue;
    const size_t which = random.Below(listed.synonyms.size() + 1);
    if (which > 0) said = listed.synonyms[which - 1];
    if (which == 0 && !listed.spoken.empty()) said = listed.spoken;
    if (!listed.synonyms.empty()) general = kGeneralWordsShareOfKnown;
  }
  const auto* others = book.ValueWords(slot.name, text);
  if (others != nullptr && random.Chance(general)) said = random.Pick(*others);
  return ToWords(said, Carries::kValue, slot.name);
}

}  // namespace sotto
