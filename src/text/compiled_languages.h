// The files of src/text/languages/, compiled in (CMakeLists.txt writes compiled_languages.cc). Internal to
// the text layer.
#pragma once

#include <span>
#include <string_view>

#include "text/language_data.h"

namespace sotto {

struct CompiledLanguage {
  std::string_view code;
  std::span<const LanguageFile> files;
};
std::span<const CompiledLanguage> CompiledLanguages();

}  // namespace sotto
