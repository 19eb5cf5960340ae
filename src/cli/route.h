// The subcommands of `sotto route`, one file each.
#pragma once

#include <string>
#include <vector>

#include "brain/brain.h"
#include "brain/evaluation.h"

namespace CLI {
class App;
}

namespace sotto {

struct CliContext;

void RegisterRouteExplain(CLI::App& route, CliContext& context);
void RegisterRouteCalibrate(CLI::App& route, CliContext& context);
void RegisterRouteBench(CLI::App& route, CliContext& context);

// Every labelled turn of the files, answered by the brain; a progress bar meanwhile.
Result<Evaluation> AnswerTurns(std::shared_ptr<const Brain> brain, const std::vector<std::string>& files,
                               Channel channel);

}  // namespace sotto
