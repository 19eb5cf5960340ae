// What Sotto says. `text` is for the eye; `spoken` for the ear (numbers and digits written as words, one
// language).
#pragma once

#include <string>
#include <vector>

namespace sotto {

struct Reply {
  // One stretch of the reply. Fixed stretches come from a template unchanged and can be cached as audio.
  struct Part {
    std::string spoken;
    bool fixed = true;
  };
  std::string text;
  std::vector<Part> parts;    // together: the spoken form
  bool interruptible = true;  // may the user barge in
  bool ends_conversation = false;
};

}  // namespace sotto
