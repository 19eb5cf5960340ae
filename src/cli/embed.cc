// sotto embed: sentences as vectors (embed/sentence_encoder.h), one JSON object a line.
#include <cmath>
#include <iostream>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/text_input.h"
#include "core/json.h"
#include "embed/sentence_encoder.h"

namespace sotto {
namespace {

struct EmbedFlags {
  std::vector<std::string> texts;
  std::string model;
  bool similarity = false;
};

Json VectorJson(std::span<const float> vector) {
  Json numbers = Json::array();
  for (const float value : vector) numbers.push_back(std::round(static_cast<double>(value) * 1e6) / 1e6);
  return numbers;
}

Result<void> Embed(const EmbedFlags& flags) {
  std::filesystem::path path = flags.model;
  if (flags.model.empty()) {
    SOTTO_ASSIGN_OR_RETURN(path, FindSentenceEncoder());
  }
  SOTTO_ASSIGN_OR_RETURN(const auto encoder, SentenceEncoder::Open(path));
  if (flags.similarity) {
    if (flags.texts.size() != 2) {
      return MakeError(ErrorCode::kInvalidArgument, "embed --similarity: give two texts, not {}",
                       flags.texts.size());
    }
    fmt::print("{:.4f}\n", Cosine(encoder->Encode(flags.texts[0]), encoder->Encode(flags.texts[1])));
    return {};
  }
  const auto print = [&encoder](const std::string& text) {
    fmt::print("{}\n", Json{{"text", text}, {"vector", VectorJson(encoder->Encode(text))}}.dump());
  };
  for (const std::string& text : flags.texts) print(CleanText(text, "argument TEXT"));
  if (!flags.texts.empty()) return {};
  std::string line;
  for (int number = 0; NextLine(std::cin, "standard input", number, line);) print(line);
  return {};
}

}  // namespace

void RegisterEmbed(CLI::App& app, CliContext& context) {
  CLI::App* command =
      app.add_subcommand("embed", "Sentences as vectors of 512 numbers: near where they mean the same");
  auto flags = std::make_shared<EmbedFlags>();
  command->add_option("texts", flags->texts, "Sentences; without any, the lines of standard input");
  command->add_option("--model", flags->model, "The encoder's GGUF; by default the installed one");
  command->add_flag("--similarity", flags->similarity, "The cosine of two sentences instead");
  command->footer(
      "One JSON object a line: {\"text\": ..., \"vector\": [512 numbers, length 1]}. English.\n\n"
      "Examples:\n  sotto embed \"where is my card\" \"my card has not come\"\n"
      "  sotto embed --similarity \"where is my card\" \"my card has not come\"\n"
      "  sotto embed < sentences.txt > vectors.jsonl");
  command->callback([flags, &context] {
    if (const auto done = Embed(*flags); !done) context.Fail(done.error());
  });
}

}  // namespace sotto
