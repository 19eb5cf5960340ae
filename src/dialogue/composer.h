// Builds one reply out of texts: picks the variant, fills the fields, joins the sentences.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/reply.h"
#include "dialogue/program.h"
#include "dialogue/state.h"

namespace sotto {

// Lives for one decision; refers to the program and the state it was given.
class Composer {
 public:
  Composer(const DialogueProgram& program, const DialogueState& state) : program_(program), state_(state) {}

  // A text of the patterns. REQUIRES: `key` is one.
  void Say(std::string_view key, const Json& values = Json::object());
  // A text of a tool, with its slots' spoken forms. False where there is none or a field has no value:
  // nothing was said then.
  bool Say(const std::string& key, const DialogueProgram::Variants& variants, const ToolDef& tool,
           const Json& values);
  // Every way to put it.
  std::vector<std::string> Texts(const DialogueProgram::Variants& variants, const ToolDef& tool,
                                 const Json& values) const;
  // What was said last, again.
  void Repeat(const Reply& reply);

  bool empty() const { return reply_.text.empty(); }
  Reply& reply() { return reply_; }
  // Keys of what was said, for the state's counters.
  const std::vector<std::string>& keys() const { return keys_; }

  // "a, b or c"; words of the workflow's language.
  std::string JoinOr(const std::vector<std::string>& items) const { return Join(items, "or"); }
  std::string JoinAnd(const std::vector<std::string>& items) const { return Join(items, "and"); }

 private:
  // How a tool's texts are filled; `values` become what is shown of them. Refers to `tool`.
  RenderOptions OptionsFor(const ToolDef& tool, Json& values) const;
  std::string Join(const std::vector<std::string>& items, std::string_view word_key) const;
  bool Render(const std::string& key, const DialogueProgram::Variants& variants, const Json& values,
              const RenderOptions& options);

  const DialogueProgram& program_;
  const DialogueState& state_;
  Reply reply_;
  std::vector<std::string> keys_;
};

}  // namespace sotto
