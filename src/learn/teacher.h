// A teacher, if there is one: any OpenAI-compatible endpoint (POST {url}/chat/completions) that writes more
// conversations like the seeds and labels user turns. Nothing it says is believed: several labellers vote on
// every turn, disagreements are arbitrated or dropped, and what is left passes the validators (format,
// schema, grounding, duplicates, likeness to the seeds). The report says what was dropped and why.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/http_client.h"
#include "core/conversation_jsonl.h"
#include "workflow/workflow.h"

namespace sotto {

// The endpoint. One request at a time; blocking.
class ChatModel {
 public:
  virtual ~ChatModel() = default;
  // The assistant's text for `messages` (OpenAI form). Errors: kUnavailable, kTimeout, kIo, kCorrupt.
  virtual Result<std::string> Complete(const Json& messages, double temperature, uint64_t seed) = 0;
};

struct ChatEndpoint {
  std::string url;      // "http://127.0.0.1:8080/v1"
  std::string model;    // as the endpoint names it
  std::string api_key;  // sent as a bearer token unless empty
  long timeout_s = 120;
  int retries = 2;  // of requests that failed to connect, timed out or got 429 or 5xx
};

// Over `http`, or a client of its own. Errors name the server, never its path, the key or what was asked.
std::unique_ptr<ChatModel> ConnectChatModel(const ChatEndpoint& endpoint,
                                            std::shared_ptr<HttpClient> http = nullptr);

struct TeacherOptions {
  size_t count = 200;       // conversations wanted
  size_t per_request = 5;   // asked for at once
  size_t labellers = 3;     // votes on every turn
  double likeness = 0.95;   // more like a seed or another conversation than this: dropped
  size_t max_requests = 0;  // of expansion; 0: 3 * count / per_request + 3
  uint64_t seed = 1;
  std::function<void(size_t done, size_t total)> progress;
};

struct Taught {
  std::vector<LabelledConversation> conversations;
  std::map<std::string, size_t> dropped;  // why -> conversations (or replies)
  size_t n_requests = 0;
  size_t n_arbitrated = 0;  // turns on which the labellers disagreed and an arbiter decided
};

// New conversations in the manner of the seeds. The error: the endpoint cannot be used at all; what was made
// until then is lost only if nothing was made.
Result<Taught> ExpandSeeds(ChatModel& teacher, const Workflow& workflow,
                           const std::vector<LabelledConversation>& seeds, const TeacherOptions& options);

// New labels for the user turns of `conversations` (traces), under the same rules.
Result<Taught> Relabel(ChatModel& teacher, const Workflow& workflow,
                       const std::vector<LabelledConversation>& conversations, const TeacherOptions& options);

// Share of three-letter pieces that two texts have in common (Jaccard), 0..1.
double Likeness(std::string_view a, std::string_view b);

// Every JSON object in a text that also holds other things (prose, code fences), in order.
std::vector<Json> ObjectsIn(std::string_view text);

}  // namespace sotto
