// The conversations a run learns from: several files, each with its share of the tokens. Batches depend only
// on (seed, step, worker): a resumed run sees exactly what an uninterrupted one would have seen.
//
// Rows of which only the tool's name is known (single sentences of public sets) sometimes follow a
// conversation of another file, so that they are also met with history before them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "trainer/decoder.h"
#include "trainer/sequence.h"

namespace sotto {

struct CorpusFile {
  std::filesystem::path path;
  double share = 1;
};

class Corpus {
 public:
  // `workflow` may be null: calls are then written as they stand. Errors name file and line; `warnings`
  // collects bad rows that were left out.
  static Result<Corpus> Read(const std::vector<CorpusFile>& files, std::shared_ptr<const Workflow> workflow,
                             std::vector<std::string>& warnings);

  size_t n_conversations() const;
  size_t n_turns() const;
  // Every user text, and the tools' names as they are called (for vocabularies).
  void ForEachText(const std::function<void(const std::string&)>& visit) const;
  std::vector<std::string> ToolNames() const;
  std::span<const OfferedTool> tools() const { return tools_; }
  std::vector<ToolSpec> ToolSpecs() const { return specs_; }

  // About `n_tokens` tokens of whole conversations.
  Batch Sample(const Tokenizer& tokenizer, const SequenceOptions& options, int n_tokens, int n_ctx,
               uint64_t seed) const;
  const std::vector<LabelledConversation>& file(size_t i) const { return files_[i].rows; }
  size_t n_files() const { return files_.size(); }

 private:
  struct File {
    double share;
    std::vector<LabelledConversation> rows;
    bool name_only;  // most rows are
  };
  TrainSequence Draw(size_t file, const Tokenizer& tokenizer, const SequenceOptions& options, Random& random,
                     std::vector<double>& used) const;

  std::vector<File> files_;
  std::vector<ToolSpec> specs_;
  std::vector<OfferedTool> tools_;
};

// Appends a sequence, cut at `n_ctx`.
void AppendSequence(const TrainSequence& sequence, int n_ctx, Batch& batch);

// Fills up to round numbers of tokens and rows, with a sequence and rows of weight 0: the product library
// generates code for every size it meets, which costs more than the few tokens.
void PadBatch(Batch& batch);

}  // namespace sotto
