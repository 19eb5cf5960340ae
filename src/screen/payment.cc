#include "screen/payment.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iostream>
#include <optional>

#include "base/csv.h"
#include "base/utf8.h"
#include "core/json.h"

namespace sotto {
namespace {

enum Column : size_t { kId, kTime, kCustomer, kTerminal, kDevice, kAmount, kLabel, kColumns };
constexpr std::string_view kColumnNames[kColumns] = {"id",     "time",   "customer", "terminal",
                                                     "device", "amount", "label"};
struct Alias {
  std::string_view name;
  Column column;
};
constexpr Alias kAliases[] = {{"transaction_id", kId},
                              {"id", kId},
                              {"tx_id", kId},
                              {"trans_num", kId},
                              {"tx_datetime", kTime},
                              {"datetime", kTime},
                              {"time", kTime},
                              {"timestamp", kTime},
                              {"at", kTime},
                              {"date", kTime},
                              {"trans_date_trans_time", kTime},
                              {"customer_id", kCustomer},
                              {"customer", kCustomer},
                              {"card_id", kCustomer},
                              {"card", kCustomer},
                              {"cc_num", kCustomer},
                              {"account", kCustomer},
                              {"account_id", kCustomer},
                              {"from", kCustomer},
                              {"terminal_id", kTerminal},
                              {"terminal", kTerminal},
                              {"merchant_id", kTerminal},
                              {"merchant", kTerminal},
                              {"payee", kTerminal},
                              {"to", kTerminal},
                              {"device_id", kDevice},
                              {"device", kDevice},
                              {"ip", kDevice},
                              {"tx_amount", kAmount},
                              {"amount", kAmount},
                              {"amt", kAmount},
                              {"tx_fraud", kLabel},
                              {"fraud", kLabel},
                              {"is_fraud", kLabel},
                              {"label", kLabel}};

std::string LowerName(std::string_view text) {
  std::string lower;
  for (const char c : text) {
    if (c != ' ') lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return lower;
}

std::optional<Column> ColumnOf(std::string_view name) {
  const std::string lower = LowerName(name);
  for (const Alias& alias : kAliases) {
    if (alias.name == lower) return alias.column;
  }
  return std::nullopt;
}

// Named after the outcome, and not the label: known only afterwards.
bool SpeaksOfOutcome(std::string_view name) {
  const std::string lower = LowerName(name);
  for (const std::string_view word : {"fraud", "chargeback", "scenario", "dispute", "outcome"}) {
    if (lower.find(word) != std::string::npos) return true;
  }
  return false;
}

std::string_view Trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

Result<double> ParseAmount(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return MakeError(ErrorCode::kInvalidArgument, "amount is no number");
  if (value < 0) return MakeError(ErrorCode::kInvalidArgument, "amount is negative");
  return value;
}

class PaymentFileReader {
 public:
  PaymentFileReader(std::istream& stream, std::string_view source, const std::function<void(Payment&&)>& use)
      : stream_(stream), source_(source), use_(use) {}

  Result<PaymentFaults> Run(std::optional<bool> csv) {
    std::string line;
    while (std::getline(stream_, line)) {
      ++number_;
      if (number_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
      if (Trimmed(line).empty()) continue;
      if (!csv) csv = !Trimmed(line).starts_with('{');
      if (*csv && columns_.empty()) {
        SOTTO_RETURN_IF_ERROR(ReadHeading(line));
        continue;
      }
      *csv ? ReadCsvRow(line) : ReadJsonRow(line);
    }
    if (number_ == 0) return MakeError(ErrorCode::kInvalidArgument, "{}: is empty", source_);
    return std::move(faults_);
  }

 private:
  Result<void> ReadHeading(std::string_view line) {
    CsvRow heading;
    CsvRows(line, ',').Next(heading);
    if (!heading.closed)
      return MakeError(ErrorCode::kInvalidArgument, "{}:{}: a quote that is not closed", source_, number_);
    std::vector<bool> seen(kColumns, false);
    for (const std::string& raw : heading.fields) {
      const std::string name(Trimmed(raw));
      const auto column = ColumnOf(name);
      if (column && !seen[*column]) {
        seen[*column] = true;
        columns_.push_back(*column);
        continue;
      }
      columns_.push_back(kColumns);
      Note(name);
    }
    for (const Column needed : {kTime, kCustomer, kTerminal, kAmount}) {
      if (!seen[needed]) {
        return MakeError(ErrorCode::kInvalidArgument,
                         "{}:{}: no column for the {} (docs/formats/screen.md lists the names)", source_,
                         number_, kColumnNames[needed]);
      }
    }
    return {};
  }

  void Note(const std::string& name) {
    if (name.empty()) return;
    const std::string note =
        SpeaksOfOutcome(name) ? fmt::format("{}: column '{}' speaks of the outcome: not read", source_, name)
                              : fmt::format("{}: column '{}' is not known: passed over", source_, name);
    if (std::ranges::find(faults_.notes, note) == faults_.notes.end()) faults_.notes.push_back(note);
  }

  void Fault(std::string what, const std::string& detail = "") {
    for (PaymentFaults::Fault& fault : faults_.faults) {
      if (fault.what != what) continue;
      ++fault.rows;
      return;
    }
    std::string first = fmt::format("{}:{}: {}{}", source_, number_, what, detail);
    for (char& c : first) c = c >= 0 && c < ' ' ? ' ' : c;  // one line, whatever stood in the field
    faults_.faults.push_back({std::move(what), std::move(first), 1});
  }

  void ReadCsvRow(std::string_view line) {
    CsvRows(line, ',').Next(row_);
    if (!row_.closed) return Fault("a quote that is not closed");
    const std::vector<std::string>& fields = row_.fields;
    if (fields.size() != columns_.size())
      return Fault("the row has not as many fields as the heading",
                   fmt::format(" ({} of {})", fields.size(), columns_.size()));
    for (std::string& value : values_) value.clear();
    for (size_t i = 0; i < fields.size(); ++i) {
      if (columns_[i] != kColumns) values_[columns_[i]] = Trimmed(fields[i]);
    }
    Add();
  }

  void ReadJsonRow(const std::string& line) {
    const Json json = Json::parse(line, nullptr, false);
    if (json.is_discarded() || !json.is_object()) return Fault("no JSON object");
    for (std::string& value : values_) value.clear();
    for (const auto& [key, value] : json.items()) {
      const auto column = ColumnOf(key);
      if (!column) {
        Note(key);
        continue;
      }
      if (value.is_null()) continue;
      if (value.is_structured()) return Fault(fmt::format("{} is no text and no number", key));
      values_[*column] = value.is_string()    ? value.get<std::string>()
                         : value.is_boolean() ? (value.get<bool>() ? "1" : "0")
                                              : value.dump();
    }
    Add();
  }

  void Add() {
    Payment out;
    for (const Column needed : {kTime, kCustomer, kTerminal, kAmount}) {
      if (values_[needed].empty()) return Fault(fmt::format("no {}", kColumnNames[needed]));
    }
    for (std::string& value : values_) {
      if (FindInvalidUtf8(value) != std::string_view::npos) return Fault("bytes that are not UTF-8");
    }
    const auto time = ParsePaymentTime(values_[kTime]);
    if (!time) return Fault(time.error().message, fmt::format(": '{}'", values_[kTime].substr(0, 40)));
    const auto amount = ParseAmount(values_[kAmount]);
    if (!amount) return Fault(amount.error().message, fmt::format(": '{}'", values_[kAmount].substr(0, 40)));
    const std::string label = LowerName(values_[kLabel]);
    if (label == "1" || label == "true" || label == "1.0" || label == "yes") {
      out.label = FraudLabel::kFraud;
    } else if (label == "0" || label == "false" || label == "0.0" || label == "no") {
      out.label = FraudLabel::kGenuine;
    } else if (!label.empty() && label != "unknown") {
      return Fault("the label is not 0 or 1", fmt::format(": '{}'", label.substr(0, 40)));
    }
    if (*time < newest_ && faults_.out_of_order++ == 0)
      faults_.first_out_of_order = fmt::format("{}:{}: is older than a row before it", source_, number_);
    newest_ = std::max(newest_, *time);
    out.id = values_[kId].empty() ? fmt::format("{}", number_) : values_[kId];
    out.time = *time;
    out.customer = values_[kCustomer];
    out.terminal = values_[kTerminal];
    out.device = values_[kDevice];
    out.amount = *amount;
    use_(std::move(out));
  }

  std::istream& stream_;
  const std::string source_;
  const std::function<void(Payment&&)>& use_;
  size_t number_ = 0;
  std::vector<Column> columns_;  // of each field; kColumns: passed over
  CsvRow row_;
  std::string values_[kColumns];
  int64_t newest_ = INT64_MIN;
  PaymentFaults faults_;
};

}  // namespace

size_t PaymentFaults::rows() const {
  size_t rows = 0;
  for (const Fault& fault : faults) rows += fault.rows;
  return rows;
}

Result<int64_t> ParsePaymentTime(std::string_view text) {
  const auto wrong = [] { return MakeError(ErrorCode::kInvalidArgument, "time is none"); };
  const auto number = [&](size_t at, size_t n, int& out) {
    if (at + n > text.size()) return false;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + n, out);
    return error == std::errc() && end == text.data() + at + n;
  };
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (text.size() >= 10 && text[4] == '-' && text[7] == '-') {
    if (!number(0, 4, year) || !number(5, 2, month) || !number(8, 2, day)) return wrong();
    const std::chrono::year_month_day date{std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok()) return wrong();
    if (text.size() > 10) {
      if (text.size() < 16 || (text[10] != ' ' && text[10] != 'T') || text[13] != ':') return wrong();
      if (!number(11, 2, hour) || !number(14, 2, minute)) return wrong();
      if (text.size() > 16 && text[16] == ':' && !number(17, 2, second)) return wrong();
      std::string_view rest =
          text.substr(std::min(text.size(), text.size() > 16 && text[16] == ':' ? size_t{19} : size_t{16}));
      if (rest.starts_with('.'))
        rest.remove_prefix(std::min(rest.find_first_not_of("0123456789", 1), rest.size()));
      if (!rest.empty() && rest != "Z" && rest != "+00:00") return wrong();
      if (hour > 23 || minute > 59 || second > 60 || hour < 0 || minute < 0 || second < 0) return wrong();
    }
    const auto days = std::chrono::sys_days(date).time_since_epoch().count();
    return int64_t{days} * kDaySeconds + hour * 3600 + minute * 60 + second;
  }
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || std::abs(seconds) > 100'000'000'000)
    return wrong();
  return seconds;
}

std::string PaymentTimeText(int64_t time) {
  const auto point = std::chrono::sys_seconds(std::chrono::seconds(time));
  const auto day = std::chrono::floor<std::chrono::days>(point);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(point - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

Result<PaymentFaults> ReadPayments(std::istream& stream, std::string_view source,
                                   const std::function<void(Payment&&)>& use) {
  return PaymentFileReader(stream, source, use).Run(std::nullopt);
}

Result<PaymentFaults> ReadPayments(const std::filesystem::path& path,
                                   const std::function<void(Payment&&)>& use) {
  if (path == "-") return ReadPayments(std::cin, "standard input", use);
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return MakeError(ErrorCode::kNotFound, "cannot read {}", path.string());
  const std::string extension = path.extension().string();
  std::optional<bool> csv;
  if (extension == ".csv") csv = true;
  if (extension == ".jsonl" || extension == ".json") csv = false;
  return PaymentFileReader(stream, path.string(), use).Run(csv);
}

}  // namespace sotto
