// Decodes one JSON value token by token under its schema's grammar: for arguments without a finite list of
// values (structured ones, and those with grounding off).
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "brain/choice.h"
#include "brain/offered_tool.h"
#include "grammar/token_mask.h"
#include "slm/tokenizer.h"

namespace sotto {

// Grammars and masks by schema, compiled on first use. Any thread.
class SchemaValues {
 public:
  explicit SchemaValues(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  // The JSON text, already appended to the writer, and its log-probability. Errors: a schema that is not
  // supported or matches nothing (names the argument), or a value that did not end in kMaxValueTokens.
  Result<std::pair<std::string, double>> Decode(ChoiceWriter& writer, const OfferedArgument& argument);

  static constexpr int kMaxValueTokens = 96;

 private:
  struct Compiled {
    std::shared_ptr<const Grammar> grammar;
    std::unique_ptr<MaskCache> masks;
  };

  Result<const Compiled*> Find(const OfferedArgument& argument);

  const Tokenizer& tokenizer_;
  std::mutex mutex_;
  std::shared_ptr<const TokenTable> table_;                     // guarded by mutex_, made once
  std::map<std::string, std::unique_ptr<Compiled>> by_schema_;  // guarded by mutex_; entries never change
};

}  // namespace sotto
