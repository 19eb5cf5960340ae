// Runs the built program in a folder of its own and gives back what it said.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sotto {

struct Outcome {
  int exit_code = -1;  // -1: it was ended by a signal
  std::string out;
  std::string error;
};

// `folder` is the working directory and the home. One thread.
Outcome RunProgram(const std::filesystem::path& folder, const std::vector<std::string>& arguments,
                   const std::string& input = "");

}  // namespace sotto
