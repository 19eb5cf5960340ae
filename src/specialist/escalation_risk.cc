#include "specialist/escalation_risk.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "base/logistic.h"
#include "base/mapped_file.h"
#include "text/list_file.h"
#include "text/normalise.h"

namespace sotto {
namespace {

constexpr double kFade = 0.6;  // of what was said a turn before
constexpr int kMostFailures = 4;

constexpr std::array<std::string_view, kRiskFeatures> kNames = {"constant",
                                                                "failures in a row",
                                                                "share of turns not understood",
                                                                "silences",
                                                                "no to a read-back or a value refused",
                                                                "actions that failed",
                                                                "tasks given up",
                                                                "length of the call",
                                                                "says the same again",
                                                                "words of annoyance",
                                                                "words of annoyance before",
                                                                "insists",
                                                                "strong words",
                                                                "speaks of leaving"};

std::vector<std::string> SpokenWordsOf(std::string_view text) {
  std::vector<std::string> words;
  for (NormalisedWord& word : NormaliseSpokenWords(text)) words.push_back(std::move(word.text));
  return words;
}

int CountOf(const PhraseList& list, const std::vector<std::string_view>& words) {
  int count = 0;
  for (size_t i = 0; i < words.size();) {
    const size_t n = list.MatchesAt(words, i, i == 0);
    count += n > 0;
    i += std::max<size_t>(n, 1);
  }
  return count;
}

// Share of words that two sentences have in common (Jaccard).
double Overlap(std::string_view a, std::string_view b) {
  const auto words_of = [](std::string_view text) {
    const auto words = SpokenWordsOf(text);
    return std::set<std::string>(words.begin(), words.end());
  };
  const auto first = words_of(a);
  const auto second = words_of(b);
  if (first.size() < 2 || second.size() < 2) return 0;  // "yes" and "yes" is no repetition
  size_t both = 0;
  for (const std::string& word : first) both += second.contains(word);
  return static_cast<double>(both) / static_cast<double>(first.size() + second.size() - both);
}

}  // namespace

const std::array<std::string_view, kRiskFeatures>& RiskFeatureNames() { return kNames; }

Result<RiskWords> RiskWords::Parse(std::string_view text, std::string_view source) {
  RiskWords out;
  const std::map<std::string_view, PhraseList*> lists = {
      {"person", &out.person_},   {"no person", &out.no_person_}, {"negative", &out.negative_},
      {"insists", &out.insists_}, {"strong", &out.strong_},       {"leaves", &out.leaves_}};
  PhraseList* list = nullptr;
  SOTTO_RETURN_IF_ERROR(ReadListFile(text, source,
                                     {[&](std::string_view name) -> Result<void> {
                                        const auto found = lists.find(name);
                                        if (found == lists.end())
                                          return MakeError(ErrorCode::kCorrupt, "no list '{}'", name);
                                        list = found->second;
                                        return {};
                                      },
                                      [&](std::string_view line) { return list->Add(line); }}));
  for (const auto& [name, one] : lists) {
    if (one->empty()) return MakeError(ErrorCode::kCorrupt, "{}: the list '{}' is missing", source, name);
  }
  return out;
}

Result<RiskWords> RiskWords::Read(const std::filesystem::path& path) {
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  return Parse(text, path.string());
}

bool RiskWords::AsksForPerson(std::string_view text) const {
  const std::vector<std::string> spoken = SpokenWordsOf(text);
  const std::vector<std::string_view> words(spoken.begin(), spoken.end());
  return person_.Found(words) && !no_person_.Found(words);
}

RiskWords::Counts RiskWords::Count(std::string_view text) const {
  const std::vector<std::string> spoken = SpokenWordsOf(text);
  const std::vector<std::string_view> words(spoken.begin(), spoken.end());
  return {CountOf(negative_, words), CountOf(insists_, words), CountOf(strong_, words),
          CountOf(leaves_, words)};
}

RiskFeatures ReadRiskFeatures(const RiskWords& words, const CallSoFar& call, std::string_view text) {
  int in_a_row = 0;
  int not_understood = 0;
  int silences = 0;
  int refused = 0;
  int failed = 0;
  int dropped = 0;
  double before = 0;
  double same = 0;
  for (const CallTurn& turn : call.turns) {
    const bool lost = turn.outcome == TurnRecord::Outcome::kNotUnderstood;
    in_a_row = lost ? in_a_row + 1 : turn.outcome == TurnRecord::Outcome::kNoInput ? in_a_row : 0;
    not_understood += lost;
    silences += turn.outcome == TurnRecord::Outcome::kNoInput;
    refused += turn.denials + turn.rejected;
    failed += turn.failed;
    dropped += turn.dropped;
    const RiskWords::Counts counts = words.Count(turn.text);
    before = before * kFade + counts.negative + counts.strong + counts.leaves;
    same = std::max(same, Overlap(turn.text, text));
  }
  const RiskWords::Counts now = words.Count(text);
  const double n_turns = static_cast<double>(call.turns.size());
  return {1,
          static_cast<double>(std::min(in_a_row, kMostFailures)),
          n_turns == 0 ? 0 : not_understood / n_turns,
          std::log1p(silences),
          std::log1p(refused),
          std::log1p(failed),
          std::log1p(dropped),
          std::log1p(n_turns),
          same,
          std::log1p(now.negative),
          std::log1p(before),
          std::log1p(now.insists),
          std::log1p(now.strong),
          std::log1p(now.leaves)};
}

double RiskModel::Risk(const RiskFeatures& features) const {
  return Sigmoid(std::inner_product(weights.begin(), weights.end(), features.begin(), 0.0));
}

std::vector<std::string_view> RiskModel::Reasons(const RiskFeatures& features, size_t most) const {
  std::vector<size_t> order;
  for (size_t i = 1; i < kRiskFeatures; ++i) {
    if (weights[i] * features[i] > 0.1) order.push_back(i);
  }
  std::ranges::sort(order, std::greater<>(), [&](size_t i) { return weights[i] * features[i]; });
  std::vector<std::string_view> reasons;
  for (const size_t i : order) {
    if (reasons.size() < most) reasons.push_back(kNames[i]);
  }
  return reasons;
}

std::string RiskModel::ToText() const {
  std::string text;
  for (size_t i = 0; i < kRiskFeatures; ++i) text += fmt::format("{}\t{:.6g}\n", kNames[i], weights[i]);
  return text;
}

Result<RiskModel> RiskModel::Read(const std::filesystem::path& path) {
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  RiskModel model;
  size_t line = 0;
  for (size_t begin = 0; begin < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view one = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    const size_t tab = one.find('\t');
    double weight = 0;
    const bool number =
        tab != std::string_view::npos &&
        std::from_chars(one.data() + tab + 1, one.data() + one.size(), weight).ptr == one.data() + one.size();
    if (line >= kRiskFeatures || !number || one.substr(0, tab) != kNames[line] || !std::isfinite(weight)) {
      return MakeError(ErrorCode::kCorrupt, "{}:{}: is not the weight of '{}'", path.string(), line + 1,
                       line < kRiskFeatures ? kNames[line] : "nothing more");
    }
    model.weights[line] = weight;
  }
  if (line != kRiskFeatures)
    return MakeError(ErrorCode::kCorrupt, "{}: has {} weights, not {}", path.string(), line, kRiskFeatures);
  return model;
}

double AreaUnderRoc(const std::vector<std::pair<double, bool>>& scored) {
  std::vector<std::pair<double, bool>> sorted = scored;
  std::ranges::sort(sorted);
  double positives = 0;
  double negatives = 0;
  double rank_sum = 0;
  for (size_t i = 0; i < sorted.size();) {
    size_t end = i;
    while (end < sorted.size() && sorted[end].first == sorted[i].first) ++end;
    const double rank = (static_cast<double>(i + 1) + static_cast<double>(end)) / 2;  // ties share one
    for (; i < end; ++i) {
      (sorted[i].second ? positives : negatives) += 1;
      if (sorted[i].second) rank_sum += rank;
    }
  }
  if (positives == 0 || negatives == 0) return -1;
  return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives);
}

}  // namespace sotto
