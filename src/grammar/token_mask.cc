#include "grammar/token_mask.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/mapped_file.h"

namespace sotto {
namespace {

constexpr size_t kMaxInList = 2048;  // a state's mask is a list up to here, then a bitset

}  // namespace

// Walks the vocabulary's trie with the matcher's own context and collects what it allows.
class MaskWalker {
 public:
  MaskWalker(const Matcher& matcher, const TokenTable& table, TokenMask& mask)
      : probe_(matcher.binding_), table_(table), mask_(mask) {
    probe_.frames_ = matcher.frames_;
  }

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
      const Matcher::Config here{open.state, -1, 0, 0, 0, config.stack};
      if (config.stack >= 0 && probe_.binding_->grammar().IsAccepting(open.state)) {
        const Matcher::Frame frame = probe_.frames_[static_cast<size_t>(config.stack)];
        probe_.Add({frame.next, -1, 0, 0, 0, frame.parent}, set);
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

  // The whole vocabulary from these configs.
  void AddConfigs(std::span<const Matcher::Config> configs) {
    Level(0).assign(configs.begin(), configs.end());
    Walk(0);
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
  SOTTO_CHECK(&matcher.binding().grammar() == grammar_.get());
  mask.bits_.assign((table_->size() + 63) / 64, 0);
  mask.ids_.clear();
  mask.count_ = 0;
  if (matcher.ended()) return;
  MaskWalker walker(matcher, *table_, mask);
  std::vector<Matcher::Config> in_holes;
  for (const Matcher::Config& config : matcher.configs()) {
    if (config.hole >= 0) {
      in_holes.push_back(config);
    } else if (grammar_->HasBytes(config.state)) {
      walker.AddState(*Find(matcher.binding(), config.state), config);
    }
  }
  if (!in_holes.empty()) walker.AddConfigs(in_holes);
  if (matcher.CanEnd()) {
    for (const TokenId id : table_->end_tokens()) walker.Emit(id);
  }
  walker.Finish();
}

size_t MaskCache::size() const {
  const std::lock_guard lock(mutex_);
  return masks_.size();
}

namespace {

uint64_t Mixed(uint64_t value) {
  value = (value ^ (value >> 31)) * 0x7FB5D329728EA185u;
  value = (value ^ (value >> 27)) * 0x81DADEF4BC2DD44Du;
  return value ^ (value >> 33);
}

}  // namespace

// class_of_[s]: a hash of all that kClassBytes bytes can tell about s, by rounds of partition refinement.
// States whose masks depend on more than bytes (calls, ends of rules, liveness that varies) are their own
// class.
void MaskCache::FindClasses() {
  const Grammar& grammar = *grammar_;
  const auto base = grammar.FindLiveness(std::vector<bool>(grammar.n_holes(), false),
                                         std::vector<bool>(grammar.tools().size(), false));
  const size_t n = grammar.n_states();
  const size_t n_classes = grammar.n_classes();
  const bool has_rules = grammar.n_rules() > 1;
  std::vector<uint64_t> own(n, 0);
  for (StateId s = 1; s < n; ++s) {
    const bool alone = grammar.IsFragile(s) || grammar.HasCalls(s) || (has_rules && grammar.IsAccepting(s));
    own[s] = base->live[s] == 0 && !grammar.IsFragile(s) ? 0 : Mixed(alone ? s + 2 : 1);
  }
  std::vector<uint64_t> salt(n_classes);
  for (size_t c = 0; c < n_classes; ++c) salt[c] = Mixed(c + 0x9E3779B97F4A7C15u) | 1;
  class_of_ = own;
  std::vector<uint64_t> next(n, 0);
  for (size_t round = 0; round < kClassBytes; ++round) {
    for (StateId s = 1; s < n; ++s) {
      if (own[s] == 0) continue;
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
std::shared_ptr<const MaskCache::StateMask> MaskCache::Hold(const Key& key,
                                                            std::shared_ptr<const StateMask> mask) {
  if (held_bytes_ >= kMaxHeldBytes) {
    masks_.clear();
    by_class_.clear();
    held_bytes_ = 0;
  }
  held_bytes_ += 128 + mask->ids.size() * sizeof(TokenId) + mask->bits.size() * sizeof(uint64_t) +
                 mask->open.size() * sizeof(Open);
  return masks_.emplace(key, std::move(mask)).first->second;
}

std::shared_ptr<const MaskCache::StateMask> MaskCache::Find(const Binding& binding, StateId state) {
  const uint64_t key = binding.liveness().key;
  std::shared_ptr<const StateMask> base;  // of the state's class, once known
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = masks_.find({kUniversal, state}); found != masks_.end()) return found->second;
    if (const auto found = masks_.find({key, state}); found != masks_.end()) return found->second;
    if (classes_known_) {
      if (const auto found = by_class_.find(class_of_[state]); found != by_class_.end()) base = found->second;
    }
  }
  bool universal = base != nullptr;
  std::shared_ptr<StateMask> own;
  if (base == nullptr) {
    own = std::make_shared<StateMask>(Compute(binding, state, kClassBytes, universal));
    // Classes are worth their time only where a walk was long.
    if (universal && !own->bits.empty()) base = ShareInClass(state, std::move(own));
  }
  own = std::make_shared<StateMask>();
  own->base = base;
  if (base == nullptr || !AddLongTokens(binding, state, *own)) {
    *own = Compute(binding, state, TokenTable::kMaxTokenBytes, universal);
  }
  const std::lock_guard lock(mutex_);
  return Hold({universal ? kUniversal : key, state}, std::move(own));
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

bool MaskCache::AddLongTokens(const Binding& binding, StateId state, StateMask& mask) const {
  const bool has_rules = grammar_->n_rules() > 1;
  for (const TokenId id : long_tokens_) {
    StateId at = state;
    size_t depth = 0;
    for (const char c : table_->bytes(id)) {
      at = grammar_->Next(at, static_cast<uint8_t>(c));
      if (at == kDeadState) break;
      const bool calls = grammar_->HasCalls(at) || (has_rules && grammar_->IsAccepting(at));
      if (++depth > kClassBytes && (calls || grammar_->IsFragile(at))) return false;
      if (!binding.IsLive(at)) break;
    }
    if (at != kDeadState && binding.IsLive(at)) mask.ids.push_back(id);
  }
  mask.count = mask.ids.size();
  return true;
}

void MaskCache::Warm(const Binding& binding) {
  SOTTO_CHECK(&binding.grammar() == grammar_.get());
  for (StateId state = 1; state < grammar_->n_states(); ++state) {
    if (binding.IsLive(state) && grammar_->HasBytes(state)) (void)Find(binding, state);
  }
}

MaskCache::StateMask MaskCache::Compute(const Binding& binding, StateId state, size_t max_bytes,
                                        bool& universal) const {
  const auto nodes = table_->nodes();
  const auto end = static_cast<uint32_t>(nodes.size() - 1);
  const Liveness& liveness = binding.liveness();
  StateMask mask;
  universal = true;
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
    if (grammar_->IsFragile(next)) universal = false;
    if (liveness.live[next] == 0) {
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

// ---- on disk
// --------------------------------------------------------------------------------------------------------

namespace {

constexpr std::string_view kMagic = "sottomask2";

uint64_t Checksum(std::string_view bytes) {
  uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : bytes) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3u;
  return hash;
}

template <typename T>
void Put(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

template <typename T>
void PutAll(std::string& out, const std::vector<T>& values) {
  Put(out, static_cast<uint64_t>(values.size()));
  out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

}  // namespace

// Reads what Put wrote; false at the end of the bytes.
class MaskBytes {
 public:
  explicit MaskBytes(std::string_view bytes) : bytes_(bytes) {}
  template <typename T>
  bool Get(T& value) {
    if (bytes_.size() < sizeof(T)) return false;
    std::memcpy(&value, bytes_.data(), sizeof(T));
    bytes_.remove_prefix(sizeof(T));
    return true;
  }
  template <typename T>
  bool GetAll(std::vector<T>& values) {
    uint64_t n = 0;
    if (!Get(n) || n > bytes_.size() / sizeof(T)) return false;
    values.resize(n);
    if (n > 0) std::memcpy(values.data(), bytes_.data(), n * sizeof(T));
    bytes_.remove_prefix(n * sizeof(T));
    return true;
  }
  bool done() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

std::filesystem::path MaskCache::FileIn(const std::filesystem::path& folder) const {
  return folder / fmt::format("masks-{:016x}-{:016x}.bin", grammar_->hash(), table_->hash());
}

void MaskCache::Write(const StateMask& mask, std::string& out) {
  PutAll(out, mask.ids);
  PutAll(out, mask.bits);
  PutAll(out, mask.open);
  Put(out, static_cast<uint64_t>(mask.count));
}

// Body: masks shared by classes, then (universal, state, index of the shared one + 1 or 0, mask) of each
// state.
Result<void> MaskCache::Save(const std::filesystem::path& folder) const {
  std::string out(kMagic);
  Put(out, grammar_->hash());
  Put(out, table_->hash());
  {
    const std::lock_guard lock(mutex_);
    std::unordered_map<const StateMask*, uint32_t> shared;
    std::vector<const StateMask*> order;
    for (const auto& [key, mask] : masks_) {
      if (mask->base == nullptr) continue;
      if (shared.emplace(mask->base.get(), static_cast<uint32_t>(order.size() + 1)).second) {
        order.push_back(mask->base.get());
      }
    }
    Put(out, static_cast<uint32_t>(order.size()));
    for (const StateMask* mask : order) Write(*mask, out);
    for (const auto& [key, mask] : masks_) {
      if (key.first != kUniversal && key.first != 0) continue;
      Put(out, static_cast<uint8_t>(key.first == kUniversal));
      Put(out, key.second);
      Put(out, mask->base == nullptr ? uint32_t{0} : shared.at(mask->base.get()));
      Write(*mask, out);
    }
  }
  Put(out, Checksum(out));
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  return WriteFileAtomically(FileIn(folder), out);
}

bool MaskCache::Read(MaskBytes& source, StateMask& mask) const {
  uint64_t count = 0;
  if (!source.GetAll(mask.ids) || !source.GetAll(mask.bits) || !source.GetAll(mask.open) ||
      !source.Get(count)) {
    return false;
  }
  mask.count = count;
  const bool bits_fit = mask.bits.empty() || mask.bits.size() == (table_->size() + 63) / 64;
  return bits_fit &&
         std::all_of(mask.ids.begin(), mask.ids.end(),
                     [&](TokenId id) { return id >= 0 && static_cast<size_t>(id) < table_->size(); }) &&
         std::all_of(mask.open.begin(), mask.open.end(), [&](const Open& open) {
           return open.node + 1 < table_->nodes().size() && open.state < grammar_->n_states();
         });
}

Result<void> MaskCache::Load(const std::filesystem::path& folder) {
  const std::filesystem::path path = FileIn(folder);
  SOTTO_ASSIGN_OR_RETURN(const std::string file, ReadFile(path));
  const auto damaged = [&] {
    return MakeError(ErrorCode::kCorrupt, "{}: not a mask cache of this grammar and vocabulary",
                     path.string());
  };
  uint64_t checksum = 0;
  if (file.size() < kMagic.size() + 3 * sizeof(uint64_t) || !file.starts_with(kMagic)) return damaged();
  const std::string_view body = std::string_view(file).substr(0, file.size() - sizeof(checksum));
  std::memcpy(&checksum, file.data() + body.size(), sizeof(checksum));
  if (checksum != Checksum(body)) return damaged();
  MaskBytes source(body.substr(kMagic.size()));
  uint64_t grammar_hash = 0;
  uint64_t table_hash = 0;
  uint32_t n_shared = 0;
  if (!source.Get(grammar_hash) || !source.Get(table_hash) || !source.Get(n_shared)) return damaged();
  if (grammar_hash != grammar_->hash() || table_hash != table_->hash()) return damaged();
  std::vector<std::shared_ptr<const StateMask>> shared;
  for (uint32_t i = 0; i < n_shared; ++i) {
    StateMask mask;
    if (!Read(source, mask)) return damaged();
    shared.push_back(std::make_shared<const StateMask>(std::move(mask)));
  }
  std::vector<std::pair<Key, std::shared_ptr<const StateMask>>> loaded;
  while (!source.done()) {
    uint8_t universal = 0;
    StateId state = 0;
    uint32_t base = 0;
    StateMask mask;
    if (!source.Get(universal) || !source.Get(state) || !source.Get(base) || !Read(source, mask))
      return damaged();
    if (state >= grammar_->n_states() || base > shared.size()) return damaged();
    if (base > 0) mask.base = shared[base - 1];
    loaded.emplace_back(Key{universal != 0 ? kUniversal : 0, state},
                        std::make_shared<const StateMask>(std::move(mask)));
  }
  const std::lock_guard lock(mutex_);
  for (auto& [key, mask] : loaded) Hold(key, std::move(mask));
  return {};
}

}  // namespace sotto
