// sotto quantize: a model file with smaller matrices.
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "core/json.h"
#include "slm/quantize_model.h"

namespace sotto {
namespace {

struct QuantizeFlags {
  std::string in;
  std::string out;
  std::string type;
  int threads = 2;
  bool json = false;
};

Result<void> Run(const QuantizeFlags& flags) {
  const std::optional<QuantizeRecipe> recipe = FindQuantizeRecipe(flags.type);
  if (!recipe) {
    return MakeError(ErrorCode::kInvalidArgument, "--type {}: supported are Q8_0, Q4_0 and Q4_K_M",
                     flags.type);
  }
  SOTTO_ASSIGN_OR_RETURN(const auto in, GgufFile::Open(flags.in));
  ProgressBar bar("quantize");
  QuantizeOptions options;
  options.n_threads = flags.threads;
  options.progress = [&bar](uint64_t done, uint64_t total) { bar.Update(done, total); };
  SOTTO_RETURN_IF_ERROR(QuantizeModel(*in, *recipe, flags.out, options));
  bar.Finish();
  SOTTO_ASSIGN_OR_RETURN(const auto out, GgufFile::Open(flags.out));
  if (flags.json) {
    const Json report{{"in", flags.in},
                      {"out", flags.out},
                      {"type", flags.type},
                      {"in_bytes", in->file_bytes()},
                      {"out_bytes", out->file_bytes()}};
    fmt::print("{}\n", report.dump());
  } else {
    fmt::print("{}: {:.1f} MB -> {}: {:.1f} MB ({})\n", flags.in, static_cast<double>(in->file_bytes()) / 1e6,
               flags.out, static_cast<double>(out->file_bytes()) / 1e6, flags.type);
  }
  return {};
}

}  // namespace

void RegisterQuantize(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("quantize", "Write a model file with quantised matrices");
  auto flags = std::make_shared<QuantizeFlags>();
  command->add_option("in", flags->in, "Model file to read (GGUF)")->required();
  command->add_option("out", flags->out, "Model file to write; may be the same")->required();
  command->add_option("--type", flags->type, "Q8_0, Q4_0 or Q4_K_M")->required();
  command->add_option("--threads", flags->threads, "Threads to convert with")->check(CLI::Range(1, 64));
  command->add_flag("--json", flags->json, "Sizes as one JSON object");
  command->footer("Example:\n  sotto quantize model-f16.gguf model-q4.gguf --type Q4_K_M");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
