#include "specialist/extractive.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

#include "text/normalise.h"

namespace sotto {
namespace {

constexpr size_t kMostSentences = 400;
constexpr double kDamping = 0.85;
constexpr double kAlike = 0.05;  // cosine below it counts as none
constexpr int kRounds = 50;
constexpr size_t kShortest = 2;  // words

bool EndsSentence(std::string_view text, size_t i) {
  const char c = text[i];
  if (c == '\n') return i + 1 < text.size() && text[i + 1] == '\n';
  if (c != '.' && c != '!' && c != '?') return false;
  if (i + 1 < text.size() && text[i + 1] != ' ' && text[i + 1] != '\n') return false;
  // "Mr. Smith", "e.g. this": one or two letters before the point.
  if (c == '.') {
    size_t begin = i;
    while (begin > 0 && text[begin - 1] != ' ' && text[begin - 1] != '\n') --begin;
    const std::string_view word = text.substr(begin, i - begin);
    const bool name = !word.empty() && word[0] >= 'A' && word[0] <= 'Z';
    if (word.find('.') != std::string_view::npos || (name && word.size() <= 2) || word == "Mrs" ||
        word == "St")
      return false;
  }
  return true;
}

std::vector<ExtractedSentence> SplitSentences(std::string_view text) {
  std::vector<ExtractedSentence> out;
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && !EndsSentence(text, i)) continue;
    size_t end = std::min(i + 1, text.size());
    while (begin < end && (text[begin] == ' ' || text[begin] == '\n')) ++begin;
    size_t last = end;
    while (last > begin && (text[last - 1] == ' ' || text[last - 1] == '\n')) --last;
    if (last > begin && SplitWords(text.substr(begin, last - begin)).size() >= kShortest)
      out.push_back({std::string(text.substr(begin, last - begin)), begin, last, 0});
    begin = end;
    if (out.size() == kMostSentences) break;
  }
  return out;
}

using Weights = std::unordered_map<std::string, double>;

std::vector<Weights> WeighWords(const std::vector<ExtractedSentence>& sentences) {
  std::vector<Weights> weights(sentences.size());
  std::unordered_map<std::string, double> in_sentences;
  for (size_t i = 0; i < sentences.size(); ++i) {
    for (NormalisedWord& word : NormaliseSpokenWords(sentences[i].text)) weights[i][word.text] += 1;
    for (const auto& [word, count] : weights[i]) in_sentences[word] += 1;
  }
  const auto n = static_cast<double>(sentences.size());
  for (Weights& one : weights) {
    double squares = 0;
    for (auto& [word, weight] : one) {
      weight = (1 + std::log(weight)) * std::log(1 + n / in_sentences[word]);
      squares += weight * weight;
    }
    for (auto& [word, weight] : one) weight /= std::sqrt(std::max(squares, 1e-12));
  }
  return weights;
}

double Product(const Weights& a, const Weights& b) {
  const Weights& fewer = a.size() < b.size() ? a : b;
  const Weights& more = a.size() < b.size() ? b : a;
  double sum = 0;
  for (const auto& [word, weight] : fewer) {
    if (const auto found = more.find(word); found != more.end()) sum += weight * found->second;
  }
  return sum;
}

}  // namespace

std::vector<ExtractedSentence> RankSentences(std::string_view text) {
  std::vector<ExtractedSentence> sentences = SplitSentences(text);
  const size_t n = sentences.size();
  if (n == 0) return sentences;
  const std::vector<Weights> words = WeighWords(sentences);
  std::vector<double> alike(n * n, 0);
  for (size_t i = 0; i < n; ++i) {
    double sum = 0;
    for (size_t j = 0; j < n; ++j) {
      const double cosine = i == j ? 1 : Product(words[i], words[j]);
      alike[i * n + j] = cosine < kAlike ? 0 : cosine;
      sum += alike[i * n + j];
    }
    for (size_t j = 0; j < n; ++j) alike[i * n + j] /= sum;
  }
  std::vector<double> rank(n, 1.0 / static_cast<double>(n));
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> next(n, (1 - kDamping) / static_cast<double>(n));
    for (size_t i = 0; i < n; ++i)
      for (size_t j = 0; j < n; ++j) next[j] += kDamping * rank[i] * alike[i * n + j];
    rank = std::move(next);
  }
  for (size_t i = 0; i < n; ++i) sentences[i].score = rank[i];
  return sentences;
}

std::vector<ExtractedSentence> ExtractSentences(std::string_view text, size_t most) {
  std::vector<ExtractedSentence> sentences = RankSentences(text);
  if (sentences.size() <= most) return sentences;
  std::vector<double> scores;
  for (const ExtractedSentence& one : sentences) scores.push_back(one.score);
  std::ranges::nth_element(scores, scores.begin() + static_cast<std::ptrdiff_t>(most), std::greater<>());
  const double least = scores[most];
  std::vector<ExtractedSentence> best;
  for (ExtractedSentence& one : sentences) {
    if (one.score > least && best.size() < most) best.push_back(std::move(one));
  }
  // Equal scores at the bound: the earlier ones.
  for (size_t i = 0; best.size() < most && i < sentences.size(); ++i) {
    if (!sentences[i].text.empty() && sentences[i].score == least) best.push_back(std::move(sentences[i]));
  }
  std::ranges::sort(best, {}, &ExtractedSentence::begin);
  return best;
}

}  // namespace sotto
