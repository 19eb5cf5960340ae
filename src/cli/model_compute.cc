// sotto model logits and embed: what a model computes from given tokens, for comparing with other programs.
#include <charconv>

#include "cli/command.h"
#include "cli/model.h"
#include "core/json.h"
#include "slm/engine.h"

namespace sotto {
namespace {

struct ComputeFlags {
  std::string path;
  std::string tokens;
  std::string text;
  std::string activations = "int8";
  std::string kv = "f32";
  std::string lora;
  int ctx = 0;
  int threads = 2;
  bool json = false;

  void AddTo(CLI::App& command) {
    command.add_option("--model", path, "Model file (GGUF)")->required();
    command
        .add_option("--ctx", ctx, "Context in tokens; default: what the model was trained for, at most 8192")
        ->check(CLI::PositiveNumber);
    command.add_option("--activations", activations, "int8: as in use; float: exact to 1e-4")
        ->check(CLI::IsMember({"int8", "float"}))
        ->capture_default_str();
    command.add_option("--kv", kv, "Rounding of the cache; conversations use f16")
        ->check(CLI::IsMember({"f16", "bf16", "f32"}))
        ->capture_default_str();
    command.add_option("--threads", threads, "Threads; 0: all cores")
        ->check(CLI::Range(0, 1024))
        ->capture_default_str();
    command.add_flag("--json", json, "One JSON object");
  }

  LoadOptions Options() const {
    LoadOptions options;
    options.n_ctx = ctx;
    options.activations = activations == "float" ? ActivationType::kFloat : ActivationType::kInt8;
    options.kv = kv == "f32" ? KvPrecision::kF32 : kv == "bf16" ? KvPrecision::kBF16 : KvPrecision::kF16;
    options.n_threads = threads == 0 ? 2 : threads;
    return options;
  }
};

// "1,2,3"
Result<std::vector<TokenId>> ParseTokens(std::string_view list) {
  std::vector<TokenId> tokens;
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    std::string_view item = list.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    TokenId token = 0;
    const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), token);
    if (error != std::errc() || end != item.data() + item.size()) {
      return MakeError(ErrorCode::kInvalidArgument, "--tokens: '{}' is no token id, expected ids like 1,2,3",
                       item);
    }
    tokens.push_back(token);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  if (tokens.empty())
    return MakeError(ErrorCode::kInvalidArgument, "--tokens: no token ids, expected ids like 1,2,3");
  return tokens;
}

Result<void> RunLogits(const ComputeFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const std::vector<TokenId> tokens, ParseTokens(flags.tokens));
  SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const Model> model, Model::Load(flags.path, flags.Options()));
  std::shared_ptr<const LoraAdapter> lora;
  if (!flags.lora.empty()) {
    SOTTO_ASSIGN_OR_RETURN(lora, LoraAdapter::Load(flags.lora, *model));
  }
  SOTTO_ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine,
                         Engine::Create(model, {.n_threads = flags.threads}));
  KvCache cache = engine->NewCache();
  ForwardRequest request{
      .cache = &cache, .tokens = tokens, .want = ForwardRequest::Want::kArgmax, .lora = lora.get()};
  SOTTO_RETURN_IF_ERROR(engine->Forward(request));
  ForwardRequest last{.cache = &cache, .lora = lora.get()};
  SOTTO_RETURN_IF_ERROR(engine->Forward(last));
  if (flags.json) {
    const Json out{{"last", last.logits}, {"argmax", request.argmax}};
    fmt::print("{}\n", out.dump());
    return {};
  }
  fmt::print("position  token   next\n");
  for (size_t i = 0; i < tokens.size(); ++i)
    fmt::print("{:>8} {:>6} {:>6}\n", i, tokens[i], request.argmax[i]);
  return {};
}

Result<void> RunEmbed(const ComputeFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const Model> model, Model::Load(flags.path, flags.Options()));
  SOTTO_ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine,
                         Engine::Create(model, {.n_threads = flags.threads}));
  std::vector<TokenId> tokens;
  if (flags.tokens.empty()) {
    tokens = model->tokenizer().Encode(flags.text, {.add_special = true});
  } else {
    SOTTO_ASSIGN_OR_RETURN(tokens, ParseTokens(flags.tokens));
  }
  SOTTO_ASSIGN_OR_RETURN(const std::vector<float> embedding, engine->Embed(tokens));
  if (flags.json) {
    const Json out{{"embedding", embedding}, {"tokens", tokens}};
    fmt::print("{}\n", out.dump());
  } else {
    fmt::print("{}\n", fmt::join(embedding, " "));
  }
  return {};
}

}  // namespace

void AddModelLogits(CLI::App& model, CliContext& context) {
  CLI::App* command =
      model.add_subcommand("logits", "Logits of the last of some tokens, best next token of each");
  auto flags = std::make_shared<ComputeFlags>();
  flags->AddTo(*command);
  command->add_option("--tokens", flags->tokens, "Token ids: 1,2,3")->required();
  command->add_option("--lora", flags->lora, "Adapter file (GGUF)");
  command->footer("Example:\n  sotto model logits --model model.gguf --tokens 1,2,3 --json");
  command->callback([flags, &context] {
    if (auto result = RunLogits(*flags); !result) context.Fail(result.error());
  });
}

void AddModelEmbed(CLI::App& model, CliContext& context) {
  CLI::App* command = model.add_subcommand("embed", "The embedding of a text (encoder models)");
  auto flags = std::make_shared<ComputeFlags>();
  flags->AddTo(*command);
  CLI::Option* tokens =
      command->add_option("--tokens", flags->tokens, "Token ids instead of a text: 101,7,102");
  CLI::Option* text = command->add_option("text", flags->text, "The text");
  text->excludes(tokens);
  command->footer("Example:\n  sotto model embed --model encoder.gguf \"where is my card\" --json");
  command->callback([flags, tokens, text, &context] {
    if (tokens->count() + text->count() == 0) {
      context.Fail({ErrorCode::kInvalidArgument, "model embed: give a text or --tokens"});
    } else if (auto result = RunEmbed(*flags); !result) {
      context.Fail(result.error());
    }
  });
}

}  // namespace sotto
