// sotto generate: a model continues a text or answers a question, token by token.
#include <cstdio>

#include "cli/brain_options.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/text_input.h"
#include "core/json.h"
#include "slm/chat_template.h"
#include "slm/engine.h"
#include "slm/sampler.h"

namespace sotto {
namespace {

struct GenerateFlags {
  std::string path;
  std::string random_weights;
  std::string prompt;
  std::string system;
  std::string chat_template;
  std::string lora;
  bool chat = false;
  bool json = false;
  int max_tokens = 256;
  int ctx = 0;
  int threads = 0;
  SamplerOptions sampler;
};

// Bytes of `text` that form whole UTF-8 characters: the rest may be completed by the next token.
size_t WholeCharacters(std::string_view text) {
  size_t start = text.size();
  for (size_t back = 1; back <= std::min<size_t>(4, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0) == 0x80) continue;
    const size_t length = byte < 0x80 ? 1 : byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    if (length > back) start = text.size() - back;
    break;
  }
  return start;
}

Result<std::vector<TokenId>> EncodePrompt(const GenerateFlags& flags, const Model& model) {
  const Tokenizer& tokenizer = model.tokenizer();
  std::vector<TokenId> tokens;
  if (flags.chat) {
    SOTTO_ASSIGN_OR_RETURN(const ChatTemplate chat, ChatTemplate::Create(model.gguf(), flags.chat_template));
    ChatSetup setup;
    setup.system = flags.system;
    ChatMessage message;
    message.content = flags.prompt;
    tokens = tokenizer.EncodeParts(chat.Render(setup, {&message, 1}, true));
  } else {
    tokens = tokenizer.Encode(flags.prompt, {.add_special = true});
    // A prompt ends where the model goes on, whatever the tokenizer would close it with.
    if (tokenizer.add_eos() && !tokens.empty() && tokenizer.IsEnd(tokens.back())) tokens.pop_back();
  }
  if (tokens.empty())
    return MakeError(ErrorCode::kInvalidArgument, "--prompt: empty, and the model has no BOS token");
  return tokens;
}

Result<std::shared_ptr<const Model>> LoadModel(const GenerateFlags& flags) {
  LoadOptions options;
  options.n_ctx = flags.ctx;
  if (flags.random_weights.empty()) return Model::Load(flags.path, options);
  return Model::Random(flags.random_weights, options);
}

Result<void> Run(GenerateFlags flags) {
  flags.prompt = CleanText(std::move(flags.prompt), "--prompt");
  flags.system = CleanText(std::move(flags.system), "--system");
  SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const Model> model, LoadModel(flags));
  std::shared_ptr<const LoraAdapter> lora;
  if (!flags.lora.empty()) {
    SOTTO_ASSIGN_OR_RETURN(lora, LoraAdapter::Load(flags.lora, *model));
  }
  SOTTO_ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine,
                         Engine::Create(model, {.n_threads = flags.threads}));
  SOTTO_ASSIGN_OR_RETURN(const std::vector<TokenId> prompt, EncodePrompt(flags, *model));
  KvCache cache = engine->NewCache();
  Sampler sampler(flags.sampler);
  ForwardRequest request{.cache = &cache, .tokens = prompt, .lora = lora.get()};
  std::vector<TokenId> tokens;
  std::string text;
  size_t printed = 0;
  bool ended = false;
  while (static_cast<int>(tokens.size()) < flags.max_tokens && cache.size() < model->config().n_ctx) {
    SOTTO_RETURN_IF_ERROR(engine->Forward(request));
    const TokenId token = sampler.Next(request.logits);
    ended = model->tokenizer().IsEnd(token);
    if (ended) break;
    tokens.push_back(token);
    request.tokens = std::span(tokens).last(1);
    text = model->tokenizer().Decode(tokens);
    const size_t whole = WholeCharacters(text);
    if (!flags.json && whole > printed) {
      std::fwrite(text.data() + printed, 1, whole - printed, stdout);
      std::fflush(stdout);
      printed = whole;
    }
  }
  if (flags.json) {
    const Json out{{"text", text}, {"prompt_tokens", prompt.size()}, {"tokens", tokens}, {"ended", ended}};
    fmt::print("{}\n", out.dump(-1, ' ', false, Json::error_handler_t::replace));
  } else {
    std::fwrite(text.data() + printed, 1, text.size() - printed, stdout);
    std::fputc('\n', stdout);
  }
  return {};
}

}  // namespace

void RegisterGenerate(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("generate", "Continue a text with a model, or answer with --chat");
  auto flags = std::make_shared<GenerateFlags>();
  CLI::Option* model = command->add_option("--model", flags->path, "Model file (GGUF)");
  command
      ->add_option("--random-weights", flags->random_weights,
                   "A shape such as smollm2-135m:Q8_0, made in memory")
      ->excludes(model);
  command->add_option("--prompt", flags->prompt, "The text")->required();
  command->add_flag("--chat", flags->chat, "The prompt is a user's message in the model's chat template");
  command->add_option("--system", flags->system, "System text, with --chat");
  AddChatTemplate(*command, flags->chat_template);
  command->add_option("--lora", flags->lora, "Adapter file (GGUF)");
  command->add_option("--max-tokens", flags->max_tokens, "Most tokens to write")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--ctx", flags->ctx, "Context in tokens")->check(CLI::PositiveNumber);
  command->add_option("--temperature", flags->sampler.temperature, "0: always the likeliest token")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--top-k", flags->sampler.top_k, "Only the likeliest; 0: all")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--top-p", flags->sampler.top_p, "Only the likeliest with this share")
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--min-p", flags->sampler.min_p, "Only those with this part of the likeliest's share")
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--seed", flags->sampler.seed, "Of the sampler")->capture_default_str();
  command->add_option("--threads", flags->threads, "0: all cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "One JSON object at the end instead of streaming");
  command->footer(
      "Example:\n  sotto generate --model model.gguf --prompt \"Once upon a time\"\n"
      "  sotto generate --model model.gguf --chat --temperature 0.7 --prompt \"Name three rivers\"");
  command->callback([flags, &context] {
    if (flags->path.empty() && flags->random_weights.empty()) {
      context.Fail({ErrorCode::kInvalidArgument, "generate: give --model FILE (or --random-weights SHAPE)"});
    } else if (auto result = Run(*flags); !result) {
      context.Fail(result.error());
    }
  });
}

}  // namespace sotto
