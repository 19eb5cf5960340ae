// What the flywheel reads from the disk: fingerprints of training data, times, options and reports of acts, people.
#include "flywheel/canary.h"
#include "flywheel/contamination.h"
#include "flywheel/evaluate.h"
#include "flywheel/people.h"
#include "flywheel/registry.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto trained = TrainedOn::FromBytes(text, "input"))
    (void)trained->Nearest("a few words to look for");
  if (const auto time = ParseActTime(text)) (void)UtcStampMs(*time);
  (void)PrintOf(BareText(text));
  if (const auto people = People::Parse(text, "people")) (void)people->Check("ana", Right::kPromote);
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return 0;
  (void)VersionFactsFromJson(json);
  (void)CanaryOptions::FromJson(json);
  (void)EvaluationMarkdown(json, "a", "b", "c");
  return 0;
}
