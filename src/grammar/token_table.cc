#include "grammar/token_table.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace sotto {

TokenTable::TokenTable(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {
  std::vector<TokenId> order(tokens_.size());
  std::iota(order.begin(), order.end(), 0);
  std::erase_if(order, [&](TokenId id) {
    const std::string& bytes = tokens_[static_cast<size_t>(id)];
    return bytes.empty() || bytes.size() > kMaxTokenBytes;
  });
  std::stable_sort(order.begin(), order.end(), [&](TokenId a, TokenId b) {
    return tokens_[static_cast<size_t>(a)] < tokens_[static_cast<size_t>(b)];
  });
  nodes_.push_back({0, 0, 0, 0});
  std::vector<uint32_t> path{0};  // nodes from the root to the last one added
  std::string_view previous;
  for (const TokenId id : order) {
    const std::string_view bytes = tokens_[static_cast<size_t>(id)];
    const auto common = static_cast<size_t>(
        std::mismatch(bytes.begin(), bytes.end(), previous.begin(), previous.end()).first - bytes.begin());
    while (path.size() > common + 1) {
      nodes_[path.back()].skip = static_cast<uint32_t>(nodes_.size());
      path.pop_back();
    }
    for (size_t i = common; i < bytes.size(); ++i) {
      path.push_back(static_cast<uint32_t>(nodes_.size()));
      nodes_.push_back({0, static_cast<uint32_t>(node_tokens_.size()), static_cast<uint8_t>(bytes[i]),
                        static_cast<uint8_t>(i + 1)});
    }
    node_tokens_.push_back(id);
    previous = bytes;
  }
  const auto end = static_cast<uint32_t>(nodes_.size());
  for (const uint32_t node : path) nodes_[node].skip = end;
  nodes_.push_back({end, static_cast<uint32_t>(node_tokens_.size()), 0, 0});
}

}  // namespace sotto
