#include "text/voicemail_phrases.h"

#include <map>
#include <string>

#include "base/check.h"
#include "text/compiled_languages.h"
#include "text/list_file.h"

namespace sotto {
namespace {

PhraseList ParseVoicemail(const LanguageFile& file, std::string_view code) {
  PhraseList machine;
  const auto section = [](std::string_view name) -> Result<void> {
    if (name == "machine") return {};
    return MakeError(ErrorCode::kCorrupt, "no section [{}]; there is machine", name);
  };
  const auto line = [&machine](std::string_view phrase) { return machine.Add(phrase); };
  const auto read = ReadListFile(file.text, fmt::format("{}/{}", code, file.name), {section, line});
  SOTTO_CHECK(read.has_value(), "{}", read.error().message);  // compiled in
  return machine;
}

}  // namespace

const PhraseList& VoicemailPhrases(std::string_view language) {
  static const auto all = [] {
    std::map<std::string, PhraseList, std::less<>> lists;
    for (const CompiledLanguage& compiled : CompiledLanguages()) {
      for (const LanguageFile& file : compiled.files) {
        if (file.name == "voicemail.txt")
          lists.emplace(std::string(compiled.code), ParseVoicemail(file, compiled.code));
      }
    }
    return lists;
  }();
  static const PhraseList none;
  const auto found = all.find(language);
  return found == all.end() ? none : found->second;
}

}  // namespace sotto
