#include "grammar/grammar.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <unordered_map>

#include "base/check.h"
#include "grammar/schema.h"

namespace sotto {

// Subset construction over all rules of a ByteNfa.
class GrammarBuilder {
 public:
  GrammarBuilder(const SchemaCompiler& compiler, size_t max_states)
      : nfa_(compiler.nfa), rules_(compiler.rules), max_states_(max_states) {}

  Result<std::shared_ptr<const Grammar>> Build(uint32_t start) {
    grammar_ = std::make_shared<Grammar>();
    NumberClasses();
    sets_.push_back({});  // kDeadState
    rows_.resize(grammar_->n_classes_, kDeadState);
    calls_.emplace_back();
    grammar_->rule_starts_.push_back(Intern({start}));
    for (const SchemaCompiler::Rule& rule : rules_) grammar_->rule_starts_.push_back(Intern({rule.start}));
    for (StateId state = 1; state < sets_.size(); ++state) {
      if (sets_.size() > max_states_) {
        return MakeError(ErrorCode::kOutOfRange, "the schema needs more than {} states", max_states_);
      }
      Expand(state);
    }
    if (LeftRecursive()) {
      return MakeError(ErrorCode::kInvalidArgument, "a $ref refers to itself without a value in between");
    }
    Prune(FindLive());
    Finish();
    if (!CanEnd()) return MakeError(ErrorCode::kInvalidArgument, "$: no text satisfies the schema");
    return std::shared_ptr<const Grammar>(std::move(grammar_));
  }

 private:
  // Bytes that no state tells apart share a class.
  void NumberClasses() {
    std::array<bool, 257> cut{};
    cut[0] = true;
    for (uint32_t s = 0; s < nfa_.size(); ++s) {
      for (const ByteNfa::Edge& edge : nfa_.state(s).edges) cut[edge.first] = cut[edge.last + 1u] = true;
    }
    uint8_t number = 0;
    for (size_t b = 0; b < 256; ++b) {
      if (cut[b] && b > 0) ++number;
      grammar_->byte_class_[b] = number;
      if (cut[b]) {
        grammar_->class_byte_.push_back(static_cast<uint8_t>(b));
        grammar_->class_size_.push_back(0);
      }
      ++grammar_->class_size_.back();
    }
    grammar_->n_classes_ = grammar_->class_byte_.size();
  }

  void Close(std::vector<uint32_t>& set) {
    seen_.resize(nfa_.size(), 0);
    ++round_;
    size_t kept = 0;
    for (const uint32_t s : set) {
      if (seen_[s] != round_) seen_[s] = round_, set[kept++] = s;
    }
    set.resize(kept);
    for (size_t i = 0; i < set.size(); ++i) {
      for (const uint32_t to : nfa_.state(set[i]).epsilon) {
        if (seen_[to] != round_) seen_[to] = round_, set.push_back(to);
      }
    }
    // Only what does something tells states apart.
    std::erase_if(set, [&](uint32_t s) {
      const ByteNfa::State& state = nfa_.state(s);
      return state.edges.empty() && state.calls.empty() && !state.accepting;
    });
    std::sort(set.begin(), set.end());
  }

  StateId Intern(std::vector<uint32_t> set) {
    Close(set);
    if (set.empty()) return kDeadState;
    const auto [found, fresh] = numbers_.emplace(std::move(set), static_cast<StateId>(sets_.size()));
    if (fresh) {
      sets_.push_back(found->first);
      rows_.resize(rows_.size() + grammar_->n_classes_, kDeadState);
      calls_.emplace_back();
    }
    return found->second;
  }

  void Expand(StateId state) {
    const std::vector<uint32_t> set = sets_[state];
    const size_t n = grammar_->n_classes_;
    by_class_.resize(n);
    std::vector<size_t> touched;
    std::map<uint32_t, std::vector<uint32_t>> calls;  // by rule
    for (const uint32_t s : set) {
      for (const ByteNfa::Edge& edge : nfa_.state(s).edges) {
        const size_t last = grammar_->byte_class_[edge.last];
        for (size_t c = grammar_->byte_class_[edge.first]; c <= last; ++c) {
          if (by_class_[c].empty()) touched.push_back(c);
          by_class_[c].push_back(edge.to);
        }
      }
      for (const ByteNfa::Call& call : nfa_.state(s).calls) calls[call.rule].push_back(call.next);
    }
    std::sort(touched.begin(), touched.end());
    std::vector<uint32_t> previous;
    StateId previous_state = kDeadState;
    for (const size_t c : touched) {
      if (by_class_[c] != previous || previous_state == kDeadState) {
        previous = by_class_[c];
        previous_state = Intern(by_class_[c]);
      }
      rows_[state * n + c] = previous_state;
      by_class_[c].clear();
    }
    for (auto& [rule, next] : calls) {
      const StateId after = Intern(std::move(next));
      calls_[state].push_back({rule + 1, after});  // rule 0 is the start rule
    }
  }

  bool IsAccepting(StateId state) const {
    const auto& set = sets_[state];
    return std::any_of(set.begin(), set.end(), [&](uint32_t s) { return nfa_.state(s).accepting; });
  }

  // Does a rule reach its own start without reading a byte?
  bool LeftRecursive() const {
    const std::vector<StateId>& starts = grammar_->rule_starts_;
    for (uint32_t rule = 0; rule < starts.size(); ++rule) {
      std::set<uint32_t> seen;
      std::vector<uint32_t> work{rule};
      while (!work.empty()) {
        const uint32_t at = work.back();
        work.pop_back();
        for (const Grammar::CallEdge& call : calls_[starts[at]]) {
          if (call.rule == rule) return true;
          if (seen.insert(call.rule).second) work.push_back(call.rule);
        }
      }
    }
    return false;
  }

  // The states from which a text can be finished: backwards from the accepting ones. A call edge counts once
  // its rule and its return state are live.
  std::vector<bool> FindLive() const {
    const size_t n = sets_.size();
    const size_t n_classes = grammar_->n_classes_;
    std::vector<std::vector<StateId>> before(n);  // states with a byte edge into this one
    std::vector<std::vector<std::pair<StateId, Grammar::CallEdge>>> waiting(n);  // by return and start state
    for (StateId state = 1; state < n; ++state) {
      for (size_t c = 0; c < n_classes; ++c) {
        const StateId to = rows_[state * n_classes + c];
        if (to != kDeadState && (before[to].empty() || before[to].back() != state))
          before[to].push_back(state);
      }
      for (const Grammar::CallEdge& call : calls_[state]) {
        waiting[call.next].emplace_back(state, call);
        waiting[grammar_->rule_starts_[call.rule]].emplace_back(state, call);
      }
    }
    std::vector<bool> live(n, false);
    std::vector<StateId> work;
    const auto mark = [&](StateId state) {
      if (state == kDeadState || live[state]) return;
      live[state] = true;
      work.push_back(state);
    };
    for (StateId state = 1; state < n; ++state) {
      if (IsAccepting(state)) mark(state);
    }
    while (!work.empty()) {
      const StateId state = work.back();
      work.pop_back();
      for (const StateId from : before[state]) mark(from);
      for (const auto& [owner, call] : waiting[state]) {
        if (live[call.next] && live[grammar_->rule_starts_[call.rule]]) mark(owner);
      }
    }
    return live;
  }

  // No edge leads to where nothing can be finished.
  void Prune(const std::vector<bool>& live) {
    for (StateId& to : rows_) {
      if (!live[to]) to = kDeadState;
    }
    for (auto& calls : calls_) {
      std::erase_if(calls, [&](const Grammar::CallEdge& call) {
        return !live[call.next] || !live[grammar_->rule_starts_[call.rule]];
      });
    }
  }

  void Finish() {
    Grammar& g = *grammar_;
    g.n_states_ = sets_.size();
    g.transitions_ = std::move(rows_);
    g.flags_.assign(g.n_states_, 0);
    g.call_begin_.assign(1, 0);
    for (StateId state = 0; state < g.n_states_; ++state) {
      if (IsAccepting(state)) g.flags_[state] |= Grammar::kAccepting;
      const auto row = g.row(state);
      if (std::any_of(row.begin(), row.end(), [](StateId to) { return to != kDeadState; })) {
        g.flags_[state] |= Grammar::kHasBytes;
      }
      if (!calls_[state].empty()) g.flags_[state] |= Grammar::kHasCalls;
      g.calls_.insert(g.calls_.end(), calls_[state].begin(), calls_[state].end());
      g.call_begin_.push_back(static_cast<uint32_t>(g.calls_.size()));
    }
  }

  bool CanEnd() const { return grammar_->flags_[grammar_->start()] != 0; }

  struct SetHash {
    size_t operator()(const std::vector<uint32_t>& set) const {
      uint64_t hash = 0;
      for (const uint32_t s : set) hash = (hash ^ s) * 0x9E3779B97F4A7C15u + (hash >> 29);
      return static_cast<size_t>(hash);
    }
  };

  const ByteNfa& nfa_;
  const std::vector<SchemaCompiler::Rule>& rules_;
  size_t max_states_;
  std::shared_ptr<Grammar> grammar_;
  std::vector<std::vector<uint32_t>> sets_;
  std::vector<StateId> rows_;
  std::vector<std::vector<Grammar::CallEdge>> calls_;
  std::unordered_map<std::vector<uint32_t>, StateId, SetHash> numbers_;
  std::vector<std::vector<uint32_t>> by_class_;
  std::vector<uint32_t> seen_;
  uint32_t round_ = 0;
};

Result<std::shared_ptr<const Grammar>> Grammar::FromSchema(const Json& schema, std::string_view source,
                                                           size_t max_states) {
  SchemaCompiler compiler(schema, std::string(source), max_states);
  const uint32_t start = compiler.nfa.AddState();
  const uint32_t end = compiler.nfa.AddState();
  compiler.nfa.Accept(end);
  SOTTO_RETURN_IF_ERROR(compiler.Add(schema, "$", start, end));
  auto grammar = GrammarBuilder(compiler, max_states).Build(start);
  if (!grammar) return WithContext(grammar.error(), source);
  return grammar;
}

}  // namespace sotto
