#include "nn/compute.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "nn/compute_scratch.h"
#include "nn/kernel_table.h"

namespace sotto {
namespace {

bool TwoScales(DType type) { return type == DType::kQ6_K; }

}  // namespace

void Compute::Scratch::QuantizeFor(const KernelTable& table, ThreadTeam& team, const float* x,
                                   size_t n_tokens, size_t n_cols) {
  const Int8Tokens out = SplitTokens(n_tokens, n_cols);
  const size_t nb = n_cols / 32;
  // Tiles compute with the tokens beyond the last too: what lay in their place could be a denormal, which
  // costs a hundred times a number.
  if (const size_t padding = n_tokens == 1 ? 0 : (16 - n_tokens % 16) % 16; padding > 0) {
    std::fill_n(out.d + n_tokens * nb, padding * nb, 0.0f);
    std::fill_n(out.dsum + n_tokens * nb, padding * nb, 0.0f);
  }
  const size_t chunk = n_tokens * n_cols < 4 * kWorthForking ? n_tokens : std::max<size_t>(1, n_tokens / 16);
  // Types differ by offset and by the width of a sum: at most four variants, each in its own array.
  constexpr DType kWithOffset[] = {DType::kQ8_0, DType::kQ4_0, DType::kQ5_0, DType::kQ6_K};
  const size_t variant_bytes = Padded(2 * n_tokens * nb * sizeof(int32_t));
  auto* init_bytes = Grow(init, std::size(kWithOffset) * variant_bytes);
  bool used[std::size(kWithOffset)] = {};
  for (MatMulJob& job : jobs) {
    job.x8 = out;
    for (size_t v = 0; v < std::size(kWithOffset); ++v) {
      if (job.type != kWithOffset[v] || table.offset(job.type) == 0) continue;
      used[v] = true;
      job.init = reinterpret_cast<const int32_t*>(init_bytes + v * variant_bytes);
    }
  }
  team.ParallelFor(n_tokens, chunk, [&](size_t begin, size_t end, size_t) {
    const Int8Tokens part{out.q + begin * n_cols, out.d + begin * nb, out.dsum + begin * nb,
                          out.sum16 + begin * nb * 2};
    table.quantize_tokens(x + begin * n_cols, end - begin, n_cols, part);
    for (size_t v = 0; v < std::size(kWithOffset); ++v) {
      if (!used[v]) continue;
      auto* to = reinterpret_cast<int32_t*>(init_bytes + v * variant_bytes);
      const int32_t offset = table.offset(kWithOffset[v]);
      if (TwoScales(kWithOffset[v])) {
        for (size_t i = begin * nb * 2; i < end * nb * 2; ++i) to[i] = -offset * out.sum16[i];
      } else {
        for (size_t i = begin * nb; i < end * nb; ++i)
          to[i] = -offset * (out.sum16[2 * i] + out.sum16[2 * i + 1]);
      }
    }
  });
}

Compute::Compute(Isa isa, size_t n_threads) : Compute(isa, std::make_shared<SharedTeam>(n_threads)) {}

Compute::Compute(Isa isa, std::shared_ptr<SharedTeam> team)
    : isa_(isa),
      table_(KernelsOf(isa)),
      shared_team_(std::move(team)),
      team_(shared_team_->team()),
      scratch_(std::make_unique<Scratch>()) {
  SOTTO_CHECK(table_ != nullptr, "no kernels for {}", IsaName(isa));
}

Compute::~Compute() = default;

void Compute::MatMul(const WeightMatrix& w, const float* x, size_t n_tokens, float* y, ActivationMode mode) {
  const MatMulOutput output{&w, y, 0};
  MatMulMany({&output, 1}, x, n_tokens, mode);
}

void Compute::MatMulMany(std::span<const MatMulOutput> outputs, const float* x, size_t n_tokens,
                         ActivationMode mode) {
  if (outputs.empty() || n_tokens == 0) return;
  Scratch& s = *scratch_;
  s.jobs.clear();
  s.groups_before.assign(1, 0);
  const size_t n_cols = outputs[0].weights->n_cols();
  size_t size_bytes = 0;
  bool any_int8 = false;
  for (const MatMulOutput& output : outputs) {
    const WeightMatrix& w = *output.weights;
    SOTTO_CHECK(w.n_cols() == n_cols, "{} and {} columns share an input", w.n_cols(), n_cols);
    any_int8 |= IsQuantized(w.type()) && mode == ActivationMode::kInt8;
    s.jobs.push_back({w.type(),
                      w.group(0),
                      static_cast<size_t>(w.group(1) - w.group(0)),
                      w.n_rows(),
                      n_cols,
                      n_tokens,
                      x,
                      {},
                      nullptr,
                      output.y,
                      output.y_stride != 0 ? output.y_stride : w.n_rows()});
    s.groups_before.push_back(s.groups_before.back() + w.n_groups());
    size_bytes += w.size_bytes();
  }
  if (any_int8) s.QuantizeFor(*table_, team_, x, n_tokens, n_cols);
  const size_t n_groups = s.groups_before.back();
  size_t chunk =
      std::clamp<size_t>(n_groups / (team_.size() * 8) / kPanelGroups * kPanelGroups, kPanelGroups, 16);
  if (size_bytes * n_tokens < kWorthForking) chunk = n_groups;
  std::byte* scratch = s.ForThreads(team_.size(), kMatMulScratchBytes);
  const bool int8 = mode == ActivationMode::kInt8;
  team_.ParallelFor(n_groups, chunk, [&](size_t begin, size_t end, size_t member) {
    for (size_t i = 0; i < s.jobs.size(); ++i) {
      const size_t first = std::max(begin, s.groups_before[i]);
      const size_t last = std::min(end, s.groups_before[i + 1]);
      if (first >= last) continue;
      const MatMulJob& job = s.jobs[i];
      const auto kernel = int8 && IsQuantized(job.type) ? table_->matmul_int8 : table_->matmul_float;
      kernel(job, first - s.groups_before[i], last - s.groups_before[i], scratch + member * s.thread_bytes);
    }
  });
}

void Compute::MatMulRows(const WeightMatrix& w, std::span<const int32_t> rows, const float* x,
                         size_t n_tokens, float* y, ActivationMode mode) {
  if (rows.empty() || n_tokens == 0) return;
  Scratch& s = *scratch_;
  s.row_groups.clear();
  for (const int32_t row : rows) {
    SOTTO_CHECK(row >= 0 && static_cast<size_t>(row) < w.n_rows(), "row {} of {}", row, w.n_rows());
    s.row_groups.push_back(row / static_cast<int32_t>(kRowGroup));
  }
  std::sort(s.row_groups.begin(), s.row_groups.end());
  s.row_groups.erase(std::unique(s.row_groups.begin(), s.row_groups.end()), s.row_groups.end());
  const size_t group_bytes = static_cast<size_t>(w.group(1) - w.group(0));
  const bool int8 = IsQuantized(w.type()) && mode == ActivationMode::kInt8;
  s.jobs.assign(
      1,
      {w.type(), nullptr, group_bytes, kRowGroup, w.n_cols(), n_tokens, x, {}, nullptr, nullptr, kRowGroup});
  if (int8) s.QuantizeFor(*table_, team_, x, n_tokens, w.n_cols());
  auto* found =
      reinterpret_cast<float*>(Grow(s.rows, s.row_groups.size() * n_tokens * kRowGroup * sizeof(float)));
  std::byte* scratch = s.ForThreads(team_.size(), kMatMulScratchBytes);
  const size_t chunk = s.row_groups.size() * group_bytes * n_tokens < kWorthForking ? s.row_groups.size() : 4;
  team_.ParallelFor(s.row_groups.size(), chunk, [&](size_t begin, size_t end, size_t member) {
    for (size_t i = begin; i < end; ++i) {
      MatMulJob job = s.jobs[0];
      job.groups = w.group(static_cast<size_t>(s.row_groups[i]));
      job.y = found + i * n_tokens * kRowGroup;
      (int8 ? table_->matmul_int8 : table_->matmul_float)(job, 0, 1, scratch + member * s.thread_bytes);
    }
  });
  for (size_t r = 0; r < rows.size(); ++r) {
    const auto group = rows[r] / static_cast<int32_t>(kRowGroup);
    const auto at = std::lower_bound(s.row_groups.begin(), s.row_groups.end(), group) - s.row_groups.begin();
    const float* from =
        found + static_cast<size_t>(at) * n_tokens * kRowGroup + static_cast<size_t>(rows[r]) % kRowGroup;
    for (size_t t = 0; t < n_tokens; ++t) y[t * rows.size() + r] = from[t * kRowGroup];
  }
}

}  // namespace sotto
