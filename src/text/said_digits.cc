#include "text/said_digits.h"

#include <algorithm>
#include <array>

#include "text/normalise.h"
#include "text/number_lexicon.h"

namespace sotto {
namespace {

constexpr size_t kLongNumber = 8;  // digits of a card or an account, which are known by their last ones
constexpr size_t kLastOnes = 4;    // and nobody means the last six

class SaidDigitsReader {
 public:
  SaidDigitsReader(std::span<const std::string_view> words, std::span<const NumberReading> readings,
                   size_t n_digits)
      : words_(words), readings_(readings), wanted_(n_digits) {}

  std::vector<std::string> Fitting(bool homophones) const {
    std::vector<std::string> said;
    const NumberReading* whole_before = nullptr;
    for (const NumberReading& run : readings_) {
      if (run.kind != NumberKind::kDigits || !run.maximal || run.homophone != homophones) continue;
      if (run.standing == NumberStanding::kSaid) AddFitting(run, whole_before, said);
      whole_before = &run;
    }
    return said;
  }

  std::vector<std::string> Other() const {
    std::vector<std::string> said;
    for (const NumberReading& run : readings_) {
      if (run.kind != NumberKind::kDigits || !run.maximal || run.homophone) continue;
      if (run.standing == NumberStanding::kSaid && !IsNoDigit(run.begin, run.end) && !IsOfAnAmount(run))
        said.push_back(run.text);
    }
    return said;
  }

 private:
  void AddFitting(const NumberReading& run, const NumberReading* before,
                  std::vector<std::string>& said) const {
    const size_t size = run.text.size();
    if (wanted_ == 0 || size == wanted_) {
      said.push_back(run.text);
    } else if (wanted_ <= kLastOnes && size >= std::max(kLongNumber, 2 * wanted_) && !IsSeveral(run)) {
      said.push_back(run.text.substr(size - wanted_));
    } else if (size < wanted_ && before != nullptr && before->standing == NumberStanding::kTakenBack &&
               before->text.size() == wanted_) {
      said.push_back(before->text.substr(0, wanted_ - size) + run.text);
    } else {
      AddPieces(run, said);
    }
  }

  // Parts of a run that stand by themselves: a figure written as one word, and what "and", "then" or a
  // counting word sets apart.
  void AddPieces(const NumberReading& run, std::vector<std::string>& said) const {
    for (const NumberReading& piece : readings_) {
      if (piece.kind != NumberKind::kDigits || piece.homophone != run.homophone || piece.begin < run.begin ||
          piece.end > run.end || piece.text.size() != wanted_)
        continue;
      const bool one_word = piece.end == piece.begin + 1;
      const bool from =
          piece.begin == run.begin || IsBetween(piece.begin - 1) || IsNoDigit(run.begin, piece.begin);
      const bool to = piece.end == run.end || IsBetween(piece.end);
      if (one_word || (from && to)) said.push_back(piece.text);
    }
  }

  // "4532 and 10025".
  bool IsSeveral(const NumberReading& run) const {
    for (size_t word = run.begin; word < run.end; ++word)
      if (IsBetween(word)) return true;
    return false;
  }

  // Within money, or one of several amounts without a choice.
  bool IsOfAnAmount(const NumberReading& run) const {
    return std::any_of(readings_.begin(), readings_.end(), [&](const NumberReading& other) {
      const bool amount =
          (other.kind == NumberKind::kAmount && !other.currency.empty()) ||
          (other.kind != NumberKind::kDigits && other.standing == NumberStanding::kAlternative);
      return amount && other.begin <= run.begin && other.end >= run.end;
    });
  }

  bool IsBetween(size_t word) const { return words_[word] == "and" || words_[word] == "then"; }

  // A number word that counts or points and is no digit: "last four, five five three one", "that one, four
  // five three two".
  bool IsNoDigit(size_t begin, size_t end) const {
    constexpr std::array<std::string_view, 7> kBeforeOne = {"that", "this", "the", "other",
                                                            "new",  "old",  "same"};
    if (begin == 0 || end != begin + 1) return false;
    const std::string_view before = words_[begin - 1];
    if (before == "last" || before == "final" || before == "first" || before == "other") return true;
    return words_[begin] == "one" &&
           std::find(kBeforeOne.begin(), kBeforeOne.end(), before) != kBeforeOne.end();
  }

  const std::span<const std::string_view> words_;
  const std::span<const NumberReading> readings_;
  const size_t wanted_;
};

}  // namespace

std::vector<std::string> SaidDigits(std::span<const std::string_view> words,
                                    std::span<const NumberReading> all, size_t n_digits, bool secret) {
  std::vector<NumberReading> readings(all.begin(), all.end());
  const auto is_secret = [](const NumberReading& reading) { return reading.secret; };
  if (!secret) {
    std::erase_if(readings, is_secret);
  } else if (std::any_of(all.begin(), all.end(), is_secret)) {
    std::erase_if(readings, [&](const NumberReading& reading) { return !reading.secret; });
  }
  const SaidDigitsReader reader(words, readings, n_digits);
  std::vector<std::string> said = reader.Fitting(false);
  return said.empty() ? reader.Fitting(true) : said;
}

bool BeginsWithCorrection(std::string_view text) {
  const std::string spoken = NormaliseSpoken(text);
  for (const std::string_view word : SplitWords(spoken)) {
    if (NumberLexicon::English().Is(NumberCue::kCorrect, word)) return true;
    if (!NumberLexicon::English().Is(NumberCue::kCorrectFiller, word)) return false;
  }
  return false;
}

std::vector<std::string> OtherDigits(std::span<const std::string_view> words,
                                     std::span<const NumberReading> readings, size_t n_digits) {
  if (n_digits == 0) return {};
  const SaidDigitsReader reader(words, readings, n_digits);
  return reader.Fitting(false).empty() ? reader.Other() : std::vector<std::string>{};
}

}  // namespace sotto
