// What callers want and where they struggle, of one log: requests that recur, requests that nobody serves, and,
// tool by tool and slot by slot, where people are asked again, correct, wait, give up or get a person. Pure;
// any thread (the encoder computes on its own).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "embed/sentence_encoder.h"
#include "flywheel/log_view.h"
#include "workflow/workflow.h"

namespace sotto {

struct RequestCluster {
  std::string name;               // "transfer_money(amount)", or of unmet ones the words that were said most
  std::string example;            // what was said most often
  std::vector<std::string> more;  // other words for it
  size_t count = 0;               // turns
  double share = 0;               // of all turns with words
  size_t handoffs = 0;            // conversations of them that ended with a person
  size_t again = 0;               // turns after which the same was asked again
  double cost = 0;                // USD
  double narrowness = 0;          // mean similarity of its texts, 0..1: 1 is always the same words
  std::string nearest_tool;       // of unmet ones: what is asked for in the likest words
  double nearest = 0;             // how like, 0..1
  bool missing = false;           // no tool is near: probably nothing that is served
};

// A tool, or a slot of it.
struct Struggle {
  std::string tool;
  std::string slot;  // empty: the whole tool
  size_t tasks = 0;  // begun, or of a slot: asked for
  size_t done = 0;
  size_t again = 0;  // asked again for the same
  size_t corrected = 0;
  size_t silences = 0;
  size_t handoffs = 0;
  size_t abandoned = 0;
  // The share of tasks with anything of that; above 1 where one had several.
  double rate() const {
    return tasks == 0 ? 0
                      : static_cast<double>(again + corrected + silences + handoffs + abandoned) /
                            static_cast<double>(tasks);
  }
};

struct Patterns {
  std::vector<RequestCluster> requests;  // the most frequent first
  std::vector<RequestCluster> unmet;
  std::vector<Struggle> struggles;  // tools and slots, the worst first
  bool with_encoder = false;
};

struct PatternOptions {
  size_t least = 2;           // turns of a cluster
  size_t most_clusters = 60;  // of requests, and of what was not met: the most frequent
  size_t most_texts = 1500;   // distinct ones that are clustered; the rarest are left out
  double near = 0.3;          // nearest tool: below it none is near
  const SentenceEncoder* encoder = nullptr;
};

Patterns FindPatterns(const LogView& log, const Workflow& workflow, const PatternOptions& options);

Json ToJson(const RequestCluster& cluster);
Json ToJson(const Struggle& struggle);

}  // namespace sotto
