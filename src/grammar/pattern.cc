// Regular expressions of JSON Schema's `pattern` and the patterns of `format` (grammar/char_dfa.h).
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "grammar/char_dfa.h"

namespace sotto {
namespace {

constexpr int kUnbounded = -1;
constexpr int kMaxRepeat = 1000;
constexpr size_t kMaxNfaStates = 20000;
constexpr int kMaxPatternDepth = 100;

struct Node {
  enum class Type { kSet, kConcat, kAlternatives, kRepeat };
  Type type = Type::kConcat;
  CharSet set;
  std::vector<Node> children;
  int min = 0;
  int max = 0;  // kUnbounded
};

const CharSet& Digits() {
  static const CharSet set = {{'0', '9'}};
  return set;
}
const CharSet& WordChars() {
  static const CharSet set = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
  return set;
}
const CharSet& Spaces() {
  static const CharSet set = Normalised({{'\t', '\r'},
                                         {' ', ' '},
                                         {0xA0, 0xA0},
                                         {0x1680, 0x1680},
                                         {0x2000, 0x200A},
                                         {0x2028, 0x2029},
                                         {0x202F, 0x202F},
                                         {0x205F, 0x205F},
                                         {0x3000, 0x3000},
                                         {0xFEFF, 0xFEFF}});
  return set;
}

class Parser {
 public:
  explicit Parser(std::string_view pattern) : pattern_(pattern) {}

  // The alternatives at the top, each with whether it is anchored at its ends.
  struct Top {
    Node node;
    bool at_start = false;
    bool at_end = false;
  };

  Result<std::vector<Top>> Parse() {
    std::vector<Top> alternatives;
    do {
      Top top;
      top.at_start = Take('^');
      SOTTO_ASSIGN_OR_RETURN(top.node, Concat(0));
      top.at_end = Take('$');
      alternatives.push_back(std::move(top));
    } while (Take('|'));
    if (at_ < pattern_.size()) return Wrong("unexpected character");
    return alternatives;
  }

 private:
  tl::unexpected<Error> Wrong(std::string_view what) const {
    return MakeError(ErrorCode::kUnsupported, "pattern '{}': {} at position {}", pattern_, what, at_ + 1);
  }

  bool More() const { return at_ < pattern_.size(); }
  bool Is(char c) const { return More() && pattern_[at_] == c; }
  bool Take(char c) {
    if (!Is(c)) return false;
    ++at_;
    return true;
  }

  Result<Node> Alternatives(int depth) {
    Node node;
    node.type = Node::Type::kAlternatives;
    do {
      SOTTO_ASSIGN_OR_RETURN(Node child, Concat(depth));
      node.children.push_back(std::move(child));
    } while (Take('|'));
    return node;
  }

  Result<Node> Concat(int depth) {
    Node node;
    while (More() && !Is('|') && !Is(')') &&
           !(Is('$') && (at_ + 1 == pattern_.size() || pattern_[at_ + 1] == '|'))) {
      SOTTO_ASSIGN_OR_RETURN(Node child, Repeat(depth));
      node.children.push_back(std::move(child));
    }
    return node;
  }

  Result<Node> Repeat(int depth) {
    SOTTO_ASSIGN_OR_RETURN(Node atom, Atom(depth));
    while (More()) {
      int min = 0;
      int max = kUnbounded;
      if (Take('*')) {
      } else if (Take('+')) {
        min = 1;
      } else if (Take('?')) {
        max = 1;
      } else if (Is('{') && at_ + 1 < pattern_.size() && pattern_[at_ + 1] >= '0' &&
                 pattern_[at_ + 1] <= '9') {
        ++at_;
        SOTTO_ASSIGN_OR_RETURN(min, Integer());
        max = min;
        if (Take(',')) {
          max = kUnbounded;
          if (!Is('}')) {
            SOTTO_ASSIGN_OR_RETURN(max, Integer());
          }
        }
        if (!Take('}')) return Wrong("'}' is missing");
        if (max != kUnbounded && max < min) return Wrong("quantifier with maximum below minimum");
      } else {
        break;
      }
      Take('?');  // lazy: the same language
      Node node;
      node.type = Node::Type::kRepeat;
      node.min = min;
      node.max = max;
      node.children.push_back(std::move(atom));
      atom = std::move(node);
    }
    return atom;
  }

  Result<int> Integer() {
    int value = 0;
    const size_t begin = at_;
    while (More() && pattern_[at_] >= '0' && pattern_[at_] <= '9') {
      value = value * 10 + (pattern_[at_++] - '0');
      if (value > kMaxRepeat) return Wrong("quantifier above 1000");
    }
    if (at_ == begin) return Wrong("a number is missing");
    return value;
  }

  static Node SetNode(CharSet set) {
    Node node;
    node.type = Node::Type::kSet;
    node.set = Normalised(std::move(set));
    return node;
  }

  Result<Node> Atom(int depth) {
    if (depth > kMaxPatternDepth) return Wrong("nested too deep");
    if (Take('(')) {
      if (Take('?')) {
        if (Take('<')) {
          if (Is('=') || Is('!')) return Wrong("look-around");
          while (More() && !Is('>')) ++at_;
          if (!Take('>')) return Wrong("'>' is missing");
        } else if (!Take(':')) {
          return Wrong("look-around or flags");
        }
      }
      SOTTO_ASSIGN_OR_RETURN(Node node, Alternatives(depth + 1));
      if (!Take(')')) return Wrong("')' is missing");
      return node;
    }
    if (Take('.')) return SetNode(Complement(Normalised({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}})));
    if (Take('[')) return Class();
    if (Is('^') || Is('$')) return Wrong("anchor inside");
    if (Is('*') || Is('+') || Is('?')) return Wrong("nothing to repeat");
    if (Take('\\')) {
      SOTTO_ASSIGN_OR_RETURN(CharSet set, Escape(false));
      return SetNode(std::move(set));
    }
    SOTTO_ASSIGN_OR_RETURN(const char32_t c, Char());
    return SetNode({{c, c}});
  }

  // One UTF-8 character of the pattern.
  Result<char32_t> Char() {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(pattern_[i]); };
    const uint8_t first = byte(at_);
    const size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (at_ + length > pattern_.size()) return Wrong("invalid UTF-8");
    char32_t c = length == 1 ? first : first & (0x7Fu >> length);
    for (size_t i = 1; i < length; ++i) c = (c << 6) | (byte(at_ + i) & 0x3Fu);
    at_ += length;
    return c;
  }

  Result<char32_t> Hex(int digits) {
    char32_t value = 0;
    for (int i = 0; i < digits; ++i) {
      if (!More()) return Wrong("hexadecimal digits are missing");
      const char c = pattern_[at_];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return Wrong("hexadecimal digits are missing");
      value = value * 16 + static_cast<char32_t>(digit);
      ++at_;
    }
    return value;
  }

  // Behind a backslash.
  Result<CharSet> Escape(bool in_class) {
    if (!More()) return Wrong("backslash at the end");
    const char c = pattern_[at_++];
    const auto one = [](char32_t code) { return CharSet{{code, code}}; };
    switch (c) {
      case 'd':
        return Digits();
      case 'D':
        return Complement(Digits());
      case 'w':
        return WordChars();
      case 'W':
        return Complement(WordChars());
      case 's':
        return Spaces();
      case 'S':
        return Complement(Spaces());
      case 't':
        return one('\t');
      case 'n':
        return one('\n');
      case 'r':
        return one('\r');
      case 'f':
        return one('\f');
      case 'v':
        return one('\v');
      case '0':
        return one(0);
      case 'x': {
        SOTTO_ASSIGN_OR_RETURN(const char32_t code, Hex(2));
        return one(code);
      }
      case 'u':
        return UnicodeEscape();
      case 'b':
        if (in_class) return one('\b');
        break;
      default:
        break;
    }
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter) {
      --at_;
      return Wrong("escape that is not supported");
    }
    --at_;
    SOTTO_ASSIGN_OR_RETURN(const char32_t code, Char());
    return one(code);
  }

  Result<CharSet> UnicodeEscape() {
    SOTTO_ASSIGN_OR_RETURN(char32_t code, Hex(4));
    const bool high = code >= 0xD800 && code <= 0xDBFF;
    if (high && pattern_.substr(at_).starts_with("\\u")) {
      at_ += 2;
      SOTTO_ASSIGN_OR_RETURN(const char32_t low, Hex(4));
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    return CharSet{{code, code}};
  }

  // Behind '['.
  Result<Node> Class() {
    const bool negated = Take('^');
    CharSet set;
    while (More() && !Is(']')) {
      SOTTO_ASSIGN_OR_RETURN(CharSet item, ClassItem());
      const bool range = Is('-') && at_ + 1 < pattern_.size() && pattern_[at_ + 1] != ']';
      if (range && item.size() == 1 && item[0].first == item[0].last) {
        ++at_;
        SOTTO_ASSIGN_OR_RETURN(const CharSet last, ClassItem());
        if (last.size() != 1 || last[0].first != last[0].last || last[0].first < item[0].first) {
          return Wrong("range that is not in order");
        }
        item[0].last = last[0].first;
      }
      set.insert(set.end(), item.begin(), item.end());
    }
    if (!Take(']')) return Wrong("']' is missing");
    set = Normalised(std::move(set));
    return SetNode(negated ? Complement(set) : set);
  }

  Result<CharSet> ClassItem() {
    if (Take('\\')) return Escape(true);
    SOTTO_ASSIGN_OR_RETURN(const char32_t c, Char());
    return CharSet{{c, c}};
  }

  std::string_view pattern_;
  size_t at_ = 0;
};

class NfaBuilder {
 public:
  // False when the automaton grew too large.
  bool Add(const Node& node, uint32_t from, uint32_t to) {
    if (nfa.size() > kMaxNfaStates) return false;
    switch (node.type) {
      case Node::Type::kSet:
        for (const CharRange& range : node.set) nfa.AddEdge(from, range.first, range.last, to);
        return true;
      case Node::Type::kConcat:
        for (const Node& child : node.children) {
          const uint32_t next = nfa.AddState();
          if (!Add(child, from, next)) return false;
          from = next;
        }
        nfa.AddEpsilon(from, to);
        return true;
      case Node::Type::kAlternatives:
        return std::all_of(node.children.begin(), node.children.end(),
                           [&](const Node& child) { return Add(child, from, to); });
      case Node::Type::kRepeat:
        return AddRepeat(node, from, to);
    }
    return false;
  }

  CharNfa nfa;

 private:
  bool AddRepeat(const Node& node, uint32_t from, uint32_t to) {
    const Node& child = node.children[0];
    for (int i = 0; i < node.min; ++i) {
      const uint32_t next = nfa.AddState();
      if (!Add(child, from, next)) return false;
      from = next;
    }
    if (node.max == kUnbounded) {
      const uint32_t loop = nfa.AddState();
      const uint32_t back = nfa.AddState();
      nfa.AddEpsilon(from, loop);
      if (!Add(child, loop, back)) return false;
      nfa.AddEpsilon(back, loop);
      nfa.AddEpsilon(loop, to);
      return true;
    }
    for (int i = node.min; i < node.max; ++i) {
      nfa.AddEpsilon(from, to);
      const uint32_t next = nfa.AddState();
      if (!Add(child, from, next)) return false;
      from = next;
    }
    nfa.AddEpsilon(from, to);
    return true;
  }
};

void AddAnything(CharNfa& nfa, uint32_t state) {
  for (const CharRange& range : AnyChar()) nfa.AddEdge(state, range.first, range.last, state);
}

}  // namespace

Result<CharDfa> PatternDfa(std::string_view pattern, size_t max_states) {
  SOTTO_ASSIGN_OR_RETURN(const std::vector<Parser::Top> alternatives, Parser(pattern).Parse());
  NfaBuilder builder;
  const uint32_t start = builder.nfa.AddState();
  for (const Parser::Top& top : alternatives) {
    const uint32_t first = builder.nfa.AddState();
    const uint32_t last = builder.nfa.AddState();
    builder.nfa.AddEpsilon(start, first);
    if (!top.at_start) AddAnything(builder.nfa, first);
    const uint32_t inner = builder.nfa.AddState();
    builder.nfa.AddEpsilon(first, inner);
    if (!builder.Add(top.node, inner, last)) {
      return MakeError(ErrorCode::kOutOfRange, "pattern '{}' is too large", pattern);
    }
    builder.nfa.Accept(last);
    if (!top.at_end) AddAnything(builder.nfa, last);
  }
  Result<CharDfa> dfa = builder.nfa.Determinise(max_states);
  if (!dfa) return WithContext(dfa.error(), fmt::format("pattern '{}'", pattern));
  return dfa;
}

std::string_view FormatPattern(std::string_view format) {
  static constexpr std::pair<std::string_view, std::string_view> kPatterns[] = {
      {"date",
       "^(\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2["
       "0-8]))|"
       "(\\d\\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)$"},
      {"time", "^([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,6})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)$"},
      {"date-time",
       "^(\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2["
       "0-8]))|"
       "(\\d\\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)"
       "T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,6})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)$"},
      {"email",
       "^[A-Za-z0-9_%+-]+(\\.[A-Za-z0-9_%+-]+)*@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\\.)+[A-Za-z]{2,24}$"},
      {"uuid", "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"},
      {"ipv4", "^((25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)\\.){3}(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)$"},
      {"hostname", "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$"},
      {"uri", "^[A-Za-z][A-Za-z0-9+.-]*:(//)?([A-Za-z0-9._~:/?#@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+$"},
  };
  for (const auto& [name, pattern] : kPatterns) {
    if (name == format) return pattern;
  }
  return {};
}

}  // namespace sotto
