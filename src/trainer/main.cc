// sotto-train: the program behind `sotto train` that links libtorch. Usually started by it; useful alone for
// base models, benchmarks and scoring.
#include <ATen/Parallel.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "base/mapped_file.h"
#include "core/json.h"
#include "slm/model.h"
#include "text/normalise.h"
#include "trainer/bench.h"
#include "trainer/huge_heap.h"
#include "trainer/lora_run.h"
#include "trainer/model_file.h"
#include "trainer/parity.h"
#include "trainer/training_run.h"
#include "workflow/parse.h"
#include "workflow/starter.h"

namespace sotto {
namespace {

std::atomic<bool> g_stop{false};

struct TrainArguments {
  std::filesystem::path workflow, base, out, metrics, teacher;
  std::vector<std::string> data;
  std::vector<std::string> held_out;
  std::string name = "sotto-specialist", description, licence, type = "Q8_0", precision = "bf16";
  int n_merges = 3072;
  float teacher_share = 0.5f;
  std::filesystem::path tools;  // what the tools of a base model's data mean
  bool composed = false;
  DecoderShape shape;
  RunOptions run;
};

// "FILE" or "FILE:SHARE".
CorpusFile ParseCorpusFile(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) return {text, 1};
  char* end = nullptr;
  const double share = std::strtod(text.c_str() + colon + 1, &end);
  if (*end != '\0' || share <= 0) return {text, 1};
  return {text.substr(0, colon), share};
}

BpeVocabulary TrainBpe(const Corpus& corpus, int n_merges) {
  BpeTrainer trainer;
  corpus.ForEachText([&](const std::string& text) { trainer.Add(NormaliseSpoken(text)); });
  for (const OfferedTool& tool : corpus.tools()) {  // expectations and listed values are written too
    trainer.Add("ask " + tool.name, 20);
    for (const OfferedArgument& argument : tool.arguments) trainer.Add(" " + argument.name, 20);
  }
  return trainer.Train(static_cast<size_t>(n_merges));
}

Json ToJson(const Score& score) {
  return Json{{"conversations", score.conversations},
              {"turns", score.turns.size()},
              {"exact", score.exact()},
              {"name", score.name()},
              {"conversations_exact", static_cast<double>(score.conversations_exact) /
                                          static_cast<double>(std::max<size_t>(1, score.conversations))},
              {"loss", score.loss},
              {"auroc", score.auroc()}};
}

struct Prepared {
  Corpus corpus;
  std::vector<std::pair<std::string, std::vector<LabelledConversation>>> held_out;
  TrainVocabulary vocabulary;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::optional<Weights> weights;
  std::string workflow_hash;  // empty: of no workflow
};

Result<Prepared> Prepare(TrainArguments& arguments) {
  Prepared prepared;
  std::shared_ptr<const Workflow> workflow;
  if (!arguments.workflow.empty()) {
    SOTTO_ASSIGN_OR_RETURN(workflow, LoadWorkflow(arguments.workflow));
    prepared.workflow_hash = workflow->hash;
  }
  std::vector<CorpusFile> files;
  for (const std::string& text : arguments.data) files.push_back(ParseCorpusFile(text));
  std::vector<std::string> warnings;
  SOTTO_ASSIGN_OR_RETURN(prepared.corpus, Corpus::Read(files, workflow, warnings));
  for (const std::string& path : arguments.held_out) {
    SOTTO_ASSIGN_OR_RETURN(const Corpus held, Corpus::Read({{path, 1}}, workflow, warnings));
    prepared.held_out.emplace_back(path, held.file(0));
  }
  for (size_t i = 0; i < std::min<size_t>(20, warnings.size()); ++i) fmt::print(stderr, "{}\n", warnings[i]);
  if (warnings.size() > 20) fmt::print(stderr, "... and {} more rows left out\n", warnings.size() - 20);
  fmt::print(stderr, "{} conversations, {} turns\n", prepared.corpus.n_conversations(),
             prepared.corpus.n_turns());

  Random random(arguments.run.seed);
  std::optional<LoadedModel> base;
  if (!arguments.base.empty()) {
    SOTTO_ASSIGN_OR_RETURN(base, ReadModelFile(arguments.base));
    prepared.vocabulary = base->vocabulary;
    prepared.vocabulary.tokens.resize(base->vocabulary.n_base);
    prepared.vocabulary.types.resize(base->vocabulary.n_base);
  } else {
    prepared.vocabulary = TrainVocabulary::FromBpe(TrainBpe(prepared.corpus, arguments.n_merges));
  }
  if (workflow != nullptr) {
    prepared.vocabulary.AddFragments(prepared.corpus.ToolSpecs());
  } else {
    std::vector<ToolSpec> specs;
    if (!arguments.tools.empty()) {
      SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(arguments.tools));
      SOTTO_ASSIGN_OR_RETURN(specs, ReadTools(text, arguments.tools.string()));
    }
    for (const std::string& name : prepared.corpus.ToolNames()) specs.push_back({name, "", Json::object()});
    prepared.vocabulary.AddFragments(specs);
  }
  SOTTO_ASSIGN_OR_RETURN(prepared.tokenizer, prepared.vocabulary.MakeTokenizer());
  if (base) {
    SOTTO_ASSIGN_OR_RETURN(prepared.weights, ExtendToVocabulary(*base, prepared.vocabulary, random));
    return prepared;
  }
  arguments.shape.n_vocab = static_cast<int>(prepared.vocabulary.tokens.size());
  SOTTO_RETURN_IF_ERROR(arguments.shape.Validate());
  prepared.weights.emplace(arguments.shape);
  prepared.weights->Initialise(random);
  return prepared;
}

Result<void> WriteMetrics(const std::filesystem::path& path, const Json& metrics) {
  if (path.empty()) {
    fmt::print("{}\n", metrics.dump(2));
    return {};
  }
  return WriteFileAtomically(path, metrics.dump(2) + "\n");
}

Result<int> Train(TrainArguments arguments) {
  arguments.run.precision = arguments.precision == "f32" ? Pass::Precision::kF32 : Pass::Precision::kBf16;
  const auto type = DTypeFromName(arguments.type);
  if (!type || !CanQuantize(*type)) {
    return MakeError(ErrorCode::kInvalidArgument, "--type '{}': F32, F16 or Q8_0", arguments.type);
  }
  SOTTO_ASSIGN_OR_RETURN(Prepared prepared, Prepare(arguments));
  Weights& weights = *prepared.weights;
  fmt::print(stderr, "{} parameters, {} tokens in the vocabulary ({} base)\n",
             weights.shape().ParameterCount(), prepared.vocabulary.tokens.size(), prepared.vocabulary.n_base);
  std::optional<LoadedModel> teacher;
  if (!arguments.teacher.empty()) {
    SOTTO_ASSIGN_OR_RETURN(teacher, ReadModelFile(arguments.teacher));
    if (teacher->vocabulary.tokens != prepared.vocabulary.tokens) {
      return MakeError(ErrorCode::kInvalidArgument, "{}: the teacher has another vocabulary",
                       arguments.teacher.string());
    }
  }
  TrainingRun run(arguments.run, prepared.corpus, *prepared.tokenizer, weights);
  if (arguments.composed) run.Compose(ComposedRows(prepared.vocabulary, *prepared.tokenizer));
  if (teacher) run.Distil(&teacher->weights, arguments.teacher_share);
  std::span<const LabelledConversation> quick;
  if (!prepared.held_out.empty()) {
    quick = prepared.held_out[0].second;
    quick = quick.first(std::min<size_t>(quick.size(), 400));
  }
  SOTTO_ASSIGN_OR_RETURN(const RunResult result, run.Run(quick, g_stop));
  Json metrics{{"steps", result.steps},
               {"seed", arguments.run.seed},
               {"threads", arguments.run.threads},
               {"seconds", result.seconds},
               {"tokens", result.tokens},
               {"tokens_per_second", result.tokens_per_second},
               {"parameters", weights.shape().ParameterCount()},
               {"vocabulary", prepared.vocabulary.tokens.size()},
               {"interrupted", result.interrupted}};
  if (result.interrupted) {
    fmt::print(stderr, "stopped at step {}; the work is in {}: go on with --resume\n", result.steps,
               arguments.run.checkpoint.empty() ? std::string("(no checkpoint)")
                                                : arguments.run.checkpoint.string());
    SOTTO_RETURN_IF_ERROR(WriteMetrics(arguments.metrics, metrics));
    return 1;
  }
  const auto score_all = [&](const char* key) {
    for (const auto& [path, rows] : prepared.held_out) {
      const Score score =
          ScoreConversations(run.passes(), weights, rows, prepared.corpus.tools(), *prepared.tokenizer);
      fmt::print(stderr, "{} {}: exact {:.4f} name {:.4f} conversations {:.4f} auroc {:.4f}\n", key, path,
                 score.exact(), score.name(),
                 static_cast<double>(score.conversations_exact) /
                     static_cast<double>(std::max<size_t>(1, rows.size())),
                 score.auroc());
      metrics[key][path] = ToJson(score);
    }
  };
  score_all("trained");
  RoundWeights(*type, weights);
  run.RefreshPasses();
  score_all("quantised");
  const ModelFileInfo info{arguments.name, arguments.description, arguments.licence, prepared.workflow_hash};
  SOTTO_RETURN_IF_ERROR(WriteModelFile(arguments.out, weights, prepared.vocabulary, *type, info));
  metrics["bytes"] = std::filesystem::file_size(arguments.out);
  SOTTO_RETURN_IF_ERROR(WriteMetrics(arguments.metrics, metrics));
  return 0;
}

struct ScoreArguments {
  std::filesystem::path workflow, model;
  std::vector<std::string> data;
  std::string precision = "bf16";
  int threads = 1;
  int show = 0;
};

Result<int> ScoreModel(const ScoreArguments& arguments) {
  SOTTO_ASSIGN_OR_RETURN(LoadedModel model, ReadModelFile(arguments.model));
  SOTTO_ASSIGN_OR_RETURN(const auto tokenizer, model.vocabulary.MakeTokenizer());
  std::shared_ptr<const Workflow> workflow;
  if (!arguments.workflow.empty()) {
    SOTTO_ASSIGN_OR_RETURN(workflow, LoadWorkflow(arguments.workflow));
  }
  std::vector<std::unique_ptr<Pass>> passes;
  for (int i = 0; i < arguments.threads; ++i) {
    passes.push_back(Pass::Create(model.weights.shape(), arguments.precision == "f32"
                                                             ? Pass::Precision::kF32
                                                             : Pass::Precision::kBf16));
    passes.back()->Refresh(model.weights);
  }
  Json metrics = Json::object();
  for (const std::string& path : arguments.data) {
    std::vector<std::string> warnings;
    SOTTO_ASSIGN_OR_RETURN(const Corpus corpus, Corpus::Read({{path, 1}}, workflow, warnings));
    for (const std::string& warning : warnings) fmt::print(stderr, "{}\n", warning);
    const Score score = ScoreConversations(passes, model.weights, corpus.file(0), corpus.tools(), *tokenizer);
    metrics[path] = ToJson(score);
    int left = arguments.show;
    for (const TurnScore& t : score.turns) {
      if (t.exact || left-- <= 0) continue;
      const LabelledConversation& row = corpus.file(0)[t.row];
      fmt::print("{}:{} turn {}{}: \"{}\" -> gold {} ({:.3f})\n", path, row.line, t.turn + 1,
                 t.name_right ? "" : " NAME", row.conversation.turns[t.turn].user,
                 ToString(row.conversation.turns[t.turn].calls[0]), t.confidence);
    }
  }
  fmt::print("{}\n", metrics.dump(2));
  return 0;
}

Json ToJson(const Agreement& agreement) {
  const auto share = [](size_t part, size_t of) {
    return static_cast<double>(part) / static_cast<double>(std::max<size_t>(1, of));
  };
  return {{"call_tokens", agreement.tokens},
          {"same_best_token", share(agreement.same_best, agreement.tokens)},
          {"conversations", agreement.conversations},
          {"same_in_all_tokens", share(agreement.same_conversations, agreement.conversations)},
          {"largest_logit_difference", agreement.largest_difference}};
}

Result<int> CompareWithEngine(const ScoreArguments& arguments, size_t limit) {
  SOTTO_ASSIGN_OR_RETURN(const LoadedModel model, ReadModelFile(arguments.model));
  SOTTO_ASSIGN_OR_RETURN(const auto tokenizer, model.vocabulary.MakeTokenizer());
  SOTTO_ASSIGN_OR_RETURN(const auto workflow, LoadWorkflow(arguments.workflow));
  Json metrics = Json::object();
  for (const std::string& path : arguments.data) {
    std::vector<std::string> warnings;
    SOTTO_ASSIGN_OR_RETURN(const Corpus corpus, Corpus::Read({{path, 1}}, workflow, warnings));
    for (const std::string& warning : warnings) fmt::print(stderr, "{}\n", warning);
    std::span<const LabelledConversation> rows = corpus.file(0);
    rows = rows.first(std::min(limit, rows.size()));
    const auto progress = [](size_t done, size_t total) {
      if (done % 100 == 0 || done == total) fmt::print(stderr, "{}/{} conversations\n", done, total);
    };
    SOTTO_ASSIGN_OR_RETURN(const Parity parity,
                           MeasureParity(arguments.model, model, rows, corpus.tools(), *tokenizer, progress));
    metrics[path] = {{"as_float", ToJson(parity.as_float)}, {"as_stored", ToJson(parity.as_stored)}};
  }
  fmt::print("{}\n", metrics.dump(2));
  return 0;
}

struct LoraArguments {
  std::filesystem::path workflow, base, data, out;
  LoraOptions options;
  std::string name = "sotto-lora";
};

Result<int> TrainLora(const LoraArguments& arguments) {
  SOTTO_ASSIGN_OR_RETURN(const auto workflow, LoadWorkflow(arguments.workflow));
  SOTTO_ASSIGN_OR_RETURN(const auto file, GgufFile::Open(arguments.base));
  SOTTO_ASSIGN_OR_RETURN(Weights weights, ReadWeights(*file));
  SOTTO_ASSIGN_OR_RETURN(const auto model, Model::FromGguf(file, {}));
  SOTTO_ASSIGN_OR_RETURN(const auto form, PromptForm::Create(model, ""));
  std::vector<std::string> warnings;
  SOTTO_ASSIGN_OR_RETURN(const Corpus corpus, Corpus::Read({{arguments.data, 1}}, workflow, warnings));
  for (const std::string& warning : warnings) fmt::print(stderr, "{}\n", warning);
  const std::vector<ToolSpec> specs = corpus.ToolSpecs();
  std::vector<TrainSequence> sequences;
  for (const LabelledConversation& row : corpus.file(0)) {
    sequences.push_back(EncodeWithPrompt(row, specs, corpus.tools(), *workflow, form));
  }
  LoraRun run(weights, arguments.options);
  run.Run(sequences, [&](int64_t step, double loss) {
    if (step % 10 == 0 || step == arguments.options.steps) {
      fmt::print(stderr, "{}/{} loss {:.4f}\n", step, arguments.options.steps, loss);
    }
  });
  SOTTO_RETURN_IF_ERROR(run.WriteAdapter(arguments.out, arguments.name));
  return 0;
}

void AddLora(CLI::App& app, LoraArguments& a) {
  app.footer(
      "Example:\n  sotto-train lora --base qwen3.gguf --workflow workflows/banking \\\n"
      "    --data workflows/banking/seed.jsonl --out adapter.gguf");
  app.add_option("--base", a.base, "Tied qwen3 model, GGUF")->required();
  app.add_option("--workflow", a.workflow, "Folder with workflow.yaml")->required();
  app.add_option("--data", a.data, "Conversations")->required();
  app.add_option("--out", a.out, "Adapter to write")->required();
  app.add_option("--rank", a.options.rank, "Of the adapter")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  app.add_option("--alpha", a.options.alpha, "Its weight is alpha / rank")->capture_default_str();
  app.add_option("--rate", a.options.rate, "Learning rate")->capture_default_str();
  app.add_option("--steps", a.options.steps, "Steps")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--batch-tokens", a.options.batch_tokens, "Tokens a step")->capture_default_str();
  app.add_option("--seed", a.options.seed, "Of everything random")->capture_default_str();
  app.add_option("--name", a.name, "general.name")->capture_default_str();
}

void AddShape(CLI::App& app, DecoderShape& shape) {
  app.add_option("--d-model", shape.d_model, "Width of the residual stream")->capture_default_str();
  app.add_option("--layers", shape.n_layers, "Layers")->capture_default_str();
  app.add_option("--heads", shape.n_heads, "Query heads")->capture_default_str();
  app.add_option("--kv-heads", shape.n_kv_heads, "Key/value heads")->capture_default_str();
  app.add_option("--head-dim", shape.head_dim, "32 or 64")->capture_default_str();
  app.add_option("--d-ff", shape.d_ff, "Width of the feed-forward layer")->capture_default_str();
}

void AddTrain(CLI::App& app, TrainArguments& a) {
  app.footer(
      "Example:\n  sotto-train train --workflow workflows/banking --base workflows/base/model.gguf \\\n"
      "    --data generated.jsonl:8 --data public.jsonl:2 --held-out valid.jsonl --minutes 20 --out "
      "model.gguf");
  app.add_option("--workflow", a.workflow, "Folder with workflow.yaml; without it a base model is trained");
  app.add_option("--data", a.data, "Conversations, FILE or FILE:SHARE of the tokens")->required();
  app.add_option("--held-out", a.held_out, "Conversations to score, never trained on");
  app.add_option("--base", a.base, "Model whose weights and base vocabulary are taken over");
  app.add_option("--tools", a.tools,
                 "Without --workflow: OpenAI tools array with what the data's tools mean");
  app.add_flag("--composed", a.composed,
               "Hold the embeddings of tools to the words of their names and descriptions");
  app.add_option("--merges", a.n_merges, "Without --base: merges of the new vocabulary")
      ->capture_default_str();
  app.add_option("--steps", a.run.steps, "Steps to train; 0: --minutes decides")->capture_default_str();
  app.add_option("--minutes", a.run.minutes, "Time to train")->capture_default_str();
  app.add_option("--seed", a.run.seed, "Of everything random")->capture_default_str();
  app.add_option("--threads", a.run.threads, "Workers")->capture_default_str()->check(CLI::Range(1, 64));
  app.add_option("--batch-tokens", a.run.batch_tokens, "Tokens a step")->capture_default_str();
  app.add_option("--precision", a.precision, "bf16 or f32")->capture_default_str();
  app.add_option("--matrix-rate", a.run.optimizer.matrix_rate, "Learning rate of Muon")
      ->capture_default_str();
  app.add_option("--adam-rate", a.run.optimizer.adam_rate, "Learning rate of Adam")->capture_default_str();
  app.add_option("--matrix-decay", a.run.optimizer.matrix_decay, "Decay of matrices")->capture_default_str();
  app.add_option("--dropout", a.run.sequence.dropout, "BPE dropout")->capture_default_str();
  app.add_option("--text-share", a.run.sequence.text_share, "User turns with loss on their words")
      ->capture_default_str();
  app.add_option("--text-weight", a.run.sequence.text_weight, "Weight of that loss")->capture_default_str();
  app.add_option("--checkpoint", a.run.checkpoint, "Written every minute");
  app.add_flag("--resume", a.run.resume, "Go on from the checkpoint, if it is there");
  app.add_option("--report", a.run.report, "Folder for curve.svg and curve.csv");
  app.add_option("--eval-seconds", a.run.eval_seconds, "Between looks at the held-out set")
      ->capture_default_str();
  app.add_option("--teacher", a.teacher, "Larger model of the same vocabulary to learn from");
  app.add_option("--teacher-share", a.teacher_share, "Its share of the loss")->capture_default_str();
  app.add_option("--out", a.out, "Model file to write")->required();
  app.add_option("--type", a.type, "Tensor type: Q8_0, F16 or F32")->capture_default_str();
  app.add_option("--name", a.name, "general.name")->capture_default_str();
  app.add_option("--description", a.description, "general.description");
  app.add_option("--license", a.licence, "general.license");
  app.add_option("--metrics", a.metrics, "JSON file of the outcome; stdout without it");
  AddShape(app, a.shape);
}

// OpenBLAS and OpenMP read their settings when they are loaded, before main.
void FitEnvironment(char** argv) {
  if (std::getenv("SOTTO_TRAIN_STARTED") != nullptr) return;
  setenv("SOTTO_TRAIN_STARTED", "1", 1);
  setenv("OMP_WAIT_POLICY", "PASSIVE", 0);
  setenv("OMP_NUM_THREADS", "1", 0);
  if (__builtin_cpu_supports("avx512bf16")) {
    setenv("OPENBLAS_CORETYPE", __builtin_cpu_supports("amx-bf16") ? "SapphireRapids" : "Cooperlake", 0);
  }
  // By its own path, so that it keeps its name. If it fails, it runs as it is: only slower.
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) execv(self.c_str(), argv);
}

int Main(int argc, char** argv) {
  FitEnvironment(argv);
  CLI::App app{"Trains Sotto's models", "sotto-train"};
  app.require_subcommand(1);
  TrainArguments train;
  ScoreArguments score;
  LoraArguments lora;
  DecoderShape bench_shape;
  bench_shape.n_vocab = 3400;
  int bench_threads = 1;
  int bench_batch = 5120;
  double bench_seconds = 5;
  std::string bench_precision = "bf16";
  CLI::App* train_app = app.add_subcommand("train", "Train a model");
  AddTrain(*train_app, train);
  CLI::App* score_app =
      app.add_subcommand("score", "Score a model on labelled conversations, teacher-forced");
  score_app->footer(
      "Example:\n  sotto-train score --workflow workflows/banking --model model.gguf valid.jsonl --show 20");
  score_app->add_option("--workflow", score.workflow, "Folder with workflow.yaml");
  score_app->add_option("--model", score.model, "Model file")->required();
  score_app->add_option("data", score.data, "Conversations")->required();
  score_app->add_option("--threads", score.threads, "Workers")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  score_app->add_option("--precision", score.precision, "bf16 or f32")->capture_default_str();
  score_app->add_option("--show", score.show, "Print so many errors")->capture_default_str();
  ScoreArguments parity;
  size_t parity_limit = 1000;
  CLI::App* parity_app = app.add_subcommand("parity", "Does the engine compute what the trainer computed?");
  parity_app->footer(
      "Example:\n  sotto-train parity --workflow workflows/banking --model workflows/banking/model.gguf "
      "generated.jsonl");
  parity_app->add_option("--workflow", parity.workflow, "Folder with workflow.yaml")->required();
  parity_app->add_option("--model", parity.model, "Model file")->required();
  parity_app->add_option("data", parity.data, "Conversations")->required();
  parity_app->add_option("--limit", parity_limit, "Only the first conversations of a file")
      ->capture_default_str();
  CLI::App* lora_app = app.add_subcommand("lora", "Fine-tune a model by a low-rank adapter");
  AddLora(*lora_app, lora);
  CLI::App* bench_app = app.add_subcommand("bench", "Training throughput, and that of the products alone");
  bench_app->footer("Example:\n  sotto-train bench --threads 2");
  bench_app->add_option("--threads", bench_threads, "Workers")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  bench_app->add_option("--seconds", bench_seconds, "How long")->capture_default_str();
  bench_app->add_option("--batch-tokens", bench_batch, "Tokens a step")->capture_default_str();
  bench_app->add_option("--precision", bench_precision, "bf16 or f32")->capture_default_str();
  bench_app->add_option("--vocabulary", bench_shape.n_vocab, "Tokens in the vocabulary")
      ->capture_default_str();
  AddShape(*bench_app, bench_shape);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  std::signal(SIGINT, [](int) { g_stop = true; });
  std::signal(SIGTERM, [](int) { g_stop = true; });
  at::set_num_threads(1);
  Result<int> outcome = 0;
  if (train_app->parsed()) outcome = Train(std::move(train));
  if (lora_app->parsed()) outcome = TrainLora(lora);
  if (score_app->parsed()) outcome = ScoreModel(score);
  if (parity_app->parsed()) outcome = CompareWithEngine(parity, parity_limit);
  if (bench_app->parsed()) {
    if (auto valid = bench_shape.Validate(); !valid) {
      outcome = tl::unexpected(valid.error());
    } else {
      const auto precision = bench_precision == "f32" ? Pass::Precision::kF32 : Pass::Precision::kBf16;
      fmt::print("{}\n",
                 BenchTraining(bench_shape, precision, bench_threads, bench_batch, bench_seconds).dump(2));
    }
  }
  if (!outcome) {
    fmt::print(stderr, "sotto-train: {}\n", outcome.error().message);
    return outcome.error().code == ErrorCode::kInvalidArgument ? 2 : 1;
  }
  return *outcome;
}

}  // namespace
}  // namespace sotto

int main(int argc, char** argv) {
  sotto::UseHugeHeap();
  try {
    return sotto::Main(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "sotto-train: {}\n", error.what());
    return 1;
  }
}
