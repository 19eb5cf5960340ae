// How many paraphrases the semantic cache finds: of sentences that a file labels with the same call, every second one was
// understood before, and the others are looked for with a right guess, as the specialist makes one it is not sure of. What
// is found for a guess that belongs to another call is counted as well: it must be none.
//   bench_route_paraphrases workflows/banking/voices.jsonl --tool check_balance --tool get_statement [--letters]
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "core/conversation_jsonl.h"
#include "embed/sentence_encoder.h"
#include "route/semantic_cache.h"

namespace sotto {
namespace {

Understanding Guessed(const ToolCall& call, double confidence) {
  Understanding understanding;
  understanding.calls.push_back({call, confidence, {}});
  understanding.confidence = confidence;
  return understanding;
}

Result<void> Run(const std::string& file, const std::vector<std::string>& tools, bool letters,
                 double similarity) {
  SOTTO_ASSIGN_OR_RETURN(const auto rows, ReadConversations(file));
  std::map<std::string, std::vector<std::string>> said;  // by call
  std::map<std::string, ToolCall> calls;
  for (const LabelledConversation& row : rows) {
    const Turn& first = row.conversation.turns.front();
    if (first.calls.size() != 1) continue;
    const ToolCall& call = first.calls.front();
    if (std::find(tools.begin(), tools.end(), call.name) == tools.end()) continue;
    said[ToString(call)].push_back(first.user);
    calls[ToString(call)] = call;
  }
  SOTTO_ASSIGN_OR_RETURN(const auto language, LanguageFor("en"));
  std::shared_ptr<const SentenceEncoder> encoder;
  if (!letters) {
    SOTTO_ASSIGN_OR_RETURN(encoder, OpenInstalledEncoder());
  }
  const SystemClock clock;
  SemanticCache cache(clock, language, encoder, {.most = 100000, .similarity = similarity});
  const CacheScope scope{"paraphrases", {}, {}, {}};
  for (const auto& [name, sentences] : said) {
    const Understanding meant = Guessed(calls.at(name), 0.99);
    for (size_t i = 0; i < sentences.size(); i += 2)
      cache.Keep(scope, sentences[i], meant, meant, std::chrono::hours(1), {});
  }
  size_t asked = 0;
  size_t hits = 0;
  size_t wrong = 0;
  for (const auto& [name, sentences] : said) {
    for (size_t i = 1; i < sentences.size(); i += 2) {
      ++asked;
      const auto found = cache.Find(scope, sentences[i], Guessed(calls.at(name), 0.6));
      if (!found) continue;
      ++hits;
      wrong += SameCall(found->calls[0].call, calls.at(name)) ? 0 : 1;
    }
  }
  fmt::print("{} sentences of {} calls, {}: {} of {} found ({:.1f} %), {} with another call\n",
             cache.counters().entries + asked, said.size(),
             encoder == nullptr ? "by letters" : "by the sentence encoder", hits, asked,
             asked == 0 ? 0.0 : 100.0 * static_cast<double>(hits) / static_cast<double>(asked), wrong);
  if (asked == 0) return MakeError(ErrorCode::kInvalidArgument, "{}: no two sentences of one call", file);
  return {};
}

}  // namespace
}  // namespace sotto

int main(int argc, char** argv) {
  CLI::App app("How many paraphrases the semantic cache finds");
  std::string file;
  std::vector<std::string> tools;
  bool letters = false;
  double similarity = 0.7;
  app.add_option("file", file, "Labelled conversations, *.jsonl")->required();
  app.add_option("--tool", tools, "Of a tool that reads; several")->required();
  app.add_flag("--letters", letters, "Without the sentence encoder");
  app.add_option("--similarity", similarity, "From which cosine on")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (const auto result = sotto::Run(file, tools, letters, similarity); !result) {
    fmt::print(stderr, "bench_route_paraphrases: {}\n", result.error().message);
    return 1;
  }
  return 0;
}
