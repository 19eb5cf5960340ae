#include "flywheel/drift.h"

#include <algorithm>
#include <cmath>

#include "flywheel/clean_placeholders.h"
#include "text/normalise.h"

namespace sotto {
namespace {

constexpr size_t kMostUnseenWords = 30;

// The words of a text, without what stands for personal data.
void CountWords(std::string_view text, SpeechProfile& profile) {
  std::string plain;
  for (const std::string_view word : SplitWords(text))
    if (!HasPlaceholder(word)) plain += std::string(word) + " ";
  for (const NormalisedWord& word : NormaliseSpokenWords(plain)) {
    // Figures are no words: there is always one that was not seen.
    if (std::any_of(word.text.begin(), word.text.end(), [](char c) { return c >= '0' && c <= '9'; }))
      continue;
    ++profile.words[word.text];
  }
}

void CountCalls(const std::vector<ToolCall>& calls, SpeechProfile& profile) {
  for (const ToolCall& call : calls) {
    if (IsControlTool(call.name)) continue;
    ++profile.tools[call.name];
    return;
  }
}

}  // namespace

void AddWords(std::string_view text, SpeechProfile& profile) { CountWords(text, profile); }

SpeechProfile ProfileOfLog(const LogView& log, std::string name, double accept) {
  SpeechProfile profile;
  profile.name = std::move(name);
  double sum = 0;
  size_t understood = 0;
  for (const auto& session : log.sessions) {
    for (const StoredTurn& turn : session) {
      if (!HasWords(turn.record)) continue;
      ++profile.turns;
      CountWords(WordsOf(turn.record), profile);
      const auto calls = CallsOf(turn.record);
      CountCalls(calls, profile);
      if (calls.empty()) continue;
      ++understood;
      sum += ConfidenceOf(turn.record);
      profile.unsure += ConfidenceOf(turn.record) < accept ? 1 : 0;
    }
  }
  if (understood > 0) profile.confidence = sum / static_cast<double>(understood);
  return profile;
}

SpeechProfile ProfileOfData(const std::vector<LabelledConversation>& rows, std::string name) {
  SpeechProfile profile;
  profile.name = std::move(name);
  for (const LabelledConversation& row : rows) {
    for (const Turn& turn : row.conversation.turns) {
      ++profile.turns;
      CountWords(turn.user, profile);
      CountCalls(turn.calls, profile);
    }
  }
  return profile;
}

Drift DriftOf(const SpeechProfile& now, const SpeechProfile& then) {
  Drift drift;
  drift.against = then.name;
  std::set<std::string> names;
  double n = 0, m = 0;
  for (const auto& [tool, count] : now.tools) names.insert(tool), n += static_cast<double>(count);
  for (const auto& [tool, count] : then.tools) names.insert(tool), m += static_cast<double>(count);
  const double k = static_cast<double>(names.size());
  for (const std::string& tool : names) {
    const auto at = [&](const std::map<std::string, size_t>& counts) {
      const auto found = counts.find(tool);
      return found == counts.end() ? 0.0 : static_cast<double>(found->second);
    };
    const double p = (at(now.tools) + 0.5) / (n + 0.5 * k);
    const double q = (at(then.tools) + 0.5) / (m + 0.5 * k);
    Drift::Tool one{tool, n > 0 ? at(now.tools) / n : 0, m > 0 ? at(then.tools) / m : 0,
                    (p - q) * std::log(p / q)};
    drift.psi += one.psi;
    drift.tools.push_back(std::move(one));
  }
  std::stable_sort(drift.tools.begin(), drift.tools.end(),
                   [](const Drift::Tool& a, const Drift::Tool& b) { return a.psi > b.psi; });
  for (const auto& [word, count] : now.words) {
    drift.words += count;
    if (then.words.contains(word)) continue;
    drift.unseen += count;
    drift.unseen_words.emplace_back(word, count);
  }
  std::stable_sort(drift.unseen_words.begin(), drift.unseen_words.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (drift.unseen_words.size() > kMostUnseenWords) drift.unseen_words.resize(kMostUnseenWords);
  drift.confidence_now = now.confidence;
  drift.confidence_then = then.confidence;
  drift.unsure_now = now.turns == 0 ? 0 : static_cast<double>(now.unsure) / static_cast<double>(now.turns);
  return drift;
}

Json ToJson(const Drift& drift) {
  Json tools = Json::array();
  for (const Drift::Tool& tool : drift.tools)
    tools.push_back({{"tool", tool.name}, {"now", tool.now}, {"then", tool.then}, {"psi", tool.psi}});
  Json unseen = Json::array();
  for (const auto& [word, count] : drift.unseen_words) unseen.push_back({{"word", word}, {"count", count}});
  Json json{{"against", drift.against},
            {"psi", drift.psi},
            {"tools", std::move(tools)},
            {"words", drift.words},
            {"unseen", drift.unseen},
            {"unseen_words", std::move(unseen)},
            {"confidence_now", drift.confidence_now},
            {"unsure_now", drift.unsure_now}};
  if (drift.confidence_then > 0) json["confidence_then"] = drift.confidence_then;
  return json;
}

}  // namespace sotto
