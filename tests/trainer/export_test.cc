#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "learn/synth.h"
#include "slm/engine.h"
#include "temp_folder.h"
#include "text/normalise.h"
#include "trainer/checkpoint.h"
#include "trainer/corpus.h"
#include "trainer/lora_run.h"
#include "trainer/model_file.h"
#include "trainer/parity.h"
#include "trainer/training_run.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

std::shared_ptr<const Workflow> Banking() {
  auto workflow = LoadWorkflow(std::filesystem::path(SOTTO_SOURCE_DIR) / "workflows" / "banking");
  SOTTO_CHECK(workflow.has_value(), "{}", workflow.error().message);
  return *workflow;
}

// Generated conversations on disk, a vocabulary made of them, and a small model.
class SmallModel {
 public:
  explicit SmallModel(size_t n_conversations) {
    SynthOptions options;
    options.count = n_conversations;
    auto made = Synthesise(Banking(), options);
    SOTTO_CHECK(made.has_value(), "{}", made.error().message);
    data = folder / "data.jsonl";
    SOTTO_CHECK(WriteConversations(data, made->conversations).has_value());
    std::vector<std::string> warnings;
    auto read = Corpus::Read({{data, 1}}, Banking(), warnings);
    SOTTO_CHECK(read.has_value() && warnings.empty());
    corpus = std::move(*read);
    BpeTrainer bpe;
    corpus.ForEachText([&](const std::string& text) { bpe.Add(NormaliseSpoken(text)); });
    vocabulary = TrainVocabulary::FromBpe(bpe.Train(300));
    vocabulary.AddFragments(corpus.ToolSpecs());
    tokenizer = *vocabulary.MakeTokenizer();
    shape.n_vocab = static_cast<int>(vocabulary.tokens.size());
    shape.d_model = 96;
    shape.n_layers = 2;
    shape.n_heads = 3;
    shape.d_ff = 192;
    shape.n_ctx = 1024;
  }
  Weights Random(uint64_t seed) const {
    Weights weights(shape);
    sotto::Random random(seed);
    weights.Initialise(random);
    weights.flat().mul_(2);
    return weights;
  }

  TempFolder folder;
  std::filesystem::path data;
  Corpus corpus;
  TrainVocabulary vocabulary;
  std::shared_ptr<const Tokenizer> tokenizer;
  DecoderShape shape;
};

std::vector<TokenId> Tokens(const SmallModel& model, size_t row) {
  Random unused(0);
  return EncodeConversation(model.corpus.file(0)[row], model.corpus.tools(), *model.tokenizer, {}, unused)
      .tokens;
}

// All logits of a sequence, by the trainer.
at::Tensor TrainerLogits(Pass& pass, const Weights& weights, const std::vector<TokenId>& tokens) {
  Batch batch;
  batch.tokens = tokens;
  batch.starts.push_back(static_cast<int>(tokens.size()));
  for (int i = 0; i < static_cast<int>(tokens.size()); ++i) {
    batch.rows.push_back(i);
    batch.targets.push_back(0);
    batch.weights.push_back(1);
  }
  at::Tensor logits;
  pass.Forward(weights, batch, &logits);
  return logits;
}

std::vector<float> EngineLogits(const std::filesystem::path& path, ActivationType activations,
                                const std::vector<TokenId>& tokens) {
  LoadOptions options;
  options.activations = activations;
  auto model = Model::Load(path, options);
  SOTTO_CHECK(model.has_value(), "{}", model.error().message);
  auto engine = Engine::Create(*model, {});
  SOTTO_CHECK(engine.has_value());
  KvCache cache = (*engine)->NewCache();
  ForwardRequest request;
  request.cache = &cache;
  request.tokens = tokens;
  request.want = ForwardRequest::Want::kAllPositions;
  SOTTO_CHECK((*engine)->Forward(request).has_value());
  return request.logits;
}

TEST(Export, EngineComputesWhatTheTrainerComputed) {
  const SmallModel model(20);
  const Weights weights = model.Random(3);
  const auto path = model.folder / "model.gguf";
  ASSERT_TRUE(WriteModelFile(path, weights, model.vocabulary, DType::kF32, {"test", "", ""}));
  const auto pass = Pass::Create(model.shape, Pass::Precision::kF32);
  pass->Refresh(weights);
  for (const size_t row : {0u, 7u, 13u}) {
    const std::vector<TokenId> tokens = Tokens(model, row);
    const at::Tensor ours = TrainerLogits(*pass, weights, tokens);
    const std::vector<float> engine = EngineLogits(path, ActivationType::kFloat, tokens);
    ASSERT_EQ(engine.size(), static_cast<size_t>(ours.numel()));
    float worst = 0;
    for (size_t i = 0; i < engine.size(); ++i) {
      worst = std::max(worst, std::abs(engine[i] - ours.data_ptr<float>()[i]));
    }
    EXPECT_LT(worst, 1e-3f) << "conversation " << row;
  }
}

TEST(Parity, EveryCallTokenIsComparedBothWays) {
  const SmallModel model(20);
  const Weights weights = model.Random(3);
  const auto path = model.folder / "model.gguf";
  ASSERT_TRUE(WriteModelFile(path, weights, model.vocabulary, DType::kQ8_0, {"test", "", ""}));
  auto loaded = ReadModelFile(path);
  ASSERT_TRUE(loaded);
  const auto rows = std::span(model.corpus.file(0)).first(5);
  const auto parity = MeasureParity(path, *loaded, rows, model.corpus.tools(), *model.tokenizer, nullptr);
  ASSERT_TRUE(parity) << parity.error().message;
  EXPECT_EQ(parity->as_float.conversations, 5u);
  EXPECT_GT(parity->as_float.tokens, 50u);
  EXPECT_EQ(parity->as_float.same_best, parity->as_float.tokens);
  EXPECT_LT(parity->as_float.largest_difference, 1e-3f);
  // Quantised activations differ, or the comparison compares a thing with itself.
  EXPECT_EQ(parity->as_stored.tokens, parity->as_float.tokens);
  EXPECT_GT(parity->as_stored.largest_difference, parity->as_float.largest_difference);
}

TEST(Lora, AdapterInTheEngineEqualsMergedWeights) {
  const SmallModel model(40);
  Weights weights = model.Random(8);
  const auto path = model.folder / "base.gguf";
  ASSERT_TRUE(WriteModelFile(path, weights, model.vocabulary, DType::kF32, {"test", "", ""}));
  LoraOptions options;
  options.rank = 4;
  options.steps = 30;
  options.batch_tokens = 500;
  options.rate = 5e-3;
  options.precision = Pass::Precision::kF32;
  LoraRun run(weights, options);
  std::vector<TrainSequence> sequences;
  Random random(1);
  for (const LabelledConversation& row : model.corpus.file(0)) {
    sequences.push_back(EncodeConversation(row, model.corpus.tools(), *model.tokenizer, {}, random));
  }
  double first = 0;
  double last = 0;
  run.Run(sequences, [&](int64_t step, double loss) { (step == 1 ? first : last) = loss; });
  EXPECT_LT(last, 0.85 * first);
  const auto adapter_path = model.folder / "adapter.gguf";
  ASSERT_TRUE(run.WriteAdapter(adapter_path, "test"));

  const std::vector<TokenId> tokens = Tokens(model, 3);
  const at::Tensor ours = TrainerLogits(run.pass(), weights, tokens);
  LoadOptions load;
  load.activations = ActivationType::kFloat;
  const auto base = Model::Load(path, load);
  ASSERT_TRUE(base) << base.error().message;
  const auto adapter = LoraAdapter::Load(adapter_path, **base);
  ASSERT_TRUE(adapter) << adapter.error().message;
  const auto engine = Engine::Create(*base, {});
  ASSERT_TRUE(engine);
  KvCache cache = (*engine)->NewCache();
  ForwardRequest request;
  request.cache = &cache;
  request.tokens = tokens;
  request.want = ForwardRequest::Want::kAllPositions;
  request.lora = adapter->get();
  ASSERT_TRUE((*engine)->Forward(request));
  float worst = 0;
  for (size_t i = 0; i < request.logits.size(); ++i) {
    worst = std::max(worst, std::abs(request.logits[i] - ours.data_ptr<float>()[i]));
  }
  EXPECT_LT(worst, 2e-3f);
}

TEST(Export, ReadsBackWhatItWrote) {
  const SmallModel model(5);
  const Weights weights = model.Random(4);
  const auto path = model.folder / "model.gguf";
  ASSERT_TRUE(WriteModelFile(path, weights, model.vocabulary, DType::kF32, {"test", "", ""}));
  const auto read = ReadModelFile(path);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->weights.shape(), weights.shape());
  EXPECT_EQ(read->vocabulary.tokens, model.vocabulary.tokens);
  for (const ParameterView& p : weights.parameters()) {
    EXPECT_TRUE(weights.flat()
                    .narrow(0, p.offset, p.size())
                    .equal(read->weights.flat().narrow(0, p.offset, p.size())))
        << p.name;
  }
}

TEST(Export, ASpecialistKeepsTheBasesRowsAndBeginsNearItsWords) {
  const SmallModel model(5);
  LoadedModel base{model.Random(5), model.vocabulary};
  TrainVocabulary other = model.vocabulary;
  other.tokens.resize(other.n_base);
  other.types.resize(other.n_base);
  other.AddFragment("{\"name\": \"order_coffee\", \"arguments\": {");
  Random random(1);
  const auto extended = ExtendToVocabulary(base, other, random);
  ASSERT_TRUE(extended) << extended.error().message;
  EXPECT_EQ(extended->shape().n_vocab, static_cast<int>(other.n_base) + 1);
  const auto rows = static_cast<int64_t>(other.n_base) * model.shape.d_model;
  EXPECT_TRUE(extended->flat().narrow(0, 0, rows).equal(base.weights.flat().narrow(0, 0, rows)));
  EXPECT_GT(extended->flat().narrow(0, rows, model.shape.d_model).abs().sum().item<float>(), 0.1f);
}

TEST(TrainingRun, ResumesExactlyWhereItWasStopped) {
  const SmallModel model(60);
  RunOptions options;
  options.steps = 8;
  options.batch_tokens = 600;
  options.optimizer.warmup_steps = 2;
  options.threads = 2;
  const std::atomic<bool> go_on{false};
  Weights whole = model.Random(6);
  {
    TrainingRun run(options, model.corpus, *model.tokenizer, whole);
    const auto result = run.Run({}, go_on);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->steps, 8);
    EXPECT_FALSE(result->interrupted);
  }
  options.checkpoint = model.folder / "checkpoint";
  options.checkpoint_seconds = 0;  // after every step
  options.resume = true;
  Weights parts = model.Random(6);
  {
    RunOptions first = options;
    first.steps = 8;
    TrainingRun run(first, model.corpus, *model.tokenizer, parts);
    ASSERT_TRUE(run.Run({}, go_on));
  }
  const auto header = ReadCheckpointHeader(options.checkpoint);
  ASSERT_TRUE(header) << header.error().message;
  EXPECT_EQ(header->value("step", 0), 8);
  EXPECT_TRUE(whole.flat().equal(parts.flat()));
}

TEST(TrainingRun, InterruptedRunSavesItsWorkAndGoesOn) {
  const SmallModel model(60);
  RunOptions options;
  options.steps = 6;
  options.batch_tokens = 600;
  options.optimizer.warmup_steps = 2;
  const std::atomic<bool> go_on{false};
  const std::atomic<bool> stop{true};
  Weights whole = model.Random(6);
  ASSERT_TRUE(TrainingRun(options, model.corpus, *model.tokenizer, whole).Run({}, go_on));

  options.checkpoint = model.folder / "checkpoint";
  options.checkpoint_seconds = 0;
  options.resume = true;
  Weights first = model.Random(6);
  const auto interrupted = TrainingRun(options, model.corpus, *model.tokenizer, first).Run({}, stop);
  ASSERT_TRUE(interrupted);
  EXPECT_TRUE(interrupted->interrupted);
  EXPECT_EQ(interrupted->steps, 0);
  Weights second = model.Random(9);  // replaced by the checkpoint's
  ASSERT_TRUE(TrainingRun(options, model.corpus, *model.tokenizer, second).Run({}, go_on));
  EXPECT_TRUE(whole.flat().equal(second.flat()));
}

TEST(TrainingRun, RefusesACheckpointOfAnotherRun) {
  const SmallModel model(30);
  RunOptions options;
  options.steps = 2;
  options.batch_tokens = 300;
  options.checkpoint = model.folder / "checkpoint";
  options.checkpoint_seconds = 0;
  options.resume = true;
  const std::atomic<bool> go_on{false};
  Weights weights = model.Random(6);
  ASSERT_TRUE(TrainingRun(options, model.corpus, *model.tokenizer, weights).Run({}, go_on));
  options.seed = 2;
  const auto refused = TrainingRun(options, model.corpus, *model.tokenizer, weights).Run({}, go_on);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("seed"), std::string::npos) << refused.error().message;
}

TEST(Checkpoint, ACutOffFileIsNamed) {
  const SmallModel model(5);
  Weights weights = model.Random(1);
  Optimizer optimizer(weights, {});
  const auto path = model.folder / "checkpoint";
  ASSERT_TRUE(WriteCheckpoint(path, Json{{"step", 3}}, weights, optimizer));
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 100);
  const auto read = ReadCheckpoint(path, weights, optimizer);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("checkpoint"), std::string::npos);
  EXPECT_FALSE(WriteCheckpoint("/nonexistent/folder/checkpoint", Json::object(), weights, optimizer));
}

TEST(Vocabulary, FragmentsAreOneTokenEach) {
  const SmallModel model(5);
  const std::string call =
      "{\"name\": \"transfer_money\", \"arguments\": {\"amount\": 200, \"from_account\": \"checking\"}}";
  const std::vector<TokenId> tokens = model.tokenizer->Encode(call);
  std::vector<std::string> texts;
  for (const TokenId token : tokens) texts.emplace_back(model.tokenizer->TokenBytes(token));
  EXPECT_EQ(texts,
            (std::vector<std::string>{"{\"name\": \"transfer_money\", \"arguments\": {", "\"amount\": ", "2",
                                      "0", "0", ", \"from_account\": ", "\"checking\"", "}}"}));
  EXPECT_EQ(model.tokenizer->Decode(tokens), call);
}

TEST(BpeTrainer, MergesTheMostFrequentPairFirst) {
  BpeTrainer trainer;
  trainer.Add("low low low lower");
  trainer.Add("newest newest newest newest newest newest");
  const BpeVocabulary vocabulary = trainer.Train(4, 2);
  ASSERT_EQ(vocabulary.merges.size(), 4u);
  EXPECT_EQ(vocabulary.tokens.size(), 260u);
  EXPECT_EQ(vocabulary.merges[0], "w e");  // newest 6, lower 1
  EXPECT_EQ(trainer.Train(4, 2).merges, vocabulary.merges);
}

TEST(BpeTrainer, DigitsStayAlone) {
  BpeTrainer trainer;
  for (int i = 0; i < 20; ++i) trainer.Add("pay 250 dollars 250");
  for (const std::string& merge : trainer.Train(50).merges) {
    EXPECT_EQ(merge.find_first_of("0123456789"), std::string::npos) << merge;
  }
}

}  // namespace
}  // namespace sotto
