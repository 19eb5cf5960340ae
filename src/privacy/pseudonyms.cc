#include "privacy/pseudonyms.h"

#include <algorithm>
#include <cstring>

#include "base/ascii.h"
#include "privacy/checksums.h"
#include "privacy/code_runs.h"
#include "privacy/letters.h"
#include "text/normalise.h"

namespace sotto {
namespace {

using Kind = PersonalKind;

constexpr size_t kFewestCodeDigits = 7;  // shorter numbers stand in texts by chance
constexpr size_t kCardDigits = 13;
constexpr size_t kCardTail = 4;
constexpr size_t kNumberDigits = 9;  // of an integer in JSON that is hidden without having been said
constexpr size_t kMostBetween = 3;   // signs between two groups of a number
constexpr int kPasses = 4;           // a pseudonym may make its neighbour look like a name
constexpr std::string_view kTokenLetters = "BCDFGHJKLMNPQRSTVWXZ";

bool IsWordByte(char c) { return IsAlnum(c) || c == '_' || static_cast<uint8_t>(c) >= 0x80; }
bool IsBetweenGroups(char c) { return c == ' ' || c == '-' || c == '.' || c == '/' || c == '(' || c == ')'; }

// Whether its groups are apart as MatchCode takes them.
bool HasPlainGroups(std::string_view value) {
  size_t between = 0;
  bool begun = false;
  for (const char c : value) {
    if (IsAlnum(c)) {
      between = 0;
      begun = true;
    } else if (begun && (!IsBetweenGroups(c) || ++between > kMostBetween)) {
      return false;
    }
  }
  return true;
}

std::string Squashed(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (IsAlnum(c)) out += Upper(c);
  return out;
}

bool IsCodeKind(Kind kind) {
  return KindSet::Of(Kind::kCard, Kind::kAccount, Kind::kIban, Kind::kSsn, Kind::kPhone, Kind::kId,
                     Kind::kNumber, Kind::kSecret)
      .Has(kind);
}

// Whether a value is one run from its first word to its last.
bool IsOneRun(const Detector& detector, std::string_view value) {
  const MarkedText marked(detector.language(), value);
  const std::vector<CodeRun> runs = ReadCodeRuns(marked);
  return runs.size() == 1 && runs[0].elements.front().first == 0 &&
         runs[0].elements.back().last == marked.size();
}

// The digits and letters of a code, however it is written or said.
std::string BareCode(const Detector& detector, std::string_view value) {
  const MarkedText marked(detector.language(), value);
  std::string bare;
  for (const CodeRun& run : ReadCodeRuns(marked)) bare += CodeCharacters(marked, run);
  // A written IBAN is all of its signs ("WEST" is a word to a run), and so is what no run would take.
  const std::string squashed = Squashed(value);
  if (IbanLength(std::string_view(squashed).substr(0, 2)) == squashed.size()) return squashed;
  const auto digits = [](const std::string& text) {
    return std::count_if(text.begin(), text.end(), IsDigit);
  };
  return digits(bare) >= digits(squashed) ? bare : squashed;
}

}  // namespace

PseudonymVault::PseudonymVault(std::shared_ptr<const Detector> detector, uint64_t seed, KindSet kinds)
    : detector_(std::move(detector)), kinds_(kinds), random_(seed) {}

PseudonymVault::~PseudonymVault() {
  for (Entry& entry : entries_) {
    Wipe(entry.original);
    Wipe(entry.pseudonym);
  }
  Wipe(seen_);
}

// Grows without leaving a copy behind.
void PseudonymVault::Remember(std::string_view text) {
  const std::string lower = LowerAscii(text);
  const std::string squashed = LowerAscii(Squashed(text));
  const size_t wanted = seen_.size() + lower.size() + squashed.size() + 2;
  if (wanted > seen_.capacity()) {
    std::string larger;
    larger.reserve(std::max(wanted, seen_.capacity() * 2));
    larger = seen_;
    std::swap(seen_, larger);
    Wipe(larger);
  }
  seen_ += lower;
  seen_ += '\n';
  seen_ += squashed;
  seen_ += '\n';
}

bool PseudonymVault::Fresh(std::string_view pseudonym) const {
  const std::string lower = LowerAscii(pseudonym);
  if (seen_.find(lower) != std::string::npos) return false;
  return std::none_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    const std::string other = LowerAscii(entry.pseudonym);
    return other.find(lower) != std::string::npos || lower.find(other) != std::string::npos ||
           LowerAscii(entry.original).find(lower) != std::string::npos;
  });
}

const PseudonymVault::Entry* PseudonymVault::EntryOf(std::string_view original, bool code) const {
  const std::string lower = LowerAscii(original);
  for (const Entry& entry : entries_)
    if (entry.code == code && LowerAscii(entry.original) == lower) return &entry;
  return nullptr;
}

void PseudonymVault::Add(Kind kind, bool code, std::string pseudonym, std::string_view original) {
  Entry& entry = entries_.emplace_back();
  entry.kind = kind;
  entry.code = code;
  entry.pseudonym = std::move(pseudonym);
  entry.original = original;
}

std::string PseudonymVault::HideCode(Kind kind, std::string_view value, const std::string& bare) {
  const Entry* entry = EntryOf(bare, true);
  if (entry == nullptr) {
    std::string pseudonym;
    do {
      pseudonym.clear();
      for (const char c : bare) {
        if (IsDigit(c))
          pseudonym += pseudonym.empty() ? '9' : static_cast<char>('0' + random_.Below(10));
        else
          pseudonym += kind == Kind::kPhone ? c : static_cast<char>('A' + random_.Below(26));
      }
      if (kind == Kind::kCard && bare.size() >= kCardDigits)
        pseudonym.replace(pseudonym.size() - kCardTail, kCardTail, bare, bare.size() - kCardTail, kCardTail);
    } while (!Fresh(pseudonym) || pseudonym == bare);
    Add(kind, true, std::move(pseudonym), bare);
    entry = &entries_.back();
  }
  // Written: in the same groups, where MatchCode can follow them.
  if (Squashed(value) == bare && HasPlainGroups(value)) {
    std::string shaped;
    size_t at = 0;
    for (const char c : value) shaped += IsAlnum(c) ? entry->pseudonym[at++] : c;
    return shaped;
  }
  return entry->pseudonym;
}

std::string PseudonymVault::Syllables(size_t n) {
  constexpr std::string_view kFirst = "bdfgklmnprstvz";
  constexpr std::string_view kVowels = "aeiou";
  constexpr std::string_view kLast = "klnrst";
  std::string word;
  for (size_t i = 0; i < n; ++i) {
    word += random_.Pick(kFirst);
    word += random_.Pick(kVowels);
    if (i + 1 == n || random_.Chance(.4)) word += random_.Pick(kLast);
  }
  return word;
}

// Word by word, so that "Jane" is the same Jane as "Jane Doe".
std::string PseudonymVault::HideName(std::string_view value) {
  const TextWords words(value);
  std::string out;
  size_t at = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    const TextWord& word = words[i];
    out += value.substr(at, word.begin - at);
    at = word.end;
    const std::string_view original = value.substr(word.begin, word.end - word.begin);
    if (FindAt(value, word.begin, false).match == Match::kWhole) {
      out += original;
      continue;
    }
    const Entry* entry = EntryOf(original, false);
    if (entry == nullptr) {
      std::string pseudonym;
      do {
        pseudonym = Syllables(2 + random_.Below(2));
      } while (!Fresh(pseudonym) || detector_->language().BitsOf(pseudonym) != 0);
      Add(Kind::kName, false, std::move(pseudonym), original);
      entry = &entries_.back();
    }
    std::string shown = entry->pseudonym;
    if (word.letters != LetterCase::kLower) shown[0] = Upper(shown[0]);
    out += shown;
  }
  out += value.substr(at);
  return out;
}

std::string PseudonymVault::HideOther(Kind kind, std::string_view value) {
  const Entry* entry = EntryOf(value, false);
  if (entry == nullptr) {
    std::string pseudonym;
    do {
      if (kind == Kind::kEmail) {
        pseudonym = fmt::format("{}{}@example.com", Syllables(3), random_.Below(90) + 10);
      } else {
        pseudonym = fmt::format("{}_", KindName(kind));
        for (int i = 0; i < 5; ++i) pseudonym += Lower(random_.Pick(kTokenLetters));
      }
    } while (!Fresh(pseudonym));
    Add(kind, false, std::move(pseudonym), value);
    entry = &entries_.back();
  }
  if (kind == Kind::kEmail) return entry->pseudonym;
  std::string shown = entry->pseudonym;
  std::transform(shown.begin(), shown.end(), shown.begin(), Upper);
  return shown;
}

std::string PseudonymVault::PseudonymFor(Kind kind, std::string_view text) {
  if (kind == Kind::kName) return HideName(text);
  const std::string value = RestoreText(text);  // a span that grew over a pseudonym
  if (IsCodeKind(kind)) {
    const std::string bare = BareCode(*detector_, value);
    // One code and nothing else: what stands beside it must come back too.
    const bool whole = (Squashed(value) == bare && HasPlainGroups(value)) || IsOneRun(*detector_, value);
    if (whole && static_cast<size_t>(std::count_if(bare.begin(), bare.end(), IsDigit)) >= kFewestCodeDigits)
      return HideCode(kind, value, bare);
  }
  return HideOther(kind, value);
}

std::vector<std::pair<size_t, size_t>> PseudonymVault::OwnRanges(std::string_view text) const {
  std::vector<std::pair<size_t, size_t>> ranges;
  for (size_t at = 0; at < text.size();) {
    const Found found = FindAt(text, at, false);
    if (found.match == Match::kWhole) ranges.emplace_back(at, at + found.bytes);
    at += std::max<size_t>(found.bytes, 1);
  }
  return ranges;
}

std::vector<PersonalSpan> PseudonymVault::Remaining(std::string_view text, std::string_view before) const {
  const auto own = OwnRanges(text);
  std::vector<PersonalSpan> spans;
  for (PersonalSpan span : detector_->Scan(text, before)) {
    if (!kinds_.Has(span.kind)) continue;
    // A pseudonym that the span has a part of is in it as a whole.
    bool more = false;
    for (size_t at = span.begin; at < span.end; ++at) {
      const auto range = std::find_if(own.begin(), own.end(),
                                      [&](const auto& one) { return at >= one.first && at < one.second; });
      if (range == own.end()) {
        more = more || IsWordByte(text[at]);
        continue;
      }
      span.begin = std::min(span.begin, range->first);
      span.end = std::max(span.end, range->second);
      at = range->second - 1;
    }
    if (!more) continue;
    if (!spans.empty() && span.begin < spans.back().end) {
      spans.back().end = std::max(spans.back().end, span.end);
    } else {
      spans.push_back(span);
    }
  }
  // Names that are known by now.
  if (!kinds_.Has(Kind::kName)) return spans;
  const TextWords words(text);
  for (size_t i = 0; i < words.size(); ++i) {
    const TextWord& word = words[i];
    if (word.digits || word.end - word.begin < 3 ||
        (detector_->language().BitsOf(word.lower) & kOrdinary) != 0)
      continue;
    const Entry* entry = EntryOf(text.substr(word.begin, word.end - word.begin), false);
    if (entry == nullptr || entry->kind != Kind::kName) continue;
    const auto place =
        std::lower_bound(spans.begin(), spans.end(), word.begin,
                         [](const PersonalSpan& span, size_t begin) { return span.end <= begin; });
    if (place == spans.end() || place->begin >= word.end)
      spans.insert(place, {word.begin, word.end, Kind::kName, FoundBy::kCue, 1});
  }
  return spans;
}

std::string PseudonymVault::HideOnce(std::string_view text, std::string_view before) {
  std::string out;
  size_t at = 0;
  for (const PersonalSpan& span : Remaining(text, before)) {
    out += text.substr(at, span.begin - at);
    out += PseudonymFor(span.kind, text.substr(span.begin, span.end - span.begin));
    ++counts_[static_cast<size_t>(span.kind)];
    at = span.end;
  }
  out += text.substr(at);
  return out;
}

Result<std::string> PseudonymVault::HideText(std::string_view text, std::string_view before) {
  for (size_t at = 0; at < text.size(); ++at)
    if (FindAt(text, at, false).match == Match::kWhole)
      return MakeError(ErrorCode::kUnavailable,
                       "the text holds a pseudonym of this conversation: it stays here");
  Remember(text);
  std::string hidden(text);
  for (int pass = 0; pass < kPasses; ++pass) {
    if (Remaining(hidden, before).empty()) return hidden;
    std::string next = HideOnce(hidden, before);
    Wipe(hidden);
    hidden = std::move(next);
  }
  const auto left = Remaining(hidden, before);
  Wipe(hidden);
  if (left.empty()) return HideOnce(text, before);
  return MakeError(ErrorCode::kUnavailable, "cannot hide all personal data ({} is left): the text stays here",
                   KindName(left.front().kind));
}

Result<Json> PseudonymVault::HideJson(const Json& json, std::string_view before) {
  if (json.is_string()) {
    SOTTO_ASSIGN_OR_RETURN(std::string hidden, HideText(json.get_ref<const std::string&>(), before));
    return Json(std::move(hidden));
  }
  if (json.is_number_integer()) {
    const std::string digits = json.dump();
    if (EntryOf(digits, true) == nullptr && (digits.size() < kNumberDigits || digits[0] == '-')) return json;
    const std::string hidden = HideCode(Kind::kNumber, digits, digits);
    ++counts_[static_cast<size_t>(Kind::kNumber)];
    return digits.size() <= 18 ? Json(std::stoll(hidden)) : Json(hidden);
  }
  if (!json.is_structured()) return json;
  Json hidden = json.is_array() ? Json::array() : Json::object();
  for (const auto& item : json.items()) {
    SOTTO_ASSIGN_OR_RETURN(
        Json value, HideJson(item.value(), json.is_object() ? PlainWords(item.key()) : std::string(before)));
    if (json.is_array()) {
      hidden.push_back(std::move(value));
    } else {
      hidden[item.key()] = std::move(value);
    }
  }
  return hidden;
}

Result<Conversation> PseudonymVault::HideConversation(const Conversation& conversation) {
  Conversation hidden = conversation;
  std::string before;
  for (Turn& turn : hidden.turns) {
    for (const std::string& slot : turn.expectation.slots) before += " " + PlainWords(slot);
    const std::string said = turn.user;
    SOTTO_ASSIGN_OR_RETURN(turn.user, HideText(said, before));
    for (ToolCall& call : turn.calls) {
      SOTTO_ASSIGN_OR_RETURN(call.arguments, HideJson(call.arguments));
    }
    before = said;
  }
  return hidden;
}

PseudonymVault::Found PseudonymVault::MatchCode(const Entry& entry, std::string_view text, size_t at,
                                                bool more) {
  size_t end = at;
  for (size_t k = 0; k < entry.pseudonym.size(); ++k) {
    size_t between = 0;
    while (k > 0 && end < text.size() && IsBetweenGroups(text[end]) && between < kMostBetween) {
      ++end;
      ++between;
    }
    if (end == text.size()) return {more ? Match::kPartly : Match::kNo, 0, &entry};
    if (Upper(text[end]) != entry.pseudonym[k]) return {};
    ++end;
  }
  if (end == text.size()) return {more ? Match::kPartly : Match::kWhole, end - at, &entry};
  return IsAlnum(text[end]) ? Found{} : Found{Match::kWhole, end - at, &entry};
}

PseudonymVault::Found PseudonymVault::MatchWord(const Entry& entry, std::string_view text, size_t at,
                                                bool more) {
  const size_t n = entry.pseudonym.size();
  for (size_t k = 0; k < n; ++k) {
    if (at + k == text.size()) return {more ? Match::kPartly : Match::kNo, 0, &entry};
    if (Lower(text[at + k]) != entry.pseudonym[k]) return {};
  }
  if (at + n == text.size()) return {more ? Match::kPartly : Match::kWhole, n, &entry};
  return IsWordByte(text[at + n]) ? Found{} : Found{Match::kWhole, n, &entry};
}

PseudonymVault::Found PseudonymVault::FindAt(std::string_view text, size_t at, bool more) const {
  if (!IsAlnum(text[at]) || (at > 0 && IsWordByte(text[at - 1]))) return {};
  Found best;
  for (const Entry& entry : entries_) {
    if (Lower(entry.pseudonym[0]) != Lower(text[at])) continue;
    const Found found = entry.code ? MatchCode(entry, text, at, more) : MatchWord(entry, text, at, more);
    if (found.match == Match::kPartly) return found;
    if (found.match == Match::kWhole && found.bytes > best.bytes) best = found;
  }
  return best;
}

std::string PseudonymVault::RestoreOne(const Found& found, std::string_view text) {
  if (!found.entry->code) return found.entry->original;
  std::string out;
  size_t k = 0;
  for (const char c : text.substr(0, found.bytes)) out += IsAlnum(c) ? found.entry->original[k++] : c;
  return out;
}

std::string PseudonymVault::RestoreText(std::string_view text) const {
  StreamRestorer restorer(*this);
  std::string out = restorer.Feed(text);
  out += restorer.Finish();
  return out;
}

Json PseudonymVault::RestoreJson(const Json& json) const {
  if (json.is_string()) return RestoreText(json.get_ref<const std::string&>());
  if (json.is_number_integer()) {
    const std::string digits = json.dump();
    const std::string restored = RestoreText(digits);
    if (restored == digits) return json;
    // A number that begins with 0 is none in JSON.
    return restored[0] == '0' || restored.size() > 18 ? Json(restored) : Json(std::stoll(restored));
  }
  if (!json.is_structured()) return json;
  Json restored = json.is_array() ? Json::array() : Json::object();
  for (const auto& item : json.items()) {
    if (json.is_array()) {
      restored.push_back(RestoreJson(item.value()));
    } else {
      restored[item.key()] = RestoreJson(item.value());
    }
  }
  return restored;
}

ToolCall PseudonymVault::RestoreCall(const ToolCall& call) const {
  return {call.name, RestoreJson(call.arguments)};
}

std::string StreamRestorer::Feed(std::string_view piece) {
  held_ += piece;
  return Drain(true);
}

std::string StreamRestorer::Finish() {
  std::string out = Drain(false);
  held_.clear();
  kept_ = 0;
  return out;
}

std::string StreamRestorer::Drain(bool more) {
  std::string out;
  size_t at = kept_;
  while (at < held_.size()) {
    const PseudonymVault::Found found = vault_.FindAt(held_, at, more);
    if (found.match == PseudonymVault::Match::kPartly) break;
    if (found.match == PseudonymVault::Match::kWhole) {
      out += PseudonymVault::RestoreOne(found, std::string_view(held_).substr(at));
      at += found.bytes;
    } else {
      out += held_[at++];
    }
  }
  if (at > 1) held_.erase(0, at - 1);
  kept_ = std::min<size_t>(at, 1);
  return out;
}

}  // namespace sotto
