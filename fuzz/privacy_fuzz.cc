// Any bytes as something a user said: what the detector finds lies within the text, in order and apart; what is
// hidden comes back the same from a stream cut anywhere, and what is refused is refused in one line that holds
// nothing of it.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "one_line.h"
#include "privacy/pseudonyms.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  if (size > 4096) return 0;
  static const auto detector = *Detector::For("en");
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  size_t end = 0;
  for (const PersonalSpan& span : detector->Scan(text)) {
    SOTTO_CHECK(span.begin >= end && span.begin < span.end && span.end <= text.size());
    SOTTO_CHECK(span.confidence >= 0 && span.confidence <= 1);
    end = span.end;
  }
  PseudonymVault vault(detector, 1, KindSet::All());
  const Result<std::string> hidden = vault.HideText(text);
  CheckError(hidden);
  if (!hidden) return 0;
  const std::string whole = vault.RestoreText(*hidden);
  const size_t step = hidden->size() / 16 + 1;
  for (size_t cut = 0; cut <= hidden->size(); cut += step) {
    StreamRestorer restorer(vault);
    std::string out = restorer.Feed(std::string_view(*hidden).substr(0, cut));
    out += restorer.Feed(std::string_view(*hidden).substr(cut));
    out += restorer.Finish();
    SOTTO_CHECK(out == whole);
  }
  StreamRestorer restorer(vault);
  std::string out;
  for (const char c : *hidden) out += restorer.Feed(std::string_view(&c, 1));
  out += restorer.Finish();
  SOTTO_CHECK(out == whole);
  return 0;
}
