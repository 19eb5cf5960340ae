#include "dialogue/slot_value.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>

#include "text/calendar_speech.h"
#include "text/normalise.h"
#include "text/speak.h"
#include "text/spoken_numbers.h"

namespace sotto {
namespace {

std::string Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

bool SameWords(std::string_view a, std::string_view b) {
  const auto fold = [](char c) { return c == '_' ? ' ' : std::tolower(static_cast<unsigned char>(c)); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return fold(x) == fold(y); });
}

std::string AsText(const Json& value) {
  if (value.is_string()) return Trimmed(value.get_ref<const std::string&>());
  return ValueText(value);
}

const EntityValue* FindValue(const Entity& entity, const std::string& text) {
  for (const EntityValue& value : entity.values) {
    if (SameWords(value.value, text) || SameWords(value.spoken, text)) return &value;
  }
  for (const EntityValue& value : entity.values) {
    for (const std::string& synonym : value.synonyms) {
      if (SameWords(synonym, text)) return &value;
    }
  }
  return nullptr;
}

// The one listed name that has the word: "electric" is the electric company where there is no other electric
// one; it is read back by its name.
const EntityValue* FindByWord(const Entity& entity, std::string_view word) {
  constexpr size_t kLetters = 3;
  if (word.ends_with("'s")) word.remove_suffix(2);
  if (word.size() < kLetters || word.find(' ') != std::string_view::npos) return nullptr;
  const EntityValue* found = nullptr;
  for (const EntityValue& value : entity.values) {
    const std::vector<std::string_view> words = SplitWords(value.value);
    const bool has =
        std::any_of(words.begin(), words.end(), [&](std::string_view w) { return SameWords(w, word); });
    if (has && found != nullptr) return nullptr;
    if (has) found = &value;
  }
  return found;
}

std::variant<Json, Misfit> FitNumber(const Entity& entity, const Json& value) {
  double number = 0;
  if (value.is_number()) {
    number = value.get<double>();
  } else {
    std::string text = AsText(value);
    if (!text.empty() && text[0] == '$') text.erase(0, 1);
    std::erase(text, ',');
    char* end = nullptr;
    number = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0') return Misfit{"not_a_number", nullptr};
  }
  if (!std::isfinite(number)) return Misfit{"not_a_number", nullptr};
  if (entity.type == Entity::Type::kMoney) number = std::round(number * 100) / 100;
  if (entity.value_type == Entity::ValueType::kInteger && number != std::floor(number))
    return Misfit{"not_whole", nullptr};
  if (entity.min && number < *entity.min) return Misfit{"too_small", *entity.min};
  if (entity.max && number > *entity.max) return Misfit{"too_large", *entity.max};
  if (number == std::floor(number) && std::abs(number) < 9e15) return Json(static_cast<int64_t>(number));
  return Json(number);
}

std::variant<Json, Misfit> FitRange(const Entity& entity, DateRange range, std::optional<Date> today) {
  if (entity.earliest && (today || entity.earliest->date)) {
    const Date earliest = entity.earliest->On(today.value_or(Date{}));
    if (range.to < earliest) return Misfit{"too_early", DateText(earliest)};
    range.from = std::max(range.from, earliest);
  }
  if (entity.latest && (today || entity.latest->date)) {
    const Date latest = entity.latest->On(today.value_or(Date{}));
    if (range.from > latest) return Misfit{"too_late", DateText(latest)};
    range.to = std::min(range.to, latest);
  }
  return entity.type == Entity::Type::kDate ? Json(DateText(range.from)) : Json(DateRangeText(range));
}

std::variant<Json, Misfit> FitTime(const Entity& entity, const DayTime& time) {
  const auto text = [](double minute) {
    const std::chrono::minutes point(static_cast<int>(minute));
    return DayTimeText({point, point});
  };
  const bool window = time.from != time.to;
  const auto from = static_cast<double>(time.from.count());
  const auto to = static_cast<double>(time.to.count());
  if (entity.min && (to < *entity.min || (window && to == *entity.min)))
    return Misfit{"too_early", text(*entity.min)};
  if (entity.max && (from > *entity.max || (window && from == *entity.max)))
    return Misfit{"too_late", text(*entity.max)};
  return Json(DayTimeText(time));
}

std::variant<Json, Misfit> FitPeriod(const Entity& entity, const Period& period) {
  const auto text = [](double minutes) {
    constexpr int kDay = 24 * 60;
    const int whole = static_cast<int>(minutes);
    return PeriodText({0, whole / kDay, whole % kDay});
  };
  if (entity.min && RoughMinutes(period) < *entity.min) return Misfit{"too_small", text(*entity.min)};
  if (entity.max && RoughMinutes(period) > *entity.max) return Misfit{"too_large", text(*entity.max)};
  return Json(PeriodText(period));
}

std::variant<Json, Misfit> FitDigits(const Entity& entity, const Json& value) {
  std::string digits;
  for (const char c : AsText(value)) {
    if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      digits += c;
    } else if (c != ' ' && c != '-') {
      return Misfit{"wrong_length", nullptr};
    }
  }
  if (digits.empty() || (entity.length > 0 && digits.size() != static_cast<size_t>(entity.length))) {
    return Misfit{"wrong_length", nullptr};
  }
  return Json(digits);
}

}  // namespace

std::variant<Json, Misfit> FitValue(const Entity& entity, const Json& value, std::optional<Date> today) {
  switch (entity.type) {
    case Entity::Type::kEnum: {
      const EntityValue* found = FindValue(entity, AsText(value));
      if (found == nullptr) return Misfit{"not_a_value", nullptr};
      return ValueJson(entity, found->value);
    }
    case Entity::Type::kDigits:
      return FitDigits(entity, value);
    case Entity::Type::kMoney:
    case Entity::Type::kNumber:
      return FitNumber(entity, value);
    case Entity::Type::kDate: {
      const auto date = ParseDate(AsText(value));
      if (!date) return Misfit{"not_a_date", nullptr};
      return FitRange(entity, {*date, *date}, today);
    }
    case Entity::Type::kDateRange: {
      const auto range = ParseDateRange(AsText(value));
      if (!range) return Misfit{"not_a_date_range", nullptr};
      return FitRange(entity, *range, today);
    }
    case Entity::Type::kTime: {
      const auto time = ParseDayTime(AsText(value));
      if (!time) return Misfit{"not_a_time", nullptr};
      return FitTime(entity, *time);
    }
    case Entity::Type::kDuration: {
      const auto period = ParsePeriod(AsText(value));
      if (!period) return Misfit{"not_a_duration", nullptr};
      return FitPeriod(entity, *period);
    }
    case Entity::Type::kText: {
      const std::string text = AsText(value);
      if (text.empty()) return Misfit{"not_a_value", nullptr};
      const EntityValue* found = FindValue(entity, text);
      if (found == nullptr) found = FindByWord(entity, text);
      return Json(found != nullptr ? found->value : text);
    }
  }
  return Misfit{"not_a_value", nullptr};
}

Misfit ToMisfit(const Entity& entity, const UnfitValue& unfit) {
  Misfit misfit{unfit.why, nullptr};
  if (unfit.why == "too_small") misfit.limit = entity.min.value_or(0);
  if (unfit.why == "too_large") misfit.limit = entity.max.value_or(0);
  return misfit;
}

std::vector<std::string> MissingSlots(const DialogueProgram::ToolTexts& tool, const Json& slots) {
  std::vector<std::string> missing;
  for (size_t i = 0; i < tool.slots.size(); ++i) {
    const Slot& slot = tool.tool->slots[i];
    if (!slot.required || slots.contains(slot.name)) continue;
    const auto& when = tool.slots[i].when;
    if (!when.empty() && when[0].Holds(slots) != std::optional<bool>(true)) continue;
    missing.push_back(slot.name);
  }
  return missing;
}

std::string JoinDigits(const std::string& so_far, const std::string& said, bool corrects) {
  if (corrects && said.size() <= so_far.size()) return so_far.substr(0, so_far.size() - said.size()) + said;
  return so_far + said;
}

std::string ShowValue(const Entity& entity, const Json& value, std::optional<Date> today) {
  if (value.is_object())  // of another currency
    return ShowMoney(value.value("amount", 0.0), value.value("currency", entity.currency));
  if (value.is_array()) {
    std::string all;
    for (const Json& one : value) all += (all.empty() ? "" : ", ") + ShowValue(entity, one, today);
    return all;
  }
  if (value.is_number() && entity.type != Entity::Type::kEnum) {
    return entity.type == Entity::Type::kMoney ? ShowMoney(value.get<double>(), entity.currency)
                                               : NumberText(value.get<double>());
  }
  const std::string text = AsText(value);
  switch (entity.type) {
    case Entity::Type::kDate:
      return ShowDate(text, today);
    case Entity::Type::kDateRange:  // a limit of it is a day
      return ShowDateRange(ShowDate(text, today), today);
    case Entity::Type::kTime:
      return ShowDayTime(text);
    case Entity::Type::kDuration:
      return ShowPeriod(text);
    default:
      return std::string(SpokenValue(entity, text));
  }
}

}  // namespace sotto
