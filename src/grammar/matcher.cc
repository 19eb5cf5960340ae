#include "grammar/matcher.h"

#include <algorithm>

#include "base/check.h"

namespace sotto {
namespace {

constexpr size_t kMaxForcedBytes = 1 << 16;

}  // namespace

Result<std::shared_ptr<const Binding>> Binding::Create(std::shared_ptr<const Grammar> grammar,
                                                       TurnFill fill) {
  SOTTO_CHECK(grammar != nullptr);
  auto binding = std::shared_ptr<Binding>(new Binding());
  if (fill.hole_literals.size() > grammar->n_holes()) {
    return MakeError(ErrorCode::kInvalidArgument, "literals for {} holes, but the grammar has {}",
                     fill.hole_literals.size(), grammar->n_holes());
  }
  binding->literals_ = std::move(fill.hole_literals);
  binding->literals_.resize(grammar->n_holes());
  std::vector<bool> empty(grammar->n_holes());
  for (size_t i = 0; i < empty.size(); ++i) {
    std::vector<std::string>& literals = binding->literals_[i];
    std::sort(literals.begin(), literals.end());
    literals.erase(std::unique(literals.begin(), literals.end()), literals.end());
    if (!literals.empty() && literals.front().empty()) literals.erase(literals.begin());
    empty[i] = literals.empty();
  }
  std::vector<bool> closed(grammar->tools().size(), false);
  for (const int tool : fill.closed_tools) {
    if (tool < 0 || static_cast<size_t>(tool) >= closed.size()) {
      return MakeError(ErrorCode::kInvalidArgument, "no tool {} to close", tool);
    }
    closed[static_cast<size_t>(tool)] = true;
  }
  binding->liveness_ = grammar->FindLiveness(empty, closed);
  binding->grammar_ = std::move(grammar);
  if (!binding->IsLive(binding->grammar_->start())) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "nothing can be said: every tool is closed or lacks a required value");
  }
  return binding;
}

Matcher::Matcher(std::shared_ptr<const Binding> binding) : binding_(std::move(binding)) {
  Add({binding_->grammar().start()}, configs_);
}

int32_t Matcher::Push(int32_t parent, StateId next) {
  for (size_t i = frames_.size(); i > 0; --i) {
    if (frames_[i - 1].parent == parent && frames_[i - 1].next == next) return static_cast<int32_t>(i - 1);
  }
  frames_.push_back({parent, next});
  return static_cast<int32_t>(frames_.size() - 1);
}

void Matcher::Add(const Config& config, std::vector<Config>& out) {
  const Grammar& grammar = binding_->grammar();
  if (config.hole >= 0) {
    const auto literals = binding_->literals(static_cast<uint32_t>(config.hole));
    Config inside = config;
    if (inside.low < inside.high && literals[inside.low].size() == inside.depth) {
      Add({config.state, -1, 0, 0, 0, config.stack}, out);
      ++inside.low;
    }
    if (inside.low < inside.high && std::find(out.begin(), out.end(), inside) == out.end())
      out.push_back(inside);
    return;
  }
  if (!binding_->IsLive(config.state)) return;
  if (std::find(out.begin(), out.end(), config) != out.end()) return;
  const bool ends_rule = grammar.IsAccepting(config.state) && config.stack >= 0;
  const bool ends = grammar.IsAccepting(config.state) && config.stack < 0;
  if (grammar.HasBytes(config.state) || ends || grammar.HasCalls(config.state)) out.push_back(config);
  if (ends_rule) {
    const Frame frame = frames_[static_cast<size_t>(config.stack)];
    Add({frame.next, -1, 0, 0, 0, frame.parent}, out);
  }
  if (grammar.HasCalls(config.state)) EnterCalls(config, out);
}

void Matcher::EnterCalls(const Config& config, std::vector<Config>& out) {
  const Grammar& grammar = binding_->grammar();
  const Liveness& liveness = binding_->liveness();
  for (const Grammar::CallEdge& call : grammar.calls(config.state)) {
    if (liveness.live[call.next] == 0) continue;
    if (call.is_hole) {
      const auto n = static_cast<uint32_t>(binding_->literals(call.target).size());
      Add({call.next, static_cast<int32_t>(call.target), 0, n, 0, config.stack}, out);
    } else if (liveness.rule_live[call.target] != 0) {
      Add({grammar.rule_start(call.target), -1, 0, 0, 0, Push(config.stack, call.next)}, out);
    }
  }
}

void Matcher::Step(std::span<const Config> from, uint8_t byte, std::vector<Config>& out) {
  const Grammar& grammar = binding_->grammar();
  out.clear();
  for (const Config& config : from) {
    if (config.hole < 0) {
      const StateId next = grammar.Next(config.state, byte);
      if (next != kDeadState) Add({next, -1, 0, 0, 0, config.stack}, out);
      continue;
    }
    // All literals in [low, high) are longer than `depth` and agree before it: those with this byte are a
    // range.
    const auto literals = binding_->literals(static_cast<uint32_t>(config.hole));
    const auto* const first = literals.data() + config.low;
    const auto* const last = literals.data() + config.high;
    const auto at = [&](const std::string& literal) { return static_cast<uint8_t>(literal[config.depth]); };
    const auto* const low =
        std::partition_point(first, last, [&](const std::string& l) { return at(l) < byte; });
    const auto* const high =
        std::partition_point(low, last, [&](const std::string& l) { return at(l) == byte; });
    if (low == high) continue;
    Config next = config;
    next.low = static_cast<uint32_t>(low - literals.data());
    next.high = static_cast<uint32_t>(high - literals.data());
    next.depth = config.depth + 1;
    Add(next, out);
  }
}

bool Matcher::Advance(std::string_view bytes) {
  for (const char c : bytes) {
    Step(configs_, static_cast<uint8_t>(c), scratch_);
    configs_.swap(scratch_);
    if (configs_.empty()) return false;
  }
  return true;
}

bool Matcher::AcceptBytes(std::string_view bytes) {
  if (ended_) return false;
  Undo undo{configs_, frames_.size(), ended_};
  if (!Advance(bytes)) {
    configs_ = std::move(undo.configs);
    frames_.resize(undo.n_frames);
    return false;
  }
  history_.push_back(std::move(undo));
  return true;
}

bool Matcher::AcceptToken(const TokenTable& table, TokenId token) {
  if (table.IsEnd(token)) {
    if (ended_ || !CanEnd()) return false;
    history_.push_back({configs_, frames_.size(), ended_});
    ended_ = true;
    return true;
  }
  const std::string_view bytes = table.bytes(token);
  return !bytes.empty() && AcceptBytes(bytes);
}

bool Matcher::Allows(std::string_view bytes) const {
  if (ended_) return false;
  Matcher probe(*this);
  return probe.Advance(bytes);
}

void Matcher::Rollback(size_t n) {
  SOTTO_CHECK(n <= history_.size(), "rollback of {} with {} accepted", n, history_.size());
  if (n == 0) return;
  Undo& undo = history_[history_.size() - n];
  configs_ = std::move(undo.configs);
  frames_.resize(undo.n_frames);
  ended_ = undo.ended;
  history_.resize(history_.size() - n);
}

bool Matcher::CanEnd() const {
  const Grammar& grammar = binding_->grammar();
  return !ended_ && std::any_of(configs_.begin(), configs_.end(), [&](const Config& config) {
    return config.hole < 0 && config.stack < 0 && grammar.IsAccepting(config.state);
  });
}

void Matcher::CollectBytes(std::span<const Config> from, std::bitset<256>& bytes) const {
  const Grammar& grammar = binding_->grammar();
  for (const Config& config : from) {
    if (config.hole >= 0) {
      const auto literals = binding_->literals(static_cast<uint32_t>(config.hole));
      const auto* at = literals.data() + config.low;
      const auto* const last = literals.data() + config.high;
      while (at < last) {
        const char byte = (*at)[config.depth];
        bytes.set(static_cast<uint8_t>(byte));
        at = std::partition_point(at, last, [&](const std::string& l) { return l[config.depth] == byte; });
      }
      continue;
    }
    if (!grammar.HasBytes(config.state)) continue;
    const auto row = grammar.row(config.state);
    for (size_t b = 0; b < 256; ++b) {
      const StateId next = row[grammar.byte_class(static_cast<uint8_t>(b))];
      if (next != kDeadState && binding_->IsLive(next)) bytes.set(b);
    }
  }
}

std::vector<uint8_t> Matcher::NextBytes() const {
  std::bitset<256> set;
  if (!ended_) CollectBytes(configs_, set);
  std::vector<uint8_t> bytes;
  for (size_t b = 0; b < 256; ++b) {
    if (set[b]) bytes.push_back(static_cast<uint8_t>(b));
  }
  return bytes;
}

bool Matcher::MustEnd() const { return !ended_ && NextBytes().empty(); }

namespace {

// The only live byte of a state, -1 for none, -2 for several.
int OnlyByte(const Binding& binding, StateId state) {
  const Grammar& grammar = binding.grammar();
  const auto row = grammar.row(state);
  int only = -1;
  for (size_t c = 0; c < row.size(); ++c) {
    if (row[c] == kDeadState || !binding.IsLive(row[c])) continue;
    if (only != -1 || grammar.class_size(c) != 1) return -2;
    only = grammar.class_byte(c);
  }
  return only;
}

}  // namespace

std::string Matcher::ForcedRun() const {
  std::string run;
  if (ended_) return run;
  Matcher probe(binding_);
  probe.frames_ = frames_;
  probe.configs_ = configs_;
  while (!probe.CanEnd() && run.size() < kMaxForcedBytes) {
    int only = -1;
    for (const Config& config : probe.configs_) {
      int byte = -1;
      if (config.hole < 0) {
        byte = OnlyByte(*binding_, config.state);
      } else {
        const auto literals = binding_->literals(static_cast<uint32_t>(config.hole));
        const char first = literals[config.low][config.depth];
        byte = first == literals[config.high - 1][config.depth] ? static_cast<uint8_t>(first) : -2;
      }
      if (byte == -1) continue;
      only = only == -1 || only == byte ? byte : -2;
      if (only == -2) return run;
    }
    if (only < 0) return run;
    const char byte = static_cast<char>(only);
    const bool accepted = probe.Advance({&byte, 1});
    SOTTO_CHECK(accepted);
    run += byte;
  }
  return run;
}

}  // namespace sotto
