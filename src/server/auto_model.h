// `model: auto`: who answers a program that leaves the choice to the server. Tools of a workflow: that workflow,
// its specialist first, then whoever its route names. Anything else: the route's endpoints
// (assistant/chat_gateway.h), else a language model that runs here.
#pragma once

#include <string_view>

#include "assistant/chat_gateway.h"
#include "server/metrics.h"
#include "server/router.h"
#include "server/served_workflow.h"

namespace sotto {

inline constexpr std::string_view kAutoModel = "auto";

// The first workflow that has every tool of the request; null: none, or the request has no tools.
ServedWorkflowPtr WorkflowWithTools(const ServedWorkflows& workflows, const Json& body);

// Answers the exchange with what the route's endpoints say to a chat request. REQUIRES: !gateway.WhyNot().
// `metrics` outlives the gateway's answer.
void AskGateway(ChatGateway& gateway, const Json& body, ServerMetrics* metrics, Exchange exchange);

}  // namespace sotto
