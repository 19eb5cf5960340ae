// Payments as they are screened, and the files that they come in: CSV with a heading line, or JSON lines. Columns go by
// many names (TX_AMOUNT, amount, amt); those of the Fraud Detection Handbook's simulator are among them. What no reader
// needs is passed over, and what speaks of the outcome besides the label is never read: it would not be known in time.
// docs/formats/screen.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sotto {

enum class FraudLabel : int8_t { kUnknown = -1, kGenuine = 0, kFraud = 1 };

struct Payment {
  std::string id;
  int64_t time = 0;  // seconds since 1970, UTC
  std::string customer;
  std::string terminal;  // or merchant, or payee
  std::string device;    // empty: not known
  double amount = 0;     // finite, not negative
  FraudLabel label = FraudLabel::kUnknown;
};

inline constexpr int64_t kDaySeconds = 86400;

// "2018-04-01 00:00:31", the same with T, fractions and Z, "2018-04-01", or seconds since 1970.
Result<int64_t> ParsePaymentTime(std::string_view text);
std::string PaymentTimeText(int64_t time);  // "2018-04-01T00:00:31Z"

// What was wrong with a file and did not stop its reading: each thing is said once with its first line, and counted.
struct PaymentFaults {
  struct Fault {
    std::string what;   // "amount is no number"
    std::string first;  // "FILE:LINE: amount 'nan' is no number"
    size_t rows = 0;
  };
  std::vector<Fault> faults;       // rows that were left out
  std::vector<std::string> notes;  // of columns
  size_t out_of_order = 0;         // rows older than one before them; they are read
  std::string first_out_of_order;

  size_t rows() const;
};

// Calls `use` for each payment in the file's order. The error: the file cannot be read, or lacks a column that is
// needed (time, customer, terminal, amount). "-": `standard_input`. A name that ends in .csv is CSV, .jsonl or .json are
// JSON lines; others are told by their first letter.
Result<PaymentFaults> ReadPayments(const std::filesystem::path& path,
                                   const std::function<void(Payment&&)>& use);
Result<PaymentFaults> ReadPayments(std::istream& stream, std::string_view source,
                                   const std::function<void(Payment&&)>& use);

}  // namespace sotto
