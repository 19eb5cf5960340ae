#include "privacy/audit.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/utc.h"

namespace sotto {
namespace {

Json CountsJson(const KindCounts& counts) {
  Json json = Json::object();
  for (size_t k = 0; k < counts.size(); ++k)
    if (counts[k] > 0) json[std::string(KindName(static_cast<PersonalKind>(k)))] = counts[k];
  return json;
}

}  // namespace

std::string AuditedAddress(std::string_view url) {
  const std::string_view whole = url.substr(0, url.find_first_of("?#"));
  const size_t scheme = whole.find("://");
  const size_t begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  const size_t path = std::min(whole.find('/', begin), whole.size());
  const size_t at = whole.substr(0, path).rfind('@');
  std::string clean(whole.substr(0, begin));
  clean += whole.substr(at == std::string_view::npos || at < begin ? begin : at + 1);
  return clean;
}

Json ToJson(const AuditRecord& record) {
  Json json;
  json["session"] = record.session;
  json["turn"] = record.turn;
  json["to"] = AuditedAddress(record.to);
  json["why"] = record.why;
  json["rule"] = PrivacyRuleName(record.rule);
  json["rule_of"] = record.rule_of;
  json["outcome"] = record.outcome == AuditRecord::Outcome::kSent ? "sent" : "refused";
  json["bytes"] = record.bytes;
  json["hidden"] = CountsJson(record.hidden);
  json["open"] = CountsJson(record.open);
  return json;
}

Result<std::unique_ptr<AuditLog>> AuditLog::Open(const std::filesystem::path& path, const Clock& clock) {
  const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return MakeError(ErrorCode::kIo, "cannot open {}: {}", path.string(), std::strerror(errno));
  return std::unique_ptr<AuditLog>(new AuditLog(file, path.string(), clock));
}

AuditLog::~AuditLog() { ::close(file_); }

Result<void> AuditLog::Write(const AuditRecord& record) {
  Json json;
  json["at"] = UtcStamp(clock_.WallNow());
  json.update(ToJson(record));
  const std::string line = json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
  const std::lock_guard lock(mutex_);
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = ::write(file_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return MakeError(ErrorCode::kIo, "cannot write {}: {}", path_, std::strerror(errno));
    rest.remove_prefix(static_cast<size_t>(written));
  }
  if (::fdatasync(file_) != 0)
    return MakeError(ErrorCode::kIo, "cannot sync {}: {}", path_, std::strerror(errno));
  return {};
}

KindCounts CountKinds(const Detector& detector, std::string_view text, KindSet kinds) {
  KindCounts counts{};
  for (const PersonalSpan& span : detector.Scan(text))
    if (kinds.Has(span.kind)) ++counts[static_cast<size_t>(span.kind)];
  return counts;
}

}  // namespace sotto
