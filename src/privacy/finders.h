// What the detector is made of: each finder reads a marked text and adds the spans it finds. Spans of one
// finder may overlap those of another; the detector decides. Internal to the privacy layer.
#pragma once

#include <string>
#include <vector>

#include "privacy/code_runs.h"
#include "privacy/marked_text.h"
#include "privacy/personal_kind.h"

namespace sotto {

using Spans = std::vector<PersonalSpan>;

// Cards, accounts, IBANs, social security numbers, phones, PINs, ids, postcodes: what is made of digits.
void FindCodes(const MarkedText& text, const std::vector<CodeRun>& runs, Spans& spans);
// IBANs as they are written: "GB82 WEST 1234 5698 7654 32".
void FindWrittenIbans(const MarkedText& text, Spans& spans);
// E-mails, URLs and IP addresses as they are written.
void FindNetNames(const MarkedText& text, Spans& spans);
// "jane dot doe at example dot com".
void FindSpokenEmails(const MarkedText& text, Spans& spans);
// A spoken e-mail as it is written, "" where the text is none: "jane.doe@example.com".
std::string WrittenEmail(const MarkedText& text);
// What stands behind "my password is".
void FindSecrets(const MarkedText& text, Spans& spans);
// Dates, and which of them somebody was born on.
void FindDates(const MarkedText& text, Spans& spans);
// "42 elm street, apartment 3, boston, massachusetts 02134".
void FindAddresses(const MarkedText& text, Spans& spans);
// Names behind titles and cues; spelled names.
void FindNames(const MarkedText& text, const std::vector<CodeRun>& runs, Spans& spans);

// What stands in a list: first names, countries, nationalities; ages and years by the words beside them. The
// least sure.
void FindListed(const MarkedText& text, Spans& spans);

}  // namespace sotto
