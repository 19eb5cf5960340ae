#include "acoustic/import_model.h"

#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <cmath>
#include <cstring>
#include <fstream>

#include "acoustic/encoder_decoder.h"
#include "acoustic/tiny_speech_model.h"
#include "base/random.h"
#include "nn/block_formats.h"
#include "nn/half.h"
#include "slm/gguf_writer.h"
#include "temp_folder.h"

namespace sotto {
namespace {

// An ONNX in the published models' own form: names, quantisation, operations.
class OnnxBuilder {
 public:
  explicit OnnxBuilder(uint64_t seed) : random_(seed) { model_.set_ir_version(8); }

  std::string Bytes() const { return model_.SerializeAsString(); }
  onnx::GraphProto& graph() { return *model_.mutable_graph(); }

  void Input(const std::string& name) { graph().add_input()->set_name(name); }

  void Floats(const std::string& name, std::vector<size_t> dims, double low, double high) {
    size_t n = 1;
    for (const size_t dim : dims) n *= dim;
    std::vector<float> values(n);
    for (float& value : values) value = static_cast<float>(low + (high - low) * random_.Uniform());
    Raw(name, dims, 1, {reinterpret_cast<const char*>(values.data()), n * 4});
  }
  void Floats(const std::string& name, std::vector<size_t> dims, const std::vector<float>& values) {
    Raw(name, dims, 1, {reinterpret_cast<const char*>(values.data()), values.size() * 4});
  }
  void Integers(const std::string& name, std::vector<int64_t> values) {
    Raw(name, {values.size()}, 7, {reinterpret_cast<const char*>(values.data()), values.size() * 8});
  }
  // NAME_quantized and the two beside it. `offset`: a float zero point, as the convolutions have.
  void Quantised(const std::string& name, std::vector<size_t> dims, bool offset) {
    size_t n = 1;
    for (const size_t dim : dims) n *= dim;
    std::string quants(n, '\0');
    for (char& quant : quants) quant = static_cast<char>(random_.Below(256));
    Raw(name + "_quantized", dims, offset ? 3 : 2, quants);
    Floats(name + "_scale", {}, {offset ? 0.002f : 0.0011f});
    if (offset) {
      Floats(name + "_zero_point", {1}, {0.01f});
    } else {
      Raw(name + "_zero_point", {}, 2, "\x79");
    }
  }
  onnx::NodeProto& Node(const std::string& op, const std::string& name, std::vector<std::string> inputs) {
    onnx::NodeProto& node = *graph().add_node();
    node.set_op_type(op);
    node.set_name(name);
    for (const std::string& input : inputs) node.add_input(input);
    return node;
  }
  void Product(const std::string& module, size_t n_in, size_t n_out) {
    const std::string weights = fmt::format("onnx::MatMul_{}", n_products_++);
    Quantised(weights, {n_in, n_out}, false);
    Node("MatMulInteger", module + "/MatMul_quant",
         {"x", weights + "_quantized", "zero", weights + "_zero_point"});
  }
  void Conv(size_t index, size_t n_out, size_t n_in, size_t kernel, size_t stride) {
    Quantised(fmt::format("conv{}.weight", index), {n_out, n_in, kernel}, true);
    onnx::NodeProto& node = Node("Conv", fmt::format("/conv{0}/Conv", index), {"x", "w"});
    for (const auto& [name, value] : {std::pair{"kernel_shape", kernel}, std::pair{"strides", stride}}) {
      onnx::AttributeProto& attribute = *node.add_attribute();
      attribute.set_name(name);
      attribute.add_ints(static_cast<int64_t>(value));
    }
  }

 private:
  void Raw(const std::string& name, const std::vector<size_t>& dims, int type, std::string_view data) {
    onnx::TensorProto& tensor = *graph().add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(type);
    for (const size_t dim : dims) tensor.add_dims(static_cast<int64_t>(dim));
    tensor.set_raw_data(std::string(data));
  }

  onnx::ModelProto model_;
  Random random_;
  size_t n_products_ = 100;
};

constexpr size_t kD = 64, kFf = 96, kHeads = 2, kVocab = 32004;

OnnxBuilder Encoder() {
  OnnxBuilder onnx(1);
  onnx.Input("input_values");
  onnx.Conv(1, kD, 1, 127, 64);
  onnx.Conv(2, 2 * kD, kD, 7, 3);
  onnx.Conv(3, kD, 2 * kD, 3, 2);
  onnx.Floats("conv2.bias", {2 * kD}, -0.1, 0.1);
  onnx.Floats("conv3.bias", {kD}, -0.1, 0.1);
  onnx.Floats("onnx::Mul_1", {kD, 1}, 0.8, 1.2);
  onnx.Floats("onnx::Add_1", {kD, 1}, -0.1, 0.1);
  onnx.Node("Mul", "/groupnorm/Mul", {"x", "onnx::Mul_1"});
  onnx.Node("Add", "/groupnorm/Add", {"x", "onnx::Add_1"});
  std::vector<float> frequencies;
  for (int i = 0; i < 8; ++i) frequencies.push_back(static_cast<float>(std::pow(10000.0, -i / 8.0)));
  onnx.Floats("/rotary_emb/Cast_1_output_0", {1, 8, 1}, frequencies);
  onnx.Integers("heads", {kHeads});
  onnx.Integers("head_dim", {kD / kHeads});
  onnx.Node("Concat", "/layers.0/self_attn/Concat", {"a", "b", "heads", "head_dim"});
  onnx.Floats("layers.0.input_layernorm.weight", {kD}, 0.8, 1.2);
  for (const char* part : {"q_proj", "k_proj", "v_proj", "dense"})
    onnx.Product(fmt::format("/layers.0/self_attn/{}", part), kD, kD);
  onnx.Floats("layers.0.post_attention_layernorm.weight", {kD}, 0.8, 1.2);
  onnx.Product("/layers.0/mlp/fc1", kD, kFf);
  onnx.Floats("layers.0.mlp.fc1.bias", {kFf}, -0.1, 0.1);
  onnx.Product("/layers.0/mlp/fc2", kFf, kD);
  onnx.Floats("layers.0.mlp.fc2.bias", {kD}, -0.1, 0.1);
  onnx.Floats("layer_norm.weight", {kD}, 0.8, 1.2);
  return onnx;
}

OnnxBuilder Decoder() {
  OnnxBuilder onnx(2);
  onnx.Input("input_ids");
  onnx.Input("encoder_hidden_states");
  onnx.Quantised("model.decoder.embed_tokens.weight_merged_0", {kVocab, kD}, false);
  const std::string at = "model.decoder.layers.0.";
  for (const char* norm : {"input_layernorm", "post_attention_layernorm", "final_layernorm"})
    onnx.Floats(fmt::format("{}{}.weight_merged_0", at, norm), {kD}, 0.8, 1.2);
  for (const char* attention : {"self_attn", "encoder_attn"}) {
    for (const char* part : {"q_proj", "k_proj", "v_proj", "dense"})
      onnx.Product(fmt::format("/model/decoder/layers.0/{}/{}", attention, part), kD, kD);
  }
  onnx.Product("/model/decoder/layers.0/mlp/up_proj", kD, 2 * kFf);
  onnx.Floats(at + "mlp.up_proj.bias_merged_0", {2 * kFf}, -0.1, 0.1);
  onnx.Product("/model/decoder/layers.0/mlp/down_proj", kFf, kD);
  onnx.Floats(at + "mlp.down_proj.bias_merged_0", {kD}, -0.1, 0.1);
  onnx.Floats("model.decoder.norm.weight_merged_0", {kD}, 0.8, 1.2);
  return onnx;
}

Vocabulary SomeVocabulary() {
  Vocabulary vocabulary;
  vocabulary.pieces = {"<unk>", "<s>", "</s>"};
  for (int i = 0; i < 256; ++i) vocabulary.pieces.push_back(fmt::format("<0x{:02X}>", i));
  for (size_t i = 259; i < 32000; ++i) vocabulary.pieces.push_back(fmt::format("▁w{}", i));
  return vocabulary;
}

std::string MessageOf(const std::string& encoder, const std::string& decoder, GgufWriter* writer = nullptr,
                      ImportOptions options = {}) {
  GgufWriter own;
  const auto first = OnnxFile::Parse(encoder, "encoder.onnx");
  if (!first) return first.error().message;
  const auto second = OnnxFile::Parse(decoder, "decoder.onnx");
  if (!second) return second.error().message;
  const auto result =
      ImportMoonshine(*first, *second, SomeVocabulary(), options, writer != nullptr ? *writer : own);
  return result.has_value() ? "imported" : result.error().message;
}

TEST(ImportMoonshine, BecomesAModelThatRuns) {
  GgufWriter writer;
  ASSERT_EQ(MessageOf(Encoder().Bytes(), Decoder().Bytes(), &writer, {.license = "mit", .origin = "a test"}),
            "imported");
  const auto gguf = GgufFile::Parse(writer.ToBytes().value(), "imported.gguf").value();
  EXPECT_EQ(gguf->GetString("general.license").value(), "mit");
  EXPECT_EQ(gguf->GetString("general.source").value(), "a test");
  const auto model = SpeechModel::FromGguf(gguf).value();
  EXPECT_EQ(model->config().n_heads, kHeads);
  EXPECT_EQ(model->config().n_rot, 16u);
  EXPECT_EQ(model->config().n_vocab, kVocab);
  EXPECT_EQ(model->name(), "moonshine-d64");
  EXPECT_EQ(model->tokenizer().TokenText(32003), "<<ST_3>>");
  EXPECT_EQ(model->tokenizer().Decode(std::vector<TokenId>{300, 32001, 301}), "w300 w301");
  const auto engine = SpeechEngine::Create(model).value();
  Beam beam(engine->Encode(SomeSound(16000, 1)).value());
  BeamStep step;
  step.beams = {&beam};
  step.tokens = {1};
  EXPECT_TRUE(engine->Step(step).has_value());
}

TEST(ImportMoonshine, WeightsAreTheDequantisedOnes) {
  const auto encoder = OnnxFile::Parse(Encoder().Bytes(), "encoder.onnx").value();
  for (const bool floats : {true, false}) {
    GgufWriter writer;
    ASSERT_EQ(MessageOf(Encoder().Bytes(), Decoder().Bytes(), &writer, {.floats = floats}), "imported");
    const auto gguf = GgufFile::Parse(writer.ToBytes().value(), "imported.gguf").value();
    const GgufTensor* tensor = gguf->FindTensor("enc.blk.0.attn_q.weight");
    ASSERT_NE(tensor, nullptr);
    EXPECT_EQ(tensor->type, floats ? DType::kF32 : DType::kQ8_0);
    std::vector<float> row(kD);
    const OnnxTensor* quants = encoder.Find("onnx::MatMul_100_quantized");
    ASSERT_NE(quants, nullptr);
    size_t n_kept = 0;
    for (size_t out = 0; out < kD; ++out) {
      DequantizeRow(tensor->type, tensor->data.subspan(out * tensor->row_bytes(), tensor->row_bytes()), row);
      for (size_t in = 0; in < kD; ++in) {
        const int centred = static_cast<unsigned char>(quants->data[in * kD + out]) - 0x79;
        const float exact = static_cast<float>(centred) * 0.0011f;
        EXPECT_NEAR(row[in], exact, floats ? 0.0 : 0.0007);
        n_kept += std::fabs(row[in] - static_cast<float>(centred) * F16ToFloat(FloatToF16(0.0011f))) < 1e-9f;
      }
    }
    if (!floats) {
      EXPECT_GT(n_kept, kD * kD / 10);  // blocks within 127 steps are the original's
    }
  }
}

TEST(ImportMoonshine, RefusesOtherModelsWithOneLine) {
  const std::string good = Decoder().Bytes();
  OnnxBuilder other = Encoder();
  other.Node("LSTM", "/rnn", {"x"});
  EXPECT_EQ(MessageOf(other.Bytes(), good),
            "encoder.onnx: operation LSTM of node '/rnn' is not one of a model that can be imported");
  OnnxBuilder product = Encoder();
  product.Product("/layers.0/self_attn/q_proj", kD, kD);
  EXPECT_EQ(MessageOf(product.Bytes(), good),
            "encoder.onnx: layers.0/self_attn/q_proj has two weights, onnx::MatMul_100 and onnx::MatMul_106");
  OnnxBuilder shape = Encoder();
  for (auto& tensor : *shape.graph().mutable_initializer()) {
    if (tensor.name() == "conv2.bias") tensor.set_dims(0, 127), tensor.mutable_raw_data()->resize(127 * 4);
  }
  EXPECT_EQ(MessageOf(shape.Bytes(), good),
            "encoder.onnx: tensor conv2.bias has shape [127] and type 1, expected floats [128]");
  OnnxBuilder large = Encoder();
  large.graph().mutable_initializer(0)->set_dims(0, int64_t{1} << 62);
  EXPECT_EQ(MessageOf(large.Bytes(), good),
            "encoder.onnx: tensor conv1.weight_quantized has a dimension of 4611686018427387904");
  EXPECT_EQ(MessageOf(good, good), "encoder.onnx: has no Conv '/conv1/Conv': not a Moonshine model");
}

TEST(ImportMoonshine, RefusesTruncatedFiles) {
  const std::string encoder = Encoder().Bytes();
  const std::string decoder = Decoder().Bytes();
  for (size_t cut = 0; cut < encoder.size(); cut += encoder.size() / 37 + 1) {
    const std::string why = MessageOf(encoder.substr(0, cut), decoder);
    EXPECT_NE(why, "imported") << cut;
    EXPECT_EQ(why.find('\n'), std::string::npos) << why;
  }
}

TEST(ImportModel, SaysWhatIsMissing) {
  const TempFolder folder;
  const auto write = [&](const char* name, const std::string& bytes) {
    std::ofstream(folder.path() / name, std::ios::binary) << bytes;
  };
  const auto message = [&] {
    const std::filesystem::path paths[] = {folder.path()};
    const auto result = ImportModel(paths, folder.path() / "out.gguf", {});
    return result.has_value() ? *result : result.error().message;
  };
  EXPECT_NE(message().find("holds no .onnx"), std::string::npos);
  write("encoder.onnx", Encoder().Bytes());
  EXPECT_EQ(message(),
            "missing among the files: the merged decoder's .onnx, llama-tokenizer.js with the vocabulary");
  write("decoder.onnx", Decoder().Bytes());
  write("llama-tokenizer.js", "const x = 1;");
  EXPECT_NE(message().find("not llama-tokenizer-js"), std::string::npos);
  write("llama-tokenizer.js", "const llama_vocab_base64 = \"PHVuaz4KPHM+Cjwvcz4=\";");  // three pieces
  EXPECT_NE(message().find("a vocabulary of 3 pieces"), std::string::npos) << message();
}

TEST(ReadVocabulary, ReadsTheScriptWithoutRunningIt) {
  const auto vocabulary =
      ReadVocabulary("// x\nconst llama_vocab_base64 = \"PHVuaz4KPHM+Cjwvcz4=\";\n", "x.js").value();
  EXPECT_EQ(vocabulary.pieces, (std::vector<std::string>{"<unk>", "<s>", "</s>"}));
  EXPECT_FALSE(ReadVocabulary("const llama_vocab_base64 = \"PHVu", "x.js").has_value());
  EXPECT_FALSE(ReadVocabulary("const llama_vocab_base64 = \"#\";", "x.js").has_value());
}

}  // namespace
}  // namespace sotto
