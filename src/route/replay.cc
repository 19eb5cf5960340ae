#include "route/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "base/random.h"

namespace sotto {
namespace {

constexpr int kSteps = 20;
constexpr double kAssurance = 0.95;
constexpr double kZ95 = 1.6448536269514722;

// A standard normal deviate (Box and Muller 1958).
double Normal(Random& random) {
  const double u = 1 - random.Uniform();
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * M_PI * random.Uniform());
}

struct Drawn {
  bool right = false;
  double ms = 0;
};

class Replayer {
 public:
  Replayer(std::span<const ReplayTurn> turns, const SimulatedRemote& remote, double sigma)
      : turns_(turns), remote_(remote) {
    Random random(remote.seed);
    const double mu = std::log(remote.mean_ms) - sigma * sigma / 2;
    for (size_t i = 0; i < turns.size(); ++i)
      drawn_.push_back({random.Chance(remote.accuracy), std::exp(mu + sigma * Normal(random))});
  }

  ReplayPoint Point(const std::vector<bool>& escalated, bool ask_local_first) const {
    ReplayPoint point;
    std::vector<double> ms;
    size_t local = 0;
    size_t wrong = 0;
    size_t right = 0;
    for (size_t i = 0; i < turns_.size(); ++i) {
      const double before = ask_local_first ? turns_[i].ms : 0;
      if (escalated[i]) {
        right += drawn_[i].right ? 1 : 0;
        ms.push_back(before + drawn_[i].ms);
      } else {
        ++local;
        wrong += turns_[i].right ? 0 : 1;
        right += turns_[i].right ? 1 : 0;
        ms.push_back(turns_[i].ms);
      }
    }
    const auto n = static_cast<double>(turns_.size());
    point.escalated = 1 - static_cast<double>(local) / n;
    point.quality = static_cast<double>(right) / n;
    point.local_error = local == 0 ? 0 : static_cast<double>(wrong) / static_cast<double>(local);
    point.local_error_upper = UpperErrorLimit(wrong, local, kAssurance);
    point.cost = point.escalated * remote_.price * 1000;
    std::sort(ms.begin(), ms.end());
    const auto at = [&](double share) {
      return ms[std::min(ms.size() - 1, static_cast<size_t>(share * static_cast<double>(ms.size())))];
    };
    point.p50_ms = at(0.5);
    point.p95_ms = at(0.95);
    return point;
  }

  // Escalates the turns with the lowest `score`; which of equals is drawn by lot, the same lot every time.
  std::vector<ReplayPoint> Curve(const std::function<double(size_t)>& score) const {
    Random random(remote_.seed + 1);
    std::vector<double> lot(turns_.size());
    for (double& one : lot) one = random.Uniform();
    std::vector<size_t> order(turns_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      const double of_a = score(a);
      const double of_b = score(b);
      return of_a != of_b ? of_a < of_b : lot[a] < lot[b];
    });
    std::vector<ReplayPoint> points;
    for (int step = 0; step <= kSteps; ++step) {
      const auto n = static_cast<size_t>(
          std::lround(static_cast<double>(step) / kSteps * static_cast<double>(turns_.size())));
      std::vector<bool> escalated(turns_.size());
      for (size_t i = 0; i < n; ++i) escalated[order[i]] = true;
      points.push_back(Point(escalated, true));
    }
    return points;
  }

  std::vector<ReplayPoint> RandomCurve() const {
    Random random(remote_.seed + 2);
    std::vector<double> lot(turns_.size());
    for (double& one : lot) one = random.Uniform();
    return Curve([lot](size_t i) { return lot[i]; });
  }

  ReplayPoint At(const Thresholds& thresholds) const {
    std::vector<bool> escalated(turns_.size());
    for (size_t i = 0; i < turns_.size(); ++i)
      escalated[i] =
          !std::all_of(turns_[i].tools.begin(), turns_[i].tools.end(),
                       [&](const std::string& tool) { return turns_[i].surety >= thresholds.Of(tool); });
    return Point(escalated, true);
  }

 private:
  const std::span<const ReplayTurn> turns_;
  const SimulatedRemote& remote_;
  std::vector<Drawn> drawn_;
};

Json ToJson(const ReplayPoint& point) {
  return {{"escalated", point.escalated},
          {"quality", point.quality},
          {"local_error", point.local_error},
          {"local_error_upper", point.local_error_upper},
          {"usd_per_1000_turns", point.cost},
          {"p50_ms", point.p50_ms},
          {"p95_ms", point.p95_ms}};
}

Json ToJson(const std::vector<ReplayPoint>& points) {
  Json json = Json::array();
  for (const ReplayPoint& point : points) json.push_back(ToJson(point));
  return json;
}

}  // namespace

Result<Replay> ReplayTurns(std::span<const ReplayTurn> turns, const SimulatedRemote& remote,
                           const Thresholds* thresholds) {
  if (turns.empty()) return MakeError(ErrorCode::kInvalidArgument, "there are no turns to replay");
  if (!(remote.accuracy >= 0 && remote.accuracy <= 1))
    return MakeError(ErrorCode::kInvalidArgument, "an accuracy of {} is not from 0 to 1", remote.accuracy);
  if (!(remote.mean_ms > 0 && remote.p95_ms >= remote.mean_ms))
    return MakeError(ErrorCode::kInvalidArgument, "times of {:g} ms on average and {:g} ms at p95 are none",
                     remote.mean_ms, remote.p95_ms);
  // p95 / mean = exp(z sigma - sigma^2 / 2)
  const double spread = kZ95 * kZ95 - 2 * std::log(remote.p95_ms / remote.mean_ms);
  if (spread < 0)
    return MakeError(ErrorCode::kInvalidArgument,
                     "a p95 of {:g} ms is too far from a mean of {:g} ms (at most {:.0f})", remote.p95_ms,
                     remote.mean_ms, remote.mean_ms * std::exp(kZ95 * kZ95 / 2));
  const Replayer replayer(turns, remote, kZ95 - std::sqrt(spread));
  Replay replay;
  replay.routed = replayer.Curve([&](size_t i) { return turns[i].surety; });
  replay.confidence = replayer.Curve([&](size_t i) { return turns[i].confidence; });
  replay.softmax = replayer.Curve([&](size_t i) { return turns[i].softmax; });
  replay.random = replayer.RandomCurve();
  replay.always_local = replayer.Point(std::vector<bool>(turns.size(), false), true);
  replay.always_remote = replayer.Point(std::vector<bool>(turns.size(), true), false);
  if (thresholds != nullptr) replay.thresholds = replayer.At(*thresholds);
  return replay;
}

Json ToJson(const Replay& replay) {
  return {{"always_local", ToJson(replay.always_local)},
          {"always_remote", ToJson(replay.always_remote)},
          {"thresholds", replay.thresholds ? ToJson(*replay.thresholds) : Json(nullptr)},
          {"routed", ToJson(replay.routed)},
          {"confidence", ToJson(replay.confidence)},
          {"max_softmax", ToJson(replay.softmax)},
          {"random", ToJson(replay.random)}};
}

std::string ReplayPlot(const Replay& replay, std::string_view title, bool judged) {
  constexpr double kLeft = 70, kTop = 40, kWidth = 600, kHeight = 330;
  double least = 1;
  double most = 0;
  for (const auto* curve : {&replay.routed, &replay.confidence, &replay.softmax, &replay.random}) {
    for (const ReplayPoint& point : *curve) {
      least = std::min(least, point.quality);
      most = std::max(most, point.quality);
    }
  }
  least = std::max(0.0, least - 0.01);
  most = std::min(1.0, most + 0.01);
  const auto x = [&](double share) { return kLeft + share * kWidth; };
  const auto y = [&](double quality) { return kTop + (most - quality) / (most - least) * kHeight; };
  std::string name;
  for (const char c : title) name += c == '<' || c == '>' || c == '&' ? ' ' : c;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" height=\"440\" font-family=\"sans-serif\" "
      "font-size=\"12\">\n<rect width=\"720\" height=\"440\" fill=\"white\"/>\n"
      "<text x=\"{}\" y=\"22\" font-size=\"14\">{}</text>\n",
      kLeft, name);
  for (int i = 0; i <= 5; ++i) {
    const double share = i / 5.0;
    const double quality = least + (most - least) * share;
    svg += fmt::format(
        "<line x1=\"{0:.1f}\" y1=\"{1}\" x2=\"{0:.1f}\" y2=\"{2}\" stroke=\"#ddd\"/>"
        "<text x=\"{0:.1f}\" y=\"{3}\" text-anchor=\"middle\">{4:.0f} %</text>\n",
        x(share), kTop, kTop + kHeight, kTop + kHeight + 18, 100 * share);
    svg += fmt::format(
        "<line x1=\"{0}\" y1=\"{1:.1f}\" x2=\"{2}\" y2=\"{1:.1f}\" stroke=\"#ddd\"/>"
        "<text x=\"{3}\" y=\"{1:.1f}\" text-anchor=\"end\" dy=\"4\">{4:.1f} %</text>\n",
        kLeft, y(quality), kLeft + kWidth, kLeft - 6, 100 * quality);
  }
  const auto line = [&](const std::vector<ReplayPoint>& points, const char* colour, const char* label,
                        int row) {
    std::string path;
    for (const ReplayPoint& point : points)
      path += fmt::format("{:.1f},{:.1f} ", x(point.escalated), y(point.quality));
    svg += fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n", path,
                       colour);
    svg += fmt::format("<text x=\"{}\" y=\"{}\" fill=\"{}\">{}</text>\n", kLeft + kWidth - 150,
                       kTop + kHeight - 60 + 16 * row, colour, label);
  };
  line(replay.random, "#999999", "random", 0);
  line(replay.softmax, "#e67e22", "max-softmax", 1);
  line(replay.confidence, judged ? "#2da44e" : "#1f6feb", "calibrated confidence", 2);
  if (judged) line(replay.routed, "#1f6feb", "surety", 3);
  if (replay.thresholds)
    svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\" fill=\"#1f6feb\"/>\n",
                       x(replay.thresholds->escalated), y(replay.thresholds->quality));
  svg += fmt::format(
      "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">share of turns that go to the big model</text>\n"
      "<text x=\"16\" y=\"{}\" transform=\"rotate(-90 16 {})\" text-anchor=\"middle\">answered "
      "right</text>\n</svg>\n",
      kLeft + kWidth / 2, kTop + kHeight + 40, kTop + kHeight / 2, kTop + kHeight / 2);
  return svg;
}

}  // namespace sotto
