// What a message left on a machine says: who called, on which number they can be called back, what they want, and when.
// Each is a stretch of the message with its place; what was not said is not there. Rules over what privacy/, text/ and
// specialist/formats.h read. Immutable; any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/calendar.h"
#include "core/json.h"
#include "privacy/detector.h"

namespace sotto {

struct VoicemailOptions {
  std::vector<std::string> regions = {"US", "GB"};  // whose telephone numbers need no country code
};

// {"who": {"text", "begin", "end"}, "callback": {..., "value", "valid"}, "wish": {...}, "when": [{..., "value"}]}; any of
// them may be absent.
Json SummariseVoicemail(const Detector& detector, std::string_view text, Date today,
                        const VoicemailOptions& options);

}  // namespace sotto
