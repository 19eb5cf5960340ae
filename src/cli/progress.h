// A progress bar on stderr for work of more than two seconds: only where stderr is a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace sotto {

class ProgressBar {
 public:
  explicit ProgressBar(std::string title);
  ~ProgressBar() { Finish(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // `note` stands after the bar ("loss 0.412").
  void Update(size_t done, size_t total, std::string_view note = {});
  // Clears the line.
  void Finish();

 private:
  const std::string title_;
  const bool terminal_;
  const SystemClock clock_;
  const TimePoint start_;
  TimePoint drawn_;
  bool visible_ = false;
};

}  // namespace sotto
