#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace sotto {
namespace {

constexpr std::chrono::seconds kPatience{2};
constexpr std::chrono::milliseconds kRedraw{100};
constexpr size_t kWidth = 30;

}  // namespace

ProgressBar::ProgressBar(std::string title)
    : title_(std::move(title)),
      terminal_(::isatty(STDERR_FILENO) != 0),
      start_(clock_.Now()),
      drawn_(start_) {}

void ProgressBar::Update(size_t done, size_t total, std::string_view note) {
  const TimePoint now = clock_.Now();
  if (!terminal_ || total == 0 || now - start_ < kPatience || now - drawn_ < kRedraw) return;
  drawn_ = now;
  visible_ = true;
  const size_t filled = std::min(kWidth, kWidth * done / total);
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double left =
      done == 0 ? 0
                : seconds * static_cast<double>(total - std::min(done, total)) / static_cast<double>(done);
  fmt::print(stderr, "\r\033[K{} [{}{}] {}/{}  {:.0f} s left  {}", title_, std::string(filled, '#'),
             std::string(kWidth - filled, '.'), done, total, left, note);
  std::fflush(stderr);
}

void ProgressBar::Finish() {
  if (!visible_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  visible_ = false;
}

}  // namespace sotto
