#include "acoustic/encoder_decoder.h"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <unordered_set>

#include "acoustic/beam_node.h"
#include "acoustic/encoded_speech.h"
#include "acoustic/speech_decoder.h"
#include "acoustic/speech_encoder.h"
#include "base/check.h"

namespace sotto {

EncodedSpeech::EncodedSpeech() : pages_(std::make_unique<Pages>()) {}
EncodedSpeech::~EncodedSpeech() = default;

Beam::Beam(std::shared_ptr<const EncodedSpeech> speech) : speech_(std::move(speech)) {
  SOTTO_CHECK(speech_ != nullptr);
}
Beam::~Beam() { Node::Release(last_); }
Beam::Beam(const Beam& other) : speech_(other.speech_), last_(Node::Share(other.last_)) {}
Beam::Beam(Beam&& other) noexcept
    : speech_(std::move(other.speech_)), last_(std::exchange(other.last_, nullptr)) {}
Beam& Beam::operator=(const Beam& other) {
  if (this != &other) *this = Beam(other);
  return *this;
}
Beam& Beam::operator=(Beam&& other) noexcept {
  if (this != &other) {
    Node::Release(last_);
    speech_ = std::move(other.speech_);
    last_ = std::exchange(other.last_, nullptr);
  }
  return *this;
}

size_t Beam::size() const { return last_ == nullptr ? 0 : last_->position + 1; }

std::vector<TokenId> Beam::tokens() const {
  std::vector<TokenId> tokens(size());
  for (const Node* node = last_; node != nullptr; node = node->parent) tokens[node->position] = node->token;
  return tokens;
}

struct SpeechEngineImpl {
  struct Pending {
    BeamStep* step;
    Result<void> result = {};
    bool done = false;
  };

  SpeechEngineImpl(std::shared_ptr<const SpeechModel> the_model, SpeechEngineOptions the_options, Isa isa,
                   const std::shared_ptr<SharedTeam>& encoders, const std::shared_ptr<SharedTeam>& decoders)
      : model(std::move(the_model)),
        options(std::move(the_options)),
        layout(model->config()),
        encoder(*model, isa, encoders),
        decoder(*model, isa, decoders, std::max(options.max_batch_beams, kForceRows)) {}

  // Rows of one pass of Force.
  static constexpr size_t kForceRows = 32;

  Result<void> Check(const BeamStep& step) const;
  Result<void> CheckToken(TokenId token) const;
  void Compute(std::span<Pending* const> batch);
  Result<ForcedText> Force(const std::shared_ptr<const EncodedSpeech>& speech,
                           std::span<const TokenId> tokens);
  void AddAttention(const EncodedSpeech& speech, const std::vector<float>& queries, size_t first, size_t n,
                    std::vector<float>& attention) const;
  Result<void> CheckNumbers(std::span<const float> log_sum) const;

  const std::shared_ptr<const SpeechModel> model;
  const SpeechEngineOptions options;
  const NodeLayout layout;

  std::mutex encoder_mutex;
  SpeechEncoder encoder;

  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::deque<Pending*> pending;
  bool computing = false;
  SpeechEngine::Counters counters;

  // Of whoever computes.
  SpeechDecoder decoder;
  std::vector<DecoderRow> rows;
  std::vector<const float*> history;
  std::vector<float> logits;
  std::vector<float> log_sum;
};

Result<void> SpeechEngineImpl::CheckToken(TokenId token) const {
  if (token < 0 || static_cast<size_t>(token) >= model->config().n_vocab) {
    return MakeError(ErrorCode::kOutOfRange, "token {} of a vocabulary of {}", token,
                     model->config().n_vocab);
  }
  return {};
}

Result<void> SpeechEngineImpl::Check(const BeamStep& step) const {
  if (step.beams.empty() || step.beams.size() != step.tokens.size()) {
    return MakeError(ErrorCode::kInvalidArgument, "{} tokens for {} beams", step.tokens.size(),
                     step.beams.size());
  }
  if (step.beams.size() > options.max_batch_beams) {
    return MakeError(ErrorCode::kOutOfRange, "{} beams in a step, at most {}", step.beams.size(),
                     options.max_batch_beams);
  }
  std::unordered_set<const Beam*> seen;
  for (size_t i = 0; i < step.beams.size(); ++i) {
    const Beam* beam = step.beams[i];
    if (beam == nullptr || beam->speech_ == nullptr || &beam->speech_->model() != model.get()) {
      return MakeError(ErrorCode::kInvalidArgument, "beam {} belongs to no sound of this model", i);
    }
    if (!seen.insert(beam).second) {
      return MakeError(ErrorCode::kInvalidArgument, "beam {} stands in the step twice", i);
    }
    if (beam->size() >= model->config().max_tokens) {
      return MakeError(ErrorCode::kOutOfRange, "beam {} is full: {} tokens", i, beam->size());
    }
    SOTTO_RETURN_IF_ERROR(CheckToken(step.tokens[i]));
  }
  return {};
}

Result<void> SpeechEngineImpl::CheckNumbers(std::span<const float> sums) const {
  if (std::ranges::all_of(sums, [](float value) { return std::isfinite(value); })) return {};
  return MakeError(ErrorCode::kCorrupt, "{}: its weights give values that are no numbers", model->path());
}

void SpeechEngineImpl::Compute(std::span<Pending* const> batch) {
  const size_t n_vocab = model->config().n_vocab;
  size_t n_rows = 0;
  size_t n_history = 0;
  for (const Pending* item : batch) {
    n_rows += item->step->beams.size();
    for (const Beam* beam : item->step->beams) n_history += beam->size() + 1;
  }
  std::vector<std::unique_ptr<Beam::Node>> nodes;
  rows.clear();
  history.resize(n_history);
  size_t next = 0;
  for (const Pending* item : batch) {
    for (size_t i = 0; i < item->step->beams.size(); ++i) {
      const Beam& beam = *item->step->beams[i];
      auto node = std::make_unique<Beam::Node>(layout.n_floats);
      node->position = beam.size();
      node->token = item->step->tokens[i];
      const size_t count = node->position + 1;
      history[next + count - 1] = node->data();
      for (Beam::Node* before = beam.last_; before != nullptr; before = before->parent)
        history[next + before->position] = before->data();
      rows.push_back({node->token, node->position, std::span(history).subspan(next, count), node->data(),
                      beam.speech_.get(), beam.speech_->pages_.get()});
      next += count;
      nodes.push_back(std::move(node));
    }
  }
  // A single step is computed where its caller wants it.
  BeamStep& first = *batch[0]->step;
  std::vector<float>& out = batch.size() == 1 ? first.logits : logits;
  std::vector<float>& sums = batch.size() == 1 ? first.log_sum : log_sum;
  out.resize(n_rows * n_vocab);
  sums.resize(n_rows);
  decoder.Decode(rows, out.data(), sums.data());
  size_t row = 0;
  for (Pending* item : batch) {
    BeamStep& step = *item->step;
    const size_t n = step.beams.size();
    if (batch.size() > 1) {
      const auto at = static_cast<std::ptrdiff_t>(row);
      const auto count = static_cast<std::ptrdiff_t>(n);
      const auto width = static_cast<std::ptrdiff_t>(n_vocab);
      step.logits.assign(logits.begin() + at * width, logits.begin() + (at + count) * width);
      step.log_sum.assign(log_sum.begin() + at, log_sum.begin() + at + count);
    }
    item->result = CheckNumbers(step.log_sum);
    for (size_t i = 0; i < n && item->result; ++i) {
      Beam& beam = *step.beams[i];
      Beam::Node* node = nodes[row + i].release();
      node->parent = std::exchange(beam.last_, node);  // the beam's reference is now the node's
    }
    row += n;
  }
}

// Mean over layers and heads of softmax(q k) for the tokens of `queries`.
void SpeechEngineImpl::AddAttention(const EncodedSpeech& speech, const std::vector<float>& queries,
                                    size_t first, size_t n, std::vector<float>& attention) const {
  const SpeechConfig& config = model->config();
  const EncodedSpeech::Pages& pages = *speech.pages_;
  const size_t n_frames = speech.n_frames();
  const size_t hd = pages.layout.padded_head_dim();
  const bool bf16 = pages.layout.type == DType::kBF16;
  const float share = 1.0f / static_cast<float>(config.n_decoder_layers * config.n_heads);
  const float scale = 1.0f / std::sqrt(static_cast<float>(config.head_dim));
  std::vector<float> scores(pages.n_pages * KvPageLayout::kPositions);
  for (size_t layer = 0; layer < config.n_decoder_layers; ++layer) {
    const auto layer_pages = pages.OfLayer(layer);
    for (size_t t = 0; t < n; ++t) {
      for (size_t head = 0; head < config.n_heads; ++head) {
        const float* q = queries.data() + (layer * n + t) * config.d_model + head * config.head_dim;
        std::ranges::fill(scores, 0.0f);
        for (size_t group = 0; group < scores.size() / 16; ++group) {
          const auto* page =
              static_cast<const std::byte*>(layer_pages[group * 16 / KvPageLayout::kPositions]);
          const size_t in_page = group % (KvPageLayout::kPositions / 16);
          float* to = scores.data() + group * 16;
          const std::byte* keys =
              page + pages.layout.key_offset(head) + in_page * hd * 16 * pages.layout.value_bytes();
          for (size_t c = 0; c < config.head_dim; ++c) {
            if (bf16) {
              // [hd / 2][16][2]: pairs of columns.
              const auto* k = reinterpret_cast<const uint16_t*>(keys) + c / 2 * 32 + c % 2;
              for (size_t p = 0; p < 16; ++p)
                to[p] += q[c] * std::bit_cast<float>(static_cast<uint32_t>(k[2 * p]) << 16);
            } else {
              const auto* k = reinterpret_cast<const float*>(keys) + c * 16;
              for (size_t p = 0; p < 16; ++p) to[p] += q[c] * k[p];
            }
          }
        }
        float max = scores[0];
        for (size_t f = 0; f < n_frames; ++f) max = std::max(max, scores[f]);
        float total = 0;
        for (size_t f = 0; f < n_frames; ++f) total += scores[f] = std::exp((scores[f] - max) * scale);
        float* row = attention.data() + (first + t) * n_frames;
        for (size_t f = 0; f < n_frames; ++f) row[f] += scores[f] * share / total;
      }
    }
  }
}

Result<ForcedText> SpeechEngineImpl::Force(const std::shared_ptr<const EncodedSpeech>& speech,
                                           std::span<const TokenId> tokens) {
  const SpeechConfig& config = model->config();
  std::vector<std::unique_ptr<Beam::Node>> nodes;
  std::vector<const float*> path;
  for (size_t i = 0; i < tokens.size(); ++i) {
    nodes.push_back(std::make_unique<Beam::Node>(layout.n_floats));
    path.push_back(nodes.back()->data());
  }
  ForcedText forced;
  forced.attention.assign(tokens.size() * speech->n_frames(), 0.0f);
  std::vector<float> queries;
  // Row t takes the token before token t: the logits are of token t, and so is what the query looks at.
  for (size_t first = 0; first < tokens.size(); first += kForceRows) {
    const size_t n = std::min(kForceRows, tokens.size() - first);
    rows.clear();
    for (size_t i = first; i < first + n; ++i) {
      rows.push_back({i == 0 ? config.bos : tokens[i - 1], i, std::span(path).first(i + 1), nodes[i]->data(),
                      speech.get(), speech->pages_.get()});
    }
    logits.resize(n * config.n_vocab);
    log_sum.resize(n);
    decoder.Decode(rows, logits.data(), log_sum.data(), &queries);
    SOTTO_RETURN_IF_ERROR(CheckNumbers(log_sum));
    for (size_t i = 0; i < n; ++i) {
      forced.log_probs.push_back(logits[i * config.n_vocab + static_cast<size_t>(tokens[first + i])] -
                                 log_sum[i]);
    }
    AddAttention(*speech, queries, first, n, forced.attention);
  }
  return forced;
}

SpeechEngine::SpeechEngine(std::unique_ptr<SpeechEngineImpl> impl) : impl_(std::move(impl)) {}
SpeechEngine::~SpeechEngine() = default;
const SpeechModel& SpeechEngine::model() const { return *impl_->model; }

Result<std::unique_ptr<SpeechEngine>> SpeechEngine::Create(std::shared_ptr<const SpeechModel> model,
                                                           SpeechEngineOptions options) {
  SOTTO_CHECK(model != nullptr);
  if (options.max_batch_beams == 0 || options.n_threads < 1) {
    return MakeError(ErrorCode::kInvalidArgument, "a speech engine of {} threads and {} beams",
                     options.n_threads, options.max_batch_beams);
  }
  Isa isa = Isa::kScalar;
  if (options.isa) {
    isa = *options.isa;
  } else {
    SOTTO_ASSIGN_OR_RETURN(isa, ChooseIsa());
  }
  auto encoders = options.team != nullptr
                      ? options.team
                      : std::make_shared<SharedTeam>(static_cast<size_t>(options.n_threads));
  // On its callers' threads alone one sound is encoded while another's tokens are searched for; a team of more has all
  // cores in either.
  auto decoders =
      options.team == nullptr && options.n_threads == 1 ? std::make_shared<SharedTeam>(1) : encoders;
  return std::unique_ptr<SpeechEngine>(new SpeechEngine(
      std::make_unique<SpeechEngineImpl>(std::move(model), std::move(options), isa, encoders, decoders)));
}

Result<std::shared_ptr<const EncodedSpeech>> SpeechEngine::Encode(std::span<const float> samples) {
  const SpeechConfig& config = impl_->model->config();
  const double seconds = static_cast<double>(samples.size()) / 16000.0;
  const size_t n_frames = config.FramesOf(samples.size());
  if (n_frames == 0) {
    return MakeError(ErrorCode::kInvalidArgument, "{:.3f} s of sound are too short to recognise", seconds);
  }
  if (seconds > SpeechConfig::kMaxSeconds) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{:.1f} s of sound at once, at most {:.0f}: cut it at pauses", seconds,
                     SpeechConfig::kMaxSeconds);
  }
  for (size_t i = 0; i < samples.size(); ++i) {
    if (!std::isfinite(samples[i])) {
      return MakeError(ErrorCode::kInvalidArgument, "sample {} of the sound is no finite number", i);
    }
  }
  auto speech = std::shared_ptr<EncodedSpeech>(new EncodedSpeech());
  speech->model_ = impl_->model;
  speech->n_samples_ = samples.size();
  speech->n_frames_ = n_frames;
  {
    const std::scoped_lock lock(impl_->encoder_mutex);
    impl_->encoder.Encode(samples, *speech->pages_, impl_->options.keep_frames ? &speech->frames_ : nullptr);
  }
  const std::scoped_lock lock(impl_->mutex);
  ++impl_->counters.n_encoded;
  return std::shared_ptr<const EncodedSpeech>(std::move(speech));
}

Result<void> SpeechEngine::Step(BeamStep& step) {
  SpeechEngineImpl& impl = *impl_;
  SOTTO_RETURN_IF_ERROR(impl.Check(step));
  SpeechEngineImpl::Pending mine{&step};
  std::unique_lock lock(impl.mutex);
  impl.pending.push_back(&mine);
  while (!mine.done) {
    if (impl.computing) {
      impl.changed.wait(lock);
      continue;
    }
    std::vector<SpeechEngineImpl::Pending*> batch;
    size_t n_rows = 0;
    while (!impl.pending.empty()) {
      const size_t more = impl.pending.front()->step->beams.size();
      if (!batch.empty() && n_rows + more > impl.options.max_batch_beams) break;
      n_rows += more;
      batch.push_back(impl.pending.front());
      impl.pending.pop_front();
    }
    impl.computing = true;
    lock.unlock();
    impl.Compute(batch);
    lock.lock();
    impl.computing = false;
    ++impl.counters.n_steps;
    impl.counters.n_beams += n_rows;
    for (SpeechEngineImpl::Pending* item : batch) item->done = true;
    impl.changed.notify_all();
  }
  return mine.result;
}

Result<ForcedText> SpeechEngine::Force(const std::shared_ptr<const EncodedSpeech>& speech,
                                       std::span<const TokenId> tokens) {
  SpeechEngineImpl& impl = *impl_;
  if (speech == nullptr || &speech->model() != impl.model.get()) {
    return MakeError(ErrorCode::kInvalidArgument, "the sound is not of this model");
  }
  if (tokens.size() > impl.model->config().max_tokens) {
    return MakeError(ErrorCode::kOutOfRange, "{} tokens, at most {}", tokens.size(),
                     impl.model->config().max_tokens);
  }
  for (const TokenId token : tokens) SOTTO_RETURN_IF_ERROR(impl.CheckToken(token));
  std::unique_lock lock(impl.mutex);
  impl.changed.wait(lock, [&] { return !impl.computing; });
  impl.computing = true;
  lock.unlock();
  auto forced = impl.Force(speech, tokens);
  lock.lock();
  impl.computing = false;
  impl.changed.notify_all();
  return forced;
}

SpeechEngine::Counters SpeechEngine::counters() const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->counters;
}

}  // namespace sotto
