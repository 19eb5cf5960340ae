#include "route/answer_cache.h"

#include <algorithm>
#include <array>

#include "base/sha256.h"
#include "core/conversation_jsonl.h"
#include "text/normalise.h"

namespace sotto {
namespace {

// Sounds of somebody who thinks: no words. Between words they stay, because a pause tells numbers apart.
constexpr std::array<std::string_view, 8> kHesitations{"um", "umm", "uh", "uhh", "er", "erm", "hm", "hmm"};

bool IsHesitation(const NormalisedWord& word) {
  return std::find(kHesitations.begin(), kHesitations.end(), word.text) != kHesitations.end();
}

bool MayBeNumber(std::string_view word) {
  return std::any_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Fields of known lengths: no two scopes have the same bytes.
void AddField(std::string& bytes, std::string_view field) {
  bytes += std::to_string(field.size());
  bytes += ':';
  bytes += field;
}

}  // namespace

std::string CacheText(std::string_view utterance) {
  const std::vector<NormalisedWord> words = NormaliseSpokenWords(utterance);
  size_t begin = 0;
  size_t end = words.size();
  while (begin < end && IsHesitation(words[begin])) ++begin;
  while (end > begin && IsHesitation(words[end - 1])) --end;
  if (begin == end) {  // nothing else was said
    begin = 0;
    end = words.size();
  }
  std::string text;
  for (size_t i = begin; i < end; ++i) {
    const NormalisedWord& word = words[i];
    if (!text.empty()) text += ' ';
    // A pause before or after a number, a hyphen and a currency sign are read; so is a pause that ends a
    // sentence inside of the utterance, by what judges a yes.
    if (word.before != 0 && i > begin) text += static_cast<char>('a' + word.before), text += '|';
    if (i == begin && (word.before & NormalisedWord::kDollar) != 0) text += "$|";
    if ((word.before & NormalisedWord::kDecimalComma) != 0 && MayBeNumber(word.text)) text += ",|";
    text += word.text;
  }
  if (utterance.find('?') != std::string_view::npos) text += " ?";
  return text;
}

std::string CacheKey(const CacheScope& scope, std::string_view utterance) {
  std::string bytes = "sotto understanding 1\n";
  AddField(bytes, scope.fingerprint);
  AddField(bytes, scope.history.channel == Channel::kSpoken ? "spoken" : "typed");
  AddField(bytes, scope.history.today ? DateText(*scope.history.today) : "");
  AddField(bytes, std::to_string(scope.history.tools.size()));
  for (const ToolSpec& tool : scope.history.tools) AddField(bytes, ToJson(tool).dump());
  AddField(bytes, std::to_string(scope.history.turns.size()));
  for (const Turn& turn : scope.history.turns) {
    AddField(bytes, turn.user);
    AddField(bytes, ToJson(turn.expectation).dump());
    AddField(bytes, std::to_string(turn.calls.size()));
    for (const ToolCall& call : turn.calls) AddField(bytes, ToJson(call).dump());
  }
  AddField(bytes, ToJson(scope.expectation).dump());
  AddField(bytes, std::to_string(scope.offered.size()));
  for (const std::string& name : scope.offered) AddField(bytes, name);
  AddField(bytes, CacheText(utterance));
  return Sha256(bytes);
}

}  // namespace sotto
