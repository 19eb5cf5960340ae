// sotto bench speech: from sound to call. Every user turn of a file of conversations is spoken by synthesised
// voices, recognized for real and understood with the gold history before it; the call must be exactly the
// gold one.
#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "brain/brain.h"
#include "cli/bench.h"
#include "cli/brain_options.h"
#include "cli/command.h"
#include "cli/commit.h"
#include "cli/progress.h"
#include "core/conversation_jsonl.h"
#include "speech/audio_file.h"
#include "speech/backends.h"
#include "speech/codec.h"
#include "speech/front_end.h"
#include "speech/phrase_cache.h"
#include "speech/resample.h"
#include "text/edit_distance.h"
#include "text/normalise.h"

namespace sotto {
namespace {

struct SpeechFlags {
  BrainFlags brain;
  std::string data;
  std::string recognizer;
  std::vector<std::string> voices = {"rms", "slt", "awb", "kal16"};
  std::vector<double> snr;
  std::string noise;
  bool telephone = false;
  bool expectations = false;
  int limit = 0;
  bool errors = false;
  bool json = false;
};

struct SpeechScore {
  int turns = 0;
  int right = 0;  // the very call
  int right_name = 0;
  int right_text = 0;  // the same from the written words: what the brain alone gets
  int words = 0;
  int word_errors = 0;
  double finish_ms = 0;
  double audio_s = 0;
  double recognizer_s = 0;

  Json ToJson() const {
    const double n = std::max(turns, 1);
    return {{"turns", turns},
            {"exact", right / n},
            {"name", right_name / n},
            {"exact_from_text", right_text / n},
            {"word_error_rate", static_cast<double>(word_errors) / std::max(words, 1)},
            {"recognizer_x_real_time", recognizer_s / std::max(audio_s, 1e-9)},
            {"final_ms_mean", finish_ms / n}};
  }
};

double LoudestFrame(const std::vector<float>& samples) {
  double loudest = 1e-12;
  for (size_t at = 0; at + 2048 <= samples.size(); at += 2048) {
    double energy = 0;
    for (size_t i = at; i < at + 2048; ++i) energy += static_cast<double>(samples[i]) * samples[i];
    loudest = std::max(loudest, energy);
  }
  return loudest;
}

// Noise scaled so that the loudest frame of the speech is `snr_db` above its own loudest frame.
void AddNoise(std::vector<float>* speech, const std::vector<float>& noise, double snr_db, Random& random) {
  if (noise.size() <= speech->size()) return;
  const size_t from = random.Below(noise.size() - speech->size());
  const std::vector<float> piece(noise.begin() + static_cast<std::ptrdiff_t>(from),
                                 noise.begin() + static_cast<std::ptrdiff_t>(from + speech->size()));
  const double gain = std::sqrt(LoudestFrame(*speech) / LoudestFrame(piece) / std::pow(10, snr_db / 10));
  for (size_t i = 0; i < speech->size(); ++i) (*speech)[i] += static_cast<float>(gain) * piece[i];
}

// Down to 8 kHz, through mu-law, and up again.
Result<std::vector<float>> ThroughTelephone(const std::vector<float>& speech) {
  SOTTO_ASSIGN_OR_RETURN(Audio narrow, Resample({speech, kSampleRateHz}, 8000));
  narrow.samples = DecodeMuLaw(EncodeMuLaw(std::span<const float>(narrow.samples)));
  SOTTO_ASSIGN_OR_RETURN(Audio wide, Resample(narrow, kSampleRateHz));
  return std::move(wide.samples);
}

bool SameCalls(const std::vector<Understanding::Call>& calls, const std::vector<ToolCall>& gold) {
  if (calls.size() != gold.size()) return false;
  for (size_t i = 0; i < gold.size(); ++i) {
    if (!SameCall(calls[i].call, gold[i])) return false;
  }
  return true;
}

class Bench {
 public:
  Bench(const SpeechFlags& flags, std::shared_ptr<const Brain> brain,
        std::shared_ptr<const Workflow> workflow)
      : flags_(flags), brain_(std::move(brain)), workflow_(std::move(workflow)), session_(brain_) {}

  Result<Json> Run() {
    SOTTO_ASSIGN_OR_RETURN(auto conversations, ReadConversations(flags_.data));
    SOTTO_ASSIGN_OR_RETURN(const DomainText text, MakeDomainText(*workflow_, 1));
    SOTTO_ASSIGN_OR_RETURN(
        pool_, OpenRecognizers(
                   flags_.recognizer.empty() ? workflow_->assistant.recognizer : flags_.recognizer, text));
    SOTTO_ASSIGN_OR_RETURN(recognizer_, pool_->Acquire());
    if (!flags_.noise.empty()) {
      SOTTO_ASSIGN_OR_RETURN(noise_, ReadAudioFile(flags_.noise));
    } else {
      Random random(7);
      noise_.samples.resize(kSampleRateHz * 60);
      for (float& sample : noise_.samples) sample = static_cast<float>(random.Uniform() - 0.5) * 0.2f;
    }
    Json result = {{"data", flags_.data},
                   {"recognizer", pool_->name()},
                   {"telephone", flags_.telephone},
                   {"commit", kCommit}};
    std::vector<double> levels = {INFINITY};
    levels.insert(levels.end(), flags_.snr.begin(), flags_.snr.end());
    ProgressBar bar("listening");
    size_t done = 0;
    for (const double level : levels) {
      Json by_voice = Json::object();
      SpeechScore all;
      for (const std::string& name : flags_.voices) {
        SOTTO_ASSIGN_OR_RETURN(const auto voice, OpenSynthesizer("flite", name));
        SpeechScore score;
        recognizer_->NewCaller();
        for (const LabelledConversation& row : conversations) {
          if (flags_.limit > 0 && score.turns >= flags_.limit) break;
          SOTTO_RETURN_IF_ERROR(OneConversation(row.conversation, *voice, level, &score));
        }
        by_voice[name] = score.ToJson();
        Add(score, &all);
        bar.Update(++done, levels.size() * flags_.voices.size());
      }
      const std::string key = std::isinf(level) ? "clean" : fmt::format("{:g}", level);
      result[key] = all.ToJson();
      result[key]["voices"] = std::move(by_voice);
    }
    return result;
  }

 private:
  static void Add(const SpeechScore& one, SpeechScore* all) {
    all->turns += one.turns;
    all->right += one.right;
    all->right_name += one.right_name;
    all->right_text += one.right_text;
    all->words += one.words;
    all->word_errors += one.word_errors;
    all->finish_ms += one.finish_ms;
    all->audio_s += one.audio_s;
    all->recognizer_s += one.recognizer_s;
  }

  Result<void> OneConversation(const Conversation& conversation, Synthesizer& voice, double level,
                               SpeechScore* score) {
    Conversation history;
    history.tools = conversation.tools;
    history.channel = Channel::kSpoken;
    for (const Turn& turn : conversation.turns) {
      SOTTO_RETURN_IF_ERROR(OneTurn(history, turn, voice, level, score));
      history.turns.push_back(turn);
    }
    return {};
  }

  Result<void> OneTurn(const Conversation& history, const Turn& turn, Synthesizer& voice, double level,
                       SpeechScore* score) {
    const std::string said = SpeakableWords(turn.user, static_cast<unsigned>(score->turns));
    if (said.empty() || turn.calls.empty()) return {};
    SOTTO_ASSIGN_OR_RETURN(Audio audio, SynthesizeAll(voice, said));
    std::vector<float> samples(kSampleRateHz / 4);
    const std::vector<float> speech = TrimAndFade(audio.samples, 160);
    samples.insert(samples.end(), speech.begin(), speech.end());
    samples.resize(samples.size() + kSampleRateHz / 4);
    if (!std::isinf(level)) AddNoise(&samples, noise_.samples, level, random_);
    if (flags_.telephone) {
      SOTTO_ASSIGN_OR_RETURN(samples, ThroughTelephone(samples));
    }
    const SystemClock clock;
    const TimePoint began = clock.Now();
    const Expectation expectation = flags_.expectations ? turn.expectation : Expectation{};
    SOTTO_RETURN_IF_ERROR(recognizer_->Start(ListeningModeFor(*workflow_, expectation)));
    for (size_t i = 0; i + kFrameSamples <= samples.size(); i += kFrameSamples) {
      SOTTO_RETURN_IF_ERROR(recognizer_->Feed({samples.data() + i, kFrameSamples}));
    }
    const TimePoint ended = clock.Now();
    SOTTO_ASSIGN_OR_RETURN(const Transcript transcript, recognizer_->Finish());
    score->finish_ms += Milliseconds(clock.Now() - ended);
    score->recognizer_s += Milliseconds(clock.Now() - began) / 1000;
    score->audio_s += static_cast<double>(samples.size()) / kSampleRateHz;
    const std::vector<std::string_view> reference = SplitWords(said);
    score->words += static_cast<int>(reference.size());
    score->word_errors += static_cast<int>(EditDistance(reference, SplitWords(transcript.text)));

    std::vector<Transcript::Hypothesis> hypotheses = transcript.n_best;
    if (hypotheses.empty()) hypotheses.push_back({transcript.text, 0});
    SOTTO_RETURN_IF_ERROR(session_.Begin(history, expectation, {}));
    SOTTO_ASSIGN_OR_RETURN(const Understanding heard, session_.Commit(hypotheses));
    SOTTO_RETURN_IF_ERROR(session_.Begin(history, expectation, {}));
    SOTTO_ASSIGN_OR_RETURN(const Understanding read, session_.Commit(turn.user));
    const bool right = SameCalls(heard.calls, turn.calls);
    ++score->turns;
    score->right += right ? 1 : 0;
    score->right_text += SameCalls(read.calls, turn.calls) ? 1 : 0;
    score->right_name += heard.calls.front().call.name == turn.calls.front().name ? 1 : 0;
    if (!right && flags_.errors) {
      fmt::print(stderr, "said   {}\nheard  {}\ngold   {}\ngot    {}\n\n", said, transcript.text,
                 sotto::ToJson(turn.calls.front()).dump(), sotto::ToJson(heard.calls.front().call).dump());
    }
    return {};
  }

  const SpeechFlags& flags_;
  const std::shared_ptr<const Brain> brain_;
  const std::shared_ptr<const Workflow> workflow_;
  BrainSession session_;
  std::unique_ptr<RecognizerPool> pool_;
  std::unique_ptr<Recognizer> recognizer_;
  Audio noise_;
  Random random_{11};
};

Result<void> Run(const SpeechFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(auto workflow, flags.brain.LoadWorkflowFile());
  SOTTO_ASSIGN_OR_RETURN(auto brain, flags.brain.OpenBrain());
  Bench bench(flags, std::move(brain), std::move(workflow));
  SOTTO_ASSIGN_OR_RETURN(const Json result, bench.Run());
  if (flags.json) {
    fmt::print("{}\n", result.dump(2));
    return {};
  }
  for (const auto& [condition, score] : result.items()) {
    if (!score.is_object()) continue;
    for (const auto& [voice, one] : score["voices"].items()) {
      fmt::print("{:>6}  {:<6} exact call {:5.1f}%  (from text {:5.1f}%)  word errors {:5.1f}%\n", condition,
                 voice, 100 * one["exact"].get<double>(), 100 * one["exact_from_text"].get<double>(),
                 100 * one["word_error_rate"].get<double>());
    }
    fmt::print(
        "{:>6}  {:<6} exact call {:5.1f}%  tool {:5.1f}%  word errors {:5.1f}%  {:.3f} x real time, final "
        "after {:.1f} ms\n",
        condition, "all", 100 * score["exact"].get<double>(), 100 * score["name"].get<double>(),
        100 * score["word_error_rate"].get<double>(), score["recognizer_x_real_time"].get<double>(),
        score["final_ms_mean"].get<double>());
  }
  return {};
}

}  // namespace

void RegisterBenchSpeech(CLI::App& bench, CliContext& context) {
  CLI::App* command = bench.add_subcommand(
      "speech", "From sound to call: spoken conversations, exact calls, by voice and noise");
  auto flags = std::make_shared<SpeechFlags>();
  flags->brain.AddTo(*command);
  command->add_option("--data", flags->data, "Conversations with gold calls (*.jsonl)")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("--recognizer", flags->recognizer, "As in `sotto talk`; default: the workflow's");
  command->add_option("--voices", flags->voices, "flite voices that speak")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--snr", flags->snr, "Also with noise at these signal-to-noise ratios (dB)")
      ->delimiter(',');
  command->add_option("--noise", flags->noise, "A recording of noise; default: white noise")
      ->check(CLI::ExistingFile);
  command->add_flag("--telephone", flags->telephone, "Through an 8 kHz mu-law line");
  command->add_flag("--expectations", flags->expectations,
                    "Give recognizer and brain the expectation stored in the data");
  command->add_option("--limit", flags->limit, "At most so many turns a voice (0: all)")
      ->capture_default_str();
  command->add_flag("--errors", flags->errors, "Show every wrong turn on standard error");
  command->add_flag("--json", flags->json, "For machines");
  command->footer(
      "Example:\n  sotto bench speech --workflow workflows/banking --data workflows/banking/valid.jsonl "
      "--snr 20,10");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
