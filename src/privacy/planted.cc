#include "privacy/planted.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "privacy/checksums.h"
#include "privacy/compiled_privacy.h"
#include "text/list_file.h"

namespace sotto {
namespace {

using Kind = PersonalKind;

constexpr std::array<std::string_view, 10> kDigits = {"zero", "one", "two",   "three", "four",
                                                      "five", "six", "seven", "eight", "nine"};
constexpr std::array<std::string_view, 10> kTeens = {"ten",      "eleven",  "twelve",  "thirteen",
                                                     "fourteen", "fifteen", "sixteen", "seventeen",
                                                     "eighteen", "nineteen"};
constexpr std::array<std::string_view, 10> kTens = {"",      "",      "twenty",  "thirty", "forty",
                                                    "fifty", "sixty", "seventy", "eighty", "ninety"};
constexpr std::string_view kFillers[] = {" uh ", " um ", " then ", ", uh, ", " dash ", ", "};

std::string DigitString(size_t n, Random& random) {
  std::string digits;
  for (size_t i = 0; i < n; ++i) digits += static_cast<char>('0' + random.Below(10));
  return digits;
}

std::string Card(Random& random) {
  static constexpr std::pair<std::string_view, size_t> kIssuers[] = {{"4", 16},  {"51", 16}, {"55", 16},
                                                                     {"34", 15}, {"37", 15}, {"6011", 16},
                                                                     {"35", 16}, {"4", 13},  {"6759", 19}};
  const auto& [prefix, length] = random.Pick(kIssuers);
  std::string card = std::string(prefix) + DigitString(length - prefix.size() - 1, random);
  for (char check = '0'; check <= '9'; ++check)
    if (PassesLuhn(card + check)) return card + check;
  return card;
}

std::string Iban(Random& random) {
  static constexpr std::string_view kCountries[] = {"GB", "DE", "NL", "FR", "IE"};
  const std::string_view country = random.Pick(kCountries);
  const size_t letters = country == "GB" || country == "NL" || country == "IE" ? 4 : 0;
  std::string bank;
  for (size_t i = 0; i < letters; ++i) bank += static_cast<char>('A' + random.Below(26));
  const std::string rest = bank + DigitString(IbanLength(country) - 4 - letters, random);
  for (int check = 2; check <= 98; ++check) {
    std::string iban = fmt::format("{}{:02}{}", country, check, rest);
    if (PassesMod97(iban)) return iban;
  }
  return {};
}

std::string Ssn(Random& random) {
  for (;;) {
    std::string digits = DigitString(9, random);
    if (MayBeSsn(digits)) return digits;
  }
}

std::string Grouped(std::string_view digits, std::initializer_list<size_t> groups, std::string_view between) {
  std::string out;
  size_t at = 0;
  for (const size_t n : groups) {
    if (at >= digits.size()) break;
    if (at > 0) out += between;
    out += digits.substr(at, n);
    at += n;
  }
  return out + std::string(digits.substr(std::min(at, digits.size())));
}

std::string TypedCard(std::string_view card, Random& random) {
  switch (random.Below(4)) {
    case 0:
      return std::string(card);
    case 1:
      return Grouped(card, {4, 4, 4, 4, 4}, "-");
    default:
      return card.size() == 15 ? Grouped(card, {4, 6, 5}, " ") : Grouped(card, {4, 4, 4, 4, 4}, " ");
  }
}

std::string TypedPhone(std::string_view digits, Random& random) {
  switch (random.Below(5)) {
    case 0:
      return fmt::format("({}) {}-{}", digits.substr(0, 3), digits.substr(3, 3), digits.substr(6));
    case 1:
      return fmt::format("{}-{}-{}", digits.substr(0, 3), digits.substr(3, 3), digits.substr(6));
    case 2:
      return fmt::format("{}.{}.{}", digits.substr(0, 3), digits.substr(3, 3), digits.substr(6));
    case 3:
      return fmt::format("+1 {} {} {}", digits.substr(0, 3), digits.substr(3, 3), digits.substr(6));
    default:
      return std::string(digits);
  }
}

std::string Word(Random& random) {
  static constexpr std::string_view kParts[] = {"jane", "doe",  "kar", "lin", "mo",   "ste",
                                                "pet",  "ros",  "val", "sun", "blue", "wolf",
                                                "rock", "hill", "ann", "lee", "max",  "tom"};
  return std::string(random.Pick(kParts)) + std::string(random.Pick(kParts));
}

struct Email {
  std::string typed;
  std::string spoken;
};

Email MakeEmail(Random& random) {
  static constexpr std::pair<std::string_view, std::string_view> kHosts[] = {
      {"gmail.com", "gmail dot com"},
      {"example.org", "example dot org"},
      {"mail.example.co.uk", "mail dot example dot co dot uk"},
      {"yahoo.de", "yahoo dot d e"},
      {"acme-corp.net", "acme dash corp dot net"}};
  static constexpr std::pair<std::string_view, std::string_view> kMarks[] = {
      {".", " dot "}, {"_", " underscore "}, {"-", " dash "}};
  Email email;
  email.typed = email.spoken = Word(random);
  if (random.Chance(.6)) {
    const auto& [mark, said] = random.Pick(kMarks);
    const std::string word = Word(random);
    email.typed += std::string(mark) + word;
    email.spoken += std::string(said) + word;
  }
  if (random.Chance(.4)) {
    const std::string number = DigitString(2, random);
    email.typed += number;
    email.spoken += fmt::format(" {} {}", kDigits[static_cast<size_t>(number[0] - '0')],
                                kDigits[static_cast<size_t>(number[1] - '0')]);
  }
  const auto& [host, said] = random.Pick(kHosts);
  email.typed += fmt::format("@{}", host);
  email.spoken += fmt::format(" at {}", said);
  return email;
}

// Letters one by one, digits as people say them.
std::string SpeakCode(std::string_view code, Random& random) {
  static constexpr std::string_view kNato[] = {
      "alpha",  "bravo", "charlie", "delta",  "echo",     "foxtrot", "golf",   "hotel",  "india",
      "juliet", "kilo",  "lima",    "mike",   "november", "oscar",   "papa",   "quebec", "romeo",
      "sierra", "tango", "uniform", "victor", "whiskey",  "xray",    "yankee", "zulu"};
  const bool nato = random.Chance(.3);
  std::string out;
  for (size_t i = 0; i < code.size();) {
    if (!out.empty()) out += ' ';
    if (code[i] >= 'A' && code[i] <= 'Z') {
      out += nato ? kNato[code[i] - 'A'] : std::string_view();
      if (!nato) out += static_cast<char>(code[i] - 'A' + 'a');
      ++i;
      continue;
    }
    size_t end = i;
    while (end < code.size() && code[end] >= '0' && code[end] <= '9') ++end;
    out += SpeakDigits(code.substr(i, end - i), random);
    i = end;
  }
  return out;
}

}  // namespace

std::string SpeakDigits(std::string_view digits, Random& random) {
  const bool pairs = random.Chance(.35);
  const bool oh = random.Chance(.5);
  const bool doubles = random.Chance(.4);
  const double hesitates = random.Chance(.5) ? .12 : 0;
  std::string out;
  for (size_t i = 0; i < digits.size();) {
    if (!out.empty())
      out += i < digits.size() && random.Chance(hesitates) ? random.Pick(kFillers) : std::string_view(" ");
    const auto digit = [&](size_t at) { return static_cast<size_t>(digits[at] - '0'); };
    if (doubles && i + 1 < digits.size() && digits[i] == digits[i + 1]) {
      const bool triple = i + 2 < digits.size() && digits[i] == digits[i + 2];
      out += fmt::format("{} {}", triple ? "triple" : "double", kDigits[digit(i)]);
      i += triple ? 3 : 2;
    } else if (pairs && i + 1 < digits.size() && digits[i] != '0' &&
               (digits[i] == '1' || digits[i + 1] != '0') && random.Chance(.8)) {
      if (digits[i] == '1') {
        out += kTeens[digit(i + 1)];
      } else {
        // No "sixty": with a two behind it, it would be 62.
        out += fmt::format("{} {}", kTens[digit(i)], kDigits[digit(i + 1)]);
      }
      i += 2;
    } else {
      out += digits[i] == '0' && oh ? "oh" : kDigits[digit(i)];
      ++i;
    }
  }
  return out;
}

const std::vector<PersonalKind>& Planter::Kinds() {
  static const std::vector<PersonalKind> kinds{Kind::kCard, Kind::kIban, Kind::kSsn, Kind::kPhone,
                                               Kind::kEmail};
  return kinds;
}

Result<Planter> Planter::For(std::string_view language) {
  std::string known;
  for (const CompiledPrivacy& one : CompiledPrivacyLanguages()) {
    for (const PrivacyFile& file : one.files) {
      if (file.name != "planted.txt") continue;
      known += fmt::format("{}{}", known.empty() ? "" : ", ", one.code);
      if (one.code != language) continue;
      Planter planter;
      planter.frames_.resize(Kinds().size());
      std::vector<std::string>* list = nullptr;
      const ListFileReader reader{
          .section = [&](std::string_view name) -> Result<void> {
            const auto kind = KindFromName(name);
            const auto place = std::find(Kinds().begin(), Kinds().end(), kind.value_or(Kind::kNumber));
            list = name == "any" ? &planter.any_
                                 : &planter.frames_[static_cast<size_t>(place - Kinds().begin())];
            return {};
          },
          .line = [&](std::string_view line) -> Result<void> {
            list->emplace_back(line);
            return {};
          }};
      SOTTO_RETURN_IF_ERROR(ReadListFile(file.text, fmt::format("{}/planted.txt", language), reader));
      return planter;
    }
  }
  return MakeError(ErrorCode::kNotFound, "no planted sentences for the language '{}'; there are: {}",
                   language, known);
}

PlantedText Planter::Plant(PersonalKind kind, PlantedForm form, Random& random) const {
  PlantedText planted;
  planted.form = form;
  const bool typed = form == PlantedForm::kTyped;
  switch (kind) {
    case Kind::kCard:
      planted.bare = Card(random);
      planted.value = typed ? TypedCard(planted.bare, random) : SpeakDigits(planted.bare, random);
      break;
    case Kind::kIban:
      planted.bare = Iban(random);
      planted.value = !typed              ? SpeakCode(planted.bare, random)
                      : random.Chance(.5) ? planted.bare
                                          : Grouped(planted.bare, {4, 4, 4, 4, 4, 4, 4, 4}, " ");
      break;
    case Kind::kSsn:
      planted.bare = Ssn(random);
      planted.value = !typed              ? SpeakDigits(planted.bare, random)
                      : random.Chance(.7) ? Grouped(planted.bare, {3, 2, 4}, random.Chance(.7) ? "-" : " ")
                                          : planted.bare;
      break;
    case Kind::kPhone:
      planted.bare = fmt::format("{}{}", 2 + random.Below(8), DigitString(9, random));
      planted.value = typed ? TypedPhone(planted.bare, random) : SpeakDigits(planted.bare, random);
      break;
    default: {
      SOTTO_CHECK(kind == Kind::kEmail);
      const Email email = MakeEmail(random);
      planted.bare = email.typed;
      planted.value = typed ? email.typed : email.spoken;
    }
  }
  const auto which = static_cast<size_t>(std::find(Kinds().begin(), Kinds().end(), kind) - Kinds().begin());
  const std::vector<std::string>& own = frames_[which];
  const std::string& frame = !own.empty() && random.Chance(.5) ? random.Pick(own) : random.Pick(any_);
  const size_t at = frame.find("{}");
  planted.text.text = frame.substr(0, at) + planted.value + frame.substr(at + 2);
  planted.text.spans = {{at, at + planted.value.size(), kind, FoundBy::kShape, 1}};
  return planted;
}

}  // namespace sotto
