#include "flywheel/log_export.h"

#include "base/mapped_file.h"
#include "core/conversation_jsonl.h"
#include "flywheel/log_view.h"

namespace sotto {
namespace {

Json CallMessage(const TurnRecord& record, std::vector<std::string>& ids) {
  Json calls = Json::array();
  for (const Understanding::Call& call : record.understood->calls) {
    ids.push_back(fmt::format("call_{}_{}", record.turn, ids.size()));
    calls.push_back({{"id", ids.back()},
                     {"type", "function"},
                     {"function", {{"name", call.call.name}, {"arguments", call.call.arguments.dump()}}}});
  }
  return {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", std::move(calls)}};
}

// What a call brought: of each call of the turn one message, as the form demands.
void AddResults(const TurnRecord& record, const std::vector<std::string>& ids, Json& messages) {
  std::vector<bool> told(record.actions.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    Json result = Json::object();
    for (size_t a = 0; a < record.actions.size(); ++a) {
      const TurnRecord::Action& action = record.actions[a];
      if (told[a] || action.request.tool != record.understood->calls[i].call.name) continue;
      told[a] = true;
      result = action.result.data;
      result["ok"] = action.result.ok;
      if (!action.result.ok) result["failure"] = action.result.failure;
      break;
    }
    messages.push_back({{"role", "tool"}, {"tool_call_id", ids[i]}, {"content", result.dump()}});
  }
}

std::string LineOf(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

Result<ExportForm> ParseExportForm(std::string_view name) {
  if (name == "openai") return ExportForm::kOpenAi;
  if (name == "conversations") return ExportForm::kConversations;
  if (name == "turns") return ExportForm::kTurns;
  return MakeError(ErrorCode::kInvalidArgument,
                   "no form of export is called '{}'; there are openai, conversations, turns", name);
}

Json OpenAiConversation(std::span<const StoredTurn> part) {
  Json messages = Json::array();
  Json turns = Json::array();
  for (const StoredTurn& stored : part) {
    const TurnRecord& record = stored.record;
    if (HasWords(record)) {
      messages.push_back({{"role", "user"}, {"content", WordsOf(record)}});
      turns.push_back(record.turn);
      std::vector<std::string> ids;
      if (record.understood && !record.understood->calls.empty()) {
        messages.push_back(CallMessage(record, ids));
        AddResults(record, ids, messages);
      }
    }
    if (!record.reply.text.empty())
      messages.push_back({{"role", "assistant"}, {"content", record.reply.text}});
  }
  const TurnRecord& first = part.front().record;
  return {{"messages", std::move(messages)},
          {"metadata",
           {{"session", first.session},
            {"at", first.at},
            {"workflow", first.workflow},
            {"workflow_hash", first.workflow_hash},
            {"turns", std::move(turns)}}}};
}

Result<Exported> ExportLogs(TurnStore& store, const TurnQuery& query, ExportForm form,
                            const std::filesystem::path& out) {
  SOTTO_ASSIGN_OR_RETURN(LogView view, ReadLog(store, query));
  Exported exported;
  exported.not_read = std::move(view.not_read);
  std::string text;
  for (const auto& session : view.sessions) {
    ++exported.sessions;
    std::vector<TurnRecord> records;
    for (const StoredTurn& turn : session) {
      exported.turns += HasWords(turn.record) ? 1 : 0;
      if (form == ExportForm::kTurns) text += LineOf(ToJson(turn.record));
      if (form == ExportForm::kConversations) records.push_back(turn.record);
    }
    if (form == ExportForm::kOpenAi) text += LineOf(OpenAiConversation(session));
    for (const LabelledConversation& one : ConversationsOf(records)) text += LineOf(ToJson(one));
  }
  SOTTO_RETURN_IF_ERROR(WriteFileAtomically(out, text));
  return exported;
}

}  // namespace sotto
