#include "flywheel/label_store.h"

#include <algorithm>

#include "base/mapped_file.h"
#include "core/json.h"
#include "flywheel/kept_reason.h"
#include "flywheel/log_time.h"
#include "flywheel/log_view.h"

namespace sotto {
namespace {

constexpr const char* kLabelTables = R"sql(
CREATE TABLE IF NOT EXISTS labels(
  id INTEGER PRIMARY KEY, session TEXT NOT NULL, turn INTEGER NOT NULL, calls TEXT NOT NULL,
  author TEXT NOT NULL, at TEXT NOT NULL, reason TEXT NOT NULL, sample INTEGER NOT NULL, merged TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS labels_by_turn ON labels(session, turn);
CREATE TABLE IF NOT EXISTS withdrawn(
  label INTEGER PRIMARY KEY REFERENCES labels(id), author TEXT NOT NULL, at TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS labels_stay BEFORE UPDATE ON labels BEGIN
  SELECT RAISE(ABORT, 'labels are append-only'); END;
CREATE TRIGGER IF NOT EXISTS labels_remain BEFORE DELETE ON labels BEGIN
  SELECT RAISE(ABORT, 'labels are append-only'); END;
CREATE TRIGGER IF NOT EXISTS withdrawn_stay BEFORE UPDATE ON withdrawn BEGIN
  SELECT RAISE(ABORT, 'labels are append-only'); END;
CREATE TRIGGER IF NOT EXISTS withdrawn_remain BEFORE DELETE ON withdrawn BEGIN
  SELECT RAISE(ABORT, 'labels are append-only'); END;
)sql";

std::string CallsJson(const std::vector<ToolCall>& calls) {
  Json list = Json::array();
  for (const ToolCall& call : calls) list.push_back(ToJson(call));
  return list.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool SameLabel(const std::vector<ToolCall>& a, const std::vector<ToolCall>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), SameCall);
}

}  // namespace

Result<LabelRights> LabelRights::Read(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    return MakeError(ErrorCode::kNotFound,
                     "{}: not there; it names who may label, one a line (and model:* for models)",
                     path.string());
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  std::set<std::string> names;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    line.resize(std::min(line.find('#'), line.size()));
    const size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos) continue;
    names.insert(line.substr(first, line.find_last_not_of(" \t\r") - first + 1));
  }
  return LabelRights(std::move(names), path.string());
}

Result<void> LabelRights::Check(const std::string& author) const {
  if (!author.empty() && (names_.contains(author) || (IsModelAuthor(author) && names_.contains("model:*"))))
    return {};
  return MakeError(ErrorCode::kInvalidArgument, "'{}' may not label: not in {}", author, source_);
}

Result<LabelStore> LabelStore::Open(const std::filesystem::path& turn_store) {
  SOTTO_ASSIGN_OR_RETURN(Database database,
                         Database::Open(turn_store, Database::Mode::kOpen, std::chrono::seconds(10)));
  SOTTO_RETURN_IF_ERROR(database.Execute(kLabelTables));
  return LabelStore(std::move(database));
}

Result<void> LabelStore::Add(const std::vector<Label>& labels, const LabelRights& rights) {
  SOTTO_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database_));
  SOTTO_ASSIGN_OR_RETURN(Statement there,
                         database_.Prepare("SELECT 1 FROM turns WHERE session = ?1 AND turn = ?2 LIMIT 1"));
  SOTTO_ASSIGN_OR_RETURN(
      Statement insert,
      database_.Prepare("INSERT INTO labels(session, turn, calls, author, at, reason, sample, merged) "
                        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"));
  for (const Label& label : labels) {
    SOTTO_RETURN_IF_ERROR(rights.Check(label.author));
    if (label.reason.empty())
      return MakeError(ErrorCode::kInvalidArgument, "turn {} of {}: a label needs a reason", label.turn,
                       label.session);
    there.Bind(1, label.session).Bind(2, int64_t{label.turn});
    SOTTO_ASSIGN_OR_RETURN(const bool row, there.Step());
    if (!row)
      return MakeError(ErrorCode::kInvalidArgument, "no turn {} of session {} in {}", label.turn,
                       label.session, database_.path());
    while (there.Step().value_or(false)) {
    }
    SOTTO_ASSIGN_OR_RETURN(const std::vector<ToolCall> calls, KeptCalls(label.calls));
    SOTTO_ASSIGN_OR_RETURN(const std::string reason, KeptReason(label.reason));
    insert.Bind(1, label.session).Bind(2, int64_t{label.turn}).Bind(3, CallsJson(calls));
    insert.Bind(4, label.author).Bind(5, label.at.empty() ? UtcNow() : label.at).Bind(6, reason);
    insert.Bind(7, int64_t{label.sample ? 1 : 0}).Bind(8, label.merged);
    SOTTO_RETURN_IF_ERROR(insert.Run());
  }
  return transaction.Commit();
}

Result<void> LabelStore::Withdraw(int64_t label, const std::string& author, const std::string& reason,
                                  const LabelRights& rights) {
  SOTTO_RETURN_IF_ERROR(rights.Check(author));
  if (reason.empty())
    return MakeError(ErrorCode::kInvalidArgument, "withdrawing label {} needs a reason", label);
  SOTTO_ASSIGN_OR_RETURN(Statement insert,
                         database_.Prepare("INSERT INTO withdrawn VALUES (?1, ?2, ?3, ?4)"));
  SOTTO_ASSIGN_OR_RETURN(const std::string kept, KeptReason(reason));
  const auto done = insert.Bind(1, label).Bind(2, author).Bind(3, UtcNow()).Bind(4, kept).Run();
  if (done || ConstraintOf(done.error()).empty()) return done;
  return MakeError(ErrorCode::kInvalidArgument, "label {}: there is none, or it was withdrawn before", label);
}

Result<std::vector<Label>> LabelStore::Standing() {
  SOTTO_ASSIGN_OR_RETURN(
      Statement rows,
      database_.Prepare(
          "SELECT id, session, turn, calls, author, at, reason, sample, merged FROM labels l "
          "WHERE id NOT IN (SELECT label FROM withdrawn) AND id = (SELECT max(id) FROM labels o "
          "WHERE o.session = l.session AND o.turn = l.turn AND o.author = l.author AND o.id NOT IN "
          "(SELECT label FROM withdrawn)) ORDER BY id"));
  std::vector<Label> labels;
  while (true) {
    SOTTO_ASSIGN_OR_RETURN(const bool row, rows.Step());
    if (!row) return labels;
    Label label;
    label.id = rows.Integer(0);
    label.session = rows.Text(1);
    label.turn = static_cast<int>(rows.Integer(2));
    SOTTO_ASSIGN_OR_RETURN(const Json calls,
                           ParseJson(rows.Text(3), fmt::format("{}: label {}", database_.path(), label.id)));
    for (const Json& call : calls) {
      SOTTO_ASSIGN_OR_RETURN(ToolCall one, ToolCallFromJson(call));
      label.calls.push_back(std::move(one));
    }
    label.author = rows.Text(4);
    label.at = rows.Text(5);
    label.reason = rows.Text(6);
    label.sample = rows.Integer(7) != 0;
    label.merged = rows.Text(8);
    labels.push_back(std::move(label));
  }
}

Result<Resolution> LabelStore::Resolve(size_t least_models) {
  SOTTO_ASSIGN_OR_RETURN(const std::vector<Label> standing, Standing());
  std::map<std::pair<std::string, int>, std::vector<const Label*>> people, models;
  for (const Label& label : standing)
    (IsModelAuthor(label.author) ? models : people)[{label.session, label.turn}].push_back(&label);
  Resolution out;
  const auto resolve = [&](const auto& turn, const std::vector<const Label*>& said, bool list) {
    ResolvedLabel one;
    one.calls = said.front()->calls;
    for (const Label* label : said) {
      if (!SameLabel(label->calls, one.calls)) {
        if (list) {
          LabelDisagreement& disagreement = out.disagreements.emplace_back();
          disagreement.session = turn.first;
          disagreement.turn = turn.second;
          for (const Label* each : said) disagreement.said.emplace_back(each->author, CallsText(each->calls));
        }
        return;
      }
      one.author += (one.author.empty() ? "" : "+") + label->author;
      one.sample = one.sample || label->sample;
    }
    out.labels[turn] = std::move(one);
  };
  for (const auto& [turn, said] : people) resolve(turn, said, true);
  for (const auto& [turn, said] : models) {
    if (least_models == 0 || said.size() < least_models || people.contains(turn)) continue;
    resolve(turn, said, false);
  }
  return out;
}

}  // namespace sotto
