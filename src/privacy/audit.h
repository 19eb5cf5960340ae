// For every byte that left the machine: when, where to, what kinds of personal data it held, under which rule
// and why. Never the data itself. One JSON object a line, appended (docs/formats/privacy_audit.md):
//
//   {"at": "2026-11-30T07:45:00Z", "session": "...", "turn": 3, "to": "https://api.example.com/v1", "why":
//    "escalation", "rule": "pseudonymise", "rule_of": "tool transfer_money", "outcome": "sent", "bytes": 812,
//    "hidden": {"card": 1, "name": 2}, "open": {}}
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "core/json.h"
#include "core/privacy_policy.h"
#include "privacy/pseudonyms.h"

namespace sotto {

struct AuditRecord {
  enum class Outcome : uint8_t {
    kSent,     // `bytes` left
    kRefused,  // it could not be made safe, or the rule forbids: nothing left
  };
  std::string session;
  int turn = 0;
  std::string to;   // scheme, host, port and path; AuditLog takes out what else stands in a URL
  std::string why;  // escalation, cache, speech, ...
  PrivacyRule rule = PrivacyRule::kLocal;
  std::string rule_of;  // "workflow banking", "tool pay_bill"
  Outcome outcome = Outcome::kRefused;
  size_t bytes = 0;     // of the body, as sent
  KindCounts hidden{};  // values that left as pseudonyms
  KindCounts open{};    // values that left as they are (allow)
};

// Without the time.
Json ToJson(const AuditRecord& record);
// "https://user:pass@host:8080/v1?key=x" -> "https://host:8080/v1": what may stand in an audit.
std::string AuditedAddress(std::string_view url);

// Any thread; several processes may append to one file. A record is on the disk when Write returns.
class AuditLog {
 public:
  // Made where there is none, readable by its owner alone. The error names the file. `clock` outlives it.
  static Result<std::unique_ptr<AuditLog>> Open(const std::filesystem::path& path, const Clock& clock);
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  // REQUIRES of whoever sends: written before the first byte leaves; an error means that it must not leave.
  Result<void> Write(const AuditRecord& record);

 private:
  AuditLog(int file, std::string path, const Clock& clock)
      : file_(file), path_(std::move(path)), clock_(clock) {}

  const int file_;
  const std::string path_;
  const Clock& clock_;
  std::mutex mutex_;
};

// What of `kinds` stands in a text that leaves as it is.
KindCounts CountKinds(const Detector& detector, std::string_view text,
                      KindSet kinds = KindSet::Identifying());

}  // namespace sotto
