#include <algorithm>
#include <optional>
#include <span>

#include "privacy/checksums.h"
#include "privacy/finders.h"
#include "privacy/letters.h"

namespace sotto {
namespace {

using Elements = std::span<const CodeElement>;
using List = PrivacyList;
using Kind = PersonalKind;

constexpr size_t kMaxMixed = 64;  // pieces of letters and digits; more are no code but not harmless either
constexpr size_t kMaxPostcode = 7;

constexpr uint64_t kDigitCues = ListBit(List::kCard) | ListBit(List::kAccount) | ListBit(List::kSsn) |
                                ListBit(List::kPhone) | ListBit(List::kSecret) | ListBit(List::kPostcode) |
                                ListBit(List::kBirth) | ListBit(List::kId);

std::string CharsOf(Elements elements) {
  std::string chars;
  for (const CodeElement& element : elements) chars += element.chars;
  return chars;
}

struct Verdict {
  Kind kind;
  FoundBy by;
  float confidence;
};

// "W1A 0AX", "M5V 2T6".
bool IsPostcode(std::string_view c) {
  const auto letter = [&](size_t i) { return c[i] >= 'A' && c[i] <= 'Z'; };
  const auto digit = [&](size_t i) { return c[i] >= '0' && c[i] <= '9'; };
  if (c.size() < 5 || c.size() > 7) return false;
  if (c.size() == 6 && letter(0) && digit(1) && letter(2) && digit(3) && letter(4) && digit(5)) return true;
  const size_t in = c.size() - 3;
  if (!digit(in) || !letter(in + 1) || !letter(in + 2) || !letter(0)) return false;
  const size_t n_letters = letter(1) ? 2 : 1;
  if (in <= n_letters || !digit(n_letters)) return false;
  return in == n_letters + 1 || in == n_letters + 2;
}

class CodeFinder {
 public:
  CodeFinder(const MarkedText& text, Spans& spans) : text_(text), spans_(spans) {}

  void Add(const CodeRun& run) {
    const Elements elements = run.elements;
    const bool letters =
        std::any_of(elements.begin(), elements.end(), [](const auto& e) { return !e.digits; });
    if (letters && elements.size() > kMaxMixed) {
      if (std::any_of(elements.begin(), elements.end(), [](const auto& e) { return e.digits; }))
        AddSpan(elements, {Kind::kNumber, FoundBy::kLength, .6F});
      return;
    }
    if (letters && AddMixed(elements)) return;
    for (size_t b = 0; b < elements.size();) {
      size_t e = b;
      while (e < elements.size() && elements[e].digits) ++e;
      if (e > b) AddDigits(elements.subspan(b, e - b), run.counted && !letters);
      b = std::max(e, b + 1);
    }
  }

 private:
  void AddSpan(Elements elements, Verdict verdict) {
    spans_.push_back({text_.BeginOf(elements.front().first), text_.EndOf(elements.back().last), verdict.kind,
                      verdict.by, verdict.confidence});
  }

  std::optional<List> CueFor(Elements elements) const {
    return text_.CueFor(elements.front().first, elements.back().last, kDigitCues);
  }

  // Letters and digits. False: nothing but its digits counts.
  bool AddMixed(Elements elements) {
    if (AddIban(elements)) return true;
    const std::string chars = CharsOf(elements);
    const auto n_digits = static_cast<size_t>(
        std::count_if(chars.begin(), chars.end(), [](char c) { return c >= '0' && c <= '9'; }));
    if (n_digits == 0) return true;  // a spelled word: FindNames
    const auto cue = CueFor(elements);
    for (size_t b = 0; b < elements.size(); ++b) {
      for (size_t e = std::min(elements.size(), b + kMaxPostcode); e > b; --e) {
        const std::string part = CharsOf(elements.subspan(b, e - b));
        if (part.size() < 5) break;
        if (!IsPostcode(part)) continue;
        if (b > 0) Add(CodeRun{{elements.begin(), elements.begin() + static_cast<ptrdiff_t>(b)}, false});
        AddSpan(elements.subspan(b, e - b),
                {Kind::kPostcode, cue == List::kPostcode ? FoundBy::kCue : FoundBy::kShape, .9F});
        if (e < elements.size())
          Add(CodeRun{{elements.begin() + static_cast<ptrdiff_t>(e), elements.end()}, false});
        return true;
      }
    }
    if (cue == List::kPostcode && chars.size() >= 3 && chars.size() <= 12) {
      AddSpan(elements, {Kind::kPostcode, FoundBy::kCue, .8F});
      return true;
    }
    if (cue == List::kSecret && chars.size() >= 3) {
      AddSpan(elements, {Kind::kSecret, FoundBy::kCue, .9F});
      return true;
    }
    if ((cue == List::kId && chars.size() >= 4) ||
        ((cue == List::kAccount || cue == List::kSsn) && chars.size() >= 6)) {
      AddSpan(elements, {cue == List::kId    ? Kind::kId
                         : cue == List::kSsn ? Kind::kSsn
                                             : Kind::kAccount,
                         FoundBy::kCue, .9F});
      return true;
    }
    // Long ones are nobody's words; a telephone's extension and a sentence's own letters stay apart.
    if (n_digits >= 4 && chars.size() >= 7 && chars.size() - n_digits <= n_digits + 4 &&
        !IsNumberWithExtension(elements)) {
      AddSpan(elements, {Kind::kId, FoundBy::kLength, .6F});
      return true;
    }
    return false;
  }

  static bool IsNumberWithExtension(Elements elements) {
    size_t letters = 0;
    for (const CodeElement& element : elements)
      if (!element.digits) letters += element.chars == "X" ? 1 : 9;
    return letters <= 1;
  }

  bool AddIban(Elements elements) {
    for (size_t b = 0; b < elements.size(); ++b) {
      if (elements[b].digits) continue;
      const std::string rest = CharsOf(elements.subspan(b));
      const size_t wanted = rest.size() < 4 ? 0 : IbanLength(std::string_view(rest).substr(0, 2));
      if (wanted == 0 || rest[2] < '0' || rest[2] > '9' || rest[3] < '0' || rest[3] > '9') continue;
      std::string chars;
      for (size_t e = b; e < elements.size() && chars.size() < wanted; ++e) {
        chars += elements[e].chars;
        if (chars.size() != wanted) continue;
        const bool right = PassesMod97(chars);
        AddSpan(elements.subspan(b, e + 1 - b),
                {Kind::kIban, right ? FoundBy::kChecksum : FoundBy::kShape, right ? .99F : .8F});
        if (b > 0) Add(CodeRun{{elements.begin(), elements.begin() + static_cast<ptrdiff_t>(b)}, false});
        if (e + 1 < elements.size())
          Add(CodeRun{{elements.begin() + static_cast<ptrdiff_t>(e + 1), elements.end()}, false});
        return true;
      }
    }
    return false;
  }

  void AddDigits(Elements elements, bool counted) {
    const std::string digits = CharsOf(elements);
    if (counted && digits.size() < 13) return;
    const std::optional<Verdict> verdict = Judge(elements, digits);
    if (!verdict) return;
    AddSpan(elements, *verdict);
    PersonalSpan& span = spans_.back();
    const std::string_view all = text_.text();
    while (span.begin > 0 && (all[span.begin - 1] == '+' || all[span.begin - 1] == '(')) --span.begin;
    if (verdict->kind == Kind::kPhone) AddExtension(elements.back().last, span);
  }

  // "x123", "ext. 45"
  void AddExtension(size_t at, PersonalSpan& span) const {
    const std::string_view word = text_.Lower(at);
    if (word != "x" && word != "ext" && word != "extension") return;
    if (at + 1 < text_.size() && text_.words()[at + 1].digits && text_.Lower(at + 1).size() <= 6)
      span.end = text_.EndOf(at + 2);
  }

  bool HasPhoneSigns(Elements elements) const {
    const size_t begin = text_.BeginOf(elements.front().first);
    if (begin > 0 && (text_.text()[begin - 1] == '+' || text_.text()[begin - 1] == '(')) return true;
    for (size_t e = 1; e < elements.size(); ++e)
      if ((text_.words()[elements[e].first].gap & (kGapOpen | kGapClose)) != 0) return true;
    return false;
  }

  // Whether a whole card stands in the run, at the bounds of its pieces.
  static bool HoldsCard(Elements elements) {
    for (size_t b = 0; b < elements.size(); ++b) {
      std::string digits;
      for (size_t e = b; e < elements.size() && digits.size() < 19; ++e) {
        digits += elements[e].chars;
        if (digits.size() >= 13 && digits.size() <= 19 && PassesLuhn(digits)) return true;
      }
    }
    return false;
  }

  std::optional<Verdict> Judge(Elements elements, std::string_view digits) const {
    const size_t n = digits.size();
    if (n < 3) return std::nullopt;
    const bool said = std::any_of(elements.begin(), elements.end(), [](const auto& e) { return e.said; });
    const bool signs = HasPhoneSigns(elements);
    const auto cue = CueFor(elements);
    if (n >= 13) {
      if (HoldsCard(elements)) return Verdict{Kind::kCard, FoundBy::kChecksum, .99F};
      const bool phone = signs || (elements.size() > 2 && digits.substr(0, 2) == "00");
      if (n <= 16 && cue != List::kCard && (phone || cue == List::kPhone))
        return Verdict{Kind::kPhone, FoundBy::kShape, .8F};
      if (n <= 19)
        return Verdict{Kind::kCard, cue == List::kCard ? FoundBy::kCue : FoundBy::kLength,
                       cue == List::kCard ? .95F : .8F};
      return Verdict{Kind::kNumber, FoundBy::kLength, .9F};
    }
    if (const auto named = JudgeByCue(cue, n)) return named;
    if (n == 12 && PassesLuhn(digits) && !signs && !said)
      return Verdict{Kind::kCard, FoundBy::kChecksum, .8F};
    if (n < 7) return std::nullopt;
    if (elements.size() == 3 && elements[0].chars.size() == 3 && elements[1].chars.size() == 2 &&
        elements[2].chars.size() == 4 && !signs)
      return Verdict{Kind::kSsn, FoundBy::kShape, MayBeSsn(digits) ? .9F : .7F};
    if (elements.size() == 2 && elements[0].chars.size() == 5 && elements[1].chars.size() == 4 && !said)
      return Verdict{Kind::kPostcode, FoundBy::kShape, .8F};
    if (signs) return Verdict{Kind::kPhone, FoundBy::kShape, .9F};
    if (n == 9 && MayBeSsn(digits) && (said || elements.size() == 1))
      return Verdict{Kind::kSsn, FoundBy::kLength, .6F};
    const bool grouped = elements.size() > 1 && !said;
    if (grouped || n == 10 || n == 11 || (said && n == 7) || digits[0] == '0')
      return Verdict{Kind::kPhone, grouped ? FoundBy::kShape : FoundBy::kLength, .7F};
    return Verdict{Kind::kAccount, FoundBy::kLength, .6F};
  }

  static std::optional<Verdict> JudgeByCue(std::optional<List> cue, size_t n) {
    if (!cue) return std::nullopt;
    const auto as = [&](Kind kind) { return Verdict{kind, FoundBy::kCue, .95F}; };
    switch (*cue) {
      case List::kSecret:
        if (n <= 12) return as(Kind::kSecret);
        break;
      case List::kSsn:
        if (n == 9 || n == 4 || n == 8 || n == 10 || n == 11) return as(Kind::kSsn);
        break;
      case List::kCard:
        if (n >= 8) return as(Kind::kCard);
        break;
      case List::kAccount:
        if (n >= 5) return as(Kind::kAccount);
        break;
      case List::kPhone:
        if (n >= 6) return as(Kind::kPhone);
        break;
      case List::kId:
        if (n >= 5) return as(Kind::kId);
        break;
      case List::kBirth:
        if (n >= 4 && n <= 8) return as(Kind::kBirthDate);
        break;
      case List::kPostcode:
        if (n <= 9) return as(Kind::kPostcode);
        break;
      default:
        break;
    }
    return std::nullopt;
  }

  const MarkedText& text_;
  Spans& spans_;
};

}  // namespace

void FindCodes(const MarkedText& text, const std::vector<CodeRun>& runs, Spans& spans) {
  CodeFinder finder(text, spans);
  for (const CodeRun& run : runs) finder.Add(run);
}

void FindWrittenIbans(const MarkedText& text, Spans& spans) {
  const std::string_view all = text.text();
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    const TextWord& country = text.words()[i];
    const TextWord& check = text.words()[i + 1];
    if (country.lower.size() != 2 || country.digits || !check.digits || check.gap != 0) continue;
    const char code[] = {Upper(all[country.begin]), Upper(all[country.begin + 1])};
    const size_t wanted = country.end - country.begin == 2 ? IbanLength(std::string_view(code, 2)) : 0;
    if (wanted == 0 || check.lower.size() < 2) continue;
    std::string chars;
    size_t at = country.begin;
    size_t end = at;
    while (at < all.size() && chars.size() < wanted) {
      if (IsAlnum(all[at])) {
        chars += Upper(all[at]);
        end = at + 1;
      } else if ((all[at] != ' ' && all[at] != '-') || at + 1 >= all.size() || !IsAlnum(all[at + 1])) {
        break;
      }
      ++at;
    }
    if (chars.size() != wanted || (end < all.size() && IsAlnum(all[end]))) continue;
    const bool right = PassesMod97(chars);
    const auto digits =
        std::count_if(chars.begin(), chars.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!right && digits * 2 < static_cast<ptrdiff_t>(wanted)) continue;
    spans.push_back({country.begin, end, PersonalKind::kIban, right ? FoundBy::kChecksum : FoundBy::kShape,
                     right ? .99F : .8F});
  }
}

}  // namespace sotto
