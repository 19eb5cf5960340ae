// The vocabulary of one tokenizer as bytes, laid out as a trie for walking it beside an automaton.
//
// Layout: the trie's nodes in depth-first order, each with its byte, the index just past its subtree and the
// tokens that end there, so that a subtree is skipped in one step (as llguidance's toktrie does). Built once
// a tokenizer, immutable, shared (shared_ptr<const TokenTable>); any thread. The grammar layer knows tokens
// only by id and bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sotto {

using TokenId = int32_t;

class TokenTable {
 public:
  struct Node {
    uint32_t skip;  // index of the next node that is not in this subtree
    uint32_t
        first_token;  // into tokens_at: the tokens that end here are [first_token, first_token of next node)
    uint8_t byte;     // of the edge that leads here; root: 0
    uint8_t depth;    // bytes from the root, at most kMaxTokenBytes
  };
  static constexpr size_t kMaxTokenBytes = 255;

  // tokens[id] is the token's bytes. Empty: a token without text (control tokens), never allowed by a mask.
  // Longer tokens than kMaxTokenBytes are not either.
  explicit TokenTable(std::vector<std::string> tokens);

  size_t size() const { return tokens_.size(); }
  // Lives as long as the table. REQUIRES: 0 <= id < size().
  std::string_view bytes(TokenId id) const { return tokens_[static_cast<size_t>(id)]; }

  // The trie. nodes()[0] is the root; a last node stands past the end (its skip is itself).
  std::span<const Node> nodes() const { return nodes_; }
  std::span<const TokenId> tokens_at(uint32_t node) const {
    return {node_tokens_.data() + nodes_[node].first_token,
            nodes_[node + 1].first_token - nodes_[node].first_token};
  }

 private:
  std::vector<std::string> tokens_;
  std::vector<Node> nodes_;
  std::vector<TokenId> node_tokens_;
};

}  // namespace sotto
