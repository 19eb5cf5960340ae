#include "speech/endpointer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace sotto {
namespace {

constexpr unsigned kWindowMask = (1u << 10) - 1;

}  // namespace

Result<EndpointOptions> EndpointOptions::FromPolicy(const Json& policy) {
  EndpointOptions options;
  if (!policy.is_object() || !policy.contains("endpointing")) return options;
  const Json& given = policy["endpointing"];
  if (!given.is_object())
    return MakeError(ErrorCode::kInvalidArgument, "endpointing: want a map such as {{open_ms: 600}}");
  const std::array<std::pair<const char*, std::chrono::milliseconds*>, 9> known = {{
      {"open_ms", &options.open},
      {"yes_no_ms", &options.yes_no},
      {"choice_ms", &options.choice},
      {"digits_ms", &options.digits},
      {"amount_ms", &options.amount},
      {"complete_ms", &options.complete},
      {"understood_ms", &options.understood},
      {"no_input_ms", &options.no_input},
      {"max_utterance_ms", &options.max_utterance},
  }};
  for (const auto& [key, value] : given.items()) {
    bool found = false;
    for (const auto& [name, target] : known) {
      if (key != name) continue;
      if (!value.is_number() || value.get<double>() < 50 || value.get<double>() > 600000) {
        return MakeError(ErrorCode::kInvalidArgument,
                         "endpointing: {} wants milliseconds from 50 to 600000, not {}", key, value.dump());
      }
      *target = std::chrono::milliseconds(static_cast<int64_t>(value.get<double>()));
      found = true;
    }
    if (!found) {
      return MakeError(
          ErrorCode::kInvalidArgument,
          "endpointing: no key \"{}\"; there are open_ms, yes_no_ms, choice_ms, digits_ms, amount_ms, "
          "complete_ms, understood_ms, no_input_ms and max_utterance_ms",
          key);
    }
  }
  return options;
}

void Endpointer::Listen(ListeningMode mode) {
  mode_ = mode;
  no_input_running_ = true;
  waiting_frames_ = 0;
}

std::chrono::milliseconds Endpointer::needed() const {
  const std::chrono::milliseconds usual = UsualPause();
  if (known_ == Known::kComplete) return std::min(usual, options_.complete);
  // Digits come in groups: clear is not enough there.
  if (known_ == Known::kUnderstood && mode_ != ListeningMode::kDigits)
    return std::min(usual, options_.understood);
  return usual;
}

std::chrono::milliseconds Endpointer::UsualPause() const {
  if (long_ && (mode_ == ListeningMode::kYesNo || mode_ == ListeningMode::kChoice)) return options_.open;
  switch (mode_) {
    case ListeningMode::kYesNo:
      return options_.yes_no;
    case ListeningMode::kDigits:
      return options_.digits;
    case ListeningMode::kAmount:
      return options_.amount;
    case ListeningMode::kChoice:
      return options_.choice;
    case ListeningMode::kOpen:
      break;
  }
  return options_.open;
}

void Endpointer::Reset() {
  speaking_ = false;
  known_ = Known::kNothing;
  long_ = false;
  history_ = 0;
  silent_frames_ = 0;
  utterance_frames_ = 0;
}

Endpointer::Event Endpointer::Advance(bool voiced) {
  history_ = ((history_ << 1) | (voiced ? 1u : 0u)) & kWindowMask;
  silent_frames_ = voiced ? 0 : silent_frames_ + 1;
  if (!speaking_) {
    if (std::popcount(history_) >= options_.onset_frames) {
      speaking_ = true;
      known_ = Known::kNothing;
      long_ = false;
      utterance_frames_ = 10;
      return Event::kSpeechStart;
    }
    if (no_input_running_ && std::chrono::milliseconds(++waiting_frames_ * 10) >= options_.no_input) {
      no_input_running_ = false;
      return Event::kNoInput;
    }
    return Event::kNone;
  }
  ++utterance_frames_;
  if (silence() >= needed()) {
    Reset();
    return Event::kSpeechEnd;
  }
  if (std::chrono::milliseconds(utterance_frames_ * 10) >= options_.max_utterance) {
    Reset();
    return Event::kTooLong;
  }
  return Event::kNone;
}

}  // namespace sotto
