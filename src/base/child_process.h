// A program that runs beside this one and is talked to over its standard input and output.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"

namespace sotto {

struct ChildCommand {
  std::vector<std::string> arguments;  // the program first: found by PATH unless it has a '/'
  // All of its environment, "NAME=value": nothing of ours comes by itself.
  std::vector<std::string> environment;
  std::filesystem::path folder;  // where it runs; empty: here
};

// Owns the process and our ends of its pipes, which never block. One thread at a time. The destructor closes
// the pipes, asks the program and everything it started to end (SIGTERM) and, half a second later, makes them
// (SIGKILL).
class ChildProcess {
 public:
  // Errors name the program: kNotFound, kIo.
  static Result<ChildProcess> Start(const ChildCommand& command);
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;

  int input() const { return input_; }    // what we write it reads
  int output() const { return output_; }  // what it writes we read
  int errors() const { return errors_; }  // its standard error
  pid_t pid() const { return pid_; }

 private:
  ChildProcess() = default;

  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  int errors_ = -1;
};

// The entries of this process's environment with these names, as ChildCommand wants them; what is not set is
// left out.
std::vector<std::string> EnvironmentOf(const std::vector<std::string>& names);

}  // namespace sotto
