#include "trainer/curve.h"

#include <algorithm>
#include <cmath>

#include "base/mapped_file.h"

namespace sotto {
namespace {

constexpr double kWidth = 720;
constexpr double kPanel = 220;
constexpr double kLeft = 60;
constexpr double kGap = 40;

struct Series {
  const char* label;
  const char* colour;
  std::vector<std::pair<double, double>> points;
};

// One panel with its axes; values lie in [low, high].
std::string Panel(const char* title, double top, double low, double high, double last_step,
                  const std::vector<Series>& series) {
  std::string svg = fmt::format(
      "<text x='{}' y='{}' font-weight='bold'>{}</text>"
      "<rect x='{}' y='{}' width='{}' height='{}' fill='none' stroke='#999'/>",
      kLeft, top - 8, title, kLeft, top, kWidth, kPanel);
  for (int i = 0; i <= 4; ++i) {
    const double value = low + (high - low) * i / 4;
    const double y = top + kPanel * (1 - i / 4.0);
    svg += fmt::format(
        "<line x1='{}' x2='{}' y1='{}' y2='{}' stroke='#eee'/><text x='{}' y='{}' "
        "text-anchor='end'>{:.3g}</text>",
        kLeft, kLeft + kWidth, y, y, kLeft - 6, y + 4, value);
    svg += fmt::format("<text x='{}' y='{}' text-anchor='middle'>{:.0f}</text>", kLeft + kWidth * i / 4.0,
                       top + kPanel + 16, last_step * i / 4.0);
  }
  double legend = kLeft + kWidth - 10;
  for (const Series& s : series) {
    std::string path;
    for (const auto& [step, value] : s.points) {
      const double share = (std::clamp(value, low, high) - low) / (high - low);
      path += fmt::format("{:.1f},{:.1f} ", kLeft + kWidth * step / last_step, top + kPanel * (1 - share));
    }
    svg += fmt::format("<polyline points='{}' fill='none' stroke='{}' stroke-width='1.5'/>", path, s.colour);
    svg += fmt::format("<text x='{}' y='{}' text-anchor='end' fill='{}'>{}</text>", legend, top - 8, s.colour,
                       s.label);
    legend -= 160;
  }
  return svg;
}

}  // namespace

Result<void> WriteCurve(const std::filesystem::path& folder, const std::vector<CurvePoint>& points) {
  if (points.empty()) return {};
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::string csv = "step,seconds,loss,token_accuracy,tokens_per_second,held_out_exact\n";
  Series loss{"loss of call tokens (log10)", "#c33", {}};
  Series accuracy{"call tokens, training", "#36c", {}};
  Series exact{"exact turns, held out", "#282", {}};
  for (const CurvePoint& p : points) {
    csv +=
        fmt::format("{},{:.1f},{:.5f},{:.5f},{:.0f},{}\n", p.step, p.seconds, p.loss, p.token_accuracy,
                    p.tokens_per_second, p.held_out_exact < 0 ? "" : fmt::format("{:.5f}", p.held_out_exact));
    const auto step = static_cast<double>(p.step);
    loss.points.emplace_back(step, std::log10(std::max(p.loss, 1e-4)));
    accuracy.points.emplace_back(step, p.token_accuracy);
    if (p.held_out_exact >= 0) exact.points.emplace_back(step, p.held_out_exact);
  }
  const double last = std::max<double>(1, static_cast<double>(points.back().step));
  std::string svg = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' width='{}' height='{}' font-family='sans-serif' "
      "font-size='12'>"
      "<rect width='100%' height='100%' fill='white'/>",
      kLeft + kWidth + 20, 2 * (kPanel + kGap) + 20);
  svg += Panel("Loss", kGap, -3, 1, last, {loss});
  svg += Panel("Accuracy", 2 * kGap + kPanel, 0.5, 1, last, {accuracy, exact});
  svg += "</svg>\n";
  SOTTO_RETURN_IF_ERROR(WriteFileAtomically(folder / "curve.csv", csv));
  return WriteFileAtomically(folder / "curve.svg", svg);
}

}  // namespace sotto
