// sotto bench engine: prefill and decode rates of a model, with the memory bandwidth measured in the same
// run.
#include <sys/resource.h>

#include <algorithm>

#include "base/clock.h"
#include "base/random.h"
#include "cli/bench.h"
#include "cli/command.h"
#include "cli/commit.h"
#include "cli/percentile.h"
#include "cli/progress.h"
#include "core/json.h"
#include "nn/compute.h"
#include "slm/engine.h"

namespace sotto {
namespace {

struct BenchEngineFlags {
  std::string path;
  std::string random_weights;
  std::string kv = "f16";
  int threads = 2;
  int repetitions = 5;
  int depth = 0;
  std::vector<int> batches;
  bool json = false;
};

constexpr int kPrefills[] = {32, 128, 512};
constexpr int kDecoded = 32;

class EngineBench {
 public:
  EngineBench(Engine& engine, int repetitions)
      : engine_(engine), repetitions_(repetitions), random_(1), progress_("bench engine") {}

  // Tokens a second of prefilling `n` behind `depth` others.
  Result<double> Prefill(int n, int depth) {
    KvCache prefix = engine_.NewCache();
    SOTTO_RETURN_IF_ERROR(Extend(prefix, depth));
    std::vector<double> rates;
    for (int i = 0; i <= repetitions_; ++i) {
      prefix.Truncate(depth);
      const std::vector<TokenId> tokens = Tokens(n);
      ForwardRequest request{.cache = &prefix, .tokens = tokens};
      const TimePoint start = clock_.Now();
      SOTTO_RETURN_IF_ERROR(engine_.Forward(request));
      const double seconds = std::chrono::duration<double>(clock_.Now() - start).count();
      if (i > 0) rates.push_back(n / seconds);  // the first is the warm-up
      progress_.Update(static_cast<size_t>(i), static_cast<size_t>(repetitions_), fmt::format("pp{}", n));
    }
    return Percentile(std::move(rates), 0.5);
  }

  // Tokens a second, all sessions together, of decoding `kDecoded` each behind `depth` others.
  Result<double> Decode(int n_sessions, int depth) {
    std::vector<KvCache> caches;
    caches.push_back(engine_.NewCache());
    SOTTO_RETURN_IF_ERROR(Extend(caches[0], std::max(depth, 1)));
    while (static_cast<int>(caches.size()) < n_sessions) caches.push_back(caches[0].Fork());
    std::vector<ForwardRequest> requests(caches.size());
    std::vector<ForwardRequest*> batch;
    std::vector<double> rates;
    for (int i = 0; i <= repetitions_; ++i) {
      std::vector<TokenId> tokens = Tokens(n_sessions);
      batch.clear();
      for (size_t s = 0; s < caches.size(); ++s) {
        caches[s].Truncate(std::max(depth, 1));
        requests[s].cache = &caches[s];
        requests[s].tokens = std::span(tokens).subspan(s, 1);
        batch.push_back(&requests[s]);
      }
      const TimePoint start = clock_.Now();
      for (int step = 0; step < kDecoded; ++step) {
        SOTTO_RETURN_IF_ERROR(engine_.Forward(batch));
        for (size_t s = 0; s < caches.size(); ++s) tokens[s] = requests[s].argmax[0];
      }
      const double seconds = std::chrono::duration<double>(clock_.Now() - start).count();
      if (i > 0) rates.push_back(kDecoded * n_sessions / seconds);
      progress_.Update(static_cast<size_t>(i), static_cast<size_t>(repetitions_),
                       fmt::format("tg{}", n_sessions));
    }
    return Percentile(std::move(rates), 0.5);
  }

 private:
  std::vector<TokenId> Tokens(int n) {
    std::vector<TokenId> tokens(static_cast<size_t>(n));
    for (TokenId& token : tokens) {
      token = static_cast<TokenId>(random_.Below(static_cast<size_t>(engine_.model().config().n_vocab)));
    }
    return tokens;
  }

  Result<void> Extend(KvCache& cache, int n) {
    const std::vector<TokenId> tokens = Tokens(n);
    ForwardRequest request{.cache = &cache, .tokens = tokens, .want = ForwardRequest::Want::kNone};
    return engine_.Forward(request);
  }

  Engine& engine_;
  const int repetitions_;
  Random random_;
  const SystemClock clock_;
  ProgressBar progress_;
};

double PeakRssMb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

Result<std::shared_ptr<const Model>> LoadModel(const BenchEngineFlags& flags, int n_ctx) {
  LoadOptions options;
  options.n_ctx = n_ctx;
  options.n_threads = flags.threads;
  options.kv = flags.kv == "f32"    ? KvPrecision::kF32
               : flags.kv == "bf16" ? KvPrecision::kBF16
                                    : KvPrecision::kF16;
  if (flags.random_weights.empty()) return Model::Load(flags.path, options);
  return Model::Random(flags.random_weights, options);
}

Result<Json> Measure(const BenchEngineFlags& flags) {
  const SystemClock clock;
  const TimePoint start = clock.Now();
  SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const Model> model, LoadModel(flags, flags.depth + 1024));
  SOTTO_ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine,
                         Engine::Create(model, {.n_threads = flags.threads}));
  SOTTO_ASSIGN_OR_RETURN(const Isa isa, ChooseIsa());
  KvCache cache = engine->NewCache();
  const TokenId first = 0;
  ForwardRequest request{.cache = &cache, .tokens = {&first, 1}};
  SOTTO_RETURN_IF_ERROR(engine->Forward(request));
  const double load_ms = Milliseconds(clock.Now() - start);

  EngineBench bench(*engine, flags.repetitions);
  Json out{{"model", flags.random_weights.empty() ? flags.path : flags.random_weights}};
  for (const int n : kPrefills) {
    SOTTO_ASSIGN_OR_RETURN(const double rate, bench.Prefill(n, 0));
    out[fmt::format("pp{}", n)] = rate;
  }
  // Decoding and reading take turns: what a machine that others use gives changes from second to second.
  EngineBench once(*engine, 1);
  ThreadTeam team(static_cast<size_t>(flags.threads));
  std::vector<double> decodes, bandwidths, ratios;
  double peak_rss_mb = 0;
  for (int i = 0; i < flags.repetitions; ++i) {
    SOTTO_ASSIGN_OR_RETURN(const double rate, once.Decode(1, 0));
    if (i == 0) peak_rss_mb = PeakRssMb();  // before the bandwidth's own buffer
    decodes.push_back(rate);
    bandwidths.push_back(MeasureReadBandwidth(team));
    ratios.push_back(rate * static_cast<double>(model->decode_bytes()) / bandwidths.back());
  }
  const double decode = Percentile(std::move(decodes), 0.5);
  out["tg32"] = decode;
  out["bandwidth_gb_s"] = Percentile(std::move(bandwidths), 0.5) / 1e9;
  out["decode_bandwidth_ratio"] = Percentile(std::move(ratios), 0.5);
  out["load_ms"] = load_ms;
  out["peak_rss_mb"] = peak_rss_mb;
  out["weights_mb"] = static_cast<double>(model->weight_bytes()) / 1e6;
  out["isa"] = IsaName(isa);
  out["threads"] = flags.threads;
  out["commit"] = kCommit;
  if (flags.depth > 0) {
    SOTTO_ASSIGN_OR_RETURN(const double prefill, bench.Prefill(32, flags.depth));
    SOTTO_ASSIGN_OR_RETURN(const double deep, bench.Decode(1, flags.depth));
    out["depth"] = {{"tokens", flags.depth},
                    {"pp32", prefill},
                    {"tg32", deep},
                    {"decode_ms_more", 1e3 / deep - 1e3 / decode}};
  }
  for (const int n : flags.batches) {
    SOTTO_ASSIGN_OR_RETURN(const double rate, bench.Decode(n, 0));
    out["batches"][std::to_string(n)] = {{"tg32", rate}, {"speedup", rate / decode}};
  }
  return out;
}

}  // namespace

void RegisterBenchEngine(CLI::App& bench, CliContext& context) {
  CLI::App* command =
      bench.add_subcommand("engine", "Tokens a second of a model: prefill (pp) and decode (tg)");
  auto flags = std::make_shared<BenchEngineFlags>();
  CLI::Option* model = command->add_option("--model", flags->path, "Model file (GGUF)");
  command
      ->add_option("--random-weights", flags->random_weights,
                   "A shape such as qwen3-0.6b:Q8_0, made in memory")
      ->excludes(model);
  command->add_option("--threads", flags->threads, "Threads")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_option("--repetitions", flags->repetitions, "Runs of each; the median counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--depth", flags->depth, "Also with this many tokens in the cache")
      ->check(CLI::Range(1, 100000));
  command->add_option("--batches", flags->batches, "Also decode this many sessions at once: 2,4,8")
      ->delimiter(',')
      ->check(CLI::Range(1, 256));
  command->add_option("--kv", flags->kv, "Rounding of the cache")
      ->check(CLI::IsMember({"f16", "bf16", "f32"}))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "On one line");
  command->footer(
      "Example:\n  sotto bench engine --model model.gguf --json\n"
      "  sotto bench engine --random-weights qwen3-0.6b:Q8_0 --depth 1664 --batches 2,4,8");
  command->callback([flags, &context] {
    if (flags->path.empty() && flags->random_weights.empty()) {
      context.Fail(
          {ErrorCode::kInvalidArgument, "bench engine: give --model FILE or --random-weights SHAPE:TYPE"});
      return;
    }
    const Result<Json> result = Measure(*flags);
    if (!result) {
      context.Fail(result.error());
    } else {
      fmt::print("{}\n", result->dump(flags->json ? -1 : 1));
    }
  });
}

}  // namespace sotto
