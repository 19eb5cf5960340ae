#include "learn/examples.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "learn/own_words.h"
#include "text/normalise.h"

namespace sotto {
namespace {

// Does a listed form of the value stand in the words? One small word ("on", "other") may stand for anything.
bool Says(const PhraseBook& book, const Slot& slot, const EntityValue& value, const std::string& words) {
  std::vector<std::string> forms = ListedForms(value);
  for (const std::string_view name : {std::string_view(slot.name), std::string_view(slot.entity_name)})
    for (const Pattern& form : book.ValueForms(name, value.value, {})) forms.push_back(form.source());
  return std::any_of(forms.begin(), forms.end(), [&](const std::string& form) {
    if (form.find_first_of("()[]<>{}") != std::string::npos) return false;
    const std::string spoken = NormaliseSpoken(form);
    const bool telling = SplitWords(spoken).size() > 1 || !ContentWords(spoken).empty();
    return telling && HasWords(words, spoken);
  });
}

std::optional<std::string> ValueSaid(const PhraseBook& book, const Slot& slot, const std::string& words) {
  std::optional<std::string> said;
  for (const EntityValue& value : slot.entity.values) {
    if (!Says(book, slot, value, words)) continue;
    if (said) return std::nullopt;
    said = value.value;
  }
  return said;
}

// The spoken form of what stands outside of `{slots}`.
std::string SpokenAroundSlots(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t open = std::min(text.find('{'), text.size());
    const std::string words = NormaliseSpoken(text.substr(0, open));
    const bool attached = text.starts_with('\'');  // "{service}'s"
    if (!words.empty()) out += (out.empty() || attached ? "" : " ") + words;
    text.remove_prefix(open);
    if (text.empty()) break;
    const size_t close = text.find('}');
    if (close == std::string_view::npos) return out + std::string(text);  // the parser reports it
    if (!out.empty()) out += ' ';
    out += text.substr(0, close + 1);
    text.remove_prefix(close + 1);
  }
  return out;
}

}  // namespace

std::string ExampleAsPattern(const PhraseBook& book, const ToolDef& tool, std::string_view example) {
  std::string words;
  std::string implied;
  for (const std::string_view word : SplitWords(example)) {
    std::string& to = word.starts_with('@') ? implied : words;
    to += " ";
    to += word;
  }
  const std::string text = SpokenAroundSlots(words);
  for (const Slot& slot : tool.slots) {
    if (slot.entity.type != Entity::Type::kEnum) continue;
    const bool named = text.find("{" + slot.name) != std::string::npos ||
                       implied.find("@" + slot.name + "=") != std::string::npos;
    const auto of_entity = std::count_if(tool.slots.begin(), tool.slots.end(), [&](const Slot& other) {
      return other.entity_name == slot.entity_name;
    });
    if (named || of_entity != 1) continue;
    const auto value = ValueSaid(book, slot, text);
    if (value) implied += ImpliedMark(slot.name, *value).value_or("");
  }
  return text + implied;
}

}  // namespace sotto
