#include "workflow/rule.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

#include "core/calendar.h"
#include "workflow/workflow.h"

namespace sotto {

struct Rule::Node {
  enum class Kind { kAnd, kOr, kNot, kCompare };
  struct Operand {
    bool is_slot = false;
    bool is_word = false;  // a bare word
    std::string name;
    Json value;
  };
  Kind kind = Kind::kCompare;
  std::string op;
  Operand left;
  Operand right;
  std::vector<Node> children;
};

namespace {

using Node = Rule::Node;

struct Token {
  enum class Kind { kEnd, kName, kNumber, kString, kSymbol };
  Kind kind = Kind::kEnd;
  std::string text;
};

Result<std::vector<Token>> Tokens(std::string_view text) {
  std::vector<Token> tokens;
  size_t i = 0;
  const auto word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  while (i < text.size()) {
    const char c = text[i];
    const size_t start = i;
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      ++i;
    } else if (c == '\'' || c == '"') {
      const size_t end = text.find(c, i + 1);
      if (end == std::string_view::npos) return MakeError(ErrorCode::kInvalidArgument, "string without end");
      tokens.push_back({Token::Kind::kString, std::string(text.substr(i + 1, end - i - 1))});
      i = end + 1;
    } else if (std::isdigit(static_cast<unsigned char>(c)) != 0 ||
               ((c == '-' || c == '.') && i + 1 < text.size() &&
                std::isdigit(static_cast<unsigned char>(text[i + 1])) != 0)) {
      ++i;
      while (i < text.size() && (word(text[i]) || text[i] == '.')) ++i;
      const std::string_view number = text.substr(start, i - start);
      const bool numeric = number.find_first_not_of("-.0123456789") == std::string_view::npos;
      tokens.push_back({numeric ? Token::Kind::kNumber : Token::Kind::kName, std::string(number)});
    } else if (word(c)) {
      while (i < text.size() && word(text[i])) ++i;
      tokens.push_back({Token::Kind::kName, std::string(text.substr(start, i - start))});
    } else {
      const std::string_view two = text.substr(i, 2);
      if (two == "==" || two == "!=" || two == "<=" || two == ">=") {
        tokens.push_back({Token::Kind::kSymbol, std::string(two)});
        i += 2;
      } else if (c == '<' || c == '>' || c == '(' || c == ')') {
        tokens.push_back({Token::Kind::kSymbol, std::string(1, c)});
        ++i;
      } else if (c == '=') {
        return MakeError(ErrorCode::kInvalidArgument, "'=' in a rule: write '=='");
      } else {
        return MakeError(ErrorCode::kInvalidArgument, "unexpected '{}'", c);
      }
    }
  }
  tokens.push_back({});
  return tokens;
}

class Parser {
 public:
  Parser(std::vector<Token> tokens, const std::vector<std::string>& slots)
      : tokens_(std::move(tokens)), slots_(slots) {}

  Result<Node> ParseAll() {
    SOTTO_ASSIGN_OR_RETURN(Node node, ParseOr());
    if (tokens_[at_].kind != Token::Kind::kEnd) {
      return MakeError(ErrorCode::kInvalidArgument, "unexpected '{}'", tokens_[at_].text);
    }
    return node;
  }

 private:
  bool Take(std::string_view text) {
    if (tokens_[at_].kind == Token::Kind::kString || tokens_[at_].text != text) return false;
    ++at_;
    return true;
  }

  Result<Node> ParseChain(Node::Kind kind) {
    const bool is_or = kind == Node::Kind::kOr;
    Node chain;
    chain.kind = kind;
    do {
      SOTTO_ASSIGN_OR_RETURN(Node child, is_or ? ParseChain(Node::Kind::kAnd) : ParseTerm());
      chain.children.push_back(std::move(child));
    } while (Take(is_or ? "or" : "and"));
    if (chain.children.size() == 1) {
      Node only = std::move(chain.children[0]);
      return only;
    }
    return chain;
  }
  Result<Node> ParseOr() { return ParseChain(Node::Kind::kOr); }

  Result<Node> ParseTerm() {
    if (++depth_ > 64) return MakeError(ErrorCode::kInvalidArgument, "nested too deep");
    if (Take("not")) {
      Node node;
      node.kind = Node::Kind::kNot;
      SOTTO_ASSIGN_OR_RETURN(Node child, ParseTerm());
      node.children.push_back(std::move(child));
      --depth_;
      return node;
    }
    if (Take("(")) {
      SOTTO_ASSIGN_OR_RETURN(Node node, ParseOr());
      if (!Take(")")) return MakeError(ErrorCode::kInvalidArgument, "')' missing");
      --depth_;
      return node;
    }
    --depth_;
    return ParseComparison();
  }

  Result<Node> ParseComparison() {
    Node node;
    SOTTO_ASSIGN_OR_RETURN(node.left, ParseOperand());
    const Token& op = tokens_[at_];
    static const std::vector<std::string> ops{"==", "!=", "<", "<=", ">", ">="};
    if (op.kind != Token::Kind::kSymbol || std::find(ops.begin(), ops.end(), op.text) == ops.end()) {
      return MakeError(ErrorCode::kInvalidArgument, "expected one of == != < <= > >= after '{}'",
                       tokens_[at_ - 1].text);
    }
    node.op = op.text;
    ++at_;
    SOTTO_ASSIGN_OR_RETURN(node.right, ParseOperand());
    return node;
  }

  Result<Node::Operand> ParseOperand() {
    const Token& token = tokens_[at_];
    Node::Operand operand;
    switch (token.kind) {
      case Token::Kind::kNumber:
        operand.value = std::strtod(token.text.c_str(), nullptr);
        break;
      case Token::Kind::kString:
        operand.value = token.text;
        break;
      case Token::Kind::kName:
        operand.name = token.text;
        operand.is_slot = std::find(slots_.begin(), slots_.end(), token.text) != slots_.end();
        operand.is_word = !operand.is_slot;
        operand.value = token.text;
        break;
      default:
        return MakeError(ErrorCode::kInvalidArgument, "expected a slot or a value{}",
                         token.text.empty() ? " at the end" : " before '" + token.text + "'");
    }
    ++at_;
    return operand;
  }

  std::vector<Token> tokens_;
  const std::vector<std::string>& slots_;
  size_t at_ = 0;
  int depth_ = 0;
};

std::optional<double> Number(const Json& value) {
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) return std::nullopt;
  const std::string& text = value.get_ref<const std::string&>();
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') return std::nullopt;
  return number;
}

// "2026-12-05" is a saturday.
bool IsOnWeekday(const Json& date, const Json& weekday) {
  if (!date.is_string() || !weekday.is_string()) return false;
  const auto day = ParseDate(date.get_ref<const std::string&>());
  return day && weekday == WeekdayNames()[std::chrono::weekday(*day).c_encoding()];
}

bool Compare(const Json& left, const std::string& op, const Json& right) {
  // A boolean slot goes by its listed value: `outdoors == true`.
  if (left.is_boolean()) return Compare(ValueText(left), op, right);
  if (right.is_boolean()) return Compare(left, op, ValueText(right));
  if (op == "==" || op == "!=") {
    bool same = SameValue(left, right) || IsOnWeekday(left, right) || IsOnWeekday(right, left);
    if (!same && left.is_number() != right.is_number()) {
      const auto a = Number(left);
      const auto b = Number(right);
      same = a && b && *a == *b;
    }
    return same == (op == "==");
  }
  const auto a = Number(left);
  const auto b = Number(right);
  int order = 0;
  if (a && b) {
    order = *a < *b ? -1 : (*a > *b ? 1 : 0);
  } else if (left.is_string() && right.is_string()) {
    order = left.get_ref<const std::string&>().compare(right.get_ref<const std::string&>());
  } else {
    return false;
  }
  if (op == "<") return order < 0;
  if (op == "<=") return order <= 0;
  if (op == ">") return order > 0;
  return order >= 0;
}

const Json* Value(const Node::Operand& operand, const Json& values) {
  if (!operand.is_slot) return &operand.value;
  const auto found = values.find(operand.name);
  return found == values.end() ? nullptr : &*found;
}

std::optional<bool> Evaluate(const Node& node, const Json& values) {
  switch (node.kind) {
    case Node::Kind::kNot: {
      const auto child = Evaluate(node.children[0], values);
      return child ? std::optional<bool>(!*child) : std::nullopt;
    }
    case Node::Kind::kAnd:
    case Node::Kind::kOr: {
      const bool decisive = node.kind == Node::Kind::kOr;
      bool unknown = false;
      for (const Node& child : node.children) {
        const auto holds = Evaluate(child, values);
        if (!holds) unknown = true;
        if (holds == std::optional<bool>(decisive)) return decisive;
      }
      return unknown ? std::nullopt : std::optional<bool>(!decisive);
    }
    case Node::Kind::kCompare: {
      const Json* left = Value(node.left, values);
      const Json* right = Value(node.right, values);
      if (left == nullptr || right == nullptr) return std::nullopt;
      return Compare(*left, node.op, *right);
    }
  }
  return std::nullopt;
}

void Collect(const Node& node, std::vector<std::string>& slots,
             std::vector<std::pair<std::string, std::string>>& words) {
  for (const Node& child : node.children) Collect(child, slots, words);
  if (node.kind != Node::Kind::kCompare) return;
  for (const Node::Operand* operand : {&node.left, &node.right}) {
    if (operand->is_slot && std::find(slots.begin(), slots.end(), operand->name) == slots.end()) {
      slots.push_back(operand->name);
    }
  }
  if (node.left.is_word) words.emplace_back(node.right.name, node.left.name);
  if (node.right.is_word) words.emplace_back(node.left.name, node.right.name);
}

}  // namespace

std::span<const std::string_view> WeekdayNames() {
  static constexpr std::array<std::string_view, 7> kNames{"sunday",   "monday", "tuesday", "wednesday",
                                                          "thursday", "friday", "saturday"};
  return kNames;
}

Result<Rule> Rule::Parse(std::string_view text, const std::vector<std::string>& slots) {
  SOTTO_ASSIGN_OR_RETURN(std::vector<Token> tokens, Tokens(text));
  SOTTO_ASSIGN_OR_RETURN(Node root, Parser(std::move(tokens), slots).ParseAll());
  Rule rule;
  Collect(root, rule.slots_, rule.words_);
  rule.root_ = std::make_shared<const Node>(std::move(root));
  return rule;
}

std::optional<bool> Rule::Holds(const Json& values) const { return Evaluate(*root_, values); }

}  // namespace sotto
