#include "server/secret_watch.h"

#include <algorithm>
#include <cctype>

namespace sotto {
namespace {

// Digits and number words that a card's number has at least: the last four alone are no secret.
constexpr size_t kCardParts = 8;

// "41 11-x" -> "4111x".
std::string LettersAndDigits(std::string_view text) {
  std::string kept;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (std::isalnum(byte) || byte >= 0x80) kept += static_cast<char>(std::tolower(byte));
  }
  return kept;
}

size_t PartsOf(std::string_view text) {
  size_t parts = 0;
  bool in_word = false;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    const bool word = std::isalpha(byte) || byte >= 0x80;
    parts += std::isdigit(byte) || (word && !in_word);
    in_word = word;
  }
  return parts;
}

}  // namespace

bool SecretWatch::Finds(std::string_view text, std::string_view before) const {
  if (detector_ == nullptr || text.empty()) return false;
  const auto spans = detector_->Scan(text, before);
  return std::any_of(spans.begin(), spans.end(), [&](const PersonalSpan& span) {
    if (span.kind == PersonalKind::kSecret) return true;
    return span.kind == PersonalKind::kCard &&
           PartsOf(text.substr(span.begin, span.end - span.begin)) >= kCardParts;
  });
}

bool SecretWatch::Asks(const Expectation& expectation) const {
  if (expectation.kind != Expectation::Kind::kSlots) return false;
  const ToolDef* tool = workflow_.FindTool(expectation.tool);
  return tool != nullptr &&
         std::any_of(expectation.slots.begin(), expectation.slots.end(), [&](const auto& name) {
           const Slot* slot = tool->FindSlot(name);
           return slot != nullptr && slot->secret;
         });
}

SecretWatch::Verdict SecretWatch::Look(const TurnRecord& record) {
  Verdict verdict;
  verdict.said = Asks(record.expectation) || Finds(record.heard.text, last_reply_);
  if (record.understood) {
    for (const Understanding::Call& call : record.understood->calls) {
      const ToolDef* tool = workflow_.FindTool(call.call.name);
      if (tool == nullptr) continue;
      for (const auto& [name, value] : call.call.arguments.items()) {
        const Slot* slot = tool->FindSlot(name);
        if (slot == nullptr || !slot->secret) continue;
        verdict.said = true;
        std::string kept = LettersAndDigits(ValueText(value));
        if (!kept.empty()) values_.insert(std::move(kept));
      }
    }
  }
  const std::string reply = LettersAndDigits(record.reply.text);
  verdict.repeated = Finds(record.reply.text, {}) ||
                     std::any_of(values_.begin(), values_.end(), [&](const std::string& value) {
                       return reply.find(value) != std::string::npos;
                     });
  last_reply_ = record.reply.text;
  return verdict;
}

}  // namespace sotto
