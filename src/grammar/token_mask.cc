#include "grammar/token_mask.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/mapped_file.h"

namespace sotto {
namespace {

constexpr size_t kMaxInList = 2048;      // a state's mask is a list up to here, then a bitset
constexpr size_t kMaxHeldMasks = 20000;  // beyond: those that depend on the turn are dropped

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
    if (state_mask.bits.empty()) {
      for (const TokenId id : state_mask.ids) Emit(id);
    } else if (mask_.count_ == 0) {
      mask_.bits_ = state_mask.bits;
      mask_.count_ = state_mask.count;
      listing_ = false;
    } else {
      size_t count = 0;
      for (size_t i = 0; i < mask_.bits_.size(); ++i) {
        mask_.bits_[i] |= state_mask.bits[i];
        count += static_cast<size_t>(std::popcount(mask_.bits_[i]));
      }
      mask_.count_ = count;
      listing_ = false;
    }
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

std::shared_ptr<const MaskCache::StateMask> MaskCache::Find(const Binding& binding, StateId state) {
  const uint64_t key = binding.liveness().key;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = masks_.find({kUniversal, state}); found != masks_.end()) return found->second;
    if (const auto found = masks_.find({key, state}); found != masks_.end()) return found->second;
  }
  bool universal = false;
  auto computed = std::make_shared<const StateMask>(Compute(binding, state, universal));
  const std::lock_guard lock(mutex_);
  if (masks_.size() >= kMaxHeldMasks) {
    std::erase_if(
        masks_, [](const auto& entry) { return entry.first.first != kUniversal && entry.first.first != 0; });
  }
  return masks_.emplace(Key{universal ? kUniversal : key, state}, std::move(computed)).first->second;
}

MaskCache::StateMask MaskCache::Compute(const Binding& binding, StateId state, bool& universal) const {
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

constexpr std::string_view kMagic = "sottomask1";

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

// Reads what Put wrote; false at the end of the bytes.
class Source {
 public:
  explicit Source(std::string_view bytes) : bytes_(bytes) {}
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
    std::memcpy(values.data(), bytes_.data(), n * sizeof(T));
    bytes_.remove_prefix(n * sizeof(T));
    return true;
  }
  bool done() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

}  // namespace

std::filesystem::path MaskCache::FileIn(const std::filesystem::path& folder) const {
  return folder / fmt::format("masks-{:016x}-{:016x}.bin", grammar_->hash(), table_->hash());
}

Result<void> MaskCache::Save(const std::filesystem::path& folder) const {
  std::string out(kMagic);
  Put(out, grammar_->hash());
  Put(out, table_->hash());
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, mask] : masks_) {
      if (key.first != kUniversal && key.first != 0) continue;
      Put(out, static_cast<uint8_t>(key.first == kUniversal));
      Put(out, key.second);
      PutAll(out, mask->ids);
      PutAll(out, mask->bits);
      PutAll(out, mask->open);
      Put(out, static_cast<uint64_t>(mask->count));
    }
  }
  Put(out, Checksum(out));
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  return WriteFileAtomically(FileIn(folder), out);
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
  Source source(body.substr(kMagic.size()));
  uint64_t grammar_hash = 0;
  uint64_t table_hash = 0;
  if (!source.Get(grammar_hash) || !source.Get(table_hash)) return damaged();
  if (grammar_hash != grammar_->hash() || table_hash != table_->hash()) return damaged();
  std::vector<std::pair<Key, std::shared_ptr<const StateMask>>> loaded;
  while (!source.done()) {
    uint8_t universal = 0;
    StateId state = 0;
    uint64_t count = 0;
    StateMask mask;
    const bool read = source.Get(universal) && source.Get(state) && source.GetAll(mask.ids) &&
                      source.GetAll(mask.bits) && source.GetAll(mask.open) && source.Get(count);
    if (!read || state >= grammar_->n_states()) return damaged();
    if (!mask.bits.empty() && mask.bits.size() != (table_->size() + 63) / 64) return damaged();
    for (const TokenId id : mask.ids) {
      if (id < 0 || static_cast<size_t>(id) >= table_->size()) return damaged();
    }
    for (const Open& open : mask.open) {
      if (open.node + 1 >= table_->nodes().size() || open.state >= grammar_->n_states()) return damaged();
    }
    mask.count = count;
    loaded.emplace_back(Key{universal != 0 ? kUniversal : 0, state},
                        std::make_shared<const StateMask>(std::move(mask)));
  }
  const std::lock_guard lock(mutex_);
  for (auto& [key, mask] : loaded) masks_.emplace(key, std::move(mask));
  return {};
}

}  // namespace sotto
