// The row-wise functions of Compute, RoPE and attention: how the work is cut for the team.
#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "nn/compute.h"
#include "nn/compute_scratch.h"
#include "nn/kernel_table.h"

namespace sotto {
namespace {

// Rows a chunk, so that a chunk is worth a fork; all of them where the whole is not.
size_t RowsPerChunk(size_t n_rows, size_t row_bytes, size_t n_threads) {
  if (n_rows * row_bytes < 2 * kWorthForking) return n_rows;
  const size_t least = (kWorthForking + row_bytes - 1) / std::max<size_t>(1, row_bytes);
  return std::max({size_t{1}, least, n_rows / (4 * n_threads)});
}

}  // namespace

void ComputeRopeAngles(const RopeParams& params, std::span<const int32_t> positions, RopeAngles& angles) {
  SOTTO_CHECK(params.n_rot % 2 == 0, "rotates {} dimensions", params.n_rot);
  const size_t half = params.n_rot / 2;
  SOTTO_CHECK(params.factors.empty() || params.factors.size() == half, "{} rope factors for {} dimensions",
              params.factors.size(), params.n_rot);
  angles.pairing = params.pairing;
  angles.n_rot = params.n_rot;
  angles.cos.resize(positions.size() * half);
  angles.sin.resize(positions.size() * half);
  std::vector<double> frequencies(half);
  for (size_t i = 0; i < half; ++i) {
    frequencies[i] =
        std::pow(params.theta, -2.0 * static_cast<double>(i) / static_cast<double>(params.n_rot)) *
        params.position_scale;
    if (!params.factors.empty()) frequencies[i] /= static_cast<double>(params.factors[i]);
  }
  for (size_t p = 0; p < positions.size(); ++p) {
    for (size_t i = 0; i < half; ++i) {
      const double angle = static_cast<double>(positions[p]) * frequencies[i];
      angles.cos[p * half + i] = static_cast<float>(std::cos(angle) * params.magnitude);
      angles.sin[p * half + i] = static_cast<float>(std::sin(angle) * params.magnitude);
    }
  }
}

void Compute::RmsNorm(const float* x, size_t n_rows, size_t n, const float* weight, float eps, float* y) {
  team_.ParallelFor(n_rows, RowsPerChunk(n_rows, 4 * n, team_.size()), [&](size_t begin, size_t end, size_t) {
    for (size_t r = begin; r < end; ++r) table_->rms_norm(x + r * n, n, weight, eps, y + r * n);
  });
}

void Compute::LayerNorm(const float* x, size_t n_rows, size_t n, const float* weight, const float* bias,
                        float eps, float* y) {
  team_.ParallelFor(n_rows, RowsPerChunk(n_rows, 4 * n, team_.size()), [&](size_t begin, size_t end, size_t) {
    for (size_t r = begin; r < end; ++r) table_->layer_norm(x + r * n, n, weight, bias, eps, y + r * n);
  });
}

void Compute::Rope(const RopeAngles& angles, float* x, size_t n_tokens, size_t n_heads, size_t head_dim,
                   size_t stride) {
  const size_t half = angles.n_rot / 2;
  SOTTO_CHECK(angles.n_rot <= head_dim && angles.cos.size() >= n_tokens * half,
              "rope of {} dimensions and {} values on heads of {}, {} tokens", angles.n_rot,
              angles.cos.size(), head_dim, n_tokens);
  if (stride == 0) stride = n_heads * head_dim;
  const size_t chunk = RowsPerChunk(n_tokens, 4 * n_heads * head_dim, team_.size());
  team_.ParallelFor(n_tokens, chunk, [&](size_t begin, size_t end, size_t) {
    for (size_t t = begin; t < end; ++t) {
      for (size_t h = 0; h < n_heads; ++h) {
        table_->rope(angles.pairing, angles.cos.data() + t * half, angles.sin.data() + t * half, angles.n_rot,
                     x + t * stride + h * head_dim);
      }
    }
  });
}

void Compute::SiluMul(const float* gate, const float* up, size_t n_rows, size_t n, float* y,
                      size_t gate_stride, size_t up_stride) {
  if (gate_stride == 0) gate_stride = n;
  if (up_stride == 0) up_stride = n;
  team_.ParallelFor(n_rows, RowsPerChunk(n_rows, 16 * n, team_.size()),
                    [&](size_t begin, size_t end, size_t) {
                      for (size_t r = begin; r < end; ++r)
                        table_->silu_mul(gate + r * gate_stride, up + r * up_stride, n, y + r * n);
                    });
}

void Compute::GeluMul(const float* gate, const float* up, size_t n_rows, size_t n, float* y,
                      size_t gate_stride, size_t up_stride) {
  if (gate_stride == 0) gate_stride = n;
  if (up_stride == 0) up_stride = n;
  team_.ParallelFor(n_rows, RowsPerChunk(n_rows, 16 * n, team_.size()),
                    [&](size_t begin, size_t end, size_t) {
                      for (size_t r = begin; r < end; ++r)
                        table_->gelu_mul(gate + r * gate_stride, up + r * up_stride, n, y + r * n);
                    });
}

void Compute::Gelu(float* x, size_t n_rows, size_t n) {
  team_.ParallelFor(n_rows, RowsPerChunk(n_rows, 16 * n, team_.size()),
                    [&](size_t begin, size_t end, size_t) {
                      for (size_t r = begin; r < end; ++r) table_->gelu_mul(x + r * n, nullptr, n, x + r * n);
                    });
}

void Compute::GeluErf(float* x, const float* bias, size_t n_rows, size_t n) {
  team_.ParallelFor(n_rows, RowsPerChunk(n_rows, 16 * n, team_.size()),
                    [&](size_t begin, size_t end, size_t) {
                      for (size_t r = begin; r < end; ++r) table_->gelu_erf(x + r * n, bias, n, x + r * n);
                    });
}

void Compute::Tanh(float* x, size_t n_rows, size_t n) {
  team_.ParallelFor(n_rows, RowsPerChunk(n_rows, 8 * n, team_.size()), [&](size_t begin, size_t end, size_t) {
    table_->tanh(x + begin * n, (end - begin) * n, x + begin * n);
  });
}

void Compute::Sigmoid(float* x, size_t n_rows, size_t n) {
  for (size_t r = 0; r < n_rows; ++r) table_->sigmoid(x + r * n, n, x + r * n);
}

void Compute::GroupNorm(float* x, size_t n_rows, size_t n, const float* weight, const float* bias,
                        float eps) {
  if (n_rows == 0) return;
  // Sums a row, then over the rows in their order: the same with any number of threads.
  Scratch& s = *scratch_;
  auto* sums = reinterpret_cast<float*>(Grow(s.rows, n_rows * sizeof(float)));
  const size_t chunk = RowsPerChunk(n_rows, 4 * n, team_.size());
  const auto mean_of = [&](auto&& of_row) {
    team_.ParallelFor(n_rows, chunk, [&](size_t begin, size_t end, size_t) {
      for (size_t r = begin; r < end; ++r) sums[r] = of_row(x + r * n);
    });
    double total = 0;
    for (size_t r = 0; r < n_rows; ++r) total += static_cast<double>(sums[r]);
    return total / (static_cast<double>(n_rows) * static_cast<double>(n));
  };
  const auto mean = static_cast<float>(mean_of([&](const float* row) { return table_->sum(row, n); }));
  const double variance = mean_of([&](const float* row) { return table_->square_deviation(row, n, mean); });
  const auto inverse = static_cast<float>(1.0 / std::sqrt(variance + static_cast<double>(eps)));
  team_.ParallelFor(n_rows, chunk, [&](size_t begin, size_t end, size_t) {
    for (size_t r = begin; r < end; ++r)
      table_->normalise(x + r * n, n, mean, inverse, weight, bias, x + r * n);
  });
}

void Compute::LogSumExp(const float* x, size_t n_rows, size_t n, float* out) {
  team_.ParallelFor(n_rows, RowsPerChunk(n_rows, 8 * n, team_.size()), [&](size_t begin, size_t end, size_t) {
    for (size_t r = begin; r < end; ++r) out[r] = table_->log_sum_exp(x + r * n, n);
  });
}

void Compute::Softmax(float* x, size_t n_rows, size_t n) {
  if (n == 0) return;
  team_.ParallelFor(n_rows, RowsPerChunk(n_rows, 8 * n, team_.size()), [&](size_t begin, size_t end, size_t) {
    for (size_t r = begin; r < end; ++r) table_->softmax(x + r * n, n);
  });
}

void Compute::Softcap(float* x, size_t n, float cap) { table_->softcap(x, n, cap); }
void Compute::Add(const float* x, size_t n, float* y) { table_->axpy(1.0f, x, n, y); }
void Compute::Axpy(float a, const float* x, size_t n, float* y) { table_->axpy(a, x, n, y); }
void Compute::Scale(float a, size_t n, float* x) { table_->scale(a, n, x); }

void Compute::AddBias(const float* bias, size_t n_rows, size_t n, float* y, size_t stride) {
  if (stride == 0) stride = n;
  for (size_t r = 0; r < n_rows; ++r) table_->axpy(1.0f, bias, n, y + r * stride);
}

void Compute::WriteKv(const KvPageLayout& layout, std::span<void* const> pages, size_t first_position,
                      size_t n, const float* keys, const float* values, size_t stride) {
  if (n == 0) return;
  SOTTO_CHECK(first_position + n <= pages.size() * KvPageLayout::kPositions, "position {} beyond {} pages",
              first_position + n - 1, pages.size());
  if (stride == 0) stride = layout.n_kv_heads * layout.head_dim;
  const bool small = n * layout.n_kv_heads * layout.head_dim * 8 < 2 * kWorthForking;
  team_.ParallelFor(layout.n_kv_heads, small ? layout.n_kv_heads : 1, [&](size_t begin, size_t end, size_t) {
    for (size_t head = begin; head < end; ++head) {
      table_->write_kv(layout, pages.data(), first_position, n, head, keys, values, stride);
    }
  });
}

size_t AttentionScratchBytes(const AttentionParams& params) {
  const size_t n_rows = (kAttentionQueries * (params.n_heads / params.layout.n_kv_heads) + 15) / 16 * 16;
  const size_t hd = params.layout.padded_head_dim();
  return n_rows * (2 * hd + KvPageLayout::kPositions + 18) * sizeof(float);
}

void Compute::Attention(const AttentionParams& params, std::span<const AttentionSequence> sequences,
                        const float* queries, float* out, size_t query_stride) {
  const KvPageLayout& layout = params.layout;
  SOTTO_CHECK(layout.n_kv_heads > 0 && params.n_heads % layout.n_kv_heads == 0, "{} heads on {} kv heads",
              params.n_heads, layout.n_kv_heads);
  const size_t row = params.n_heads * layout.head_dim;
  if (query_stride == 0) query_stride = row;
  Scratch& s = *scratch_;
  s.attention.clear();
  size_t work_bytes = 0;
  size_t n_before = 0;
  for (const AttentionSequence& sequence : sequences) {
    SOTTO_CHECK(sequence.n_positions <= sequence.pages.size() * KvPageLayout::kPositions &&
                    sequence.first_position + sequence.n_queries <= sequence.n_positions,
                "queries {}+{} and {} positions on {} pages", sequence.first_position, sequence.n_queries,
                sequence.n_positions, sequence.pages.size());
    const AttentionJob job{&params, &sequence, queries + n_before * query_stride, query_stride,
                           out + n_before * row};
    // Head after head, so that the keys and values of one are read again while they are near.
    for (size_t head = 0; head < layout.n_kv_heads; ++head) {
      for (size_t first = 0; first < sequence.n_queries; first += kAttentionQueries) {
        const size_t last = std::min(first + kAttentionQueries, sequence.n_queries);
        s.attention.push_back({job, head, first, last});
      }
    }
    work_bytes += sequence.n_positions * layout.n_kv_heads * layout.head_dim * 4 * sequence.n_queries;
    n_before += sequence.n_queries;
  }
  std::byte* scratch = s.ForThreads(team_.size(), AttentionScratchBytes(params));
  const size_t chunk = work_bytes < 2 * kWorthForking ? s.attention.size() : 1;
  team_.ParallelFor(s.attention.size(), chunk, [&](size_t begin, size_t end, size_t member) {
    for (size_t i = begin; i < end; ++i) {
      const Scratch::AttentionItem& item = s.attention[i];
      table_->attention(item.job, item.kv_head, item.first, item.last, scratch + member * s.thread_bytes);
    }
  });
}

void Compute::GatheredAttention(size_t n_heads, size_t head_dim, float scale,
                                std::span<const GatheredSequence> sequences, const float* queries,
                                float* out) {
  SOTTO_CHECK(head_dim > 0 && head_dim <= kMaxGatheredHeadDim, "heads of {}", head_dim);
  const size_t hd = (head_dim + 15) / 16 * 16;
  size_t n_positions = 0;
  size_t n_longest = 0;
  for (const GatheredSequence& sequence : sequences) {
    SOTTO_CHECK(!sequence.positions.empty());
    n_positions += sequence.positions.size();
    n_longest = std::max(n_longest, sequence.positions.size());
  }
  Scratch& s = *scratch_;
  std::byte* scratch = s.ForThreads(team_.size(), n_longest * sizeof(float));
  const bool small = n_positions * n_heads * hd * 8 < 2 * kWorthForking;
  team_.ParallelFor(
      sequences.size(), small ? sequences.size() : 1, [&](size_t begin, size_t end, size_t member) {
        auto* scores = reinterpret_cast<float*>(scratch + member * s.thread_bytes);
        for (size_t r = begin; r < end; ++r) {
          const size_t at = r * n_heads * head_dim;
          const GatheredJob job{&sequences[r], n_heads, head_dim, hd, scale, queries + at, out + at};
          for (size_t head = 0; head < n_heads; ++head) table_->gathered_attention(job, head, scores);
        }
      });
}

}  // namespace sotto
