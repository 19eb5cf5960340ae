// sotto bench ears: real people's orders, clean, with recorded noise and over bad lines, from sound to call. A
// recording is right when the call has exactly the slots that were ordered. Other speech (single words, digits, other
// topics) must not be taken for an order.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <optional>

#include "base/logistic.h"
#include "base/mapped_file.h"
#include "base/random.h"
#include "brain/brain.h"
#include "brain/calibration.h"
#include "cli/bench.h"
#include "cli/brain_options.h"
#include "cli/command.h"
#include "cli/commit.h"
#include "cli/progress.h"
#include "speech/audio_file.h"
#include "speech/audio_line.h"
#include "speech/backends.h"
#include "speech/moonshine.h"
#include "speech/noise_mix.h"

namespace sotto {
namespace {

struct EarsFlags {
  BrainFlags brain;
  std::string data;
  std::string noise;
  std::string recognizer;
  std::vector<double> snr;
  std::vector<std::string> lines;
  std::vector<std::string> other;
  bool no_clean = false;
  bool fit = false;
  int limit = 0;
  int skip = 0;
  int every = 1;
  bool show = false;
  bool json = false;
};

struct EarsRecording {
  std::filesystem::path file;
  std::vector<std::pair<std::string, std::string>> slots;  // key of a slot, value; sorted
  std::string word;                                        // what was said, where it is one word
};

// How the recordings are played.
struct Condition {
  std::string name;
  double snr = INFINITY;
  std::string line = {};  // speech/audio_line.h; empty: none
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

// `orders`: every line says what was ordered.
Result<std::vector<EarsRecording>> ReadLabels(const std::filesystem::path& folder, bool orders = true) {
  const std::filesystem::path path = folder / "labels.jsonl";
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  std::vector<EarsRecording> recordings;
  size_t at = 0;
  for (int line = 1; at < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const Json row = Json::parse(text.begin() + static_cast<std::ptrdiff_t>(at),
                                 text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    const bool blank = end == at;
    at = end + 1;
    if (blank) continue;
    const bool labelled = row.is_object() && row.contains("file") && row["file"].is_string();
    const bool slots = labelled && row.contains("slots") && row["slots"].is_object();
    if (!labelled || (orders && !slots)) {
      return MakeError(ErrorCode::kInvalidArgument, "{}:{}: not {{\"file\": ...{}}}", path.string(), line,
                       orders ? ", \"slots\": {...}" : "");
    }
    recordings.push_back(
        {folder / row["file"].get<std::string>(),
         slots ? SortedSlots(row["slots"]) : std::vector<std::pair<std::string, std::string>>{},
         labelled && row.contains("word") && row["word"].is_string() ? row["word"].get<std::string>() : ""});
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
    SOTTO_ASSIGN_OR_RETURN(const std::vector<EarsRecording> recordings, ReadLabels(flags_.data));
    std::vector<std::pair<size_t, EarsRecording>> chosen;
    for (size_t i = static_cast<size_t>(flags_.skip); i < recordings.size();
         i += static_cast<size_t>(flags_.every)) {
      if (flags_.limit == 0 || std::ssize(chosen) < flags_.limit) chosen.emplace_back(i, recordings[i]);
    }
    SOTTO_ASSIGN_OR_RETURN(const DomainText text, MakeDomainText(*workflow_, 1));
    const std::string recognizer =
        flags_.recognizer.empty() ? workflow_->assistant.recognizer : flags_.recognizer;
    if (flags_.fit) {
      MoonshineOptions options;
      options.other_speech = 0;
      options.on_evidence = [this](const EarsEvidence& evidence) { evidence_ = evidence; };
      SOTTO_ASSIGN_OR_RETURN(auto model,
                             OpenHearingModel({.model = recognizer.substr(0, recognizer.find(','))}));
      pool_ = MoonshinePool::Create(std::move(model), text, options);
    } else {
      SOTTO_ASSIGN_OR_RETURN(pool_, OpenRecognizers(recognizer, text));
    }
    SOTTO_ASSIGN_OR_RETURN(recognizer_, pool_->Acquire());
    if (!flags_.noise.empty()) {
      SOTTO_ASSIGN_OR_RETURN(noise_, ReadAudioFile(flags_.noise));
    }
    std::vector<Condition> conditions;
    if (!flags_.no_clean) conditions.push_back({"clean"});
    for (const double snr : flags_.snr) conditions.push_back({fmt::format("{:g}", snr), snr});
    for (const std::string& line : flags_.lines) conditions.push_back({line, INFINITY, line});
    Json result = {{"recognizer", pool_->name()}, {"commit", kCommit},       {"clean", nullptr},
                   {"snr", Json::object()},       {"lines", Json::object()}, {"conditions", Json::object()},
                   {"other", Json::object()}};
    ProgressBar bar("listening");
    size_t done = 0;
    for (const Condition& condition : conditions) {
      Score score;
      for (const auto& [index, recording] : chosen) {
        SOTTO_RETURN_IF_ERROR(OneOrder(recording, index, condition, &score));
        bar.Update(++done, conditions.size() * chosen.size(), condition.name);
      }
      (!condition.line.empty()     ? result["lines"][condition.name]
       : std::isinf(condition.snr) ? result["clean"]
                                   : result["snr"][condition.name]) = score.Share();
      result["conditions"][condition.name] = score.ToJson();
    }
    for (const std::string& folder : flags_.other) {
      SOTTO_ASSIGN_OR_RETURN(result["other"][folder], OtherSpeech(folder));
    }
    if (flags_.fit) result["fit"] = Fit();
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

  Result<Understanding> Understand(const Transcript& transcript) {
    std::vector<Transcript::Hypothesis> hypotheses = transcript.n_best;
    if (hypotheses.empty()) hypotheses.push_back({transcript.text, 0});
    Conversation nothing_yet;
    nothing_yet.channel = Channel::kSpoken;
    SOTTO_RETURN_IF_ERROR(session_.Begin(nothing_yet, {}, {}));
    return session_.Commit(hypotheses);
  }

  // Speech that is no order: how often a task of the workflow was understood, and how often it would be acted on
  // without asking.
  Result<Json> OtherSpeech(const std::filesystem::path& folder) {
    SOTTO_ASSIGN_OR_RETURN(const std::vector<EarsRecording> recordings, ReadLabels(folder, false));
    Score score;
    int n = 0;
    int understood = 0;
    int executed = 0;
    for (size_t i = 0; i < recordings.size(); i += static_cast<size_t>(flags_.every)) {
      SOTTO_ASSIGN_OR_RETURN(const Audio audio, ReadAudioFile(recordings[i].file));
      SOTTO_ASSIGN_OR_RETURN(const Transcript transcript, Listen(audio.samples, &score));
      ++n;
      Learn(transcript.text == recordings[i].word, false);
      if (transcript.text.empty()) continue;
      SOTTO_ASSIGN_OR_RETURN(const Understanding heard, Understand(transcript));
      const bool task = std::ranges::any_of(heard.calls, [&](const Understanding::Call& call) {
        const ToolDef* tool = workflow_->FindTool(call.call.name);
        return tool != nullptr && tool->role == ToolRole::kTask && !call.call.arguments.empty();
      });
      const double confidence = heard.confidence * HeardConfidence(transcript);
      const bool sure = task && confidence >= workflow_->dialogue.accept;
      if (task) ++understood;
      if (sure) ++executed;
      if (sure && flags_.show) {
        fmt::print(stderr, "{}\nheard    {}\ngot      {} ({:.2f})\n\n",
                   recordings[i].file.filename().string(), transcript.text,
                   ToString(heard.calls.front().call), confidence);
      }
    }
    return Json{{"recordings", n},
                {"understood_as_task", understood},
                {"executed", executed},
                {"executed_share", static_cast<double>(executed) / std::max(n, 1)}};
  }

  Result<void> OneOrder(const EarsRecording& recording, size_t index, const Condition& condition,
                        Score* score) {
    SOTTO_ASSIGN_OR_RETURN(Audio audio, ReadAudioFile(recording.file));
    if (!std::isinf(condition.snr)) {
      Random random(index + 1);  // the same piece of noise at every level
      MixNoise(&audio.samples, noise_.samples, condition.snr, random);
    }
    if (!condition.line.empty()) {
      SOTTO_ASSIGN_OR_RETURN(audio, ThroughLine(audio, condition.line));
    }
    SOTTO_ASSIGN_OR_RETURN(const Transcript transcript, Listen(audio.samples, score));
    ++score->orders;
    score->word_confidence += MeanWordConfidence(transcript);
    if (transcript.text.empty()) {
      ++score->nothing_heard;
      ++score->read_back;
      return {};
    }
    const SystemClock clock;
    const TimePoint began = clock.Now();
    SOTTO_ASSIGN_OR_RETURN(const Understanding heard, Understand(transcript));
    score->brain_ms += Milliseconds(clock.Now() - began);
    const double confidence = heard.confidence * HeardConfidence(transcript);
    score->confidence += confidence;
    const auto got = SortedSlots(heard.calls.front().call.arguments);
    const bool right = heard.calls.size() == 1 && got == recording.slots;
    const bool sure = confidence >= workflow_->dialogue.accept;
    Learn(right, true);
    if (right) ++score->right;
    if (!sure) ++(right ? score->right_read_back : score->read_back);
    if (!right && flags_.show) {
      fmt::print(stderr, "{} {}\nheard    {}\nread     {}\nordered  {}\ngot      {} {} ({:.2f})\n\n",
                 condition.name, recording.file.filename().string(), transcript.text, heard.transcript,
                 SlotsText(recording.slots), heard.calls.front().call.name, SlotsText(got), confidence);
    }
    return {};
  }

  // The evidence of the last final, with what it was evidence of.
  void Learn(bool right, bool meant) {
    if (!evidence_) return;
    rows_.push_back(evidence_->Vector());
    right_.push_back(right);
    meant_.push_back(meant);
    evidence_.reset();
  }
  // Weights for speech/ears_judge.cc.
  Json Fit() const {
    Json fit = {{"samples", rows_.size()}};
    for (const auto& [name, outcomes] : {std::pair("right", &right_), std::pair("meant", &meant_)}) {
      const auto weights = FitLogistic<EarsEvidence::kCount>(rows_, *outcomes);
      std::vector<double> scores;
      for (const auto& row : rows_) {
        scores.push_back(std::inner_product(weights.begin(), weights.end(), row.begin(), 0.0));
      }
      fit[name] = {{"weights", weights}, {"auc", AreaUnderRoc(scores, *outcomes)}};
    }
    return fit;
  }

  const EarsFlags& flags_;
  const std::shared_ptr<const Brain> brain_;
  const std::shared_ptr<const Workflow> workflow_;
  BrainSession session_;
  std::unique_ptr<RecognizerPool> pool_;
  std::unique_ptr<Recognizer> recognizer_;
  Audio noise_;
  std::optional<EarsEvidence> evidence_;
  std::vector<std::array<double, EarsEvidence::kCount>> rows_;
  std::vector<bool> right_;
  std::vector<bool> meant_;
};

Result<void> Run(const EarsFlags& flags) {
  if (flags.every < 1) return MakeError(ErrorCode::kInvalidArgument, "--every must be at least 1");
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
        "{:>10}  every slot right {:5.1f}% of {}  wrong but read back {}  wrong and executed {}  confidence "
        "{:.2f}  {:.3f} x real time, final after {:.1f} ms\n",
        condition, 100 * score["share"].get<double>(), score["orders"].get<int>(),
        score["wrong_and_read_back"].get<int>(), score["wrong_and_executed"].get<int>(),
        score["confidence_mean"].get<double>(), score["recognizer_x_real_time"].get<double>(),
        score["final_ms_mean"].get<double>());
  }
  if (flags.fit) fmt::print("{}\n", result["fit"].dump(2));
  for (const auto& [folder, other] : result["other"].items()) {
    fmt::print("other speech {}: {} recordings, {} understood as a task, {} executed ({:.1f} %)\n", folder,
               other["recordings"].get<int>(), other["understood_as_task"].get<int>(),
               other["executed"].get<int>(), 100 * other["executed_share"].get<double>());
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
  command
      ->add_option(
          "--line", flags->lines,
          "Also over these: gain:-26, clip:20, 8k, ulaw, alaw, gsm, opus:12000, loss:5; joined by '+'")
      ->delimiter(',');
  command
      ->add_option("--other", flags->other,
                   "Also recordings that are no orders: folders with labels.jsonl ({file} a line)")
      ->check(CLI::ExistingDirectory);
  command->add_flag(
      "--fit", flags->fit,
      "Fit the weights of speech/ears_judge.cc to these recordings (in the JSON); moonshine only");
  command->add_flag("--no-clean", flags->no_clean, "Leave out the recordings as they are");
  command->add_option("--recognizer", flags->recognizer, "As in `sotto talk`; default: the workflow's");
  command->add_option("--limit", flags->limit, "At most so many recordings (0: all)")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--skip", flags->skip, "Leave out so many at the start")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--every", flags->every, "Only every so many-th")->capture_default_str();
  command->add_flag("--show", flags->show, "Print every wrong order on standard error");
  command->add_flag("--json", flags->json, "For machines");
  command->footer(
      "Example:\n  sotto bench ears --workflow workflows/coffee --data ../shared/audio/coffee --noise "
      "../shared/audio/noise/kitchen.flac --snr 24,18,12,6 --line ulaw,gsm --other ../shared/audio/words");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
