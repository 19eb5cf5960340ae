// Built once per instruction set: SOTTO_ISA names the namespace (see CMakeLists.txt).
#include "trainer/kernels.h"

#include "trainer/attention.h"
#include "trainer/simd.h"
#ifdef __AMX_BF16__
#include "trainer/attention_tiles.h"
#endif

#include <cmath>
#include <limits>
#include <vector>

namespace sotto::SOTTO_ISA {
namespace {

template <typename T>
void ResidualNorm(const float* x_in, const T* y, const float* gain, float* x_out, T* h, float* inverse, int n,
                  int d, float eps) {
  for (int i = 0; i < n; ++i) {
    const float* in = x_in + static_cast<int64_t>(i) * d;
    const T* add = y == nullptr ? nullptr : y + static_cast<int64_t>(i) * d;
    float* x = x_out + static_cast<int64_t>(i) * d;
    T* out = h + static_cast<int64_t>(i) * d;
    Vec squares{};
    for (int j = 0; j < d; j += kWidth) {
      Ahead(in + j, 4 * d);
      AheadToWrite(x + j, 4 * d);
      AheadToWrite(out + j, 4 * d);
      Vec v = Load(in + j);
      if (add != nullptr) {
        Ahead(add + j, 4 * d);
        v += Load(add + j);
      }
      Store(x + j, v);
      squares += v * v;
    }
    const float scale = 1.0f / std::sqrt(Sum(squares) / static_cast<float>(d) + eps);
    inverse[i] = scale;
    for (int j = 0; j < d; j += kWidth) Store(out + j, Load(x + j) * scale * Load(gain + j));
  }
}

template <typename T>
void ResidualNormBackward(const T* dh, const float* x, const float* gain, const float* inverse, float* dx,
                          T* dx_low, float* d_gain, int n, int d) {
  for (int i = 0; i < n; ++i) {
    const int64_t at = static_cast<int64_t>(i) * d;
    const float scale = inverse[i];
    Vec dot{};
    for (int j = 0; j < d; j += kWidth) {
      Ahead(dh + at + j, 4 * d);
      Ahead(x + at + j, 4 * d);
      Ahead(dx + at + j, 4 * d);
      if (dx_low != nullptr) AheadToWrite(dx_low + at + j, 4 * d);
      const Vec g = Load(dh + at + j);
      const Vec hat = Load(x + at + j) * scale;
      Store(d_gain + j, Load(d_gain + j) + g * hat);
      dot += g * Load(gain + j) * hat;
    }
    const float mean = Sum(dot) / static_cast<float>(d);
    for (int j = 0; j < d; j += kWidth) {
      const Vec hat = Load(x + at + j) * scale;
      const Vec v = Load(dx + at + j) + (Load(dh + at + j) * Load(gain + j) - hat * mean) * scale;
      Store(dx + at + j, v);
      if (dx_low != nullptr) Store(dx_low + at + j, v);
    }
  }
}

template <typename T>
void Swiglu(const T* gate_up, T* out, int n, int d_ff) {
  for (int i = 0; i < n; ++i) {
    const T* gate = gate_up + static_cast<int64_t>(i) * 2 * d_ff;
    T* to = out + static_cast<int64_t>(i) * d_ff;
    for (int j = 0; j < d_ff; j += kWidth) {
      Ahead(gate + j, 4 * d_ff);
      Ahead(gate + j, 5 * d_ff);
      AheadToWrite(to + j, 2 * d_ff);
      const Vec g = Load(gate + j);
      Store(to + j, g * Reciprocal(1.0f + Exp(-g)) * Load(gate + d_ff + j));
    }
  }
}

template <typename T>
void SwigluBackward(const T* gate_up, const T* d_out, T* d_gate_up, int n, int d_ff) {
  for (int i = 0; i < n; ++i) {
    const T* gate = gate_up + static_cast<int64_t>(i) * 2 * d_ff;
    T* d_gate = d_gate_up + static_cast<int64_t>(i) * 2 * d_ff;
    const T* d = d_out + static_cast<int64_t>(i) * d_ff;
    for (int j = 0; j < d_ff; j += kWidth) {
      Ahead(gate + j, 4 * d_ff);
      Ahead(gate + j, 5 * d_ff);
      Ahead(d + j, 2 * d_ff);
      AheadToWrite(d_gate + j, 4 * d_ff);
      AheadToWrite(d_gate + j, 5 * d_ff);
      const Vec g = Load(gate + j);
      const Vec u = Load(gate + d_ff + j);
      const Vec sigmoid = Reciprocal(1.0f + Exp(-g));
      const Vec dy = Load(d + j);
      Store(d_gate + j, dy * u * sigmoid * (1.0f + g * (1.0f - sigmoid)));
      Store(d_gate + d_ff + j, dy * g * sigmoid);
    }
  }
}

// Replaces a row by e^(row - max) and returns the sum; `top` is the maximum.
template <typename T>
SOTTO_INLINE float SoftmaxRow(T* row, int v, float* probabilities, float& top) {
  const int whole = v / kWidth * kWidth;
  Vec best = Splat(-std::numeric_limits<float>::infinity());
  for (int j = 0; j < whole; j += kWidth) best = Max(best, Load(row + j));
  top = MaxOf(best);
  for (int j = whole; j < v; ++j) top = std::max(top, ToFloat(row[j]));
  Vec sum{};
  for (int j = 0; j < whole; j += kWidth) {
    const Vec e = Exp(Load(row + j) - top);
    Store(probabilities + j, e);
    sum += e;
  }
  float total = Sum(sum);
  for (int j = whole; j < v; ++j) {
    probabilities[j] = std::exp(ToFloat(row[j]) - top);
    total += probabilities[j];
  }
  return total;
}

template <typename T>
void CrossEntropy(T* logits, int n, int v, int stride, const int32_t* target, const float* weight,
                  RowScore* score) {
  thread_local std::vector<float> buffer;
  buffer.resize(static_cast<size_t>(RoundUp(v, kWidth)));
  float* p = buffer.data();
  for (int i = 0; i < n; ++i) {
    T* row = logits + static_cast<int64_t>(i) * stride;
    const float at_target = ToFloat(row[target[i]]);
    float top = 0;
    const float total = SoftmaxRow(row, v, p, top);
    score[i].loss = std::log(total) + top - at_target;
    score[i].probability = std::exp(-score[i].loss);
    score[i].top = 1.0f / total;
    score[i].hit = at_target >= top;
    const float scale = weight[i] / total;
    int j = 0;
    for (; j + kWidth <= v; j += kWidth) Store(row + j, Load(p + j) * scale);
    for (; j < v; ++j) StoreOne(row + j, p[j] * scale);
    StoreOne(row + target[i], (p[target[i]] / total - 1.0f) * weight[i]);
    for (j = v; j < stride; ++j) StoreOne(row + j, 0.0f);
  }
}

template <typename T>
void Distill(T* logits, const float* teacher, int n, int v, int stride, const float* weight, float* loss) {
  thread_local std::vector<float> buffer;
  buffer.resize(static_cast<size_t>(RoundUp(v, kWidth)));
  float* p = buffer.data();
  for (int i = 0; i < n; ++i) {
    T* row = logits + static_cast<int64_t>(i) * stride;
    const float* goal = teacher + static_cast<int64_t>(i) * v;
    float top = 0;
    const float total = SoftmaxRow(row, v, p, top);
    float sum = 0;
    for (int j = 0; j < v; ++j) {
      const float probability = p[j] / total;
      if (goal[j] > 0) sum += goal[j] * (std::log(goal[j]) - std::log(std::max(probability, 1e-30f)));
      StoreOne(row + j, weight[i] * (probability - goal[j]));
    }
    for (int j = v; j < stride; ++j) StoreOne(row + j, 0.0f);
    loss[i] = sum;
  }
}

template <typename T>
void Convert(const float* from, T* to, int64_t n) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) Store(to + i, Load(from + i));
  for (; i < n; ++i) StoreOne(to + i, from[i]);
}

template <typename T>
void Accumulate(const T* from, float* to, int64_t n) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) Store(to + i, Load(to + i) + Load(from + i));
  for (; i < n; ++i) to[i] += ToFloat(from[i]);
}

double SumOfSquares(const float* x, int64_t n) {
  double total = 0;
  int64_t i = 0;
  while (i + kWidth <= n) {
    Vec sum{};
    for (const int64_t end = std::min(n, i + 4096); i + kWidth <= end; i += kWidth) {
      const Vec v = Load(x + i);
      sum += v * v;
    }
    total += static_cast<double>(Sum(sum));
  }
  for (; i < n; ++i) total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return total;
}

void Nesterov(const float* g, float* m, float* out, int64_t n, float mu) {
  const float fresh = 1 - mu;
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    const Vec part = Load(g + i) * fresh;
    const Vec moment = Load(m + i) * mu + part;
    Store(m + i, moment);
    Store(out + i, moment * mu + part);
  }
  for (; i < n; ++i) {
    m[i] = m[i] * mu + g[i] * fresh;
    out[i] = m[i] * mu + g[i] * fresh;
  }
}

void Move(const Bf16* direction, float* w, int64_t n, float scale, float keep) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) Store(w + i, Load(w + i) * keep + Load(direction + i) * scale);
  for (; i < n; ++i) w[i] = w[i] * keep + ToFloat(direction[i]) * scale;
}

SOTTO_INLINE Vec Root(Vec x) {
#ifdef __AVX512F__
  return reinterpret_cast<Vec>(_mm512_sqrt_ps(reinterpret_cast<__m512>(x)));
#else
  for (int i = 0; i < kWidth; ++i) x[i] = std::sqrt(x[i]);
  return x;
#endif
}

void AdamStep(const float* g, float* m, float* v, float* w, int64_t n, const OptimizerKernels::Adam& a) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    const Vec gradient = Load(g + i) * a.scale;
    const Vec first = Load(m + i) * a.beta1 + gradient * (1 - a.beta1);
    const Vec second = Load(v + i) * a.beta2 + gradient * gradient * (1 - a.beta2);
    Store(m + i, first);
    Store(v + i, second);
    Store(w + i, Load(w + i) - first * a.rate / (Root(second) * a.inverse_root2 + 1e-8f));
  }
  for (; i < n; ++i) {
    const float gradient = g[i] * a.scale;
    m[i] = m[i] * a.beta1 + gradient * (1 - a.beta1);
    v[i] = v[i] * a.beta2 + gradient * gradient * (1 - a.beta2);
    w[i] -= m[i] * a.rate / (std::sqrt(v[i]) * a.inverse_root2 + 1e-8f);
  }
}

template <typename T>
constexpr KernelTable<T> Table() {
  return {&ResidualNorm<T>,   &ResidualNormBackward<T>, &Attention<T>, &AttentionBackward<T>, &Swiglu<T>,
          &SwigluBackward<T>, &CrossEntropy<T>,         &Distill<T>,   &Convert<T>,           &Accumulate<T>};
}

}  // namespace

const KernelTable<float>& FloatKernels() {
  static constexpr KernelTable<float> kTable = Table<float>();
  return kTable;
}

const KernelTable<Bf16>& Bf16Kernels() {
  static constexpr KernelTable<Bf16> kTable = [] {
    KernelTable<Bf16> table = Table<Bf16>();
#ifdef __AMX_BF16__
    table.attention = &AttentionOnTiles;
    table.attention_backward = &AttentionOnTilesBackward;
#endif
    return table;
  }();
  return kTable;
}

const OptimizerKernels& KernelsOfOptimizer() {
  static constexpr OptimizerKernels kTable = {&SumOfSquares, &Nesterov, &Move, &AdamStep};
  return kTable;
}

}  // namespace sotto::SOTTO_ISA
