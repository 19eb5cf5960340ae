#include "flywheel/label_agreement.h"

#include <map>
#include <set>

#include "flywheel/log_view.h"

namespace sotto {
namespace {

// A number, or nothing where the labels have no spread to agree about.
std::optional<double> BeyondChance(double observed, double expected) {
  if (expected <= 0) return std::nullopt;
  return 1 - observed / expected;
}

}  // namespace

std::optional<double> CohenKappa(const std::vector<std::pair<std::string, std::string>>& items) {
  if (items.empty()) return std::nullopt;
  std::map<std::string, double> first, second;
  double differ = 0;
  for (const auto& [a, b] : items) {
    ++first[a];
    ++second[b];
    differ += a == b ? 0 : 1;
  }
  const auto n = static_cast<double>(items.size());
  double chance = 0;
  for (const auto& [label, count] : first)
    if (const auto found = second.find(label); found != second.end()) chance += count / n * found->second / n;
  return BeyondChance(differ / n, 1 - chance);
}

std::optional<double> KrippendorffAlpha(const std::vector<std::vector<std::string>>& units) {
  std::map<std::string, double> totals;
  double n = 0;
  double observed = 0;
  for (const std::vector<std::string>& unit : units) {
    if (unit.size() < 2) continue;
    std::map<std::string, double> counts;
    for (const std::string& label : unit) ++counts[label];
    const auto m = static_cast<double>(unit.size());
    for (const auto& [label, count] : counts) {
      totals[label] += count;
      observed += count * (m - count) / (m - 1);
    }
    n += m;
  }
  if (n < 2) return std::nullopt;
  double expected = 0;
  for (const auto& [label, count] : totals) expected += count * (n - count) / (n - 1);
  return BeyondChance(observed, expected);
}

Agreement AgreementOf(const std::vector<Label>& labels, bool names_only) {
  const auto text = [&](const Label& label) {
    if (!names_only) return CallsText(label.calls);
    std::string names;
    for (const ToolCall& call : label.calls) names += call.name + " ";
    return names;
  };
  std::map<std::pair<std::string, int>, std::map<std::string, std::string>> said;  // turn -> author -> label
  for (const Label& label : labels) said[{label.session, label.turn}][label.author] = text(label);
  Agreement agreement;
  std::vector<std::vector<std::string>> units;
  std::map<std::pair<std::string, std::string>, std::vector<std::pair<std::string, std::string>>> pairs;
  for (const auto& [turn, by] : said) {
    std::vector<std::string> unit;
    for (auto a = by.begin(); a != by.end(); ++a) {
      unit.push_back(a->second);
      for (auto b = std::next(a); b != by.end(); ++b)
        pairs[{a->first, b->first}].emplace_back(a->second, b->second);
    }
    agreement.items += unit.size() > 1 ? 1 : 0;
    units.push_back(std::move(unit));
  }
  agreement.alpha = KrippendorffAlpha(units);
  for (const auto& [who, items] : pairs) {
    Agreement::Pair pair{who.first, who.second, items.size(), 0, CohenKappa(items)};
    for (const auto& [a, b] : items) pair.same += a == b ? 1 : 0;
    agreement.pairs.push_back(std::move(pair));
  }
  return agreement;
}

}  // namespace sotto
