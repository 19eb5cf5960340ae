// How customers, terminals and devices behaved lately: what a payment is compared with. Per customer and per terminal
// the last weeks' payments are kept; features are read from them at the moment of the payment, from nothing
// that was not known then: what turned out to be fraud counts only `delay_days` after it happened.
//
// Features after the Fraud Detection Handbook (Le Borgne, Siblini, Lebichot, Bontempi 2022, chapter 3: counts and mean
// amounts of the customer, counts and risk of the terminal over 1, 7 and 30 days), and what a customer usually spends in
// more robust terms. docs/formats/screen.md lists them.
//
// One thread at a time. In memory; Save and Load keep them in SQLite.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "screen/payment.h"

namespace sotto {

inline constexpr size_t kScreenFeatures = 34;
using ScreenFeatures = std::array<float, kScreenFeatures>;
// In their order, as rules and records name them: "amount", "customer_count_1d", ...
const std::array<std::string_view, kScreenFeatures>& ScreenFeatureNames();
// Index of the name; kScreenFeatures: none.
size_t FindScreenFeature(std::string_view name);

struct ProfileOptions {
  int delay_days = 7;  // until a fraud is known
};

class Profiles {
 public:
  explicit Profiles(ProfileOptions options = {}) : options_(options) {}

  // What is known at the time of the payment, itself included; then it is remembered.
  ScreenFeatures Take(const Payment& payment);
  // The same without remembering it.
  ScreenFeatures Look(const Payment& payment) const;
  // A label that came by itself: of the payment of this customer at this terminal at this time. False: it is not
  // remembered (any more).
  bool Label(const Payment& payment);

  size_t customers() const { return customers_.size(); }
  size_t terminals() const { return terminals_.size(); }
  const ProfileOptions& options() const { return options_; }

  // All of it, as one SQLite file. Errors name the file.
  Result<void> Save(const std::filesystem::path& path) const;
  static Result<Profiles> Load(const std::filesystem::path& path);

 private:
  // One payment as an entity remembers it.
  struct Past {
    int64_t time = 0;
    float amount = 0;
    FraudLabel label = FraudLabel::kUnknown;
  };
  using History = std::deque<Past>;  // by time
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Histories = std::unordered_map<std::string, History, Hash, std::equal_to<>>;

  void Remember(Histories& histories, const std::string& name, const Past& past);
  static const History& Find(const Histories& histories, std::string_view name);
  ScreenFeatures Features(const Payment& payment, const History& customer, const History& terminal,
                          const History& device) const;

  ProfileOptions options_;
  Histories customers_, terminals_, devices_;
};

}  // namespace sotto
