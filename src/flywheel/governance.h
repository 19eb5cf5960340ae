// The documents that an auditor asks for, written from what the registry recorded and from nothing else: who,
// when, which data, which tests, which limits, which approvals. Every figure stands with the command or the act
// that it came from. Markdown; flywheel/governance_pdf.h makes pages of it.
//
// Pure functions of the acts; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "flywheel/registry.h"

namespace sotto {

// What a model is, what it was made of and with, how it did, what it must not be used for. kNotFound: no such
// version is registered (all that take one).
Result<std::string> ModelCard(std::span<const Act> acts, std::string_view version);
// The data it was trained on and examined with.
Result<std::string> DataSheet(std::span<const Act> acts, std::string_view version);
// Every evaluation and every canary of it in full, then who approved.
Result<std::string> ValidationReport(std::span<const Act> acts, std::string_view version);
// Every decision about a workflow (empty: about all), in order.
std::string DecisionLog(std::span<const Act> acts, std::string_view workflow);
// Every version, whether it is live, since when, with which evidence and approvals.
std::string Inventory(std::span<const Act> acts);

}  // namespace sotto
