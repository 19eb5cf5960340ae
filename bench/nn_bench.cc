// What the kernels reach on this machine, on the shapes of whole models: run `bench_nn
// --benchmark_filter=...`. Environment: SOTTO_ISA, SOTTO_THREADS (default 2). Weights are random; memory
// traffic and arithmetic are real.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "nn/compute.h"
#include "nn/half.h"

namespace sotto {
namespace {

struct Shape {
  size_t d_model, d_ff, n_layers, n_heads, n_kv_heads, head_dim, n_vocab;
};
constexpr Shape kQwen3_06B = {1024, 3072, 28, 16, 8, 128, 151936};
constexpr Shape kTenMillion = {320, 1152, 6, 5, 5, 64, 4096};

size_t Threads() {
  const char* text = std::getenv("SOTTO_THREADS");
  return text != nullptr ? static_cast<size_t>(std::atoi(text)) : 2;
}

Compute& Engine() {
  static Compute compute(ChooseIsa().value(), Threads());
  return compute;
}

// A matrix of random quants with finite scales.
WeightMatrix RandomMatrix(DType type, size_t n_rows, size_t n_cols) {
  static Random random(1);
  static std::vector<std::byte> noise;
  const size_t size_bytes = n_rows * RowBytes(type, n_cols);
  std::vector<std::byte> bytes(size_bytes);
  if (noise.size() < size_t{1} << 20) {
    noise.resize(size_t{1} << 20);
    for (std::byte& b : noise) b = static_cast<std::byte>(random.Below(256));
  }
  for (size_t i = 0; i < size_bytes; i += noise.size()) {
    std::memcpy(bytes.data() + i, noise.data(), std::min(noise.size(), size_bytes - i));
  }
  const uint16_t half = FloatToF16(0.001f);
  for (size_t i = 0; i < size_bytes && IsQuantized(type); i += BlockBytes(type)) {
    std::byte* block = bytes.data() + i;
    const bool two = type == DType::kQ4_K || type == DType::kQ5_K || type == DType::kQ5_1;
    std::memcpy(block + (type == DType::kQ6_K ? offsetof(BlockQ6_K, d) : 0), &half, 2);
    if (two) std::memcpy(block + 2, &half, 2);
  }
  if (!IsQuantized(type)) std::memset(bytes.data(), 0x11, size_bytes);
  return WeightMatrix::Create(type, n_rows, n_cols, bytes, Engine().team()).value();
}

struct Layer {
  WeightMatrix q, k, v, o, gate, up, down;
};

// `mixed`: Q4_K with Q6_K for half of v and down and for the output, as Q4_K_M files are.
struct Model {
  Model(const Shape& s, DType type) : shape(s) {
    const DType six = type == DType::kQ4_K ? DType::kQ6_K : type;
    for (size_t i = 0; i < s.n_layers; ++i) {
      const DType often = i % 2 == 0 ? six : type;
      layers.push_back({RandomMatrix(type, s.n_heads * s.head_dim, s.d_model),
                        RandomMatrix(type, s.n_kv_heads * s.head_dim, s.d_model),
                        RandomMatrix(often, s.n_kv_heads * s.head_dim, s.d_model),
                        RandomMatrix(type, s.d_model, s.n_heads * s.head_dim),
                        RandomMatrix(type, s.d_ff, s.d_model), RandomMatrix(type, s.d_ff, s.d_model),
                        RandomMatrix(often, s.d_model, s.d_ff)});
    }
    const DType output_type = type == DType::kQ4_0 ? DType::kQ6_K : six;
    output.push_back(
        RandomMatrix(s.d_model % BlockSize(output_type) == 0 ? output_type : type, s.n_vocab, s.d_model));
    for (const Layer& l : layers) {
      for (const WeightMatrix* w : {&l.q, &l.k, &l.v, &l.o, &l.gate, &l.up, &l.down})
        file_bytes += w->file_bytes();
    }
    file_bytes += output[0].file_bytes();
  }

  Shape shape;
  std::vector<Layer> layers;
  std::vector<WeightMatrix> output;
  size_t file_bytes = 0;
};

// One at a time stays in memory.
Model& ModelOf(const Shape& shape, DType type) {
  static std::unique_ptr<Model> model;
  static DType last = DType::kF32;
  if (model == nullptr || last != type || model->shape.d_model != shape.d_model) {
    model.reset();
    model = std::make_unique<Model>(shape, type);
    last = type;
  }
  return *model;
}

// Keys and values of `n_sequences` sequences of up to n positions each.
struct Cache {
  Cache(const Shape& s, DType type, size_t n_sequences, size_t n)
      : layout{type, s.n_kv_heads, s.head_dim},
        n_pages((n + KvPageLayout::kPositions - 1) / KvPageLayout::kPositions) {
    memory = AlignedBuffer(n_sequences * s.n_layers * n_pages * layout.page_bytes());
    std::memset(memory.data(), 0, memory.size());
    for (size_t i = 0; i < n_sequences * s.n_layers * n_pages; ++i) {
      pages.push_back(memory.data() + i * layout.page_bytes());
      const_pages.push_back(pages.back());
    }
  }
  size_t At(size_t sequence, size_t layer, size_t n_layers) const {
    return (sequence * n_layers + layer) * n_pages;
  }

  KvPageLayout layout;
  size_t n_pages;
  AlignedBuffer memory;
  std::vector<void*> pages;
  std::vector<const void*> const_pages;
};

// One forward pass: `n_sequences` sequences of n_tokens new tokens after n_cached; logits of each sequence's
// last token.
class Pass {
 public:
  Pass(Model& model, size_t n_sequences, size_t n_tokens, size_t n_cached, DType kv_type)
      : m_(model),
        s_(model.shape),
        n_sequences_(n_sequences),
        n_tokens_(n_tokens),
        n_cached_(n_cached),
        cache_(s_, kv_type, n_sequences, n_cached + n_tokens),
        x_(n() * s_.d_model, 0.5f),
        h_(n() * s_.d_model),
        q_(n() * (s_.n_heads + 2 * s_.n_kv_heads) * s_.head_dim),
        a_(n() * s_.n_heads * s_.head_dim),
        g_(n() * 2 * s_.d_ff),
        logits_(n_sequences * s_.n_vocab),
        weight_(std::max(s_.d_model, s_.head_dim), 1.0f) {
    RopeParams params;
    params.n_rot = s_.head_dim;
    std::vector<int32_t> positions;
    for (size_t i = 0; i < n(); ++i) positions.push_back(static_cast<int32_t>(n_cached + i % n_tokens));
    ComputeRopeAngles(params, positions, angles_);
  }

  void Run() {
    Compute& c = Engine();
    for (size_t l = 0; l < s_.n_layers; ++l) {
      Attend(c, l);
      const Layer& layer = m_.layers[l];
      c.RmsNorm(x_.data(), n(), s_.d_model, weight_.data(), 1e-6f, h_.data());
      const MatMulOutput gate_up[] = {{&layer.gate, g_.data(), 0}, {&layer.up, g_.data() + n() * s_.d_ff, 0}};
      c.MatMulMany(gate_up, h_.data(), n(), ActivationMode::kInt8);
      c.SiluMul(g_.data(), g_.data() + n() * s_.d_ff, n(), s_.d_ff, g_.data());
      c.MatMul(layer.down, g_.data(), n(), h_.data(), ActivationMode::kInt8);
      c.Add(h_.data(), h_.size(), x_.data());
    }
    for (size_t i = 0; i < n_sequences_; ++i) {
      std::memcpy(&h_[i * s_.d_model], &x_[((i + 1) * n_tokens_ - 1) * s_.d_model],
                  s_.d_model * sizeof(float));
    }
    c.MatMul(m_.output[0], h_.data(), n_sequences_, logits_.data(), ActivationMode::kInt8);
    benchmark::DoNotOptimize(logits_.data());
    std::fill(x_.begin(), x_.end(), 0.5f);
  }

 private:
  size_t n() const { return n_sequences_ * n_tokens_; }

  void Attend(Compute& c, size_t l) {
    const Layer& layer = m_.layers[l];
    const size_t n_q = s_.n_heads * s_.head_dim;
    const size_t n_kv = s_.n_kv_heads * s_.head_dim;
    float* k = q_.data() + n() * n_q;
    float* v = k + n() * n_kv;
    c.RmsNorm(x_.data(), n(), s_.d_model, weight_.data(), 1e-6f, h_.data());
    const MatMulOutput qkv[] = {{&layer.q, q_.data(), 0}, {&layer.k, k, 0}, {&layer.v, v, 0}};
    c.MatMulMany(qkv, h_.data(), n(), ActivationMode::kInt8);
    c.RmsNorm(q_.data(), n() * s_.n_heads, s_.head_dim, weight_.data(), 1e-6f, q_.data());
    c.RmsNorm(k, n() * s_.n_kv_heads, s_.head_dim, weight_.data(), 1e-6f, k);
    c.Rope(angles_, q_.data(), n(), s_.n_heads, s_.head_dim);
    c.Rope(angles_, k, n(), s_.n_kv_heads, s_.head_dim);
    std::vector<AttentionSequence> sequences;
    for (size_t i = 0; i < n_sequences_; ++i) {
      const size_t at = cache_.At(i, l, s_.n_layers);
      c.WriteKv(cache_.layout, std::span(cache_.pages).subspan(at, cache_.n_pages), n_cached_, n_tokens_,
                k + i * n_tokens_ * n_kv, v + i * n_tokens_ * n_kv);
      sequences.push_back({std::span(cache_.const_pages).subspan(at, cache_.n_pages), n_cached_, n_tokens_,
                           n_cached_ + n_tokens_});
    }
    AttentionParams params;
    params.layout = cache_.layout;
    params.n_heads = s_.n_heads;
    params.scale = 0.088f;
    c.Attention(params, sequences, q_.data(), a_.data());
    c.MatMul(layer.o, a_.data(), n(), h_.data(), ActivationMode::kInt8);
    c.Add(h_.data(), h_.size(), x_.data());
  }

  Model& m_;
  Shape s_;
  size_t n_sequences_, n_tokens_, n_cached_;
  Cache cache_;
  std::vector<float> x_, h_, q_, a_, g_, logits_, weight_;
  RopeAngles angles_;
};

double Bandwidth() {
  static const double bandwidth = MeasureReadBandwidth(Engine().team());
  return bandwidth;
}

void RunPass(benchmark::State& state, const Shape& shape, DType type, size_t n_sequences, size_t n_tokens,
             size_t n_cached, DType kv_type) {
  Model& model = ModelOf(shape, type);
  Pass pass(model, n_sequences, n_tokens, n_cached, kv_type);
  pass.Run();
  for (auto _ : state) pass.Run();
  const auto runs = static_cast<double>(state.iterations());
  state.counters["tokens"] =
      benchmark::Counter(runs * static_cast<double>(n_sequences * n_tokens), benchmark::Counter::kIsRate);
  if (n_sequences * n_tokens == 1) {
    state.counters["of_bandwidth"] = benchmark::Counter(
        runs * static_cast<double>(model.file_bytes) / Bandwidth(), benchmark::Counter::kIsRate);
  }
  state.SetLabel(std::string(DTypeName(type)) + " " + std::string(IsaName(Engine().isa())));
}

void BM_Qwen3(benchmark::State& state) {
  RunPass(state, kQwen3_06B, *DTypeFromId(static_cast<uint32_t>(state.range(0))),
          static_cast<size_t>(state.range(1)), static_cast<size_t>(state.range(2)),
          static_cast<size_t>(state.range(3)), *DTypeFromId(static_cast<uint32_t>(state.range(4))));
}
BENCHMARK(BM_Qwen3)
    ->ArgNames({"type", "sequences", "tokens", "cached", "kv"})
    ->ArgsProduct({{8, 2, 12}, {1}, {1}, {0, 1664}, {30}})
    ->ArgsProduct({{8, 2, 12}, {1}, {32}, {0, 1664}, {30}})
    ->ArgsProduct({{8, 2, 12}, {1}, {512}, {0}, {30}})
    ->ArgsProduct({{8}, {2, 4, 8}, {1}, {0}, {30}})
    ->ArgsProduct({{8}, {1}, {1, 32}, {1664}, {1}})
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void BM_TenMillion(benchmark::State& state) {
  RunPass(state, kTenMillion, *DTypeFromId(static_cast<uint32_t>(state.range(0))), 1,
          static_cast<size_t>(state.range(1)), 0, DType::kF16);
}
BENCHMARK(BM_TenMillion)
    ->ArgNames({"type", "tokens"})
    ->ArgsProduct({{8}, {1, 32, 512}})
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

void BM_ReadBandwidth(benchmark::State& state) {
  double best = 0;
  for (auto _ : state) best = std::max(best, MeasureReadBandwidth(Engine().team()));
  state.counters["GB/s"] = best / 1e9;
}
BENCHMARK(BM_ReadBandwidth)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(3);

void BM_ForkJoin(benchmark::State& state) {
  for (auto _ : state) {
    Engine().team().ParallelFor(8, 1, [](size_t begin, size_t, size_t) { benchmark::DoNotOptimize(begin); });
  }
}
BENCHMARK(BM_ForkJoin)->UseRealTime();

// One matrix that stays in the cache.
void BM_MatMul(benchmark::State& state) {
  const DType type = *DTypeFromId(static_cast<uint32_t>(state.range(0)));
  const auto n_tokens = static_cast<size_t>(state.range(1));
  const size_t n_rows = 1024;
  const size_t n_cols = 1024;
  const WeightMatrix w = RandomMatrix(type, n_rows, n_cols);
  const std::vector<float> x(n_tokens * n_cols, 0.5f);
  std::vector<float> y(n_tokens * n_rows);
  for (auto _ : state) {
    Engine().MatMul(w, x.data(), n_tokens, y.data(), ActivationMode::kInt8);
    benchmark::DoNotOptimize(y.data());
  }
  state.counters["ops"] = benchmark::Counter(
      static_cast<double>(state.iterations()) * 2.0 * static_cast<double>(n_tokens * n_rows * n_cols),
      benchmark::Counter::kIsRate);
  state.SetLabel(std::string(DTypeName(type)));
}
BENCHMARK(BM_MatMul)
    ->ArgNames({"type", "tokens"})
    ->ArgsProduct({{0, 1, 30, 2, 6, 7, 8, 12, 13, 14}, {1, 4, 8, 32, 256}})
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

}  // namespace
}  // namespace sotto

BENCHMARK_MAIN();
