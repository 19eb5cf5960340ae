#include "dialogue/composer.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"

namespace sotto {

std::string Composer::Join(const std::vector<std::string>& items, std::string_view word_key) const {
  const std::string& word = program_.Message(word_key)[0].source_text();
  std::string joined;
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) joined += i + 1 == items.size() ? " " + word + " " : ", ";
    joined += items[i];
  }
  return joined;
}

bool Composer::Render(const std::string& key, const DialogueProgram::Variants& variants, const Json& values,
                      const RenderOptions& options) {
  if (variants.empty()) return false;
  const auto before = state_.said.find(key);
  const size_t turn = static_cast<size_t>(before == state_.said.end() ? 0 : before->second) +
                      static_cast<size_t>(std::count(keys_.begin(), keys_.end(), key));
  for (size_t i = 0; i < variants.size(); ++i) {
    Result<Reply> rendered = variants[(turn + i) % variants.size()].Render(values, options);
    if (!rendered) {
      Log().warn("{}: {}", key, rendered.error().message);
      continue;
    }
    if (rendered->text.empty()) continue;
    char& first = rendered->text.front();  // a value may begin the sentence
    if (first >= 'a' && first <= 'z') first = static_cast<char>(first - 'a' + 'A');
    if (!reply_.text.empty()) {
      reply_.text += ' ';
      reply_.parts.push_back({" ", true});
    }
    reply_.text += rendered->text;
    std::move(rendered->parts.begin(), rendered->parts.end(), std::back_inserter(reply_.parts));
    keys_.push_back(key);
    return true;
  }
  return false;
}

void Composer::Say(std::string_view key, const Json& values) {
  RenderOptions options;
  options.today = state_.today;
  options.spoken_form = [](std::string_view, std::string_view value) { return std::string(value); };
  Render(std::string(key), program_.Message(key), values, options);
}

RenderOptions Composer::OptionsFor(const ToolDef& tool, Json& values) const {
  RenderOptions options;
  options.today = state_.today;
  if (!tool.currency.empty()) options.currency = tool.currency;
  options.spoken_form = [&tool](std::string_view field, std::string_view value) {
    const Slot* slot = tool.FindSlot(field);
    return std::string(slot != nullptr ? SpokenValue(slot->entity, value) : value);
  };
  for (const Slot& slot : tool.slots) {
    if (slot.entity.type == Entity::Type::kMoney) options.currency = slot.entity.currency;
    // Listed values go by their text, whatever they are in the call: 2 is said as the workflow says "2".
    const auto value = values.find(slot.name);
    if (value != values.end() && slot.entity.type == Entity::Type::kEnum) *value = ValueText(*value);
  }
  return options;
}

bool Composer::Say(const std::string& key, const DialogueProgram::Variants& variants, const ToolDef& tool,
                   const Json& values) {
  Json shown = values;
  const RenderOptions options = OptionsFor(tool, shown);
  return Render(key, variants, shown, options);
}

std::vector<std::string> Composer::Texts(const DialogueProgram::Variants& variants, const ToolDef& tool,
                                         const Json& values) const {
  Json shown = values;
  const RenderOptions options = OptionsFor(tool, shown);
  std::vector<std::string> texts;
  for (const auto& variant : variants) {
    if (const Result<Reply> rendered = variant.Render(shown, options)) texts.push_back(rendered->text);
  }
  return texts;
}

void Composer::Repeat(const Reply& reply) {
  if (!reply_.text.empty()) {
    reply_.text += ' ';
    reply_.parts.push_back({" ", true});
  }
  reply_.text += reply.text;
  reply_.parts.insert(reply_.parts.end(), reply.parts.begin(), reply.parts.end());
}

}  // namespace sotto
