#include "acoustic/voice_activity.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>
#include <optional>
#include <vector>

#include "base/check.h"
#include "nn/compute.h"
#include "slm/weights.h"

namespace sotto {
namespace {

constexpr size_t kWindow = 256;  // of the short-time spectrum
constexpr size_t kHop = 128;
constexpr size_t kBins = 129;
constexpr size_t kWindows = 4;
constexpr size_t kSignal =
    VoiceActivityModel::kContextSamples + VoiceActivityModel::kFrameSamples + kWindow / 4;
static_assert((kSignal - kWindow) / kHop + 1 == kWindows);

// Convolutions of 3 taps with one row of zeros at each end.
struct ConvShape {
  size_t n_in, n_out, stride;
};
constexpr ConvShape kConvs[] = {{kBins, 128, 1}, {128, 64, 2}, {64, 64, 2}, {64, 128, 1}};

}  // namespace

struct VoiceActivityWeights {
  // A product [rows, columns], columns padded to a multiple of 16, and its bias.
  struct Product {
    std::optional<WeightMatrix> weights;
    std::vector<float> bias;
    size_t columns = 0;
  };
  Product stft, convs[4], input, state;
  std::vector<float> output;
  float output_bias = 0.0f;

  // One frame at a time, of whichever stream: weights of 1.2 MB stay in the cache, scratch is there once.
  mutable std::mutex mutex;
  mutable std::optional<Compute> compute;
};

struct VoiceActivity::State {
  float context[VoiceActivityModel::kContextSamples] = {};
  float hidden[VoiceActivityModel::kState] = {};
  float cell[VoiceActivityModel::kState] = {};
};

namespace {

using Weights = VoiceActivityWeights;

Result<std::vector<float>> Floats(const GgufFile& file, const std::string& name, size_t columns,
                                  size_t rows) {
  SOTTO_ASSIGN_OR_RETURN(const GgufTensor* tensor, file.GetTensor(name));
  if (tensor->shape != std::array<uint64_t, 4>{columns, rows, 1, 1}) {
    return MakeError(ErrorCode::kCorrupt, "{}: tensor {} has shape {}, expected [{}, {}]", file.path(), name,
                     ShapeToString(*tensor), columns, rows);
  }
  SOTTO_ASSIGN_OR_RETURN(std::vector<float> values, TensorToFloats(*tensor, tensor->data, file.path()));
  if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); })) {
    return MakeError(ErrorCode::kCorrupt, "{}: {} holds values that are no finite numbers", file.path(),
                     name);
  }
  return values;
}

Result<void> ReadProduct(const GgufFile& file, const std::string& name, size_t columns, size_t rows,
                         bool biased, ThreadTeam& team, Weights::Product& out) {
  SOTTO_ASSIGN_OR_RETURN(const auto values, Floats(file, name + ".weight", columns, rows));
  out.columns = (columns + 15) / 16 * 16;
  std::vector<float> padded(rows * out.columns, 0.0f);
  for (size_t r = 0; r < rows; ++r)
    std::copy_n(values.data() + r * columns, columns, padded.data() + r * out.columns);
  SOTTO_ASSIGN_OR_RETURN(out.weights, WeightMatrix::FromFloats(DType::kF32, rows, out.columns, padded, team));
  if (!biased) return {};
  SOTTO_ASSIGN_OR_RETURN(out.bias, Floats(file, name + ".bias", rows, 1));
  return {};
}

void Multiply(Compute& compute, const Weights::Product& product, const float* x, size_t n, float* y) {
  compute.MatMul(*product.weights, x, n, y, ActivationMode::kFloat);
  if (!product.bias.empty()) compute.AddBias(product.bias.data(), n, product.bias.size(), y);
}

// x [n_in rows, shape.n_in] to y; returns the number of rows.
size_t Convolve(Compute& compute, const Weights::Product& product, const ConvShape& shape, const float* x,
                size_t n, float* windows, float* y) {
  const size_t n_out = (n - 1) / shape.stride + 1;
  std::fill_n(windows, n_out * product.columns, 0.0f);
  for (size_t row = 0; row < n_out; ++row) {
    for (size_t tap = 0; tap < 3; ++tap) {
      const size_t from = row * shape.stride + tap;  // counted from the row of zeros
      if (from == 0 || from > n) continue;
      std::copy_n(x + (from - 1) * shape.n_in, shape.n_in,
                  windows + row * product.columns + tap * shape.n_in);
    }
  }
  Multiply(compute, product, windows, n_out, y);
  for (size_t i = 0; i < n_out * shape.n_out; ++i) y[i] = std::max(y[i], 0.0f);
  return n_out;
}

}  // namespace

VoiceActivityModel::VoiceActivityModel() = default;
VoiceActivityModel::~VoiceActivityModel() = default;

Result<std::shared_ptr<const VoiceActivityModel>> VoiceActivityModel::Open(
    const std::filesystem::path& path) {
  SOTTO_ASSIGN_OR_RETURN(const auto file, GgufFile::Open(path));
  return FromGguf(*file);
}

Result<std::shared_ptr<const VoiceActivityModel>> VoiceActivityModel::FromGguf(const GgufFile& file) {
  SOTTO_ASSIGN_OR_RETURN(const std::string_view arch, file.GetString("general.architecture"));
  if (arch != "silero-vad") {
    return MakeError(ErrorCode::kUnsupported,
                     "{}: architecture '{}' is no voice activity model, expected 'silero-vad'", file.path(),
                     arch);
  }
  auto weights = std::make_unique<VoiceActivityWeights>();
  ThreadTeam team(1);
  SOTTO_RETURN_IF_ERROR(ReadProduct(file, "vad.stft", kWindow, 2 * kBins, false, team, weights->stft));
  for (size_t i = 0; i < 4; ++i) {
    SOTTO_RETURN_IF_ERROR(ReadProduct(file, fmt::format("vad.conv{}", i), 3 * kConvs[i].n_in, kConvs[i].n_out,
                                      true, team, weights->convs[i]));
  }
  SOTTO_RETURN_IF_ERROR(ReadProduct(file, "vad.lstm.input", 128, 4 * kState, true, team, weights->input));
  SOTTO_RETURN_IF_ERROR(ReadProduct(file, "vad.lstm.state", kState, 4 * kState, true, team, weights->state));
  SOTTO_ASSIGN_OR_RETURN(weights->output, Floats(file, "vad.output.weight", kState, 1));
  SOTTO_ASSIGN_OR_RETURN(const auto bias, Floats(file, "vad.output.bias", 1, 1));
  weights->output_bias = bias[0];
  SOTTO_ASSIGN_OR_RETURN(const Isa isa, ChooseIsa());
  weights->compute.emplace(isa, 1);
  auto model = std::shared_ptr<VoiceActivityModel>(new VoiceActivityModel());
  model->weights_ = std::move(weights);
  return std::shared_ptr<const VoiceActivityModel>(std::move(model));
}

VoiceActivity::VoiceActivity(std::shared_ptr<const VoiceActivityModel> model)
    : model_(std::move(model)), state_(std::make_unique<State>()) {
  SOTTO_CHECK(model_ != nullptr);
}
VoiceActivity::~VoiceActivity() = default;
VoiceActivity::VoiceActivity(VoiceActivity&&) noexcept = default;
VoiceActivity& VoiceActivity::operator=(VoiceActivity&&) noexcept = default;

void VoiceActivity::Reset() { *state_ = State(); }

float VoiceActivity::Push(std::span<const float> frame) {
  constexpr size_t kContext = VoiceActivityModel::kContextSamples;
  constexpr size_t kFrame = VoiceActivityModel::kFrameSamples;
  constexpr size_t kState = VoiceActivityModel::kState;
  SOTTO_CHECK(frame.size() == kFrame, "a frame of {} samples", frame.size());
  const VoiceActivityWeights& w = model_->weights();
  State& state = *state_;
  float signal[kSignal];
  std::copy_n(state.context, kContext, signal);
  for (size_t i = 0; i < kFrame; ++i) {
    const float sample = frame[i];
    signal[kContext + i] = std::isfinite(sample) ? std::clamp(sample, -8.0f, 8.0f) : 0.0f;
  }
  for (size_t i = kContext + kFrame; i < kSignal; ++i) signal[i] = signal[2 * (kContext + kFrame) - 2 - i];
  std::copy_n(signal + kFrame, kContext, state.context);

  const std::scoped_lock lock(w.mutex);
  Compute& compute = *w.compute;
  float rows[kWindows * kWindow];
  for (size_t i = 0; i < kWindows; ++i) std::copy_n(signal + i * kHop, kWindow, rows + i * kWindow);
  float spectrum[kWindows * 2 * kBins];
  Multiply(compute, w.stft, rows, kWindows, spectrum);
  float a[kWindows * kBins];
  float b[kWindows * kBins];
  float windows[kWindows * 400];
  for (size_t i = 0; i < kWindows; ++i) {
    const float* real = spectrum + i * 2 * kBins;
    for (size_t k = 0; k < kBins; ++k)
      a[i * kBins + k] = std::sqrt(real[k] * real[k] + real[kBins + k] * real[kBins + k]);
  }
  size_t n = kWindows;
  n = Convolve(compute, w.convs[0], kConvs[0], a, n, windows, b);
  n = Convolve(compute, w.convs[1], kConvs[1], b, n, windows, a);
  n = Convolve(compute, w.convs[2], kConvs[2], a, n, windows, b);
  n = Convolve(compute, w.convs[3], kConvs[3], b, n, windows, a);
  SOTTO_CHECK(n == 1);
  // Gates: input, forget, candidate, output.
  float gates[4 * kState];
  float from_state[4 * kState];
  Multiply(compute, w.input, a, 1, gates);
  Multiply(compute, w.state, state.hidden, 1, from_state);
  compute.Add(from_state, 4 * kState, gates);
  compute.Sigmoid(gates, 1, 2 * kState);
  compute.Tanh(gates + 2 * kState, 1, kState);
  compute.Sigmoid(gates + 3 * kState, 1, kState);
  float voice = w.output_bias;
  for (size_t i = 0; i < kState; ++i)
    state.cell[i] = gates[kState + i] * state.cell[i] + gates[i] * gates[2 * kState + i];
  std::copy_n(state.cell, kState, state.hidden);
  compute.Tanh(state.hidden, 1, kState);
  for (size_t i = 0; i < kState; ++i) {
    state.hidden[i] *= gates[3 * kState + i];
    voice += std::max(state.hidden[i], 0.0f) * w.output[i];
  }
  return 1.0f / (1.0f + std::exp(-voice));
}

}  // namespace sotto
