// Whether somebody may have said yes. A model alone must not decide that a person agreed: money moves on it.
// So "yes" is grounded like an amount: it can only be understood where a word of consent was said. The model
// still decides whether it was meant ("yes but make it three hundred", "no that's not right").
#pragma once

#include <string_view>

namespace sotto {

// `spoken`: text in spoken form (text/normalise.h), English. Pure, any thread.
bool HasWordOfConsent(std::string_view spoken);

}  // namespace sotto
