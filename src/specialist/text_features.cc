#include "specialist/text_features.h"

#include <algorithm>
#include <cmath>

#include "base/hash.h"
#include "text/normalise.h"

namespace sotto {
namespace {

constexpr size_t kMaxTextBytes = size_t{1} << 16;

uint32_t Folded(uint64_t hash) { return static_cast<uint32_t>(hash ^ hash >> 32); }

// Where the code points of a word begin, and its end.
std::vector<size_t> CodePointBegins(std::string_view word) {
  std::vector<size_t> begins;
  for (size_t i = 0; i < word.size(); ++i) {
    if ((static_cast<unsigned char>(word[i]) & 0xC0) != 0x80) begins.push_back(i);
  }
  begins.push_back(word.size());
  return begins;
}

void CountLetters(std::string_view word, const FeatureOptions& options,
                  std::unordered_map<uint32_t, int>& counts) {
  const std::string padded = " " + std::string(word) + " ";
  const std::vector<size_t> begins = CodePointBegins(padded);
  const size_t n = begins.size() - 1;
  const auto longest = static_cast<size_t>(options.letters_max);
  for (auto length = static_cast<size_t>(options.letters_min); length <= longest; ++length) {
    if (length > n) break;
    for (size_t i = 0; i + length <= n; ++i) {
      const std::string_view run = std::string_view(padded).substr(begins[i], begins[i + length] - begins[i]);
      ++counts[Folded(Fnv1a(run, Fnv1a("c")))];
    }
  }
}

// Appends the known features of a group, scaled to length `weight`.
void AddGroup(const std::unordered_map<uint32_t, int>& counts, float weight,
              const std::unordered_map<uint32_t, uint32_t>& index, std::span<const float> idfs,
              std::vector<std::pair<uint32_t, float>>& out) {
  const size_t first = out.size();
  double square = 0;
  for (const auto& [hash, count] : counts) {
    const auto found = index.find(hash);
    if (found == index.end()) continue;
    const float value = (1.0f + std::log(static_cast<float>(count))) * idfs[found->second];
    square += static_cast<double>(value) * static_cast<double>(value);
    out.emplace_back(found->second, value);
  }
  if (square <= 0) return;
  const auto scale = static_cast<float>(static_cast<double>(weight) / std::sqrt(square));
  for (size_t i = first; i < out.size(); ++i) out[i].second *= scale;
}

}  // namespace

CountedFeatures CountFeatures(std::string_view text, const FeatureOptions& options) {
  CountedFeatures counted;
  const std::vector<NormalisedWord> words = NormaliseSpokenWords(text, kMaxTextBytes);
  for (size_t i = 0; i < words.size(); ++i) {
    uint64_t hash = Fnv1a("w");
    for (size_t n = 0; n < static_cast<size_t>(std::max(options.words, 0)) && i + n < words.size(); ++n) {
      hash = Fnv1a(words[i + n].text, Fnv1a(" ", hash));
      ++counted.words[Folded(hash)];
    }
    if (options.letters_max > 0) CountLetters(words[i].text, options, counted.letters);
  }
  return counted;
}

TextFeatures TextFeatures::Fit(std::span<const std::string> texts, const FeatureOptions& options) {
  std::unordered_map<uint32_t, int> n_texts;
  for (const std::string& text : texts) {
    const CountedFeatures counted = CountFeatures(text, options);
    for (const auto* group : {&counted.words, &counted.letters}) {
      for (const auto& [hash, count] : *group) ++n_texts[hash];
    }
  }
  TextFeatures features;
  features.options_ = options;
  for (const auto& [hash, n] : n_texts) {
    if (n >= options.least_texts) features.hashes_.push_back(hash);
  }
  if (const auto most = static_cast<size_t>(options.most); features.hashes_.size() > most) {
    std::ranges::sort(features.hashes_, [&n_texts](uint32_t a, uint32_t b) {
      const int n_a = n_texts.at(a), n_b = n_texts.at(b);
      return n_a != n_b ? n_a > n_b : a < b;
    });
    features.hashes_.resize(most);
  }
  std::ranges::sort(features.hashes_);
  const auto n_all = static_cast<float>(texts.size());
  for (size_t i = 0; i < features.hashes_.size(); ++i) {
    const uint32_t hash = features.hashes_[i];
    features.idfs_.push_back(std::log((1 + n_all) / (1 + static_cast<float>(n_texts.at(hash)))) + 1);
    features.index_.emplace(hash, static_cast<uint32_t>(i));
  }
  return features;
}

Result<TextFeatures> TextFeatures::FromParts(const FeatureOptions& options, std::vector<uint32_t> hashes,
                                             std::vector<float> idfs) {
  if (hashes.size() != idfs.size() ||
      std::ranges::adjacent_find(hashes, std::ranges::greater_equal()) != hashes.end() ||
      !std::ranges::all_of(idfs, [](float idf) { return std::isfinite(idf); })) {
    return MakeError(ErrorCode::kCorrupt, "the features of a classifier do not fit each other");
  }
  TextFeatures features;
  features.options_ = options;
  features.hashes_ = std::move(hashes);
  features.idfs_ = std::move(idfs);
  for (size_t i = 0; i < features.hashes_.size(); ++i)
    features.index_.emplace(features.hashes_[i], static_cast<uint32_t>(i));
  return features;
}

SparseVector TextFeatures::Transform(std::string_view text) const {
  const CountedFeatures counted = CountFeatures(text, options_);
  std::vector<std::pair<uint32_t, float>> found;
  AddGroup(counted.words, 1.0f, index_, idfs_, found);
  AddGroup(counted.letters, options_.letters_weight, index_, idfs_, found);
  std::ranges::sort(found);
  SparseVector out;
  for (const auto& [index, value] : found) {
    if (!out.indices.empty() && out.indices.back() == index) {
      out.values.back() += value;  // a word and a run of letters of one hash
    } else {
      out.indices.push_back(index);
      out.values.push_back(value);
    }
  }
  return out;
}

}  // namespace sotto
