#include "flywheel/proposal.h"

#include <fmt/format.h>

#include <algorithm>

namespace sotto {
namespace {

constexpr size_t kEnoughRows = 50;      // conversations that are worth a training
constexpr size_t kEnoughOfATool = 10;   // turns of a tool that the model never saw
constexpr double kShareOfATool = 0.01;  // of turns: a request that recurs
constexpr size_t kMostTools = 10;
constexpr double kManyNewTools = 0.5;  // of the workflow's tools: what is learnt on is mostly new

// Tools that callers use now and training had none of.
std::vector<std::string> NewTools(const ProposalInput& input) {
  std::vector<std::string> found;
  if (input.drift == nullptr) return found;
  for (const Drift::Tool& tool : input.drift->tools)
    if (tool.then == 0 && tool.now > 0) found.push_back(tool.name);
  return found;
}

void AddUnmet(const ProposalInput& input, Proposal& proposal) {
  for (const RequestCluster& cluster : input.patterns->unmet) {
    if (!cluster.missing || cluster.share < kShareOfATool || cluster.count < kEnoughOfATool) continue;
    if (proposal.tools.size() == kMostTools) break;
    proposal.tools.push_back(cluster.example);
    proposal.because.push_back(fmt::format("no tool serves \"{}\" and what is like it: {} turns, {:.1f} %",
                                           cluster.example, cluster.count, 100 * cluster.share));
  }
}

// Whether anything is wrong that training could mend.
bool AddNeeds(const ProposalInput& input, Proposal& proposal) {
  const size_t before = proposal.because.size();
  for (const WatchAlert& alert : input.watched->alerts)
    if (alert.certain && alert.what != "hand-off") proposal.because.push_back(alert.text);
  for (const std::string& tool : NewTools(input))
    proposal.because.push_back(fmt::format("callers ask for {}, which the training data never named", tool));
  const bool needed = proposal.because.size() > before;
  // By itself no reason: a changed sentence changes nothing that is understood.
  if (needed && !input.model_hash.empty() && input.model_hash != input.workflow->hash)
    proposal.because.push_back("workflow.yaml has changed since its model was trained");
  return needed;
}

Proposal::Train Method(const ProposalInput& input, Proposal& proposal) {
  if (input.model == LiveModel::kNone) {
    proposal.because.push_back("there is no model of this workflow to learn on from");
    return Proposal::Train::kScratch;
  }
  if (input.model == LiveModel::kGeneral) {
    proposal.because.push_back("the live model is a general one: an adapter keeps what else it knows");
    return Proposal::Train::kLora;
  }
  const auto tools = static_cast<double>(std::max<size_t>(input.workflow->tools.size(), 1));
  if (static_cast<double>(NewTools(input).size()) > kManyNewTools * tools) {
    proposal.because.push_back("more than half of the tools are new to the model");
    return Proposal::Train::kScratch;
  }
  return Proposal::Train::kContinue;
}

void AddCommands(const ProposalInput& input, Proposal& proposal) {
  const auto add = [&](std::string command) { proposal.commands.push_back(std::move(command)); };
  const std::string rows = input.out + "/labelled.jsonl";
  if (proposal.labels > 0)
    add(fmt::format("sotto label --workflow {} --store {} --most {}", input.folder, input.store,
                    proposal.labels));
  if (proposal.train == Proposal::Train::kNone) return;
  add(fmt::format("sotto flywheel clean --workflow {} --store {} --out {}", input.folder, input.store,
                  input.out));
  if (proposal.train == Proposal::Train::kScratch)
    add(fmt::format("sotto train {} --data {}:0.3 --candidate-only", input.folder, rows));
  if (proposal.train == Proposal::Train::kContinue)
    add(fmt::format("sotto train {} --continue {} --candidate-only", input.folder, rows));
  if (proposal.train == Proposal::Train::kLora)
    add(fmt::format("sotto-train lora --base {} --workflow {} --data {} --out {}/adapter.gguf",
                    input.model_path, input.folder, rows, input.out));
}

}  // namespace

std::string_view TrainName(Proposal::Train train) {
  switch (train) {
    case Proposal::Train::kNone:
      return "none";
    case Proposal::Train::kContinue:
      return "continue";
    case Proposal::Train::kScratch:
      return "scratch";
    case Proposal::Train::kLora:
      return "lora";
  }
  return "";
}

Proposal Propose(const ProposalInput& input) {
  Proposal proposal;
  AddUnmet(input, proposal);
  const bool needed = AddNeeds(input, proposal);
  if (!needed && input.model != LiveModel::kNone) {
    proposal.because.push_back(proposal.tools.empty()
                                   ? "every rate is within its limits, and callers say what the model learnt"
                                   : "what is wrong no training mends: tools are missing");
    return proposal;
  }
  const size_t rows = input.cleaned->rows.size();
  if (rows < kEnoughRows) {
    proposal.labels = kEnoughRows - rows;
    proposal.because.push_back(
        fmt::format("the log proves {} conversations; {} are worth a training", rows, kEnoughRows));
    // Without a model the workflow's own examples are something to begin with.
    if (input.model != LiveModel::kNone) {
      AddCommands(input, proposal);
      return proposal;
    }
  }
  proposal.train = Method(input, proposal);
  AddCommands(input, proposal);
  return proposal;
}

Json ToJson(const Proposal& proposal) {
  return {{"train", TrainName(proposal.train)},
          {"because", proposal.because},
          {"tools_wanted", proposal.tools},
          {"labels_wanted", proposal.labels},
          {"commands", proposal.commands}};
}

std::string ProposalText(const Proposal& proposal) {
  std::string text = fmt::format("train: {}\n", TrainName(proposal.train));
  for (const std::string& one : proposal.because) text += fmt::format("  because {}\n", one);
  if (!proposal.tools.empty()) text += "tools to write, or to leave to people:\n";
  for (const std::string& one : proposal.tools) text += fmt::format("  \"{}\"\n", one);
  if (proposal.labels > 0) text += fmt::format("labels that are wanted first: {}\n", proposal.labels);
  for (const std::string& one : proposal.commands) text += fmt::format("$ {}\n", one);
  return text;
}

}  // namespace sotto
