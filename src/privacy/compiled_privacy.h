// The files of src/privacy/languages/, compiled in (CMakeLists.txt writes compiled_privacy.cc). Internal to
// the privacy layer.
#pragma once

#include <span>
#include <string_view>

#include "privacy/language.h"

namespace sotto {

struct CompiledPrivacy {
  std::string_view code;
  std::span<const PrivacyFile> files;
};
std::span<const CompiledPrivacy> CompiledPrivacyLanguages();

}  // namespace sotto
