// The texts of the dialogue patterns: the same for every workflow, each replaceable in its `messages:`
// section.
#pragma once

#include <string>
#include <vector>

#include "workflow/workflow.h"

namespace sotto {

struct MessageDef {
  std::string key;                  // "ask_together"
  std::string meaning;              // when it is said
  std::vector<std::string> fields;  // names a text may use
  Texts texts;                      // English default, at least one
};

// All of them, in the order of the documentation. Static storage.
const std::vector<MessageDef>& MessageDefs();
// nullptr: no such message.
const MessageDef* FindMessage(std::string_view key);

}  // namespace sotto
