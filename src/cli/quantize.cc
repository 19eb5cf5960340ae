// sotto quantize: a model file with smaller matrices, and what that costs.
#include <fmt/ranges.h>

#include <map>

#include "base/mapped_file.h"
#include "brain/calibration.h"
#include "brain/evaluation.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/commit.h"
#include "cli/progress.h"
#include "flywheel/non_inferiority.h"
#include "learn/calibration_rows.h"
#include "slm/compress_model.h"
#include "slm/engine.h"
#include "slm/quantize_model.h"
#include "slm/sampler.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

struct QuantizeFlags {
  std::string in;
  std::string out;
  std::string type;
  std::string method = "rtn";
  std::string workflow;
  std::vector<std::string> calibrate;
  std::vector<std::string> data;
  std::string fit;
  std::string report;
  size_t texts = 512;
  size_t most_rows = 16384;
  uint64_t seed = 1;
  int threads = 2;
  bool json = false;
};

// So many texts that the model itself writes, a token after the other: for models without a workflow.
Result<TokenSequences> SampleTexts(const std::shared_ptr<const Model>& model, size_t count, uint64_t seed,
                                   int n_threads) {
  constexpr size_t kTextTokens = 200;
  const auto bos = model->tokenizer().bos();
  if (!bos) return MakeError(ErrorCode::kUnsupported, "{} has no token that begins a text", model->path());
  SOTTO_ASSIGN_OR_RETURN(const auto engine, Engine::Create(model, {.n_threads = n_threads}));
  TokenSequences texts;
  ProgressBar bar("sampling texts");
  const size_t longest = std::min(kTextTokens, static_cast<size_t>(model->config().n_ctx));
  for (size_t i = 0; i < count; ++i) {
    Sampler sampler({.temperature = 1, .seed = seed * 1000003 + i});
    KvCache cache = engine->NewCache();
    std::vector<TokenId> text{*bos};
    while (text.size() < longest) {
      const TokenId last = text.back();
      ForwardRequest request{.cache = &cache, .tokens = std::span(&last, 1)};
      SOTTO_RETURN_IF_ERROR(engine->Forward(request));
      const TokenId next = sampler.Next(request.logits);
      if (model->tokenizer().eos() && next == *model->tokenizer().eos()) break;
      text.push_back(next);
    }
    texts.push_back(std::move(text));
    bar.Update(i + 1, count);
  }
  return texts;
}

Result<std::vector<LabelledConversation>> ReadRows(const std::vector<std::string>& files) {
  std::vector<LabelledConversation> rows;
  for (const std::string& file : files) {
    SOTTO_ASSIGN_OR_RETURN(std::vector<LabelledConversation> more, ReadConversations(file));
    rows.insert(rows.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  return rows;
}

// Texts of the files, stratified by tool where they are conversations, or "sampled" by the model itself.
Result<TokenSequences> CalibrationTexts(const QuantizeFlags& flags, const std::shared_ptr<const Model>& model,
                                        const Workflow* workflow) {
  if (flags.calibrate == std::vector<std::string>{"sampled"})
    return SampleTexts(model, flags.texts, flags.seed, flags.threads);
  if (workflow == nullptr)
    return MakeError(ErrorCode::kInvalidArgument,
                     "--calibrate with conversations needs --workflow; without one, `--calibrate sampled`");
  SOTTO_ASSIGN_OR_RETURN(const std::vector<LabelledConversation> rows, ReadRows(flags.calibrate));
  return EncodeRows(model, *workflow, StratifiedByTool(rows, flags.texts, flags.seed));
}

struct Asked {
  Evaluation evaluation;
  double median_ms = 0;
};

Result<Asked> Ask(const std::shared_ptr<const Workflow>& workflow, const std::string& model,
                  std::span<const LabelledConversation> rows, int n_threads, const std::string& what) {
  SOTTO_ASSIGN_OR_RETURN(const auto brain, Brain::Open(workflow, model, {.n_threads = n_threads}));
  ProgressBar bar(what);
  EvaluationOptions options;
  options.on_progress = [&bar](size_t done, size_t total) { bar.Update(done, total); };
  SOTTO_ASSIGN_OR_RETURN(Evaluation evaluation, Evaluate(brain, rows, options));
  std::vector<double> ms;
  for (const ScoredTurn& turn : evaluation.turns) ms.push_back(turn.ms);
  std::sort(ms.begin(), ms.end());
  const double median = ms.empty() ? 0 : ms[ms.size() / 2];
  return Asked{std::move(evaluation), median};
}

Json ComparedJson(const PairedCounts& counts) {
  return {{"turns", counts.n},
          {"before", counts.champion()},
          {"after", counts.candidate()},
          {"difference", counts.difference()},
          {"lost", counts.only_champion},
          {"won", counts.only_candidate},
          {"mcnemar_p", McNemarExact(counts)}};
}

Json Compared(const Asked& before, const Asked& after) {
  PairedCounts all;
  std::map<std::string, PairedCounts> tools;
  size_t flips = 0;
  for (size_t i = 0; i < before.evaluation.turns.size(); ++i) {
    const ScoredTurn& a = before.evaluation.turns[i];
    const ScoredTurn& b = after.evaluation.turns[i];
    all.Add(a.exact, b.exact);
    tools[a.gold.front().name].Add(a.exact, b.exact);
    flips += std::equal(a.got.begin(), a.got.end(), b.got.begin(), b.got.end(), SameCall) ? 0 : 1;
  }
  Json json{{"overall", ComparedJson(all)}, {"flips", flips}};
  json["ms_a_turn"] = {{"before", before.median_ms}, {"after", after.median_ms}};
  Json per_tool = Json::object();
  for (const auto& [tool, counts] : tools) per_tool[tool] = ComparedJson(counts);
  json["tools"] = std::move(per_tool);
  return json;
}

Json ToJson(const Divergence& one) {
  return {{"tokens", one.tokens},
          {"kl_nats_a_token", one.kl},
          {"same_first_choice", one.same_argmax},
          {"perplexity_before", one.reference_perplexity()},
          {"perplexity_after", one.perplexity()}};
}

// A file that goes again.
class Temporary {
 public:
  explicit Temporary(std::string path) : path_(std::move(path)) {}
  ~Temporary() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

// Fits the confidence of the new model and stores it beside it; of another model's file nothing is lost.
Result<Json> Refit(const QuantizeFlags& flags, const std::shared_ptr<const Workflow>& workflow) {
  SOTTO_ASSIGN_OR_RETURN(const std::vector<LabelledConversation> rows, ReadRows({flags.fit}));
  SOTTO_ASSIGN_OR_RETURN(const Asked asked,
                         Ask(workflow, flags.out, rows, flags.threads, "fitting confidence"));
  SOTTO_ASSIGN_OR_RETURN(const auto model, Model::Load(flags.out, {.n_threads = flags.threads}));
  std::vector<ConfidenceFeatures> features;
  std::vector<bool> right;
  std::vector<double> before, after;
  for (const ScoredTurn& turn : asked.evaluation.turns) {
    features.push_back(turn.features);
    right.push_back(turn.exact);
    before.push_back(turn.confidence);
  }
  const Calibration calibration = Calibration::Fit(features, right);
  for (const ConfidenceFeatures& one : features) after.push_back(calibration.Apply(one));
  std::filesystem::path path = std::filesystem::path(flags.out).parent_path() / "calibration.json";
  const auto there = Calibration::Read(path, model->id());
  const bool others = !there && there.error().code != ErrorCode::kNotFound && flags.in != flags.out;
  if (others) path = flags.out + ".calibration.json";
  SOTTO_RETURN_IF_ERROR(WriteFileAtomically(path, calibration.ToJson(model->id()).dump(1) + "\n"));
  return Json{{"file", path.string()},
              {"turns", features.size()},
              {"ece_before", ExpectedCalibrationError(before, right)},
              {"ece_after", ExpectedCalibrationError(after, right)}};
}

void PrintCompared(const char* title, const Json& one) {
  const Json& all = one["overall"];
  fmt::print(
      "{}: exact {:.2f} % -> {:.2f} % of {} turns ({} lost, {} won, McNemar p {:.3f}), {} answered "
      "otherwise; "
      "{:.2f} -> {:.2f} ms a turn\n",
      title, 100 * all["before"].get<double>(), 100 * all["after"].get<double>(), all["turns"].get<size_t>(),
      all["lost"].get<size_t>(), all["won"].get<size_t>(), all["mcnemar_p"].get<double>(),
      one["flips"].get<size_t>(), one["ms_a_turn"]["before"].get<double>(),
      one["ms_a_turn"]["after"].get<double>());
  for (const auto& [tool, counts] : one["tools"].items()) {
    if (counts["lost"] == 0 && counts["won"] == 0) continue;
    fmt::print("  {:<22} {:>5} turns {:.2f} -> {:.2f} % ({:+.2f}), p {:.3f}\n", tool,
               counts["turns"].get<size_t>(), 100 * counts["before"].get<double>(),
               100 * counts["after"].get<double>(), 100 * counts["difference"].get<double>(),
               counts["mcnemar_p"].get<double>());
  }
}

void PrintDivergence(const char* title, const Json& one) {
  fmt::print(
      "{}: KL {:.5f} nats a token, same first choice {:.2f} %, perplexity {:.4f} -> {:.4f} ({} tokens)\n",
      title, one["kl_nats_a_token"].get<double>(), 100 * one["same_first_choice"].get<double>(),
      one["perplexity_before"].get<double>(), one["perplexity_after"].get<double>(),
      one["tokens"].get<size_t>());
}

void Print(const Json& report) {
  fmt::print("{}: {:.2f} MB -> {}: {:.2f} MB ({}, {})\n", report["in"].get<std::string>(),
             report["in_bytes"].get<double>() / 1e6, report["out"].get<std::string>(),
             report["out_bytes"].get<double>() / 1e6, report["type"].get<std::string>(),
             report["method"].get<std::string>());
  if (report.contains("outputs_error")) {
    fmt::print("squared error of matrices' outputs on the calibration texts: {:.5f} (rounded: {:.5f})\n",
               report["outputs_error"].get<double>(), report["outputs_error_rounded"].get<double>());
  }
  if (report.contains("divergence")) PrintDivergence("held-out texts", report["divergence"]);
  if (report.contains("divergence_rounded")) PrintDivergence("  rounded", report["divergence_rounded"]);
  if (report.contains("evaluation")) PrintCompared("data", report["evaluation"]);
  if (report.contains("evaluation_rounded")) PrintCompared("  rounded", report["evaluation_rounded"]);
  if (report.contains("calibration")) {
    const Json& fitted = report["calibration"];
    fmt::print("confidence fitted on {} turns: ECE {:.4f} -> {:.4f}, {}\n", fitted["turns"].get<size_t>(),
               fitted["ece_before"].get<double>(), fitted["ece_after"].get<double>(),
               fitted["file"].get<std::string>());
  }
}

Result<void> Round(const GgufFile& in, QuantizeRecipe recipe, const std::string& out, int n_threads) {
  ProgressBar bar("quantize");
  QuantizeOptions options;
  options.n_threads = n_threads;
  options.progress = [&bar](uint64_t done, uint64_t total) { bar.Update(done, total); };
  return QuantizeModel(in, recipe, out, options);
}

// What the new file answers, and what a rounded one would.
Result<void> MeasureCost(const QuantizeFlags& flags, const std::shared_ptr<const GgufFile>& original,
                         QuantizeRecipe recipe, bool rounded_too,
                         const std::shared_ptr<const Workflow>& workflow, Json& report) {
  const Temporary rounded(flags.out + ".rounded.tmp");
  SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const Model> reference,
                         Model::FromGguf(original, {.n_threads = flags.threads}));
  SOTTO_ASSIGN_OR_RETURN(const auto after, Model::Load(flags.out, {.n_threads = flags.threads}));
  if (rounded_too) SOTTO_RETURN_IF_ERROR(Round(*original, recipe, rounded.path(), flags.threads));
  TokenSequences held_out;
  std::vector<LabelledConversation> rows;
  if (!flags.data.empty() && workflow != nullptr) {
    SOTTO_ASSIGN_OR_RETURN(rows, ReadRows(flags.data));
    SOTTO_ASSIGN_OR_RETURN(held_out, EncodeRows(reference, *workflow, rows));
  } else if (flags.calibrate == std::vector<std::string>{"sampled"}) {
    SOTTO_ASSIGN_OR_RETURN(held_out, SampleTexts(reference, flags.texts, flags.seed + 1, flags.threads));
  }
  PassOptions pass;
  pass.n_threads = flags.threads;
  if (!held_out.empty()) {
    SOTTO_ASSIGN_OR_RETURN(const Divergence one, MeasureDivergence(reference, after, held_out, pass));
    report["divergence"] = ToJson(one);
    if (rounded_too) {
      SOTTO_ASSIGN_OR_RETURN(const auto simple, Model::Load(rounded.path(), {.n_threads = flags.threads}));
      SOTTO_ASSIGN_OR_RETURN(const Divergence other, MeasureDivergence(reference, simple, held_out, pass));
      report["divergence_rounded"] = ToJson(other);
    }
  }
  if (rows.empty()) return {};
  SOTTO_ASSIGN_OR_RETURN(const Asked first, Ask(workflow, flags.in, rows, flags.threads, "before"));
  SOTTO_ASSIGN_OR_RETURN(const Asked second, Ask(workflow, flags.out, rows, flags.threads, "after"));
  report["evaluation"] = Compared(first, second);
  if (rounded_too) {
    SOTTO_ASSIGN_OR_RETURN(const Asked third, Ask(workflow, rounded.path(), rows, flags.threads, "rounded"));
    report["evaluation_rounded"] = Compared(first, third);
  }
  return {};
}

Result<void> Run(const QuantizeFlags& flags) {
  const std::optional<QuantizeRecipe> recipe = FindQuantizeRecipe(flags.type);
  if (!recipe) {
    return MakeError(ErrorCode::kInvalidArgument, "--type {}: supported are Q8_0, Q4_0 and Q4_K_M",
                     flags.type);
  }
  const std::optional<QuantizeMethod> method = FindQuantizeMethod(flags.method);
  if (!method)
    return MakeError(ErrorCode::kInvalidArgument, "--method {}: there are rtn, gptq and awq", flags.method);
  if (*method != QuantizeMethod::kRtn && *recipe == QuantizeRecipe::kQ4_K_M)
    return MakeError(ErrorCode::kUnsupported, "--method {} is for Q8_0 and Q4_0; Q4_K_M is rounded (rtn)",
                     flags.method);
  const bool measured = !flags.data.empty() || flags.calibrate == std::vector<std::string>{"sampled"};
  if (flags.in == flags.out && (measured || *method != QuantizeMethod::kRtn))
    return MakeError(ErrorCode::kInvalidArgument,
                     "what is calibrated or compared is written to another file than {}", flags.in);
  std::shared_ptr<const Workflow> workflow;
  if (!flags.workflow.empty()) {
    SOTTO_ASSIGN_OR_RETURN(workflow, LoadWorkflow(flags.workflow));
  }
  if ((!flags.data.empty() || !flags.fit.empty()) && workflow == nullptr)
    return MakeError(ErrorCode::kInvalidArgument, "--data and --fit need --workflow");
  SOTTO_ASSIGN_OR_RETURN(const auto in, GgufFile::Open(flags.in));
  Json report{{"in", flags.in}, {"out", flags.out}, {"type", flags.type}, {"method", flags.method}};
  if (*method == QuantizeMethod::kRtn) {
    SOTTO_RETURN_IF_ERROR(Round(*in, *recipe, flags.out, flags.threads));
  } else {
    if (flags.calibrate.empty())
      return MakeError(ErrorCode::kInvalidArgument, "--method {} needs --calibrate", flags.method);
    SOTTO_ASSIGN_OR_RETURN(const auto model, Model::FromGguf(in, {.n_threads = flags.threads}));
    SOTTO_ASSIGN_OR_RETURN(const TokenSequences texts, CalibrationTexts(flags, model, workflow.get()));
    CompressOptions options;
    options.method = *method;
    options.recipe = *recipe;
    options.n_threads = flags.threads;
    options.most_rows = flags.most_rows;
    ProgressBar bar("layers");
    options.progress = [&bar](size_t done, size_t total) { bar.Update(done, total); };
    SOTTO_ASSIGN_OR_RETURN(const Compressed done, CompressModel(in, texts, flags.out, options));
    bar.Finish();
    double error = 0, rounded = 0;
    Json matrices = Json::array();
    for (const CompressedMatrix& one : done.matrices) {
      error += one.error;
      rounded += one.rounded;
      matrices.push_back(
          {{"name", one.name}, {"error", one.error}, {"rounded", one.rounded}, {"exponent", one.exponent}});
    }
    const double n = std::max<double>(1, static_cast<double>(done.matrices.size()));
    report["calibration_texts"] = done.sequences;
    report["calibration_tokens"] = done.tokens;
    report["outputs_error"] = error / n;
    report["outputs_error_rounded"] = rounded / n;
    report["matrices"] = std::move(matrices);
  }
  if (measured) {
    SOTTO_RETURN_IF_ERROR(MeasureCost(flags, in, *recipe, *method != QuantizeMethod::kRtn, workflow, report));
  }
  if (!flags.fit.empty()) {
    SOTTO_ASSIGN_OR_RETURN(report["calibration"], Refit(flags, workflow));
  }
  report["in_bytes"] = in->file_bytes();
  report["out_bytes"] = std::filesystem::file_size(flags.out);
  report["commit"] = kCommit;
  if (!flags.report.empty()) SOTTO_RETURN_IF_ERROR(WriteFileAtomically(flags.report, report.dump(1) + "\n"));
  if (flags.json) {
    fmt::print("{}\n", report.dump());
  } else {
    Print(report);
  }
  return {};
}

}  // namespace

void RegisterQuantize(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("quantize", "Write a model file with quantised matrices");
  auto flags = std::make_shared<QuantizeFlags>();
  command->add_option("in", flags->in, "Model file to read (GGUF)")->required();
  command->add_option("out", flags->out, "Model file to write; rounding alone may write the same")
      ->required();
  command->add_option("--type", flags->type, "Q8_0, Q4_0 or Q4_K_M")->required();
  command
      ->add_option("--method", flags->method,
                   "rtn: rounded block by block; gptq: errors spread over what follows; awq: channels scaled")
      ->capture_default_str();
  command
      ->add_option(
          "--calibrate", flags->calibrate,
          "gptq, awq: conversations, *.jsonl (with --workflow), or `sampled`: texts that the model writes")
      ->delimiter(',');
  command->add_option("--texts", flags->texts, "Of those, stratified by tool")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command->add_option("--rows", flags->most_rows, "Inputs that a matrix is calibrated with, at most")
      ->check(CLI::Range(64, 100000000))
      ->capture_default_str();
  command->add_option("--seed", flags->seed, "Of the choice")->capture_default_str();
  command->add_option("--workflow", flags->workflow, "Folder of the workflow that the model serves");
  command->add_option("--data", flags->data, "Held-out conversations to compare before and after on; several")
      ->delimiter(',');
  command->add_option("--fit", flags->fit, "Held-out conversations to fit the new model's confidence on");
  command->add_option("--report", flags->report, "Write every figure there, JSON");
  command->add_option("--threads", flags->threads, "Threads to convert with")->check(CLI::Range(1, 64));
  command->add_flag("--json", flags->json, "The report as one JSON object");
  command->footer(
      "Example:\n  sotto quantize model-f16.gguf model-q4.gguf --type Q4_K_M\n"
      "  sotto quantize workflows/banking/model.gguf q4.gguf --type Q4_0 --method gptq --workflow "
      "workflows/banking "
      "--calibrate workflows/banking/voices.jsonl --data workflows/banking/valid.jsonl --report q4.json\n"
      "  sotto quantize stories.gguf q4.gguf --type Q4_0 --method awq --calibrate sampled");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
