// A model that answers in words: any GGUF with a decoder, as programs ask for it (the OpenAI endpoints) and
// `sotto generate` does. What several threads ask for at the same time is computed together (slm/engine.h); what
// prompts begin with in common is computed once.
//
//   auto model = LanguageModel::Open("qwen.gguf", {});
//   auto prompt = (*model)->tokenizer().EncodeParts((*model)->chat()->Render(setup, messages, true));
//   auto done = (*model)->Complete({.prompt = prompt}, [](std::string_view piece) { ...; return true; });
//
// Threads: any.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/tool.h"
#include "grammar/token_mask.h"
#include "slm/chat_template.h"
#include "slm/engine.h"
#include "slm/sampler.h"

namespace sotto {

// A JSON Schema as what a text may be. Made once for many completions.
struct TextForm {
  std::shared_ptr<const Grammar> grammar;
  std::shared_ptr<MaskCache> masks;
  mutable std::mutex mutex;  // of masks
};

struct TokenChance {
  TokenId token = 0;
  float logprob = 0;  // natural logarithm, of the model's own distribution
};

struct CompletionRequest {
  std::vector<TokenId> prompt = {};  // not empty
  int max_tokens = 0;                // 0: as many as the context holds
  SamplerOptions sampler = {};
  std::vector<std::string> stop = {};         // the text ends before the first of them
  std::shared_ptr<const TextForm> form = {};  // null: any text
  std::string call_open = {};                 // where the text comes to this, ...
  std::shared_ptr<const TextForm> call = {};  // ... a call in this form follows, ...
  std::string call_close = {};                // ... and this
  bool call_first = false;                    // a call, and nothing before it
  int logprobs = -1;                          // likeliest tokens beside each; -1: no logprobs at all
};

struct Completion {
  enum class Finish { kStop, kLength, kCancelled };
  struct Token {
    TokenChance chosen;
    std::vector<TokenChance> likeliest;
  };
  Finish finish = Finish::kStop;
  std::string text;                // without calls
  std::vector<std::string> calls;  // each a JSON text
  std::vector<Token> tokens;       // where logprobs were asked for; those of `text`
  int prompt_tokens = 0;
  int cached_tokens = 0;  // of the prompt, computed before
  int completion_tokens = 0;
};

class LanguageModel {
 public:
  struct Options {
    int n_threads = 0;                           // 0: all cores
    std::shared_ptr<SharedTeam> team = nullptr;  // compute on these threads, with others; null: on its own
    int n_ctx = 0;  // 0: what the model was made for, or less (slm/model_config.h)
    std::string chat_template = {};
    std::string lora = {};
    size_t kept = 8;  // prompts whose computation is kept
  };
  // `path`: a GGUF, or "random:SHAPE" (slm/random_model.h; of Qwen3's chat template unless another is named). The error names the file.
  static Result<std::unique_ptr<LanguageModel>> Open(const std::string& path, const Options& options);

  const Model& model() const { return engine_->model(); }
  const Tokenizer& tokenizer() const { return model().tokenizer(); }
  // Null: the file has no chat template that is known.
  const ChatTemplate* chat() const { return chat_ ? &*chat_ : nullptr; }

  // A text to be gone on with, as the model wants it to begin.
  std::vector<TokenId> PromptOf(std::string_view text) const;
  // A conversation. REQUIRES: chat().
  std::vector<TokenId> PromptOf(const ChatSetup& setup, std::span<const ChatMessage> messages) const;

  // The error names what of the schema is not supported.
  Result<std::shared_ptr<const TextForm>> FormOf(const Json& schema, std::string_view source) const;
  // A call of one of the tools, in the form of the model's chat template. REQUIRES: chat(), tools.
  Result<std::shared_ptr<const TextForm>> FormOfCalls(std::span<const ToolSpec> tools) const;

  // Told of the text as it comes, in whole characters; false: no more is wanted.
  using Told = std::function<bool(std::string_view piece)>;
  // Blocks. Errors: the prompt does not fit, ...
  Result<Completion> Complete(const CompletionRequest& request, const Told& told = nullptr) const;

 private:
  class Run;

  LanguageModel(std::unique_ptr<BatchingEngine> engine, std::shared_ptr<const LoraAdapter> lora,
                std::optional<ChatTemplate> chat, size_t kept);
  KvCache CacheFor(std::span<const TokenId> prompt) const;
  void Keep(KvCache cache) const;

  const std::unique_ptr<BatchingEngine> engine_;
  const std::shared_ptr<const LoraAdapter> lora_;
  const std::optional<ChatTemplate> chat_;
  const std::shared_ptr<const TokenTable> table_;
  const size_t n_kept_;
  mutable std::mutex mutex_;
  mutable std::vector<KvCache> kept_;  // guarded by mutex_; the last used first
};

}  // namespace sotto
