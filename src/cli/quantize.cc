// sotto quantize: a model file with smaller matrices, and what that costs.
#include <filesystem>

#include "base/mapped_file.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/commit.h"
#include "cli/model_cost.h"
#include "cli/progress.h"
#include "learn/calibration_rows.h"
#include "slm/compress_model.h"
#include "slm/quantize_model.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

struct QuantizeFlags {
  std::string type;
  std::string method = "rtn";
  CostFlags cost;
  size_t most_rows = 16384;
};

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
  if (report.contains("calibration")) PrintRefitted(report["calibration"]);
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
  const Temporary rounded(flags.cost.out + ".rounded.tmp");
  SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const Model> reference,
                         Model::FromGguf(original, {.n_threads = flags.cost.threads}));
  SOTTO_ASSIGN_OR_RETURN(const auto after, Model::Load(flags.cost.out, {.n_threads = flags.cost.threads}));
  if (rounded_too) SOTTO_RETURN_IF_ERROR(Round(*original, recipe, rounded.path(), flags.cost.threads));
  TokenSequences held_out;
  std::vector<LabelledConversation> rows;
  if (!flags.cost.data.empty() && workflow != nullptr) {
    SOTTO_ASSIGN_OR_RETURN(rows, ReadRows(flags.cost.data));
    SOTTO_ASSIGN_OR_RETURN(held_out, EncodeRows(reference, *workflow, rows));
  } else if (flags.cost.sampled()) {
    SOTTO_ASSIGN_OR_RETURN(held_out,
                           SampleTexts(reference, flags.cost.texts, flags.cost.seed + 1, flags.cost.threads));
  }
  PassOptions pass;
  pass.n_threads = flags.cost.threads;
  if (!held_out.empty()) {
    SOTTO_ASSIGN_OR_RETURN(const Divergence one, MeasureDivergence(reference, after, held_out, pass));
    report["divergence"] = ToJson(one);
    if (rounded_too) {
      SOTTO_ASSIGN_OR_RETURN(const auto simple,
                             Model::Load(rounded.path(), {.n_threads = flags.cost.threads}));
      SOTTO_ASSIGN_OR_RETURN(const Divergence other, MeasureDivergence(reference, simple, held_out, pass));
      report["divergence_rounded"] = ToJson(other);
    }
  }
  if (rows.empty()) return {};
  SOTTO_ASSIGN_OR_RETURN(const Asked first, Ask(workflow, flags.cost.in, rows, flags.cost.threads, "before"));
  SOTTO_ASSIGN_OR_RETURN(const Asked second,
                         Ask(workflow, flags.cost.out, rows, flags.cost.threads, "after"));
  report["evaluation"] = Compared(first, second);
  if (rounded_too) {
    SOTTO_ASSIGN_OR_RETURN(const Asked third,
                           Ask(workflow, rounded.path(), rows, flags.cost.threads, "rounded"));
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
  const bool measured = flags.cost.measured();
  std::error_code no_such_file;
  if (std::filesystem::equivalent(flags.cost.in, flags.cost.out, no_such_file))
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: the smaller model goes to another file; what is rounded away does not come back",
                     flags.cost.out);
  std::shared_ptr<const Workflow> workflow;
  if (!flags.cost.workflow.empty()) {
    SOTTO_ASSIGN_OR_RETURN(workflow, LoadWorkflow(flags.cost.workflow));
  }
  if ((!flags.cost.data.empty() || !flags.cost.fit.empty()) && workflow == nullptr)
    return MakeError(ErrorCode::kInvalidArgument, "--data and --fit need --workflow");
  SOTTO_ASSIGN_OR_RETURN(const auto in, GgufFile::Open(flags.cost.in));
  Json report{{"in", flags.cost.in}, {"out", flags.cost.out}, {"type", flags.type}, {"method", flags.method}};
  if (*method == QuantizeMethod::kRtn) {
    SOTTO_RETURN_IF_ERROR(Round(*in, *recipe, flags.cost.out, flags.cost.threads));
  } else {
    if (flags.cost.calibrate.empty())
      return MakeError(ErrorCode::kInvalidArgument, "--method {} needs --calibrate", flags.method);
    SOTTO_ASSIGN_OR_RETURN(const auto model, Model::FromGguf(in, {.n_threads = flags.cost.threads}));
    SOTTO_ASSIGN_OR_RETURN(const TokenSequences texts, CalibrationTexts(flags.cost, model, workflow.get()));
    CompressOptions options;
    options.method = *method;
    options.recipe = *recipe;
    options.n_threads = flags.cost.threads;
    options.most_rows = flags.most_rows;
    ProgressBar bar("layers");
    options.progress = [&bar](size_t done, size_t total) { bar.Update(done, total); };
    SOTTO_ASSIGN_OR_RETURN(const Compressed done, CompressModel(in, texts, flags.cost.out, options));
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
  if (!flags.cost.fit.empty()) {
    SOTTO_ASSIGN_OR_RETURN(report["calibration"], Refit(flags.cost, workflow));
  }
  report["in_bytes"] = in->file_bytes();
  report["out_bytes"] = std::filesystem::file_size(flags.cost.out);
  report["commit"] = kCommit;
  return TellCost(flags.cost, report, Print);
}

}  // namespace

void RegisterQuantize(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("quantize", "Write a model file with quantised matrices");
  auto flags = std::make_shared<QuantizeFlags>();
  command->add_option("in", flags->cost.in, "Model file to read (GGUF)")->required();
  command->add_option("out", flags->cost.out, "Model file to write; rounding alone may write the same")
      ->required();
  command->add_option("--type", flags->type, "Q8_0, Q4_0 or Q4_K_M")->required();
  command
      ->add_option("--method", flags->method,
                   "rtn: rounded block by block; gptq: errors spread over what follows; awq: channels scaled")
      ->capture_default_str();
  command->add_option("--rows", flags->most_rows, "Inputs that a matrix is calibrated with, at most")
      ->check(CLI::Range(64, 100000000))
      ->capture_default_str();
  flags->cost.AddTo(*command);
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
