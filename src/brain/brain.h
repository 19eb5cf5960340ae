// The brain: user texts in, tool calls with confidence out. It never speaks and never acts.
//
// A Brain is a model, a workflow and what follows from both (prompt form, tokenised fixed prefix,
// calibration): immutable and shared by all sessions. A BrainSession is one conversation's KV cache. The
// caller owns the history and hands it to Begin(); the session keeps whatever part of its cache still fits,
// so that a turn costs its new words only.
//
//   session.Begin(history, expectation, controls);   // while the reply is being spoken: nobody waits
//   session.Hear("transfer two");                    // partial transcripts, while the user speaks
//   session.Hear("transfer two hundred to");
//   auto understanding = session.Commit("transfer two hundred to savings");   // only now does a call exist
//
// Threads: a Brain may be used by any number of threads; a BrainSession by one at a time. Sessions on
// different threads are computed together in one batch where they coincide.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/conversation.h"
#include "core/transcript.h"
#include "core/understanding.h"
#include "workflow/workflow.h"

namespace sotto {

class Model;
class SharedTeam;
struct ConfidenceFeatures;

struct BrainOptions {
  int n_threads = 2;
  std::shared_ptr<SharedTeam> team =
      nullptr;            // threads shared with other models of the process; null: its own
  bool grounding = true;  // false: values need only fit the schema
  bool speculate = true;  // Hear() also reads the call off the partial: a draft that Commit only has to check
  bool calibrated = true;          // read calibration.json beside the model, if it is there
  int max_words = 200;             // of one utterance; further words are ignored
  std::string chat_template = "";  // overrides the family that the model's metadata names
  int context_tokens = 0;          // 0: what the model was trained for, at most 4096
};

class Brain {
 public:
  // `model_path` empty: model.gguf in the workflow's folder. Errors name the file; a specialist that the
  // workflow has outgrown is one (brain/specialist.h).
  static Result<std::shared_ptr<const Brain>> Open(std::shared_ptr<const Workflow> workflow,
                                                   const std::filesystem::path& model_path,
                                                   BrainOptions options);
  // With a model that is already loaded (or made of random weights).
  static Result<std::shared_ptr<const Brain>> Create(std::shared_ptr<const Workflow> workflow,
                                                     std::shared_ptr<const Model> model,
                                                     BrainOptions options);
  ~Brain();

  const Workflow& workflow() const;
  const Model& model() const;
  const BrainOptions& options() const;

  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  explicit Brain(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class BrainSession {
 public:
  explicit BrainSession(std::shared_ptr<const Brain> brain);
  ~BrainSession();
  BrainSession(BrainSession&&) noexcept;
  BrainSession& operator=(BrainSession&&) noexcept;

  // Prepares for the next utterance, which comes by `history.channel`: everything that is known before it is
  // computed now. `history.tools`, where not empty, replace the workflow's tools. `offered`: names of the
  // tools that make sense in this state (dialogue's OfferedTools), control tools among them; without any name
  // of a task tool all of them are offered.
  Result<void> Begin(const Conversation& history, const Expectation& expectation,
                     std::span<const std::string> offered);

  // The user is still speaking; `partial` is all that was heard of this utterance so far. Words that a later
  // partial changes are computed again. REQUIRES: after Begin.
  Result<void> Hear(std::string_view partial);

  // What the utterance would mean if it ended with the last partial. No effect on what Commit will say.
  Result<Understanding> Peek();

  // The turn is over. Always an Understanding with at least one call (the workflow's unclear tool where
  // nothing fits); an error only if the computation itself failed. With several hypotheses the best joint
  // reading wins. Afterwards Begin must be called again.
  Result<Understanding> Commit(std::string_view utterance);
  Result<Understanding> Commit(std::span<const Transcript::Hypothesis> hypotheses);

  // The utterance never happened (noise, false start).
  void Abandon();

  // For benchmarks with models that know nothing: from now on every decision is computed and then the one
  // that leads to `calls` is taken. They must be offered and grounded, else Commit is an error. The vector
  // must live until Script is called again; nullptr ends it.
  void Script(const std::vector<ToolCall>* calls);

  // What the last understanding's confidence was made of (brain/calibration.h).
  const ConfidenceFeatures& last_features() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sotto
