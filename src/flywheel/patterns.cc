#include "flywheel/patterns.h"

#include <algorithm>

#include "flywheel/patterns_cluster.h"
#include "flywheel/patterns_struggle.h"
#include "text/normalise.h"

namespace sotto {
namespace {

constexpr size_t kMoreExamples = 3;
constexpr size_t kNarrowTexts = 60;  // of a cluster that are compared

// A turn as clusters count it.
struct SaidTurn {
  std::string words;  // spoken form
  std::string said;   // as it stands in the log
  std::string tool;   // of what was understood; empty: nothing
  bool again = false;
  bool handed_off = false;
  double cost = 0;
};

struct TextGroup {
  std::map<std::string, size_t> texts;      // words -> how often
  std::map<std::string, std::string> said;  // the same words as somebody said them
  size_t count = 0;
  size_t handoffs = 0;
  size_t again = 0;
  double cost = 0;

  void Add(const SaidTurn& turn) {
    ++texts[turn.words];
    said.try_emplace(turn.words, turn.said);
    ++count;
    handoffs += turn.handed_off ? 1 : 0;
    again += turn.again ? 1 : 0;
    cost += turn.cost;
  }
  // The most frequent first.
  std::vector<std::pair<std::string, size_t>> Ordered() const {
    std::vector<std::pair<std::string, size_t>> ordered(texts.begin(), texts.end());
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    return ordered;
  }
};

RequestCluster ClusterOf(std::string name, const TextGroup& group, size_t all,
                         const SentenceEncoder* encoder) {
  RequestCluster cluster;
  cluster.name = std::move(name);
  cluster.count = group.count;
  cluster.share = all == 0 ? 0 : static_cast<double>(group.count) / static_cast<double>(all);
  cluster.handoffs = group.handoffs;
  cluster.again = group.again;
  cluster.cost = group.cost;
  const auto ordered = group.Ordered();
  cluster.example = group.said.at(ordered.front().first);
  for (size_t i = 1; i < std::min(ordered.size(), kMoreExamples + 1); ++i)
    cluster.more.push_back(group.said.at(ordered[i].first));
  std::vector<std::string> texts;
  for (size_t i = 0; i < std::min(ordered.size(), kNarrowTexts); ++i) texts.push_back(ordered[i].first);
  const TextSpace space(texts, encoder);
  double sum = 0, pairs = 0;
  for (size_t a = 0; a < texts.size(); ++a) {
    for (size_t b = a; b < texts.size(); ++b) {
      // The same text said twice is a pair too.
      const auto weight =
          static_cast<double>(ordered[a].second) *
          (a == b ? static_cast<double>(ordered[a].second - 1) / 2 : static_cast<double>(ordered[b].second));
      sum += weight * (a == b ? 1 : space.Similarity(a, b));
      pairs += weight;
    }
  }
  cluster.narrowness = pairs == 0 ? 1 : sum / pairs;
  return cluster;
}

class PatternFinder {
 public:
  PatternFinder(const LogView& log, const Workflow& workflow, const PatternOptions& options)
      : log_(log), workflow_(workflow), options_(options) {}

  Patterns Run() {
    for (const auto& session : log_.sessions) Session(session);
    Patterns patterns;
    patterns.with_encoder = options_.encoder != nullptr;
    std::vector<std::pair<std::string, const TextGroup*>> groups;
    for (const auto& [skeleton, group] : understood_)
      if (group.count >= options_.least) groups.emplace_back(skeleton, &group);
    std::stable_sort(groups.begin(), groups.end(),
                     [](const auto& a, const auto& b) { return a.second->count > b.second->count; });
    if (groups.size() > options_.most_clusters) groups.resize(options_.most_clusters);
    for (const auto& [skeleton, group] : groups)
      patterns.requests.push_back(ClusterOf(skeleton, *group, turns_, options_.encoder));
    patterns.unmet = Unmet();
    patterns.struggles = FindStruggles(log_);
    return patterns;
  }

 private:
  static void Sort(std::vector<RequestCluster>& clusters) {
    std::stable_sort(clusters.begin(), clusters.end(),
                     [](const RequestCluster& a, const RequestCluster& b) { return a.count > b.count; });
  }

  void Session(const std::vector<StoredTurn>& session) {
    const bool handed_off = std::any_of(session.begin(), session.end(), [](const StoredTurn& turn) {
      return turn.record.outcome == TurnRecord::Outcome::kEscalated;
    });
    for (size_t i = 0; i < session.size(); ++i) {
      const TurnRecord& record = session[i].record;
      if (!HasWords(record)) continue;
      ++turns_;
      SaidTurn turn;
      turn.said = WordsOf(record);
      turn.words = NormaliseSpoken(turn.said);
      if (turn.words.empty()) continue;
      turn.handed_off = handed_off;
      turn.cost = CostOf(record);
      turn.again = i + 1 < session.size() && record.expectation.kind != Expectation::Kind::kNone &&
                   session[i + 1].record.expectation == record.expectation;
      const std::vector<ToolCall> calls = CallsOf(record);
      const bool refused = std::any_of(record.events.begin(), record.events.end(),
                                       [](const Json& event) { return EventOf(event).type == "not_taken"; });
      const bool lost = NotUnderstood(record, workflow_.unclear_tool) || refused ||
                        record.outcome == TurnRecord::Outcome::kEscalated;
      if (lost) {
        unmet_.Add(turn);
        unmet_turns_[turn.words].push_back(turn);
      } else if (record.expectation.kind == Expectation::Kind::kNone && !IsControlTool(calls.front().name)) {
        understood_[SkeletonOf(calls)].Add(turn);
        ++by_tool_[calls.front().name][turn.words];
      }
    }
  }

  std::vector<RequestCluster> Unmet() const {
    std::vector<RequestCluster> clusters;
    auto ordered = unmet_.Ordered();
    if (ordered.size() > options_.most_texts) ordered.resize(options_.most_texts);
    if (ordered.empty()) return clusters;
    // One space for what was and was not understood: which tool's words are near.
    std::vector<std::string> texts;
    std::vector<double> weights;
    for (const auto& [text, count] : ordered) {
      texts.push_back(text);
      weights.push_back(static_cast<double>(count));
    }
    const TextSpace space(texts, options_.encoder);
    const double join = options_.encoder != nullptr ? kJoinWithEncoder : kJoinWithoutEncoder;
    std::vector<std::string> known;
    std::vector<std::string> known_tools;
    constexpr size_t kTextsOfATool = 40;
    for (const auto& [tool, said] : by_tool_) {
      size_t n = 0;
      for (const auto& [text, count] : said) {
        if (n++ == kTextsOfATool) break;
        known.push_back(text);
        known_tools.push_back(tool);
      }
    }
    const size_t n_known = known.size();
    const auto members = ClusterTexts(space, weights, join);
    for (const auto& cluster : members) known.push_back(texts[cluster.front()]);
    const TextSpace near(known, options_.encoder);
    for (size_t c = 0; c < members.size() && clusters.size() < options_.most_clusters; ++c) {
      TextGroup group;
      for (const size_t text : members[c])
        for (const SaidTurn& turn : unmet_turns_.at(texts[text])) group.Add(turn);
      if (group.count < options_.least) continue;
      RequestCluster one = ClusterOf(texts[members[c].front()], group, turns_, options_.encoder);
      for (size_t k = 0; k < n_known; ++k) {
        const double like = near.Similarity(n_known + c, k);
        if (like <= one.nearest) continue;
        one.nearest = like;
        one.nearest_tool = known_tools[k];
      }
      one.missing = one.nearest < (options_.encoder != nullptr ? options_.near + 0.2 : options_.near);
      clusters.push_back(std::move(one));
    }
    Sort(clusters);
    return clusters;
  }

  const LogView& log_;
  const Workflow& workflow_;
  const PatternOptions& options_;
  size_t turns_ = 0;
  std::map<std::string, TextGroup> understood_;                   // by which arguments of which tool
  std::map<std::string, std::map<std::string, size_t>> by_tool_;  // words that were understood
  TextGroup unmet_;
  std::map<std::string, std::vector<SaidTurn>> unmet_turns_;
};

}  // namespace

Patterns FindPatterns(const LogView& log, const Workflow& workflow, const PatternOptions& options) {
  return PatternFinder(log, workflow, options).Run();
}

Json ToJson(const RequestCluster& cluster) {
  Json json{{"name", cluster.name},         {"example", cluster.example}, {"more", cluster.more},
            {"count", cluster.count},       {"share", cluster.share},     {"handoffs", cluster.handoffs},
            {"asked_again", cluster.again}, {"cost_usd", cluster.cost},   {"narrowness", cluster.narrowness}};
  if (!cluster.nearest_tool.empty()) {
    json["nearest_tool"] = cluster.nearest_tool;
    json["nearest"] = cluster.nearest;
  }
  if (cluster.missing) json["missing"] = true;
  return json;
}

Json ToJson(const Struggle& struggle) {
  return {{"tool", struggle.tool},         {"slot", struggle.slot},         {"tasks", struggle.tasks},
          {"done", struggle.done},         {"asked_again", struggle.again}, {"corrected", struggle.corrected},
          {"silences", struggle.silences}, {"handoffs", struggle.handoffs}, {"abandoned", struggle.abandoned},
          {"rate", struggle.rate()}};
}

}  // namespace sotto
