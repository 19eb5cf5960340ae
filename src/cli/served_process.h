// A `sotto serve` of one's own, as a child process: what benchmarks ask, and whose processor time and memory
// they read.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"

namespace sotto {

class ServedProcess {
 public:
  // This program, with `arguments` after `serve`; returns when its ports listen. The error: it ended instead.
  static Result<std::unique_ptr<ServedProcess>> Start(const std::vector<std::string>& arguments);
  // SIGTERM, and waits for its end.
  ~ServedProcess();
  ServedProcess(const ServedProcess&) = delete;
  ServedProcess& operator=(const ServedProcess&) = delete;

  uint16_t http_port() const { return http_port_; }
  uint16_t audio_socket_port() const { return audio_socket_port_; }  // 0: none
  uint16_t wyoming_port() const { return wyoming_port_; }            // 0: none
  // Whether it still runs; how it ended, if it does not, is told once by its exit status.
  bool alive() const;
  double cpu_seconds() const;  // user and system, so far
  double resident_mb() const;
  int threads() const;

 private:
  ServedProcess() = default;
  pid_t pid_ = -1;
  int output_ = -1;
  uint16_t http_port_ = 0;
  uint16_t audio_socket_port_ = 0;
  uint16_t wyoming_port_ = 0;
};

}  // namespace sotto
