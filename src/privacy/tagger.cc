#include "privacy/tagger.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/check.h"
#include "base/hash.h"

namespace sotto {
namespace {

constexpr std::string_view kHead = "sotto tagger 1";

using Row = std::array<float, Tagger::kMaxLabels>;

Result<float> ParseFloat(std::string_view text) {
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return MakeError(ErrorCode::kCorrupt, "'{}' is not a weight", text);
  return value;
}

std::vector<std::string_view> Split(std::string_view line, char at) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin <= line.size();) {
    const size_t end = std::min(line.find(at, begin), line.size());
    parts.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

Result<Tagger::Label> ParseLabel(std::string_view name) {
  if (name == "O") return Tagger::Label{};
  const auto kind = name.size() > 2 ? KindFromName(name.substr(2)) : std::nullopt;
  if (!kind || (name[0] != 'B' && name[0] != 'I') || name[1] != '-')
    return MakeError(ErrorCode::kCorrupt, "'{}' is not a label (O, B-name, I-name, ...)", name);
  return Tagger::Label{false, name[0] == 'B', *kind};
}

Result<void> ParseRow(std::span<const std::string_view> parts, size_t wanted, std::vector<float>& into) {
  if (parts.size() != wanted)
    return MakeError(ErrorCode::kCorrupt, "{} weights instead of one a label, {}", parts.size(), wanted);
  for (const std::string_view part : parts) {
    SOTTO_ASSIGN_OR_RETURN(const float weight, ParseFloat(part));
    into.push_back(weight);
  }
  return {};
}

class WeightsReader {
 public:
  Result<void> AddLine(std::string_view line) {
    const std::vector<std::string_view> parts = Split(line, '\t');
    if (!head_) {
      if (line != kHead) return MakeError(ErrorCode::kCorrupt, "not a tagger: it begins with '{}'", kHead);
      head_ = true;
      return {};
    }
    if (weights_.labels.empty()) return AddLabels(parts);
    if (weights_.starts.empty()) {
      if (parts[0] != "start") return MakeError(ErrorCode::kCorrupt, "the line 'start' is missing");
      return ParseRow(std::span(parts).subspan(1), weights_.labels.size(), weights_.starts);
    }
    if (n_moves_ < weights_.labels.size()) {
      if (parts[0] != "from " + weights_.labels[n_moves_])
        return MakeError(ErrorCode::kCorrupt, "the line 'from {}' is missing", weights_.labels[n_moves_]);
      ++n_moves_;
      return ParseRow(std::span(parts).subspan(1), weights_.labels.size(), weights_.transitions);
    }
    return AddFeature(parts);
  }

  Result<Tagger::Weights> Finish() {
    if (weights_.labels.empty() || n_moves_ < weights_.labels.size())
      return MakeError(ErrorCode::kCorrupt, "the tagger ends before its features");
    return std::move(weights_);
  }

 private:
  Result<void> AddLabels(const std::vector<std::string_view>& parts) {
    if (parts[0] != "labels" || parts.size() < 3 || parts.size() > Tagger::kMaxLabels + 1 || parts[1] != "O")
      return MakeError(ErrorCode::kCorrupt, "the labels are missing (labels, O, 1 to {} more)",
                       Tagger::kMaxLabels - 1);
    for (size_t i = 1; i < parts.size(); ++i) {
      SOTTO_RETURN_IF_ERROR(ParseLabel(parts[i]));
      weights_.labels.emplace_back(parts[i]);
    }
    return {};
  }

  Result<void> AddFeature(const std::vector<std::string_view>& parts) {
    Tagger::Feature feature;
    feature.name = parts[0];
    if (feature.name.empty() || parts.size() < 2)
      return MakeError(ErrorCode::kCorrupt,
                       "a feature is its name and label:weight, the label by its number");
    for (size_t i = 1; i < parts.size(); ++i) {
      const size_t colon = parts[i].find(':');
      const std::string_view label = parts[i].substr(0, colon);
      uint8_t number = 0;
      const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), number);
      if (colon == std::string_view::npos || error != std::errc() || end != label.data() + label.size() ||
          number >= weights_.labels.size())
        return MakeError(ErrorCode::kCorrupt, "'{}' is not label:weight, labels by their number from 0 to {}",
                         parts[i], weights_.labels.size() - 1);
      SOTTO_ASSIGN_OR_RETURN(const float weight, ParseFloat(parts[i].substr(colon + 1)));
      feature.weights.emplace_back(number, weight);
    }
    weights_.features.push_back(std::move(feature));
    return {};
  }

  bool head_ = false;
  size_t n_moves_ = 0;
  Tagger::Weights weights_;
};

void Scale(Row& row) {
  float sum = 0;
  for (const float value : row) sum += value;
  const float factor = sum > 0 ? 1 / sum : 0;
  for (float& value : row) value *= factor;
}

}  // namespace

Tagger::Tagger(const Weights& weights) {
  const size_t n = weights.labels.size();
  SOTTO_CHECK(n >= 2 && n <= kMaxLabels && weights.transitions.size() == n * n && weights.starts.size() == n);
  for (const std::string& name : weights.labels) {
    const Result<Label> label = ParseLabel(name);
    SOTTO_CHECK(label.has_value(), "{}", label.error().message);
    labels_.push_back(*label);
  }
  moves_.assign(kMaxLabels * kMaxLabels, 0);
  starts_.assign(kMaxLabels, 0);
  for (size_t to = 0; to < n; ++to) {
    starts_[to] = std::exp(weights.starts[to]);
    for (size_t from = 0; from < n; ++from)
      moves_[to * kMaxLabels + from] = std::exp(weights.transitions[from * n + to]);
  }
  rows_.reserve(weights.features.size());
  for (const Feature& feature : weights.features) {
    const auto [found, fresh] = rows_.emplace(Fnv1a(feature.name), static_cast<uint32_t>(rows_.size()));
    if (fresh) weights_.resize(weights_.size() + kMaxLabels, 0);
    for (const auto& [label, weight] : feature.weights)
      weights_[found->second * kMaxLabels + label] += weight;
  }
}

Result<Tagger::Weights> Tagger::ParseWeights(std::string_view text, std::string_view source) {
  WeightsReader reader;
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    ++number;
    if (end > begin) {
      if (auto added = reader.AddLine(text.substr(begin, end - begin)); !added)
        return WithContext(std::move(added).error(), fmt::format("{}:{}", source, number));
    }
    begin = end + 1;
  }
  auto weights = reader.Finish();
  if (!weights) return WithContext(std::move(weights).error(), source);
  return weights;
}

std::string Tagger::ToText(const Weights& weights) {
  std::string text = fmt::format("{}\nlabels\t{}\nstart", kHead, fmt::join(weights.labels, "\t"));
  for (const float weight : weights.starts) text += fmt::format("\t{:.2f}", weight);
  text += '\n';
  const size_t n = weights.labels.size();
  for (size_t from = 0; from < n; ++from) {
    text += "from " + weights.labels[from];
    for (size_t to = 0; to < n; ++to) text += fmt::format("\t{:.2f}", weights.transitions[from * n + to]);
    text += '\n';
  }
  for (const Feature& feature : weights.features) {
    text += feature.name;
    for (const auto& [label, weight] : feature.weights) text += fmt::format("\t{}:{:.2g}", label, weight);
    text += '\n';
  }
  return text;
}

std::vector<Tagger::Tagged> Tagger::Tag(std::span<const uint64_t> features, std::span<const uint32_t> ends,
                                        float sureness) const {
  const size_t n_words = ends.size();
  std::vector<Tagged> tags(n_words);
  if (empty() || n_words == 0) return tags;
  const size_t n = labels_.size();
  std::vector<Row> scores(n_words);   // exp of a word's own weights
  std::vector<Row> forward(n_words);  // scaled to sum 1
  for (size_t i = 0; i < n_words; ++i) {
    Row sum{};
    for (size_t f = i == 0 ? 0 : ends[i - 1]; f < ends[i]; ++f) {
      const auto found = rows_.find(features[f]);
      if (found == rows_.end()) continue;
      const float* row = &weights_[found->second * kMaxLabels];
      for (size_t l = 0; l < kMaxLabels; ++l) sum[l] += row[l];
    }
    const float largest = *std::max_element(sum.begin(), sum.begin() + static_cast<ptrdiff_t>(n));
    for (size_t l = 0; l < n; ++l) scores[i][l] = std::exp(sum[l] - largest);
    for (size_t l = n; l < kMaxLabels; ++l) scores[i][l] = 0;
    for (size_t to = 0; to < n; ++to) {
      float reached = i == 0 ? starts_[to] : 0;
      if (i > 0)
        for (size_t from = 0; from < kMaxLabels; ++from)
          reached += forward[i - 1][from] * moves_[to * kMaxLabels + from];
      forward[i][to] = reached * scores[i][to];
    }
    for (size_t l = n; l < kMaxLabels; ++l) forward[i][l] = 0;
    Scale(forward[i]);
  }
  Row backward{};
  std::fill_n(backward.begin(), n, 1.0F);
  for (size_t i = n_words; i-- > 0;) {
    Row marginal{};
    for (size_t l = 0; l < n; ++l) marginal[l] = forward[i][l] * backward[l];
    Scale(marginal);
    const size_t best = static_cast<size_t>(
        std::max_element(marginal.begin() + 1, marginal.begin() + static_cast<ptrdiff_t>(n)) -
        marginal.begin());
    if (1 - marginal[0] > sureness) {
      tags[i].label = static_cast<uint8_t>(best);
      float kind = 0;
      for (size_t l = 1; l < n; ++l)
        if (labels_[l].kind == labels_[best].kind) kind += marginal[l];
      tags[i].probability = kind;
    } else {
      tags[i].probability = marginal[0];
    }
    Row before{};
    for (size_t to = 0; to < n; ++to) {
      const float through = scores[i][to] * backward[to];
      for (size_t from = 0; from < kMaxLabels; ++from)
        before[from] += moves_[to * kMaxLabels + from] * through;
    }
    Scale(before);
    backward = before;
  }
  return tags;
}

}  // namespace sotto
