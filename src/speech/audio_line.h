// What telephone lines, codecs and microphones make of a recording: for benchmarks and tests.
//
//   gain:-26     26 dB quieter
//   clip:20      20 dB louder and clipped at full scale
//   8k           8 kHz and back
//   ulaw, alaw   8 kHz, ITU-T G.711
//   gsm          8 kHz, GSM 06.10 full rate
//   opus:12000   Opus at 12 kbit/s
//   loss:5       Opus at 24 kbit/s, 5 % of the packets lost and concealed
//
// Several by '+', one after the other: "gain:-20+ulaw". Pure functions: any thread.
#pragma once

#include <string_view>

#include "base/error.h"
#include "core/audio.h"

namespace sotto {

// REQUIRES: 16 kHz. Comes back at 16 kHz. The error names the line and lists those that there are.
Result<Audio> ThroughLine(const Audio& audio, std::string_view line);

}  // namespace sotto
