// "Not savings but checking": which value of a slot a sentence means when it names one only to deny it. Pure
// functions; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "core/json.h"
#include "text/consent.h"

namespace sotto {

// `value` was understood for `slot`. Itself, where the sentence says it outside of a denial or does not say
// it; where it is only denied, the one other value of the slot that is said, or nothing.
std::optional<Json> ValueMeant(const LanguageData& language, std::string_view text,
                               const ToolWords::Slot& slot, const Json& value);

// Whether the act of `tool` is named, and only to be denied: "replace it, not cancel it", "instead of cancelling".
bool ActIsDenied(const LanguageData& language, std::string_view text, const ToolWords& tool);

}  // namespace sotto
