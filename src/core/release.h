// Which version of the assistant somebody talks to, and, where versions are compared, in which arm. Given to a
// session when it begins and kept as long as it lasts; it stands in every turn record.
#pragma once

#include <string>

namespace sotto {

struct Release {
  std::string version;     // of the registry (flywheel/registry.h); empty: served from files alone
  std::string experiment;  // canary that runs; empty: none
  std::string arm;         // "champion", "candidate"; empty: no experiment
  bool operator==(const Release&) const = default;
};

}  // namespace sotto
