#include <gtest/gtest.h>

#include "nn_test_data.h"

namespace sotto {
namespace {

struct Config {
  DType type;
  size_t n_heads, n_kv_heads, head_dim;
  float softcap = 0.0f;
  size_t window = 0;
  bool causal = true;
};

// Keys, values and queries of one sequence of n positions, and its pages.
class Sequence {
 public:
  Sequence(const Config& config, size_t n, Random& random)
      : n_positions(n),
        keys(RandomFloats(n * config.n_kv_heads * config.head_dim, random)),
        values(RandomFloats(n * config.n_kv_heads * config.head_dim, random)),
        queries(RandomFloats(n * config.n_heads * config.head_dim, random)),
        layout{config.type, config.n_kv_heads, config.head_dim} {
    const size_t n_pages = (n + KvPageLayout::kPositions - 1) / KvPageLayout::kPositions;
    for (size_t i = 0; i < n_pages; ++i) {
      memory_.emplace_back(layout.page_bytes());
      std::memset(memory_.back().data(), 0, layout.page_bytes());
      pages.push_back(memory_.back().data());
      const_pages.push_back(memory_.back().data());
    }
  }

  void Write(Compute& compute, size_t first, size_t n) {
    const size_t row = layout.n_kv_heads * layout.head_dim;
    compute.WriteKv(layout, pages, first, n, &keys[first * row], &values[first * row]);
  }

  size_t n_positions;
  std::vector<float> keys, values, queries;
  KvPageLayout layout;
  std::vector<void*> pages;
  std::vector<const void*> const_pages;

 private:
  std::vector<AlignedBuffer> memory_;
};

AttentionParams ParamsOf(const Config& config) {
  AttentionParams params;
  params.layout = {config.type, config.n_kv_heads, config.head_dim};
  params.n_heads = config.n_heads;
  params.scale = 1.7f / std::sqrt(static_cast<float>(config.head_dim));
  params.softcap = config.softcap;
  params.window = config.window;
  params.causal = config.causal;
  return params;
}

std::vector<double> Naive(const Config& config, const Sequence& s) {
  const AttentionParams params = ParamsOf(config);
  const size_t hd = config.head_dim;
  std::vector<double> out(s.queries.size());
  for (size_t t = 0; t < s.n_positions; ++t) {
    for (size_t h = 0; h < config.n_heads; ++h) {
      const size_t kv = h / (config.n_heads / config.n_kv_heads);
      std::vector<double> weight(s.n_positions, 0.0);
      double total = 0;
      for (size_t p = 0; p < s.n_positions; ++p) {
        if (config.causal && p > t) continue;
        if (config.window > 0 && p + config.window <= t) continue;
        double score = 0;
        for (size_t i = 0; i < hd; ++i) {
          score += static_cast<double>(s.queries[(t * config.n_heads + h) * hd + i]) *
                   s.keys[(p * config.n_kv_heads + kv) * hd + i];
        }
        score *= params.scale;
        if (config.softcap > 0) score = config.softcap * std::tanh(score / config.softcap);
        weight[p] = std::exp(score);
        total += weight[p];
      }
      for (size_t i = 0; i < hd; ++i) {
        double sum = 0;
        for (size_t p = 0; p < s.n_positions; ++p)
          sum += weight[p] * s.values[(p * config.n_kv_heads + kv) * hd + i];
        out[(t * config.n_heads + h) * hd + i] = sum / total;
      }
    }
  }
  return out;
}

const Config kConfigs[] = {
    {DType::kF32, 4, 2, 64},           {DType::kF32, 3, 3, 24},
    {DType::kF32, 6, 1, 19, 5.0f, 70}, {DType::kF32, 4, 4, 32, 0.0f, 0, false},
    {DType::kF16, 8, 2, 128},          {DType::kF16, 2, 1, 20, 0.0f, 64},
    {DType::kBF16, 16, 8, 128},        {DType::kBF16, 5, 1, 36, 4.0f, 33},
};

double Tolerance(DType type) { return type == DType::kF32 ? 2e-5 : type == DType::kF16 ? 4e-3 : 6e-2; }

TEST(Attention, MatchesNaiveFloat64OnEveryIsa) {
  for (const Config& config : kConfigs) {
    for (const size_t n : {1, 5, 63, 64, 65, 150}) {
      Random random(n);
      Sequence s(config, n, random);
      const std::vector<double> exact = Naive(config, s);
      for (const Isa isa : SupportedIsas()) {
        Compute compute(isa, 2);
        s.Write(compute, 0, n);
        std::vector<float> out(s.queries.size(), NAN);
        const AttentionSequence sequence{s.const_pages, 0, n, n};
        compute.Attention(ParamsOf(config), {&sequence, 1}, s.queries.data(), out.data());
        EXPECT_LT(DeviationOf(out, exact).max, Tolerance(config.type))
            << IsaName(isa) << " " << DTypeName(config.type) << " head_dim " << config.head_dim << " n " << n;
      }
    }
  }
}

TEST(Attention, ResultsDoNotDependOnBatchChunksOrThreads) {
  const size_t n = 170;
  for (const Config& config : kConfigs) {
    if (!config.causal) continue;
    Random random(9);
    Sequence a(config, n, random);
    Sequence b(config, 90, random);
    const size_t row = config.n_heads * config.head_dim;
    for (const Isa isa : SupportedIsas()) {
      Compute one(isa, 1);
      const auto params = ParamsOf(config);
      // Position by position, as decoding does.
      std::vector<float> single(n * row);
      for (size_t t = 0; t < n; ++t) {
        a.Write(one, t, 1);
        const AttentionSequence sequence{a.const_pages, t, 1, t + 1};
        one.Attention(params, {&sequence, 1}, &a.queries[t * row], &single[t * row]);
      }
      b.Write(one, 0, 90);
      for (const size_t n_threads : {1, 3}) {
        Compute compute(isa, n_threads);
        for (const size_t chunk : {2, 7, 33, 170}) {
          std::vector<float> out(n * row, NAN);
          for (size_t t = 0; t < n; t += chunk) {
            const size_t count = std::min(chunk, n - t);
            // Another sequence rides along.
            const AttentionSequence sequences[] = {{b.const_pages, 40, 3, 43},
                                                   {a.const_pages, t, count, t + count}};
            std::vector<float> queries(b.queries.begin() + static_cast<ptrdiff_t>(40 * row),
                                       b.queries.begin() + static_cast<ptrdiff_t>(43 * row));
            queries.insert(queries.end(), a.queries.begin() + static_cast<ptrdiff_t>(t * row),
                           a.queries.begin() + static_cast<ptrdiff_t>((t + count) * row));
            std::vector<float> both(queries.size());
            compute.Attention(params, sequences, queries.data(), both.data());
            std::copy(both.begin() + static_cast<ptrdiff_t>(3 * row), both.end(),
                      out.begin() + static_cast<ptrdiff_t>(t * row));
          }
          ASSERT_EQ(std::memcmp(out.data(), single.data(), out.size() * sizeof(float)), 0)
              << IsaName(isa) << " " << DTypeName(config.type) << " head_dim " << config.head_dim << " chunk "
              << chunk;
        }
      }
    }
  }
}

TEST(WriteKv, FillsTheSameBytesOneByOneAndAtOnce) {
  for (const DType type : {DType::kF32, DType::kF16, DType::kBF16}) {
    const Config config{type, 2, 2, 20};
    Random random(3);
    Sequence together(config, 100, random);
    Random again(3);
    Sequence apart(config, 100, again);
    for (const Isa isa : SupportedIsas()) {
      Compute compute(isa, 2);
      together.Write(compute, 0, 100);
      for (size_t t = 0; t < 100; ++t) apart.Write(compute, t, 1);
      for (size_t i = 0; i < together.pages.size(); ++i) {
        EXPECT_EQ(std::memcmp(together.pages[i], apart.pages[i], together.layout.page_bytes()), 0);
      }
    }
  }
}

}  // namespace
}  // namespace sotto
