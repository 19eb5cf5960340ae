#include "specialist/classifier.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "nn/block_formats.h"
#include "slm/gguf_writer.h"
#include "slm/imported_tensors.h"
#include "slm/weights.h"

namespace sotto {
namespace {

constexpr std::string_view kClassifierArchitecture = "sotto-classifier";
constexpr size_t kBlock = 32;          // of Q8_0: rows are padded to it
constexpr size_t kLabelsRounded = 16;  // fewer labels are kept as F16
constexpr size_t kMaxLabels = 1u << 16;

std::string HeadKey(std::string_view head, std::string_view what) {
  return fmt::format("sotto.classifier.{}.{}", head, what);
}

// [rows, n] as rows of `width` columns, the rest zero.
std::vector<float> PadRows(std::span<const float> values, size_t n, size_t width) {
  std::vector<float> out(values.size() / n * width, 0.0f);
  for (size_t row = 0; row * n < values.size(); ++row)
    std::copy_n(values.data() + row * n, n, out.data() + row * width);
  return out;
}

void AddRows(GgufWriter& writer, const std::string& name, std::span<const float> values, size_t n_labels) {
  const DType type = n_labels < kLabelsRounded ? DType::kF16 : DType::kQ8_0;
  const size_t width = type == DType::kF16 ? n_labels : (n_labels + kBlock - 1) / kBlock * kBlock;
  auto padded = std::make_shared<const std::vector<float>>(PadRows(values, n_labels, width));
  const uint64_t shape[] = {width, padded->size() / width};
  writer.AddTensor(name, type, shape, [padded, type, width](std::span<std::byte> out) -> Result<void> {
    const size_t row_bytes = RowBytes(type, width);
    for (size_t row = 0; row * width < padded->size(); ++row)
      QuantizeRow(type, std::span(*padded).subspan(row * width, width),
                  out.subspan(row * row_bytes, row_bytes));
    return {};
  });
}

void AddHead(GgufWriter& writer, std::string_view name, const ClassifierHead& head) {
  const LinearWeights& weights = head.weights;
  const size_t n = weights.n_labels;
  const std::span<const float> all(weights.values);
  AddRows(writer, fmt::format("{}.features", name), all.subspan(0, weights.n_sparse * n), n);
  if (weights.n_dense > 0)
    AddRows(writer, fmt::format("{}.meaning", name), all.subspan(weights.n_sparse * n, weights.n_dense * n),
            n);
  writer.SetF32Array(HeadKey(name, "bias"), weights.row(weights.n_sparse + weights.n_dense));
  const HeadCalibration& calibration = head.calibration;
  writer.SetF32(HeadKey(name, "temperature"), static_cast<float>(calibration.temperature));
  if (!calibration.judges_scope()) return;
  const ScopeScale& scope = calibration.scope;
  const float scale[] = {static_cast<float>(scope.top_mean), static_cast<float>(scope.top_deviation),
                         static_cast<float>(scope.cosine_mean), static_cast<float>(scope.cosine_deviation),
                         static_cast<float>(scope.cosine_weight)};
  writer.SetF32Array(HeadKey(name, "scope"), scale);
  writer.SetF32Array(HeadKey(name, "scope_quantiles"), scope.quantiles);
  writer.SetF32(HeadKey(name, "scope_threshold"), static_cast<float>(calibration.scope_threshold));
}

tl::unexpected<Error> Damaged(const GgufFile& file, std::string_view what) {
  return MakeError(ErrorCode::kCorrupt, "{}: a damaged classifier: {}", file.path(), what);
}

Result<TextFeatures> ReadFeatures(const GgufFile& file) {
  FeatureOptions options;
  const auto number = [&file](const char* key, int least, int most, int& out) -> Result<void> {
    SOTTO_ASSIGN_OR_RETURN(const uint32_t value, file.GetU32(std::string("sotto.classifier.") + key));
    if (value < static_cast<uint32_t>(least) || value > static_cast<uint32_t>(most))
      return Damaged(file, fmt::format("{} is {}", key, value));
    out = static_cast<int>(value);
    return {};
  };
  SOTTO_RETURN_IF_ERROR(number("words", 0, 8, options.words));
  SOTTO_RETURN_IF_ERROR(number("letters_min", 1, 16, options.letters_min));
  SOTTO_RETURN_IF_ERROR(number("letters_max", 0, 16, options.letters_max));
  SOTTO_ASSIGN_OR_RETURN(options.letters_weight, file.GetF32("sotto.classifier.letters_weight"));
  SOTTO_ASSIGN_OR_RETURN(options.meaning_weight, file.GetF32("sotto.classifier.meaning_weight"));
  SOTTO_ASSIGN_OR_RETURN(const std::vector<int32_t> hashes, file.GetI32Array("sotto.classifier.hashes"));
  SOTTO_ASSIGN_OR_RETURN(std::vector<float> idfs, file.GetF32Array("sotto.classifier.idfs"));
  std::vector<uint32_t> unsigned_hashes;
  for (const int32_t hash : hashes) unsigned_hashes.push_back(static_cast<uint32_t>(hash));
  if (!std::isfinite(options.letters_weight) || !std::isfinite(options.meaning_weight))
    return Damaged(file, "a weight of features is no number");
  auto features = TextFeatures::FromParts(options, std::move(unsigned_hashes), std::move(idfs));
  if (!features) return WithContext(features.error(), file.path());
  return features;
}

}  // namespace

void ToProbabilities(std::span<const float> scores, double temperature, std::span<double> out) {
  double top = -1e30;
  for (const float score : scores) top = std::max(top, static_cast<double>(score));
  double sum = 0;
  for (size_t i = 0; i < scores.size(); ++i)
    sum += out[i] = std::exp((static_cast<double>(scores[i]) - top) * temperature);
  for (double& p : out) p /= sum;
}

double NearestCentroid(std::span<const float> centroids, std::span<const float> vector) {
  double best = centroids.empty() ? 0 : -1;
  for (size_t at = 0; at < centroids.size(); at += vector.size())
    best = std::max(best, Cosine(centroids.subspan(at, vector.size()), vector));
  return best;
}

double ScopeScale::Sum(std::span<const float> scores, double cosine) const {
  const auto top = static_cast<double>(*std::ranges::max_element(scores));
  return (top - top_mean) / top_deviation + cosine_weight * (cosine - cosine_mean) / cosine_deviation;
}

double ScopeScale::Share(double sum) const {
  if (quantiles.empty()) return 1;
  const auto above = std::ranges::upper_bound(quantiles, static_cast<float>(sum));
  if (above == quantiles.begin()) return 0;
  if (above == quantiles.end()) return 1;
  const auto below = static_cast<double>(*(above - 1));
  const double part = (sum - below) / (static_cast<double>(*above) - below);
  return (static_cast<double>(above - quantiles.begin() - 1) + part) /
         static_cast<double>(quantiles.size() - 1);
}

Result<void> WriteClassifier(const ClassifierParts& parts, const std::filesystem::path& path,
                             std::string_view license, std::string_view origin) {
  GgufWriter writer;
  writer.SetString("general.architecture", kClassifierArchitecture);
  SetOrigin({parts.name, std::string(license), std::string(origin)}, parts.name, writer);
  writer.SetStringArray("sotto.classifier.labels", std::span<const std::string>(parts.labels));
  const FeatureOptions& options = parts.features.options();
  writer.SetU32("sotto.classifier.words", static_cast<uint32_t>(options.words));
  writer.SetU32("sotto.classifier.letters_min", static_cast<uint32_t>(options.letters_min));
  writer.SetU32("sotto.classifier.letters_max", static_cast<uint32_t>(options.letters_max));
  writer.SetF32("sotto.classifier.letters_weight", options.letters_weight);
  writer.SetF32("sotto.classifier.meaning_weight", options.meaning_weight);
  std::vector<int32_t> hashes;
  for (const uint32_t hash : parts.features.hashes()) hashes.push_back(static_cast<int32_t>(hash));
  writer.SetI32Array("sotto.classifier.hashes", hashes);
  writer.SetF32Array("sotto.classifier.idfs", parts.features.idfs());
  ImportedTensors tensors(writer, false);
  if (!parts.encoder_id.empty()) {
    writer.SetString("sotto.classifier.encoder", parts.encoder_id);
    tensors.AddMatrix("centroids", parts.centroids, SentenceEncoder::kSize, 0);
    AddHead(writer, "full", parts.with_encoder);
  }
  AddHead(writer, "words", parts.without_encoder);
  return writer.Write(path);
}

Result<std::shared_ptr<const Classifier>> Classifier::Open(const std::filesystem::path& path,
                                                           std::shared_ptr<const SentenceEncoder> encoder) {
  SOTTO_ASSIGN_OR_RETURN(auto file, GgufFile::Open(path));
  return FromGguf(std::move(file), std::move(encoder));
}

Result<void> Classifier::ReadHead(std::string_view head) {
  const size_t n = labels_.size();
  width_ = n < kLabelsRounded ? n : (n + kBlock - 1) / kBlock * kBlock;
  const auto rows = [&](std::string_view what, size_t n_rows) -> Result<const GgufTensor*> {
    SOTTO_ASSIGN_OR_RETURN(const GgufTensor* tensor, file_->GetTensor(fmt::format("{}.{}", head, what)));
    if (tensor->shape[0] != width_ || tensor->n_rows() != n_rows)
      return Damaged(*file_, fmt::format("{} has shape {}", tensor->name, ShapeToString(*tensor)));
    return tensor;
  };
  SOTTO_ASSIGN_OR_RETURN(rows_, rows("features", features_.size()));
  if (encoder_ != nullptr) {
    SOTTO_ASSIGN_OR_RETURN(dense_, rows("meaning", SentenceEncoder::kSize));
  }
  SOTTO_ASSIGN_OR_RETURN(bias_, file_->GetF32Array(HeadKey(head, "bias")));
  if (bias_.size() != n) return Damaged(*file_, "not as many constants as labels");
  SOTTO_ASSIGN_OR_RETURN(const float temperature, file_->GetF32(HeadKey(head, "temperature")));
  if (!(temperature > 0) || !std::isfinite(temperature)) return Damaged(*file_, "its temperature");
  calibration_.temperature = static_cast<double>(temperature);
  return file_->Has(HeadKey(head, "scope")) ? ReadScope(head) : Result<void>();
}

Result<void> Classifier::ReadScope(std::string_view head) {
  SOTTO_ASSIGN_OR_RETURN(const std::vector<float> scale, file_->GetF32Array(HeadKey(head, "scope")));
  SOTTO_ASSIGN_OR_RETURN(std::vector<float> quantiles, file_->GetF32Array(HeadKey(head, "scope_quantiles")));
  SOTTO_ASSIGN_OR_RETURN(const float threshold, file_->GetF32(HeadKey(head, "scope_threshold")));
  const auto finite = [](float value) { return std::isfinite(value); };
  if (scale.size() != 5 || !std::ranges::all_of(scale, finite) || !(scale[1] > 0) || !(scale[3] > 0) ||
      quantiles.size() < 2 || !std::ranges::all_of(quantiles, finite) || !std::ranges::is_sorted(quantiles) ||
      !(threshold >= 0 && threshold <= 1)) {
    return Damaged(*file_, "its judgement of scope");
  }
  const std::vector<double> values(scale.begin(), scale.end());
  calibration_.scope = {values[0], values[1], values[2], values[3], values[4], std::move(quantiles)};
  calibration_.scope_threshold = static_cast<double>(threshold);
  return {};
}

Result<std::shared_ptr<const Classifier>> Classifier::FromGguf(
    std::shared_ptr<const GgufFile> file, std::shared_ptr<const SentenceEncoder> encoder) {
  SOTTO_ASSIGN_OR_RETURN(const std::string_view arch, file->GetString("general.architecture"));
  if (arch != kClassifierArchitecture) {
    return MakeError(ErrorCode::kUnsupported, "{}: architecture '{}' is no classifier, expected '{}'",
                     file->path(), arch, kClassifierArchitecture);
  }
  auto classifier = std::shared_ptr<Classifier>(new Classifier());
  SOTTO_ASSIGN_OR_RETURN(const std::string_view name, file->GetString("general.name"));
  SOTTO_ASSIGN_OR_RETURN(const auto labels, file->GetStringArray("sotto.classifier.labels"));
  if (labels.size() < 2 || labels.size() > kMaxLabels)
    return Damaged(*file, fmt::format("{} labels", labels.size()));
  SOTTO_ASSIGN_OR_RETURN(const std::string_view made_with, file->GetStringOr("sotto.classifier.encoder", ""));
  if (made_with.empty()) encoder = nullptr;
  if (encoder != nullptr && encoder->id() != made_with) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: was made with the encoder {}, not with {} ({}): train it again", file->path(),
                     made_with, encoder->id(), encoder->name());
  }
  classifier->name_ = name;
  classifier->labels_.assign(labels.begin(), labels.end());
  classifier->encoder_ = std::move(encoder);
  classifier->file_ = file;
  SOTTO_ASSIGN_OR_RETURN(classifier->features_, ReadFeatures(*file));
  if (classifier->encoder_ != nullptr) {
    SOTTO_ASSIGN_OR_RETURN(const GgufTensor* centroids, file->GetTensor("centroids"));
    if (centroids->shape[0] != SentenceEncoder::kSize || centroids->n_rows() != labels.size())
      return Damaged(*file, "not one centroid a label");
    SOTTO_ASSIGN_OR_RETURN(classifier->centroids_, TensorToFloats(*centroids, centroids->data, file->path()));
  }
  SOTTO_RETURN_IF_ERROR(classifier->ReadHead(classifier->encoder_ != nullptr ? "full" : "words"));
  return std::shared_ptr<const Classifier>(std::move(classifier));
}

Classification Classifier::Classify(std::string_view text) const {
  return Classify(text, encoder_ != nullptr ? encoder_->Encode(text) : std::vector<float>());
}

std::vector<Classification> Classifier::ClassifyMany(std::span<const std::string> texts) const {
  const std::vector<float> vectors = encoder_ != nullptr ? encoder_->EncodeMany(texts) : std::vector<float>();
  const size_t size = vectors.size() / std::max<size_t>(texts.size(), 1);
  std::vector<Classification> out;
  for (size_t i = 0; i < texts.size(); ++i)
    out.push_back(Classify(texts[i], std::span(vectors).subspan(i * size, size)));
  return out;
}

Classification Classifier::Classify(std::string_view text, std::span<const float> vector) const {
  SOTTO_CHECK(vector.size() == (encoder_ != nullptr ? SentenceEncoder::kSize : 0));
  std::vector<float> scores = bias_;
  std::vector<float> row(width_);
  const auto add = [&](const GgufTensor& tensor, size_t index, float value) {
    DequantizeRow(tensor.type, tensor.data.subspan(index * tensor.row_bytes(), tensor.row_bytes()), row);
    for (size_t i = 0; i < scores.size(); ++i) scores[i] += value * row[i];
  };
  const SparseVector features = features_.Transform(text);
  for (size_t k = 0; k < features.indices.size(); ++k) add(*rows_, features.indices[k], features.values[k]);
  const float weight = features_.options().meaning_weight;
  for (size_t k = 0; k < vector.size(); ++k) add(*dense_, k, weight * vector[k]);
  for (float& score : scores) {
    if (!std::isfinite(score)) score = 0;  // a damaged weight must not pass a threshold
  }

  Classification out;
  out.probabilities.resize(scores.size());
  ToProbabilities(scores, calibration_.temperature, out.probabilities);
  out.label = static_cast<size_t>(std::ranges::max_element(out.probabilities) - out.probabilities.begin());
  out.confidence = out.probabilities[out.label];
  if (calibration_.judges_scope())
    out.in_scope =
        calibration_.scope.Share(calibration_.scope.Sum(scores, NearestCentroid(centroids_, vector)));
  return out;
}

}  // namespace sotto
