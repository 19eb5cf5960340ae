// sotto generate: a model continues a text or answers a question, token by token.
#include <cstdio>

#include "assistant/language_model.h"
#include "cli/brain_options.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/text_input.h"

namespace sotto {
namespace {

struct GenerateFlags {
  std::string path;
  std::string random_weights;
  std::string prompt;
  std::string system;
  bool chat = false;
  bool json = false;
  LanguageModel::Options model{.kept = 0};
  CompletionRequest request{.max_tokens = 256};
};

Result<std::vector<TokenId>> PromptOf(const GenerateFlags& flags, const LanguageModel& model) {
  if (!flags.chat) {
    std::vector<TokenId> tokens = model.PromptOf(flags.prompt);
    if (!tokens.empty()) return tokens;
    return MakeError(ErrorCode::kInvalidArgument, "--prompt: empty, and the model has no BOS token");
  }
  if (model.chat() == nullptr) {
    // Says why.
    SOTTO_ASSIGN_OR_RETURN(const ChatTemplate none, ChatTemplate::Create(model.model().gguf()));
  }
  ChatSetup setup;
  setup.system = flags.system;
  ChatMessage message;
  message.content = flags.prompt;
  return model.PromptOf(setup, {&message, 1});
}

Result<void> Run(GenerateFlags flags) {
  flags.prompt = CleanText(std::move(flags.prompt), "--prompt");
  flags.system = CleanText(std::move(flags.system), "--system");
  const std::string path = flags.random_weights.empty() ? flags.path : "random:" + flags.random_weights;
  SOTTO_ASSIGN_OR_RETURN(const std::unique_ptr<LanguageModel> model, LanguageModel::Open(path, flags.model));
  SOTTO_ASSIGN_OR_RETURN(flags.request.prompt, PromptOf(flags, *model));
  flags.request.logprobs = flags.json ? 0 : -1;  // tells the tokens
  SOTTO_ASSIGN_OR_RETURN(const Completion done, model->Complete(flags.request, [&](std::string_view piece) {
    if (flags.json) return true;
    std::fwrite(piece.data(), 1, piece.size(), stdout);
    std::fflush(stdout);
    return true;
  }));
  if (!flags.json) {
    std::fputc('\n', stdout);
    return {};
  }
  Json tokens = Json::array();
  for (const Completion::Token& token : done.tokens) tokens.push_back(token.chosen.token);
  const Json out{{"text", done.text},
                 {"prompt_tokens", done.prompt_tokens},
                 {"tokens", std::move(tokens)},
                 {"ended", done.finish == Completion::Finish::kStop}};
  fmt::print("{}\n", out.dump(-1, ' ', false, Json::error_handler_t::replace));
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
  AddChatTemplate(*command, flags->model.chat_template);
  command->add_option("--lora", flags->model.lora, "Adapter file (GGUF)");
  command->add_option("--max-tokens", flags->request.max_tokens, "Most tokens to write")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--ctx", flags->model.n_ctx, "Context in tokens")->check(CLI::PositiveNumber);
  command->add_option("--temperature", flags->request.sampler.temperature, "0: always the likeliest token")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--top-k", flags->request.sampler.top_k, "Only the likeliest; 0: all")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--top-p", flags->request.sampler.top_p, "Only the likeliest with this share")
      ->check(CLI::Range(0.0, 1.0));
  command
      ->add_option("--min-p", flags->request.sampler.min_p,
                   "Only those with this part of the likeliest's share")
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--seed", flags->request.sampler.seed, "Of the sampler")->capture_default_str();
  command->add_option("--threads", flags->model.n_threads, "0: all cores")
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
