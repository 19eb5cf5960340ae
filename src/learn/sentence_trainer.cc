#include "learn/sentence_trainer.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <numeric>

#include "base/check.h"
#include "base/random.h"
#include "text/normalise.h"
#include "text/phrase_list.h"

namespace sotto {
namespace {

std::vector<std::string> WordsOfSentence(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string_view word : SplitWords(text)) {
    if (word.front() == '<' && word.back() == '>') {
      words.emplace_back(word);
    } else {
      for (const NormalisedWord& spoken : NormaliseSpokenWords(word)) words.push_back(spoken.text);
    }
  }
  return words;
}

std::vector<std::string_view> Views(const std::vector<std::string>& words) {
  return {words.begin(), words.end()};
}

// A sentence as the trainer sees it.
struct Sample {
  std::vector<size_t> features;
  size_t label = 0;
};

class Trainer {
 public:
  Trainer(const std::vector<LabelledSentence>& sentences, const SentenceTraining& options)
      : options_(options) {
    std::map<std::string, size_t> labels;
    for (const LabelledSentence& sentence : sentences) labels.emplace(sentence.label, 0);
    for (auto& [name, index] : labels) {
      index = labels_.size();
      labels_.push_back(name);
    }
    SOTTO_CHECK(labels_.size() >= 2, "a classifier needs two labels");
    std::vector<size_t> counts(labels_.size(), 0);
    for (const LabelledSentence& sentence : sentences) {
      Sample sample;
      sample.label = labels.at(sentence.label);
      ++counts[sample.label];
      for (std::string& feature : SentenceFeatures(Views(sentence.words))) {
        const auto [place, added] = index_.emplace(std::move(feature), names_.size());
        if (added) names_.push_back(place->first);
        sample.features.push_back(place->second);
      }
      samples_.push_back(std::move(sample));
    }
    for (const size_t count : counts) {
      scale_.push_back(static_cast<double>(samples_.size()) /
                       static_cast<double>(labels_.size() * std::max<size_t>(count, 1)));
    }
    const size_t n = (names_.size() + 1) * labels_.size();
    weights_.assign(n, 0);
    squares_.assign(n, 1e-6);
  }

  SentenceModel Run() {
    Random random(options_.seed);
    std::vector<size_t> order(samples_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    for (int epoch = 0; epoch < options_.epochs; ++epoch) {
      for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
      for (const size_t i : order) Step(samples_[i]);
    }
    return Export();
  }

 private:
  void Step(const Sample& sample) {
    const size_t n = labels_.size();
    std::vector<double> scores(n);
    for (size_t label = 0; label < n; ++label) {
      scores[label] = weights_[label];
      for (const size_t feature : sample.features) scores[label] += weights_[(feature + 1) * n + label];
    }
    const double top = *std::max_element(scores.begin(), scores.end());
    double sum = 0;
    for (double& score : scores) sum += score = std::exp(score - top);
    for (size_t label = 0; label < n; ++label) {
      const double wanted = label == sample.label ? 1 : 0;
      const double gradient = (scores[label] / sum - wanted) * scale_[sample.label];
      Update(label, gradient, 0);
      for (const size_t feature : sample.features)
        Update((feature + 1) * n + label, gradient, options_.decay);
    }
  }

  void Update(size_t at, double gradient, double decay) {
    const double full = gradient + decay * weights_[at];
    squares_[at] += full * full;
    weights_[at] -= options_.rate * full / std::sqrt(squares_[at]);
  }

  SentenceModel Export() const {
    const size_t n = labels_.size();
    const auto row = [&](size_t at) {
      std::vector<float> values(n);
      double mean = 0;
      for (size_t label = 0; label < n; ++label) mean += weights_[at * n + label] / static_cast<double>(n);
      for (size_t label = 0; label < n; ++label) {
        // As the file has them, so that what was measured is what is used.
        values[label] = static_cast<float>(std::round((weights_[at * n + label] - mean) * 100) / 100);
      }
      return values;
    };
    SentenceModel::Weights kept;
    for (size_t feature = 0; feature < names_.size(); ++feature) {
      std::vector<float> values = row(feature + 1);
      const bool matters = std::any_of(values.begin(), values.end(), [&](float value) {
        return std::abs(static_cast<double>(value)) >= options_.smallest;
      });
      if (matters) kept.emplace(names_[feature], std::move(values));
    }
    return SentenceModel(labels_, row(0), std::move(kept));
  }

  const SentenceTraining options_;
  std::vector<std::string> labels_;
  std::map<std::string, size_t> index_;
  std::vector<std::string> names_;
  std::vector<Sample> samples_;
  std::vector<double> scale_;
  std::vector<double> weights_;
  std::vector<double> squares_;
};

}  // namespace

Result<std::vector<LabelledSentence>> ReadSentences(const std::filesystem::path& path, size_t per_pattern) {
  std::ifstream stream(path);
  if (!stream) return MakeError(ErrorCode::kNotFound, "cannot read {}", path.string());
  std::vector<LabelledSentence> sentences;
  std::string label;
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    if (line.empty() || line.front() == '#') continue;
    if (line.front() == '[' && line.back() == ']' && line.find_first_of("[|(", 1) == std::string::npos) {
      label = line.substr(1, line.size() - 2);
      continue;
    }
    const std::string here = fmt::format("{}:{}", path.string(), number);
    if (label.empty()) return MakeError(ErrorCode::kCorrupt, "{}: a sentence before the first [label]", here);
    auto expanded = ExpandPattern(line, 1000000);
    if (!expanded) return WithContext(expanded.error(), here);
    const size_t n = std::min(per_pattern, expanded->size());
    for (size_t i = 0; i < n; ++i) {
      // Evenly spread, by steps that meet all alternatives of every bracket.
      const size_t at = n == expanded->size() ? i : i * expanded->size() / n + i % (expanded->size() / n);
      LabelledSentence sentence{WordsOfSentence((*expanded)[std::min(at, expanded->size() - 1)]), label};
      if (!sentence.words.empty()) sentences.push_back(std::move(sentence));
    }
  }
  return sentences;
}

std::vector<LabelledSentence> AnswerPhrases(const LanguageData& language) {
  std::vector<LabelledSentence> sentences;
  const auto add = [&](const PhraseList& list, std::string_view label) {
    for (const std::string& text : list.Texts())
      sentences.push_back({WordsOfSentence(text), std::string(label)});
  };
  add(language.yes, "yes");
  for (const PhraseList* list : {&language.wait, &language.drop, &language.questions, &language.later,
                                 &language.no, &language.unsure, &language.change}) {
    add(*list, "other");
  }
  return sentences;
}

SentenceModel TrainSentenceModel(const std::vector<LabelledSentence>& sentences,
                                 const SentenceTraining& options) {
  return Trainer(sentences, options).Run();
}

SentenceScore ScoreSentences(const SentenceModel& model, const std::vector<LabelledSentence>& sentences) {
  SentenceScore score;
  for (const LabelledSentence& sentence : sentences) {
    const std::vector<double> p = model.Score(Views(sentence.words));
    const auto best = std::max_element(p.begin(), p.end());
    const std::string& got = model.labels()[static_cast<size_t>(best - p.begin())];
    ++score.sentences;
    if (got == sentence.label) {
      ++score.right;
      continue;
    }
    score.errors.push_back(
        fmt::format("{}: {}, not {} ({:.2f})", fmt::join(sentence.words, " "), sentence.label, got, *best));
  }
  return score;
}

}  // namespace sotto
