#include "cli/label_votes.h"

#include <cstdlib>

#include "brain/evaluation.h"
#include "cli/progress.h"
#include "learn/teacher.h"

namespace sotto {
namespace {

// The conversation up to the item's turn, with what each turn was taken for.
LabelledConversation HistoryOf(const FlywheelInput& input, const LabelItem& item) {
  LabelledConversation row;
  row.last_turn_only = true;
  for (const auto& session : input.log.sessions) {
    if (session.front().record.session != item.session) continue;
    for (const StoredTurn& stored : session) {
      const TurnRecord& record = stored.record;
      if (!HasWords(record)) continue;
      Turn turn{WordsOf(record), record.expectation, CallsOf(record)};
      if (turn.calls.empty()) turn.calls.push_back({input.workflow->unclear_tool, Json::object()});
      row.conversation.turns.push_back(std::move(turn));
      if (record.turn == item.turn) {
        if (record.at.size() >= 10) row.conversation.today = ParseDate(record.at.substr(0, 10));
        return row;
      }
    }
  }
  return row;
}

Label VoteFor(const LabelItem& item, std::vector<ToolCall> calls, const std::string& model) {
  Label label;
  label.session = item.session;
  label.turn = item.turn;
  label.calls = std::move(calls);
  label.author = "model:" + model;
  label.reason = "vote";
  return label;
}

Result<void> AskBrain(const std::string& file, const FlywheelInput& input,
                      const std::vector<LabelItem>& items, std::vector<Label>& votes) {
  SOTTO_ASSIGN_OR_RETURN(const auto brain, Brain::Open(input.workflow, file, {}));
  std::vector<LabelledConversation> rows;
  for (size_t i = 0; i < items.size(); ++i) {
    rows.push_back(HistoryOf(input, items[i]));
    rows.back().line = static_cast<int>(i);
  }
  ProgressBar bar("asking " + file);
  EvaluationOptions options;
  options.on_progress = [&](size_t done, size_t total) { bar.Update(done, total); };
  SOTTO_ASSIGN_OR_RETURN(const Evaluation evaluation, Evaluate(brain, rows, options));
  const std::string name = std::filesystem::path(file).parent_path().filename().string() + "/" +
                           std::filesystem::path(file).stem().string();
  for (const ScoredTurn& turn : evaluation.turns)
    votes.push_back(VoteFor(items[static_cast<size_t>(turn.line)], turn.got, name));
  return {};
}

Result<void> AskTeacher(const VoteFlags& flags, const FlywheelInput& input,
                        const std::vector<LabelItem>& items, std::vector<Label>& votes) {
  ChatEndpoint endpoint;
  endpoint.url = flags.teacher;
  endpoint.model = flags.teacher_model;
  if (const char* key = std::getenv("SOTTO_TEACHER_KEY"); key != nullptr) endpoint.api_key = key;
  const std::unique_ptr<ChatModel> teacher = ConnectChatModel(endpoint);
  TeacherOptions options;
  options.labellers = 1;
  ProgressBar bar("asking " + flags.teacher_model);
  for (size_t i = 0; i < items.size(); ++i) {
    // Alone: what the teacher makes of earlier turns does not matter, but its rules see them.
    LabelledConversation row = HistoryOf(input, items[i]);
    row.conversation.turns = {row.conversation.turns.back()};
    SOTTO_ASSIGN_OR_RETURN(const Taught taught, Relabel(*teacher, *input.workflow, {row}, options));
    bar.Update(i + 1, items.size());
    if (taught.conversations.empty()) continue;
    votes.push_back(
        VoteFor(items[i], taught.conversations.front().conversation.turns.back().calls, flags.teacher_model));
  }
  return {};
}

}  // namespace

void VoteFlags::AddTo(CLI::App& command) {
  command.add_option("--vote-model", models, "Models of the workflow (GGUF) whose votes are taken; several");
  auto* url = command.add_option(
      "--teacher", teacher, "OpenAI-compatible endpoint whose vote is taken (its key in SOTTO_TEACHER_KEY)");
  auto* name = command.add_option("--teacher-model", teacher_model, "The model it should use");
  url->needs(name);
  name->needs(url);
}

Result<std::vector<Label>> Votes(const VoteFlags& flags, const FlywheelInput& input,
                                 const std::vector<LabelItem>& items) {
  std::vector<Label> votes;
  if (items.empty()) return votes;
  for (const std::string& model : flags.models) SOTTO_RETURN_IF_ERROR(AskBrain(model, input, items, votes));
  if (!flags.teacher.empty()) SOTTO_RETURN_IF_ERROR(AskTeacher(flags, input, items, votes));
  return votes;
}

}  // namespace sotto
