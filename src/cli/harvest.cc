// sotto harvest: what the recogniser mishears. Sentences of the generator are spoken by several voices and
// recognised; what comes back differently becomes the workflow's confusions.tsv, which the generator uses.
#include "learn/harvest.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "learn/synth.h"
#include "speech/backends.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

struct HarvestFlags {
  std::string workflow;
  size_t sentences = 400;
  uint64_t seed = 1;
  std::string voices = "flite:slt,flite:rms,flite:awb,flite:kal16";
  std::string recognizer = "moonshine,pocketsphinx";
  size_t least = 2;
  size_t most = 4;
  std::string out;
};

std::vector<std::string> SplitAtCommas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    if (comma > 0) parts.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

// What people say in clean generated conversations, as words to speak.
Result<std::vector<std::string>> Sentences(std::shared_ptr<const Workflow> workflow,
                                           const HarvestFlags& flags) {
  SynthOptions options;
  options.count = flags.sentences;
  options.seed = flags.seed;
  options.simulator.noise = 0;
  SOTTO_ASSIGN_OR_RETURN(const Synthesised made, Synthesise(std::move(workflow), options));
  std::vector<std::string> sentences;
  for (const LabelledConversation& row : made.conversations)
    for (const Turn& turn : row.conversation.turns) {
      std::string words = SpeakableWords(turn.user, static_cast<unsigned>(sentences.size()));
      if (!words.empty() && sentences.size() < flags.sentences) sentences.push_back(std::move(words));
    }
  return sentences;
}

Result<std::string> Hear(Recognizer& recognizer, Synthesizer& voice, const std::string& sentence) {
  recognizer.NewCaller();
  SOTTO_RETURN_IF_ERROR(recognizer.Start(ListeningMode::kOpen));
  const std::vector<float> silence(kSampleRateHz / 4, 0.0F);
  SOTTO_RETURN_IF_ERROR(recognizer.Feed(silence));
  SOTTO_ASSIGN_OR_RETURN(const Audio audio, SynthesizeAll(voice, sentence));
  SOTTO_RETURN_IF_ERROR(recognizer.Feed(audio.samples));
  SOTTO_RETURN_IF_ERROR(recognizer.Feed(silence));
  SOTTO_ASSIGN_OR_RETURN(const Transcript transcript, recognizer.Finish());
  return transcript.text;
}

Result<void> Run(const HarvestFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto workflow, LoadWorkflow(flags.workflow));
  SOTTO_ASSIGN_OR_RETURN(const std::vector<std::string> sentences, Sentences(workflow, flags));
  SOTTO_ASSIGN_OR_RETURN(const DomainText text, MakeDomainText(*workflow, flags.seed));
  SOTTO_ASSIGN_OR_RETURN(const auto pool, OpenRecognizers(flags.recognizer, text));
  SOTTO_ASSIGN_OR_RETURN(const auto recognizer, pool->Acquire());
  const std::vector<std::string> voices = SplitAtCommas(flags.voices);
  if (voices.empty()) return MakeError(ErrorCode::kInvalidArgument, "--voices names none");
  ConfusionCounts counts;
  ProgressBar bar("listening");
  size_t done = 0;
  for (const std::string& name : voices) {
    SOTTO_ASSIGN_OR_RETURN(const auto voice, OpenSynthesizer(name, ""));
    for (const std::string& sentence : sentences) {
      SOTTO_ASSIGN_OR_RETURN(const std::string heard, Hear(*recognizer, *voice, sentence));
      counts.Add(sentence, heard);
      bar.Update(++done, voices.size() * sentences.size());
    }
  }
  bar.Finish();
  const std::string path = flags.out.empty() ? (workflow->folder / "confusions.tsv").string() : flags.out;
  std::ofstream file(path);
  file << fmt::format("# what {} heard instead: {} sentences, voices {}, word error rate {:.3f}\n",
                      pool->name(), counts.n_sentences(), flags.voices, counts.word_error_rate())
       << counts.ToTable(flags.least, flags.most);
  file.close();
  if (!file) return MakeError(ErrorCode::kIo, "cannot write {}", path);
  fmt::print("{}: {} sentences, word error rate {:.3f}, {} words misheard\n", path, counts.n_sentences(),
             counts.word_error_rate(), counts.n_words());
  return {};
}

}  // namespace

void RegisterHarvest(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand(
      "harvest",
      "Learn what the recogniser mishears: speak generated sentences, recognise them, keep what differs");
  auto flags = std::make_shared<HarvestFlags>();
  command->add_option("--workflow", flags->workflow, "Workflow folder")->required();
  command->add_option("--sentences", flags->sentences, "Sentences a voice speaks")->capture_default_str();
  command->add_option("--seed", flags->seed, "Which sentences")->capture_default_str();
  command->add_option("--voices", flags->voices, "Synthesizers, separated by commas")->capture_default_str();
  command->add_option("--recognizer", flags->recognizer, "As for sotto talk")->capture_default_str();
  command->add_option("--least", flags->least, "Leave out what was heard less often")->capture_default_str();
  command->add_option("--most", flags->most, "Most confusions a word")->capture_default_str();
  command->add_option("--out", flags->out, "File to write; default: confusions.tsv in the workflow folder");
  command->footer("Example:\n  sotto harvest --workflow workflows/banking --sentences 400");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
