// sotto bench ears: real people's orders, clean and with recorded noise, from sound to call. A recording is
// right when the call has exactly the slots that were ordered.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>

#include "base/mapped_file.h"
#include "base/random.h"
#include "brain/brain.h"
#include "cli/bench.h"
#include "cli/brain_options.h"
#include "cli/command.h"
#include "cli/commit.h"
#include "cli/progress.h"
#include "speech/audio_file.h"
#include "speech/backends.h"
#include "speech/noise_mix.h"

namespace sotto {
namespace {

struct EarsFlags {
  BrainFlags brain;
  std::string data;
  std::string noise;
  std::string recognizer;
  std::vector<double> snr;
  int limit = 0;
  int skip = 0;
  bool show = false;
  bool json = false;
};

struct Recording {
  std::filesystem::path file;
  std::vector<std::pair<std::string, std::string>> slots;  // key of a slot, value; sorted
};

struct Score {
  int orders = 0;
  int right = 0;
  int read_back = 0;        // wrong, but less sure than the workflow's `accept`: confirmed, not executed
  int right_read_back = 0;  // right, and confirmed without need
  int nothing_heard = 0;
  double confidence = 0;  // sums
  double word_confidence = 0;
  double audio_s = 0;
  double recognizer_s = 0;
  double final_ms = 0;
  double brain_ms = 0;

  double Share() const { return static_cast<double>(right) / std::max(orders, 1); }
  Json ToJson() const {
    const double n = std::max(orders, 1);
    return {{"orders", orders},
            {"right", right},
            {"share", Share()},
            {"wrong_and_read_back", read_back},
            {"wrong_and_executed", orders - right - read_back},
            {"right_and_read_back", right_read_back},
            {"nothing_heard", nothing_heard},
            {"confidence_mean", confidence / n},
            {"word_confidence_mean", word_confidence / n},
            {"recognizer_x_real_time", recognizer_s / std::max(audio_s, 1e-9)},
            {"final_ms_mean", final_ms / n},
            {"brain_ms_mean", brain_ms / n}};
  }
};

// "coffeeDrink" and "coffee_drink" are one slot.
std::string SlotKey(std::string_view name) {
  std::string key;
  for (const char c : name) {
    if (c != '_') key += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return key;
}

std::vector<std::pair<std::string, std::string>> SortedSlots(const Json& object) {
  std::vector<std::pair<std::string, std::string>> slots;
  for (const auto& [name, value] : object.items()) {
    slots.emplace_back(SlotKey(name), value.is_string() ? value.get<std::string>() : value.dump());
  }
  std::sort(slots.begin(), slots.end());
  return slots;
}

Result<std::vector<Recording>> ReadLabels(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "labels.jsonl";
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  std::vector<Recording> recordings;
  size_t at = 0;
  for (int line = 1; at < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const Json row = Json::parse(text.begin() + static_cast<std::ptrdiff_t>(at),
                                 text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    const bool blank = end == at;
    at = end + 1;
    if (blank) continue;
    if (!row.is_object() || !row.contains("file") || !row["file"].is_string() || !row.contains("slots") ||
        !row["slots"].is_object()) {
      return MakeError(ErrorCode::kInvalidArgument, "{}:{}: not {{\"file\": ..., \"slots\": {{...}}}}",
                       path.string(), line);
    }
    recordings.push_back({folder / row["file"].get<std::string>(), SortedSlots(row["slots"])});
  }
  if (recordings.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: no recordings", path.string());
  }
  return recordings;
}

std::string SlotsText(const std::vector<std::pair<std::string, std::string>>& slots) {
  std::string text;
  for (const auto& [name, value] : slots)
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", name, value);
  return text;
}

class EarsBench {
 public:
  EarsBench(const EarsFlags& flags, std::shared_ptr<const Brain> brain,
            std::shared_ptr<const Workflow> workflow)
      : flags_(flags), brain_(std::move(brain)), workflow_(std::move(workflow)), session_(brain_) {}

  Result<Json> Run() {
    SOTTO_ASSIGN_OR_RETURN(std::vector<Recording> recordings, ReadLabels(flags_.data));
    recordings.erase(recordings.begin(),
                     recordings.begin() + std::min<std::ptrdiff_t>(flags_.skip, std::ssize(recordings)));
    if (flags_.limit > 0 && std::ssize(recordings) > flags_.limit) {
      recordings.resize(static_cast<size_t>(flags_.limit));
    }
    SOTTO_ASSIGN_OR_RETURN(const DomainText text, MakeDomainText(*workflow_, 1));
    SOTTO_ASSIGN_OR_RETURN(
        pool_, OpenRecognizers(
                   flags_.recognizer.empty() ? workflow_->assistant.recognizer : flags_.recognizer, text));
    SOTTO_ASSIGN_OR_RETURN(recognizer_, pool_->Acquire());
    if (!flags_.noise.empty()) {
      SOTTO_ASSIGN_OR_RETURN(noise_, ReadAudioFile(flags_.noise));
    }
    std::vector<double> levels = {INFINITY};
    levels.insert(levels.end(), flags_.snr.begin(), flags_.snr.end());
    Json result = {{"recognizer", pool_->name()},
                   {"commit", kCommit},
                   {"clean", 0.0},
                   {"snr", Json::object()},
                   {"conditions", Json::object()}};
    ProgressBar bar("listening");
    size_t done = 0;
    for (const double level : levels) {
      const std::string name = std::isinf(level) ? "clean" : fmt::format("{:g}", level);
      Score score;
      for (size_t i = 0; i < recordings.size(); ++i) {
        SOTTO_RETURN_IF_ERROR(OneOrder(recordings[i], i + static_cast<size_t>(flags_.skip), level, &score));
        bar.Update(++done, levels.size() * recordings.size(), name);
      }
      (std::isinf(level) ? result["clean"] : result["snr"][name]) = score.Share();
      result["conditions"][name] = score.ToJson();
    }
    return result;
  }

 private:
  Result<Transcript> Listen(const std::vector<float>& samples, Score* score) {
    const SystemClock clock;
    const TimePoint began = clock.Now();
    recognizer_->NewCaller();
    SOTTO_RETURN_IF_ERROR(recognizer_->Start(ListeningMode::kOpen));
    for (size_t at = 0; at < samples.size(); at += kFrameSamples) {
      SOTTO_RETURN_IF_ERROR(
          recognizer_->Feed({samples.data() + at, std::min(kFrameSamples, samples.size() - at)}));
    }
    const TimePoint ended = clock.Now();
    SOTTO_ASSIGN_OR_RETURN(Transcript transcript, recognizer_->Finish());
    score->final_ms += Milliseconds(clock.Now() - ended);
    score->recognizer_s += Milliseconds(clock.Now() - began) / 1000;
    score->audio_s += static_cast<double>(samples.size()) / kSampleRateHz;
    return transcript;
  }

  Result<void> OneOrder(const Recording& recording, size_t index, double level, Score* score) {
    SOTTO_ASSIGN_OR_RETURN(Audio audio, ReadAudioFile(recording.file));
    if (!std::isinf(level)) {
      Random random(index + 1);  // the same piece of noise at every level
      MixNoise(&audio.samples, noise_.samples, level, random);
    }
    SOTTO_ASSIGN_OR_RETURN(const Transcript transcript, Listen(audio.samples, score));
    ++score->orders;
    score->word_confidence += MeanWordConfidence(transcript);
    if (transcript.text.empty()) {
      ++score->nothing_heard;
      ++score->read_back;
      return {};
    }
    std::vector<Transcript::Hypothesis> hypotheses = transcript.n_best;
    if (hypotheses.empty()) hypotheses.push_back({transcript.text, 0});
    const SystemClock clock;
    const TimePoint began = clock.Now();
    Conversation nothing_yet;
    nothing_yet.channel = Channel::kSpoken;
    SOTTO_RETURN_IF_ERROR(session_.Begin(nothing_yet, {}, {}));
    SOTTO_ASSIGN_OR_RETURN(const Understanding heard, session_.Commit(hypotheses));
    score->brain_ms += Milliseconds(clock.Now() - began);
    const double confidence = heard.confidence * HeardConfidence(transcript);
    score->confidence += confidence;
    const auto got = SortedSlots(heard.calls.front().call.arguments);
    const bool right = heard.calls.size() == 1 && got == recording.slots;
    const bool sure = confidence >= workflow_->dialogue.accept;
    if (right) ++score->right;
    if (!sure) ++(right ? score->right_read_back : score->read_back);
    if (!right && flags_.show) {
      fmt::print(stderr, "{} {}\nheard    {}\nread     {}\nordered  {}\ngot      {} {} ({:.2f})\n\n",
                 std::isinf(level) ? "clean" : fmt::format("{:g} dB", level),
                 recording.file.filename().string(), transcript.text, heard.transcript,
                 SlotsText(recording.slots), heard.calls.front().call.name, SlotsText(got), confidence);
    }
    return {};
  }

  const EarsFlags& flags_;
  const std::shared_ptr<const Brain> brain_;
  const std::shared_ptr<const Workflow> workflow_;
  BrainSession session_;
  std::unique_ptr<RecognizerPool> pool_;
  std::unique_ptr<Recognizer> recognizer_;
  Audio noise_;
};

Result<void> Run(const EarsFlags& flags) {
  if (!flags.snr.empty() && flags.noise.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "--snr needs --noise: a recording of noise");
  }
  SOTTO_ASSIGN_OR_RETURN(auto workflow, flags.brain.LoadWorkflowFile());
  SOTTO_ASSIGN_OR_RETURN(auto brain, flags.brain.OpenBrain());
  EarsBench bench(flags, std::move(brain), std::move(workflow));
  SOTTO_ASSIGN_OR_RETURN(const Json result, bench.Run());
  if (flags.json) {
    fmt::print("{}\n", result.dump(2));
    return {};
  }
  for (const auto& [condition, score] : result["conditions"].items()) {
    fmt::print(
        "{:>6}  every slot right {:5.1f}% of {}  wrong but read back {}  wrong and executed {}  confidence "
        "{:.2f}  {:.3f} x real time, final after {:.1f} ms\n",
        condition, 100 * score["share"].get<double>(), score["orders"].get<int>(),
        score["wrong_and_read_back"].get<int>(), score["wrong_and_executed"].get<int>(),
        score["confidence_mean"].get<double>(), score["recognizer_x_real_time"].get<double>(),
        score["final_ms_mean"].get<double>());
  }
  return {};
}

}  // namespace

void RegisterBenchEars(CLI::App& bench, CliContext& context) {
  CLI::App* command =
      bench.add_subcommand("ears", "Real recordings: share of orders with every slot right, by noise level");
  auto flags = std::make_shared<EarsFlags>();
  flags->brain.AddTo(*command);
  command->add_option("--data", flags->data, "Folder with recordings and labels.jsonl ({file, slots} a line)")
      ->required()
      ->check(CLI::ExistingDirectory);
  command->add_option("--noise", flags->noise, "A recording of noise")->check(CLI::ExistingFile);
  command
      ->add_option("--snr", flags->snr,
                   "Also with noise: loudest frame of speech so many dB above the loudest frame of noise")
      ->delimiter(',');
  command->add_option("--recognizer", flags->recognizer, "As in `sotto talk`; default: the workflow's");
  command->add_option("--limit", flags->limit, "At most so many recordings (0: all)")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--skip", flags->skip, "Leave out so many at the start")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_flag("--show", flags->show, "Print every wrong order on standard error");
  command->add_flag("--json", flags->json, "For machines");
  command->footer(
      "Example:\n  sotto bench ears --workflow workflows/coffee --data ../shared/audio/coffee --noise "
      "../shared/audio/noise/kitchen.flac --snr 24,18,12,6");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
