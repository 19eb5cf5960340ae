// sotto model import: published models (speech: ONNX; sentences: TensorFlow.js) become the GGUF that Sotto runs.
#include "acoustic/import_model.h"
#include "cli/command.h"
#include "cli/model.h"
#include "core/json.h"
#include "embed/import_sentence_encoder.h"
#include "slm/gguf.h"

namespace sotto {
namespace {

struct ImportFlags {
  std::vector<std::string> in;
  std::string out;
  ImportOptions options;
  bool json = false;
};

Result<void> Run(const ImportFlags& flags) {
  const std::vector<std::filesystem::path> paths(flags.in.begin(), flags.in.end());
  SOTTO_ASSIGN_OR_RETURN(const std::string name,
                         paths.size() == 1 && HoldsTfjsModel(paths[0])
                             ? ImportSentenceEncoderFolder(paths[0], flags.out, flags.options)
                             : ImportModel(paths, flags.out, flags.options));
  SOTTO_ASSIGN_OR_RETURN(const auto file, GgufFile::Open(flags.out));
  if (flags.json) {
    const Json report{{"name", name},
                      {"out", flags.out},
                      {"bytes", file->file_bytes()},
                      {"tensors", file->tensors().size()}};
    fmt::print("{}\n", report.dump());
  } else {
    fmt::print("{}: {} ({:.1f} MB)\n", flags.out, name, static_cast<double>(file->file_bytes()) / 1e6);
  }
  return {};
}

}  // namespace

void AddModelImport(CLI::App& model, CliContext& context) {
  CLI::App* command = model.add_subcommand(
      "import",
      "Published models as GGUF: Moonshine, Silero VAD (ONNX), the sentence encoder (TensorFlow.js)");
  auto flags = std::make_shared<ImportFlags>();
  command
      ->add_option("in", flags->in,
                   "Moonshine: the encoder's and the merged decoder's .onnx and llama-tokenizer.js; Silero: "
                   "its .onnx; the sentence encoder: the folder of model.json, vocab.json and its shards. "
                   "A folder stands for those in it")
      ->required();
  command->add_option("--out", flags->out, "Model file to write")->required();
  command->add_option("--name", flags->options.name, "general.name; by default by the shape");
  command->add_option("--license", flags->options.license, "general.license, such as mit");
  command->add_option("--origin", flags->options.origin, "general.source: where the files come from");
  command->add_flag("--f32", flags->options.floats,
                    "Keep matrices in float (4 times larger), to measure what Q8_0 costs");
  command->add_flag("--json", flags->json, "One JSON object");
  command->footer(
      "Example:\n  sotto model import encoder_model.onnx decoder_model_merged.onnx llama-tokenizer.js --out "
      "tiny.gguf\n"
      "scripts/install-models fetches the published packages and does this.");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
