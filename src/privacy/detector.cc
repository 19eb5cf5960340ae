#include "privacy/detector.h"

#include <algorithm>

#include "privacy/finders.h"
#include "privacy/tagger_features.h"

namespace sotto {
namespace {

// The lower, the more is found: a missed name costs more than a found word (F2).
constexpr float kSureness = .4F;
constexpr size_t kBeside = 6;  // bytes between the parts of an address

// A number too long to be harmless outranks the tagger, whatever its kind; what only stands in a list does not.
int Rank(const PersonalSpan& span) {
  switch (span.by) {
    case FoundBy::kChecksum:
      return 6;
    case FoundBy::kCue:
      return 5;
    case FoundBy::kShape:
      return span.confidence >= .95F ? 6 : span.confidence >= .75F ? 4 : span.confidence >= .6F ? 3 : 1;
    case FoundBy::kLength:
      return span.confidence >= .75F ? 4 : 3;
    case FoundBy::kTagger:
      return 2;
  }
  return 0;
}

Spans FindTagged(const MarkedText& text) {
  Spans spans;
  const Tagger& tagger = text.language().tagger();
  if (tagger.empty()) return spans;
  const TaggerFeatures features = ReadTaggerFeatures(text);
  const std::vector<Tagger::Tagged> tags = tagger.Tag(features.hashes, features.ends, kSureness);
  for (size_t i = 0; i < tags.size();) {
    const Tagger::Label& label = tagger.label(tags[i].label);
    if (label.outside) {
      ++i;
      continue;
    }
    size_t end = i + 1;
    float sum = tags[i].probability;
    for (; end < tags.size(); ++end) {
      const Tagger::Label& next = tagger.label(tags[end].label);
      if (next.outside || next.begins || next.kind != label.kind) break;
      sum += tags[end].probability;
    }
    spans.push_back({text.BeginOf(i), text.EndOf(end), label.kind, FoundBy::kTagger,
                     std::min(sum / static_cast<float>(end - i), 1.0F)});
    i = end;
  }
  return spans;
}

// The tagger takes any number for a house's: one that stands alone is not enough.
void DropLoneNumbers(const MarkedText& text, Spans& spans) {
  const auto place = [](const PersonalSpan& span) {
    return span.kind == PersonalKind::kAddress || span.kind == PersonalKind::kPostcode ||
           span.kind == PersonalKind::kPlace || span.kind == PersonalKind::kName;
  };
  Spans kept;
  for (size_t i = 0; i < spans.size(); ++i) {
    const std::string_view value = text.text().substr(spans[i].begin, spans[i].end - spans[i].begin);
    const bool number = std::all_of(value.begin(), value.end(), [](char c) { return c < 'A' && c > 0; });
    const bool beside =
        (i > 0 && place(spans[i - 1]) && spans[i].begin - spans[i - 1].end <= kBeside) ||
        (i + 1 < spans.size() && place(spans[i + 1]) && spans[i + 1].begin - spans[i].end <= kBeside);
    if (!(number && place(spans[i])) || beside) kept.push_back(spans[i]);
  }
  spans = std::move(kept);
}

bool HasLetterOrDigit(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           static_cast<uint8_t>(c) >= 0x80;
  });
}

// A code or a town within an address is a part of it, unless something says what it is.
void DropPartsOfAddresses(Spans& spans) {
  const auto part_of = [](const PersonalSpan& part, const PersonalSpan& whole) {
    if (whole.kind != PersonalKind::kAddress || part.kind == PersonalKind::kAddress) return false;
    if (part.by == FoundBy::kChecksum || part.by == FoundBy::kCue) return false;
    return part.begin >= whole.begin && part.end <= whole.end;
  };
  Spans addresses;
  std::copy_if(spans.begin(), spans.end(), std::back_inserter(addresses),
               [](const PersonalSpan& span) { return span.kind == PersonalKind::kAddress; });
  std::erase_if(spans, [&](const PersonalSpan& span) {
    return std::any_of(addresses.begin(), addresses.end(),
                       [&](const auto& whole) { return part_of(span, whole); });
  });
}

// The surest first; what overlaps a surer one keeps what that one left.
Spans Resolve(std::string_view text, Spans spans) {
  std::stable_sort(spans.begin(), spans.end(), [](const PersonalSpan& a, const PersonalSpan& b) {
    if (Rank(a) != Rank(b)) return Rank(a) > Rank(b);
    return a.end - a.begin > b.end - b.begin;
  });
  Spans kept;  // by begin, disjoint
  for (const PersonalSpan& span : spans) {
    size_t at = span.begin;
    auto next = std::lower_bound(kept.begin(), kept.end(), at,
                                 [](const PersonalSpan& one, size_t begin) { return one.end <= begin; });
    Spans pieces;
    while (at < span.end) {
      const size_t free_end = next == kept.end() ? span.end : std::min(span.end, std::max(at, next->begin));
      if (free_end > at && HasLetterOrDigit(text.substr(at, free_end - at))) {
        PersonalSpan piece = span;
        piece.begin = at;
        piece.end = free_end;
        if (free_end < span.end)
          while (piece.end > at && !HasLetterOrDigit(text.substr(piece.end - 1, 1))) --piece.end;
        if (at > span.begin)
          while (piece.begin < piece.end && !HasLetterOrDigit(text.substr(piece.begin, 1))) ++piece.begin;
        pieces.push_back(piece);
      }
      if (next == kept.end()) break;
      at = std::max(at, next->end);
      ++next;
    }
    for (const PersonalSpan& piece : pieces) {
      const auto place =
          std::lower_bound(kept.begin(), kept.end(), piece.begin,
                           [](const PersonalSpan& one, size_t begin) { return one.begin < begin; });
      kept.insert(place, piece);
    }
  }
  return kept;
}

}  // namespace

Result<std::shared_ptr<const Detector>> Detector::For(std::string_view language) {
  SOTTO_ASSIGN_OR_RETURN(auto data, PrivacyLanguage::For(language));
  return std::make_shared<const Detector>(std::move(data));
}

std::vector<PersonalSpan> Detector::Scan(std::string_view text, std::string_view before) const {
  const MarkedText marked(*language_, text, before);
  const std::vector<CodeRun> runs = ReadCodeRuns(marked);
  Spans spans;
  FindCodes(marked, runs, spans);
  FindWrittenIbans(marked, spans);
  FindNetNames(marked, spans);
  FindSpokenEmails(marked, spans);
  FindSecrets(marked, spans);
  FindDates(marked, spans);
  FindAddresses(marked, spans);
  FindNames(marked, runs, spans);
  FindListed(marked, spans);
  Spans tagged = FindTagged(marked);
  DropLoneNumbers(marked, tagged);
  spans.insert(spans.end(), tagged.begin(), tagged.end());
  DropPartsOfAddresses(spans);
  return Resolve(text, std::move(spans));
}

std::string Redact(std::string_view text, const std::vector<PersonalSpan>& spans, KindSet kinds) {
  std::string out;
  size_t at = 0;
  for (const PersonalSpan& span : spans) {
    if (!kinds.Has(span.kind)) continue;
    out += text.substr(at, span.begin - at);
    out += '<';
    out += KindName(span.kind);
    out += '>';
    at = span.end;
  }
  out += text.substr(at);
  return out;
}

}  // namespace sotto
