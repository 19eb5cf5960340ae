// Who is asked for an understanding, in which order, and from when on each is believed. Immutable; one for all
// conversations of a deployment (assistant/open_route.h makes it of files).
//
//   cache -> specialist -> semantic cache -> larger local model -> remote model -> person
//
// Whoever is sure enough is the answer, and nobody further is asked. Where nobody is, the best of what was
// answered is taken: with the confidence that it has, and so the dialogue asks back.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/scheduler.h"
#include "core/understander.h"
#include "route/answer_cache.h"
#include "route/outbound.h"
#include "route/remote_understander.h"
#include "route/semantic_cache.h"
#include "route/spending.h"
#include "route/threshold.h"
#include "route/warm_answers.h"

namespace sotto {

struct PlanStep {
  enum class Kind {
    kCache,     // what was understood before: never asked for what is not sure
    kSemantic,  // the same said in other words, where somebody has a guess already
    kLocal,     // on this machine
    kRemote,    // leaves it
    kPerson,    // hands over
  };
  std::string name;
  Kind kind = Kind::kLocal;
  Duration budget = std::chrono::seconds(5);  // until it must have answered
  double price = 0;                           // USD a call, before anything is known of it
  Thresholds accept;
  // Listens along: begun before the words come, and told the partial ones. The first that does is who peeks.
  bool listens = false;
  // kLocal, kPerson. Where a local one's understandings come with a step of their own (Understanding::route), its
  // confidence is what `accept` is held against, in place of theirs.
  std::function<std::unique_ptr<Understander>(Scheduler&)> make = nullptr;
  std::shared_ptr<const RemoteStep> remote = nullptr;  // kRemote
  int after = 1;  // kPerson: in that many turns in a row, this one included, nobody else was sure
};

struct RoutePlan {
  // Why calls cannot stand as an answer: schema, tools on offer, grounding. Null: they can. Any thread; names
  // nothing that was said.
  using AnswerCheck = std::function<std::optional<std::string>(
      const Conversation& history, std::span<const std::string> offered, std::string_view utterance,
      std::span<const ToolCall> calls)>;

  std::vector<PlanStep> steps;
  // Of what remote steps, shared caches and the semantic cache answer; required where there are such.
  AnswerCheck check;
  std::string fingerprint;  // of everything above that understandings depend on, and of the tenant
  std::shared_ptr<AnswerCache> cache = nullptr;
  // The layers of `cache` that are on this machine, where others are not: what must not leave is kept and looked for
  // here. Null: all are.
  std::shared_ptr<AnswerCache> cache_here = nullptr;
  std::shared_ptr<const WarmAnswers> warm = nullptr;  // known from the start; null: nothing is
  std::shared_ptr<SemanticCache> semantic = nullptr;
  // How long the understanding of a call may be kept; 0: not at all. Of several calls the least counts.
  std::function<Duration(const ToolCall&)> keep_for = nullptr;
  std::string tag;  // of what is kept: the workflow's name
  PrivacyPolicy privacy;
  std::function<std::shared_ptr<OutboundGuard>()> new_guard = nullptr;   // one a conversation; null: none
  std::shared_ptr<Spending> spending = nullptr;                          // null: no limit
  double most_a_conversation = std::numeric_limits<double>::infinity();  // USD
  bool ask_remote = true;  // false: only say that it would be asked

  // kInvalidArgument: no steps, two of one name, a cache step without a cache, one that must not leave, ...
  Result<void> Check() const;
};

}  // namespace sotto
