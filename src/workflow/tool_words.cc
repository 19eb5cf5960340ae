#include "workflow/tool_words.h"

#include <algorithm>
#include <span>

#include "text/normalise.h"

namespace sotto {
namespace {

using Words = std::vector<std::string_view>;

bool IsFieldStart(std::string_view word) { return word.find('{') != std::string_view::npos; }

// The field's name in "{amount:money}" or "[{size}".
std::string_view FieldName(std::string_view word) {
  const size_t begin = word.find('{') + 1;
  return word.substr(begin, word.find_first_of(":}", begin) - begin);
}

// Words that would make something else of an answer are nobody's part of a yes.
bool IsHarmless(const LanguageData& language, std::string_view word) {
  const Words words{word};
  return !language.no.Found(words) && !language.unsure.Found(words) && !language.change.Found(words) &&
         !language.questions.Found(words) && !language.wait.Found(words) && !language.drop.Found(words) &&
         !language.later.Found(words);
}

class Collector {
 public:
  Collector(const Workflow& workflow, const ToolDef& tool)
      : language_(*workflow.language_data), workflow_(workflow), tool_(tool) {}

  ToolWords Collect() {
    made_.names.AddWords(workflow_.assistant.name);
    AddActs(PlainWords(tool_.name));
    AddActs(tool_.title);
    for (const std::string& text : tool_.confirm) AddActs(text);
    AddObjects(PlainWords(tool_.name));
    AddObjects(tool_.title);
    for (const Slot& slot : tool_.slots) {
      AddObjects(PlainWords(slot.name));
      AddSlot(slot);
    }
    for (const std::string& text : tool_.confirm) AddMarkers(text);
    for (const std::string& text : tool_.examples) AddMarkers(text);
    for (const Slot& slot : tool_.slots) {
      for (const std::string& text : slot.phrases) AddMarkers(text);
    }
    return std::move(made_);
  }

 private:
  // The act that the text's first word names.
  void AddActs(std::string_view text) {
    const std::string spoken = NormaliseSpoken(text);
    const Words words = SplitWords(spoken);
    if (words.empty()) return;
    const auto named = [&](const ActWords& act, bool first) {
      const size_t n = first ? 1 : act.verbs.size();
      return std::find(act.verbs.begin(), act.verbs.begin() + static_cast<std::ptrdiff_t>(n), words[0]) !=
             act.verbs.begin() + static_cast<std::ptrdiff_t>(n);
    };
    for (const bool first : {true, false}) {
      bool found = false;
      for (const ActWords& act : language_.acts) {
        if (!named(act, first)) continue;
        found = true;
        for (const std::string& verb : act.verbs) made_.verbs.AddWords(verb);
        for (const std::string& past : act.past) made_.past.AddWords(past);
        for (const std::string& noun : act.nouns) made_.nouns.AddWords(noun);
      }
      if (found) return;
    }
    // A verb the language does not know: itself. A read-back need not begin with one.
    if (text != tool_.title && text != PlainWords(tool_.name)) return;
    if (IsHarmless(language_, words[0])) made_.verbs.AddWords(words[0]);
  }

  void AddObjects(std::string_view text) {
    const std::string spoken = NormaliseSpoken(text);
    const Words words = SplitWords(spoken);
    const bool names_act = text == tool_.title || text == PlainWords(tool_.name);
    for (size_t i = names_act ? 1 : 0; i < words.size(); ++i) {
      const bool small = language_.determiners.MatchesAt(words, i) > 0 || words[i].size() < 2;
      if (!small && IsHarmless(language_, words[i])) made_.objects.AddWords(words[i]);
    }
  }

  void AddSlot(const Slot& slot) {
    ToolWords::Slot words;
    words.name = slot.name;
    words.entity = slot.entity_name;
    words.number = slot.entity.type == Entity::Type::kMoney || slot.entity.type == Entity::Type::kNumber;
    words.digits = slot.entity.type == Entity::Type::kDigits;
    for (const EntityValue& value : slot.entity.values) {
      ToolWords::Value said{value.value, {}};
      said.forms.AddWords(PlainWords(value.value));
      said.forms.AddWords(value.spoken);
      for (const std::string& synonym : value.synonyms) said.forms.AddWords(synonym);
      words.values.push_back(std::move(said));
    }
    made_.slots.push_back(std::move(words));
  }

  // "... out of my {from_account}": "of" and "out of" are markers of that slot.
  void AddMarkers(std::string_view text) {
    const Words words = SplitWords(text);
    for (size_t i = 0; i < words.size(); ++i) {
      if (!IsFieldStart(words[i])) continue;
      const std::string_view name = FieldName(words[i]);
      const auto slot = std::find_if(made_.slots.begin(), made_.slots.end(),
                                     [&](const ToolWords::Slot& known) { return known.name == name; });
      if (slot == made_.slots.end()) continue;
      size_t end = i;
      while (end > 0 && language_.determiners.MatchesAt(words, end - 1) > 0) --end;
      std::string marker;
      for (size_t n = 1; n <= 2 && n <= end; ++n) {
        const std::string_view word = words[end - n];
        const std::string spoken = NormaliseSpoken(word);
        if (IsFieldStart(word) || spoken.empty() || !IsHarmless(language_, spoken)) break;
        marker = marker.empty() ? spoken : spoken + " " + marker;
        slot->markers.AddWords(marker);
      }
    }
  }

  const LanguageData& language_;
  const Workflow& workflow_;
  const ToolDef& tool_;
  ToolWords made_;
};

}  // namespace

ToolWords WordsOf(const Workflow& workflow, const ToolDef& tool) {
  return Collector(workflow, tool).Collect();
}

std::string Gerund(const std::string& title) {
  const size_t space = title.find(' ');
  std::string verb = title.substr(0, space);
  const std::string rest = space == std::string::npos ? "" : title.substr(space);
  const auto vowel = [](char c) { return std::string_view("aeiou").find(c) != std::string_view::npos; };
  const size_t n = verb.size();
  if (n < 2) return title;
  static const std::vector<std::string> doubled{"get",    "set",      "put",    "cut",  "run",   "stop",
                                                "plan",   "transfer", "submit", "drop", "refer", "begin",
                                                "cancel", "shut",     "let",    "swap"};
  if (verb.ends_with("ie")) {
    verb.replace(n - 2, 2, "ying");
  } else if (verb.ends_with("e") && !verb.ends_with("ee") && !verb.ends_with("oe")) {
    verb.replace(n - 1, 1, "ing");
  } else if (std::find(doubled.begin(), doubled.end(), verb) != doubled.end() && !vowel(verb[n - 1])) {
    verb += verb.back();
    verb += "ing";
  } else {
    verb += "ing";
  }
  return verb + rest;
}

}  // namespace sotto
