#include "brain/grounding.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "brain/call_text.h"
#include "brain/value_evidence.h"
#include "text/edit_distance.h"
#include "text/said_digits.h"

namespace sotto {
namespace {

using Kind = OfferedArgument::Kind;

constexpr size_t kMaxValues = 256;     // a choice among more is no longer a grounded choice
constexpr size_t kMinHintLetters = 3;  // shorter words of a name are said all the time ("of", "at")
constexpr size_t kSpanTurns = 3;       // text spans come from the newest turns only

void Add(std::vector<GroundedValue>& out, std::string literal, Json value, std::string_view unfit = "") {
  if (out.size() >= kMaxValues) return;
  const bool known = std::any_of(out.begin(), out.end(),
                                 [&](const GroundedValue& entry) { return entry.literal == literal; });
  if (!known) out.push_back({std::move(literal), std::move(value), std::string(unfit)});
}

bool InRange(const OfferedArgument& argument, double value) {
  if (argument.min && value < *argument.min) return false;
  if (argument.max && value > *argument.max) return false;
  return !argument.integer || value == std::floor(value);
}

Json NumberJson(double value) {
  return value == std::floor(value) ? Json(static_cast<int64_t>(value)) : Json(value);
}

// The message that says why the slot cannot hold the number; empty: it can.
std::string_view WhyUnfit(const OfferedArgument& argument, const SaidNumber& number) {
  if (number.fit == SaidNumber::Fit::kAlternative) return "ambiguous";
  if (number.fit == SaidNumber::Fit::kOtherCurrency) return "other_currency";
  // No fraction of a cent is paid: "10.999" is a slip, or no amount.
  if (argument.number.money && std::abs(std::round(number.value * 100) - number.value * 100) > 1e-6)
    return "ambiguous";
  if (argument.min && number.value < *argument.min) return "too_small";
  if (argument.max && number.value > *argument.max) return "too_large";
  return {};
}

std::vector<std::string_view> WordsOf(std::span<const NormalisedWord> words) {
  std::vector<std::string_view> views;
  for (const NormalisedWord& word : words) views.push_back(word.text);
  return views;
}

// The words, those inside idioms empty.
std::vector<std::string_view> NamingWords(const LanguageData& language,
                                          std::span<const NormalisedWord> words) {
  const std::vector<std::string_view> all = WordsOf(words);
  std::vector<std::string_view> naming = all;
  for (size_t at = 0; at < all.size(); ++at) {
    for (size_t i = 0; i < language.idioms.MatchesAt(all, at); ++i) naming[at + i] = {};
  }
  return naming;
}

// Equal but for one misheard letter in `of`.
bool SoundsAlike(std::string_view a, std::string_view b, size_t of = 4) {
  return WithinEdits(a, b, std::max(a.size(), b.size()) / of);
}

// Digits only, and as many as wanted.
bool IsDigits(const std::string& text, int n_digits) {
  return !text.empty() && (n_digits == 0 || text.size() == static_cast<size_t>(n_digits)) &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Grounding::Grounding(const LanguageData& language, std::span<const Turn> history, std::string_view utterance,
                     Channel channel, const CallDay& day)
    : language_(language), channel_(channel), day_(day) {
  const auto add = [&](std::string_view text) {
    Utterance said;
    said.text = text;
    said.words = NormaliseSpokenWords(text);
    said.readings = ReadNumbers(said.words, {.homophones = channel == Channel::kSpoken});
    said.naming = NamingWords(language, said.words);
    said_.push_back(std::move(said));
  };
  add(utterance);
  for (const NormalisedWord& word : said_.front().words) {
    if (!normalised_.empty()) normalised_ += ' ';
    normalised_ += word.text;
  }
  for (auto turn = history.rbegin(); turn != history.rend(); ++turn) {
    add(turn->user);
    for (auto call = turn->calls.rbegin(); call != turn->calls.rend(); ++call)
      earlier_calls_.push_back(*call);
  }
}

std::vector<GroundedValue> Grounding::Candidates(const OfferedArgument& argument, const Json& known) const {
  std::vector<GroundedValue> out;
  switch (argument.kind) {
    case Kind::kChoice:
      AddChoices(argument, out);
      break;
    case Kind::kNumber:
      AddNumbers(argument, known, out);
      AddEarlierCalls(argument, out);
      break;
    case Kind::kDigits:
      AddDigits(argument, out);
      AddEarlierCalls(argument, out);
      break;
    case Kind::kSpan:
      AddSpans(argument, out);
      AddEarlierCalls(argument, out);
      break;
    case Kind::kCalendar:
      AddCalendar(argument, out);
      break;
    case Kind::kSchema:
      break;
  }
  return out;
}

// What was typed names the value or it is none: "roaming for australia" is no region. In speech a value may
// be misheard: what sounds like one counts as well, and where nothing names any of them only the model can
// tell. What was named before, or taken over from an earlier task, still may be meant.
void Grounding::AddChoices(const OfferedArgument& argument, std::vector<GroundedValue>& out) const {
  std::vector<bool> possible(argument.literals.size(), !argument.named);
  if (argument.named) {
    // Without a list of words nobody knows what is a slip.
    const auto is_word = [&](std::string_view word) {
      return language_.words.empty() || language_.words.Contains(word);
    };
    for (const Utterance& said : said_) {
      const std::vector<bool> named = NamedValues(argument.listed, said.naming, is_word);
      for (size_t i = 0; i < named.size(); ++i) possible[i] = possible[i] || named[i];
    }
    if (language_.references.Found(WordsOf(said_.front().words))) possible.assign(possible.size(), true);
    for (const ToolCall& call : earlier_calls_)
      for (const auto& [name, value] : call.arguments.items())
        for (size_t i = 0; i < possible.size(); ++i)
          possible[i] = possible[i] || argument.literals[i] == value.dump();
  }
  // Where anything may be meant, an idiom with the words of a value would be taken for its neighbour.
  if (!argument.named && !argument.listed.empty()) {
    const Utterance& now = said_.front();
    const std::vector<bool> named = NamedValues(argument.listed, now.naming, IsWord());
    if (NamedValues(argument.listed, WordsOf(now.words), IsWord()) != named) {
      if (std::find(named.begin(), named.end(), true) == named.end()) return;
      possible = named;
    }
  }
  const bool none = std::find(possible.begin(), possible.end(), true) == possible.end();
  if (none && channel_ == Channel::kTyped) {
    // Words of an idiom alone: nobody meant any value.
    const std::vector<bool> literally = NamedValues(argument.listed, WordsOf(said_.front().words), IsWord());
    if (std::find(literally.begin(), literally.end(), true) != literally.end()) return;
    for (const std::string& literal : argument.literals) Add(out, literal, nullptr, kNotListed);
    return;
  }
  for (size_t i = 0; i < argument.literals.size(); ++i) {
    if (none || possible[i] || (channel_ == Channel::kSpoken && MayBeMisheard(argument.listed[i])))
      Add(out, argument.literals[i], Json::parse(argument.literals[i]));
  }
}

// A word, or two that a recogniser made of one ("save ins"), sounds like a form of one word.
bool Grounding::MayBeMisheard(const OfferedArgument::Listed& listed) const {
  constexpr size_t kOneIn = 3;
  const auto sounds = [&](const std::string& form) {
    if (form.size() < kMinHintLetters || form.find(' ') != std::string::npos) return false;
    const auto& words = said_.front().words;
    for (size_t i = 0; i < words.size(); ++i) {
      if (SoundsAlike(form, words[i].text, kOneIn)) return true;
      if (i + 1 < words.size() && SoundsAlike(form, words[i].text + words[i + 1].text, kOneIn)) return true;
    }
    return false;
  };
  return std::any_of(listed.forms.begin(), listed.forms.end(), sounds);
}

// What a number for the argument usually is, by what another argument is: the one value of it that was just named, or
// else the last that it had.
const NumberWanted& Grounding::Wanted(const OfferedArgument& argument, const Json& known) const {
  for (const OfferedArgument::NumberFor& other : argument.number_for) {
    const std::vector<bool> named = NamedValues(other.values, WordsOf(said_.front().words), IsWord());
    const auto first = std::find(named.begin(), named.end(), true);
    if (first != named.end()) {
      if (std::find(std::next(first), named.end(), true) != named.end()) continue;
      return other.numbers[static_cast<size_t>(first - named.begin())];
    }
    const Json* value = known.contains(other.argument) ? &known[other.argument] : nullptr;
    for (auto call = earlier_calls_.begin(); value == nullptr && call != earlier_calls_.end(); ++call) {
      if (const auto earlier = call->arguments.find(other.argument); earlier != call->arguments.end())
        value = &*earlier;
    }
    for (size_t i = 0; value != nullptr && i < other.values.size(); ++i)
      if (*value == other.values[i].value) return other.numbers[i];
  }
  return argument.number;
}

void Grounding::AddNumbers(const OfferedArgument& argument, const Json& known,
                           std::vector<GroundedValue>& out) const {
  const NumberWanted& wanted = Wanted(argument, known);
  for (const Utterance& said : said_) {
    std::vector<NumberReading> readings = said.readings;
    // Digits that were dictated turns ago were a card's, whatever they would make as a number.
    if (&said != &said_.front()) {
      std::erase_if(readings,
                    [](const NumberReading& reading) { return reading.form == NumberForm::kSpelled; });
    }
    const std::vector<SaidNumber> numbers = SaidNumbers(readings, wanted);
    Json alternatives = Json::array();
    for (const SaidNumber& number : numbers) {
      if (number.fit == SaidNumber::Fit::kAlternative) alternatives.push_back(NumberJson(number.value));
    }
    for (const SaidNumber& number : numbers) {
      const Json value = NumberJson(number.value);
      if (argument.integer && number.value != std::floor(number.value)) continue;
      const std::string_view misfit = WhyUnfit(argument, number);
      if (misfit.empty()) {
        Add(out, LiteralText(value), value);
      } else if (&said == &said_.front()) {  // of earlier turns it has been said
        Json told = value;
        if (misfit == "ambiguous") told = alternatives;
        if (misfit == "other_currency") told = Json{{"amount", value}, {"currency", number.currency}};
        Add(out, LiteralText(value), std::move(told), misfit);
      }
    }
  }
}

void Grounding::AddDigits(const OfferedArgument& argument, std::vector<GroundedValue>& out) const {
  for (const Utterance& said : said_) {
    const bool now = &said == &said_.front();
    const size_t before = out.size();
    for (std::string& digits : SaidDigits(WordsOf(said.words), said.readings,
                                          static_cast<size_t>(argument.n_digits), argument.secret)) {
      std::string literal = Json(digits).dump();
      Add(out, std::move(literal), std::move(digits));
    }
    if (now && out.size() == before) AddUnfitDigits(argument, out);
  }
}

// A part of the number, or too much of it.
void Grounding::AddUnfitDigits(const OfferedArgument& argument, std::vector<GroundedValue>& out) const {
  const Utterance& said = said_.front();
  for (std::string& digits :
       OtherDigits(WordsOf(said.words), said.readings, static_cast<size_t>(argument.n_digits))) {
    std::string literal = Json(digits).dump();
    Add(out, std::move(literal), std::move(digits), "wrong_length");
  }
}

void Grounding::AddCalendar(const OfferedArgument& argument, std::vector<GroundedValue>& out) const {
  for (const Utterance& said : said_) {
    for (SaidValue& value : SaidCalendarValues(argument.entity, said.text, said.words, day_))
      Add(out, Json(value.words).dump(), std::move(value.value));
  }
}

// A listed value that shares no word with anything that was said, not even a misheard one, is nobody's wish.
bool Grounding::WasHinted(const OfferedArgument::Listed& listed) const {
  for (const std::string& form : listed.forms) {
    for (const std::string_view word : SplitWords(form)) {
      if (word.size() < kMinHintLetters && word.size() != form.size()) continue;
      for (const Utterance& said : said_) {
        for (const NormalisedWord& heard : said.words) {
          if (SoundsAlike(word, heard.text)) return true;
        }
      }
    }
  }
  return false;
}

void Grounding::AddSpans(const OfferedArgument& argument, std::vector<GroundedValue>& out) const {
  for (const OfferedArgument::Listed& listed : argument.listed) {
    if (WasHinted(listed)) Add(out, Json(NormaliseSpoken(listed.value)).dump(), listed.value);
  }
  for (size_t n = 0; n < std::min(said_.size(), kSpanTurns); ++n) {
    const Utterance& said = said_[n];
    for (size_t begin = 0; begin < said.words.size(); ++begin) {
      std::string text;
      for (size_t end = begin; end < std::min(begin + kMaxSpanWords, said.words.size()); ++end) {
        text += (end == begin ? "" : " ") + said.words[end].text;
        const size_t from = said.words[begin].begin;
        // The user's own spelling; a listed value's own name means that value. Other names of it are kept as they were said:
        // the dialogue knows them (dialogue/slot_value.h).
        Json value = said.text.substr(from, said.words[end].end - from);
        for (const OfferedArgument::Listed& listed : argument.listed) {
          if (!listed.forms.empty() && listed.forms.front() == text) value = listed.value;
        }
        Add(out, Json(text).dump(), std::move(value));
      }
    }
  }
}

void Grounding::AddEarlierCalls(const OfferedArgument& argument, std::vector<GroundedValue>& out) const {
  for (const ToolCall& call : earlier_calls_) {
    for (const auto& [name, value] : call.arguments.items()) {
      if (argument.kind == Kind::kNumber && value.is_number() && InRange(argument, value.get<double>())) {
        Add(out, LiteralText(value), value);
      } else if (value.is_string()) {
        const std::string& text = value.get_ref<const std::string&>();
        if (argument.kind == Kind::kDigits && IsDigits(text, argument.n_digits))
          Add(out, Json(text).dump(), text);
        if (argument.kind == Kind::kSpan && name == argument.name) {
          Add(out, Json(NormaliseSpoken(text)).dump(), text);
        }
      }
    }
  }
}

}  // namespace sotto
