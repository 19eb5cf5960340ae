#include "screen/simulator.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/random.h"

namespace sotto {
namespace {

constexpr double kLargeAmount = 220;
constexpr int kTerminalsADay = 2;
constexpr int kTerminalDays = 28;
constexpr int kCustomersADay = 3;
constexpr int kCustomerDays = 14;
constexpr double kLarger = 5;

class Draws {
 public:
  explicit Draws(uint64_t seed) : random_(seed) {}
  double Uniform(double low, double high) { return low + (high - low) * random_.Uniform(); }
  double Normal(double mean, double deviation) {
    const double u = std::max(random_.Uniform(), 1e-300);
    return mean + deviation * std::sqrt(-2 * std::log(u)) * std::cos(2 * std::acos(-1.0) * random_.Uniform());
  }
  int Poisson(double mean) {
    const double limit = std::exp(-mean);
    int n = 0;
    for (double product = random_.Uniform(); product > limit; product *= random_.Uniform()) ++n;
    return n;
  }
  size_t Below(size_t bound) { return random_.Below(bound); }

 private:
  Random random_;
};

struct Place {
  double x = 0, y = 0;
};

struct Draft {
  int64_t second = 0;  // since the beginning
  uint32_t customer = 0;
  uint32_t terminal = 0;
  double amount = 0;
  bool fraud = false;
};

void AddFrauds(const PaymentSimulation& options, std::vector<Draft>& payments, Draws& draws) {
  for (Draft& draft : payments) draft.fraud = draft.amount > kLargeAmount;
  // By day, so that each window is a range.
  std::vector<size_t> begins(static_cast<size_t>(options.days) + 1, payments.size());
  for (size_t i = payments.size(); i-- > 0;)
    begins[static_cast<size_t>(payments[i].second / kDaySeconds)] = i;
  for (size_t day = static_cast<size_t>(options.days); day-- > 0;)
    begins[day] = std::min(begins[day], begins[day + 1]);
  const auto end_of = [&](int day, int length) {
    return begins[static_cast<size_t>(std::min(day + length, options.days))];
  };
  for (int day = 0; day < options.days; ++day) {
    for (int i = 0; i < kTerminalsADay; ++i) {
      const auto terminal = static_cast<uint32_t>(draws.Below(static_cast<size_t>(options.terminals)));
      for (size_t p = begins[static_cast<size_t>(day)]; p < end_of(day, kTerminalDays); ++p)
        if (payments[p].terminal == terminal) payments[p].fraud = true;
    }
  }
  for (int day = 0; day < options.days; ++day) {
    for (int i = 0; i < kCustomersADay; ++i) {
      const auto customer = static_cast<uint32_t>(draws.Below(static_cast<size_t>(options.customers)));
      std::vector<size_t> theirs;
      for (size_t p = begins[static_cast<size_t>(day)]; p < end_of(day, kCustomerDays); ++p)
        if (payments[p].customer == customer) theirs.push_back(p);
      for (size_t n = theirs.size() / 3; n > 0; --n) {
        const size_t at = draws.Below(theirs.size());
        Draft& draft = payments[theirs[at]];
        draft.amount *= kLarger;
        draft.fraud = true;
        theirs.erase(theirs.begin() + static_cast<std::ptrdiff_t>(at));
      }
    }
  }
}

}  // namespace

std::vector<Payment> SimulatePayments(const PaymentSimulation& options) {
  Draws draws(options.seed);
  std::vector<Place> terminals(static_cast<size_t>(options.terminals));
  for (Place& place : terminals) place = {draws.Uniform(0, 100), draws.Uniform(0, 100)};
  std::vector<Draft> payments;
  for (int c = 0; c < options.customers; ++c) {
    const Place home{draws.Uniform(0, 100), draws.Uniform(0, 100)};
    const double mean = draws.Uniform(5, 100);
    const double a_day = draws.Uniform(0, 4);
    std::vector<uint32_t> near;
    for (size_t t = 0; t < terminals.size(); ++t) {
      const double dx = terminals[t].x - home.x;
      const double dy = terminals[t].y - home.y;
      if (dx * dx + dy * dy < options.radius * options.radius) near.push_back(static_cast<uint32_t>(t));
    }
    if (near.empty()) continue;
    for (int day = 0; day < options.days; ++day) {
      for (int n = draws.Poisson(a_day); n > 0; --n) {
        const auto second = static_cast<int64_t>(draws.Normal(kDaySeconds / 2.0, 20000));
        if (second <= 0 || second >= kDaySeconds) continue;
        double amount = draws.Normal(mean, mean / 2);
        if (amount < 0) amount = draws.Uniform(0, mean * 2);
        payments.push_back({day * kDaySeconds + second, static_cast<uint32_t>(c),
                            near[draws.Below(near.size())], std::round(amount * 100) / 100, false});
      }
    }
  }
  std::ranges::stable_sort(payments, {}, &Draft::second);
  AddFrauds(options, payments, draws);
  std::vector<Payment> out;
  out.reserve(payments.size());
  for (const Draft& draft : payments) {
    Payment one;
    one.id = fmt::format("{}", out.size());
    one.time = options.from + draft.second;
    one.customer = fmt::format("{}", draft.customer);
    one.terminal = fmt::format("{}", draft.terminal);
    one.amount = std::round(draft.amount * 100) / 100;
    one.label = draft.fraud ? FraudLabel::kFraud : FraudLabel::kGenuine;
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace sotto
