#include "flywheel/kept_reason.h"

#include "privacy/redaction.h"

namespace sotto {
namespace {

constexpr KindSet kKeptOut =
    KindSet::Of(PersonalKind::kCard, PersonalKind::kAccount, PersonalKind::kIban, PersonalKind::kSsn,
                PersonalKind::kPhone, PersonalKind::kEmail, PersonalKind::kSecret, PersonalKind::kNumber);

// Values without their keys: "card_last_four" would make four figures a card.
Json ValuesKept(Redactor& redactor, const Json& json) {
  if (!json.is_structured()) return redactor.RedactJson(json);
  Json kept = json;
  for (auto& value : kept) value = ValuesKept(redactor, value);
  return kept;
}

}  // namespace

Result<std::string> KeptReason(std::string_view reason) {
  SOTTO_ASSIGN_OR_RETURN(const auto detector, Detector::For("en"));
  return Redact(reason, detector->Scan(reason), kKeptOut);
}

Result<std::vector<ToolCall>> KeptCalls(const std::vector<ToolCall>& calls) {
  SOTTO_ASSIGN_OR_RETURN(const auto detector, Detector::For("en"));
  Redactor redactor(*detector, kKeptOut);
  std::vector<ToolCall> kept = calls;
  for (ToolCall& call : kept) call.arguments = ValuesKept(redactor, call.arguments);
  return kept;
}

}  // namespace sotto
