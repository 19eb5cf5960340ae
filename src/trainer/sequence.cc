#include "trainer/sequence.h"

#include "brain/call_text.h"
#include "brain/said_dates.h"
#include "text/dates.h"
#include "text/plain_figures.h"
#include "trainer/vocabulary.h"

namespace sotto {
namespace {

void Append(TrainSequence& sequence, std::span<const TokenId> tokens, float weight) {
  sequence.tokens.insert(sequence.tokens.end(), tokens.begin(), tokens.end());
  sequence.weights.insert(sequence.weights.end(), tokens.size(), weight);
}
void Append(TrainSequence& sequence, TokenId token, float weight) {
  Append(sequence, std::span(&token, 1), weight);
}

void AppendTurn(const Turn& turn, bool name_only, bool scored, std::span<const OfferedTool> tools,
                const Tokenizer& tokenizer, const SequenceOptions& options, Random& random,
                TrainSequence& sequence) {
  const std::string state = ExpectationText(turn.expectation);
  if (!state.empty()) {
    Append(sequence, control_token::kState, 0);
    Append(sequence, tokenizer.Encode(state), 0);
  }
  Append(sequence, control_token::kUser, 0);
  const std::string text = WithPlainFigures(turn.user);
  const bool heard = options.text_share > 0 && random.Chance(options.text_share);
  Append(sequence, tokenizer.EncodeWithDropout(text, {}, options.dropout, random),
         heard ? options.text_weight : 0);
  Append(sequence, control_token::kCall, 0);
  const std::vector<TokenId> calls = tokenizer.Encode(CallsText(turn.calls, tools));
  TrainSequence::TurnRange range{static_cast<int>(sequence.tokens.size()), 0, scored};
  const float weight = scored ? 1.0f : 0.0f;
  Append(sequence, calls, name_only ? 0 : weight);
  Append(sequence, control_token::kEnd, name_only ? 0 : weight);
  if (name_only) sequence.weights[static_cast<size_t>(range.begin)] = weight;
  range.end = name_only ? range.begin + 1 : static_cast<int>(sequence.tokens.size());
  sequence.turns.push_back(range);
}

}  // namespace

TrainSequence EncodeConversation(const LabelledConversation& labelled, std::span<const OfferedTool> tools,
                                 const Tokenizer& tokenizer, const SequenceOptions& options, Random& random) {
  TrainSequence sequence;
  Append(sequence, control_token::kBos, 0);
  const std::vector<Turn>& turns = labelled.conversation.turns;
  for (size_t i = 0; i < turns.size(); ++i) {
    const bool scored = !labelled.last_turn_only || i + 1 == turns.size();
    Turn turn = turns[i];
    turn.calls = CallsInWordsSaid(std::span(turns).first(i + 1), tools,
                                  {labelled.conversation.today, options.day_first});
    AppendTurn(turn, labelled.name_only, scored, tools, tokenizer, options, random, sequence);
  }
  return sequence;
}

void AppendNameOnlyTurn(const Turn& turn, std::span<const OfferedTool> tools, const Tokenizer& tokenizer,
                        const SequenceOptions& options, Random& random, TrainSequence& sequence) {
  AppendTurn(turn, /*name_only=*/true, /*scored=*/true, tools, tokenizer, options, random, sequence);
}

TrainSequence EncodeWithPrompt(const LabelledConversation& labelled, std::span<const ToolSpec> specs,
                               std::span<const OfferedTool> tools, const Workflow& workflow,
                               const PromptForm& form) {
  TrainSequence sequence;
  const ChatSetup setup = form.Setup(workflow, specs);
  Append(sequence, form.Prefix(setup), 0);
  const std::vector<Turn>& turns = labelled.conversation.turns;
  for (size_t i = 0; i < turns.size(); ++i) {
    std::vector<TokenId> asked = form.Opening(setup, i == 0, turns[i].expectation);
    for (const TokenId token : form.Utterance(turns[i].user)) asked.push_back(token);
    for (const TokenId token : form.Close()) asked.push_back(token);
    Turn turn = turns[i];
    turn.calls = CallsInWordsSaid(std::span(turns).first(i + 1), tools,
                                  {labelled.conversation.today, WritesDayFirst(workflow.language)});
    const std::vector<TokenId> whole = form.PastTurn(setup, i == 0, turn, tools);
    // What the finished turn shares with the question is context; the rest is the answer.
    size_t shared = 0;
    while (shared < asked.size() && shared < whole.size() && asked[shared] == whole[shared]) ++shared;
    const bool scored = !labelled.last_turn_only || i + 1 == turns.size();
    const int start = static_cast<int>(sequence.tokens.size());
    Append(sequence, std::span(whole).first(shared), 0);
    Append(sequence, std::span(whole).subspan(shared), scored ? 1.0f : 0.0f);
    sequence.turns.push_back(
        {start + static_cast<int>(shared), static_cast<int>(sequence.tokens.size()), scored});
  }
  return sequence;
}

}  // namespace sotto
