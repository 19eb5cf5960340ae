#include "assistant/turn_network.h"

namespace sotto {

void TurnNetwork::Ask(std::string text, std::optional<Date> today, CallSoFar call, Duration limit,
                      Done done) const {
  scheduler_.Post(
      {.deadline = scheduler_.clock().Now() + limit, .priority = Priority::kUrgent, .what = "the network"},
      [network = network_, text = std::move(text), today, call = std::move(call)](std::stop_token)
          -> Result<Json> { return network->Run({.text = text, .today = today, .call = &call}); },
      std::move(done));
}

}  // namespace sotto
