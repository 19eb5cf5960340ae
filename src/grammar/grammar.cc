#include "grammar/grammar.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>

#include "base/check.h"
#include "grammar/schema.h"

namespace sotto {
namespace {

uint64_t Hash(uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3u;
  return (hash ^ 0xFF) * 0x100000001B3u;
}
constexpr uint64_t kHashSeed = 0xCBF29CE484222325u;
// Part of every hash: raise it when the same schema compiles to another automaton.
constexpr std::string_view kFormatVersion = "sotto-grammar-1";

}  // namespace

struct Grammar::LivenessCache {
  static constexpr size_t kMax = 256;
  std::mutex mutex;
  uint64_t next_key = 1;
  std::map<std::pair<std::vector<bool>, std::vector<bool>>, std::shared_ptr<const Liveness>> found;
};

// Subset construction over all rules of a ByteNfa.
class GrammarBuilder {
 public:
  GrammarBuilder(const SchemaCompiler& compiler, size_t max_states)
      : nfa_(compiler.nfa), rules_(compiler.rules), max_states_(max_states) {}

  Result<std::shared_ptr<Grammar>> Build(uint32_t start, std::vector<std::string> holes,
                                         std::vector<std::string> tools, uint64_t hash) {
    grammar_ = std::make_shared<Grammar>();
    grammar_->holes_ = std::move(holes);
    grammar_->tools_ = std::move(tools);
    grammar_->hash_ = hash;
    grammar_->liveness_ = std::make_shared<Grammar::LivenessCache>();
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
    Finish();
    if (LeftRecursive()) {
      return MakeError(ErrorCode::kInvalidArgument, "a $ref refers to itself without a value in between");
    }
    Index();
    return grammar_;
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
      return state.edges.empty() && state.calls.empty() && !state.accepting && state.gate < 0;
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
    std::map<std::pair<bool, uint32_t>, std::vector<uint32_t>> calls;
    for (const uint32_t s : set) {
      for (const ByteNfa::Edge& edge : nfa_.state(s).edges) {
        const size_t last = grammar_->byte_class_[edge.last];
        for (size_t c = grammar_->byte_class_[edge.first]; c <= last; ++c) {
          if (by_class_[c].empty()) touched.push_back(c);
          by_class_[c].push_back(edge.to);
        }
      }
      for (const ByteNfa::Call& call : nfa_.state(s).calls)
        calls[{call.is_hole, call.target}].push_back(call.next);
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
    for (auto& [key, next] : calls) {
      const uint32_t target = key.first ? key.second : key.second + 1;  // rule 0 is the start rule
      const StateId after = Intern(std::move(next));
      calls_[state].push_back({key.first, target, after});
    }
  }

  void Finish() {
    Grammar& g = *grammar_;
    g.n_states_ = sets_.size();
    g.transitions_ = std::move(rows_);
    g.flags_.assign(g.n_states_, 0);
    g.gates_.assign(g.n_states_, -1);
    g.call_begin_.assign(1, 0);
    for (StateId state = 0; state < g.n_states_; ++state) {
      for (const uint32_t s : sets_[state]) {
        if (nfa_.state(s).accepting) g.flags_[state] |= Grammar::kAccepting;
        g.gates_[state] = std::max(g.gates_[state], nfa_.state(s).gate);
      }
      const auto row = g.row(state);
      if (std::any_of(row.begin(), row.end(), [](StateId to) { return to != kDeadState; })) {
        g.flags_[state] |= Grammar::kHasBytes;
      }
      if (!calls_[state].empty()) g.flags_[state] |= Grammar::kHasCalls;
      for (const Grammar::CallEdge& call : calls_[state]) {
        g.calls_.push_back(call);
        g.call_owner_.push_back(state);
      }
      g.call_begin_.push_back(static_cast<uint32_t>(g.calls_.size()));
    }
  }

  // Does a rule reach its own start without reading a byte?
  bool LeftRecursive() const {
    const Grammar& g = *grammar_;
    for (uint32_t rule = 0; rule < g.n_rules(); ++rule) {
      std::set<uint32_t> seen;
      std::vector<uint32_t> work{rule};
      while (!work.empty()) {
        const uint32_t at = work.back();
        work.pop_back();
        for (const Grammar::CallEdge& call : g.calls(g.rule_starts_[at])) {
          if (call.is_hole) continue;
          if (call.target == rule) return true;
          if (seen.insert(call.target).second) work.push_back(call.target);
        }
      }
    }
    return false;
  }

  void Index() {
    Grammar& g = *grammar_;
    std::vector<std::pair<StateId, StateId>> edges;  // (to, from)
    for (StateId state = 1; state < g.n_states_; ++state) {
      StateId previous = kDeadState;
      for (const StateId to : g.row(state)) {
        if (to != kDeadState && to != previous) edges.emplace_back(to, state);
        previous = to;
      }
    }
    std::sort(edges.begin(), edges.end());
    edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
    g.before_begin_.assign(g.n_states_ + 1, 0);
    for (const auto& [to, from] : edges) ++g.before_begin_[to + 1];
    for (size_t i = 1; i <= g.n_states_; ++i) g.before_begin_[i] += g.before_begin_[i - 1];
    for (const auto& [to, from] : edges) g.before_.push_back(from);
    g.callers_.resize(g.n_rules());
    for (uint32_t i = 0; i < g.calls_.size(); ++i) {
      g.returns_.emplace_back(g.calls_[i].next, i);
      if (!g.calls_[i].is_hole) g.callers_[g.calls_[i].target].push_back(i);
    }
    std::sort(g.returns_.begin(), g.returns_.end());
    const std::vector<bool> open_holes(g.n_holes(), false);
    const std::vector<bool> open_tools(g.tools_.size(), false);
    auto base = std::make_shared<Liveness>(g.ComputeLiveness(open_holes, open_tools));
    base->key = 0;
    const Liveness worst =
        g.ComputeLiveness(std::vector<bool>(g.n_holes(), true), std::vector<bool>(g.tools_.size(), true));
    g.fragile_.assign(g.n_states_, 0);
    for (size_t s = 0; s < g.n_states_; ++s) g.fragile_[s] = base->live[s] != worst.live[s];
    g.liveness_->found.emplace(std::pair(open_holes, open_tools), std::move(base));
  }

  struct SetHash {
    size_t operator()(const std::vector<uint32_t>& set) const {
      uint64_t hash = kHashSeed;
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

// Backwards from the accepting states; a call edge counts once its callee and its return state are live.
Liveness Grammar::ComputeLiveness(const std::vector<bool>& empty_holes,
                                  const std::vector<bool>& closed_tools) const {
  Liveness result;
  result.live.assign(n_states_, 0);
  result.rule_live.assign(n_rules(), 0);
  std::vector<StateId> work;
  const auto mark = [&](StateId state) {
    if (result.live[state] != 0 || state == kDeadState) return;
    if (gates_[state] >= 0 && closed_tools[static_cast<size_t>(gates_[state])]) return;
    result.live[state] = 1;
    work.push_back(state);
  };
  for (StateId state = 1; state < n_states_; ++state) {
    if (IsAccepting(state)) mark(state);
  }
  while (!work.empty()) {
    const StateId state = work.back();
    work.pop_back();
    for (uint32_t i = before_begin_[state]; i < before_begin_[state + 1]; ++i) mark(before_[i]);
    auto at = std::lower_bound(returns_.begin(), returns_.end(), std::pair(state, uint32_t{0}));
    for (; at != returns_.end() && at->first == state; ++at) {
      const CallEdge& call = calls_[at->second];
      const bool open = call.is_hole ? !empty_holes[call.target] : result.rule_live[call.target] != 0;
      if (open) mark(call_owner_[at->second]);
    }
    for (uint32_t rule = 0; rule < n_rules(); ++rule) {
      if (rule_starts_[rule] != state || result.rule_live[rule] != 0) continue;
      result.rule_live[rule] = 1;
      for (const uint32_t call : callers_[rule]) {
        if (result.live[calls_[call].next] != 0) mark(call_owner_[call]);
      }
    }
  }
  return result;
}

std::shared_ptr<const Liveness> Grammar::FindLiveness(const std::vector<bool>& empty_holes,
                                                      const std::vector<bool>& closed_tools) const {
  SOTTO_CHECK(empty_holes.size() == n_holes() && closed_tools.size() == tools_.size());
  const std::lock_guard lock(liveness_->mutex);
  auto key = std::pair(empty_holes, closed_tools);
  if (const auto found = liveness_->found.find(key); found != liveness_->found.end()) return found->second;
  if (liveness_->found.size() >= LivenessCache::kMax) {
    std::erase_if(liveness_->found, [](const auto& entry) { return entry.second->key != 0; });
  }
  auto liveness = std::make_shared<Liveness>(ComputeLiveness(empty_holes, closed_tools));
  liveness->key = liveness_->next_key++;
  liveness_->found.emplace(std::move(key), liveness);
  return liveness;
}

int Grammar::FindHole(std::string_view name) const {
  const auto found = std::find(holes_.begin(), holes_.end(), name);
  return found == holes_.end() ? -1 : static_cast<int>(found - holes_.begin());
}

int Grammar::FindTool(std::string_view name) const {
  const auto found = std::find(tools_.begin(), tools_.end(), name);
  return found == tools_.end() ? -1 : static_cast<int>(found - tools_.begin());
}

Result<std::shared_ptr<const Grammar>> Grammar::FromSchema(const Json& schema, std::string_view source,
                                                           const GrammarOptions& options) {
  SchemaCompiler compiler(options.max_states, options.holes);
  SOTTO_RETURN_IF_ERROR(compiler.SetDocument(schema, std::string(source)));
  const uint32_t start = compiler.nfa.AddState();
  const uint32_t end = compiler.nfa.AddState();
  compiler.nfa.Accept(end);
  SOTTO_RETURN_IF_ERROR(compiler.Add(schema, "$", start, end));
  const uint64_t hash =
      Hash(Hash(kHashSeed, kFormatVersion), schema.dump(-1, ' ', false, Json::error_handler_t::replace));
  Result<std::shared_ptr<Grammar>> grammar =
      GrammarBuilder(compiler, options.max_states).Build(start, compiler.hole_names, {}, hash);
  if (!grammar) return WithContext(grammar.error(), source);
  if ((*grammar)
          ->FindLiveness(std::vector<bool>((*grammar)->n_holes(), false), {})
          ->live[(*grammar)->start()] == 0) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: $: no text satisfies the schema", source);
  }
  return *grammar;
}

namespace {

// Adds one tool; its JSON spelling leads from `from` to `to`.
Result<void> AddTool(SchemaCompiler& compiler, const ToolSpec& tool, const ToolGrammarOptions& options,
                     int gate, uint32_t from, uint32_t to) {
  const std::string source = fmt::format("tool '{}'", tool.name);
  SOTTO_RETURN_IF_ERROR(compiler.SetDocument(tool.parameters, source));
  if (tool.name.empty()) return MakeError(ErrorCode::kInvalidArgument, "{}: a tool needs a name", source);
  if (!tool.parameters.is_object() ||
      (tool.parameters.contains("type") && tool.parameters.at("type") != Json("object"))) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: $: parameters must be an object schema", source);
  }
  for (const auto& [key, value] : tool.parameters.items()) {
    static const std::set<std::string> known = {"type",    "properties",  "required", "additionalProperties",
                                                "$defs",   "definitions", "title",    "description",
                                                "$schema", "$id",         "strict",   "examples",
                                                "default", "$comment"};
    if (known.contains(key) || key.starts_with("x-")) continue;
    return MakeError(ErrorCode::kUnsupported, "{}: $.{}: keyword '{}' is not supported for arguments", source,
                     key, key);
  }
  ByteNfa& nfa = compiler.nfa;
  const std::string open =
      options.before_call + "{" + CanonicalJson(options.name_key) + ": " + CanonicalJson(tool.name);
  const uint32_t named = nfa.AddLiteral(from, open);
  nfa.SetGate(named, gate);
  const uint32_t arguments = nfa.AddLiteral(named, ", " + CanonicalJson(options.arguments_key) + ": ");
  SchemaCompiler::ObjectOptions object;
  object.all_optional = options.arguments_optional;
  object.hole_prefix = tool.name + ".";
  if (options.is_hole) object.is_hole = [&](const std::string& name) { return options.is_hole(tool, name); };
  const uint32_t closed = nfa.AddState();
  SOTTO_RETURN_IF_ERROR(compiler.AddObject(tool.parameters, "$", object, arguments, closed));
  nfa.AddEpsilon(nfa.AddLiteral(closed, "}" + options.after_call), to);
  return {};
}

// Does this tool compile alone, to something? Keeps a bad one out of the common automaton.
Result<void> CheckTool(const ToolSpec& tool, const ToolGrammarOptions& options) {
  SchemaCompiler compiler(options.max_states, true);
  const uint32_t start = compiler.nfa.AddState();
  const uint32_t end = compiler.nfa.AddState();
  compiler.nfa.Accept(end);
  SOTTO_RETURN_IF_ERROR(AddTool(compiler, tool, options, 0, start, end));
  Result<std::shared_ptr<Grammar>> grammar =
      GrammarBuilder(compiler, options.max_states).Build(start, compiler.hole_names, {tool.name}, 0);
  if (!grammar) return WithContext(grammar.error(), fmt::format("tool '{}'", tool.name));
  const auto liveness = (*grammar)->FindLiveness(std::vector<bool>((*grammar)->n_holes(), false), {false});
  if (liveness->live[(*grammar)->start()] == 0) {
    return MakeError(ErrorCode::kInvalidArgument, "tool '{}': $: no text satisfies the schema", tool.name);
  }
  return {};
}

uint64_t ToolsHash(std::span<const ToolSpec> tools, const ToolGrammarOptions& options,
                   const std::vector<std::string>& holes) {
  uint64_t hash = Hash(kHashSeed, kFormatVersion);
  for (const ToolSpec& tool : tools) {
    hash = Hash(Hash(hash, tool.name), tool.parameters.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  for (const std::string& hole : holes) hash = Hash(hash, hole);
  hash = Hash(hash, fmt::format("{}{}", options.arguments_optional, options.several_calls));
  for (const std::string* text : {&options.before_call, &options.after_call, &options.between_calls,
                                  &options.name_key, &options.arguments_key}) {
    hash = Hash(hash, *text);
  }
  return hash;
}

}  // namespace

Result<ToolGrammar> CompileTools(std::span<const ToolSpec> tools, const ToolGrammarOptions& options) {
  if (tools.empty()) return MakeError(ErrorCode::kInvalidArgument, "no tools");
  std::set<std::string_view> names;
  for (const ToolSpec& tool : tools) {
    if (!names.insert(tool.name).second) {
      return MakeError(ErrorCode::kInvalidArgument, "tool '{}' is there twice", tool.name);
    }
  }
  ToolGrammar result;
  SchemaCompiler compiler(options.max_states, true);
  const uint32_t start = compiler.nfa.AddState();
  const uint32_t end = compiler.nfa.AddState();
  compiler.nfa.Accept(end);
  std::vector<std::string> offered;
  for (const ToolSpec& tool : tools) {
    Result<void> checked = CheckTool(tool, options);
    if (checked) {
      checked = AddTool(compiler, tool, options, static_cast<int>(offered.size()), start, end);
    }
    if (checked) {
      offered.push_back(tool.name);
    } else {
      result.refused.push_back({tool.name, checked.error()});
    }
  }
  if (offered.empty()) {
    return WithContext(result.refused[0].error, "no tool is left");
  }
  if (options.several_calls)
    compiler.nfa.AddEpsilon(compiler.nfa.AddLiteral(end, options.between_calls), start);
  const uint64_t hash = ToolsHash(tools, options, compiler.hole_names);
  SOTTO_ASSIGN_OR_RETURN(result.grammar, GrammarBuilder(compiler, options.max_states)
                                             .Build(start, compiler.hole_names, std::move(offered), hash));
  return result;
}

}  // namespace sotto
