#include <algorithm>
#include <map>

#include "screen/screener.h"

namespace sotto {
namespace {

constexpr float kLeast = 0.15F;  // log-odds that are worth a word
constexpr float kWeeks = 45;     // days that count as lately

std::string Percent(float share) { return fmt::format("{:.0f} %", 100 * static_cast<double>(share)); }

std::string AmountInWords(float value) {
  return fmt::format("the amount is {:.2f}", static_cast<double>(value));
}

std::string TimesUsual(float value) {
  return value < 1.3F
             ? ""
             : fmt::format("{:.1f} times what this customer usually pays", static_cast<double>(value));
}

}  // namespace

std::string FeatureInWords(size_t feature, float value) {
  const std::string_view name = ScreenFeatureNames()[feature];
  const auto count = [&](std::string_view what) {
    return value < 1 ? std::string() : fmt::format("{:.0f} {}", static_cast<double>(value), what);
  };
  const auto days = [&](std::string_view what) {
    return value >= kWeeks ? std::string()
                           : fmt::format("{} {:.0f} days ago", what, static_cast<double>(value));
  };
  if (name == "amount") return AmountInWords(value);
  if (name == "weekend") return value > 0 ? "at the weekend" : "";
  if (name == "night") return value > 0 ? "at night" : "";
  if (name == "customer_count_1d") return value < 3 ? "" : count("payments of this customer within a day");
  if (name == "customer_count_7d") return value < 8 ? "" : count("payments of this customer within a week");
  if (name == "amount_over_median") return TimesUsual(value);
  if (name == "amount_over_mean_before")
    return value < 1.3F
               ? ""
               : fmt::format("{:.1f} times this customer's mean of a month", static_cast<double>(value));
  if (name == "amount_deviations")
    return value < 1.5F
               ? ""
               : fmt::format("{:.1f} deviations above this customer's mean", static_cast<double>(value));
  if (name == "amount_over_most") return value <= 1 ? "" : "the largest payment of this customer in a month";
  if (name == "customer_large_7d")
    return value < 2 ? "" : count("unusually large payments of this customer within a week");
  if (name == "customer_large_14d")
    return value < 2 ? "" : count("unusually large payments of this customer within two weeks");
  if (name == "customer_large_share_14d")
    return value < 0.15F ? ""
                         : Percent(value) + " of this customer's payments of two weeks are unusually large";
  if (name == "customer_frauds_30d") return count("known frauds of this customer within a month");
  if (name == "customer_days_since_fraud") return days("a known fraud of this customer");
  if (name == "customer_hours_since_last")
    return value > 1 ? "" : "less than an hour after the customer's last payment";
  if (name == "terminal_risk_1d")
    return value <= 0 ? "" : Percent(value) + " of this payee's payments of a day turned out to be fraud";
  if (name == "terminal_risk_7d")
    return value <= 0 ? "" : Percent(value) + " of this payee's payments of a week turned out to be fraud";
  if (name == "terminal_risk_30d")
    return value <= 0 ? "" : Percent(value) + " of this payee's payments of a month turned out to be fraud";
  if (name == "terminal_frauds_7d") return count("known frauds at this payee within a week");
  if (name == "terminal_frauds_30d") return count("known frauds at this payee within a month");
  if (name == "terminal_days_since_fraud") return days("the last known fraud at this payee was");
  if (name == "terminal_days_since_first_fraud") return days("frauds at this payee began");
  if (name == "device_risk_30d")
    return value <= 0 ? "" : Percent(value) + " of this device's payments of a month turned out to be fraud";
  return "";
}

std::vector<std::string> ReasonsOf(std::span<const float> features, std::span<const float> contributions,
                                   size_t most) {
  std::vector<size_t> order(kScreenFeatures);
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, std::greater<>(), [&](size_t i) { return contributions[i]; });
  std::vector<std::string> reasons;
  for (const size_t i : order) {
    if (reasons.size() >= most || contributions[i] < kLeast) break;
    std::string words = FeatureInWords(i, features[i]);
    if (!words.empty() && std::ranges::find(reasons, words) == reasons.end())
      reasons.push_back(std::move(words));
  }
  return reasons;
}

}  // namespace sotto
