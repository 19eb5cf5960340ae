#include "text/caller_phrases.h"

#include <map>

#include "base/mapped_file.h"
#include "text/compiled_languages.h"
#include "text/list_file.h"

namespace sotto {
namespace {

constexpr std::string_view kFile = "callers.txt";

// "{} account" with the account in parentheses: the parentheses name the thing.
Result<CallerPhrases::Frame> ParseFrame(std::string_view line) {
  CallerPhrases::Frame frame;
  for (const char c : line) {
    if (c != '(' && c != ')') frame.text += c;
  }
  const size_t open = line.find('(');
  const size_t close = line.find(')');
  if (frame.text.find("{}") == std::string::npos ||
      (open == std::string_view::npos) != (close == std::string_view::npos) ||
      (open != std::string_view::npos && (close < open || close + 1 != line.size()))) {
    return MakeError(ErrorCode::kCorrupt,
                     "a choice has {{}} where the value stands and at most a last word in parentheses, not "
                     "\"{}\"",
                     line);
  }
  if (open != std::string_view::npos) frame.thing = line.substr(open + 1, close - open - 1);
  return frame;
}

}  // namespace

Result<CallerPhrases> CallerPhrases::Parse(std::string_view text, std::string_view source) {
  CallerPhrases phrases;
  const std::map<std::string_view, std::vector<std::string>*> lists = {
      {"controls", &phrases.controls},
      {"yes", &phrases.yes},
      {"no", &phrases.no},
      {"before requests", &phrases.before_requests},
      {"after requests", &phrases.after_requests},
      {"before digits", &phrases.before_digits},
      {"before amounts", &phrases.before_amounts},
      {"days", &phrases.days},
      {"times", &phrases.times},
      {"lengths", &phrases.lengths},
      {"ranges", &phrases.ranges}};
  std::vector<std::string>* list = nullptr;  // null: [choices]
  const auto section = [&](std::string_view name) -> Result<void> {
    const auto found = lists.find(name);
    list = found == lists.end() ? nullptr : found->second;
    if (list != nullptr || name == "choices") return {};
    std::string known = "choices";
    for (const auto& [other, unused] : lists) known += fmt::format(", {}", other);
    return MakeError(ErrorCode::kCorrupt, "no section [{}]; there are {}", name, known);
  };
  const auto line = [&](std::string_view phrase) -> Result<void> {
    if (list != nullptr) {
      list->emplace_back(phrase);
      return {};
    }
    SOTTO_ASSIGN_OR_RETURN(Frame frame, ParseFrame(phrase));
    phrases.choices.push_back(std::move(frame));
    return {};
  };
  SOTTO_RETURN_IF_ERROR(ReadListFile(text, source, {section, line}));
  return phrases;
}

Result<CallerPhrases> CallerPhrases::Read(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kFile;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return CallerPhrases();
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  return Parse(text, path.string());
}

Result<CallerPhrases> CallerPhrases::For(std::string_view code) {
  for (const CompiledLanguage& language : CompiledLanguages()) {
    if (language.code != code) continue;
    for (const LanguageFile& file : language.files) {
      if (file.name == kFile) return Parse(file.text, fmt::format("src/text/languages/{}/{}", code, kFile));
    }
  }
  return CallerPhrases();
}

}  // namespace sotto
