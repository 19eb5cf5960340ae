#include "text/holidays.h"

namespace sotto {
namespace {

using std::chrono::days;

// The n-th (from 1; -1: the last) of a weekday (0: Sunday) in a month.
Date Nth(int year, unsigned month, unsigned weekday, int n) {
  const std::chrono::year y(year);
  const std::chrono::month m(month);
  if (n < 0) return Date(y / m / std::chrono::weekday(weekday)[std::chrono::last]);
  return Date(y / m / std::chrono::weekday(weekday)[static_cast<unsigned>(n)]);
}

Date Thanksgiving(int year) { return Nth(year, 11, 4, 4); }

constexpr MovableHoliday kMovable[] = {
    {"thanksgiving", Thanksgiving},
    {"thanksgiving day", Thanksgiving},
    {"black friday", [](int year) { return Thanksgiving(year) + days(1); }},
    {"cyber monday", [](int year) { return Thanksgiving(year) + days(4); }},
    {"labor day", [](int year) { return Nth(year, 9, 1, 1); }},
    {"labour day", [](int year) { return Nth(year, 9, 1, 1); }},
    {"memorial day", [](int year) { return Nth(year, 5, 1, -1); }},
    {"columbus day", [](int year) { return Nth(year, 10, 1, 2); }},
    {"presidents day", [](int year) { return Nth(year, 2, 1, 3); }},
    {"washingtons birthday", [](int year) { return Nth(year, 2, 1, 3); }},
    {"martin luther king day", [](int year) { return Nth(year, 1, 1, 3); }},
    {"martin luther king jr day", [](int year) { return Nth(year, 1, 1, 3); }},
    {"mlk day", [](int year) { return Nth(year, 1, 1, 3); }},
    {"mothers day", [](int year) { return Nth(year, 5, 0, 2); }},
    {"mother day", [](int year) { return Nth(year, 5, 0, 2); }},
    {"fathers day", [](int year) { return Nth(year, 6, 0, 3); }},
    {"father day", [](int year) { return Nth(year, 6, 0, 3); }},
    {"easter", EasterSunday},
    {"easter day", EasterSunday},
    {"easter sunday", EasterSunday},
    {"good friday", [](int year) { return EasterSunday(year) - days(2); }},
    {"easter monday", [](int year) { return EasterSunday(year) + days(1); }},
    {"ash wednesday", [](int year) { return EasterSunday(year) - days(46); }},
    {"shrove tuesday", [](int year) { return EasterSunday(year) - days(47); }},
    {"palm sunday", [](int year) { return EasterSunday(year) - days(7); }},
    {"ascension day", [](int year) { return EasterSunday(year) + days(39); }},
    {"pentecost", [](int year) { return EasterSunday(year) + days(49); }},
    {"whit monday", [](int year) { return EasterSunday(year) + days(50); }}};

}  // namespace

std::span<const MovableHoliday> MovableHolidays() { return kMovable; }

Date EasterSunday(int year) {
  const int a = year % 19;
  const int b = year / 100;
  const int c = year % 100;
  const int h = (19 * a + b - b / 4 - (b - (b + 8) / 25 + 1) / 3 + 15) % 30;
  const int l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7;
  const int m = (a + 11 * h + 22 * l) / 451;
  const int n = h + l - 7 * m + 114;
  return Date(std::chrono::year(year) / std::chrono::month(static_cast<unsigned>(n / 31)) /
              std::chrono::day(static_cast<unsigned>(n % 31 + 1)));
}

}  // namespace sotto
