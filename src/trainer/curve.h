// The course of a run: a row every few steps, written as CSV and as an SVG picture (loss on top, accuracy
// below).
#pragma once

#include <filesystem>
#include <vector>

#include "base/error.h"

namespace sotto {

struct CurvePoint {
  int64_t step = 0;
  double seconds = 0;
  double loss = 0;            // of call tokens
  double token_accuracy = 0;  // of call tokens, in training
  double tokens_per_second = 0;
  double held_out_exact = -1;  // share of turns; -1: not measured here
};

Result<void> WriteCurve(const std::filesystem::path& folder, const std::vector<CurvePoint>& points);

}  // namespace sotto
