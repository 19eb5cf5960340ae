#include "speech/moonshine.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <optional>
#include <utility>

#include "base/check.h"
#include "core/audio.h"
#include "speech/voice_track.h"
#include "speech/written_text.h"
#include "text/normalise.h"

namespace sotto {
namespace {

constexpr size_t kStepSamples = VoiceActivityModel::kFrameSamples;  // what was fed is looked at in these
constexpr size_t kShortest = kSampleRateHz / 2;  // shorter sounds are read with silence behind them
// Quieter voice is raised to this level (RMS): the model heard nothing so quiet in training.
constexpr float kLowLevel = 0.03f;
constexpr float kMostGain = 100;

// Log-probability a token of what was heard freely: below it the sound was too unclear to say that it was something
// else. What was found of the workflow in it is told, with little confidence.
constexpr double kPlainlyHeard = -0.8;

size_t SamplesOf(std::chrono::milliseconds time) {
  return static_cast<size_t>(time.count()) * kSampleRateHz / 1000;
}
std::chrono::milliseconds TimeOf(size_t samples) {
  return std::chrono::milliseconds(samples * 1000 / kSampleRateHz);
}

double Logit(double p) {
  const double inside = std::clamp(p, 1e-4, 1 - 1e-4);
  return std::log(inside / (1 - inside));
}

// The mean word confidence for which HeardConfidence (core/transcript.h) is `p`.
double WordConfidence(double p) { return std::clamp(0.5 + Logit(p) / 14, 0.0, 1.0); }

size_t CountWords(std::string_view text) { return SplitWords(text).size(); }

// Words without articles and the ending of "iced": alternatives that differ in nothing else say the same.
std::string Stems(std::string_view text) {
  std::string stems;
  for (std::string_view word : SplitWords(text)) {
    if (word == "a" || word == "an" || word == "the") continue;
    if (word.size() > 3 && word.ends_with("d")) word.remove_suffix(1);
    stems += word;
    stems += ' ';
  }
  return stems;
}

// A sound, heard.
struct Heard {
  Transcript transcript;
  std::vector<TokenId> tokens;
};

}  // namespace

class MoonshineRecognizer final : public Recognizer {
 public:
  explicit MoonshineRecognizer(const MoonshinePool& pool)
      : pool_(pool),
        options_(pool.options_),
        final_search_(Search(options_.search.beam, true)),
        partial_search_(Search(options_.partial_beam, false)),
        track_(pool.model_->voice_activity()) {}

  void NewCaller() override {
    Cancel();
    phrases_.reset();
  }

  void SetPhrases(std::span<const std::string> phrases) override {
    phrases_ = pool_.lm_->Phrases(phrases, pool_.model_->vocabulary());
  }

  Result<void> Start(ListeningMode mode) override {
    SOTTO_CHECK(!started_);
    started_ = true;
    stop_ = false;
    mix_ = pool_.lm_->For(mode, phrases_);
    samples_.clear();
    track_.Reset();
    segment_ = 0;
    pieces_.clear();
    ahead_.reset();
    StartPiece();
    return {};
  }

  Result<void> Feed(std::span<const float> samples) override {
    SOTTO_CHECK(started_);
    // In steps of one size, so that what is decided does not depend on how the audio came in.
    while (!samples.empty()) {
      const size_t n = std::min(kStepSamples - samples_.size() % kStepSamples, samples.size());
      for (const float sample : samples.first(n)) {
        samples_.push_back(std::isfinite(sample) ? std::clamp(sample, -1.0f, 1.0f) : 0.0f);
      }
      samples = samples.subspan(n);
      track_.Feed(std::span(samples_).last(n));
      if (samples_.size() % kStepSamples == 0) SOTTO_RETURN_IF_ERROR(CutWhereLong());
    }
    return {};
  }

  std::optional<Transcript> Partial() override {
    SOTTO_CHECK(started_);
    if (!track_.first_voiced()) return Joined(last_partial_);
    const size_t silence = samples_.size() - std::min(samples_.size(), track_.last_voiced());
    if (silence >= SamplesOf(options_.ahead_after)) {
      if (const auto heard = HearAhead(); heard && StartsWithStable(heard->transcript.text)) {
        Transcript partial;
        partial.text = heard->transcript.text;
        return Joined(partial);
      }
      return Joined(last_partial_);
    }
    if (samples_.size() >= partial_at_ + SamplesOf(options_.partial_every)) {
      partial_at_ = samples_.size();
      give_way_ = stop_.load();
      HearPartial();
    }
    return Joined(last_partial_);
  }

  Result<Transcript> Finish() override {
    SOTTO_CHECK(started_);
    started_ = false;
    Transcript last;
    if (track_.first_voiced()) {
      SOTTO_ASSIGN_OR_RETURN(const Heard heard, HearFinal());
      last = heard.transcript;
    }
    Transcript whole;
    for (const Transcript& piece : pieces_) Append(piece, &whole);
    Append(last, &whole);
    whole.final = true;
    return whole;
  }

  size_t stable_words() const override {
    size_t words = CountWords(stable_text_);
    for (const Transcript& piece : pieces_) words += CountWords(piece.text);
    return words;
  }
  void Cancel() override { started_ = false; }
  void Interrupt() override {
    stop_ = true;
    give_way_ = true;
  }
  void Yield() override { give_way_ = true; }

 private:
  BeamSearch Search(size_t beam, bool free_hypothesis) const {
    const WorkflowLm::Vocabulary& vocabulary = pool_.model_->vocabulary();
    BeamSearchOptions options = options_.search;
    options.beam = beam;
    options.free_hypothesis = free_hypothesis;
    return BeamSearch(vocabulary.n_vocab, vocabulary.bos, vocabulary.eos, options);
  }

  void StartPiece() {
    last_partial_ = {};
    stable_text_.clear();
    partial_tokens_.clear();
    stable_tokens_.clear();
    partial_at_ = segment_;
  }

  // --- What is read of the audio ---

  size_t Begin() const {
    const size_t voiced = track_.first_voiced().value_or(segment_);
    return std::max(segment_, voiced - std::min(voiced, SamplesOf(options_.lead)));
  }

  // Samples [begin, end) at a level that the model knows; silence where there are none yet.
  std::vector<float> Sound(size_t begin, size_t end) const {
    const float level = track_.level();
    const float gain = level > 0 && level < kLowLevel ? std::min(kLowLevel / level, kMostGain) : 1.0f;
    const size_t most = static_cast<size_t>(pool_.model_->max_seconds() * kSampleRateHz);
    std::vector<float> sound(std::clamp(end - begin, kShortest, most));
    for (size_t i = 0; i < sound.size() && begin + i < std::min(end, samples_.size()); ++i) {
      sound[i] = std::clamp(samples_[begin + i] * gain, -1.0f, 1.0f);
    }
    return sound;
  }

  // --- Hearing ---

  std::string TextOf(std::span<const TokenId> tokens, std::vector<size_t>* ends = nullptr) const {
    std::string text;
    for (const TokenId token : tokens) {
      text += pool_.model_->TokenBytes(token);
      if (ends != nullptr) ends->push_back(text.size());
    }
    return text;
  }

  Result<Heard> HearFinal() {
    if (ahead_ && ahead_->first == track_.last_voiced()) return ahead_->second;
    const size_t begin = Begin();
    const size_t end = track_.last_voiced() + SamplesOf(options_.tail);
    return HearPiece(begin, end);
  }

  Result<Heard> HearPiece(size_t begin, size_t end) {
    const std::vector<float> sound = Sound(begin, end);
    SOTTO_ASSIGN_OR_RETURN(const auto heard_sound, pool_.model_->Hear(sound));
    const double seconds = static_cast<double>(sound.size()) / kSampleRateHz;
    SOTTO_ASSIGN_OR_RETURN(const SearchResult result,
                           final_search_.Run(heard_sound->scorer(), mix_, seconds, {}, &stop_));
    Heard heard;
    if (result.n_best.empty()) return heard;
    heard.tokens = result.n_best.front().tokens;
    Describe(result, *heard_sound, begin, &heard.transcript);
    return heard;
  }

  // The final of what was said so far, while it may still go on.
  const Heard* HearAhead() {
    if (!ahead_ || ahead_->first != track_.last_voiced()) {
      const size_t voiced = track_.last_voiced();
      auto heard = HearFinal();
      if (!heard) return nullptr;  // Finish() tells
      ahead_.emplace(voiced, *std::move(heard));
    }
    return &ahead_->second;
  }

  void HearPartial() {
    const std::vector<float> sound = Sound(Begin(), samples_.size());
    const auto heard = pool_.model_->Hear(sound);
    if (!heard) return;
    const double seconds = static_cast<double>(sound.size()) / kSampleRateHz;
    const auto result = partial_search_.Run((*heard)->scorer(), mix_, seconds, stable_tokens_, &give_way_);
    if (!result || result->n_best.empty()) return;
    const std::vector<TokenId>& tokens = result->n_best.front().tokens;
    const auto [a, b] = std::ranges::mismatch(tokens, partial_tokens_);
    size_t agreed = static_cast<size_t>(a - tokens.begin());
    // Whole words only, and never the last one: it may still go on.
    while (agreed > 0 && (agreed >= tokens.size() || !BeginsWord(tokens[agreed]))) --agreed;
    if (agreed > stable_tokens_.size()) {
      stable_tokens_.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(agreed));
    }
    partial_tokens_ = tokens;
    last_partial_.text = SaidWords(TextOf(tokens));
    stable_text_.clear();
    // A numeral at the edge may be read otherwise with what follows.
    std::string stable = SaidWords(TextOf(stable_tokens_));
    if (last_partial_.text.starts_with(stable)) stable_text_ = std::move(stable);
  }

  bool BeginsWord(TokenId token) const { return pool_.model_->TokenBytes(token).starts_with(' '); }
  bool StartsWithStable(std::string_view text) const { return text.starts_with(stable_text_); }

  // A long utterance is heard in pieces: at a pause, at the latest where it becomes too long for the model.
  Result<void> CutWhereLong() {
    const auto first = track_.first_voiced();
    if (!first) return {};
    const size_t end = track_.last_voiced();
    const size_t silence = samples_.size() - std::min(samples_.size(), end);
    size_t cut = 0;
    if (end - *first >= SamplesOf(options_.cut_after) && silence >= SamplesOf(options_.cut_pause)) {
      cut = end + SamplesOf(options_.tail);
    } else if (samples_.size() - Begin() >= SamplesOf(options_.cut_anyway)) {
      cut = QuietestMoment();
    } else {
      return {};
    }
    SOTTO_ASSIGN_OR_RETURN(Heard heard,
                           ahead_ && ahead_->first == end && cut > end
                               ? Result<Heard>(ahead_->second)
                               : HearPiece(Begin(), std::min(cut, end + SamplesOf(options_.tail))));
    pieces_.push_back(std::move(heard.transcript));
    segment_ = cut;
    track_.ForgetBefore(cut);
    ahead_.reset();
    StartPiece();
    return {};
  }

  // Of the last four seconds.
  size_t QuietestMoment() const {
    const size_t window = SamplesOf(std::chrono::milliseconds(100));
    size_t best = samples_.size();
    double least = INFINITY;
    const size_t from =
        samples_.size() - std::min(samples_.size() - segment_, SamplesOf(std::chrono::seconds(4)));
    for (size_t at = from; at + window <= samples_.size(); at += window / 2) {
      double energy = 0;
      for (size_t i = at; i < at + window; ++i) energy += static_cast<double>(samples_[i]) * samples_[i];
      if (energy < least) {
        least = energy;
        best = at + window / 2;
      }
    }
    return best;
  }

  // --- Telling ---

  void Describe(const SearchResult& result, HeardSound& sound, size_t begin, Transcript* out) {
    const SearchHypothesis& best = result.n_best.front();
    const std::string said = SaidWords(TextOf(best.tokens));
    const std::string free = SaidWords(TextOf(result.free.tokens));
    const std::string stems = Stems(said);
    double margin = EarsEvidence::kMaxMargin;
    for (const SearchHypothesis& hypothesis : result.n_best) {
      std::string text = SaidWords(TextOf(hypothesis.tokens));
      if (text.empty() ||
          std::ranges::find(out->n_best, text, &Transcript::Hypothesis::text) != out->n_best.end()) {
        continue;
      }
      if (!out->n_best.empty() && Stems(text) != stems)
        margin = std::min(margin, best.score - hypothesis.score);
      out->n_best.push_back({std::move(text), hypothesis.score - best.score});
    }
    out->text = said;
    if (said.empty()) {
      out->n_best.clear();
      return;
    }
    const EarsEvidence evidence = EvidenceOf(result, margin, said == free);
    if (options_.on_evidence) options_.on_evidence(evidence);
    const SearchHypothesis* told = &best;
    const bool fused = mix_.n_parts() > 0;
    double right = fused ? ProbabilityRight(evidence) : std::exp(evidence.acoustic);
    if (fused && !free.empty() && said != free && result.free.AcousticPerToken() > kPlainlyHeard &&
        ProbabilityMeant(evidence) < options_.other_speech) {
      told = &result.free;
      out->text = free;
      out->n_best = {{free, 0}};
    }
    out->words = Words(*told, sound, begin, right);
  }

  // `right`: the probability that all of them are.
  std::vector<TranscriptWord> Words(const SearchHypothesis& told, HeardSound& sound, size_t begin,
                                    double right) {
    std::vector<size_t> bytes;  // where each token ends in the text
    const std::string text = TextOf(told.tokens, &bytes);
    std::vector<double> ends;
    if (auto aligned = sound.TokenEnds(told.tokens)) ends = *std::move(aligned);
    if (ends.size() != told.tokens.size()) ends.assign(told.tokens.size(), 0);
    const auto time = [&](size_t token) {
      return TimeOf(begin + static_cast<size_t>(ends[token] * kSampleRateHz));
    };
    std::vector<TranscriptWord> words;
    std::vector<double> own;
    for (const SaidWord& word : SplitSaidWords(text)) {
      const size_t first = static_cast<size_t>(std::ranges::upper_bound(bytes, word.begin) - bytes.begin());
      const size_t last =
          std::max(first, static_cast<size_t>(std::ranges::lower_bound(bytes, word.end) - bytes.begin()));
      const size_t end = std::min(last, told.tokens.size() - 1);
      double log_prob = 0;
      for (size_t i = first; i <= end; ++i)
        log_prob = std::min(log_prob, static_cast<double>(told.log_probs[i]));
      own.push_back(std::max(log_prob, -6.0));
      const auto start = first == 0 ? TimeOf(track_.first_voiced().value_or(begin)) : time(first - 1);
      words.push_back({word.text, std::min(start, time(end)), time(end), 1});
    }
    // Their mean is what the whole deserves; the least certain token of each makes the difference between them.
    double mean = 0;
    for (const double log_prob : own) mean += log_prob / static_cast<double>(own.size());
    const double middle = WordConfidence(right);
    for (size_t i = 0; i < words.size(); ++i) {
      words[i].confidence = std::clamp(middle + 0.05 * (own[i] - mean), 0.0, 1.0);
    }
    return words;
  }

  static void Append(const Transcript& piece, Transcript* whole) {
    if (piece.text.empty()) return;
    if (whole->text.empty()) {
      whole->text = piece.text;
      whole->n_best = piece.n_best;
    } else {
      // Alternatives of the last piece behind the best of those before.
      std::vector<Transcript::Hypothesis> n_best = piece.n_best;
      for (Transcript::Hypothesis& hypothesis : n_best) hypothesis.text = whole->text + ' ' + hypothesis.text;
      whole->n_best = std::move(n_best);
      whole->text += ' ' + piece.text;
    }
    whole->words.insert(whole->words.end(), piece.words.begin(), piece.words.end());
  }

  // The pieces that are over with what is being said.
  Transcript Joined(const Transcript& partial) const {
    Transcript whole;
    for (const Transcript& piece : pieces_) {
      if (!whole.text.empty() && !piece.text.empty()) whole.text += ' ';
      whole.text += piece.text;
    }
    if (!whole.text.empty() && !partial.text.empty()) whole.text += ' ';
    whole.text += partial.text;
    return whole;
  }

  const MoonshinePool& pool_;
  const MoonshineOptions& options_;
  BeamSearch final_search_;
  BeamSearch partial_search_;
  TokenLmMix mix_;
  std::shared_ptr<const TokenLm> phrases_;
  std::atomic<bool> stop_ = false;      // nothing more of the utterance is wanted
  std::atomic<bool> give_way_ = false;  // nor of the partial under way
  bool started_ = false;

  std::vector<float> samples_;  // of the utterance
  VoiceTrack track_;
  size_t segment_ = 0;  // where the piece under way may begin
  std::vector<Transcript> pieces_;
  // The final of what was spoken up to a moment, the last voiced one then.
  std::optional<std::pair<size_t, Heard>> ahead_;

  size_t partial_at_ = 0;  // samples when the last partial was made
  Transcript last_partial_;
  std::vector<TokenId> partial_tokens_;
  std::vector<TokenId> stable_tokens_;
  std::string stable_text_;
};

MoonshinePool::MoonshinePool(std::shared_ptr<HearingModel> model, std::shared_ptr<const WorkflowLm> lm,
                             Options options)
    : model_(std::move(model)), lm_(std::move(lm)), options_(std::move(options)) {}
MoonshinePool::~MoonshinePool() = default;

std::unique_ptr<MoonshinePool> MoonshinePool::Create(std::shared_ptr<HearingModel> model,
                                                     const DomainText& text, Options options) {
  auto lm = WorkflowLm::Build(text, model->vocabulary());
  return std::unique_ptr<MoonshinePool>(
      new MoonshinePool(std::move(model), std::move(lm), std::move(options)));
}

Result<std::unique_ptr<Recognizer>> MoonshinePool::Acquire() {
  return std::make_unique<MoonshineRecognizer>(*this);
}

}  // namespace sotto
