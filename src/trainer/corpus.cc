#include "trainer/corpus.h"

#include <algorithm>
#include <set>

namespace sotto {
namespace {

constexpr double kSpliceShare = 0.3;  // of name-only rows that follow another conversation

// Turns without a call teach nothing and cannot be written.
void DropUnlabelled(std::vector<LabelledConversation>& rows) {
  for (LabelledConversation& row : rows) {
    std::erase_if(row.conversation.turns, [](const Turn& turn) { return turn.calls.empty(); });
  }
  std::erase_if(rows, [](const LabelledConversation& row) { return row.conversation.turns.empty(); });
}

}  // namespace

Result<Corpus> Corpus::Read(const std::vector<CorpusFile>& files, std::shared_ptr<const Workflow> workflow,
                            std::vector<std::string>& warnings) {
  Corpus corpus;
  if (workflow != nullptr) {
    corpus.specs_ = ToToolSpecs(*workflow);
    const std::vector<ToolSpec>& controls = ControlTools();
    corpus.specs_.insert(corpus.specs_.end(), controls.begin(), controls.end());
    SOTTO_ASSIGN_OR_RETURN(corpus.tools_, MakeOfferedTools(corpus.specs_, *workflow, /*grounding=*/true));
  }
  for (const CorpusFile& file : files) {
    SOTTO_ASSIGN_OR_RETURN(std::vector<LabelledConversation> rows, ReadConversations(file.path, &warnings));
    DropUnlabelled(rows);
    if (workflow != nullptr) {
      std::erase_if(rows, [&](const LabelledConversation& row) {
        for (const Turn& turn : row.conversation.turns) {
          for (const ToolCall& call : turn.calls) {
            const bool known = std::any_of(corpus.tools_.begin(), corpus.tools_.end(),
                                           [&](const OfferedTool& tool) { return tool.name == call.name; });
            if (known) continue;
            warnings.push_back(fmt::format("{}:{}: no tool '{}' in workflow '{}'", file.path.string(),
                                           row.line, call.name, workflow->name));
            return true;
          }
        }
        return false;
      });
    }
    if (rows.empty()) {
      return MakeError(ErrorCode::kInvalidArgument, "{}: no usable conversation", file.path.string());
    }
    const auto named = std::count_if(rows.begin(), rows.end(), [](const auto& row) { return row.name_only; });
    corpus.files_.push_back({file.share, std::move(rows), false});
    corpus.files_.back().name_only = static_cast<size_t>(named) * 2 > corpus.files_.back().rows.size();
  }
  return corpus;
}

size_t Corpus::n_conversations() const {
  size_t n = 0;
  for (const File& file : files_) n += file.rows.size();
  return n;
}

size_t Corpus::n_turns() const {
  size_t n = 0;
  for (const File& file : files_) {
    for (const LabelledConversation& row : file.rows) n += row.conversation.turns.size();
  }
  return n;
}

void Corpus::ForEachText(const std::function<void(const std::string&)>& visit) const {
  for (const File& file : files_) {
    for (const LabelledConversation& row : file.rows) {
      for (const Turn& turn : row.conversation.turns) visit(turn.user);
    }
  }
}

std::vector<std::string> Corpus::ToolNames() const {
  std::set<std::string> names;
  for (const File& file : files_) {
    for (const LabelledConversation& row : file.rows) {
      for (const Turn& turn : row.conversation.turns) {
        for (const ToolCall& call : turn.calls) names.insert(call.name);
      }
    }
  }
  return {names.begin(), names.end()};
}

TrainSequence Corpus::Draw(size_t index, const Tokenizer& tokenizer, const SequenceOptions& options,
                           Random& random, std::vector<double>& used) const {
  const File& file = files_[index];
  const LabelledConversation& row = file.rows[random.Below(file.rows.size())];
  const bool splice = row.name_only && file.name_only && random.Chance(kSpliceShare);
  size_t host = files_.size();
  for (size_t i = 0; splice && i < files_.size() && host == files_.size(); ++i) {
    if (!files_[i].name_only) host = i;
  }
  if (host == files_.size()) {
    TrainSequence sequence = EncodeConversation(row, tools_, tokenizer, options, random);
    used[index] += static_cast<double>(sequence.tokens.size());
    return sequence;
  }
  LabelledConversation before = files_[host].rows[random.Below(files_[host].rows.size())];
  std::vector<Turn>& turns = before.conversation.turns;
  turns.resize(1 + random.Below(turns.size()));
  TrainSequence sequence = EncodeConversation(before, tools_, tokenizer, options, random);
  used[host] += static_cast<double>(sequence.tokens.size());
  const auto size_before = static_cast<double>(sequence.tokens.size());
  Turn turn = row.conversation.turns.front();
  const bool has_state = turns.back().expectation.kind != Expectation::Kind::kNone;
  if (has_state && turn.expectation.kind == Expectation::Kind::kNone)
    turn.expectation.kind = Expectation::Kind::kOffer;
  AppendNameOnlyTurn(turn, tools_, tokenizer, options, random, sequence);
  used[index] += static_cast<double>(sequence.tokens.size()) - size_before;
  return sequence;
}

Batch Corpus::Sample(const Tokenizer& tokenizer, const SequenceOptions& options, int n_tokens, int n_ctx,
                     uint64_t seed) const {
  Random random(seed);
  std::vector<double> used(files_.size());
  for (double& u : used) u = random.Uniform();  // who goes first
  Batch batch;
  while (batch.n_tokens() < n_tokens) {
    size_t next = 0;
    for (size_t i = 1; i < files_.size(); ++i) {
      if (used[i] / files_[i].share < used[next] / files_[next].share) next = i;
    }
    AppendSequence(Draw(next, tokenizer, options, random, used), n_ctx, batch);
  }
  PadBatch(batch);
  return batch;
}

void AppendSequence(const TrainSequence& sequence, int n_ctx, Batch& batch) {
  const int start = batch.n_tokens();
  const int length = std::min(n_ctx, static_cast<int>(sequence.tokens.size()));
  batch.tokens.insert(batch.tokens.end(), sequence.tokens.begin(), sequence.tokens.begin() + length);
  for (int i = 1; i < length; ++i) {
    const float weight = sequence.weights[static_cast<size_t>(i)];
    if (weight == 0) continue;
    batch.rows.push_back(start + i - 1);
    batch.targets.push_back(sequence.tokens[static_cast<size_t>(i)]);
    batch.weights.push_back(weight);
  }
  batch.starts.push_back(batch.n_tokens());
}

void PadBatch(Batch& batch) {
  constexpr size_t kRound = 128;
  const auto rounded = [](size_t n) { return (n + kRound - 1) / kRound * kRound; };
  if (batch.rows.empty()) return;
  batch.tokens.resize(rounded(batch.tokens.size() + 1), 0);
  batch.starts.push_back(batch.n_tokens());
  const size_t rows = rounded(batch.rows.size());
  batch.rows.resize(rows, batch.n_tokens() - 1);
  batch.targets.resize(rows, 0);
  batch.weights.resize(rows, 0.0f);
}

}  // namespace sotto
