// What a Brain holds. Private to src/brain.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <vector>

#include "brain/brain.h"
#include "brain/calibration.h"
#include "brain/prompt.h"
#include "brain/schema_value.h"
#include "slm/engine.h"
#include "text/consent.h"

namespace sotto {

struct Brain::Impl {
  static constexpr size_t kMaxPrefixes = 8;
  // Of the context: for the utterance and the calls.
  static constexpr int kReservedTokens = 512;

  std::shared_ptr<const Workflow> workflow;
  std::shared_ptr<const Model> model;
  BrainOptions options;
  std::vector<ToolSpec> workflow_tools;
  // Of the workflow's tasks, for judging answers and questions.
  std::map<std::string, ToolWords, std::less<>> tool_words;
  std::set<std::string, std::less<>> acting;  // those that change something
  std::unique_ptr<const PromptForm> form;
  std::unique_ptr<BatchingEngine> engine;
  std::unique_ptr<SchemaValues> schema_values;
  Calibration calibration;

  mutable std::mutex prefix_mutex;
  mutable std::vector<KvCache> prefixes;  // guarded by prefix_mutex: computed once, forked by every session

  static Result<std::unique_ptr<Impl>> Create(std::shared_ptr<const Workflow> workflow,
                                              std::shared_ptr<const Model> model, BrainOptions options);

  // A cache that holds `prefix`, sharing its pages with all others of the same prefix.
  Result<KvCache> PrefixCache(std::span<const TokenId> prefix) const;
};

}  // namespace sotto
