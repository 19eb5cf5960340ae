#include "speech/domain_text.h"

#include <algorithm>
#include <set>

#include "base/mapped_file.h"
#include "base/random.h"
#include "core/json.h"
#include "text/caller_phrases.h"
#include "text/normalise.h"

namespace sotto {
namespace {

// "" of none.
std::string PickOf(const std::vector<std::string>& phrases, Random& random) {
  return phrases.empty() ? "" : random.Pick(phrases);
}

std::string RandomDigits(size_t length, Random& random) {
  std::string digits;
  for (size_t i = 0; i < length; ++i) digits += static_cast<char>('0' + random.Below(10));
  return digits;
}

std::string RandomAmount(Random& random) {
  const size_t kind = random.Below(10);
  int64_t whole = 0;
  if (kind < 3)
    whole = static_cast<int64_t>(random.Below(99) + 1);
  else if (kind < 6)
    whole = static_cast<int64_t>(random.Below(40) + 1) * 25;
  else if (kind < 8)
    whole = static_cast<int64_t>(random.Below(950) + 50);
  else
    whole = static_cast<int64_t>(random.Below(50) + 1) * 100;
  std::string words = NumberWords(whole);
  if (whole >= 100 && whole < 1000 && whole % 100 != 0 && random.Chance(0.3)) {  // "two fifty"
    words = NumberWords(whole / 100) + " " + (whole % 100 < 10 ? "oh " : "") + NumberWords(whole % 100);
  } else if (whole >= 100 && whole < 200 && random.Chance(0.3)) {
    words = "a" + words.substr(3);  // "a hundred"
  } else if (whole > 100 && whole % 100 != 0 && random.Chance(0.2)) {
    if (const size_t at = words.find("hundred "); at != std::string::npos) words.insert(at + 8, "and ");
  } else if (whole >= 1100 && whole < 2000 && whole % 100 == 0 && random.Chance(0.5)) {
    words = NumberWords(whole / 100) + " hundred";
  }
  if (random.Chance(0.2)) {
    const auto cents = static_cast<int64_t>(random.Chance(0.4) ? 99 : random.Below(99) + 1);
    if (random.Chance(0.5)) return words + " dollars and " + NumberWords(cents) + " cents";
    if (whole < 100) return words + " " + (cents < 10 ? "oh " : "") + NumberWords(cents);
    return words + " point " + DigitWords(std::to_string(cents), random);
  }
  const size_t unit = random.Below(10);
  if (unit < 5) return words + (whole == 1 ? " dollar" : " dollars");
  if (unit < 6) return words + " bucks";
  return words;
}

std::string SpokenValue(const Entity& entity, const CallerPhrases& phrases, Random& random) {
  switch (entity.type) {
    case Entity::Type::kDigits:
      return DigitWords(RandomDigits(static_cast<size_t>(entity.length > 0 ? entity.length : 6), random),
                        random);
    case Entity::Type::kMoney:
      return RandomAmount(random);
    case Entity::Type::kNumber:
      return NumberWords(static_cast<int64_t>(random.Below(random.Chance(0.5) ? 20 : 500) + 1));
    case Entity::Type::kDate:
      return PickOf(phrases.days, random);
    case Entity::Type::kTime:
      return PickOf(phrases.times, random);
    case Entity::Type::kDuration:
      return PickOf(phrases.lengths, random);
    case Entity::Type::kDateRange:
      return PickOf(phrases.ranges, random);
    case Entity::Type::kEnum:
    case Entity::Type::kText:
      break;
  }
  if (entity.values.empty()) return "";
  const EntityValue& value = random.Pick(entity.values);
  const size_t pick = random.Below(value.synonyms.size() + 2);
  if (pick < value.synonyms.size()) return SpeakableWords(value.synonyms[pick]);
  return SpeakableWords(value.spoken.empty() ? value.value : value.spoken);
}

// "move {amount} to {to_account}" with values; false if a slot has no value to give. "@slot=value" is not
// said.
bool FillExample(const ToolDef& tool, std::string_view example, const CallerPhrases& phrases, Random& random,
                 std::string* out) {
  out->clear();
  example = example.substr(0, example.find(" @"));
  size_t at = 0;
  while (at < example.size()) {
    const size_t open = example.find('{', at);
    *out += example.substr(at, open == std::string_view::npos ? open : open - at);
    if (open == std::string_view::npos) break;
    const size_t close = example.find('}', open);
    if (close == std::string_view::npos) return false;
    std::string_view name = example.substr(open + 1, close - open - 1);
    name = name.substr(0, name.find(':'));
    const Slot* slot = tool.FindSlot(name);
    const std::string value = slot == nullptr ? "" : SpokenValue(slot->entity, phrases, random);
    if (value.empty()) return false;
    *out += value;
    at = close + 1;
  }
  return true;
}

void AddOpeners(const std::string& sentence, const CallerPhrases& phrases, Random& random,
                std::vector<std::string>* out) {
  out->push_back(sentence);
  if (random.Chance(0.3) && !phrases.before_requests.empty())
    out->push_back(random.Pick(phrases.before_requests) + " " + sentence);
  if (random.Chance(0.2) && !phrases.after_requests.empty())
    out->push_back(sentence + " " + random.Pick(phrases.after_requests));
}

void AddExamples(const Workflow& workflow, const CallerPhrases& phrases, Random& random,
                 std::vector<std::string>* out) {
  std::string filled;
  for (const ToolDef& tool : workflow.tools) {
    for (const std::string& example : tool.examples) {
      const int copies = example.find('{') == std::string::npos ? 3 : 30;
      for (int i = 0; i < copies; ++i) {
        if (!FillExample(tool, example, phrases, random, &filled)) break;
        AddOpeners(SpeakableWords(filled, static_cast<unsigned>(i)), phrases, random, out);
      }
    }
  }
}

// The user's texts of a file of conversations (design 3.3), if there is one.
void AddConversations(const std::filesystem::path& path, std::vector<std::string>* out) {
  const auto text = ReadFile(path);
  if (!text) return;
  size_t at = 0;
  while (at < text->size()) {
    const size_t end = std::min(text->find('\n', at), text->size());
    const Json row = Json::parse(text->begin() + static_cast<std::ptrdiff_t>(at),
                                 text->begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    at = end + 1;
    if (!row.is_object() || !row.contains("messages")) continue;
    for (const Json& message : row["messages"]) {
      if (message.value("role", "") != "user" || !message.contains("content") ||
          !message["content"].is_string()) {
        continue;
      }
      for (unsigned variant = 0; variant < 3; ++variant) {
        out->push_back(SpeakableWords(message["content"].get<std::string>(), variant));
      }
    }
  }
}

std::set<std::string, std::less<>> WordsOf(const std::vector<std::string>& sentences) {
  std::set<std::string, std::less<>> words;
  for (const std::string& sentence : sentences) {
    for (size_t at = 0; at < sentence.size();) {
      const size_t end = std::min(sentence.find(' ', at), sentence.size());
      if (end > at) words.insert(sentence.substr(at, end - at));
      at = end + 1;
    }
  }
  return words;
}

void AddYesNo(const CallerPhrases& phrases, std::vector<std::string>* out) {
  for (const auto* answers : {&phrases.yes, &phrases.no}) {
    for (const std::string& answer : *answers) out->insert(out->end(), 3, answer);
  }
  for (const auto* answers : {&phrases.yes, &phrases.no}) {
    if (!answers->empty()) out->insert(out->end(), 40, answers->front());
  }
}

// `answer`, every third time after one of `openers`.
std::string Opened(int number, std::string answer, const std::vector<std::string>& openers, Random& random) {
  if (number % 3 != 0 || openers.empty()) return answer;
  return random.Pick(openers) + " " + answer;
}

void AddDigits(const Workflow& workflow, const CallerPhrases& phrases, Random& random,
               std::vector<std::string>* out) {
  std::set<size_t> lengths;
  for (const auto& [name, entity] : workflow.entities) {
    if (entity.type == Entity::Type::kDigits)
      lengths.insert(static_cast<size_t>(entity.length > 0 ? entity.length : 6));
  }
  for (size_t length : lengths) {
    for (int i = 0; i < 1500; ++i) {
      std::string digits = DigitWords(RandomDigits(length, random), random);
      out->push_back(Opened(i, std::move(digits), phrases.before_digits, random));
    }
    // People dictate in groups, too.
    for (int i = 0; i < 400; ++i)
      out->push_back(DigitWords(RandomDigits(1 + random.Below(length), random), random));
  }
}

void AddAmounts(const Workflow& workflow, const CallerPhrases& phrases, Random& random,
                std::vector<std::string>* out) {
  const bool has_amounts = std::ranges::any_of(workflow.entities, [](const auto& named) {
    return named.second.type == Entity::Type::kMoney || named.second.type == Entity::Type::kNumber;
  });
  for (int i = 0; has_amounts && i < 800; ++i) {
    std::string amount = RandomAmount(random);
    out->push_back(Opened(i, std::move(amount), phrases.before_amounts, random));
  }
}

// A frame that names a thing nobody mentions in this workflow ("{} account" in a coffee bar) would only teach
// the recognizer nonsense.
void AddChoices(const Workflow& workflow, const CallerPhrases& phrases,
                const std::set<std::string, std::less<>>& vocabulary, std::vector<std::string>* out) {
  for (const ToolDef& tool : workflow.tools) {
    for (const Slot& slot : tool.slots) {
      for (const EntityValue& value : slot.entity.values) {
        std::vector<std::string> names = value.synonyms;
        names.push_back(value.spoken.empty() ? value.value : value.spoken);
        for (const std::string& name : names) {
          for (const CallerPhrases::Frame& frame : phrases.choices) {
            if (!frame.thing.empty() && !vocabulary.contains(frame.thing)) continue;
            std::string choice = frame.text;
            choice.replace(choice.find("{}"), 2, SpeakableWords(name));
            out->push_back(std::move(choice));
          }
        }
      }
    }
  }
}

// Listed values and their synonyms, each once.
std::vector<std::string> ValuePhrases(const Workflow& workflow) {
  std::set<std::string> phrases;
  const auto add = [&](const std::string& text) {
    std::string words = SpeakableWords(text);
    if (words.find(' ') != std::string::npos) phrases.insert(std::move(words));
  };
  for (const auto& [name, entity] : workflow.entities) {
    for (const EntityValue& value : entity.values) {
      add(value.spoken);
      for (const std::string& synonym : value.synonyms) add(synonym);
    }
  }
  return {phrases.begin(), phrases.end()};
}

// Words that listed values write with capitals: "AT&T" gives nothing, "Netflix" does.
std::map<std::string, std::string, std::less<>> Spelling(const Workflow& workflow) {
  std::map<std::string, std::string, std::less<>> spelling;
  const auto add = [&](const std::string& text) {
    for (const std::string_view word : SplitWords(text)) {
      const std::string said = SpeakableWords(word);
      if (said.size() == word.size() && said != word) spelling.try_emplace(said, word);
    }
  };
  for (const auto& [name, entity] : workflow.entities) {
    for (const EntityValue& value : entity.values) {
      add(value.value);
      add(value.spoken);
      for (const std::string& synonym : value.synonyms) add(synonym);
    }
  }
  return spelling;
}

// The workflow's own language, where it brings one.
Result<CallerPhrases> PhrasesFor(const Workflow& workflow) {
  const std::filesystem::path own = workflow.folder / "languages" / workflow.language;
  std::error_code ignored;
  return std::filesystem::is_directory(own, ignored) ? CallerPhrases::Read(own)
                                                     : CallerPhrases::For(workflow.language);
}

}  // namespace

const std::vector<std::string>& DomainText::For(ListeningMode mode) const {
  switch (mode) {
    case ListeningMode::kYesNo:
      return yes_no;
    case ListeningMode::kDigits:
      return digits;
    case ListeningMode::kAmount:
      return amount;
    case ListeningMode::kChoice:
      return choice;
    case ListeningMode::kOpen:
      break;
  }
  return open;
}

Result<DomainText> MakeDomainText(const Workflow& workflow, uint64_t seed) {
  Random random(seed);
  SOTTO_ASSIGN_OR_RETURN(const CallerPhrases phrases, PhrasesFor(workflow));
  DomainText text;
  text.language = workflow.language;
  const auto path = workflow.folder / "speech.txt";
  if (std::filesystem::exists(path)) {
    SOTTO_ASSIGN_OR_RETURN(const std::string lines, ReadFile(path));
    size_t at = 0;
    unsigned number = 0;
    while (at < lines.size()) {
      const size_t end = std::min(lines.find('\n', at), lines.size());
      text.open.push_back(SpeakableWords(std::string_view(lines).substr(at, end - at), number++));
      at = end + 1;
    }
  } else {
    AddConversations(workflow.folder / "seed.jsonl", &text.open);
  }
  AddExamples(workflow, phrases, random, &text.open);
  for (const std::string& sentence : phrases.controls) text.open.insert(text.open.end(), 4, sentence);
  const std::set<std::string, std::less<>> vocabulary = WordsOf(text.open);
  AddYesNo(phrases, &text.yes_no);
  AddDigits(workflow, phrases, random, &text.digits);
  AddAmounts(workflow, phrases, random, &text.amount);
  AddChoices(workflow, phrases, vocabulary, &text.choice);
  // Whatever was asked, people also change their minds; control phrases stand beside every kind of answer.
  for (auto* answers : {&text.yes_no, &text.digits, &text.amount, &text.choice}) {
    if (answers->empty()) continue;
    answers->insert(answers->end(), phrases.controls.begin(), phrases.controls.end());
  }
  // Single answers are also given when nothing special was asked.
  for (const auto* answers : {&text.digits, &text.amount, &text.choice}) {
    for (size_t i = 0; i < answers->size(); i += 4) text.open.push_back((*answers)[i]);
  }
  std::erase(text.open, std::string());
  text.phrases = ValuePhrases(workflow);
  text.spelling = Spelling(workflow);
  return text;
}

}  // namespace sotto
