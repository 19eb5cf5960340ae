// The data that a specialist learns from and the data that judges it.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/mapped_file.h"
#include "brain/label_rules.h"
#include "core/conversation_jsonl.h"
#include "learn/expectations.h"
#include "learn/public_data.h"
#include "learn/specialist_training.h"
#include "learn/synth.h"
#include "workflow/starter.h"

namespace sotto {
namespace {

constexpr size_t kHeldOut = 600;      // generated conversations that are never trained on
constexpr size_t kWithholdEvery = 5;  // seeds, where there is no valid.jsonl
constexpr size_t kSpeechSentences = 10000;
constexpr size_t kSpeechConversations = 6000;

// Shares of the tokens, before they are scaled to one.
constexpr double kGeneratedShare = 0.65;
constexpr double kSeedShare = 0.05;
constexpr double kVoicesShare = 0.3;
constexpr double kPublicShare = 0.10;  // each of served and unserved

using Rows = std::vector<LabelledConversation>;

// Every wrong row is listed with file and line; one is enough to stop, before anything is spent on training.
Result<Rows> ReadChecked(const std::filesystem::path& path, const Workflow& workflow,
                         const TrainingNote& note) {
  std::vector<std::string> errors;
  SOTTO_ASSIGN_OR_RETURN(Rows rows, ReadConversations(path, &errors));
  std::map<std::string, std::pair<int, std::string>> labels;  // first turn's text -> line, calls
  std::set<int> left_out;
  const LabelRules rules(workflow);
  for (const LabelledConversation& row : rows) {
    if (row.name_only) continue;
    if (const auto why = rules.WhyInvalid(row.conversation)) {
      // A value that nobody said is often a slip of the recogniser in the user's text: not learnt from, no
      // reason to stop.
      if (why->ends_with("was never said")) {
        note(fmt::format("{}:{}: {}; left out", path.string(), row.line, *why));
        left_out.insert(row.line);
        continue;
      }
      errors.push_back(fmt::format("{}:{}: {}", path.string(), row.line, *why));
    }
    if (row.conversation.turns.empty()) continue;
    const Turn& first = row.conversation.turns.front();
    std::string calls;
    for (const ToolCall& call : first.calls) calls += ToString(call) + " ";
    const auto [entry, fresh] = labels.try_emplace(first.user, row.line, calls);
    if (!fresh && entry->second.second != calls) {
      errors.push_back(fmt::format("{}:{}: \"{}\" is {}here, {}on line {}", path.string(), row.line,
                                   first.user, calls, entry->second.second, entry->second.first));
    }
  }
  if (!errors.empty()) {
    for (const std::string& error : errors) note(error);
    return MakeError(ErrorCode::kInvalidArgument, "{}: {} wrong rows (above)", path.string(), errors.size());
  }
  if (left_out.size() == rows.size() && !rows.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: no row holds only values that were said",
                     path.string());
  }
  std::erase_if(rows, [&](const LabelledConversation& row) { return left_out.contains(row.line); });
  return rows;
}

class Preparation {
 public:
  Preparation(std::shared_ptr<const Workflow> workflow, const TrainingPaths& paths,
              const TrainingOptions& options, const TrainingProgress& progress, const TrainingNote& note)
      : options_(options),
        paths_(paths),
        progress_(progress),
        note_(note),
        workflow_(std::move(workflow)),
        source_(workflow_) {}

  Result<TrainingData> Run() {
    std::error_code error;
    std::filesystem::create_directories(paths_.report, error);
    if (error) return MakeError(ErrorCode::kIo, "{}: {}", paths_.report.string(), error.message());
    SOTTO_RETURN_IF_ERROR(ReadSeeds());
    SOTTO_RETURN_IF_ERROR(ReadVoices());
    SOTTO_RETURN_IF_ERROR(Generate());
    SOTTO_RETURN_IF_ERROR(ReadPublic());
    return std::move(data_);
  }

 private:
  Result<void> ReadSeeds() {
    if (std::filesystem::exists(paths_.valid)) {
      SOTTO_RETURN_IF_ERROR(ReadChecked(paths_.valid, *workflow_, note_));
      data_.judges.emplace_back("valid.jsonl", paths_.valid);
    }
    const std::filesystem::path file = paths_.folder / kSeedsFile;
    if (!std::filesystem::exists(file)) return {};
    SOTTO_ASSIGN_OR_RETURN(const Rows seeds, ReadChecked(file, *workflow_, note_));
    Rows kept;
    Rows withheld;
    for (size_t i = 0; i < seeds.size(); ++i) {
      const bool withhold =
          data_.judges.empty() && seeds.size() >= kWithholdEvery && i % kWithholdEvery == kWithholdEvery - 1;
      (withhold ? withheld : kept).push_back(seeds[i]);
    }
    data_.seeds = kept.size();
    if (!withheld.empty()) {
      SOTTO_RETURN_IF_ERROR(WriteConversations(paths_.withheld, withheld));
      data_.judges.emplace_back("withheld seeds", paths_.withheld);
      SOTTO_RETURN_IF_ERROR(HideWithheld(kept, withheld));
    }
    const std::filesystem::path copy = paths_.report / kSeedsFile;
    SOTTO_RETURN_IF_ERROR(WriteConversations(copy, kept));
    data_.files.push_back({copy, kSeedShare});
    return {};
  }

  // Conversations in which people also answer the assistant ("yes", "no", "wait") are learnt with the state
  // they were said in, the others without, as data sets have them.
  Result<void> ReadVoices() {
    const std::filesystem::path file = paths_.folder / kVoicesFile;
    if (!std::filesystem::exists(file)) return {};
    SOTTO_ASSIGN_OR_RETURN(Rows voices, ReadChecked(file, *workflow_, note_));
    SOTTO_ASSIGN_OR_RETURN(const auto program, DialogueProgram::Compile(workflow_));
    for (LabelledConversation& row : voices) {
      const auto answers = [](const Turn& turn) {
        return std::any_of(turn.calls.begin(), turn.calls.end(),
                           [](const ToolCall& call) { return IsControlTool(call.name); });
      };
      if (std::any_of(row.conversation.turns.begin(), row.conversation.turns.end(), answers))
        row.conversation = WithExpectations(program, row.conversation);
    }
    data_.voices = voices.size();
    SOTTO_RETURN_IF_ERROR(WriteConversations(paths_.voices, voices));
    data_.files.push_back({paths_.voices, kVoicesShare});
    return {};
  }

  // The generator speaks from a folder that has the kept seeds only.
  Result<void> HideWithheld(const Rows& kept, const Rows& withheld) {
    const std::filesystem::path view = paths_.report / "source";
    std::error_code error;
    std::filesystem::create_directories(view, error);
    for (const char* name : {"phrases.yaml", "confusions.tsv", "public_data.yaml", kVoicesFile}) {
      if (!std::filesystem::exists(paths_.folder / name)) continue;
      std::filesystem::copy_file(paths_.folder / name, view / name,
                                 std::filesystem::copy_options::overwrite_existing, error);
    }
    if (error) return MakeError(ErrorCode::kIo, "{}: {}", view.string(), error.message());
    SOTTO_RETURN_IF_ERROR(WriteConversations(view / kSeedsFile, kept));
    auto source = std::make_shared<Workflow>(*workflow_);
    source->folder = view;
    // `sotto new` makes examples of seeds.
    std::map<std::string, std::set<std::string>> hidden;  // by tool
    for (const LabelledConversation& row : withheld)
      for (const Turn& turn : row.conversation.turns)
        for (const ToolCall& call : turn.calls)
          hidden[call.name].insert(ExampleOf(turn.user, call.arguments));
    for (ToolDef& tool : source->tools)
      std::erase_if(tool.examples, [&](const std::string& e) { return hidden[tool.name].contains(e); });
    source_ = std::move(source);
    return {};
  }

  Result<void> Generate() {
    data_.generated = options_.count;
    data_.judges.emplace_back("generated, held out", paths_.held_out);
    data_.files.push_back({paths_.generated, kGeneratedShare});
    if (options_.resume && std::filesystem::exists(paths_.checkpoint) &&
        std::filesystem::exists(paths_.generated)) {
      return {};
    }
    SynthOptions synth;
    synth.count = options_.count + kHeldOut;
    synth.seed = options_.seed;
    synth.data = options_.public_data;
    synth.progress = [&](size_t done, size_t total) { progress_("generating", done, total); };
    SOTTO_ASSIGN_OR_RETURN(Synthesised made, Synthesise(source_, synth));
    if (made.conversations.size() <= kHeldOut) {
      return MakeError(ErrorCode::kInvalidArgument, "{}: the generator made only {} valid conversations",
                       paths_.folder.string(), made.conversations.size());
    }
    Rows held(made.conversations.begin(), made.conversations.begin() + kHeldOut);
    made.conversations.erase(made.conversations.begin(), made.conversations.begin() + kHeldOut);
    data_.generated = made.conversations.size();
    synth.count = std::min<size_t>(options_.count, kSpeechConversations);
    synth.seed = options_.seed + 1;
    // The recogniser's language model learns what people say, not how it is misheard,
    synth.simulator.noise = 0;
    synth.data.clear();  // nor what people say to other assistants.
    synth.progress = nullptr;
    SOTTO_ASSIGN_OR_RETURN(const Synthesised clean, Synthesise(workflow_, synth));
    SOTTO_RETURN_IF_ERROR(WriteSpeech(clean.conversations));
    SOTTO_RETURN_IF_ERROR(WriteConversations(paths_.held_out, held));
    return WriteConversations(paths_.generated, made.conversations);
  }

  // Plain sentences for the recogniser's language model.
  Result<void> WriteSpeech(const Rows& rows) {
    std::set<std::string> seen;
    std::string text;
    for (const LabelledConversation& row : rows) {
      for (const Turn& turn : row.conversation.turns) {
        if (seen.size() < kSpeechSentences && seen.insert(turn.user).second) text += turn.user + "\n";
      }
    }
    return WriteFileAtomically(paths_.speech, text);
  }

  Result<void> ReadPublic() {
    if (options_.public_data.empty()) return {};
    SOTTO_ASSIGN_OR_RETURN(
        PublicSentences train,
        ReadPublicSentences(*workflow_, options_.public_data.string(), PublicSplit::kTrain));
    SOTTO_RETURN_IF_ERROR(WriteConversations(paths_.served, train.served));
    train.unserved.insert(train.unserved.end(), train.stateless.begin(), train.stateless.end());
    SOTTO_RETURN_IF_ERROR(WriteConversations(paths_.unserved, UnclearRows(*workflow_, train.unserved)));
    if (!train.served.empty()) data_.files.push_back({paths_.served, kPublicShare});
    if (!train.unserved.empty()) data_.files.push_back({paths_.unserved, kPublicShare});
    for (const PublicSet& set : UsablePublicSets()) {
      const bool used = std::any_of(train.counts.begin(), train.counts.end(), [&](const auto& count) {
        return count.first.starts_with(set.name + " ");
      });
      if (used) data_.sources.push_back(fmt::format("{} ({})", set.name, set.licence));
    }
    SOTTO_ASSIGN_OR_RETURN(
        const PublicSentences held,
        ReadPublicSentences(*workflow_, options_.public_data.string(), PublicSplit::kHeldOut));
    const std::tuple<const char*, const char*, Rows> sets[] = {
        {"real sentences, served", "real.jsonl", held.served},
        {"real sentences, not served", "real_unclear.jsonl", UnclearRows(*workflow_, held.unserved)}};
    for (const auto& [name, file, rows] : sets) {
      if (rows.empty()) continue;
      SOTTO_RETURN_IF_ERROR(WriteConversations(paths_.report / file, rows));
      data_.judges.emplace_back(name, paths_.report / file);
    }
    return {};
  }

  const TrainingOptions& options_;
  const TrainingPaths& paths_;
  const TrainingProgress& progress_;
  const TrainingNote& note_;
  const std::shared_ptr<const Workflow> workflow_;
  std::shared_ptr<const Workflow> source_;  // the same, without withheld seeds
  TrainingData data_;
};

}  // namespace

TrainingPaths::TrainingPaths(const std::filesystem::path& dir, const std::filesystem::path& made)
    : folder(dir),
      report(made),
      generated(report / "generated.jsonl"),
      held_out(report / "held_out.jsonl"),
      withheld(report / "withheld.jsonl"),
      voices(report / kVoicesFile),
      served(report / "public.jsonl"),
      unserved(report / "public_unclear.jsonl"),
      checkpoint(report / "checkpoint"),
      candidate(report / "model.gguf"),
      metrics(report / "metrics.json"),
      model(dir / "model.gguf"),
      calibration(dir / "calibration.json"),
      card(dir / "card.md"),
      speech(dir / "speech.txt"),
      valid(dir / "valid.jsonl") {}

Result<TrainingData> PrepareTraining(std::shared_ptr<const Workflow> workflow, const TrainingPaths& paths,
                                     const TrainingOptions& options, const TrainingProgress& progress,
                                     const TrainingNote& note) {
  return Preparation(std::move(workflow), paths, options, progress, note).Run();
}

}  // namespace sotto
