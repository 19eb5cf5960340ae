#include "privacy/said_codes.h"

#include "privacy/finders.h"

namespace sotto {
namespace {

constexpr uint64_t kCodeCues = ListBit(PrivacyList::kCard) | ListBit(PrivacyList::kAccount) |
                               ListBit(PrivacyList::kSsn) | ListBit(PrivacyList::kPhone) |
                               ListBit(PrivacyList::kSecret) | ListBit(PrivacyList::kPostcode) |
                               ListBit(PrivacyList::kBirth) | ListBit(PrivacyList::kId);

SaidCode ToSaidCode(const MarkedText& text, const CodeRun& run) {
  SaidCode code;
  const CodeElement& first = run.elements.front();
  for (const CodeElement& element : run.elements)
    code.pieces.push_back({element.chars, text.BeginOf(element.first), text.EndOf(element.last)});
  code.characters = CodeCharacters(text, run);
  code.begin = code.pieces.front().begin;
  code.end = code.pieces.back().end;
  code.counted = run.counted;
  const std::string_view before = text.text().substr(0, code.begin);
  code.plus = before.ends_with('+') || before.ends_with("+ ") || before.ends_with("(+") ||
              (first.first > 0 && text.Lower(first.first - 1) == "plus");
  if (const auto cue = text.CueFor(first.first, run.elements.back().last, kCodeCues)) {
    code.called_card = *cue == PrivacyList::kCard;
    code.called_account = *cue == PrivacyList::kAccount;
    code.called_phone = *cue == PrivacyList::kPhone;
    code.called_postcode = *cue == PrivacyList::kPostcode;
    code.called_birth = *cue == PrivacyList::kBirth;
    code.called_other = *cue == PrivacyList::kSsn || *cue == PrivacyList::kSecret || *cue == PrivacyList::kId;
  }
  return code;
}

}  // namespace

std::vector<SaidCode> ReadSaidCodes(const PrivacyLanguage& language, std::string_view text) {
  const MarkedText marked(language, text);
  std::vector<SaidCode> codes;
  for (const CodeRun& run : ReadCodeRuns(marked)) codes.push_back(ToSaidCode(marked, run));
  return codes;
}

std::vector<SaidEmail> ReadSaidEmails(const PrivacyLanguage& language, std::string_view text) {
  const MarkedText marked(language, text);
  Spans spans;
  FindNetNames(marked, spans);
  std::vector<SaidEmail> mails;
  for (const PersonalSpan& span : spans) {
    if (span.kind == PersonalKind::kEmail)
      mails.push_back({std::string(text.substr(span.begin, span.end - span.begin)), span.begin, span.end});
  }
  const size_t written = mails.size();
  spans.clear();
  FindSpokenEmails(marked, spans);
  for (const PersonalSpan& span : spans) {
    bool known = false;
    for (size_t i = 0; i < written; ++i)
      known = known || (span.begin < mails[i].end && mails[i].begin < span.end);
    if (known) continue;
    const MarkedText part(language, text.substr(span.begin, span.end - span.begin));
    mails.push_back({WrittenEmail(part), span.begin, span.end});
  }
  return mails;
}

bool SpeaksOfBirth(const PrivacyLanguage& language, std::string_view text, size_t begin, size_t end) {
  const MarkedText marked(language, text);
  size_t first = 0;
  while (first < marked.size() && marked.words()[first].end <= begin) ++first;
  size_t last = first;
  while (last < marked.size() && marked.words()[last].begin < end) ++last;
  return last > first && marked.CueFor(first, last, ListBit(PrivacyList::kBirth)).has_value();
}

}  // namespace sotto
