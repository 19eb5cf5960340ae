#include "grammar/token_mask.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace sotto {
namespace {

constexpr size_t kMaxInList = 2048;  // a state's mask is a list up to here, then a bitset

}  // namespace

// Walks the vocabulary's trie with the matcher's own context and collects what it allows.
class MaskWalker {
 public:
  MaskWalker(const Matcher& matcher, const TokenTable& table, TokenMask& mask)
      : probe_(matcher), table_(table), mask_(mask) {}

  void Emit(TokenId id) {
    const auto index = static_cast<size_t>(id);
    uint64_t& word = mask_.bits_[index / 64];
    const uint64_t bit = uint64_t{1} << (index % 64);
    if ((word & bit) != 0) return;
    word |= bit;
    ++mask_.count_;
    if (listing_) mask_.ids_.push_back(id);
  }

  // A state's own mask and, from where it is open, the rest.
  void AddState(const MaskCache::StateMask& state_mask, const Matcher::Config& config) {
    if (state_mask.base != nullptr) AddState(*state_mask.base, config);
    AddTokens(state_mask);
    for (const MaskCache::Open& open : state_mask.open) {
      std::vector<Matcher::Config>& set = Level(table_.nodes()[open.node].depth);
      set.clear();
      const Matcher::Config here{open.state, config.stack};
      if (config.stack >= 0 && probe_.grammar().IsAccepting(open.state)) {
        const Matcher::Frame frame = probe_.frames_[static_cast<size_t>(config.stack)];
        probe_.Add({frame.next, frame.parent}, set);
      }
      probe_.EnterCalls(here, set);
      if (!set.empty()) Walk(open.node);
    }
  }

  void AddTokens(const MaskCache::StateMask& state_mask) {
    if (state_mask.bits.empty()) {
      for (const TokenId id : state_mask.ids) Emit(id);
      return;
    }
    listing_ = false;
    if (mask_.count_ == 0) {
      mask_.bits_ = state_mask.bits;
      mask_.count_ = state_mask.count;
      return;
    }
    size_t count = 0;
    for (size_t i = 0; i < mask_.bits_.size(); ++i) {
      mask_.bits_[i] |= state_mask.bits[i];
      count += static_cast<size_t>(std::popcount(mask_.bits_[i]));
    }
    mask_.count_ = count;
  }

  // Lists the ids in order, if they are few.
  void Finish() {
    if (mask_.count_ > TokenMask::kMaxListed) {
      mask_.ids_.clear();
      return;
    }
    if (listing_) {
      std::sort(mask_.ids_.begin(), mask_.ids_.end());
      return;
    }
    mask_.ids_.clear();
    for (size_t i = 0; i < mask_.bits_.size(); ++i) {
      for (uint64_t word = mask_.bits_[i]; word != 0; word &= word - 1) {
        mask_.ids_.push_back(static_cast<TokenId>(i * 64 + static_cast<size_t>(std::countr_zero(word))));
      }
    }
  }

 private:
  static constexpr uint32_t kBigSubtree = 32;

  std::vector<Matcher::Config>& Level(size_t depth) {
    if (levels_.empty()) {
      levels_.resize(TokenTable::kMaxTokenBytes + 1);
      bytes_.resize(TokenTable::kMaxTokenBytes + 1);
      known_.resize(TokenTable::kMaxTokenBytes + 1);
    }
    return levels_[depth];
  }

  // Below `node`, whose configs stand in its level.
  void Walk(uint32_t node) {
    const auto nodes = table_.nodes();
    const size_t base = nodes[node].depth;
    const uint32_t end = nodes[node].skip;
    const auto enter = [&](uint32_t at, size_t depth) {
      known_[depth] = nodes[at].skip - at > kBigSubtree;
      if (known_[depth] == 0) return;
      bytes_[depth].reset();
      probe_.CollectBytes(levels_[depth], bytes_[depth]);
    };
    enter(node, base);
    for (uint32_t i = node + 1; i < end;) {
      const size_t depth = nodes[i].depth;
      if (known_[depth - 1] != 0 && !bytes_[depth - 1][nodes[i].byte]) {
        i = nodes[i].skip;
        continue;
      }
      probe_.Step(levels_[depth - 1], nodes[i].byte, levels_[depth]);
      if (levels_[depth].empty()) {
        i = nodes[i].skip;
        continue;
      }
      for (const TokenId id : table_.tokens_at(i)) Emit(id);
      if (nodes[i].skip > i + 1) enter(i, depth);
      ++i;
    }
  }

  Matcher probe_;
  const TokenTable& table_;
  TokenMask& mask_;
  // By depth: the configs there and, where many children will ask, which bytes lead on.
  std::vector<std::vector<Matcher::Config>> levels_;
  std::vector<std::bitset<256>> bytes_;
  std::vector<uint8_t> known_;
  bool listing_ = true;
};

MaskCache::MaskCache(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTable> table)
    : grammar_(std::move(grammar)), table_(std::move(table)) {
  SOTTO_CHECK(grammar_ != nullptr && table_ != nullptr);
}

void MaskCache::Fill(const Matcher& matcher, TokenMask& mask) {
  SOTTO_CHECK(&matcher.grammar() == grammar_.get());
  mask.bits_.assign((table_->size() + 63) / 64, 0);
  mask.ids_.clear();
  mask.count_ = 0;
  MaskWalker walker(matcher, *table_, mask);
  for (const Matcher::Config& config : matcher.configs()) {
    if (grammar_->HasBytes(config.state)) walker.AddState(*Find(config.state), config);
  }
  walker.Finish();
}

namespace {

uint64_t Mixed(uint64_t value) {
  value = (value ^ (value >> 31)) * 0x7FB5D329728EA185u;
  value = (value ^ (value >> 27)) * 0x81DADEF4BC2DD44Du;
  return value ^ (value >> 33);
}

}  // namespace

// class_of_[s]: a hash of all that kClassBytes bytes can tell about s, by rounds of partition refinement.
// States whose masks depend on more than bytes (calls, ends of rules) are their own class.
void MaskCache::FindClasses() {
  const Grammar& grammar = *grammar_;
  const size_t n = grammar.n_states();
  const size_t n_classes = grammar.n_classes();
  const bool has_rules = grammar.n_rules() > 1;
  std::vector<uint64_t> own(n, 0);
  for (StateId s = 1; s < n; ++s) {
    const bool alone = grammar.HasCalls(s) || (has_rules && grammar.IsAccepting(s));
    own[s] = Mixed(alone ? s + 2 : 1);
  }
  std::vector<uint64_t> salt(n_classes);
  for (size_t c = 0; c < n_classes; ++c) salt[c] = Mixed(c + 0x9E3779B97F4A7C15u) | 1;
  class_of_ = own;
  std::vector<uint64_t> next(n, 0);
  for (size_t round = 0; round < kClassBytes; ++round) {
    for (StateId s = 1; s < n; ++s) {
      const auto row = grammar.row(s);
      uint64_t sum = own[s];
      for (size_t c = 0; c < n_classes; ++c) sum += salt[c] * class_of_[row[c]];
      next[s] = Mixed(sum);
    }
    class_of_.swap(next);
  }
  for (TokenId id = 0; id < static_cast<TokenId>(table_->size()); ++id) {
    const size_t size = table_->bytes(id).size();
    if (size > kClassBytes && size <= TokenTable::kMaxTokenBytes) long_tokens_.push_back(id);
  }
}

// REQUIRES: mutex_ is held.
std::shared_ptr<const MaskCache::StateMask> MaskCache::Hold(StateId state,
                                                            std::shared_ptr<const StateMask> mask) {
  if (held_bytes_ >= kMaxHeldBytes) {
    masks_.clear();
    by_class_.clear();
    held_bytes_ = 0;
  }
  held_bytes_ += 128 + mask->ids.size() * sizeof(TokenId) + mask->bits.size() * sizeof(uint64_t) +
                 mask->open.size() * sizeof(Open);
  return masks_.emplace(state, std::move(mask)).first->second;
}

std::shared_ptr<const MaskCache::StateMask> MaskCache::Find(StateId state) {
  std::shared_ptr<const StateMask> base;  // of the state's class, once known
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = masks_.find(state); found != masks_.end()) return found->second;
    if (classes_known_) {
      if (const auto found = by_class_.find(class_of_[state]); found != by_class_.end()) base = found->second;
    }
  }
  if (base == nullptr) {
    auto own = std::make_shared<StateMask>(Compute(state, kClassBytes));
    // Classes are worth their time only where a walk was long.
    if (!own->bits.empty()) base = ShareInClass(state, std::move(own));
  }
  auto own = std::make_shared<StateMask>();
  own->base = base;
  if (base == nullptr || !AddLongTokens(state, *own)) *own = Compute(state, TokenTable::kMaxTokenBytes);
  const std::lock_guard lock(mutex_);
  return Hold(state, std::move(own));
}

std::shared_ptr<const MaskCache::StateMask> MaskCache::ShareInClass(StateId state,
                                                                    std::shared_ptr<const StateMask> mask) {
  std::call_once(classes_once_, [this] {
    FindClasses();
    const std::lock_guard lock(mutex_);
    classes_known_ = true;
  });
  const std::lock_guard lock(mutex_);
  held_bytes_ += mask->bits.size() * sizeof(uint64_t);
  return by_class_.emplace(class_of_[state], std::move(mask)).first->second;
}

bool MaskCache::AddLongTokens(StateId state, StateMask& mask) const {
  const bool has_rules = grammar_->n_rules() > 1;
  for (const TokenId id : long_tokens_) {
    StateId at = state;
    size_t depth = 0;
    for (const char c : table_->bytes(id)) {
      at = grammar_->Next(at, static_cast<uint8_t>(c));
      if (at == kDeadState) break;
      const bool calls = grammar_->HasCalls(at) || (has_rules && grammar_->IsAccepting(at));
      if (++depth > kClassBytes && calls) return false;
    }
    if (at != kDeadState) mask.ids.push_back(id);
  }
  mask.count = mask.ids.size();
  return true;
}

MaskCache::StateMask MaskCache::Compute(StateId state, size_t max_bytes) const {
  const auto nodes = table_->nodes();
  const auto end = static_cast<uint32_t>(nodes.size() - 1);
  StateMask mask;
  std::vector<StateId> at(TokenTable::kMaxTokenBytes + 1, kDeadState);  // by depth
  at[0] = state;
  const bool has_rules = grammar_->n_rules() > 1;
  for (uint32_t i = 1; i < end;) {
    const TokenTable::Node node = nodes[i];
    if (node.depth > max_bytes) {
      i = node.skip;
      continue;
    }
    const StateId next = grammar_->Next(at[node.depth - 1u], node.byte);
    if (next == kDeadState) {
      i = node.skip;
      continue;
    }
    at[node.depth] = next;
    const auto tokens = table_->tokens_at(i);
    mask.ids.insert(mask.ids.end(), tokens.begin(), tokens.end());
    const bool calls = grammar_->HasCalls(next) || (has_rules && grammar_->IsAccepting(next));
    if (calls && node.skip > i + 1) mask.open.push_back({i, next});
    ++i;
  }
  mask.count = mask.ids.size();
  if (mask.ids.size() > kMaxInList) {
    mask.bits.assign((table_->size() + 63) / 64, 0);
    for (const TokenId id : mask.ids) {
      mask.bits[static_cast<size_t>(id) / 64] |= uint64_t{1} << (static_cast<size_t>(id) % 64);
    }
    mask.ids.clear();
    mask.ids.shrink_to_fit();
  } else {
    std::sort(mask.ids.begin(), mask.ids.end());
  }
  return mask;
}

}  // namespace sotto
