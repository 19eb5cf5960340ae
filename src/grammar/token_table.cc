#include "grammar/token_table.h"

#include <algorithm>
#include <numeric>

namespace sotto {

Result<std::shared_ptr<const TokenTable>> TokenTable::Create(std::vector<std::string> tokens,
                                                             std::vector<TokenId> end_tokens) {
  auto table = std::make_shared<TokenTable>();
  for (const TokenId id : end_tokens) {
    if (id < 0 || static_cast<size_t>(id) >= tokens.size()) {
      return MakeError(ErrorCode::kInvalidArgument, "end token {} is not in a vocabulary of {}", id,
                       tokens.size());
    }
    if (!tokens[static_cast<size_t>(id)].empty()) {
      return MakeError(ErrorCode::kInvalidArgument, "end token {} has the text '{}'", id,
                       tokens[static_cast<size_t>(id)]);
    }
  }
  std::vector<TokenId> order(tokens.size());
  std::iota(order.begin(), order.end(), 0);
  std::erase_if(order, [&](TokenId id) {
    const std::string& bytes = tokens[static_cast<size_t>(id)];
    return bytes.empty() || bytes.size() > kMaxTokenBytes;
  });
  std::stable_sort(order.begin(), order.end(), [&](TokenId a, TokenId b) {
    return tokens[static_cast<size_t>(a)] < tokens[static_cast<size_t>(b)];
  });
  table->nodes_.push_back({0, 0, 0, 0});
  std::vector<uint32_t> path{0};  // nodes from the root to the last one added
  std::string_view previous;
  for (const TokenId id : order) {
    const std::string_view bytes = tokens[static_cast<size_t>(id)];
    const auto common = static_cast<size_t>(
        std::mismatch(bytes.begin(), bytes.end(), previous.begin(), previous.end()).first - bytes.begin());
    while (path.size() > common + 1) {
      table->nodes_[path.back()].skip = static_cast<uint32_t>(table->nodes_.size());
      path.pop_back();
    }
    for (size_t i = common; i < bytes.size(); ++i) {
      path.push_back(static_cast<uint32_t>(table->nodes_.size()));
      table->nodes_.push_back({0, static_cast<uint32_t>(table->node_tokens_.size()),
                               static_cast<uint8_t>(bytes[i]), static_cast<uint8_t>(i + 1)});
    }
    table->node_tokens_.push_back(id);
    previous = bytes;
  }
  const auto end = static_cast<uint32_t>(table->nodes_.size());
  for (const uint32_t node : path) table->nodes_[node].skip = end;
  table->nodes_.push_back({end, static_cast<uint32_t>(table->node_tokens_.size()), 0, 0});
  uint64_t hash = 0xCBF29CE484222325u;
  const auto mix = [&](uint64_t value) { hash = (hash ^ value) * 0x100000001B3u; };
  for (const std::string& token : tokens) {
    for (const char c : token) mix(static_cast<uint8_t>(c));
    mix(0x100 + token.size());
  }
  for (const TokenId id : end_tokens) mix(static_cast<uint64_t>(id) + 0x1000);
  table->hash_ = hash;
  table->tokens_ = std::move(tokens);
  table->end_tokens_ = std::move(end_tokens);
  return table;
}

bool TokenTable::IsEnd(TokenId id) const {
  return std::find(end_tokens_.begin(), end_tokens_.end(), id) != end_tokens_.end();
}

}  // namespace sotto
