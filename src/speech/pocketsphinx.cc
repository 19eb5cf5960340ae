#include "speech/pocketsphinx.h"

#include <pocketsphinx.h>
#include <sphinxbase/cmn.h>
#include <sphinxbase/err.h>

#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/log.h"
#include "core/pcm16.h"
#include "speech/phrase_units.h"

namespace sotto {
namespace {

// Above this many words in the lattice an A* search may take a second (measured); the 1-best must do.
constexpr int kMaxNBestNodes = 200;
constexpr int kFrameMs = 10;  // PocketSphinx's frame rate of 100 a second
// PocketSphinx keeps scores shifted right by 10 bits and lattice posteriors divide acoustics by 20 (-ascale).
constexpr double kScoreScale = 1024.0 / 20;
constexpr double kWorstLogScore = -40;

bool IsFiller(std::string_view word) {
  return word.empty() || word.front() == '<' || word.front() == '[' || word.starts_with("++");
}

// "the(2)" -> "the"
std::string_view WithoutVariant(std::string_view word) {
  const size_t mark = word.find('(');
  return mark == std::string_view::npos || mark == 0 ? word : word.substr(0, mark);
}

// Hypothesis strings of PocketSphinx may hold fillers and variants.
std::string CleanHypothesis(std::string_view raw) {
  std::string out;
  size_t at = 0;
  while (at < raw.size()) {
    const size_t end = std::min(raw.find(' ', at), raw.size());
    const std::string_view word = WithoutVariant(raw.substr(at, end - at));
    at = end + 1;
    if (IsFiller(word)) continue;
    if (!out.empty()) out += ' ';
    out += word;
  }
  return PhraseUnits::Split(out);
}

// A unit's words share its time by their letters and have its posterior. `start`, `end`: frames, inclusive.
void AddWords(std::string_view unit, int start, int end, double posterior,
              std::vector<TranscriptWord>* words) {
  const double frames = end + 1 - start;
  const auto time = [&](size_t letters) {
    const double share = static_cast<double>(letters) / static_cast<double>(unit.size());
    return std::chrono::milliseconds(static_cast<int64_t>(start + frames * share) * kFrameMs);
  };
  for (size_t at = 0; at < unit.size();) {
    const size_t to = std::min(unit.find('_', at), unit.size());
    words->push_back({std::string(unit.substr(at, to - at)), time(at), time(to), posterior});
    at = to + 1;
  }
}

}  // namespace

// Owns one ps_decoder_t and knows its initial state.
class PocketSphinxDecoder {
 public:
  explicit PocketSphinxDecoder(ps_decoder_t* decoder) : decoder_(decoder) {
    cmn_t* cmn = ps_get_feat(decoder_)->cmn_struct;
    initial_means_.resize(static_cast<size_t>(cmn->veclen));
    cmn_live_get(cmn, initial_means_.data());
  }
  ~PocketSphinxDecoder() { ps_free(decoder_); }
  PocketSphinxDecoder(const PocketSphinxDecoder&) = delete;
  PocketSphinxDecoder& operator=(const PocketSphinxDecoder&) = delete;

  ps_decoder_t* get() { return decoder_; }
  void ResetMeans() { cmn_live_set(ps_get_feat(decoder_)->cmn_struct, initial_means_.data()); }

 private:
  ps_decoder_t* decoder_;
  std::vector<mfcc_t> initial_means_;
};

class PocketSphinxRecognizer final : public Recognizer {
 public:
  PocketSphinxRecognizer(PocketSphinxPool* pool, std::unique_ptr<PocketSphinxDecoder> decoder)
      : pool_(pool), decoder_(std::move(decoder)) {}
  ~PocketSphinxRecognizer() override {
    Cancel();
    pool_->Return(std::move(decoder_));
  }

  void NewCaller() override {
    Cancel();
    ps_start_stream(decoder_->get());
    decoder_->ResetMeans();
  }

  Result<void> Start(ListeningMode mode) override {
    SOTTO_CHECK(!started_);
    err_set_logfp(nullptr);  // per thread in sphinxbase
    if (ps_set_search(decoder_->get(), ListeningModeName(mode).data()) < 0 ||
        ps_start_utt(decoder_->get()) < 0) {
      return MakeError(ErrorCode::kUnavailable, "pocketsphinx cannot start an utterance in mode {}",
                       ListeningModeName(mode));
    }
    started_ = true;
    return {};
  }

  Result<void> Feed(std::span<const float> samples) override {
    SOTTO_CHECK(started_);
    pcm_.resize(samples.size());
    std::transform(samples.begin(), samples.end(), pcm_.begin(), ToPcm16);
    if (ps_process_raw(decoder_->get(), pcm_.data(), pcm_.size(), FALSE, FALSE) < 0) {
      return MakeError(ErrorCode::kUnavailable, "pocketsphinx cannot process the audio");
    }
    return {};
  }

  std::optional<Transcript> Partial() override {
    SOTTO_CHECK(started_);
    Transcript transcript;
    if (const char* text = ps_get_hyp(decoder_->get(), nullptr); text != nullptr) {
      transcript.text = CleanHypothesis(text);
    }
    return transcript;
  }

  Result<Transcript> Finish() override {
    SOTTO_CHECK(started_);
    started_ = false;
    if (ps_end_utt(decoder_->get()) < 0) {
      return MakeError(ErrorCode::kUnavailable, "pocketsphinx cannot end the utterance");
    }
    Transcript transcript;
    transcript.final = true;
    int32 score = 0;
    const char* text = ps_get_hyp(decoder_->get(), &score);
    if (text != nullptr) transcript.text = CleanHypothesis(text);
    if (transcript.text.empty()) return transcript;
    transcript.words = Words();
    transcript.n_best.push_back({transcript.text, 0});
    if (pool_->options_.n_best > 1) AddNBest(&transcript);
    return transcript;
  }

  void Cancel() override {
    if (!started_) return;
    started_ = false;
    ps_end_utt(decoder_->get());
  }

 private:
  std::vector<TranscriptWord> Words() {
    std::vector<TranscriptWord> words;
    logmath_t* math = ps_get_logmath(decoder_->get());
    for (ps_seg_t* seg = ps_seg_iter(decoder_->get()); seg != nullptr; seg = ps_seg_next(seg)) {
      const std::string_view word = WithoutVariant(ps_seg_word(seg));
      if (IsFiller(word)) continue;
      int start = 0, end = 0;
      ps_seg_frames(seg, &start, &end);
      const double posterior = logmath_exp(math, ps_seg_prob(seg, nullptr, nullptr, nullptr));
      AddWords(word, start, end, std::clamp(posterior, 0.0, 1.0), &words);
    }
    return words;
  }

  bool LatticeIsSmall() {
    ps_lattice_t* lattice = ps_get_lattice(decoder_->get());
    if (lattice == nullptr) return false;
    int nodes = 0;
    for (ps_latnode_iter_t* it = ps_latnode_iter(lattice); it != nullptr; it = ps_latnode_iter_next(it)) {
      if (++nodes > kMaxNBestNodes) {
        ps_latnode_iter_free(it);
        return false;
      }
    }
    return true;
  }

  void AddNBest(Transcript* transcript) {
    if (!LatticeIsSmall()) return;
    const auto deadline = std::chrono::steady_clock::now() + pool_->options_.n_best_budget;
    logmath_t* math = ps_get_logmath(decoder_->get());
    std::set<std::string> seen = {transcript->text};
    double best = 0;
    bool first = true;
    ps_nbest_t* list = ps_nbest(decoder_->get());
    for (; list != nullptr; list = ps_nbest_next(list)) {
      int32 score = 0;
      const char* raw = ps_nbest_hyp(list, &score);
      if (raw != nullptr) {
        const double log_score = logmath_log_to_ln(math, score);
        if (first) best = log_score;
        first = false;
        std::string text = CleanHypothesis(raw);
        // Paths that fell out of the beam have scores without meaning.
        const double relative = std::min(0.0, (log_score - best) * kScoreScale);
        if (!text.empty() && relative > kWorstLogScore && seen.insert(text).second) {
          transcript->n_best.push_back({std::move(text), relative});
        }
      }
      if (static_cast<int>(transcript->n_best.size()) >= pool_->options_.n_best ||
          std::chrono::steady_clock::now() >= deadline) {
        ps_nbest_free(list);
        return;
      }
    }
  }

  PocketSphinxPool* pool_;
  std::unique_ptr<PocketSphinxDecoder> decoder_;
  std::vector<int16> pcm_;
  bool started_ = false;
};

PocketSphinxPool::PocketSphinxPool(DomainModel model, Options options)
    : model_(std::move(model)), options_(std::move(options)) {}
PocketSphinxPool::~PocketSphinxPool() = default;

Result<std::unique_ptr<PocketSphinxPool>> PocketSphinxPool::Create(DomainModel model, Options options,
                                                                   int ready) {
  std::unique_ptr<PocketSphinxPool> pool(new PocketSphinxPool(std::move(model), std::move(options)));
  for (int i = 0; i < std::max(ready, 1); ++i) {
    SOTTO_ASSIGN_OR_RETURN(auto decoder, pool->Open());
    pool->idle_.push_back(std::move(decoder));
  }
  return pool;
}

Result<std::unique_ptr<PocketSphinxDecoder>> PocketSphinxPool::Open() const {
  err_set_logfp(nullptr);
  const std::string acoustic = options_.acoustic_model.empty() ? SOTTO_POCKETSPHINX_MODELS "/en-us/en-us"
                                                               : options_.acoustic_model.string();
  if (!std::filesystem::exists(std::filesystem::path(acoustic) / "mdef")) {
    return MakeError(ErrorCode::kNotFound, "no acoustic model at {} (Debian: apt install pocketsphinx-en-us)",
                     acoustic);
  }
  std::vector<std::string> settings = {"-hmm",
                                       acoustic,
                                       "-dict",
                                       model_.dictionary().string(),
                                       "-fwdflat",
                                       options_.second_pass ? "yes" : "no",
                                       "-bestpath",
                                       "yes",
                                       "-cmn",
                                       "live",
                                       "-remove_silence",
                                       "no",
                                       "-remove_noise",
                                       options_.noise_removal ? "yes" : "no",
                                       "-logfn",
                                       "/dev/null"};
  if (!options_.mllr.empty()) settings.insert(settings.end(), {"-mllr", options_.mllr.string()});
  for (const auto& [name, value] : options_.extra) settings.insert(settings.end(), {name, value});
  std::vector<char*> arguments;
  for (std::string& setting : settings) arguments.push_back(setting.data());
  cmd_ln_t* config =
      cmd_ln_parse_r(nullptr, ps_args(), static_cast<int32>(arguments.size()), arguments.data(), FALSE);
  if (config == nullptr)
    return MakeError(ErrorCode::kInvalidArgument, "pocketsphinx does not know all its settings");
  ps_decoder_t* decoder = ps_init(config);
  cmd_ln_free_r(config);
  if (decoder == nullptr) {
    return MakeError(ErrorCode::kCorrupt,
                     "pocketsphinx does not start with acoustic model {} and dictionary {}", acoustic,
                     model_.dictionary().string());
  }
  auto owned = std::make_unique<PocketSphinxDecoder>(decoder);
  for (ListeningMode mode : kListeningModes) {
    const auto path = model_.language_model(mode);
    if (ps_set_lm_file(decoder, ListeningModeName(mode).data(), path.c_str()) < 0) {
      return MakeError(ErrorCode::kCorrupt, "pocketsphinx cannot read the language model {}", path.string());
    }
  }
  return owned;
}

Result<std::unique_ptr<Recognizer>> PocketSphinxPool::Acquire() {
  std::unique_ptr<PocketSphinxDecoder> decoder;
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      decoder = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (decoder == nullptr) {
    SOTTO_ASSIGN_OR_RETURN(decoder, Open());
  }
  auto recognizer = std::make_unique<PocketSphinxRecognizer>(this, std::move(decoder));
  recognizer->NewCaller();
  return recognizer;
}

void PocketSphinxPool::Return(std::unique_ptr<PocketSphinxDecoder> decoder) {
  std::lock_guard lock(mutex_);
  idle_.push_back(std::move(decoder));
}

}  // namespace sotto
