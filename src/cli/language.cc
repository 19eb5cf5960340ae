// sotto language: trains the small classifiers of a language's folder and writes their card.
#include <fstream>

#include "cli/command.h"
#include "cli/commands.h"
#include "learn/sentence_trainer.h"
#include "text/language_data.h"

namespace sotto {
namespace {

constexpr size_t kPerPattern = 400;

struct LanguageFlags {
  std::string folder;
};

Result<void> Write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream stream(path, std::ios::binary);
  stream << text;
  stream.close();
  if (!stream) return MakeError(ErrorCode::kIo, "cannot write {}", path.string());
  return {};
}

// Trains one classifier; returns its part of the card.
Result<std::string> TrainOne(const std::filesystem::path& folder, const std::string& name,
                             std::vector<LabelledSentence> sentences) {
  SOTTO_ASSIGN_OR_RETURN(const auto written, ReadSentences(folder / "train" / (name + ".txt"), kPerPattern));
  sentences.insert(sentences.end(), written.begin(), written.end());
  SOTTO_ASSIGN_OR_RETURN(const auto heldout,
                         ReadSentences(folder / "heldout" / (name + ".txt"), kPerPattern));
  const SentenceModel model = TrainSentenceModel(sentences);
  const std::string text = model.ToText();
  SOTTO_RETURN_IF_ERROR(Write(folder / (name + ".model"), text));
  const SentenceScore seen = ScoreSentences(model, sentences);
  const SentenceScore unseen = ScoreSentences(model, heldout);
  const auto share = [](const SentenceScore& score) {
    return score.sentences == 0
               ? 0.0
               : 100.0 * static_cast<double>(score.right) / static_cast<double>(score.sentences);
  };
  fmt::print("{}: {} sentences, {:.1f} % right; {} held out, {:.1f} % right; {} bytes\n", name,
             seen.sentences, share(seen), unseen.sentences, share(unseen), text.size());
  for (const std::string& error : unseen.errors) fmt::print("  {}\n", error);
  return fmt::format("| `{}.model` | {} | {:.1f} % | {} | {:.1f} % | {:.0f} kB |\n", name, seen.sentences,
                     share(seen), unseen.sentences, share(unseen), static_cast<double>(text.size()) / 1000);
}

Result<void> TrainLanguage(const LanguageFlags& flags) {
  const std::filesystem::path folder = flags.folder;
  SOTTO_ASSIGN_OR_RETURN(const auto language, ReadLanguage(folder, false));
  std::string card = fmt::format(
      "# Classifiers of the language '{}'\n\nMade by `sotto language` from the patterns of `train/` and, for "
      "consent, the "
      "phrases of\n`consent.txt`. Each is multinomial logistic regression over words, pairs and affixes\n"
      "(`text/sentence_model.h`), readable as text.\n\n"
      "| model | sentences | right | held out | right | size |\n|---|---|---|---|---|---|\n",
      language->code);
  SOTTO_ASSIGN_OR_RETURN(const std::string consent, TrainOne(folder, "consent", AnswerPhrases(*language)));
  SOTTO_ASSIGN_OR_RETURN(const std::string requests, TrainOne(folder, "requests", {}));
  card += consent + requests;
  card +=
      "\nThe held-out sentences (`heldout/`) were written with other words by intent. Neither classifier "
      "decides "
      "alone:\na yes needs the rules of `consent.txt` too, and what `requests.model` doubts is read back "
      "(`text/consent.h`,\n`text/speech_act.h`).\n";
  return Write(folder / "card.md", card);
}

}  // namespace

void RegisterLanguage(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("language", "Train the small classifiers of a language's folder");
  auto flags = std::make_shared<LanguageFlags>();
  command->add_option("folder", flags->folder, "The language: lists, train/ and heldout/")->required();
  command->footer(
      "Writes consent.model, requests.model and card.md into the folder.\n\nExample:\n  sotto language "
      "src/text/languages/en");
  command->callback([flags, &context] {
    if (const auto trained = TrainLanguage(*flags); !trained) context.Fail(trained.error());
  });
}

}  // namespace sotto
