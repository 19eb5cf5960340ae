#include "brain/schema_value.h"

#include <algorithm>
#include <cmath>

namespace sotto {

Result<const SchemaValues::Compiled*> SchemaValues::Find(const OfferedArgument& argument) {
  const std::string key = argument.schema.dump();
  std::lock_guard lock(mutex_);
  if (const auto found = by_schema_.find(key); found != by_schema_.end()) return found->second.get();
  if (table_ == nullptr) {
    std::vector<std::string> bytes;
    for (size_t id = 0; id < tokenizer_.size(); ++id) {
      bytes.emplace_back(tokenizer_.TokenBytes(static_cast<TokenId>(id)));
    }
    table_ = std::make_shared<const TokenTable>(std::move(bytes));
  }
  auto compiled = std::make_unique<Compiled>();
  SOTTO_ASSIGN_OR_RETURN(compiled->grammar,
                         Grammar::FromSchema(argument.schema, "argument '" + argument.name + "'"));
  compiled->masks = std::make_unique<MaskCache>(compiled->grammar, table_);
  return by_schema_.emplace(key, std::move(compiled)).first->second.get();
}

Result<std::pair<std::string, double>> SchemaValues::Decode(ChoiceWriter& writer,
                                                            const OfferedArgument& argument) {
  SOTTO_ASSIGN_OR_RETURN(const Compiled* compiled, Find(argument));
  Matcher matcher(compiled->grammar);
  TokenMask mask;
  std::string value;
  double log_prob = 0;
  for (int n = 0; n < kMaxValueTokens; ++n) {
    const std::string forced = matcher.ForcedRun();
    if (!forced.empty()) {
      SOTTO_CHECK(matcher.AcceptBytes(forced));
      value += forced;
    }
    if (matcher.MustEnd()) {
      writer.Append(value);
      return std::pair{std::move(value), log_prob};
    }
    compiled->masks->Fill(matcher, mask);
    std::vector<int32_t> rows;
    for (int32_t id = 0; id < writer.model().vocabulary_size(); ++id) {
      if (mask.Allows(id)) rows.push_back(id);
    }
    // Where the value may end here (a number), what follows it competes with its next digit.
    const size_t n_inside = rows.size();
    if (matcher.CanEnd()) {
      for (const char* after : {"}", ","}) {
        const auto tokens = writer.model().Encode(after);
        if (tokens.size() == 1) rows.push_back(tokens.front());
      }
    }
    const std::vector<int32_t> before = writer.model().Encode(writer.text() + value);
    SOTTO_ASSIGN_OR_RETURN(const std::vector<float> log_probs, writer.model().LogProbs(before, rows, false));
    const auto best =
        static_cast<size_t>(std::max_element(log_probs.begin(), log_probs.end()) - log_probs.begin());
    log_prob += static_cast<double>(log_probs[best]);
    if (best >= n_inside) {
      writer.Append(value);
      return std::pair{std::move(value), log_prob};
    }
    const std::string_view bytes = writer.model().TokenBytes(rows[best]);
    SOTTO_CHECK(matcher.AcceptBytes(bytes));
    value += bytes;
  }
  return MakeError(ErrorCode::kOutOfRange, "argument '{}': the value did not end within {} tokens",
                   argument.name, kMaxValueTokens);
}

}  // namespace sotto
