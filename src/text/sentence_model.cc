#include "text/sentence_model.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/check.h"

namespace sotto {
namespace {

constexpr std::string_view kMagic = "sotto sentence model 1";
constexpr size_t kAffix = 3;  // letters of a word's beginning and end

std::vector<std::string_view> SplitAt(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

}  // namespace

std::vector<std::string> SentenceFeatures(std::span<const std::string_view> words) {
  std::vector<std::string> features;
  std::string before = "^";
  for (const std::string_view word : words) {
    features.push_back("w:" + std::string(word));
    features.push_back("p:" + before + " " + std::string(word));
    if (word.size() > kAffix + 1 && word.front() != '<') {
      features.push_back("b:" + std::string(word.substr(0, kAffix)));
      features.push_back("e:" + std::string(word.substr(word.size() - kAffix)));
    }
    before = word;
  }
  features.push_back("p:" + before + " $");
  features.push_back(words.size() > 8 ? "n:many" : "n:" + std::to_string(words.size()));
  std::sort(features.begin(), features.end());
  features.erase(std::unique(features.begin(), features.end()), features.end());
  return features;
}

SentenceModel::SentenceModel(std::vector<std::string> labels, std::vector<float> bias, Weights weights)
    : labels_(std::move(labels)), bias_(std::move(bias)), weights_(std::move(weights)) {
  SOTTO_CHECK(labels_.size() >= 2 && bias_.size() == labels_.size());
  for (const auto& [feature, values] : weights_) SOTTO_CHECK(values.size() == labels_.size());
}

Result<SentenceModel> SentenceModel::Parse(std::string_view text, std::string_view source) {
  std::vector<std::string> labels;
  std::vector<float> bias;
  Weights weights;
  int line_number = 0;
  const auto wrong = [&](std::string_view what) {
    return MakeError(ErrorCode::kCorrupt, "{}:{}: {}", source, line_number, what);
  };
  for (const std::string_view line : SplitAt(text, '\n')) {
    ++line_number;
    if (line_number == 1) {
      if (line != kMagic) return wrong("not a sentence model of version 1");
      continue;
    }
    if (line.empty()) continue;
    const std::vector<std::string_view> parts = SplitAt(line, '\t');
    if (labels.empty()) {
      if (parts.size() < 3 || parts[0] != "labels") return wrong("the labels are missing");
      for (size_t i = 1; i < parts.size(); ++i) labels.emplace_back(parts[i]);
      continue;
    }
    if (parts.size() != labels.size() + 1) return wrong("one weight a label is needed");
    std::vector<float> values;
    for (size_t i = 1; i < parts.size(); ++i) {
      const std::string number(parts[i]);
      char* end = nullptr;
      values.push_back(std::strtof(number.c_str(), &end));
      if (number.empty() || *end != '\0' || !std::isfinite(values.back())) return wrong("not a weight");
    }
    if (parts[0] == "bias") {
      bias = std::move(values);
    } else {
      weights.insert_or_assign(std::string(parts[0]), std::move(values));
    }
  }
  if (labels.empty() || bias.empty()) return wrong("the model ends before its labels and bias");
  return SentenceModel(std::move(labels), std::move(bias), std::move(weights));
}

std::string SentenceModel::ToText() const {
  std::string text = std::string(kMagic) + "\nlabels";
  for (const std::string& label : labels_) text += "\t" + label;
  const auto add = [&text](std::string_view name, const std::vector<float>& values) {
    text += "\n" + std::string(name);
    for (const float value : values) text += fmt::format("\t{:.2f}", value);
  };
  add("bias", bias_);
  std::vector<std::string_view> names;
  for (const auto& [feature, values] : weights_) names.push_back(feature);
  std::sort(names.begin(), names.end());
  for (const std::string_view name : names) add(name, weights_.at(std::string(name)));
  return text + "\n";
}

std::vector<double> SentenceModel::Score(std::span<const std::string_view> words) const {
  std::vector<double> scores(bias_.begin(), bias_.end());
  for (const std::string& feature : SentenceFeatures(words)) {
    const auto found = weights_.find(feature);
    if (found == weights_.end()) continue;
    for (size_t i = 0; i < scores.size(); ++i) scores[i] += static_cast<double>(found->second[i]);
  }
  const double top = scores.empty() ? 0 : *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - top);
  for (double& score : scores) score /= sum;
  return scores;
}

double SentenceModel::Probability(std::span<const std::string_view> words, std::string_view label) const {
  const auto found = std::find(labels_.begin(), labels_.end(), label);
  if (found == labels_.end()) return 0;
  return Score(words)[static_cast<size_t>(found - labels_.begin())];
}

}  // namespace sotto
