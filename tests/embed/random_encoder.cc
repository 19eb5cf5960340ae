#include "embed/random_encoder.h"

#include <cmath>

#include "base/check.h"
#include "base/random.h"
#include "core/json.h"

namespace sotto {
namespace {

class Manifest {
 public:
  explicit Manifest(uint64_t seed) : random_(seed) {}

  void Add(const std::string& name, const std::vector<size_t>& shape, double centre, double spread) {
    list.push_back({{"name", name}, {"shape", shape}, {"dtype", "float32"}});
    size_t n = 1;
    for (const size_t size : shape) n *= size;
    std::vector<float> values(n);
    for (float& value : values) value = static_cast<float>(centre + spread * (2 * random_.Uniform() - 1));
    bytes.append(reinterpret_cast<const char*>(values.data()), 4 * n);
  }
  void Kernel(const std::string& name, const std::vector<size_t>& shape) {
    Add(name, shape, 0, std::sqrt(3.0 / static_cast<double>(shape[shape.size() - 2])));
  }

  Json list = Json::array();
  std::string bytes;

 private:
  Random random_;
};

}  // namespace

RandomEncoder::RandomEncoder(uint64_t seed) {
  Manifest manifest(seed);
  const std::string apply = "module_apply_default/Encoder_en/KonaTransformer/Encode/";
  const std::string whole = "/ConcatPartitions/concat";
  for (size_t i = 0; i < 2; ++i) {
    const size_t d = i == 0 ? 256 : 512;
    const std::string at = fmt::format("Layer_{}/TransformerLayer/", i);
    const std::string own = "module/Encoder_en/KonaTransformer/Encode/" + at + "MultiheadAttention/";
    for (const auto& [part, n] :
         {std::pair{"qkv_transform_single", 3 * d}, std::pair{"output_transform_single", size_t{512}}}) {
      manifest.Kernel(own + part + "/kernel/part_0", {1, 1, d, n});
      manifest.Add(apply + at + "MultiheadAttention/" + part + "/bias" + whole, {n}, 0, 0.1);
    }
    for (const auto& [part, n] : {std::pair{"", d}, std::pair{"FFN/", size_t{512}}}) {
      const std::string norm = apply + at + part + "layer_prepostprocess/layer_norm/layer_norm_";
      manifest.Add(norm + "scale" + whole, {n}, 1, 0.2);
      manifest.Add(norm + "bias" + whole, {n}, 0, 0.1);
    }
    if (i == 0) {
      manifest.Kernel(apply + at + "dense/kernel" + whole, {256, 512});
      manifest.Add(apply + at + "dense/bias" + whole, {512}, 0, 0.1);
    }
    const std::string ffn = apply + "TransformerStack/" + at + "FFN/";
    manifest.Kernel(ffn + "conv1/Tensordot/Reshape_1", {512, 1536});
    manifest.Add(apply + at + "FFN/conv1/bias" + whole, {1536}, 0, 0.1);
    manifest.Kernel(ffn + "conv2/Tensordot/Reshape_1", {1536, 512});
    manifest.Add(apply + at + "FFN/conv2/bias" + whole, {512}, 0, 0.1);
  }
  manifest.Add("module/Embeddings_en", {8002, 256}, 0, 1);
  manifest.Add(apply + "TransformerStack/Layer_0/AddTimingSignal/TimingSignal/ExpandDims_1", {1, 128}, 0.5,
               0.5);
  manifest.Kernel("module/Encoder_en/hidden_layers/tanh_layer_0/weights", {512, 512});
  manifest.Add("module/Encoder_en/hidden_layers/tanh_layer_0/bias", {512}, 0, 0.1);
  weights = std::move(manifest.bytes);
  model_json =
      Json{{"modelTopology", {{"node", Json::array({{{"op", "Const"}}, {{"op", "MatMul"}}})}}},
           {"weightsManifest",
            Json::array({{{"paths", Json::array({"shard1", "shard2"})}, {"weights", manifest.list}}})}}
          .dump();
  Json vocabulary = Json::array();
  for (const char* piece : {"\uFFFD", "<s>", "</s>", "x1", "x2", "x3"}) vocabulary.push_back({piece, 0.0});
  for (char c = 'a'; c <= 'z'; ++c) vocabulary.push_back({std::string(1, c), -8.0});
  for (const char* piece : {"▁", "▁the", "▁card", "card", "▁pay", "ing", "▁lost"})
    vocabulary.push_back({piece, -4.5});
  vocab_json = vocabulary.dump();
}

std::shared_ptr<const GgufFile> RandomEncoder::Import(bool floats) const {
  GgufWriter writer;
  const TfjsModel model = ReadTfjsModel(model_json, "model.json").value();
  const auto done =
      ImportSentenceEncoder(model, weights, vocab_json, {.license = "none", .floats = floats}, writer);
  SOTTO_CHECK(done.has_value());
  return GgufFile::Parse(writer.ToBytes().value(), "random.gguf").value();
}

}  // namespace sotto
