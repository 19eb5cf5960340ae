#include "screen/profiles.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/sqlite.h"

namespace sotto {
namespace {

constexpr int kKeptDays = 45;           // beyond the delay
constexpr size_t kMostPast = 4096;      // payments of one entity: the newest
constexpr int kWindows[] = {1, 7, 30};  // days
constexpr int64_t kNightEnds = 6 * 3600;
constexpr float kNever = 60;  // days since something that did not happen lately

constexpr std::array<std::string_view, kScreenFeatures> kFeatureNames = {"amount",
                                                                         "weekend",
                                                                         "night",
                                                                         "customer_count_1d",
                                                                         "customer_count_7d",
                                                                         "customer_count_30d",
                                                                         "customer_mean_1d",
                                                                         "customer_mean_7d",
                                                                         "customer_mean_30d",
                                                                         "customer_median_30d",
                                                                         "amount_over_median",
                                                                         "amount_over_mean_before",
                                                                         "amount_deviations",
                                                                         "amount_over_most",
                                                                         "customer_large_7d",
                                                                         "customer_large_14d",
                                                                         "customer_large_share_14d",
                                                                         "customer_frauds_30d",
                                                                         "customer_days_since_fraud",
                                                                         "customer_hours_since_last",
                                                                         "terminal_count_1d",
                                                                         "terminal_count_7d",
                                                                         "terminal_count_30d",
                                                                         "terminal_risk_1d",
                                                                         "terminal_risk_7d",
                                                                         "terminal_risk_30d",
                                                                         "terminal_frauds_7d",
                                                                         "terminal_frauds_30d",
                                                                         "terminal_days_since_fraud",
                                                                         "terminal_days_since_first_fraud",
                                                                         "terminal_genuine_since_fraud",
                                                                         "terminal_mean_30d",
                                                                         "device_count_30d",
                                                                         "device_risk_30d"};

float Share(double part, double whole) { return whole <= 0 ? 0 : static_cast<float>(part / whole); }

}  // namespace

const std::array<std::string_view, kScreenFeatures>& ScreenFeatureNames() { return kFeatureNames; }

size_t FindScreenFeature(std::string_view name) {
  return static_cast<size_t>(std::ranges::find(kFeatureNames, name) - kFeatureNames.begin());
}

const Profiles::History& Profiles::Find(const Histories& histories, std::string_view name) {
  static const History kEmpty;
  const auto found = name.empty() ? histories.end() : histories.find(name);
  return found == histories.end() ? kEmpty : found->second;
}

void Profiles::Remember(Histories& histories, const std::string& name, const Past& past) {
  if (name.empty()) return;
  History& history = histories[name];
  // Clocks may be out of order: it goes where it belongs.
  const auto place = std::upper_bound(history.begin(), history.end(), past.time,
                                      [](int64_t time, const Past& one) { return time < one.time; });
  history.insert(place, past);
  const int64_t oldest = history.back().time - int64_t{kKeptDays + options_.delay_days} * kDaySeconds;
  while (history.size() > kMostPast || (!history.empty() && history.front().time < oldest))
    history.pop_front();
}

ScreenFeatures Profiles::Look(const Payment& payment) const {
  return Features(payment, Find(customers_, payment.customer), Find(terminals_, payment.terminal),
                  Find(devices_, payment.device));
}

ScreenFeatures Profiles::Take(const Payment& payment) {
  const ScreenFeatures features = Look(payment);
  const Past past{payment.time, static_cast<float>(payment.amount), payment.label};
  Remember(customers_, payment.customer, past);
  Remember(terminals_, payment.terminal, past);
  Remember(devices_, payment.device, past);
  return features;
}

bool Profiles::Label(const Payment& payment) {
  bool known = false;
  const auto set = [&](Histories& histories, const std::string& name) {
    const auto found = histories.find(name);
    if (found == histories.end()) return;
    for (Past& past : found->second) {
      if (past.time != payment.time || past.amount != static_cast<float>(payment.amount)) continue;
      past.label = payment.label;
      known = true;
      return;
    }
  };
  set(customers_, payment.customer);
  set(terminals_, payment.terminal);
  set(devices_, payment.device);
  return known;
}

ScreenFeatures Profiles::Features(const Payment& payment, const History& customer, const History& terminal,
                                  const History& device) const {
  ScreenFeatures out{};
  const int64_t now = payment.time;
  const int64_t known_until = now - int64_t{options_.delay_days} * kDaySeconds;
  const auto amount = static_cast<float>(payment.amount);
  const int64_t second_of_day = ((now % kDaySeconds) + kDaySeconds) % kDaySeconds;
  const std::chrono::sys_days today{std::chrono::days((now - second_of_day) / kDaySeconds)};
  const unsigned weekday = std::chrono::weekday(today).iso_encoding();
  out[0] = amount;
  out[1] = weekday >= 6 ? 1 : 0;
  out[2] = second_of_day <= kNightEnds ? 1 : 0;

  // The customer: with this payment in the counts and means, without it in what is usual.
  double counts[3] = {1, 1, 1};
  double sums[3] = {amount, amount, amount};
  static thread_local std::vector<float> usual;
  usual.clear();
  double sum = 0;
  double squares = 0;
  float most = 0;
  float customer_frauds = 0;
  int64_t customer_last_fraud = INT64_MIN;
  int64_t last = INT64_MIN;
  for (const Past& past : customer) {
    if (past.time > now) continue;
    const int64_t age = now - past.time;
    for (size_t w = 0; w < 3; ++w) {
      if (age >= kWindows[w] * kDaySeconds) continue;
      counts[w] += 1;
      sums[w] += past.amount;
    }
    last = std::max(last, past.time);
    if (past.label == FraudLabel::kFraud && past.time <= known_until) {
      customer_last_fraud = past.time;
      if (age < int64_t{30 + options_.delay_days} * kDaySeconds) customer_frauds += 1;
    }
    if (age >= 30 * kDaySeconds) continue;
    usual.push_back(past.amount);
    sum += past.amount;
    squares += static_cast<double>(past.amount) * past.amount;
    most = std::max(most, past.amount);
  }
  for (size_t w = 0; w < 3; ++w) {
    out[3 + w] = static_cast<float>(counts[w]);
    out[6 + w] = static_cast<float>(sums[w] / counts[w]);
  }
  float median = amount;
  if (!usual.empty()) {
    const auto middle = usual.begin() + static_cast<std::ptrdiff_t>(usual.size() / 2);
    std::nth_element(usual.begin(), middle, usual.end());
    median = *middle;
  }
  const double n = static_cast<double>(usual.size());
  const double mean = n == 0 ? amount : sum / n;
  const double deviation = n < 2 ? 0 : std::sqrt(std::max(squares / n - mean * mean, 0.0));
  out[9] = median;
  out[10] = Share(amount, std::max(median, 0.01F));
  out[11] = Share(amount, std::max(mean, 0.01));
  out[12] = deviation < 0.01 ? 0 : static_cast<float>((amount - mean) / deviation);
  out[13] = most <= 0 ? 1 : amount / most;
  const float large = 2.5F * median;
  float in_14_days = 1;
  float large_14 = amount > large ? 1 : 0;
  for (const Past& past : customer) {
    const int64_t age = now - past.time;
    if (age < 0 || age >= 14 * kDaySeconds) continue;
    in_14_days += 1;
    if (past.amount <= large) continue;
    large_14 += 1;
    if (age < 7 * kDaySeconds) out[14] += 1;
  }
  out[15] = large_14;
  out[16] = large_14 / in_14_days;
  out[17] = customer_frauds;
  const auto days_since = [&](int64_t then) {
    return then == INT64_MIN ? kNever : static_cast<float>(now - then) / static_cast<float>(kDaySeconds);
  };
  out[18] = days_since(customer_last_fraud);
  out[19] = last == INT64_MIN ? 24 * kNever : static_cast<float>(now - last) / 3600.0F;

  // The terminal: what was known about it when labels had come.
  double seen[3] = {};
  double frauds[3] = {};
  int64_t first_fraud = INT64_MIN;
  int64_t last_fraud = INT64_MIN;
  float genuine_since = 0;
  double terminal_sum = 0;
  double terminal_n = 0;
  for (const Past& past : terminal) {
    if (past.time > now) continue;
    if (now - past.time < 30 * kDaySeconds) {
      terminal_sum += past.amount;
      terminal_n += 1;
    }
    if (past.time > known_until) continue;
    const int64_t age = known_until - past.time;
    const bool fraud = past.label == FraudLabel::kFraud;
    for (size_t w = 0; w < 3; ++w) {
      if (age >= kWindows[w] * kDaySeconds) continue;
      seen[w] += 1;
      frauds[w] += fraud;
    }
    if (fraud) {
      // Of the last run of frauds: one that was over a month before another is of another run.
      if (last_fraud == INT64_MIN || past.time - last_fraud > 14 * kDaySeconds) first_fraud = past.time;
      last_fraud = past.time;
      genuine_since = 0;
    } else {
      genuine_since += 1;
    }
  }
  for (size_t w = 0; w < 3; ++w) {
    out[20 + w] = static_cast<float>(seen[w]);
    out[23 + w] = Share(frauds[w], seen[w]);
  }
  out[26] = static_cast<float>(frauds[1]);
  out[27] = static_cast<float>(frauds[2]);
  out[28] = days_since(last_fraud);
  out[29] = days_since(first_fraud);
  out[30] = last_fraud == INT64_MIN ? 0 : genuine_since;
  out[31] = terminal_n == 0 ? 0 : static_cast<float>(terminal_sum / terminal_n);

  double device_seen = 0;
  double device_frauds = 0;
  for (const Past& past : device) {
    if (past.time > known_until || known_until - past.time >= 30 * kDaySeconds) continue;
    device_seen += 1;
    device_frauds += past.label == FraudLabel::kFraud;
  }
  out[32] = static_cast<float>(device_seen);
  out[33] = Share(device_frauds, device_seen);
  return out;
}

}  // namespace sotto
