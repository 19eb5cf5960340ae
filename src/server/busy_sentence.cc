#include "server/busy_sentence.h"

#include <algorithm>
#include <array>

namespace sotto {
namespace {

constexpr int kSilenceAfter = 30;  // frames: what the line still holds is heard before it is hung up

}  // namespace

bool BusySentence::Step(Duration) {
  std::array<float, kFrameSamples> frame{};
  const size_t size = sentence_ == nullptr ? 0 : sentence_->size();
  const size_t n = std::min(frame.size(), size - position_);
  if (n > 0) std::copy_n(sentence_->begin() + static_cast<std::ptrdiff_t>(position_), n, frame.begin());
  position_ += n;
  line_->OnFrame(frame, n == 0);
  if (position_ < size || ++after_ < kSilenceAfter) return true;
  over_();
  return false;
}

}  // namespace sotto
