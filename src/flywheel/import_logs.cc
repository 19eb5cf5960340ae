#include "flywheel/import_logs.h"

#include <algorithm>

#include "base/mapped_file.h"
#include "base/sha256.h"
#include "privacy/redaction.h"
#include "workflow/suggest.h"

namespace sotto {
namespace {

constexpr size_t kBatch = 500;  // records of one transaction
constexpr size_t kIdDigits = 32;
constexpr std::string_view kFormatNames[] = {"turns", "conversations", "openai", "langfuse", "rasa", "csv"};

using Parser = void (*)(std::string_view, std::string_view, const ImportNames&, ParsedLogs&);
constexpr Parser kParsers[] = {ParseTurnRecords, ParseConversationLogs, ParseOpenAiLogs, ParseLangfuse,
                               ParseRasa,        ParseCsvLogs};

// Records of a session, without its id.
std::vector<TurnRecord> RecordsOf(const ImportedSession& session, const LogImportOptions& options) {
  std::vector<TurnRecord> records;
  for (const ImportedTurn& turn : session.turns) {
    TurnRecord& record = records.emplace_back();
    record.turn = static_cast<int>(records.size());
    record.at = turn.at;
    record.channel = "text";
    record.workflow = options.workflow;
    record.workflow_hash = options.workflow_hash;
    record.ended_by = "text";
    record.expectation = turn.expectation;
    record.heard.text = turn.text;
    record.heard.final = true;
    record.outcome = turn.outcome;
    if (turn.outcome == TurnRecord::Outcome::kEscalated)
      record.escalation = TurnRecord::Escalation{"person", turn.escalation, ""};
    if (!turn.calls.empty()) {
      Understanding& understood = record.understood.emplace();
      understood.calls = turn.calls;
      understood.confidence = 1;
      for (const Understanding::Call& call : turn.calls)
        understood.confidence = std::min(understood.confidence, call.confidence);
      understood.transcript = turn.text;
      understood.model = turn.model;
      if (turn.cost > 0) {
        RouteStep step;
        step.step = "imported";
        step.outcome = RouteStep::Outcome::kAccepted;
        step.cost = turn.cost;
        understood.route.push_back(step);
      }
    }
    record.actions = turn.actions;
    record.reply.text = turn.reply;
  }
  return records;
}

class FileImport {
 public:
  FileImport(TurnStore& store, const LogImportOptions& options, ImportedFile& file, size_t total)
      : store_(store), options_(options), file_(file), total_(total) {}

  Result<void> Session(const ImportedSession& session) {
    std::vector<TurnRecord> records = RecordsOf(session, options_);
    std::vector<TurnRecord> redacted;
    for (TurnRecord& record : records) {
      auto one = Redacted(record);
      if (one) redacted.push_back(*std::move(one));
    }
    std::string id;
    if (session.id.empty()) {
      // What was said names it, and how often that was said before in this file.
      std::string said;
      for (const TurnRecord& record : redacted) said += ToJson(record).dump() + "\n";
      const std::string hash = Sha256(said);
      id = Sha256(fmt::format("{}/{}", hash, seen_[hash]++)).substr(0, kIdDigits);
    } else {
      SOTTO_ASSIGN_OR_RETURN(id, store_.NameOf(session.id));
    }
    for (TurnRecord& record : redacted) {
      record.session = id;
      SOTTO_RETURN_IF_ERROR(Add(std::move(record)));
    }
    ++file_.sessions;
    return {};
  }

  Result<void> Record(const TurnRecord& record) {
    auto redacted = Redacted(record);
    return redacted ? Add(*std::move(redacted)) : Result<void>();
  }

  Result<void> Flush() {
    if (batch_.empty()) return {};
    SOTTO_ASSIGN_OR_RETURN(const size_t added,
                           store_.AddAll(batch_, std::string(LogFormatName(file_.format))));
    file_.added += added;
    batch_.clear();
    return {};
  }

 private:
  std::optional<TurnRecord> Redacted(const TurnRecord& record) {
    auto redacted = RedactRecord(record, *options_.detector);
    if (redacted) return *std::move(redacted);
    file_.not_read.push_back(fmt::format("{}: turn {}: {}", file_.path, file_.turns + 1,
                                         "personal data in it cannot be redacted: not kept"));
    return std::nullopt;
  }

  Result<void> Add(TurnRecord record) {
    ++file_.turns;
    batch_.push_back(std::move(record));
    if (options_.progress) options_.progress(file_.turns, std::max(total_, file_.turns));
    return batch_.size() < kBatch ? Result<void>() : Flush();
  }

  TurnStore& store_;
  const LogImportOptions& options_;
  ImportedFile& file_;
  const size_t total_;
  std::vector<TurnRecord> batch_;
  std::map<std::string, size_t> seen_;
};

bool HasKey(const Json& row, std::initializer_list<const char*> keys) {
  return std::any_of(keys.begin(), keys.end(), [&](const char* key) { return row.contains(key); });
}

}  // namespace

std::string_view LogFormatName(LogFormat format) { return kFormatNames[static_cast<size_t>(format)]; }

Result<LogFormat> ParseLogFormat(std::string_view name) {
  const auto found = std::find(std::begin(kFormatNames), std::end(kFormatNames), name);
  if (found != std::end(kFormatNames)) return static_cast<LogFormat>(found - std::begin(kFormatNames));
  return MakeError(
      ErrorCode::kInvalidArgument,
      "no form of log is called '{}'; there are turns, conversations, openai, langfuse, rasa, csv", name);
}

Result<LogFormat> GuessLogFormat(const std::filesystem::path& path, std::string_view text) {
  const std::string extension = path.extension().string();
  if (extension == ".csv" || extension == ".tsv") return LogFormat::kCsv;
  if (extension == ".yml" || extension == ".yaml") return LogFormat::kRasa;
  // The first value that is JSON tells; others may be torn.
  ParsedLogs ignored;
  std::optional<LogFormat> format;
  EachJsonRow(text, path.string(), ignored, [&](const Json& row, size_t) {
    if (format || !row.is_object()) return;
    if (row.contains("session") && row.contains("turn")) {
      format = LogFormat::kTurns;
    } else if (HasKey(row, {"sender_id"}) || row.contains("event")) {
      format = LogFormat::kRasa;
    } else if (HasKey(row, {"traceId", "trace_id", "observations", "traces", "sessionId"}) ||
               (row.contains("id") && row.contains("input") && !row.contains("messages") &&
                !row.contains("choices")) ||
               (row.contains("data") && row["data"].is_array())) {
      format = LogFormat::kLangfuse;
    } else if (HasKey(row, {"choices", "request", "response"})) {
      format = LogFormat::kOpenAi;
    } else if (HasKey(row, {"messages", "question"})) {
      format = LogFormat::kConversations;
    }
  });
  if (format) return *format;
  return MakeError(ErrorCode::kInvalidArgument, "{}: looks like no log that is known; say --format",
                   path.string());
}

Result<ImportedFile> ImportFile(TurnStore& store, const std::filesystem::path& path,
                                const LogImportOptions& options) {
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  ImportedFile file;
  file.path = path.string();
  if (options.format) {
    file.format = *options.format;
  } else {
    SOTTO_ASSIGN_OR_RETURN(file.format, GuessLogFormat(path, text));
  }
  ParsedLogs parsed;
  kParsers[static_cast<size_t>(file.format)](text, file.path, options.names, parsed);
  file.rows = parsed.rows;
  // What is listed names what stands in the file: no personal data goes that way either. Its place is ours.
  for (const std::string& line : parsed.not_read) {
    const size_t place = line.starts_with(file.path) ? line.find(": ", file.path.size()) : std::string::npos;
    const size_t why = place == std::string::npos ? 0 : place + 2;
    file.not_read.push_back(line.substr(0, why) +
                            Redact(std::string_view(line).substr(why),
                                   options.detector->Scan(std::string_view(line).substr(why))));
  }
  size_t total = parsed.records.size();
  for (const ImportedSession& session : parsed.sessions) total += session.turns.size();
  FileImport import(store, options, file, total);
  for (const TurnRecord& record : parsed.records) SOTTO_RETURN_IF_ERROR(import.Record(record));
  for (const ImportedSession& session : parsed.sessions) SOTTO_RETURN_IF_ERROR(import.Session(session));
  SOTTO_RETURN_IF_ERROR(import.Flush());
  return file;
}

}  // namespace sotto
