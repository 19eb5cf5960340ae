#include "flywheel/log_time.h"

#include <charconv>
#include <cmath>

#include "base/check.h"
#include "base/utc.h"

namespace sotto {
namespace {

// Reads exactly `digits` digits.
bool TakeNumber(std::string_view& text, size_t digits, int& number) {
  if (text.size() < digits) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, number);
  if (error != std::errc() || end != text.data() + digits || text[0] == '-') return false;
  text.remove_prefix(digits);
  return true;
}

bool TakeChar(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

std::string StampOf(std::chrono::sys_seconds time) {
  return UtcStamp(std::chrono::time_point_cast<std::chrono::system_clock::duration>(time));
}

}  // namespace

std::optional<std::chrono::sys_seconds> ParseUtc(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!TakeNumber(text, 4, year) || !TakeChar(text, '-') || !TakeNumber(text, 2, month) ||
      !TakeChar(text, '-') || !TakeNumber(text, 2, day))
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  int offset = 0;
  if (!text.empty()) {
    if (!TakeChar(text, 'T') && !TakeChar(text, ' ')) return std::nullopt;
    if (!TakeNumber(text, 2, hour) || !TakeChar(text, ':') || !TakeNumber(text, 2, minute))
      return std::nullopt;
    if (TakeChar(text, ':') && !TakeNumber(text, 2, second)) return std::nullopt;
    if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
    if (TakeChar(text, '.')) {
      while (!text.empty() && text[0] >= '0' && text[0] <= '9') text.remove_prefix(1);
    }
    const bool plus = !text.empty() && text[0] == '+';
    if (plus || (!text.empty() && text[0] == '-')) {
      text.remove_prefix(1);
      int hours = 0, minutes = 0;
      if (!TakeNumber(text, 2, hours)) return std::nullopt;
      TakeChar(text, ':');
      if (!text.empty() && !TakeNumber(text, 2, minutes)) return std::nullopt;
      offset = (plus ? 1 : -1) * (hours * 60 + minutes);
    } else {
      TakeChar(text, 'Z');
    }
    if (!text.empty()) return std::nullopt;
  }
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute - offset) +
         std::chrono::seconds(second);
}

std::string UtcOfSeconds(double seconds) {
  if (seconds > 1e11) seconds /= 1000;
  constexpr double kYear10000 = 253402300800.0;
  if (!std::isfinite(seconds) || seconds <= 0 || seconds >= kYear10000) return {};
  return StampOf(std::chrono::sys_seconds(std::chrono::seconds(static_cast<int64_t>(seconds))));
}

Result<std::string> UtcFromUser(std::string_view text, std::string_view what) {
  const auto time = ParseUtc(text);
  if (time) return StampOf(*time);
  return MakeError(ErrorCode::kInvalidArgument,
                   "{} should be a day or a time in UTC: 2026-11-30 or 2026-11-30T07:45:00Z", what);
}

std::string DaysBefore(std::string_view at, int days) {
  const auto time = ParseUtc(at);
  SOTTO_CHECK(time.has_value(), "'{}' is no time", at);
  return StampOf(*time - std::chrono::days(days));
}

std::string UtcNow() { return UtcStamp(std::chrono::system_clock::now()); }

}  // namespace sotto
