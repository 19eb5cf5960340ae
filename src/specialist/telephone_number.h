// Telephone numbers by Google's libphonenumber (Apache-2.0, Debian's libphonenumber-dev), which knows every
// country's plan. Optional: without it CheckTelephone() is not there and a specialist that wants it says so. Any
// thread.
#pragma once

#include <string>
#include <string_view>

#include "specialist/formats.h"

namespace sotto {

bool HasTelephoneNumbers();

// `number`: digits with or without a + before them. `region`: where a number without country code is dialled
// ("US"). `value` is E.164 ("+442079460958"), `detail` "GB mobile". REQUIRES: HasTelephoneNumbers().
FormatVerdict CheckTelephone(std::string_view number, std::string_view region);

}  // namespace sotto
