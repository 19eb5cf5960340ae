#include "dialogue/dialogue.h"

#include <iterator>

namespace sotto {

Decision Dialogue::Take(Decision decision) {
  for (const Event& event : decision.events) Apply(state_, event);
  return decision;
}

std::vector<Event> Dialogue::Know(const Caller& caller) {
  if (caller == state_.known_as) return {};
  std::vector<Event> events{{Event::Type::kCaller, 0, "", ToJson(caller)}};
  Apply(state_, events.front());
  return events;
}

Decision Dialogue::Settle(Decision decision, ActionRunner& runner) {
  while (decision.action) {
    Decision next = Result(RunAndWait(runner, *std::move(decision.action)));
    Decision joined = std::move(next);
    joined.events.insert(joined.events.begin(), std::make_move_iterator(decision.events.begin()),
                         std::make_move_iterator(decision.events.end()));
    if (!decision.reply.text.empty()) {
      Reply reply = std::move(decision.reply);
      if (!joined.reply.text.empty()) {
        reply.text += ' ' + joined.reply.text;
        reply.parts.push_back({" ", true});
        std::move(joined.reply.parts.begin(), joined.reply.parts.end(), std::back_inserter(reply.parts));
      }
      reply.ends_conversation = joined.reply.ends_conversation;
      joined.reply = std::move(reply);
    }
    decision = std::move(joined);
  }
  return decision;
}

}  // namespace sotto
