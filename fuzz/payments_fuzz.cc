// Payments of any bytes are read or refused in one line; what is read can be compared with the past.
#include <sstream>

#include "base/check.h"
#include "one_line.h"
#include "screen/profiles.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::istringstream stream(std::string(reinterpret_cast<const char*>(data), size));
  sotto::Profiles profiles;
  const auto faults = sotto::ReadPayments(stream, "input", [&](sotto::Payment&& one) {
    for (const float feature : profiles.Take(one)) SOTTO_CHECK(feature == feature);
  });
  sotto::CheckError(faults);
  if (faults) {
    for (const auto& fault : faults->faults) SOTTO_CHECK(fault.first.find('\n') == std::string::npos);
  }
  return 0;
}
