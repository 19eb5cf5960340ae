#include "grammar/matcher.h"

#include <algorithm>

#include "base/check.h"

namespace sotto {
namespace {

constexpr size_t kMaxForcedBytes = 1 << 16;

// The only byte that leads on from a state, -1 for none, -2 for several.
int OnlyByte(const Grammar& grammar, StateId state) {
  const auto row = grammar.row(state);
  int only = -1;
  for (size_t c = 0; c < row.size(); ++c) {
    if (row[c] == kDeadState) continue;
    if (only != -1 || grammar.class_size(c) != 1) return -2;
    only = grammar.class_byte(c);
  }
  return only;
}

}  // namespace

Matcher::Matcher(std::shared_ptr<const Grammar> grammar) : grammar_(std::move(grammar)) {
  SOTTO_CHECK(grammar_ != nullptr);
  Add({grammar_->start()}, configs_);
}

int32_t Matcher::Push(int32_t parent, StateId next) {
  for (size_t i = frames_.size(); i > 0; --i) {
    if (frames_[i - 1].parent == parent && frames_[i - 1].next == next) return static_cast<int32_t>(i - 1);
  }
  frames_.push_back({parent, next});
  return static_cast<int32_t>(frames_.size() - 1);
}

void Matcher::Add(const Config& config, std::vector<Config>& out) {
  if (std::find(out.begin(), out.end(), config) != out.end()) return;
  const bool ends_rule = grammar_->IsAccepting(config.state) && config.stack >= 0;
  const bool ends = grammar_->IsAccepting(config.state) && config.stack < 0;
  if (grammar_->HasBytes(config.state) || ends || grammar_->HasCalls(config.state)) out.push_back(config);
  if (ends_rule) {
    const Frame frame = frames_[static_cast<size_t>(config.stack)];
    Add({frame.next, frame.parent}, out);
  }
  if (grammar_->HasCalls(config.state)) EnterCalls(config, out);
}

void Matcher::EnterCalls(const Config& config, std::vector<Config>& out) {
  for (const Grammar::CallEdge& call : grammar_->calls(config.state))
    Add({grammar_->rule_start(call.rule), Push(config.stack, call.next)}, out);
}

void Matcher::Step(std::span<const Config> from, uint8_t byte, std::vector<Config>& out) {
  out.clear();
  for (const Config& config : from) {
    const StateId next = grammar_->Next(config.state, byte);
    if (next != kDeadState) Add({next, config.stack}, out);
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
  std::vector<Config> before = configs_;
  const size_t n_frames = frames_.size();
  if (Advance(bytes)) return true;
  configs_ = std::move(before);
  frames_.resize(n_frames);
  return false;
}

bool Matcher::CanEnd() const {
  return std::any_of(configs_.begin(), configs_.end(), [&](const Config& config) {
    return config.stack < 0 && grammar_->IsAccepting(config.state);
  });
}

void Matcher::CollectBytes(std::span<const Config> from, std::bitset<256>& bytes) const {
  for (const Config& config : from) {
    if (!grammar_->HasBytes(config.state)) continue;
    const auto row = grammar_->row(config.state);
    for (size_t b = 0; b < 256; ++b) {
      if (row[grammar_->byte_class(static_cast<uint8_t>(b))] != kDeadState) bytes.set(b);
    }
  }
}

std::vector<uint8_t> Matcher::NextBytes() const {
  std::bitset<256> set;
  CollectBytes(configs_, set);
  std::vector<uint8_t> bytes;
  for (size_t b = 0; b < 256; ++b) {
    if (set[b]) bytes.push_back(static_cast<uint8_t>(b));
  }
  return bytes;
}

std::string Matcher::ForcedRun() const {
  std::string run;
  Matcher probe(*this);
  while (!probe.CanEnd() && run.size() < kMaxForcedBytes) {
    int only = -1;
    for (const Config& config : probe.configs_) {
      const int byte = OnlyByte(*grammar_, config.state);
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
