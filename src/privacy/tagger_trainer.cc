#include "privacy/tagger_trainer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <unordered_map>

#include "privacy/tagger_features.h"

namespace sotto {
namespace {

constexpr PersonalKind kTagged[] = {
    PersonalKind::kName,        PersonalKind::kAddress,      PersonalKind::kPostcode,
    PersonalKind::kPlace,       PersonalKind::kOrganisation, PersonalKind::kTitle,
    PersonalKind::kNationality, PersonalKind::kAge,          PersonalKind::kDate};
constexpr size_t kLabels = 1 + 2 * std::size(kTagged);
constexpr size_t kOutside = 0;

struct Example {
  std::vector<uint32_t> features;  // of all words
  std::vector<uint32_t> ends;
  std::vector<uint8_t> labels;
};

std::vector<std::string> LabelNames() {
  std::vector<std::string> names{"O"};
  for (const PersonalKind kind : kTagged) {
    names.push_back(fmt::format("B-{}", KindName(kind)));
    names.push_back(fmt::format("I-{}", KindName(kind)));
  }
  return names;
}

// The label of each word of `text`.
std::vector<uint8_t> LabelsOf(const TextWords& words, const std::vector<PersonalSpan>& spans) {
  std::vector<uint8_t> labels(words.size(), kOutside);
  for (const PersonalSpan& span : spans) {
    const auto* found = std::find(std::begin(kTagged), std::end(kTagged),
                                  span.kind == PersonalKind::kBirthDate ? PersonalKind::kDate : span.kind);
    if (found == std::end(kTagged)) continue;
    const auto base = static_cast<uint8_t>(1 + 2 * (found - std::begin(kTagged)));
    bool first = true;
    for (size_t i = 0; i < words.size(); ++i) {
      if (words[i].begin >= span.end || words[i].end <= span.begin) continue;
      labels[i] = static_cast<uint8_t>(base + (first ? 0 : 1));
      first = false;
    }
  }
  return labels;
}

// Lower case, punctuation as blanks; the spans move with their words.
MarkedExample AsSpoken(const MarkedExample& from) {
  const TextWords words(from.text);
  MarkedExample spoken;
  size_t span = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0 && !words.Glued(i)) spoken.text += ' ';
    while (span < from.spans.size() && from.spans[span].end <= words[i].begin) ++span;
    const size_t begin = spoken.text.size();
    spoken.text += words.Lower(i);
    if (span >= from.spans.size() || from.spans[span].begin >= words[i].end) continue;
    if (spoken.spans.empty() || spoken.spans.back().confidence != static_cast<float>(span + 1)) {
      spoken.spans.push_back(from.spans[span]);
      spoken.spans.back().begin = begin;
      spoken.spans.back().confidence = static_cast<float>(span + 1);  // which of them, while they are made
    }
    spoken.spans.back().end = spoken.text.size();
  }
  for (PersonalSpan& one : spoken.spans) one.confidence = 0;
  return spoken;
}

std::string Capital(std::string_view word) {
  std::string out(word);
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 32);
  return out;
}

class Varier {
 public:
  Varier(const std::vector<MarkedExample>& marked, const NameLists& names, uint64_t seed)
      : names_(names), random_(seed) {
    for (const MarkedExample& text : marked)
      for (const PersonalSpan& span : text.spans)
        values_[span.kind].push_back(text.text.substr(span.begin, span.end - span.begin));
  }

  MarkedExample Vary(const MarkedExample& from) {
    MarkedExample varied;
    size_t at = 0;
    for (const PersonalSpan& span : from.spans) {
      varied.text += from.text.substr(at, span.begin - at);
      const std::string old = from.text.substr(span.begin, span.end - span.begin);
      const std::string value = random_.Chance(.8) ? Value(span.kind, old) : old;
      PersonalSpan moved = span;
      moved.begin = varied.text.size();
      varied.text += value;
      moved.end = varied.text.size();
      varied.spans.push_back(moved);
      at = span.end;
    }
    varied.text += from.text.substr(at);
    return varied;
  }

  Random& random() { return random_; }

 private:
  std::string Value(PersonalKind kind, const std::string& old) {
    if (kind == PersonalKind::kName && !names_.first.empty() && !names_.last.empty()) {
      // As many words as before: a first name stays one.
      const auto words = std::count(old.begin(), old.end(), ' ');
      const std::string first = Capital(random_.Pick(names_.first));
      const std::string last = Capital(random_.Pick(names_.last));
      if (words == 0) return random_.Chance(.7) ? first : last;
      if (words == 1) return first + " " + last;
      return fmt::format("{} {}. {}", first, static_cast<char>('A' + random_.Below(26)), last);
    }
    const auto& all = values_[kind];
    if (kind == PersonalKind::kOrganisation && random_.Chance(.5)) return Organisation();
    if (kind == PersonalKind::kPlace && random_.Chance(.4)) return Place();
    if (kind == PersonalKind::kTitle && !names_.jobs.empty() && old.back() != '.' && random_.Chance(.5))
      return Capital(random_.Pick(names_.jobs));
    if (kind != PersonalKind::kAddress) return random_.Pick(all);
    // A number stays a number, a line of several words one of several.
    for (int tries = 0; tries < 8; ++tries) {
      const std::string& other = random_.Pick(all);
      if ((other.find(' ') == std::string::npos) == (old.find(' ') == std::string::npos)) return other;
    }
    return old;
  }

  // Firms are called after people, after what they are, or after nothing.
  std::string Organisation() {
    static constexpr std::string_view kEndings[] = {"Inc",   "Inc.",     "Ltd",      "LLC",
                                                    "Group", "PLC",      "and Sons", "Partners",
                                                    "Bank",  "Holdings", "Systems",  "Media"};
    if (names_.last.empty()) return random_.Pick(values_[PersonalKind::kOrganisation]);
    const std::string last = Capital(random_.Pick(names_.last));
    switch (random_.Below(4)) {
      case 0:
        return fmt::format("{}-{}", last, Capital(random_.Pick(names_.last)));
      case 1:
        return fmt::format("{}, {} and {}", last, Capital(random_.Pick(names_.last)),
                           Capital(random_.Pick(names_.last)));
      case 2:
        return fmt::format("{} {}", last, random_.Pick(kEndings));
      default:
        return Invented();
    }
  }

  // A word that stands in no list: what is left is where it stands.
  std::string Invented() {
    static constexpr std::string_view kParts[] = {
        "al", "be",  "cor", "da", "en", "fi", "go",  "hu", "in", "jo", "ka", "lo",  "mer", "no", "or",
        "pa", "qui", "ra",  "so", "tu", "un", "ver", "wi", "xa", "yo", "za", "lex", "ton", "ly", "dia"};
    std::string word;
    for (size_t n = 2 + random_.Below(3); n > 0; --n) word += random_.Pick(kParts);
    return Capital(word);
  }

  std::string Place() {
    static constexpr std::string_view kEndings[] = {"",    "",     "ville",  "burg", "stad",
                                                    "ton", "berg", "hausen", "by",   "o"};
    if (!names_.countries.empty() && random_.Chance(.4)) {
      std::string country = random_.Pick(names_.countries);
      for (size_t i = 0; i < country.size(); ++i)
        if ((i == 0 || country[i - 1] == ' ') && country[i] >= 'a' && country[i] <= 'z')
          country[i] = static_cast<char>(country[i] - 32);
      return country;
    }
    return Invented() + std::string(random_.Pick(kEndings));
  }

  const NameLists& names_;
  Random random_;
  std::map<PersonalKind, std::vector<std::string>> values_;
};

using Row = std::array<float, Tagger::kMaxLabels>;

// Weights, their squared gradients, and one step a sentence.
class Crf {
 public:
  Crf(size_t n_features, const TaggerTraining& options) : options_(options) {
    weights_.assign((n_features + kLabels + 1) * kLabels, 0);
    squares_.assign(weights_.size(), 1e-6F);
    moves_ = n_features * kLabels;
    starts_ = (n_features + kLabels) * kLabels;
  }

  void Step(const Example& example) {
    const size_t n = example.labels.size();
    if (n == 0) return;
    std::vector<Row> scores(n);
    std::vector<Row> alpha(n);
    std::vector<Row> beta(n);
    Score(example, scores);
    std::array<float, kLabels * kLabels> move;
    for (size_t m = 0; m < move.size(); ++m) move[m] = std::exp(weights_[moves_ + m]);
    for (size_t i = 0; i < n; ++i) {
      for (size_t to = 0; to < kLabels; ++to) {
        float sum = i == 0 ? std::exp(weights_[starts_ + to]) : 0;
        if (i > 0)
          for (size_t from = 0; from < kLabels; ++from) sum += alpha[i - 1][from] * move[from * kLabels + to];
        alpha[i][to] = sum * scores[i][to];
      }
      Normalise(alpha[i]);
    }
    beta[n - 1].fill(1);
    for (size_t i = n - 1; i-- > 0;) {
      for (size_t from = 0; from < kLabels; ++from) {
        float sum = 0;
        for (size_t to = 0; to < kLabels; ++to)
          sum += move[from * kLabels + to] * scores[i + 1][to] * beta[i + 1][to];
        beta[i][from] = sum;
      }
      Normalise(beta[i]);
    }
    UpdateWords(example, alpha, beta);
    UpdateMoves(example, alpha, beta, scores, move);
  }

  // Weights of features below `smallest` become 0 and stay so: what is trained on makes up for them.
  void Drop(float smallest) {
    for (size_t w = 0; w < moves_; ++w) {
      if (std::abs(weights_[w]) >= smallest) continue;
      weights_[w] = 0;
      squares_[w] = std::numeric_limits<float>::infinity();
    }
  }

  float At(size_t feature, size_t label) const { return weights_[feature * kLabels + label]; }
  float Move(size_t from, size_t to) const { return weights_[moves_ + from * kLabels + to]; }
  float Start(size_t label) const { return weights_[starts_ + label]; }

 private:
  static void Normalise(Row& row) {
    float sum = 0;
    for (size_t l = 0; l < kLabels; ++l) sum += row[l];
    for (size_t l = 0; l < kLabels; ++l) row[l] /= sum;
  }

  void Score(const Example& example, std::vector<Row>& scores) const {
    size_t f = 0;
    for (size_t i = 0; i < scores.size(); ++i) {
      Row& row = scores[i];
      row.fill(0);
      for (; f < example.ends[i]; ++f)
        for (size_t l = 0; l < kLabels; ++l) row[l] += weights_[example.features[f] * kLabels + l];
      const float most = *std::max_element(row.begin(), row.begin() + kLabels);
      for (size_t l = 0; l < kLabels; ++l) row[l] = std::max(std::exp(row[l] - most), 1e-30F);
    }
  }

  void Move(size_t weight, float gradient) {
    float& w = weights_[weight];
    gradient += static_cast<float>(options_.decay) * w;
    squares_[weight] += gradient * gradient;
    w -= static_cast<float>(options_.rate) * gradient / std::sqrt(squares_[weight]);
  }

  void UpdateWords(const Example& example, const std::vector<Row>& alpha, const std::vector<Row>& beta) {
    size_t f = 0;
    for (size_t i = 0; i < alpha.size(); ++i) {
      Row marginal{};
      for (size_t l = 0; l < kLabels; ++l) marginal[l] = alpha[i][l] * beta[i][l];
      Normalise(marginal);
      marginal[example.labels[i]] -= 1;
      if (i == 0)
        for (size_t l = 0; l < kLabels; ++l) Move(starts_ + l, marginal[l]);
      for (; f < example.ends[i]; ++f)
        for (size_t l = 0; l < kLabels; ++l)
          if (std::abs(marginal[l]) > 1e-4F) Move(example.features[f] * kLabels + l, marginal[l]);
    }
  }

  void UpdateMoves(const Example& example, const std::vector<Row>& alpha, const std::vector<Row>& beta,
                   const std::vector<Row>& scores, const std::array<float, kLabels * kLabels>& move) {
    std::array<float, kLabels * kLabels> expected{};
    std::array<float, kLabels * kLabels> pair;
    for (size_t i = 1; i < alpha.size(); ++i) {
      float sum = 0;
      for (size_t from = 0; from < kLabels; ++from)
        for (size_t to = 0; to < kLabels; ++to) {
          const size_t m = from * kLabels + to;
          pair[m] = alpha[i - 1][from] * move[m] * scores[i][to] * beta[i][to];
          sum += pair[m];
        }
      for (size_t m = 0; m < pair.size(); ++m) expected[m] += pair[m] / sum;
      expected[example.labels[i - 1] * kLabels + example.labels[i]] -= 1;
    }
    for (size_t m = 0; m < expected.size(); ++m)
      if (std::abs(expected[m]) > 1e-4F) Move(moves_ + m, expected[m]);
  }

  const TaggerTraining options_;
  std::vector<float> weights_;  // [feature][label], then the transitions, then the starts
  std::vector<float> squares_;
  size_t moves_ = 0;
  size_t starts_ = 0;
};

// Features seen often enough, by number.
class FeatureTable {
 public:
  explicit FeatureTable(int min_count) : min_count_(min_count) {}

  void Count(const TaggerFeatures& features) {
    for (size_t f = 0; f < features.hashes.size(); ++f) {
      auto [found, fresh] = counts_.try_emplace(features.hashes[f], 0);
      if (++found->second != min_count_) continue;
      ids_.emplace(features.hashes[f], static_cast<uint32_t>(names_.size()));
      names_.push_back(features.names[f]);
    }
  }

  Example ExampleOf(const TaggerFeatures& features, std::vector<uint8_t> labels) const {
    Example example;
    example.labels = std::move(labels);
    size_t f = 0;
    for (const uint32_t end : features.ends) {
      for (; f < end; ++f)
        if (const auto found = ids_.find(features.hashes[f]); found != ids_.end())
          example.features.push_back(found->second);
      example.ends.push_back(static_cast<uint32_t>(example.features.size()));
    }
    return example;
  }

  const std::vector<std::string>& names() const { return names_; }

 private:
  const int min_count_;
  std::unordered_map<uint64_t, int> counts_;
  std::unordered_map<uint64_t, uint32_t> ids_;
  std::vector<std::string> names_;
};

Tagger::Weights WeightsOf(const Crf& crf, const std::vector<std::string>& names, double smallest) {
  Tagger::Weights weights;
  weights.labels = LabelNames();
  for (size_t from = 0; from < kLabels; ++from) {
    weights.starts.push_back(crf.Start(from));
    for (size_t to = 0; to < kLabels; ++to) weights.transitions.push_back(crf.Move(from, to));
  }
  for (size_t f = 0; f < names.size(); ++f) {
    Tagger::Feature feature{names[f], {}};
    for (size_t l = 0; l < kLabels; ++l)
      if (std::abs(crf.At(f, l)) >= static_cast<float>(smallest) / 4)
        feature.weights.emplace_back(static_cast<uint8_t>(l), crf.At(f, l));
    if (!feature.weights.empty()) weights.features.push_back(std::move(feature));
  }
  std::sort(weights.features.begin(), weights.features.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return weights;
}

}  // namespace

KindSet TaggedKinds() {
  KindSet kinds;
  for (const PersonalKind kind : kTagged) kinds.Add(kind);
  return kinds;
}

std::vector<MarkedExample> WithVariants(const std::vector<MarkedExample>& marked, const NameLists& names,
                                        const TaggerTraining& options) {
  Varier varier(marked, names, options.seed);
  std::vector<MarkedExample> all;
  for (const MarkedExample& text : marked) {
    all.push_back(text);
    for (int v = 0; v < options.variants; ++v) {
      MarkedExample varied = varier.Vary(text);
      all.push_back(varier.random().Chance(.4) ? AsSpoken(varied) : std::move(varied));
    }
  }
  return all;
}

Tagger::Weights TrainTagger(const PrivacyLanguage& language, const std::vector<MarkedExample>& marked,
                            const std::vector<std::string>& plain, const TaggerTraining& options,
                            const std::function<void(size_t, size_t)>& progress) {
  std::vector<MarkedExample> texts = marked;
  for (const std::string& text : plain) texts.push_back({text, {}, {}});
  FeatureTable table(options.min_count);
  for (const MarkedExample& text : texts)
    table.Count(ReadTaggerFeatures(MarkedText(language, text.text), true));
  std::vector<Example> examples;
  for (const MarkedExample& text : texts) {
    const MarkedText words(language, text.text);
    examples.push_back(table.ExampleOf(ReadTaggerFeatures(words), LabelsOf(words.words(), text.spans)));
  }
  Crf crf(table.names().size(), options);
  Random random(options.seed);
  std::vector<size_t> order(examples.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const size_t total = order.size() * static_cast<size_t>(options.epochs);
  size_t done = 0;
  for (int epoch = 0; epoch < options.epochs; ++epoch) {
    for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
    if (epoch == options.epochs / 2) crf.Drop(static_cast<float>(options.smallest));
    for (const size_t which : order) {
      crf.Step(examples[which]);
      if (++done % 500 == 0 || done == total) progress(done, total);
    }
  }
  return WeightsOf(crf, table.names(), options.smallest);
}

}  // namespace sotto
