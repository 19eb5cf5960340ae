// What a house has: rooms, devices, what each can do, colours; and which of it a sentence names. Read from a home.yaml
// beside a specialist of kind `command` (docs/formats/narrow_specialist.md).
//
//   "turn on the lamp in the kitchen, no, the bedroom"   light, bedroom
//   "not the lamp, the heater"                           heater
//   "lights off in the hall and the bathroom"            light, hall and bathroom
//   "switch on the sauna"                                nothing that is known; unknown "sauna"
//
// Immutable after reading; any thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sotto {

struct HomeRoom {
  std::string name;
  std::vector<std::string> names;  // other names, in small letters
};

struct HomeDevice {
  std::string name;
  std::vector<std::string> names;
  std::vector<std::string> rooms;     // empty: any
  std::vector<std::string> commands;  // empty: any
};

struct Home {
  std::vector<HomeRoom> rooms;
  std::vector<HomeDevice> devices;
  std::vector<std::string> colours;
  std::vector<std::string> without_device;  // commands that mean the house, not one device: "timer_start"

  // The error names the file and the line.
  static Result<Home> Read(const std::filesystem::path& path);
};

// What a sentence names of a house; what it names to leave out ("not the lamp", "the lamp, no, ...") is gone.
struct NamedInHome {
  std::vector<std::string> rooms, devices, colours;
  bool all = false;     // "everything", "all lights"
  std::string unknown;  // words that stand where a device would and are none; empty: none
};
NamedInHome FindInHome(std::string_view text, const Home& home);

// Bytes [begin, end) of a figure that a sentence names to leave out: "not 20, 25 percent", "20, no, 25".
bool IsLeftOut(std::string_view text, size_t begin, size_t end);

}  // namespace sotto
