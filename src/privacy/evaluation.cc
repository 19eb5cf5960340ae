#include "privacy/evaluation.h"

#include <algorithm>
#include <optional>

#include "privacy/text_words.h"

namespace sotto {
namespace {

using Kind = PersonalKind;

Kind Same(Kind kind) { return kind == Kind::kBirthDate ? Kind::kDate : kind; }

// The kind of each word: that of the span that holds its first byte.
std::vector<std::optional<Kind>> WordKinds(const TextWords& words, const std::vector<PersonalSpan>& spans) {
  std::vector<std::optional<Kind>> kinds(words.size());
  size_t span = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    while (span < spans.size() && spans[span].end <= words[i].begin) ++span;
    if (span < spans.size() && spans[span].begin < words[i].end) kinds[i] = Same(spans[span].kind);
  }
  return kinds;
}

bool IsCovered(const TextWords& words, const PersonalSpan& value, const std::vector<PersonalSpan>& found) {
  for (size_t i = 0; i < words.size(); ++i) {
    const size_t begin = std::max(words[i].begin, value.begin);
    const size_t end = std::min(words[i].end, value.end);
    if (begin >= end) continue;
    const bool within = std::any_of(found.begin(), found.end(), [&](const PersonalSpan& span) {
      return span.begin <= begin && span.end >= end;
    });
    if (!within) return false;
  }
  return true;
}

}  // namespace

double KindScore::F2() const {
  const double precision = Precision();
  const double recall = Recall();
  return precision + recall == 0 ? 0 : 5 * precision * recall / (4 * precision + recall);
}

void KindScore::Add(const KindScore& other) {
  values += other.values;
  covered += other.covered;
  right += other.right;
  wrong += other.wrong;
  missed += other.missed;
}

KindScore PrivacyScore::All() const { return Of(KindSet::All()); }

KindScore PrivacyScore::Of(KindSet wanted) const {
  KindScore sum;
  for (size_t k = 0; k < kPersonalKinds; ++k)
    if (wanted.Has(static_cast<Kind>(k))) sum.Add(kinds[k]);
  return sum;
}

void ScoreText(const Detector& detector, const MarkedExample& text, PrivacyScore& score) {
  const TextWords words(text.text);
  const std::vector<PersonalSpan> found = detector.Scan(text.text, text.before);
  const auto wanted = WordKinds(words, text.spans);
  const auto got = WordKinds(words, found);
  const auto of = [&](Kind kind) -> KindScore& { return score.kinds[static_cast<size_t>(kind)]; };
  for (size_t i = 0; i < words.size(); ++i) {
    if (wanted[i] && wanted[i] == got[i]) {
      ++of(*wanted[i]).right;
    } else {
      if (wanted[i]) ++of(*wanted[i]).missed;
      if (got[i]) ++of(*got[i]).wrong;
    }
  }
  for (const PersonalSpan& value : text.spans) {
    KindScore& kind = of(Same(value.kind));
    ++kind.values;
    if (IsCovered(words, value, found)) {
      ++kind.covered;
    } else {
      score.missed.push_back(fmt::format("{}: '{}' in: {}", KindName(value.kind),
                                         text.text.substr(value.begin, value.end - value.begin), text.text));
    }
  }
  ++score.texts;
}

}  // namespace sotto
