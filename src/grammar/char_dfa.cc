#include "grammar/char_dfa.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "base/check.h"

namespace sotto {
namespace {

constexpr char32_t kLastChar = 0x10FFFF;
constexpr size_t kMaxWork = 2000000;

// Keeps the states from which an accepting one can be reached, renumbered; state 0 stays the start.
CharDfa Pruned(const CharDfa& dfa) {
  const size_t n = dfa.states.size();
  std::vector<std::vector<uint32_t>> before(n);
  std::vector<uint32_t> work;
  std::vector<bool> live(n, false);
  for (uint32_t s = 0; s < n; ++s) {
    for (const CharDfa::Edge& edge : dfa.states[s].edges) before[edge.to].push_back(s);
    if (dfa.states[s].accepting) live[s] = true, work.push_back(s);
  }
  while (!work.empty()) {
    const uint32_t s = work.back();
    work.pop_back();
    for (const uint32_t p : before[s]) {
      if (!live[p]) live[p] = true, work.push_back(p);
    }
  }
  CharDfa result;
  if (n == 0 || !live[0]) return result;
  std::vector<uint32_t> number(n, 0);
  uint32_t next = 0;
  for (uint32_t s = 0; s < n; ++s) {
    if (live[s]) number[s] = next++;
  }
  result.states.resize(next);
  for (uint32_t s = 0; s < n; ++s) {
    if (!live[s]) continue;
    CharDfa::State& state = result.states[number[s]];
    state.accepting = dfa.states[s].accepting;
    for (const CharDfa::Edge& edge : dfa.states[s].edges) {
      if (live[edge.to]) state.edges.push_back({edge.first, edge.last, number[edge.to]});
    }
  }
  return result;
}

// Adds [first, last] -> to, joined with the edge before it where they touch.
void Append(std::vector<CharDfa::Edge>& edges, char32_t first, char32_t last, uint32_t to) {
  if (!edges.empty() && edges.back().to == to && edges.back().last + 1 == first) {
    edges.back().last = last;
  } else {
    edges.push_back({first, last, to});
  }
}

}  // namespace

CharSet AnyChar() { return {{0, 0xD7FF}, {0xE000, kLastChar}}; }

CharSet Normalised(CharSet ranges) {
  CharSet cut;
  for (const CharRange& range : ranges) {
    if (range.first <= 0xD7FF) cut.push_back({range.first, std::min<char32_t>(range.last, 0xD7FF)});
    if (range.last >= 0xE000)
      cut.push_back({std::max<char32_t>(range.first, 0xE000), std::min(range.last, kLastChar)});
  }
  std::sort(cut.begin(), cut.end(), [](const CharRange& a, const CharRange& b) { return a.first < b.first; });
  CharSet result;
  for (const CharRange& range : cut) {
    if (range.first > range.last) continue;
    if (!result.empty() && range.first <= result.back().last + 1) {
      result.back().last = std::max(result.back().last, range.last);
    } else {
      result.push_back(range);
    }
  }
  return result;
}

CharSet Complement(const CharSet& set) {
  CharSet result;
  char32_t next = 0;
  for (const CharRange& range : set) {
    if (range.first > next) result.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLastChar) result.push_back({next, kLastChar});
  return Normalised(result);
}

void CharNfa::Close(std::vector<uint32_t>& set, std::vector<bool>& seen) const {
  for (const uint32_t s : set) seen[s] = true;
  for (size_t i = 0; i < set.size(); ++i) {
    for (const uint32_t to : states_[set[i]].epsilon) {
      if (!seen[to]) seen[to] = true, set.push_back(to);
    }
  }
  for (const uint32_t s : set) seen[s] = false;
  // Only what does something tells sets apart.
  std::erase_if(set, [&](uint32_t s) { return states_[s].edges.empty() && !states_[s].accepting; });
  std::sort(set.begin(), set.end());
  set.erase(std::unique(set.begin(), set.end()), set.end());
}

Result<CharDfa> CharNfa::Determinise(size_t max_states) const {
  SOTTO_CHECK(!states_.empty());
  CharDfa dfa;
  std::vector<bool> seen(states_.size(), false);
  size_t work = 0;  // set members looked at: bounds the time where few states have large sets
  std::map<std::vector<uint32_t>, uint32_t> numbers;
  std::vector<const std::vector<uint32_t>*> sets;
  const auto intern = [&](std::vector<uint32_t> set) {
    Close(set, seen);
    const auto [found, fresh] = numbers.emplace(std::move(set), static_cast<uint32_t>(dfa.states.size()));
    if (fresh) {
      dfa.states.emplace_back();
      sets.push_back(&found->first);
      for (const uint32_t s : found->first) dfa.states.back().accepting |= states_[s].accepting;
    }
    return found->second;
  };
  intern({0});
  for (uint32_t at = 0; at < sets.size(); ++at) {
    work += sets[at]->size();
    if (sets.size() > max_states || work > kMaxWork) {
      return MakeError(ErrorCode::kOutOfRange, "needs more than {} states", max_states);
    }
    std::vector<CharDfa::Edge> edges;
    std::vector<char32_t> cuts;
    for (const uint32_t s : *sets[at]) {
      for (const CharDfa::Edge& edge : states_[s].edges) {
        edges.push_back(edge);
        cuts.push_back(edge.first);
        cuts.push_back(edge.last + 1);
      }
    }
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    std::vector<CharDfa::Edge> merged;
    for (size_t i = 0; i + 1 < cuts.size(); ++i) {
      std::vector<uint32_t> targets;
      for (const CharDfa::Edge& edge : edges) {
        if (edge.first <= cuts[i] && edge.last >= cuts[i + 1] - 1) targets.push_back(edge.to);
      }
      if (!targets.empty()) Append(merged, cuts[i], cuts[i + 1] - 1, intern(std::move(targets)));
    }
    dfa.states[at].edges = std::move(merged);
  }
  return Pruned(dfa);
}

CharDfa LengthDfa(size_t min, std::optional<size_t> max) {
  CharDfa dfa;
  if (max && *max < min) return dfa;
  const size_t last = max.value_or(min);
  dfa.states.resize(last + 1);
  for (size_t i = 0; i <= last; ++i) {
    dfa.states[i].accepting = i >= min;
    const bool loop = i == last;
    if (loop && max) continue;
    const auto to = static_cast<uint32_t>(loop ? i : i + 1);
    for (const CharRange& range : AnyChar()) dfa.states[i].edges.push_back({range.first, range.last, to});
  }
  return dfa;
}

Result<CharDfa> Intersect(const CharDfa& a, const CharDfa& b, size_t max_states) {
  CharDfa result;
  if (a.IsEmpty() || b.IsEmpty()) return result;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> numbers;
  std::vector<std::pair<uint32_t, uint32_t>> pairs;
  const auto intern = [&](uint32_t x, uint32_t y) {
    const auto [found, fresh] = numbers.emplace(std::pair(x, y), static_cast<uint32_t>(pairs.size()));
    if (fresh) {
      pairs.emplace_back(x, y);
      result.states.emplace_back();
      result.states.back().accepting = a.states[x].accepting && b.states[y].accepting;
    }
    return found->second;
  };
  intern(0, 0);
  for (uint32_t at = 0; at < pairs.size(); ++at) {
    if (pairs.size() > max_states) {
      return MakeError(ErrorCode::kOutOfRange, "needs more than {} states", max_states);
    }
    const auto [x, y] = pairs[at];
    std::vector<CharDfa::Edge> edges;
    const auto& left = a.states[x].edges;
    const auto& right = b.states[y].edges;
    for (size_t i = 0, j = 0; i < left.size() && j < right.size();) {
      const char32_t first = std::max(left[i].first, right[j].first);
      const char32_t last = std::min(left[i].last, right[j].last);
      if (first <= last) Append(edges, first, last, intern(left[i].to, right[j].to));
      if (left[i].last < right[j].last) {
        ++i;
      } else {
        ++j;
      }
    }
    result.states[at].edges = std::move(edges);
  }
  return Pruned(result);
}

// ---- numbers ----

namespace {

constexpr size_t kMaxIntegerDigits = 15;

// The canonical decimals of this sign, without bounds.
CharNfa CanonicalNumber(int max_decimals) {
  CharNfa nfa;
  const uint32_t start = nfa.AddState();
  const uint32_t minus = nfa.AddState();
  const uint32_t zero = nfa.AddState();
  const uint32_t minus_zero = nfa.AddState();
  const uint32_t point = nfa.AddState();
  nfa.AddEdge(start, '-', '-', minus);
  nfa.AddEdge(start, '0', '0', zero);
  nfa.AddEdge(minus, '0', '0', minus_zero);
  nfa.Accept(zero);
  uint32_t before = nfa.AddState();
  nfa.AddEdge(start, '1', '9', before);
  nfa.AddEdge(minus, '1', '9', before);
  for (size_t i = 1; i <= kMaxIntegerDigits; ++i) {
    nfa.Accept(before);
    if (max_decimals > 0) nfa.AddEdge(before, '.', '.', point);
    if (i == kMaxIntegerDigits) break;
    const uint32_t next = nfa.AddState();
    nfa.AddEdge(before, '0', '9', next);
    before = next;
  }
  if (max_decimals <= 0) return nfa;
  nfa.AddEdge(zero, '.', '.', point);
  nfa.AddEdge(minus_zero, '.', '.', point);
  const uint32_t end = nfa.AddState();
  nfa.Accept(end);
  uint32_t at = point;
  for (int i = 0; i < max_decimals; ++i) {
    nfa.AddEdge(at, '1', '9', end);
    if (i + 1 == max_decimals) break;
    const uint32_t next = nfa.AddState();
    nfa.AddEdge(at, '0', '9', next);
    at = next;
  }
  return nfa;
}

struct Decimal {
  std::string whole;  // "0", "1250"
  std::string fraction;
};

Decimal ToDecimal(double value) {
  std::string text = fmt::format("{}", std::abs(value));
  if (text.find('e') != std::string::npos) text = fmt::format("{:.20f}", std::abs(value));
  const size_t point = text.find('.');
  Decimal decimal{text.substr(0, point), point == std::string::npos ? "" : text.substr(point + 1)};
  while (!decimal.fraction.empty() && decimal.fraction.back() == '0') decimal.fraction.pop_back();
  return decimal;
}

// Adds from `start`: the magnitudes above (or below) `bound`, of any syntax the canonical automaton then
// narrows.
class MagnitudeBound {
 public:
  MagnitudeBound(CharNfa& nfa, const Decimal& bound, bool above, bool exclusive)
      : nfa_(nfa), bound_(bound), above_(above), exclusive_(exclusive) {}

  void AddFrom(uint32_t start) {
    fraction_ = nfa_.AddState();  // any digits
    nfa_.Accept(fraction_);
    nfa_.AddEdge(fraction_, '0', '9', fraction_);
    AddOtherLengths(start);
    uint32_t tight = start;
    const size_t n = bound_.whole.size();
    for (size_t i = 0; i < n; ++i) {
      const char digit = bound_.whole[i];
      const uint32_t loose = Loose(n - i - 1);
      AddBeyond(tight, digit, loose);
      const uint32_t next = nfa_.AddState();
      nfa_.AddEdge(tight, Code(digit), Code(digit), next);
      tight = next;
    }
    AddFraction(tight);
  }

 private:
  static char32_t Code(char c) { return static_cast<char32_t>(c); }

  // Digits strictly on the allowed side of `digit`.
  void AddBeyond(uint32_t from, char digit, uint32_t to) {
    if (above_ && digit < '9') nfa_.AddEdge(from, Code(digit) + 1, '9', to);
    if (!above_ && digit > '0') nfa_.AddEdge(from, '0', Code(digit) - 1, to);
  }

  // Exactly `digits` more whole digits, then any fraction.
  uint32_t Loose(size_t digits) {
    uint32_t at = nfa_.AddState();
    const uint32_t first = at;
    for (size_t i = 0; i < digits; ++i) {
      const uint32_t next = nfa_.AddState();
      nfa_.AddEdge(at, '0', '9', next);
      at = next;
    }
    nfa_.Accept(at);
    nfa_.AddEdge(at, '.', '.', fraction_);
    return first;
  }

  void AddOtherLengths(uint32_t start) {
    const size_t n = bound_.whole.size();
    if (above_) {
      for (size_t length = n + 1; length <= kMaxIntegerDigits; ++length) {
        nfa_.AddEdge(start, '1', '9', Loose(length - 1));
      }
    } else {
      for (size_t length = 1; length < n; ++length) nfa_.AddEdge(start, '0', '9', Loose(length - 1));
    }
  }

  // Behind the bound's own whole digits: no fraction is the magnitude of its whole part.
  void AddFraction(uint32_t tight) {
    const std::string& fraction = bound_.fraction;
    const bool equal_whole = fraction.empty();
    if (equal_whole ? !exclusive_ : !above_) nfa_.Accept(tight);
    uint32_t at = nfa_.AddState();
    nfa_.AddEdge(tight, '.', '.', at);
    for (size_t i = 0; i < fraction.size(); ++i) {
      AddBeyond(at, fraction[i], fraction_);
      const uint32_t next = nfa_.AddState();
      nfa_.AddEdge(at, Code(fraction[i]), Code(fraction[i]), next);
      at = next;
      const bool last = i + 1 == fraction.size();
      if (last ? !exclusive_ : !above_) nfa_.Accept(at);
    }
    if (above_) nfa_.AddEdge(at, '0', '9', fraction_);  // longer: larger, as the last digit is not 0
  }

  CharNfa& nfa_;
  const Decimal& bound_;
  bool above_;
  bool exclusive_;
  uint32_t fraction_ = 0;
};

// All numbers x with x >= bound (above) or x <= bound.
CharNfa OneBound(double bound, bool above, bool exclusive) {
  CharNfa nfa;
  const uint32_t start = nfa.AddState();
  const uint32_t minus = nfa.AddState();
  const Decimal decimal = ToDecimal(bound);
  const bool negative = bound < 0;
  // The sign that lies wholly inside.
  const uint32_t any = nfa.AddState();
  nfa.AddEdge(any, '0', '9', any);
  nfa.AddEdge(any, '.', '.', any);
  nfa.Accept(any);
  if (above == negative) {
    nfa.AddEdge(start, above ? '0' : '-', above ? '9' : '-', any);
  }
  nfa.AddEdge(start, '-', '-', minus);
  if (negative) {
    MagnitudeBound(nfa, decimal, !above, exclusive).AddFrom(minus);
  } else {
    if (!above) nfa.AddEdge(start, '-', '-', any);
    MagnitudeBound(nfa, decimal, above, exclusive).AddFrom(start);
  }
  return nfa;
}

}  // namespace

Result<CharDfa> NumberDfa(const NumberBounds& bounds, size_t max_states) {
  SOTTO_ASSIGN_OR_RETURN(CharDfa dfa, CanonicalNumber(bounds.max_decimals).Determinise(max_states));
  if (bounds.minimum) {
    SOTTO_ASSIGN_OR_RETURN(const CharDfa low,
                           OneBound(*bounds.minimum, true, bounds.exclusive_minimum).Determinise(max_states));
    SOTTO_ASSIGN_OR_RETURN(dfa, Intersect(dfa, low, max_states));
  }
  if (bounds.maximum) {
    SOTTO_ASSIGN_OR_RETURN(
        const CharDfa high,
        OneBound(*bounds.maximum, false, bounds.exclusive_maximum).Determinise(max_states));
    SOTTO_ASSIGN_OR_RETURN(dfa, Intersect(dfa, high, max_states));
  }
  return dfa;
}

}  // namespace sotto
