#include "learn/phrase_book.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "base/check.h"
#include "base/mapped_file.h"
#include "base/utf8.h"
#include "learn/examples.h"
#include "learn/general_book.h"
#include "learn/paraphrase.h"
#include "text/normalise.h"

namespace sotto {
namespace {

std::string At(const std::string& source, const YAML::Node& node) {
  return fmt::format("{}:{}", source, node.Mark().line + 1);
}

Result<void> AddPatterns(const YAML::Node& list, const std::string& source, const Macros& macros,
                         std::vector<Pattern>& to) {
  if (!list) return {};
  if (!list.IsSequence())
    return MakeError(ErrorCode::kInvalidArgument, "{}: expected a list of patterns", At(source, list));
  for (const YAML::Node& item : list) {
    if (!item.IsScalar())
      return MakeError(ErrorCode::kInvalidArgument, "{}: a pattern must be one string (quote it)",
                       At(source, item));
    auto pattern = Pattern::Parse(item.Scalar(), macros);
    if (!pattern) return WithContext(pattern.error(), At(source, item));
    to.push_back(*std::move(pattern));
  }
  return {};
}

Result<std::vector<std::string>> ReadWords(const YAML::Node& list, const std::string& source) {
  std::vector<std::string> words;
  for (const YAML::Node& item : list)
    if (item.IsScalar()) words.push_back(item.Scalar());
  if (!list.IsSequence() || words.size() != list.size())
    return MakeError(ErrorCode::kInvalidArgument, "{}: expected a list of words", At(source, list));
  return words;
}

Result<void> CheckKeys(const YAML::Node& map, const std::string& source,
                       std::initializer_list<std::string_view> known) {
  if (!map.IsMap()) return MakeError(ErrorCode::kInvalidArgument, "{}: expected a map", At(source, map));
  for (const auto& item : map) {
    const std::string key = item.first.Scalar();
    if (std::find(known.begin(), known.end(), key) == known.end())
      return MakeError(ErrorCode::kInvalidArgument, "{}: unknown key '{}'", At(source, item.first), key);
  }
  return {};
}

// Every slot that a pattern names must be one of the tool's, every implied enum value one of the slot's.
Result<void> CheckAgainst(const ToolDef& tool, const std::vector<Pattern>& patterns,
                          const std::string& source) {
  for (const Pattern& pattern : patterns)
    for (const std::string& slot : pattern.slots())
      if (tool.FindSlot(slot) == nullptr)
        return MakeError(ErrorCode::kInvalidArgument, "{}: tool '{}' has no slot '{}' (in '{}')", source,
                         tool.name, slot, pattern.source());
  return {};
}

}  // namespace

const std::vector<Pattern>& ToolPhrases::of(TurnKind kind) const {
  switch (kind) {
    case TurnKind::kAsk:
      return ask;
    case TurnKind::kNext:
      return next;
    case TurnKind::kFill:
      return fill;
    case TurnKind::kAgain:
      return again;
  }
  return ask;
}

Result<void> PhraseBook::Merge(std::string_view yaml, const std::string& source, const Workflow* workflow) {
  YAML::Node root;
  try {
    root = YAML::Load(std::string(yaml));
  } catch (const YAML::Exception& error) {
    return MakeError(ErrorCode::kInvalidArgument, "{}:{}: {}", source, error.mark.line + 1, error.msg);
  }
  if (root.IsNull()) return {};
  SOTTO_RETURN_IF_ERROR(CheckKeys(
      root, source,
      {"macros", "tools", "values", "names", "general", "examples", "same", "value_words", "verbs"}));
  if (root["examples"]) use_examples_ = root["examples"].as<bool>(true);
  if (root["same"] && !root["same"].IsSequence())
    return MakeError(ErrorCode::kInvalidArgument, "{}: 'same' should be a list of lists of words",
                     At(source, root["same"]));
  if (root["same"])
    for (const YAML::Node& group : root["same"]) {
      SOTTO_ASSIGN_OR_RETURN(const std::vector<std::string> words, ReadWords(group, source));
      AddGroup(words);
    }
  if (root["value_words"])
    for (const auto& item : root["value_words"]) {
      SOTTO_ASSIGN_OR_RETURN(general_value_words_[item.first.Scalar()], ReadWords(item.second, source));
    }
  if (root["verbs"])
    for (const YAML::Node& verb : root["verbs"]) verbs_.insert(verb.Scalar());
  if (root["macros"])
    for (const auto& item : root["macros"]) macros_[item.first.Scalar()] = item.second.Scalar();
  if (root["tools"]) {
    for (const auto& item : root["tools"]) {
      const std::string name = item.first.Scalar();
      const ToolDef* tool = workflow == nullptr ? nullptr : workflow->FindTool(name);
      if (workflow != nullptr && tool == nullptr)
        return MakeError(ErrorCode::kInvalidArgument, "{}: the workflow has no tool '{}'",
                         At(source, item.first), name);
      SOTTO_RETURN_IF_ERROR(CheckKeys(item.second, source, {"ask", "next", "fill", "again", "noun"}));
      ToolPhrases& phrases = tools_[name];
      SOTTO_RETURN_IF_ERROR(AddPatterns(item.second["ask"], source, macros_, phrases.ask));
      SOTTO_RETURN_IF_ERROR(AddPatterns(item.second["next"], source, macros_, phrases.next));
      SOTTO_RETURN_IF_ERROR(AddPatterns(item.second["fill"], source, macros_, phrases.fill));
      SOTTO_RETURN_IF_ERROR(AddPatterns(item.second["again"], source, macros_, phrases.again));
      SOTTO_RETURN_IF_ERROR(AddPatterns(item.second["noun"], source, macros_, phrases.nouns));
      if (tool == nullptr) continue;
      for (const TurnKind kind : {TurnKind::kAsk, TurnKind::kNext, TurnKind::kFill, TurnKind::kAgain})
        SOTTO_RETURN_IF_ERROR(CheckAgainst(*tool, phrases.of(kind), source));
    }
  }
  if (root["values"])
    for (const auto& slot : root["values"])
      for (const auto& value : slot.second)
        SOTTO_RETURN_IF_ERROR(AddPatterns(value.second, source, macros_,
                                          values_[slot.first.Scalar() + "=" + value.first.Scalar()]));
  if (root["names"])
    for (const auto& slot : root["names"])
      SOTTO_RETURN_IF_ERROR(AddPatterns(slot.second, source, macros_, names_[slot.first.Scalar()]));
  if (root["general"])
    for (const auto& list : root["general"])
      SOTTO_RETURN_IF_ERROR(AddPatterns(list.second, source, macros_, general_[list.first.Scalar()]));
  return {};
}

void PhraseBook::AddGroup(const std::vector<std::string>& group) {
  for (const std::string& words : group) {
    std::vector<std::string>& others = synonyms_[words];
    for (const std::string& other : group)
      if (other != words && std::find(others.begin(), others.end(), other) == others.end())
        others.push_back(other);
  }
}

// General words for the slot's values, but nothing that may mean another of them.
void PhraseBook::AddValueWords(const Slot& slot) {
  const auto known = [&](const EntityValue& value) {
    std::vector<std::string> words;
    for (const std::string& name : {value.value, value.spoken}) {
      const auto found = general_value_words_.find(name);
      if (found != general_value_words_.end()) words = found->second;
    }
    if (words.empty())
      if (const auto* others = Synonyms(PlainWords(value.value))) words = *others;
    return words;
  };
  for (const EntityValue& value : slot.entity.values) {
    std::vector<std::string> words = known(value);
    for (const EntityValue& other : slot.entity.values) {
      if (other.value == value.value) continue;
      for (const auto& taken : {ListedForms(other), known(other)})
        std::erase_if(words, [&](const std::string& word) {
          return std::find(taken.begin(), taken.end(), word) != taken.end();
        });
    }
    if (!words.empty()) value_words_[fmt::format("{}={}", slot.name, value.value)] = std::move(words);
  }
}

Result<PhraseBook> PhraseBook::Load(const Workflow& workflow) {
  PhraseBook book;
  SOTTO_RETURN_IF_ERROR(book.Merge(kGeneralBook, "general.yaml", nullptr));
  SOTTO_RETURN_IF_ERROR(book.Merge(kThesaurus, "thesaurus.yaml", nullptr));
  const std::filesystem::path path = workflow.folder / "phrases.yaml";
  if (!workflow.folder.empty() && std::filesystem::exists(path)) {
    SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
    if (const size_t at = FindInvalidUtf8(text); at != std::string::npos) {
      return MakeError(ErrorCode::kCorrupt, "{}:{}: a byte that is not UTF-8", path.string(),
                       1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
    }
    SOTTO_RETURN_IF_ERROR(book.Merge(text, path.string(), &workflow));
  }
  // What the workflow has a meaning of its own for is no other word for something else.
  book.own_words_ = OwnWords(workflow);
  for (auto& [words, others] : book.synonyms_)
    std::erase_if(others, [&](const std::string& other) { return book.IsAboutWorkflow(other); });
  for (const ToolDef& tool : workflow.tools)
    for (const Slot& slot : tool.slots) book.AddValueWords(slot);
  for (const ToolDef& tool : workflow.tools) {
    ToolPhrases& phrases = book.tools_[tool.name];
    if (!book.use_examples_ && !phrases.ask.empty()) continue;
    for (const std::string& example : tool.examples) {
      auto pattern = Pattern::Parse(
          Paraphrase(book, tool, TurnKind::kAsk, ExampleAsPattern(book, tool, example)), book.macros_);
      if (!pattern) return WithContext(pattern.error(), fmt::format("example of tool '{}'", tool.name));
      phrases.ask.push_back(*std::move(pattern));
    }
    for (const Slot& slot : tool.slots)
      for (const std::string& phrase : slot.phrases) {
        auto pattern = Pattern::Parse(ExampleAsPattern(book, tool, phrase), book.macros_);
        if (!pattern) return WithContext(pattern.error(), fmt::format("phrase of slot '{}'", slot.name));
        phrases.fill.push_back(*std::move(pattern));
      }
    SOTTO_RETURN_IF_ERROR(CheckAgainst(tool, phrases.ask, "examples"));
  }
  return book;
}

const ToolPhrases& PhraseBook::ForTool(std::string_view tool) const {
  static const ToolPhrases kNone;
  const auto found = tools_.find(tool);
  return found == tools_.end() ? kNone : found->second;
}

void PhraseBook::AddPattern(std::string_view tool, TurnKind kind, Pattern pattern) {
  ToolPhrases& phrases = tools_[std::string(tool)];
  std::vector<Pattern>& list = kind == TurnKind::kAsk    ? phrases.ask
                               : kind == TurnKind::kNext ? phrases.next
                               : kind == TurnKind::kFill ? phrases.fill
                                                         : phrases.again;
  list.push_back(std::move(pattern));
}

namespace {

template <typename Map>
const std::vector<Pattern>& Find(const Map& map, std::string_view key) {
  static const std::vector<Pattern> kNone;
  const auto found = map.find(key);
  return found == map.end() ? kNone : found->second;
}

}  // namespace

const std::vector<Pattern>& PhraseBook::ValueForms(std::string_view slot, std::string_view value,
                                                   std::string_view form) const {
  if (!form.empty()) {
    const auto& forms = Find(values_, fmt::format("{}={}:{}", slot, value, form));
    if (!forms.empty()) return forms;
  }
  return Find(values_, fmt::format("{}={}", slot, value));
}

void PhraseBook::AddValueForm(std::string_view slot, std::string_view value, Pattern pattern) {
  values_[fmt::format("{}={}", slot, value)].push_back(std::move(pattern));
}

const std::vector<std::string>* PhraseBook::Synonyms(std::string_view words) const {
  const auto found = synonyms_.find(words);
  return found == synonyms_.end() || found->second.empty() ? nullptr : &found->second;
}
const std::vector<std::string>* PhraseBook::ValueWords(std::string_view slot, std::string_view value) const {
  const auto found = value_words_.find(fmt::format("{}={}", slot, value));
  return found == value_words_.end() ? nullptr : &found->second;
}

const std::vector<Pattern>& PhraseBook::Names(std::string_view slot) const { return Find(names_, slot); }
const std::vector<Pattern>& PhraseBook::General(std::string_view name) const { return Find(general_, name); }

size_t PhraseBook::n_patterns() const {
  size_t count = 0;
  for (const auto& [name, phrases] : tools_)
    count += phrases.ask.size() + phrases.next.size() + phrases.fill.size() + phrases.again.size();
  for (const auto& [name, list] : general_) count += list.size();
  return count;
}

}  // namespace sotto
