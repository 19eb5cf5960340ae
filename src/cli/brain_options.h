// Flags and steps that every subcommand with a brain shares: --workflow, --model, --threads.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "brain/brain.h"
#include "core/calendar.h"

namespace sotto {

// --chat-template NAME.
CLI::Option* AddChatTemplate(CLI::App& command, std::string& name);

struct BrainFlags {
  std::string workflow;
  std::string model;
  std::string chat_template;  // empty: the model's own
  int threads = 2;
  bool no_grounding = false;

  void AddTo(CLI::App& command);
  BrainOptions Options() const;
  Result<std::shared_ptr<const Workflow>> LoadWorkflowFile() const;
  Result<std::shared_ptr<const Brain>> OpenBrain() const;
};

// --today: the day of the call, for trying out dates.
struct TodayFlag {
  std::string text;

  void AddTo(CLI::App& command);
  // The day given, else the one of this machine's clock.
  Result<Date> Day() const;
};

}  // namespace sotto
