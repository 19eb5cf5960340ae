// What a Brain holds. Private to src/brain.
#pragma once

#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <vector>

#include "brain/brain.h"
#include "brain/calibration.h"
#include "brain/offered_tool.h"
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

  // Computed once, by whoever needs it first; others who need the same wait for it, everybody else for
  // nothing.
  struct SharedPrefix {
    std::vector<TokenId> tokens;
    std::shared_future<Result<KvCache>> cache;
  };
  mutable std::mutex prefix_mutex;
  mutable std::vector<SharedPrefix> prefixes;  // guarded by prefix_mutex; the oldest first

  static Result<std::unique_ptr<Impl>> Create(std::shared_ptr<const Workflow> workflow,
                                              std::shared_ptr<const Model> model, BrainOptions options);

  // What is offered in one state of a dialogue. Shared: there are few of them, and making one reads every name of
  // every value.
  using Offer = std::shared_ptr<const std::vector<OfferedTool>>;
  static constexpr size_t kMaxOffers = 256;
  mutable std::mutex offers_mutex;
  mutable std::map<std::vector<std::string>, Offer>
      offers;  // of the workflow's tools, by names; guarded by offers_mutex

  // What every prompt with the same tools begins with.
  struct Listing {
    ChatSetup setup;
    std::vector<TokenId> prefix;
  };
  Listing listings[2];  // of the workflow's tools; [1]: the control tools too

  // Those of `tools` that are named, all where none is, and the control tools that are named.
  std::vector<ToolSpec> Named(std::span<const ToolSpec> tools, std::span<const std::string> names) const;
  // The same of the workflow's tools.
  Result<Offer> OfferOf(std::span<const std::string> names) const;
  Listing ListingOf(std::span<const ToolSpec> tools, bool controls) const;

  // A cache that holds `prefix`, sharing its pages with all others of the same prefix.
  Result<KvCache> PrefixCache(std::span<const TokenId> prefix) const;
};

}  // namespace sotto
