#include "brain/calibration.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/logistic.h"
#include "base/mapped_file.h"

namespace sotto {
namespace {

constexpr size_t kN = ConfidenceFeatures::kCount;
constexpr size_t kMinSamples = 50;
constexpr size_t kMinIsotonicSamples = 500;

double Dot(const std::array<double, kN>& a, const std::array<double, kN>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

// log(p / (1 - p)) of p = exp(log_prob), kept finite.
double LogOdds(double log_prob) {
  const double p = std::clamp(std::exp(log_prob), 1e-6, 1.0 - 1e-6);
  return std::log(p / (1.0 - p));
}

// Pool adjacent violators over (score, outcome); blocks of at least `min_block` samples.
std::vector<std::pair<double, double>> FitIsotonic(std::vector<std::pair<double, bool>> samples,
                                                   size_t min_block) {
  std::sort(samples.begin(), samples.end());
  struct Block {
    double score = 0;
    double right = 0;
    double count = 0;
  };
  std::vector<Block> blocks;
  for (size_t begin = 0; begin < samples.size(); begin += min_block) {
    Block block;
    for (size_t i = begin; i < std::min(begin + min_block, samples.size()); ++i) {
      block.score += samples[i].first;
      block.right += samples[i].second ? 1 : 0;
      block.count += 1;
    }
    blocks.push_back(block);
    while (blocks.size() > 1) {
      Block& last = blocks.back();
      Block& before = blocks[blocks.size() - 2];
      if (before.right / before.count <= last.right / last.count) break;
      before = {before.score + last.score, before.right + last.right, before.count + last.count};
      blocks.pop_back();
    }
  }
  std::vector<std::pair<double, double>> points;
  for (const Block& block : blocks) {
    points.emplace_back(block.score / block.count, (block.right + 0.5) / (block.count + 1.0));
  }
  return points;
}

double Interpolate(const std::vector<std::pair<double, double>>& points, double x) {
  if (x <= points.front().first) return points.front().second;
  if (x >= points.back().first) return points.back().second;
  const auto upper = std::upper_bound(points.begin(), points.end(), x,
                                      [](double value, const auto& point) { return value < point.first; });
  const auto lower = upper - 1;
  const double share = (x - lower->first) / std::max(upper->first - lower->first, 1e-12);
  return lower->second + share * (upper->second - lower->second);
}

}  // namespace

std::array<double, kN> ConfidenceFeatures::Vector() const {
  return {1.0,        LogOdds(name_log_prob), LogOdds(min_log_prob),       LogOdds(total_log_prob),
          min_margin, unclear ? 1.0 : 0.0,    std::min(words, 30.0) / 10.0};
}

Calibration Calibration::Fit(std::span<const ConfidenceFeatures> features, const std::vector<bool>& right) {
  SOTTO_CHECK(features.size() == right.size());
  Calibration calibration;
  const auto n_right = static_cast<size_t>(std::count(right.begin(), right.end(), true));
  if (features.size() < kMinSamples || n_right == 0 || n_right == right.size()) return calibration;
  std::vector<std::array<double, kN>> rows;
  for (const ConfidenceFeatures& feature : features) rows.push_back(feature.Vector());
  calibration.weights_ = FitLogistic<kN>(rows, right);
  calibration.fitted_ = true;
  if (features.size() >= kMinIsotonicSamples) {
    std::vector<std::pair<double, bool>> samples;
    for (size_t i = 0; i < rows.size(); ++i)
      samples.emplace_back(Dot(calibration.weights_, rows[i]), right[i]);
    calibration.isotonic_ = FitIsotonic(std::move(samples), std::max<size_t>(25, features.size() / 100));
  }
  return calibration;
}

double Calibration::Apply(const ConfidenceFeatures& features) const {
  if (!fitted_) return std::isnan(features.total_log_prob) ? 0 : std::exp(features.total_log_prob);
  const double score = Dot(weights_, features.Vector());
  if (std::isnan(score)) return 0;  // what is no number is no confidence
  // The isotonic steps are flat: a trace of the score keeps the order inside one.
  if (!isotonic_.empty())
    return std::clamp(0.98 * Interpolate(isotonic_, score) + 0.02 * Sigmoid(score), 0.0, 1.0);
  return Sigmoid(score);
}

Json Calibration::ToJson(std::string_view model_id) const {
  Json points = Json::array();
  for (const auto& [score, probability] : isotonic_) points.push_back({score, probability});
  return Json{{"format", 1}, {"model", model_id}, {"weights", weights_}, {"isotonic", std::move(points)}};
}

Result<Calibration> Calibration::FromJson(const Json& json) {
  try {
    Calibration calibration;
    if (json.at("format") != 1) return MakeError(ErrorCode::kUnsupported, "calibration format is not 1");
    calibration.weights_ = json.at("weights").get<std::array<double, kN>>();
    for (const Json& point : json.at("isotonic")) {
      calibration.isotonic_.emplace_back(point.at(0).get<double>(), point.at(1).get<double>());
    }
    calibration.fitted_ = std::any_of(calibration.weights_.begin(), calibration.weights_.end(),
                                      [](double weight) { return weight != 0; });
    return calibration;
  } catch (const nlohmann::json::exception& error) {
    return MakeError(ErrorCode::kCorrupt, "not a calibration: {}", error.what());
  }
}

Result<Calibration> Calibration::Read(const std::filesystem::path& path, std::string_view model_id) {
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  SOTTO_ASSIGN_OR_RETURN(const Json json, ParseJson(text, path.string()));
  if (json.is_object() && json.value("model", "") != model_id) {
    return MakeError(ErrorCode::kInvalidArgument, "{} was fitted to model {}, not {}", path.string(),
                     json.value("model", "?"), model_id);
  }
  auto calibration = FromJson(json);
  if (!calibration) return WithContext(std::move(calibration).error(), path.string());
  return calibration;
}

double ExpectedCalibrationError(std::span<const double> confidences, const std::vector<bool>& right) {
  constexpr size_t kBins = 15;
  std::array<double, kBins> sum{};
  std::array<double, kBins> hits{};
  for (size_t i = 0; i < confidences.size(); ++i) {
    const size_t bin = std::min(static_cast<size_t>(confidences[i] * kBins), kBins - 1);
    sum[bin] += confidences[i];
    hits[bin] += right[i] ? 1 : 0;
  }
  double error = 0;
  for (size_t bin = 0; bin < kBins; ++bin) error += std::abs(sum[bin] - hits[bin]);
  return confidences.empty() ? 0 : error / static_cast<double>(confidences.size());
}

double AreaUnderRoc(std::span<const double> confidences, const std::vector<bool>& right) {
  std::vector<size_t> order(confidences.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return confidences[a] < confidences[b]; });
  double rank_sum = 0;  // of the right ones, ties sharing their mean rank
  double n_right = 0;
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin;
    while (end < order.size() && confidences[order[end]] == confidences[order[begin]]) ++end;
    const double mean_rank = (static_cast<double>(begin + 1) + static_cast<double>(end)) / 2.0;
    for (size_t i = begin; i < end; ++i) {
      if (!right[order[i]]) continue;
      rank_sum += mean_rank;
      n_right += 1;
    }
    begin = end;
  }
  const double n_wrong = static_cast<double>(order.size()) - n_right;
  if (n_right == 0 || n_wrong == 0) return 1;
  return (rank_sum - n_right * (n_right + 1) / 2) / (n_right * n_wrong);
}

}  // namespace sotto
