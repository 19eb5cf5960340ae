#include "text/plain_figures.h"

#include <algorithm>
#include <span>
#include <vector>

#include "text/number_lexicon.h"
#include "text/speak.h"
#include "text/spoken_numbers.h"

namespace sotto {
namespace {

bool IsRareWord(std::string_view word) {
  const auto* entry = NumberLexicon::English().Find(word);
  if (entry == nullptr)
    return word.find_first_of("0123456789") == std::string_view::npos;  // joined, misspelt
  switch (entry->part) {
    case NumberPart::kHalf:
    case NumberPart::kQuarter:
    case NumberPart::kDenominator:
    case NumberPart::kCouple:
    case NumberPart::kNote:
    case NumberPart::kPlural:
    case NumberPart::kBill:
    case NumberPart::kMinus:
      return true;
    case NumberPart::kCurrency:
      return entry->currency.empty();
    case NumberPart::kHundred:
      return word != "hundred";
    case NumberPart::kScale:
      return !entry->bare && entry->value != 12;
    case NumberPart::kCoin:
      return entry->value != 0.01 || word.starts_with("pen");
    default:
      return false;
  }
}

bool IsRare(std::span<const NormalisedWord> words, const NumberReading& reading) {
  const bool figure = reading.maximal && reading.form == NumberForm::kPlain &&
                      reading.standing == NumberStanding::kSaid &&
                      (reading.kind == NumberKind::kCount || reading.kind == NumberKind::kAmount);
  return figure && std::any_of(words.begin() + static_cast<std::ptrdiff_t>(reading.begin),
                               words.begin() + static_cast<std::ptrdiff_t>(reading.end),
                               [](const NormalisedWord& word) { return IsRareWord(word.text); });
}

}  // namespace

std::string WithPlainFigures(std::string_view text) {
  const std::vector<NormalisedWord> words = NormaliseSpokenWords(text);
  const std::vector<NumberReading> readings = ReadNumbers(words);
  std::string plain;
  const auto add = [&](std::string_view word) {
    if (!plain.empty()) plain += ' ';
    plain += word;
  };
  for (size_t i = 0; i < words.size();) {
    const auto rare = std::find_if(readings.begin(), readings.end(), [&](const NumberReading& reading) {
      return reading.begin == i && IsRare(words, reading);
    });
    if (rare == readings.end()) {
      add(words[i++].text);
      continue;
    }
    add(rare->value < 0 ? "minus " + NumberText(-rare->value) : rare->text);
    if (rare->kind == NumberKind::kAmount) add(CurrencyName(rare->currency.empty() ? "USD" : rare->currency));
    i = rare->end;
  }
  return plain;
}

}  // namespace sotto
