#include "learn/teacher.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/random.h"
#include "brain/label_rules.h"
#include "text/normalise.h"

namespace sotto {
namespace {

std::string ToolsText(const Workflow& workflow) {
  Json tools = Json::array();
  for (const ToolSpec& tool : ToToolSpecs(workflow)) tools.push_back(ToJson(tool));
  return tools.dump();
}

constexpr const char* kRules =
    "You work on a voice assistant. User texts come from a speech recogniser: they have fillers, homophones, "
    "split "
    "words and no punctuation. Each user turn is answered by exactly one call of these tools; leave out "
    "arguments "
    "that were not mentioned; while a task goes on a call repeats the arguments said earlier in it. Numbers "
    "are "
    "numbers, digit strings are strings. Text that no tool serves, or that cannot be understood, is "
    "{}.\nTools: {}\n";

std::string Transcript(const Conversation& conversation, size_t n_turns) {
  std::string text;
  for (size_t i = 0; i < n_turns; ++i) {
    text += "User: " + conversation.turns[i].user + "\n";
    for (const ToolCall& call : conversation.turns[i].calls) text += "Call: " + ToJson(call).dump() + "\n";
  }
  return text;
}

std::string AllText(const Conversation& conversation) {
  std::string text;
  for (const Turn& turn : conversation.turns) text += NormaliseSpoken(turn.user) + " ";
  return text;
}

std::string Key(const ToolCall& call) {
  // Arguments in one order: two labellers agree whatever order they wrote them in.
  std::map<std::string, std::string> sorted;
  for (const auto& [name, value] : call.arguments.items()) {
    std::string text = value.is_string() ? NormaliseSpoken(value.get<std::string>()) : value.dump();
    if (value.is_number()) text = fmt::format("{}", value.get<double>());
    sorted[name] = std::move(text);
  }
  std::string key = call.name;
  for (const auto& [name, value] : sorted) key += "|" + name + "=" + value;
  return key;
}

// One pass over the teacher: counts requests, remembers the first failure of the endpoint.
class Pass {
 public:
  Pass(ChatModel& teacher, const Workflow& workflow, const TeacherOptions& options)
      : teacher_(teacher),
        workflow_(workflow),
        label_rules_(workflow),
        options_(options),
        random_(options.seed),
        rules_(fmt::format(fmt::runtime(kRules), workflow.unclear_tool, ToolsText(workflow))) {}

  Result<std::string> Ask(const std::string& task, double temperature) {
    ++taught_.n_requests;
    const Json messages =
        Json::array({{{"role", "system"}, {"content", rules_}}, {{"role", "user"}, {"content", task}}});
    return teacher_.Complete(messages, temperature, random_.Next());
  }

  void Drop(const std::string& why) { ++taught_.dropped[why]; }
  Random& random() { return random_; }
  Taught& taught() { return taught_; }

  // The label most labellers agree on; an arbiter's, where there is no majority; nothing where that is none
  // of the candidates. The error: the endpoint.
  Result<std::optional<ToolCall>> Label(const Conversation& conversation, size_t turn) {
    std::map<std::string, std::pair<size_t, ToolCall>> votes;
    size_t cast = 0;
    for (size_t i = 0; i < options_.labellers; ++i) {
      SOTTO_ASSIGN_OR_RETURN(const std::string reply, Ask(LabelTask(conversation, turn), i == 0 ? 0.0 : 0.7));
      for (const Json& object : ObjectsIn(reply)) {
        auto call = ToolCallFromJson(object);
        if (!call) continue;
        ++cast;
        auto& vote = votes[Key(*call)];
        ++vote.first;
        vote.second = *std::move(call);
        break;
      }
    }
    if (votes.empty()) return std::optional<ToolCall>();
    const auto best = std::max_element(votes.begin(), votes.end(), [](const auto& a, const auto& b) {
      return a.second.first < b.second.first;
    });
    if (best->second.first * 2 > cast) return std::optional<ToolCall>(best->second.second);
    return Arbitrate(conversation, turn, votes);
  }

  // Why the conversation may not be learnt from, empty where it may.
  std::string Reject(const Conversation& conversation, const std::vector<std::string>& others) {
    if (conversation.turns.empty()) return "format: no turns";
    if (const auto why = label_rules_.WhyInvalid(conversation))
      return why->find("never said") != std::string::npos ? "grounding: a value was never said"
                                                          : "schema: wrong call";
    const std::string text = AllText(conversation);
    if (!seen_.insert(text).second) return "duplicate";
    for (const std::string& other : others)
      if (Likeness(text, other) > options_.likeness) return "too like a seed";
    return {};
  }

 private:
  std::string LabelTask(const Conversation& conversation, size_t turn) const {
    return Transcript(conversation, turn) + "User: " + conversation.turns[turn].user +
           "\nAnswer with the call of this last turn as JSON, nothing else: {\"name\": ..., \"arguments\": "
           "{...}}";
  }

  Result<std::optional<ToolCall>> Arbitrate(const Conversation& conversation, size_t turn,
                                            const std::map<std::string, std::pair<size_t, ToolCall>>& votes) {
    ++taught_.n_arbitrated;
    std::string task =
        LabelTask(conversation, turn) + "\nLabellers disagree. Choose the right one of these:\n";
    for (const auto& [key, vote] : votes) task += ToJson(vote.second).dump() + "\n";
    SOTTO_ASSIGN_OR_RETURN(const std::string reply, Ask(task, 0));
    for (const Json& object : ObjectsIn(reply)) {
      const auto call = ToolCallFromJson(object);
      if (call && votes.contains(Key(*call))) return std::optional<ToolCall>(*call);
    }
    return std::optional<ToolCall>();
  }

  ChatModel& teacher_;
  const Workflow& workflow_;
  const LabelRules label_rules_;
  const TeacherOptions& options_;
  Random random_;
  const std::string rules_;
  std::set<std::string> seen_;
  Taught taught_;
};

// Labels every turn by vote. False: dropped. The error: the endpoint.
Result<bool> LabelAll(Pass& pass, Conversation& conversation, bool keep_agreeing_only) {
  for (size_t i = 0; i < conversation.turns.size(); ++i) {
    SOTTO_ASSIGN_OR_RETURN(const std::optional<ToolCall> label, pass.Label(conversation, i));
    if (!label) {
      pass.Drop("agreement: labellers differ");
      return false;
    }
    Turn& turn = conversation.turns[i];
    if (keep_agreeing_only && (turn.calls.size() != 1 || Key(turn.calls.front()) != Key(*label))) {
      pass.Drop("agreement: labellers contradict the writer");
      return false;
    }
    turn.calls = {*label};
  }
  return true;
}

std::string ExpansionTask(const std::vector<LabelledConversation>& seeds, size_t count, Random& random) {
  std::string task = "Here are conversations:\n";
  for (int i = 0; i < 4 && !seeds.empty(); ++i)
    task += ToJson(seeds[random.Below(seeds.size())]).dump() + "\n";
  return task + fmt::format(
                    "Write {} new conversations of the same form, one JSON object a line. Use other words, "
                    "values, orders and tools than the examples; real people speak.",
                    count);
}

}  // namespace

double Likeness(std::string_view a, std::string_view b) {
  const auto pieces = [](std::string_view text) {
    std::set<std::string_view> set;
    for (size_t i = 0; i + 3 <= text.size(); ++i) set.insert(text.substr(i, 3));
    return set;
  };
  const auto left = pieces(a);
  const auto right = pieces(b);
  if (left.empty() || right.empty()) return a == b ? 1 : 0;
  const auto common =
      std::count_if(left.begin(), left.end(), [&](const auto& piece) { return right.contains(piece); });
  return static_cast<double>(common) /
         static_cast<double>(left.size() + right.size() - static_cast<size_t>(common));
}

std::vector<Json> ObjectsIn(std::string_view text) {
  std::vector<Json> objects;
  for (size_t start = text.find('{'); start != std::string_view::npos; start = text.find('{', start)) {
    int depth = 0;
    bool quoted = false;
    size_t end = start;
    for (; end < text.size(); ++end) {
      const char c = text[end];
      if (quoted) {
        if (c == '\\')
          ++end;
        else if (c == '"')
          quoted = false;
        continue;
      }
      if (c == '"') quoted = true;
      if (c == '{') ++depth;
      if (c == '}' && --depth == 0) break;
    }
    if (depth != 0 || end >= text.size()) {
      ++start;
      continue;
    }
    if (auto json = ParseJson(text.substr(start, end - start + 1), "teacher"); json && json->is_object()) {
      objects.push_back(*std::move(json));
      start = end + 1;
    } else {
      ++start;
    }
  }
  return objects;
}

Result<Taught> ExpandSeeds(ChatModel& teacher, const Workflow& workflow,
                           const std::vector<LabelledConversation>& seeds, const TeacherOptions& options) {
  Pass pass(teacher, workflow, options);
  std::vector<std::string> seed_texts;
  for (const LabelledConversation& seed : seeds) seed_texts.push_back(AllText(seed.conversation));
  const size_t limit = options.max_requests > 0
                           ? options.max_requests
                           : 3 * options.count / std::max<size_t>(1, options.per_request) + 3;
  auto& made = pass.taught().conversations;
  for (size_t request = 0; request < limit && made.size() < options.count; ++request) {
    const auto reply = pass.Ask(ExpansionTask(seeds, options.per_request, pass.random()), 1.0);
    if (!reply) {
      if (made.empty() && request == 0) return tl::unexpected<Error>(reply.error());
      pass.Drop("endpoint: " + std::string(ErrorCodeName(reply.error().code)));
      continue;
    }
    const std::vector<Json> objects = ObjectsIn(*reply);
    if (objects.empty()) pass.Drop("format: no conversation in the reply");
    for (const Json& object : objects) {
      if (made.size() >= options.count) break;
      auto labelled = ConversationFromJson(object);
      if (!labelled) {
        pass.Drop("format: not a conversation");
        continue;
      }
      if (std::string why = pass.Reject(labelled->conversation, seed_texts); !why.empty()) {
        pass.Drop(why);
        continue;
      }
      const auto agreed = LabelAll(pass, labelled->conversation, true);
      if (!agreed) pass.Drop("endpoint: " + std::string(ErrorCodeName(agreed.error().code)));
      if (agreed && *agreed) made.push_back(*std::move(labelled));
      if (options.progress) options.progress(made.size(), options.count);
    }
  }
  return std::move(pass.taught());
}

Result<Taught> Relabel(ChatModel& teacher, const Workflow& workflow,
                       const std::vector<LabelledConversation>& conversations,
                       const TeacherOptions& options) {
  Pass pass(teacher, workflow, options);
  auto& made = pass.taught().conversations;
  size_t done = 0;
  for (const LabelledConversation& trace : conversations) {
    LabelledConversation labelled = trace;
    labelled.name_only = false;
    for (Turn& turn : labelled.conversation.turns) turn.calls.clear();
    const auto agreed = LabelAll(pass, labelled.conversation, false);
    if (!agreed) {
      if (made.empty() && done == 0) return tl::unexpected<Error>(agreed.error());
      pass.Drop("endpoint: " + std::string(ErrorCodeName(agreed.error().code)));
    } else if (*agreed) {
      if (std::string why = pass.Reject(labelled.conversation, {}); !why.empty())
        pass.Drop(why);
      else
        made.push_back(std::move(labelled));
    }
    if (options.progress) options.progress(++done, conversations.size());
  }
  return std::move(pass.taught());
}

}  // namespace sotto
