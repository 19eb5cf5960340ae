#include "assistant/privacy_guard.h"

#include <charconv>

#include "base/unique_id.h"
#include "privacy/audit.h"
#include "privacy/pseudonyms.h"

namespace sotto {
namespace {

uint64_t SecretSeed() {
  const std::string id = UniqueId();
  uint64_t seed = 0;
  std::from_chars(id.data(), id.data() + 16, seed, 16);
  return seed;
}

class VaultGuard final : public OutboundGuard {
 public:
  VaultGuard(std::shared_ptr<const Detector> detector, std::shared_ptr<AuditLog> audit, std::string workflow)
      : detector_(detector),
        audit_(std::move(audit)),
        workflow_(std::move(workflow)),
        vault_(detector, SecretSeed()) {}

  Result<Json> Outgoing(const Outbound& outbound) override {
    AuditRecord record;
    record.session = conversation_;
    record.turn = turn_++;
    record.to = outbound.destination;
    record.why = "escalation to " + outbound.step;
    record.rule = outbound.rule;
    record.rule_of = "workflow " + workflow_;
    Result<Json> leaves = outbound.messages;
    if (outbound.rule == PrivacyRule::kPseudonymise) {
      leaves = vault_.HideJson(outbound.messages);
      record.hidden = vault_.counts();
    } else {
      record.open = CountKinds(*detector_, outbound.messages.dump());
    }
    if (leaves) {
      record.outcome = AuditRecord::Outcome::kSent;
      record.bytes = leaves->dump().size();
    }
    SOTTO_RETURN_IF_ERROR(audit_->Write(record));
    return leaves;
  }

  Result<std::vector<ToolCall>> Incoming(std::vector<ToolCall> calls) override {
    for (ToolCall& call : calls) call = vault_.RestoreCall(call);
    return calls;
  }
  Result<std::string> IncomingText(std::string_view text) override { return vault_.RestoreText(text); }

 private:
  const std::shared_ptr<const Detector> detector_;
  const std::shared_ptr<AuditLog> audit_;
  const std::string workflow_;
  const std::string conversation_ = UniqueId();  // ties its lines together, and to nothing else
  PseudonymVault vault_;
  int turn_ = 0;
};

}  // namespace

Result<std::function<std::shared_ptr<OutboundGuard>()>> GuardsOf(const std::string& workflow,
                                                                 const std::string& language,
                                                                 const std::filesystem::path& audit,
                                                                 const Clock& clock) {
  SOTTO_ASSIGN_OR_RETURN(std::shared_ptr<const Detector> detector, Detector::For(language));
  SOTTO_ASSIGN_OR_RETURN(std::shared_ptr<AuditLog> log, AuditLog::Open(audit, clock));
  return [detector, log, workflow]() -> std::shared_ptr<OutboundGuard> {
    return std::make_shared<VaultGuard>(detector, log, workflow);
  };
}

}  // namespace sotto
