#include "speech/domain_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <set>

#include "base/check.h"
#include "base/mapped_file.h"
#include "base/random.h"
#include "core/json.h"
#include "text/normalise.h"

namespace sotto {
namespace {

constexpr std::array<const char*, 20> kSmall = {"zero",    "one",     "two",       "three",    "four",
                                                "five",    "six",     "seven",     "eight",    "nine",
                                                "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                                "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
constexpr std::array<const char*, 10> kTens = {"",      "",      "twenty",  "thirty", "forty",
                                               "fifty", "sixty", "seventy", "eighty", "ninety"};

// What people say to any assistant.
constexpr const char* kControlSentences[] = {"never mind",
                                             "cancel that",
                                             "forget it",
                                             "stop",
                                             "start over",
                                             "let's start over",
                                             "start again",
                                             "repeat that",
                                             "can you repeat that",
                                             "say that again",
                                             "what was that",
                                             "pardon",
                                             "sorry what",
                                             "what",
                                             "hold on",
                                             "wait",
                                             "wait a second",
                                             "one moment",
                                             "give me a second",
                                             "hang on",
                                             "just a minute",
                                             "help",
                                             "what can you do",
                                             "what can i say",
                                             "can you help me",
                                             "i need help",
                                             "yes",
                                             "yeah",
                                             "yep",
                                             "no",
                                             "nope",
                                             "okay",
                                             "ok",
                                             "sure",
                                             "correct",
                                             "that's right",
                                             "that's wrong",
                                             "hello",
                                             "hi",
                                             "hi there",
                                             "hey",
                                             "hello there",
                                             "good morning",
                                             "good afternoon",
                                             "good evening",
                                             "bye",
                                             "goodbye",
                                             "bye bye",
                                             "see you",
                                             "see you later",
                                             "have a good day",
                                             "that's all",
                                             "that's it",
                                             "that's everything",
                                             "that will be all",
                                             "nothing else",
                                             "no that's all",
                                             "no that's it thanks",
                                             "no thanks",
                                             "no thank you",
                                             "thanks",
                                             "thank you",
                                             "thanks a lot",
                                             "thank you very much",
                                             "thank you so much",
                                             "great thanks",
                                             "okay thank you",
                                             "perfect thank you",
                                             "thanks for your help",
                                             "i want to speak to a human",
                                             "speak to an agent",
                                             "can i talk to a real person",
                                             "talk to a representative",
                                             "let me speak to someone",
                                             "i'd like to talk to a person",
                                             "transfer me to an agent",
                                             "operator",
                                             "connect me to a human",
                                             "agent please",
                                             "actually no",
                                             "no wait",
                                             "no i meant something else",
                                             "i don't know",
                                             "i'm not sure",
                                             "i have a question",
                                             "can i ask you something",
                                             "um",
                                             "uh"};

constexpr const char* kYes[] = {"yes",
                                "yeah",
                                "yep",
                                "yup",
                                "sure",
                                "okay",
                                "ok",
                                "correct",
                                "right",
                                "yes please",
                                "yes that's right",
                                "that's right",
                                "that's correct",
                                "yes correct",
                                "go ahead",
                                "yes go ahead",
                                "please do",
                                "do it",
                                "yes do it",
                                "sounds good",
                                "sure go ahead",
                                "absolutely",
                                "of course",
                                "exactly",
                                "uh huh",
                                "yes i do",
                                "i do",
                                "yes it is",
                                "confirm",
                                "i confirm",
                                "yeah that's right",
                                "yeah sure",
                                "yes thank you",
                                "perfect",
                                "fine",
                                "that's fine",
                                "yeah go ahead",
                                "please",
                                "yes yes",
                                "yes i'm sure"};
constexpr const char* kNo[] = {"no",
                               "nope",
                               "nah",
                               "no thanks",
                               "no thank you",
                               "no that's wrong",
                               "that's wrong",
                               "that's not right",
                               "no don't",
                               "don't do that",
                               "cancel",
                               "cancel that",
                               "stop",
                               "no cancel that",
                               "not now",
                               "no not yet",
                               "wait no",
                               "no wait",
                               "never mind",
                               "no never mind",
                               "absolutely not",
                               "not really",
                               "no i don't",
                               "incorrect",
                               "wrong",
                               "no it isn't",
                               "no that's all",
                               "that's all",
                               "no that's it",
                               "nothing else",
                               "no i'm good",
                               "i'm good",
                               "i'm done",
                               "no no",
                               "no stop"};

std::string DigitWords(std::string_view digits, Random& random) {
  const size_t style = random.Below(10);
  std::string out;
  auto add = [&](std::string_view word) {
    if (!out.empty()) out += ' ';
    out += word;
  };
  if (digits.size() % 2 == 0 && style >= 8) {  // "forty five thirty two", "twelve oh five"
    for (size_t i = 0; i < digits.size(); i += 2) {
      const int tens = digits[i] - '0', ones = digits[i + 1] - '0';
      if (tens == 0) {
        add(ones == 0 ? "double zero" : "oh");
        if (ones != 0) add(kSmall[static_cast<size_t>(ones)]);
      } else {
        add(NumberWords(tens * 10 + ones));
      }
    }
    return out;
  }
  for (size_t i = 0; i < digits.size(); ++i) {
    const auto digit = static_cast<size_t>(digits[i] - '0');
    if (style == 7 && i + 1 < digits.size() && digits[i] == digits[i + 1]) {
      add("double");
      ++i;
    }
    add(digit == 0 && style % 2 == 1 ? "oh" : kSmall[digit]);
  }
  return out;
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
    words = std::string(kSmall[static_cast<size_t>(whole / 100)]) + " " + (whole % 100 < 10 ? "oh " : "") +
            NumberWords(whole % 100);
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

// Words that the recogniser should expect where the calendar is asked for; text/dates.h reads many more.
constexpr const char* kDays[] = {"today",
                                 "tomorrow",
                                 "the day after tomorrow",
                                 "monday",
                                 "tuesday",
                                 "wednesday",
                                 "thursday",
                                 "friday",
                                 "saturday",
                                 "sunday",
                                 "next monday",
                                 "next tuesday",
                                 "this thursday",
                                 "friday week",
                                 "a week on wednesday",
                                 "next week",
                                 "in three days",
                                 "in two weeks",
                                 "the first",
                                 "the second",
                                 "the third",
                                 "the fifth",
                                 "the tenth",
                                 "the fifteenth",
                                 "the twenty first",
                                 "the thirtieth",
                                 "the third of january",
                                 "the fifth of may",
                                 "february fourth",
                                 "march third",
                                 "april twelfth",
                                 "the sixth of june",
                                 "july eighth",
                                 "august ninth",
                                 "the seventh of september",
                                 "october second",
                                 "the eleventh of november",
                                 "december twenty fourth",
                                 "the end of the month",
                                 "last friday",
                                 "yesterday",
                                 "two days ago"};
constexpr const char* kTimes[] = {"in the morning",
                                  "in the afternoon",
                                  "in the evening",
                                  "at noon",
                                  "at three",
                                  "three pm",
                                  "half past three",
                                  "quarter to nine",
                                  "quarter past ten",
                                  "ten thirty",
                                  "nine o'clock",
                                  "eight in the morning",
                                  "before noon",
                                  "after four",
                                  "between nine and eleven",
                                  "at half past one",
                                  "two thirty",
                                  "five pm",
                                  "six in the evening",
                                  "twelve o'clock",
                                  "first thing in the morning"};
constexpr const char* kLengths[] = {
    "two weeks",  "a week",   "a month",      "three months",       "half a year", "a year",
    "two years",  "an hour",  "half an hour", "an hour and a half", "two hours",   "ninety minutes",
    "three days", "ten days", "a fortnight",  "forty five minutes", "six weeks"};
constexpr const char* kRanges[] = {"last month",
                                   "this month",
                                   "last week",
                                   "last year",
                                   "this year",
                                   "the last two weeks",
                                   "the last ten days",
                                   "the last three months",
                                   "the last six months",
                                   "the past two years",
                                   "january",
                                   "since march",
                                   "the first quarter",
                                   "from the first to the fifteenth",
                                   "between monday and wednesday",
                                   "from march to may",
                                   "next week",
                                   "the week before last"};

std::string SpokenValue(const Entity& entity, Random& random) {
  switch (entity.type) {
    case Entity::Type::kDigits:
      return DigitWords(RandomDigits(static_cast<size_t>(entity.length > 0 ? entity.length : 6), random),
                        random);
    case Entity::Type::kMoney:
      return RandomAmount(random);
    case Entity::Type::kNumber:
      return NumberWords(static_cast<int64_t>(random.Below(random.Chance(0.5) ? 20 : 500) + 1));
    case Entity::Type::kDate:
      return random.Pick(kDays);
    case Entity::Type::kTime:
      return random.Pick(kTimes);
    case Entity::Type::kDuration:
      return random.Pick(kLengths);
    case Entity::Type::kDateRange:
      return random.Pick(kRanges);
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
bool FillExample(const ToolDef& tool, std::string_view example, Random& random, std::string* out) {
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
    const std::string value = slot == nullptr ? "" : SpokenValue(slot->entity, random);
    if (value.empty()) return false;
    *out += value;
    at = close + 1;
  }
  return true;
}

void AddOpeners(const std::string& sentence, Random& random, std::vector<std::string>* out) {
  static constexpr const char* kBefore[] = {"i want to", "i'd like to", "can you",        "could you please",
                                            "please",    "i need to",   "hi i'd like to", "um",
                                            "uh",        "okay",        "can i",          "i wanna"};
  static constexpr const char* kAfter[] = {"please", "thanks",    "thank you",
                                           "for me", "right now", "if you can"};
  out->push_back(sentence);
  if (random.Chance(0.3)) out->push_back(std::string(random.Pick(kBefore)) + " " + sentence);
  if (random.Chance(0.2)) out->push_back(sentence + " " + random.Pick(kAfter));
}

void AddExamples(const Workflow& workflow, Random& random, std::vector<std::string>* out) {
  std::string filled;
  for (const ToolDef& tool : workflow.tools) {
    for (const std::string& example : tool.examples) {
      const int copies = example.find('{') == std::string::npos ? 3 : 30;
      for (int i = 0; i < copies; ++i) {
        if (!FillExample(tool, example, random, &filled)) break;
        AddOpeners(SpeakableWords(filled, static_cast<unsigned>(i)), random, out);
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

// A frame around a choice that names things nobody mentions in this workflow ("{} account" in a coffee bar)
// would only teach the recognizer nonsense.
bool Fits(std::string_view frame, const std::set<std::string, std::less<>>& vocabulary) {
  for (const std::string_view thing : {std::string_view("account"), std::string_view("card")}) {
    if (frame.ends_with(thing) && !vocabulary.contains(thing)) return false;
  }
  return true;
}

void AddAnswers(const Workflow& workflow, Random& random, DomainText* text) {
  for (const char* yes : kYes) text->yes_no.insert(text->yes_no.end(), 3, yes);
  for (const char* no : kNo) text->yes_no.insert(text->yes_no.end(), 3, no);
  text->yes_no.insert(text->yes_no.end(), 40, "yes");
  text->yes_no.insert(text->yes_no.end(), 40, "no");
  static constexpr const char* kDigitOpeners[] = {
      "it's",      "it is",      "the last four are", "the last four digits are",
      "ending in", "it ends in", "the number is",     "that's",
      "um",        "uh",         "card ending in",    "the card ends in",
      "yes it's"};
  static constexpr const char* kAmountOpeners[] = {"make it",    "about",     "it's",          "just",
                                                   "no make it", "let's say", "the amount is", "um",
                                                   "uh",         "it was",    "for",           "around"};
  std::set<size_t> lengths;
  for (const auto& [name, entity] : workflow.entities) {
    if (entity.type == Entity::Type::kDigits)
      lengths.insert(static_cast<size_t>(entity.length > 0 ? entity.length : 6));
  }
  for (size_t length : lengths) {
    for (int i = 0; i < 1500; ++i) {
      std::string digits = DigitWords(RandomDigits(length, random), random);
      if (i % 3 == 0) digits = std::string(random.Pick(kDigitOpeners)) + " " + digits;
      text->digits.push_back(std::move(digits));
    }
    // People dictate in groups, too.
    for (int i = 0; i < 800; ++i)
      text->digits.push_back(DigitWords(RandomDigits(1 + random.Below(length), random), random));
  }
  const bool has_amounts = std::ranges::any_of(workflow.entities, [](const auto& named) {
    return named.second.type == Entity::Type::kMoney || named.second.type == Entity::Type::kNumber;
  });
  for (int i = 0; has_amounts && i < 800; ++i) {
    std::string amount = RandomAmount(random);
    if (i % 3 == 0) amount = std::string(random.Pick(kAmountOpeners)) + " " + amount;
    text->amount.push_back(std::move(amount));
  }
  static constexpr const char* kChoiceFrames[] = {
      "{}",        "{}",    "{}",        "{}",    "the {}",  "my {}",      "{} please", "the {} one",
      "um {}",     "uh {}", "from {}",   "to {}", "it's {}", "{} account", "{} card",   "my {} account",
      "it was {}", "no {}", "i meant {}"};
  const std::set<std::string, std::less<>> vocabulary = WordsOf(text->open);
  for (const ToolDef& tool : workflow.tools) {
    for (const Slot& slot : tool.slots) {
      for (const EntityValue& value : slot.entity.values) {
        std::vector<std::string> names = value.synonyms;
        names.push_back(value.spoken.empty() ? value.value : value.spoken);
        for (const std::string& name : names) {
          for (std::string frame : kChoiceFrames) {
            if (!Fits(frame, vocabulary)) continue;
            frame.replace(frame.find("{}"), 2, SpeakableWords(name));
            text->choice.push_back(std::move(frame));
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

}  // namespace

std::string_view ListeningModeName(ListeningMode mode) {
  switch (mode) {
    case ListeningMode::kOpen:
      return "open";
    case ListeningMode::kYesNo:
      return "yes_no";
    case ListeningMode::kDigits:
      return "digits";
    case ListeningMode::kAmount:
      return "amount";
    case ListeningMode::kChoice:
      return "choice";
  }
  return "open";
}

ListeningMode ListeningModeFor(const Workflow& workflow, const Expectation& expectation) {
  if (expectation.kind == Expectation::Kind::kConfirm || expectation.kind == Expectation::Kind::kOffer) {
    return expectation.tool.empty() ? ListeningMode::kOpen : ListeningMode::kYesNo;
  }
  if (expectation.kind != Expectation::Kind::kSlots || expectation.slots.size() != 1)
    return ListeningMode::kOpen;
  const ToolDef* tool = workflow.FindTool(expectation.tool);
  const Slot* slot = tool == nullptr ? nullptr : tool->FindSlot(expectation.slots.front());
  if (slot == nullptr) return ListeningMode::kOpen;
  switch (slot->entity.type) {
    case Entity::Type::kDigits:
      return ListeningMode::kDigits;
    case Entity::Type::kMoney:
    case Entity::Type::kNumber:
      return ListeningMode::kAmount;
    case Entity::Type::kEnum:
      return ListeningMode::kChoice;
    case Entity::Type::kText:
      return slot->entity.values.empty() ? ListeningMode::kOpen : ListeningMode::kChoice;
    case Entity::Type::kDate:
    case Entity::Type::kTime:
    case Entity::Type::kDuration:
    case Entity::Type::kDateRange:
      return ListeningMode::kOpen;
  }
  return ListeningMode::kOpen;
}

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
  AddExamples(workflow, random, &text.open);
  for (const char* sentence : kControlSentences) text.open.insert(text.open.end(), 4, sentence);
  AddAnswers(workflow, random, &text);
  // Whatever was asked, people also change their minds; control phrases stand beside every kind of answer.
  for (auto* answers : {&text.yes_no, &text.digits, &text.amount, &text.choice}) {
    if (answers->empty()) continue;
    for (const char* sentence : kControlSentences) answers->push_back(sentence);
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

std::string NumberWords(int64_t number) {
  SOTTO_CHECK(number >= 0 && number < 1000000000000);
  if (number < 20) return kSmall[static_cast<size_t>(number)];
  if (number < 100) {
    std::string words = kTens[static_cast<size_t>(number / 10)];
    return number % 10 == 0 ? words : words + " " + NumberWords(number % 10);
  }
  constexpr std::pair<int64_t, const char*> kScales[] = {
      {1000000000, "billion"}, {1000000, "million"}, {1000, "thousand"}, {100, "hundred"}};
  for (const auto& [scale, name] : kScales) {
    if (number < scale) continue;
    std::string words = NumberWords(number / scale) + " " + name;
    return number % scale == 0 ? words : words + " " + NumberWords(number % scale);
  }
  return "";
}

std::string SpeakableWords(std::string_view sentence, unsigned variant) {
  std::string out;
  auto add = [&](std::string_view word) {
    if (!out.empty()) out += ' ';
    out += word;
  };
  Random random(variant + 1);
  size_t i = 0;
  while (i < sentence.size()) {
    const auto c = static_cast<unsigned char>(sentence[i]);
    if (std::isdigit(c)) {
      const bool money = i > 0 && sentence[i - 1] == '$';
      std::string whole, cents;
      while (i < sentence.size() && (std::isdigit(static_cast<unsigned char>(sentence[i])) ||
                                     (sentence[i] == ',' && i + 1 < sentence.size() &&
                                      std::isdigit(static_cast<unsigned char>(sentence[i + 1]))))) {
        if (sentence[i] != ',') whole += sentence[i];
        ++i;
      }
      if (i + 1 < sentence.size() && sentence[i] == '.' &&
          std::isdigit(static_cast<unsigned char>(sentence[i + 1]))) {
        for (++i; i < sentence.size() && std::isdigit(static_cast<unsigned char>(sentence[i])); ++i)
          cents += sentence[i];
      }
      const bool ordinal = sentence.substr(i, 2) == "st" || sentence.substr(i, 2) == "nd" ||
                           sentence.substr(i, 2) == "rd" || sentence.substr(i, 2) == "th";
      if (ordinal) i += 2;
      const bool round = whole.size() >= 3 && whole.ends_with("00");
      const bool one_by_one = !money && cents.empty() && !round && whole.size() >= 4;
      if (whole.size() > 9 || whole.starts_with("0") || (one_by_one && variant % 4 != 3)) {
        add(DigitWords(whole, random));
      } else {
        add(NumberWords(std::stoll(whole)));
        if (money && variant % 2 == 0) add("dollars");
        if (!cents.empty()) {
          if (money && variant % 2 == 0) add("and");
          add(cents.size() == 2 ? NumberWords(std::stoll(cents)) : DigitWords(cents, random));
          if (money && variant % 2 == 0) add("cents");
        }
      }
      continue;
    }
    if (std::isalpha(c)) {
      std::string word;
      for (; i < sentence.size(); ++i) {
        const auto d = static_cast<unsigned char>(sentence[i]);
        if (std::isalpha(d)) {
          word += static_cast<char>(std::tolower(d));
        } else if (d == '\'') {
          word += '\'';
        } else if (sentence.substr(i, 3) == "\xE2\x80\x99") {  // typographic apostrophe
          word += '\'';
          i += 2;
        } else {
          break;
        }
      }
      while (!word.empty() && word.back() == '\'') word.pop_back();
      if (!word.empty()) add(word);
      continue;
    }
    ++i;
  }
  return out;
}

}  // namespace sotto
