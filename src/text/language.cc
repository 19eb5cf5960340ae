#include "text/language.h"

#include <cld2/public/compact_lang_det.h>
#include <cld2/public/encodings.h>

#include <algorithm>

namespace sotto {

Language DetectLanguage(std::string_view text) {
  Language result;
  if (text.empty()) return result;
  CLD2::Language languages[3];
  int percents[3];
  int text_bytes = 0;
  bool reliable = false;
  const int size = static_cast<int>(std::min<size_t>(text.size(), 1 << 20));
  int valid_bytes = 0;
  CLD2::CLDHints hints{nullptr, nullptr, CLD2::UNKNOWN_ENCODING, CLD2::UNKNOWN_LANGUAGE};
  double scores[3];
  const CLD2::Language best =
      CLD2::ExtDetectLanguageSummaryCheckUTF8(text.data(), size, true, &hints, 0, languages, percents, scores,
                                              nullptr, &text_bytes, &reliable, &valid_bytes);
  if (best == CLD2::UNKNOWN_LANGUAGE || valid_bytes < size) return result;
  result.code = CLD2::LanguageCode(best);
  result.percent = percents[0];
  result.reliable = reliable;
  return result;
}

}  // namespace sotto
