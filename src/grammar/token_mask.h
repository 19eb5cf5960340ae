// Which tokens may come next: exact, for any vocabulary.
//
// MaskCache keeps, for each automaton state, the tokens that are allowed whatever the stack holds (computed on
// first use), and the few trie positions where a token runs into a rule or out of one; those are walked per
// call with the matcher's own context. Idea: XGrammar's adaptive token mask cache. Threads: a MaskCache may be
// used by any number of threads; a TokenMask belongs to one.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "grammar/matcher.h"
#include "grammar/token_table.h"

namespace sotto {

// bits()[id / 64] bit (id % 64). Reuse one object: its memory is kept.
class TokenMask {
 public:
  static constexpr size_t kMaxListed = 4096;

  bool Allows(TokenId id) const {
    const auto index = static_cast<size_t>(id);
    return ((bits_[index / 64] >> (index % 64)) & 1) != 0;
  }
  std::span<const uint64_t> bits() const { return bits_; }
  size_t count() const { return count_; }
  // The allowed ids, ascending, when they are at most kMaxListed.
  bool is_listed() const { return count_ <= kMaxListed; }
  // REQUIRES: is_listed().
  std::span<const TokenId> ids() const { return ids_; }

 private:
  friend class MaskCache;
  friend class MaskWalker;
  std::vector<uint64_t> bits_;
  std::vector<TokenId> ids_;
  size_t count_ = 0;
};

class MaskCache {
 public:
  MaskCache(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTable> table);

  // The tokens the matcher would accept now. REQUIRES: the matcher's grammar is this cache's.
  void Fill(const Matcher& matcher, TokenMask& mask);

  const TokenTable& table() const { return *table_; }

 private:
  friend class MaskWalker;
  // A token's walk stopped at trie node `node` because `state` calls a rule, or accepts inside one.
  struct Open {
    uint32_t node;
    StateId state;
  };
  struct StateMask {
    std::vector<TokenId> ids;    // ascending, when few
    std::vector<uint64_t> bits;  // otherwise
    std::vector<Open> open;
    size_t count = 0;                       // tokens in ids or bits
    std::shared_ptr<const StateMask> base;  // shared by its class; null: ids and bits are all
  };
  static constexpr size_t kClassBytes = 32;
  static constexpr size_t kMaxHeldBytes = size_t{64} << 20;

  std::shared_ptr<const StateMask> Find(StateId state);
  // Of tokens of at most `max_bytes` bytes.
  StateMask Compute(StateId state, size_t max_bytes) const;
  // The tokens longer than kClassBytes. False where they lead to calls: then the state needs a mask of its
  // own.
  bool AddLongTokens(StateId state, StateMask& mask) const;
  void FindClasses();
  // The mask of the state's class, this one if it is the first.
  std::shared_ptr<const StateMask> ShareInClass(StateId state, std::shared_ptr<const StateMask> mask);
  std::shared_ptr<const StateMask> Hold(StateId state, std::shared_ptr<const StateMask> mask);

  std::shared_ptr<const Grammar> grammar_;
  std::shared_ptr<const TokenTable> table_;
  std::mutex mutex_;
  std::unordered_map<StateId, std::shared_ptr<const StateMask>> masks_;      // guarded by mutex_
  size_t held_bytes_ = 0;                                                    // guarded by mutex_
  std::unordered_map<uint64_t, std::shared_ptr<const StateMask>> by_class_;  // guarded by mutex_
  std::once_flag classes_once_;
  bool classes_known_ = false;      // guarded by mutex_; the two below never change once it is set
  std::vector<uint64_t> class_of_;  // [n_states]
  std::vector<TokenId> long_tokens_;
};

}  // namespace sotto
