// Specialists of kind `rule`: codes and addresses in a text, written or spoken, and whether they can be right.
//
// What a run of digits is, is said by the words beside it ("my sort code is ..."), else by its shape; then the rules of
// specialist/formats.h judge it. What nothing tells the kind of is not reported.
#include <algorithm>

#include "base/ascii.h"
#include "base/utf8.h"
#include "privacy/checksums.h"
#include "privacy/said_codes.h"
#include "specialist/annotator.h"
#include "specialist/formats.h"
#include "specialist/telephone_number.h"
#include "text/dates.h"

namespace sotto {
namespace {

const std::vector<std::string> kFormats = {"iban",  "card",  "sort_code", "routing_number",
                                           "phone", "email", "postcode",  "birth_date"};
constexpr size_t kCueBytes = 48;      // so far before a code its own name may stand
constexpr size_t kShortestIban = 15;  // Norway's

bool IsAllDigits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

struct RuleKeys {
  std::vector<std::string> formats = kFormats;
  std::vector<std::string> regions = {"US", "GB"};
};

class RuleAnnotator final : public Annotator {
 public:
  RuleAnnotator(SpecialistDeclaration declaration, RuleKeys keys,
                std::shared_ptr<const PrivacyLanguage> language)
      : Annotator(std::move(declaration)), keys_(std::move(keys)), language_(std::move(language)) {}

  std::vector<Json> Annotate(std::span<const std::string> texts) const override {
    std::vector<Json> out;
    for (const std::string& text : texts) out.push_back(AnnotateInContext({text}));
    return out;
  }

  Json AnnotateInContext(const TextInContext& in) const override {
    const Date today = in.today.value_or(LocalDate(std::chrono::system_clock::now()));
    const std::string text = CleanUtf8(in.text);
    std::vector<Found> found;
    if (Wants("birth_date")) FindBirthDates(text, today, found);
    if (Wants("email")) FindEmails(text, found);
    if (Wants("iban")) FindIbansAsWritten(text, found);
    for (const SaidCode& code : ReadSaidCodes(*language_, text)) {
      const bool taken = std::ranges::any_of(
          found, [&](const Found& one) { return one.begin < code.end && code.begin < one.end; });
      if (taken || (code.counted && code.characters.size() < 13)) continue;
      if (auto one = IsAllDigits(code.characters) ? OfDigits(text, code) : OfLetters(text, code))
        found.push_back(*std::move(one));
    }
    std::ranges::stable_sort(found, {}, &Found::begin);
    Json list = Json::array();
    for (const Found& one : found) list.push_back(ToJson(one, text));
    return {{"found", std::move(list)}};
  }

  bool reads_context() const override { return true; }
  // How many were found.
  Json RuleValue(const Json& annotation) const override { return annotation.at("found").size(); }
  bool is_number() const override { return true; }

 private:
  struct Found {
    std::string_view format;
    size_t begin = 0;
    size_t end = 0;
    FormatVerdict verdict;
  };

  static Json ToJson(const Found& one, std::string_view text) {
    Json out{{"format", one.format},       {"text", text.substr(one.begin, one.end - one.begin)},
             {"begin", one.begin},         {"end", one.end},
             {"value", one.verdict.value}, {"valid", one.verdict.valid}};
    if (!one.verdict.why.empty()) out["why"] = one.verdict.why;
    if (!one.verdict.detail.empty()) out["detail"] = one.verdict.detail;
    return out;
  }

  bool Wants(std::string_view format) const {
    return std::ranges::find(keys_.formats, format) != keys_.formats.end();
  }

  // Whether one of the phrases stands shortly before or right behind the code, nearer than anything else.
  static bool IsCalled(std::string_view text, const SaidCode& code,
                       std::initializer_list<std::string_view> names) {
    const size_t from = code.begin > kCueBytes ? code.begin - kCueBytes : 0;
    const std::string before = LowerAscii(text.substr(from, code.begin - from));
    const std::string behind = LowerAscii(text.substr(code.end, 24));
    for (const std::string_view name : names) {
      if (const size_t at = before.rfind(name); at != std::string::npos) {
        // Nothing with digits between the name and its code.
        if (!std::ranges::any_of(std::string_view(before).substr(at),
                                 [](char c) { return c >= '0' && c <= '9'; }))
          return true;
      }
      for (const std::string_view link : {" is my ", " is the ", " as my ", " as the "}) {
        if (behind.starts_with(std::string(link) + std::string(name))) return true;
      }
    }
    return false;
  }

  Found At(std::string_view format, const SaidCode& code, FormatVerdict verdict) const {
    return {format, code.begin, code.end, std::move(verdict)};
  }
  static Found At(std::string_view format, const SaidCode& code, size_t first, size_t last,
                  FormatVerdict verdict) {
    return {format, code.pieces[first].begin, code.pieces[last - 1].end, std::move(verdict)};
  }

  std::optional<Found> OfDigits(std::string_view text, const SaidCode& code) const {
    const std::string& digits = code.characters;
    const size_t n = digits.size();
    if (Wants("sort_code") && IsCalled(text, code, {"sort code", "sortcode", "sort-code"}) && n <= 9)
      return At("sort_code", code, CheckSortCode(digits));
    if (Wants("routing_number") && IsCalled(text, code, {"routing", "aba", "transit"}))
      return At("routing_number", code, CheckRoutingNumber(digits));
    if (Wants("iban") && IsCalled(text, code, {"iban"})) {
      FormatVerdict verdict;
      verdict.value = digits;
      verdict.why = "begins with no country's two letters";
      return At("iban", code, std::move(verdict));
    }
    if (Wants("postcode") &&
        (code.called_postcode || IsCalled(text, code, {"zip", "postcode", "post code", "postal code"})))
      return At("postcode", code, PostcodeOf(digits));
    if (Wants("card") && code.called_card && n >= 8) return At("card", code, CheckCard(digits));
    if (Wants("phone") && (code.plus || (code.called_phone && n >= 5))) return PhoneAt(code);
    if (code.called_other || code.called_account || code.called_birth) return std::nullopt;
    if (Wants("card") && n >= 13 && n <= 19) {
      const bool abroad = digits.starts_with("00") && n <= 16;  // dialled from another country
      if (!abroad || PassesLuhn(digits)) return At("card", code, CheckCard(digits));
    }
    if (Wants("sort_code") && n == 6 && code.pieces.size() == 3 && text[code.pieces[0].end] == '-' &&
        code.pieces[0].characters.size() == 2 && code.pieces[1].characters.size() == 2)
      return At("sort_code", code, CheckSortCode(digits));
    if (Wants("postcode") && n == 9 && code.pieces.size() == 2 && code.pieces[0].characters.size() == 5 &&
        text[code.pieces[0].end] == '-' && HasRegion("US"))
      return At("postcode", code, CheckPostcode(digits, "US"));
    const bool alone = text.find_first_not_of(" \t\n.", code.end) == std::string_view::npos &&
                       text.find_first_not_of(" \t\n") >= code.begin;
    if (Wants("routing_number") && n == 9 && alone && CheckRoutingNumber(digits).valid)
      return At("routing_number", code, CheckRoutingNumber(digits));
    if (Wants("phone") && n >= 7 && n <= 15 && (n >= 10 || code.pieces.size() > 1 || digits[0] == '0'))
      return PhoneAt(code);
    return std::nullopt;
  }

  bool HasRegion(std::string_view region) const {
    return std::ranges::find(keys_.regions, region) != keys_.regions.end();
  }

  // Of the first region that has such a code, else what the first one with as many characters says.
  FormatVerdict PostcodeOf(std::string_view characters) const {
    std::optional<FormatVerdict> other;
    for (const std::string& region : keys_.regions) {
      if (std::ranges::find(PostcodeRegions(), region) == PostcodeRegions().end()) continue;
      FormatVerdict verdict = CheckPostcode(characters, region);
      if (verdict.valid) return verdict;
      if (!other ||
          (other->why.starts_with("is not of the form") && !verdict.why.starts_with("is not of the form")))
        other = std::move(verdict);
    }
    return other.value_or(FormatVerdict{false, "is of no region that is known", std::string(characters), ""});
  }

  std::optional<Found> PhoneAt(const SaidCode& code) const {
    std::string number = code.plus ? "+" + code.characters : code.characters;
    if (!code.plus && number.starts_with("00") && number.size() > 9) number = "+" + number.substr(2);
    std::optional<FormatVerdict> best;
    for (const std::string& region : keys_.regions) {
      FormatVerdict verdict = CheckTelephone(number, region);
      if (verdict.valid || !best) best = std::move(verdict);
      if (best->valid) break;
    }
    if (!best) return std::nullopt;
    return At("phone", code, *std::move(best));
  }

  std::optional<Found> OfLetters(std::string_view text, const SaidCode& code) const {
    if (Wants("iban")) {
      if (auto iban = IbanIn(text, code)) return iban;
    }
    if (Wants("postcode")) {
      for (size_t b = 0; b < code.pieces.size(); ++b) {
        for (size_t e = code.pieces.size(); e > b; --e) {
          const std::string part = Joined(code, b, e);
          if (part.size() < 5 || part.size() > 7 || IsAllDigits(part)) continue;
          for (const std::string& region : keys_.regions) {
            if (std::ranges::find(PostcodeRegions(), region) == PostcodeRegions().end()) continue;
            const FormatVerdict verdict = CheckPostcode(part, region);
            if (verdict.valid) return At("postcode", code, b, e, verdict);
          }
        }
      }
      if (code.called_postcode) return At("postcode", code, PostcodeOf(code.characters));
    }
    // "call me on 020 7946 0958 x12": the digits before the letters.
    if (Wants("phone") && (code.called_phone || code.plus) && !code.pieces.empty()) {
      SaidCode digits = code;
      while (!digits.pieces.empty() && !IsAllDigits(digits.pieces.front().characters))
        digits.pieces.erase(digits.pieces.begin());
      size_t n = 0;
      while (n < digits.pieces.size() && IsAllDigits(digits.pieces[n].characters)) ++n;
      digits.pieces.resize(n);
      digits.characters = Joined(digits, 0, n);
      if (digits.characters.size() < 7) return std::nullopt;
      digits.begin = digits.pieces.front().begin;
      digits.end = digits.pieces.back().end;
      return PhoneAt(digits);
    }
    return std::nullopt;
  }

  static std::string Joined(const SaidCode& code, size_t first, size_t last) {
    std::string out;
    for (size_t i = first; i < last; ++i) out += code.pieces[i].characters;
    return out;
  }

  std::optional<Found> IbanIn(std::string_view text, const SaidCode& code) const {
    const bool called = IsCalled(text, code, {"iban"});
    // A spoken "o" may be the letter: the run as a whole first.
    if (IbanLength(std::string_view(code.characters).substr(0, 2)) == code.characters.size())
      return At("iban", code, CheckIban(code.characters));
    std::optional<Found> other;
    for (size_t b = 0; b < code.pieces.size(); ++b) {
      const std::string rest = Joined(code, b, code.pieces.size());
      const size_t wanted = rest.size() < 4 ? 0 : IbanLength(std::string_view(rest).substr(0, 2));
      if (wanted == 0 || !IsAllDigits(std::string_view(rest).substr(2, 2))) continue;
      for (size_t e = b + 1; e <= code.pieces.size(); ++e) {
        const std::string part = Joined(code, b, e);
        if (part.size() == wanted) return At("iban", code, b, e, CheckIban(part));
      }
      if (!other && (rest.size() >= kShortestIban || called))
        other = At("iban", code, b, code.pieces.size(), CheckIban(rest));
    }
    return other;
  }

  // "GB82 WEST 1234 5698 7654 32": groups of letters and digits, each with a digit or wholly in capitals.
  void FindIbansAsWritten(std::string_view text, std::vector<Found>& found) const {
    const auto alnum = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    };
    const auto letter = [&](char c) { return alnum(c) && !(c >= '0' && c <= '9'); };
    const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
    for (size_t i = 0; i + 4 < text.size(); ++i) {
      if ((i > 0 && alnum(text[i - 1])) || !letter(text[i]) || !letter(text[i + 1])) continue;
      if (!IsAllDigits(text.substr(i + 2, 2))) continue;
      const std::string country{upper(text[i]), upper(text[i + 1])};
      const size_t wanted = IbanLength(country);
      std::string characters;
      size_t end = i;
      std::string exact;
      size_t exact_end = 0;
      for (size_t at = i; at < text.size() && characters.size() < 40;) {
        size_t stop = at;
        while (stop < text.size() && alnum(text[stop])) ++stop;
        const std::string_view group = text.substr(at, stop - at);
        const bool digits = std::ranges::any_of(group, [](char c) { return c >= '0' && c <= '9'; });
        const bool capitals = std::ranges::all_of(group, [](char c) { return c < 'a'; });
        if (group.empty() || (!digits && !(capitals && group.size() <= 6))) break;
        for (const char c : group) characters += upper(c);
        end = stop;
        if (characters.size() == wanted) {
          exact = characters;
          exact_end = stop;
        }
        if (stop + 1 >= text.size() || (text[stop] != ' ' && text[stop] != '-')) break;
        at = stop + 1;
      }
      if (!exact.empty()) {
        characters = exact;
        end = exact_end;
      }
      const size_t from = i > kCueBytes ? i - kCueBytes : 0;
      const bool called = LowerAscii(text.substr(from, i - from)).find("iban") != std::string::npos;
      const bool long_enough = characters.size() >= kShortestIban && characters.size() <= 34;
      const auto n_digits = std::ranges::count_if(characters, [](char c) { return c >= '0' && c <= '9'; });
      // Other codes of letters and digits are as long: mostly digits, and a country that has IBANs.
      if (!called && (wanted == 0 || !long_enough || n_digits * 2 < std::ssize(characters))) continue;
      if (characters.size() < 5) continue;
      found.push_back({"iban", i, end, CheckIban(characters)});
      i = end;
    }
  }

  void FindEmails(std::string_view text, std::vector<Found>& found) const {
    for (const SaidEmail& mail : ReadSaidEmails(*language_, text)) {
      if (!mail.address.empty()) found.push_back({"email", mail.begin, mail.end, CheckEmail(mail.address)});
    }
    // Written with an @ and no address all the same.
    for (size_t at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
      const auto ends = [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == ',' || c == ';'; };
      size_t begin = at;
      while (begin > 0 && !ends(text[begin - 1])) --begin;
      size_t end = at + 1;
      while (end < text.size() && !ends(text[end])) ++end;
      while (end > at + 1 && std::string_view(".?!)").find(text[end - 1]) != std::string_view::npos) --end;
      if (end - begin < 3) continue;
      const bool known =
          std::ranges::any_of(found, [&](const Found& one) { return one.begin < end && begin < one.end; });
      if (!known && begin < at)
        found.push_back({"email", begin, end, CheckEmail(text.substr(begin, end - begin))});
    }
  }

  void FindBirthDates(std::string_view text, Date today, std::vector<Found>& found) const {
    const std::vector<NormalisedWord> words = NormaliseSpokenWords(text);
    DateContext context;
    context.today = today;
    context.past = true;
    context.day_first = !keys_.regions.empty() && keys_.regions.front() != "US";
    const auto text_of = [&](size_t begin, size_t end) {
      return std::string(text.substr(begin, end - begin));
    };
    size_t reached = 0;
    for (const DateReading& reading : ReadDates(text, words, context)) {
      if (reading.begin < reached) continue;
      const size_t begin = words[reading.begin].begin;
      const size_t end = words[reading.end - 1].end;
      if (!SpeaksOfBirth(*language_, text, begin, end)) continue;
      reached = reading.end;
      // A year that the readers take for none: nobody who calls was born then.
      if (reading.end < words.size() && words[reading.end].text.size() == 4 &&
          IsAllDigits(words[reading.end].text) && words[reading.end].text < "1900") {
        const size_t year_end = words[reading.end].end;
        found.push_back({"birth_date",
                         begin,
                         year_end,
                         {false, "is more than 130 years ago", text_of(begin, year_end), ""}});
        continue;
      }
      found.push_back({"birth_date", begin, end, CheckBirthDate(reading.date, today)});
    }
    // "31/02/1990": three numbers that make no day.
    for (size_t i = 0; i + 2 < words.size(); ++i) {
      if (i < reached) continue;
      const auto number = [&](size_t w, size_t most) {
        return words[w].text.size() <= most && IsAllDigits(words[w].text);
      };
      const size_t end = words[i + 2].end;
      if (!number(i, 4) || !number(i + 1, 2) || !number(i + 2, 4) || words[i + 1].begin != words[i].end + 1 ||
          words[i + 2].begin != words[i + 1].end + 1 || words[i].text.size() + words[i + 2].text.size() < 5 ||
          !SpeaksOfBirth(*language_, text, words[i].begin, end))
        continue;
      const bool known = std::ranges::any_of(
          found, [&](const Found& one) { return one.begin < end && words[i].begin < one.end; });
      if (known) continue;
      FormatVerdict verdict;
      verdict.value = text.substr(words[i].begin, end - words[i].begin);
      verdict.why = "is no day of the calendar";
      found.push_back({"birth_date", words[i].begin, end, std::move(verdict)});
    }
  }

  const RuleKeys keys_;
  const std::shared_ptr<const PrivacyLanguage> language_;
};

}  // namespace

Result<std::unique_ptr<Annotator>> OpenRule(const SpecialistDeclaration& declaration,
                                            const SpecialistContext&) {
  SOTTO_RETURN_IF_ERROR(CheckKeys(declaration, {"formats", "regions"}));
  RuleKeys keys;
  YamlReader reader;
  std::vector<std::string> formats;
  std::vector<std::string> regions;
  reader.Read(declaration.root, "", "formats", formats);
  reader.Read(declaration.root, "", "regions", regions);
  if (!formats.empty()) keys.formats = formats;
  if (!regions.empty()) keys.regions = regions;
  for (const std::string& format : keys.formats) {
    if (std::ranges::find(kFormats, format) == kFormats.end())
      reader.Add(declaration.root["formats"].Mark(), fmt::format("no format '{}'", format),
                 fmt::format("{}", fmt::join(kFormats, ", ")));
  }
  for (const std::string& region : keys.regions) {
    if (region.size() != 2 || !std::ranges::all_of(region, [](char c) { return c >= 'A' && c <= 'Z'; }))
      reader.Add(declaration.root["regions"].Mark(), fmt::format("'{}' is no region", region),
                 "two capitals: US, GB, DE");
  }
  SOTTO_RETURN_IF_ERROR(FirstMistake(reader, declaration.file()));
  const bool phones = std::ranges::find(keys.formats, "phone") != keys.formats.end();
  if (phones && !HasTelephoneNumbers()) {
    return MakeError(ErrorCode::kUnsupported,
                     "{}: 'phone' takes libphonenumber, which this build does not have: leave it out of "
                     "'formats', or install libphonenumber-dev and build again",
                     declaration.file().string());
  }
  SOTTO_ASSIGN_OR_RETURN(auto language, PrivacyLanguage::For("en"));
  return std::make_unique<RuleAnnotator>(declaration, std::move(keys), std::move(language));
}

}  // namespace sotto
