#include "assistant/language_model.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sotto {
namespace {

constexpr std::string_view kRandom = "random:";
constexpr int kWorthKeeping = 16;  // tokens

// Bytes of `text` that form whole characters of UTF-8: the rest may be completed by the next token.
size_t WholeCharacters(std::string_view text) {
  for (size_t back = 1; back <= std::min<size_t>(4, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0) == 0x80) continue;
    const size_t length = byte < 0x80 ? 1 : byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return length > back ? text.size() - back : text.size();
  }
  return text.size();
}

// Bytes of `text` that cannot be the beginning of `mark`.
size_t BeforeBeginningOf(std::string_view text, std::string_view mark) {
  for (size_t length = std::min(text.size(), mark.size()); length > 0; --length) {
    if (text.ends_with(mark.substr(0, length))) return text.size() - length;
  }
  return text.size();
}

// The logarithm of each token's share is its logit less this.
double LogSum(std::span<const float> logits) {
  const double most = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - most);
  return most + std::log(sum);
}

std::shared_ptr<const TokenTable> TableOf(const Tokenizer& tokenizer) {
  std::vector<std::string> tokens(tokenizer.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    if (!tokenizer.IsEnd(id)) tokens[i] = tokenizer.TokenBytes(id);
  }
  return std::make_shared<TokenTable>(std::move(tokens));
}

}  // namespace

// One completion.
class LanguageModel::Run {
 public:
  Run(const LanguageModel& model, const CompletionRequest& request, const Told& told)
      : model_(model), request_(request), told_(told), sampler_(request.sampler) {}

  Result<Completion> Complete() {
    const auto n_ctx = static_cast<size_t>(model_.model().config().n_ctx);
    if (request_.prompt.empty()) return MakeError(ErrorCode::kInvalidArgument, "the prompt is empty");
    if (request_.prompt.size() >= n_ctx) {
      return MakeError(ErrorCode::kInvalidArgument, "the prompt has {} tokens, the context holds {}",
                       request_.prompt.size(), n_ctx);
    }
    KvCache cache = model_.CacheFor(request_.prompt);
    done_.prompt_tokens = static_cast<int>(request_.prompt.size());
    done_.cached_tokens = cache.size();
    std::vector<TokenId> next(request_.prompt.begin() + cache.size(), request_.prompt.end());
    ForwardRequest forward{.cache = &cache, .tokens = {}, .lora = model_.lora_.get()};
    if (request_.form != nullptr) BeginForm(*request_.form);
    if (request_.call_first) Force(request_.call_open, &next);
    if (request_.call_first) BeginCall();
    while (true) {
      const size_t left = n_ctx - static_cast<size_t>(cache.size());
      const bool full =
          next.size() >= left || (request_.max_tokens > 0 && done_.completion_tokens >= request_.max_tokens);
      if (full) {
        done_.finish = Completion::Finish::kLength;
        break;
      }
      forward.tokens = next;
      SOTTO_RETURN_IF_ERROR(model_.engine_->Forward(forward));
      next.clear();
      if (!TakeNext(forward.logits, &next)) break;
    }
    if (done_.finish != Completion::Finish::kCancelled) Tell(text_.size());
    done_.text = text_.substr(0, told_bytes_);
    if (in_call_) done_.calls.push_back(text_.substr(call_begin_));
    model_.Keep(std::move(cache));
    return std::move(done_);
  }

 private:
  void BeginForm(const TextForm& form) {
    form_ = &form;
    matcher_.emplace(form.grammar);
  }
  void BeginCall() {
    in_call_ = true;
    BeginForm(*request_.call);
    call_begin_ = text_.size();
  }
  // Written for the model.
  void Force(std::string_view text, std::vector<TokenId>* next) const {
    const TextPart part{std::string(text), true};
    const std::vector<TokenId> tokens =
        model_.tokenizer().EncodeParts({&part, 1}, {.parse_special = true, .continuation = true});
    next->insert(next->end(), tokens.begin(), tokens.end());
  }

  // The next token, and what is to be computed after it. False: it was the last.
  bool TakeNext(std::vector<float>& logits, std::vector<TokenId>* next) {
    const double log_sum = request_.logprobs < 0 ? 0 : LogSum(logits);
    Completion::Token chances;
    if (request_.logprobs > 0) chances.likeliest = Likeliest(logits, log_sum);
    if (form_ != nullptr) {
      if (!in_call_ && matcher_->MustEnd()) return false;
      Restrict(logits);
    }
    const TokenId token = sampler_.Next(logits);
    if (model_.tokenizer().IsEnd(token)) return false;
    ++done_.completion_tokens;
    next->push_back(token);
    if (form_ != nullptr) matcher_->AcceptBytes(model_.table_->bytes(token));
    const DecodeOptions with_marks{.special = !request_.call_open.empty(), .continuation = !text_.empty()};
    text_ += model_.tokenizer().Decode({&token, 1}, with_marks);
    if (in_call_) {
      if (matcher_->MustEnd()) EndCall(next);
      return true;
    }
    if (request_.logprobs >= 0) {
      // What a form allows keeps its logit.
      chances.chosen = {token, static_cast<float>(logits[static_cast<size_t>(token)] - log_sum)};
      done_.tokens.push_back(std::move(chances));
    }
    if (request_.call != nullptr && text_.ends_with(request_.call_open)) {
      Tell(text_.size() - request_.call_open.size());
      BeginCall();
      return true;
    }
    return Go();
  }

  // What may be said of the text is told. False: it ends here.
  bool Go() {
    size_t end = std::string::npos;
    for (const std::string& stop : request_.stop)
      end = std::min(end, text_.find(stop, told_bytes_ - std::min(told_bytes_, stop.size())));
    if (end != std::string::npos) {
      text_.resize(end);
      return false;
    }
    std::string_view whole(text_.data(), WholeCharacters(text_));
    size_t bytes = whole.size();
    for (const std::string& stop : request_.stop) bytes = std::min(bytes, BeforeBeginningOf(whole, stop));
    if (request_.call != nullptr) bytes = std::min(bytes, BeforeBeginningOf(whole, request_.call_open));
    if (Tell(bytes)) return true;
    done_.finish = Completion::Finish::kCancelled;
    return false;
  }

  bool Tell(size_t bytes) {
    if (in_call_ || bytes <= told_bytes_) return true;
    const std::string_view piece(text_.data() + told_bytes_, bytes - told_bytes_);
    told_bytes_ = bytes;
    return told_ == nullptr || told_(piece);
  }

  void EndCall(std::vector<TokenId>* next) {
    done_.calls.push_back(text_.substr(call_begin_));
    // What was a call is no text; after it another may come, or the end.
    text_.resize(told_bytes_);
    Force(request_.call_close, next);
    in_call_ = false;
    form_ = nullptr;
    matcher_.reset();
  }

  void Restrict(std::vector<float>& logits) {
    {
      const std::lock_guard lock(form_->mutex);
      form_->masks->Fill(*matcher_, mask_);
    }
    const bool may_end = matcher_->CanEnd();
    constexpr float kNever = -std::numeric_limits<float>::infinity();
    for (size_t i = 0; i < logits.size(); ++i) {
      const auto token = static_cast<TokenId>(i);
      const bool allowed =
          i < model_.table_->size() && (mask_.Allows(token) || (may_end && model_.tokenizer().IsEnd(token)));
      if (!allowed) logits[i] = kNever;
    }
  }

  std::vector<TokenChance> Likeliest(std::span<const float> logits, double log_sum) const {
    std::vector<TokenId> order(logits.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<TokenId>(i);
    const auto n = std::min<size_t>(static_cast<size_t>(request_.logprobs), order.size());
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), order.end(),
                      [&](TokenId a, TokenId b) {
                        return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
                      });
    std::vector<TokenChance> likeliest;
    for (size_t i = 0; i < n; ++i) {
      const double logit = logits[static_cast<size_t>(order[i])];
      likeliest.push_back({order[i], static_cast<float>(logit - log_sum)});
    }
    return likeliest;
  }

  const LanguageModel& model_;
  const CompletionRequest& request_;
  const Told& told_;
  Sampler sampler_;
  Completion done_;
  std::string text_;       // that was not a call, and the call that is being written
  size_t told_bytes_ = 0;  // of text_
  bool in_call_ = false;
  size_t call_begin_ = 0;
  const TextForm* form_ = nullptr;
  std::optional<Matcher> matcher_;
  TokenMask mask_;
};

LanguageModel::LanguageModel(std::unique_ptr<BatchingEngine> engine, std::shared_ptr<const LoraAdapter> lora,
                             std::optional<ChatTemplate> chat, size_t kept)
    : engine_(std::move(engine)),
      lora_(std::move(lora)),
      chat_(std::move(chat)),
      table_(TableOf(tokenizer())),
      n_kept_(kept) {}

Result<std::unique_ptr<LanguageModel>> LanguageModel::Open(const std::string& path, const Options& options) {
  LoadOptions load;
  load.n_ctx = options.n_ctx;
  const bool random = path.starts_with(kRandom);
  SOTTO_ASSIGN_OR_RETURN(
      const std::shared_ptr<const Model> model,
      random ? Model::Random(std::string_view(path).substr(kRandom.size()), load) : Model::Load(path, load));
  std::shared_ptr<const LoraAdapter> lora;
  if (!options.lora.empty()) {
    SOTTO_ASSIGN_OR_RETURN(lora, LoraAdapter::Load(options.lora, *model));
  }
  std::optional<ChatTemplate> chat;
  // Random weights understand every form as well as any other.
  const std::string name = random && options.chat_template.empty() ? "qwen3" : options.chat_template;
  auto found = ChatTemplate::Create(model->gguf(), name);
  if (found) {
    chat = *std::move(found);
  } else if (!options.chat_template.empty()) {
    return tl::unexpected(std::move(found).error());
  }
  SOTTO_ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine,
                         Engine::Create(model, {.n_threads = options.n_threads, .team = options.team}));
  return std::unique_ptr<LanguageModel>(new LanguageModel(std::make_unique<BatchingEngine>(std::move(engine)),
                                                          std::move(lora), std::move(chat), options.kept));
}

std::vector<TokenId> LanguageModel::PromptOf(std::string_view text) const {
  std::vector<TokenId> tokens = tokenizer().Encode(text, {.add_special = true});
  // A prompt ends where the model goes on, whatever the tokenizer would close it with.
  if (tokenizer().add_eos() && !tokens.empty() && tokenizer().IsEnd(tokens.back())) tokens.pop_back();
  return tokens;
}

std::vector<TokenId> LanguageModel::PromptOf(const ChatSetup& setup,
                                             std::span<const ChatMessage> messages) const {
  return tokenizer().EncodeParts(chat_->Render(setup, messages, true));
}

Result<std::shared_ptr<const TextForm>> LanguageModel::FormOf(const Json& schema,
                                                              std::string_view source) const {
  const auto form = std::make_shared<TextForm>();
  SOTTO_ASSIGN_OR_RETURN(form->grammar, Grammar::FromSchema(schema, source));
  form->masks = std::make_shared<MaskCache>(form->grammar, table_);
  return form;
}

Result<std::shared_ptr<const TextForm>> LanguageModel::FormOfCalls(std::span<const ToolSpec> tools) const {
  Json calls = Json::array();
  for (const ToolSpec& tool : tools) {
    const std::string& key = chat_->call_form().key;
    const Json properties = {{"name", {{"const", tool.name}}}, {key, tool.parameters}};
    calls.push_back({{"type", "object"}, {"properties", properties}, {"required", {"name", key}}});
  }
  return FormOf(calls.size() == 1 ? calls[0] : Json{{"anyOf", std::move(calls)}}, "tools");
}

KvCache LanguageModel::CacheFor(std::span<const TokenId> prompt) const {
  const std::lock_guard lock(mutex_);
  int most = 0;
  const KvCache* best = nullptr;
  for (const KvCache& cache : kept_) {
    // The last token is computed again: its logits are wanted.
    const int common = std::min(cache.CommonPrefix(prompt), static_cast<int>(prompt.size()) - 1);
    if (common > most) {
      most = common;
      best = &cache;
    }
  }
  if (best == nullptr) return engine_->NewCache();
  KvCache cache = best->Fork();
  cache.Truncate(most);
  return cache;
}

void LanguageModel::Keep(KvCache cache) const {
  if (n_kept_ == 0 || cache.size() < kWorthKeeping) return;
  const std::lock_guard lock(mutex_);
  // What is the beginning of this one is of no more use.
  std::erase_if(kept_,
                [&](const KvCache& other) { return cache.CommonPrefix(other.tokens()) == other.size(); });
  kept_.insert(kept_.begin(), std::move(cache));
  if (kept_.size() > n_kept_) kept_.pop_back();
}

Result<Completion> LanguageModel::Complete(const CompletionRequest& request, const Told& told) const {
  return Run(*this, request, told).Complete();
}

}  // namespace sotto
