#include "specialist/classifier_training.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>

#include "base/check.h"
#include "base/random.h"
#include "brain/calibration.h"

namespace sotto {
namespace {

constexpr size_t kFolds = 5;
// From here on settings are chosen on one fold instead of three.
constexpr size_t kManyRows = 4000;
constexpr size_t kQuantiles = 101;
// Tried for the nearest centroid against the highest score where there are texts out of scope to try them on.
constexpr double kCosineWeights[] = {1.0, 0.5, 2.0, 4.0};

struct HeadSettings {
  float meaning_weight = 0;
  double cost = 1;
};

// A held-out text as a model without it sees it.
struct HeldOut {
  size_t label = 0;
  std::vector<float> scores;
  double cosine = 0;
};

// The deviation is 1 where there is none, so that it can be divided by.
std::pair<double, double> MeanAndDeviation(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double square = 0;
  for (const double value : values) square += (value - mean) * (value - mean);
  const double deviation = std::sqrt(square / n);
  return {mean, deviation > 1e-9 ? deviation : 1.0};
}

class ClassifierTrainer {
 public:
  ClassifierTrainer(const std::vector<LabelledText>& rows, const SentenceEncoder* encoder,
                    const ClassifierTraining& options, ThreadTeam& team,
                    const std::function<void(size_t, size_t)>& progress)
      : encoder_(encoder), options_(options), team_(team), progress_(progress) {
    std::map<std::string, uint32_t> index;
    for (const LabelledText& row : rows) {
      if (!row.label.empty()) index.emplace(row.label, 0);
    }
    for (auto& [label, at] : index) {
      at = static_cast<uint32_t>(labels_.size());
      labels_.push_back(label);
    }
    for (const LabelledText& row : rows) {
      if (row.label.empty()) {
        foreign_.push_back(row.text);
      } else {
        texts_.push_back(row.text);
        row_labels_.push_back(index.at(row.label));
      }
    }
  }

  Result<TrainedClassifier> Run(std::string name) {
    SOTTO_RETURN_IF_ERROR(Check());
    Prepare();
    TrainedClassifier out;
    out.rows = texts_.size();
    out.rows_out_of_scope = foreign_.size();
    out.parts.name = std::move(name);
    out.parts.labels = labels_;
    out.parts.features = features_;
    if (encoder_ != nullptr) {
      out.parts.encoder_id = encoder_->id();
      out.parts.with_encoder = TrainHead(options_.meaning_weights, out.with_encoder);
      out.parts.centroids = Centroids(AllRows());
      // The weight is the file's: it is applied to the vector when a text is classified.
      FeatureOptions features = options_.features;
      features.meaning_weight = out.with_encoder.meaning_weight;
      out.parts.features =
          TextFeatures::FromParts(features, {features_.hashes().begin(), features_.hashes().end()},
                                  {features_.idfs().begin(), features_.idfs().end()})
              .value();
    }
    out.parts.without_encoder = TrainHead({0.0f}, out.without_encoder);
    return out;
  }

 private:
  Result<void> Check() const {
    if (labels_.size() < 2) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "a classifier needs rows of two labels or more, the data has {}",
                       labels_.empty() ? "none" : fmt::format("only '{}'", labels_[0]));
    }
    std::vector<size_t> counts(labels_.size(), 0);
    for (const uint32_t label : row_labels_) ++counts[label];
    for (size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] < 2)
        return MakeError(ErrorCode::kInvalidArgument, "label '{}' has one row only: 2 or more are needed",
                         labels_[i]);
    }
    return {};
  }

  void Prepare() {
    features_ = TextFeatures::Fit(texts_, options_.features);
    for (const std::string& text : texts_) sparse_.push_back(features_.Transform(text));
    for (const std::string& text : foreign_) foreign_sparse_.push_back(features_.Transform(text));
    if (encoder_ != nullptr) {
      vectors_ = encoder_->EncodeMany(texts_);
      foreign_vectors_ = encoder_->EncodeMany(foreign_);
    }
    // Each label's rows are dealt out in turn, so that every fold has some of all.
    Random random(options_.seed);
    std::vector<size_t> order = AllRows();
    for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
    std::vector<size_t> dealt(labels_.size());
    for (size_t& start : dealt) start = random.Below(kFolds);
    fold_.resize(texts_.size());
    for (const size_t row : order) fold_[row] = dealt[row_labels_[row]]++ % kFolds;
  }

  std::vector<size_t> AllRows() const {
    std::vector<size_t> rows(texts_.size());
    std::iota(rows.begin(), rows.end(), size_t{0});
    return rows;
  }

  LinearWeights Train(const std::vector<size_t>& rows, const HeadSettings& settings) {
    std::vector<SparseVector> sparse;
    std::vector<float> dense;
    std::vector<uint32_t> labels;
    const bool meant = settings.meaning_weight > 0;
    for (const size_t row : rows) {
      sparse.push_back(sparse_[row]);
      labels.push_back(row_labels_[row]);
      if (!meant) continue;
      for (const float value : Vector(vectors_, row)) dense.push_back(settings.meaning_weight * value);
    }
    LinearTraining training;
    training.c = settings.cost;
    training.balanced = options_.balanced;
    training.seed = options_.seed;
    const LinearRows linear{sparse, features_.size(), dense, meant ? SentenceEncoder::kSize : 0,
                            labels, labels_.size()};
    LinearWeights weights = TrainLinear(linear, training, team_);
    if (progress_) progress_(++done_, n_trainings_);
    return weights;
  }

  static std::span<const float> Vector(const std::vector<float>& vectors, size_t row) {
    if (vectors.empty()) return {};
    return std::span(vectors).subspan(row * SentenceEncoder::kSize, SentenceEncoder::kSize);
  }

  std::vector<float> Scores(const LinearWeights& weights, const HeadSettings& settings,
                            const SparseVector& sparse, std::span<const float> vector) const {
    std::vector<float> dense;
    if (weights.n_dense > 0) {
      for (const float value : vector) dense.push_back(settings.meaning_weight * value);
    }
    std::vector<float> scores(labels_.size());
    weights.Score(sparse, dense, scores);
    return scores;
  }

  // Means of the labels' vectors, length 1; a label without rows has none (zeros).
  std::vector<float> Centroids(const std::vector<size_t>& rows) const {
    constexpr size_t kSize = SentenceEncoder::kSize;
    std::vector<float> centroids(labels_.size() * kSize, 0.0f);
    for (const size_t row : rows) {
      const std::span<const float> vector = Vector(vectors_, row);
      for (size_t i = 0; i < kSize; ++i) centroids[row_labels_[row] * kSize + i] += vector[i];
    }
    for (size_t label = 0; label < labels_.size(); ++label) {
      float* row = centroids.data() + label * kSize;
      const double length = std::sqrt(std::inner_product(row, row + kSize, row, 0.0));
      for (size_t i = 0; length > 0 && i < kSize; ++i)
        row[i] = static_cast<float>(static_cast<double>(row[i]) / length);
    }
    return centroids;
  }

  double FoldAccuracy(const HeadSettings& settings, size_t n_folds) {
    size_t right = 0, n = 0;
    for (size_t fold = 0; fold < n_folds; ++fold) {
      std::vector<size_t> rows;
      for (const size_t row : AllRows()) {
        if (fold_[row] != fold) rows.push_back(row);
      }
      const LinearWeights weights = Train(rows, settings);
      for (const size_t row : AllRows()) {
        if (fold_[row] != fold) continue;
        const std::vector<float> scores = Scores(weights, settings, sparse_[row], Vector(vectors_, row));
        right += static_cast<size_t>(std::ranges::max_element(scores) - scores.begin()) == row_labels_[row];
        ++n;
      }
    }
    return n == 0 ? 0 : static_cast<double>(right) / static_cast<double>(n);
  }

  HeadSettings Choose(const std::vector<float>& meaning_weights) {
    std::vector<HeadSettings> candidates;
    for (const float weight : meaning_weights) {
      for (const double cost : options_.costs) candidates.push_back({weight, cost});
    }
    const size_t n_folds = texts_.size() >= kManyRows ? 1 : 3;
    n_trainings_ = done_ + (candidates.size() > 1 ? candidates.size() * n_folds : 0) + kFolds + 1;
    if (candidates.size() == 1) return candidates[0];
    HeadSettings best = candidates[0];
    double best_accuracy = -1;
    for (const HeadSettings& settings : candidates) {
      const double accuracy = FoldAccuracy(settings, n_folds);
      if (accuracy > best_accuracy) {
        best_accuracy = accuracy;
        best = settings;
      }
    }
    return best;
  }

  // Every text as seen by a model without its fold.
  std::vector<HeldOut> HoldOut(const HeadSettings& settings, std::vector<HeldOut>& foreign) {
    std::vector<HeldOut> held;
    for (size_t fold = 0; fold < kFolds; ++fold) {
      std::vector<size_t> rows;
      for (const size_t row : AllRows()) {
        if (fold_[row] != fold) rows.push_back(row);
      }
      const LinearWeights weights = Train(rows, settings);
      const bool meant = settings.meaning_weight > 0;
      const std::vector<float> centroids = meant ? Centroids(rows) : std::vector<float>();
      const auto judge = [&](const SparseVector& sparse, std::span<const float> vector, size_t label) {
        return HeldOut{label, Scores(weights, settings, sparse, vector),
                       meant ? NearestCentroid(centroids, vector) : 0};
      };
      for (const size_t row : AllRows()) {
        if (fold_[row] == fold) held.push_back(judge(sparse_[row], Vector(vectors_, row), row_labels_[row]));
      }
      for (size_t i = fold; i < foreign_.size(); i += kFolds)
        foreign.push_back(judge(foreign_sparse_[i], Vector(foreign_vectors_, i), 0));
    }
    return held;
  }

  // The temperature of the least log loss, by golden section of its logarithm. As in Platt 1999 a target is not quite
  // 1: where held-out texts are all right, the best temperature would be infinite.
  double FitTemperature(const std::vector<HeldOut>& held) const {
    const double spread = 1.0 / (static_cast<double>(held.size()) + 2);
    const auto loss = [&](double log_temperature) {
      double sum = 0;
      std::vector<double> p(labels_.size());
      for (const HeldOut& seen : held) {
        ToProbabilities(seen.scores, std::exp(log_temperature), p);
        sum -= (1 - spread) * std::log(std::max(p[seen.label], 1e-12));
        for (const double each : p)
          sum -= spread / static_cast<double>(p.size()) * std::log(std::max(each, 1e-12));
      }
      return sum;
    };
    double low = std::log(0.1), high = std::log(100.0);
    const double golden = (std::sqrt(5.0) - 1) / 2;
    for (int i = 0; i < 40; ++i) {
      const double a = high - golden * (high - low), b = low + golden * (high - low);
      (loss(a) < loss(b) ? high : low) = loss(a) < loss(b) ? b : a;
    }
    return std::exp((low + high) / 2);
  }

  void FitScope(const std::vector<HeldOut>& held, const std::vector<HeldOut>& foreign, bool meant,
                HeadCalibration& calibration) const {
    std::vector<double> tops, cosines;
    for (const HeldOut& seen : held) {
      tops.push_back(static_cast<double>(*std::ranges::max_element(seen.scores)));
      cosines.push_back(seen.cosine);
    }
    ScopeScale& scope = calibration.scope;
    std::tie(scope.top_mean, scope.top_deviation) = MeanAndDeviation(tops);
    std::tie(scope.cosine_mean, scope.cosine_deviation) = MeanAndDeviation(cosines);
    const auto sums = [&scope](const std::vector<HeldOut>& texts) {
      std::vector<double> out;
      for (const HeldOut& seen : texts) out.push_back(scope.Sum(seen.scores, seen.cosine));
      return out;
    };
    ptrdiff_t most = -1;
    double best = 0;
    for (const double weight : kCosineWeights) {
      scope.cosine_weight = meant ? weight : 0;
      const double threshold = LowerQuantile(sums(held), options_.false_alarms);
      const ptrdiff_t caught =
          std::ranges::count_if(sums(foreign), [&](double sum) { return sum < threshold; });
      if (caught <= most) continue;
      most = caught;
      best = scope.cosine_weight;
    }
    scope.cosine_weight = best;
    std::vector<double> ascending = sums(held);
    std::ranges::sort(ascending);
    for (size_t i = 0; i < kQuantiles; ++i)
      scope.quantiles.push_back(static_cast<float>(ascending[i * (ascending.size() - 1) / (kQuantiles - 1)]));
    calibration.scope_threshold = options_.false_alarms;
  }

  ClassifierHead TrainHead(const std::vector<float>& meaning_weights, HeadReport& report) {
    const HeadSettings settings = Choose(meaning_weights);
    ClassifierHead head;
    std::vector<HeldOut> foreign;
    const std::vector<HeldOut> held = HoldOut(settings, foreign);
    head.calibration.temperature = FitTemperature(held);
    if (options_.judge_scope) FitScope(held, foreign, settings.meaning_weight > 0, head.calibration);
    std::vector<double> confidences;
    std::vector<bool> right;
    std::vector<double> p(labels_.size());
    for (const HeldOut& seen : held) {
      ToProbabilities(seen.scores, head.calibration.temperature, p);
      const auto best = std::ranges::max_element(p);
      confidences.push_back(*best);
      right.push_back(static_cast<size_t>(best - p.begin()) == seen.label);
    }
    report.meaning_weight = settings.meaning_weight;
    report.cost = settings.cost;
    report.accuracy =
        static_cast<double>(std::ranges::count(right, true)) / static_cast<double>(right.size());
    report.ece = ExpectedCalibrationError(confidences, right);
    head.weights = Train(AllRows(), settings);
    return head;
  }

  const SentenceEncoder* const encoder_;
  const ClassifierTraining& options_;
  ThreadTeam& team_;
  const std::function<void(size_t, size_t)>& progress_;
  size_t done_ = 0;
  size_t n_trainings_ = 0;
  std::vector<std::string> labels_;
  std::vector<std::string> texts_, foreign_;  // in scope; out of scope
  std::vector<uint32_t> row_labels_;
  TextFeatures features_;
  std::vector<SparseVector> sparse_, foreign_sparse_;
  std::vector<float> vectors_, foreign_vectors_;  // [rows, kSize], not weighted
  std::vector<size_t> fold_;                      // of each row
};

}  // namespace

double LowerQuantile(std::vector<double> values, double rate) {
  SOTTO_CHECK(!values.empty());
  std::ranges::sort(values);
  const auto at = static_cast<size_t>(rate * static_cast<double>(values.size()));
  return values[std::min(at, values.size() - 1)];
}

Result<TrainedClassifier> TrainClassifier(std::string name, const std::vector<LabelledText>& rows,
                                          const SentenceEncoder* encoder, const ClassifierTraining& options,
                                          ThreadTeam& team,
                                          const std::function<void(size_t, size_t)>& progress) {
  return ClassifierTrainer(rows, encoder, options, team, progress).Run(std::move(name));
}

ClassifierScore ScoreClassifier(const Classifier& classifier, const std::vector<LabelledText>& rows,
                                double false_alarms) {
  std::vector<std::string> texts;
  for (const LabelledText& row : rows) texts.push_back(row.text);
  const std::vector<Classification> got = classifier.ClassifyMany(texts);
  ClassifierScore score;
  std::vector<double> confidences, in_scope, out_of_scope;
  std::vector<bool> right;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].label.empty()) {
      out_of_scope.push_back(got[i].in_scope);
      continue;
    }
    const std::string& label = classifier.labels()[got[i].label];
    in_scope.push_back(got[i].in_scope);
    confidences.push_back(got[i].confidence);
    right.push_back(label == rows[i].label);
    if (right.back()) continue;
    score.errors.push_back(
        fmt::format("{}: wanted {}, got {} {:.2f}", rows[i].text, rows[i].label, label, got[i].confidence));
  }
  score.rows = in_scope.size();
  score.right = static_cast<size_t>(std::ranges::count(right, true));
  score.rows_out_of_scope = out_of_scope.size();
  if (!right.empty()) score.ece = ExpectedCalibrationError(confidences, right);
  const HeadCalibration& calibration = classifier.calibration();
  score.judges_scope = calibration.judges_scope();
  if (!score.judges_scope || in_scope.empty()) return score;
  const auto below = [](const std::vector<double>& values, double threshold) {
    return static_cast<size_t>(
        std::ranges::count_if(values, [&](double value) { return value < threshold; }));
  };
  score.false_alarms = below(in_scope, calibration.scope_threshold);
  score.caught = below(out_of_scope, calibration.scope_threshold);
  score.caught_at_rate = below(out_of_scope, LowerQuantile(in_scope, false_alarms));
  return score;
}

}  // namespace sotto
