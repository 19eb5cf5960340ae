#include "grammar/byte_nfa.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <tuple>

#include "base/check.h"

namespace sotto {
namespace {

constexpr char32_t kControlEnd = 0x1F;
constexpr std::string_view kHex = "0123456789abcdef";

// The letter of a control character that has a short escape, or 0.
char ShortEscape(char32_t c) {
  switch (c) {
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return 0;
  }
}

size_t Utf8Length(char32_t c) { return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4; }

std::array<uint8_t, 4> Utf8(char32_t c) {
  const auto tail = [&](int shift) { return static_cast<uint8_t>(0x80 | ((c >> shift) & 0x3F)); };
  switch (Utf8Length(c)) {
    case 1:
      return {static_cast<uint8_t>(c), 0, 0, 0};
    case 2:
      return {static_cast<uint8_t>(0xC0 | (c >> 6)), tail(0), 0, 0};
    case 3:
      return {static_cast<uint8_t>(0xE0 | (c >> 12)), tail(6), tail(0), 0};
    default:
      return {static_cast<uint8_t>(0xF0 | (c >> 18)), tail(12), tail(6), tail(0)};
  }
}

}  // namespace

struct ByteNfa::Spelling {
  std::map<std::tuple<uint8_t, uint8_t, uint32_t>, uint32_t> tails;
  // (state, target) -> the state behind the backslash, and the one behind "\u00".
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> escapes;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> unicode;
};

uint32_t ByteNfa::AddLiteral(uint32_t from, std::string_view bytes) {
  for (const char c : bytes) {
    const uint32_t next = AddState();
    AddEdge(from, static_cast<uint8_t>(c), static_cast<uint8_t>(c), next);
    from = next;
  }
  return from;
}

void ByteNfa::AddPlain(uint32_t from, const CharDfa& dfa, uint32_t to) {
  if (dfa.IsEmpty()) return;
  const auto base = static_cast<uint32_t>(states_.size());
  states_.resize(states_.size() + dfa.states.size());
  AddEpsilon(from, base);
  for (uint32_t s = 0; s < dfa.states.size(); ++s) {
    for (const CharDfa::Edge& edge : dfa.states[s].edges) {
      SOTTO_CHECK(edge.last < 0x80);
      AddEdge(base + s, static_cast<uint8_t>(edge.first), static_cast<uint8_t>(edge.last), base + edge.to);
    }
    if (dfa.states[s].accepting) AddEpsilon(base + s, to);
  }
}

void ByteNfa::AddString(uint32_t from, const CharDfa& dfa, uint32_t to) {
  if (dfa.IsEmpty()) return;
  const auto base = static_cast<uint32_t>(states_.size());
  states_.resize(states_.size() + dfa.states.size());
  AddEdge(from, '"', '"', base);
  Spelling spelling;
  for (uint32_t s = 0; s < dfa.states.size(); ++s) {
    for (const CharDfa::Edge& edge : dfa.states[s].edges) {
      AddChars(spelling, base + s, {edge.first, edge.last}, base + edge.to);
    }
    if (dfa.states[s].accepting) AddEdge(base + s, '"', '"', to);
    spelling.escapes.clear();
    spelling.unicode.clear();
  }
}

uint32_t ByteNfa::Tail(Spelling& spelling, uint8_t first, uint8_t last, uint32_t to) {
  const auto key = std::tuple(first, last, to);
  if (const auto found = spelling.tails.find(key); found != spelling.tails.end()) return found->second;
  const uint32_t state = AddState();
  AddEdge(state, first, last, to);
  spelling.tails.emplace(key, state);
  return state;
}

void ByteNfa::AddChars(Spelling& spelling, uint32_t from, CharRange range, uint32_t to) {
  AddEscapes(spelling, from, range, to);
  // What is spelled raw, cut where the number of bytes changes and at the surrogates.
  static constexpr CharRange kRaw[] = {
      {kControlEnd + 1, '"' - 1}, {'"' + 1, '\\' - 1}, {'\\' + 1, 0x7F}, {0x80, 0x7FF}, {0x800, 0xD7FF},
      {0xE000, 0xFFFF},           {0x10000, 0x10FFFF}};
  for (const CharRange& raw : kRaw) {
    const CharRange part{std::max(range.first, raw.first), std::min(range.last, raw.last)};
    if (part.first <= part.last) AddUtf8(spelling, from, part, to);
  }
}

void ByteNfa::AddEscapes(Spelling& spelling, uint32_t from, CharRange range, uint32_t to) {
  const auto escaped = [&] {
    auto& state = spelling.escapes[{from, to}];
    if (state == 0) {
      state = AddState();
      AddEdge(from, '\\', '\\', state);
    }
    return state;
  };
  const auto letter = [&](char c) {
    AddEdge(escaped(), static_cast<uint8_t>(c), static_cast<uint8_t>(c), to);
  };
  if (range.first <= '"' && range.last >= '"') letter('"');
  if (range.first <= '\\' && range.last >= '\\') letter('\\');
  for (char32_t c = range.first; c <= std::min(range.last, kControlEnd); ++c) {
    if (const char name = ShortEscape(c); name != 0) {
      letter(name);
      continue;
    }
    uint32_t& high = spelling.unicode[{from, to}];
    if (high == 0) high = AddLiteral(escaped(), "u00");
    const auto low = static_cast<uint8_t>(kHex[c & 15]);
    const uint32_t tail = Tail(spelling, low, low, to);
    AddEdge(high, static_cast<uint8_t>(kHex[c >> 4]), static_cast<uint8_t>(kHex[c >> 4]), tail);
  }
}

// `range` has one number of bytes. Splits it where continuation bytes do not run through all of 80..BF
// (https://github.com/google/re2, utf8-ranges).
void ByteNfa::AddUtf8(Spelling& spelling, uint32_t from, CharRange range, uint32_t to) {
  const size_t length = Utf8Length(range.first);
  for (size_t i = 1; i < length; ++i) {
    const char32_t mask = (char32_t{1} << (6 * i)) - 1;
    if ((range.first & ~mask) == (range.last & ~mask)) continue;
    if ((range.first & mask) != 0) {
      AddUtf8(spelling, from, {range.first, range.first | mask}, to);
      AddUtf8(spelling, from, {(range.first | mask) + 1, range.last}, to);
      return;
    }
    if ((range.last & mask) != mask) {
      AddUtf8(spelling, from, {range.first, (range.last & ~mask) - 1}, to);
      AddUtf8(spelling, from, {range.last & ~mask, range.last}, to);
      return;
    }
  }
  const std::array<uint8_t, 4> first = Utf8(range.first);
  const std::array<uint8_t, 4> last = Utf8(range.last);
  for (size_t i = length - 1; i > 0; --i) to = Tail(spelling, first[i], last[i], to);
  AddEdge(from, first[0], last[0], to);
}

bool ByteNfa::MayOverlap(uint32_t a, uint32_t a_end, uint32_t b, uint32_t b_end) const {
  constexpr size_t kMaxPairs = 200000;
  std::set<std::pair<uint32_t, uint32_t>> seen{{a, b}};
  std::vector<std::pair<uint32_t, uint32_t>> work{{a, b}};
  const auto reach = [&](uint32_t x, uint32_t y) {
    if (seen.emplace(x, y).second) work.emplace_back(x, y);
  };
  while (!work.empty()) {
    const auto [x, y] = work.back();
    work.pop_back();
    if ((x == a_end && y == b_end) || seen.size() > kMaxPairs) return true;
    const State& left = states_[x];
    const State& right = states_[y];
    if (x != a_end) {
      for (const uint32_t to : left.epsilon) reach(to, y);
    }
    if (y != b_end) {
      for (const uint32_t to : right.epsilon) reach(x, to);
    }
    if (x == a_end || y == b_end) continue;
    const bool left_calls = !left.calls.empty();
    const bool right_calls = !right.calls.empty();
    if ((left_calls && (right_calls || !right.edges.empty())) || (right_calls && !left.edges.empty()))
      return true;
    for (const Edge& p : left.edges) {
      for (const Edge& q : right.edges) {
        if (p.first <= q.last && q.first <= p.last) reach(p.to, q.to);
      }
    }
  }
  return false;
}

}  // namespace sotto
