#include "learn/pattern.h"

#include <algorithm>

namespace sotto {

namespace {
constexpr int kMaxDepth = 40;
constexpr std::string_view kNotation = " ()[]{}|<>@";  // ends the value of "@slot=value"
}  // namespace

std::optional<std::string> ImpliedMark(std::string_view slot, std::string_view value) {
  if (value.find_first_of(kNotation) != std::string_view::npos) return std::nullopt;
  return fmt::format(" @{}={}", slot, value);
}

class Pattern::Parser {
 public:
  Parser(std::string_view text, const Macros& macros, Pattern& pattern)
      : text_(text), macros_(macros), pattern_(pattern) {}

  Result<Sequence> Alternative(int depth, std::string_view stop) {
    Sequence sequence;
    while (at_ < text_.size() && stop.find(text_[at_]) == std::string_view::npos) {
      SOTTO_RETURN_IF_ERROR(Item(depth, sequence));
    }
    return sequence;
  }

  size_t at() const { return at_; }

 private:
  Result<void> Item(int depth, Sequence& sequence) {
    if (depth > kMaxDepth) return Wrong("nested too deeply");
    switch (text_[at_]) {
      case '(':
        return Group(depth, ')', false, sequence);
      case '[':
        return Group(depth, ']', true, sequence);
      case '{':
        return SlotHole(sequence);
      case '@':
        return Implied(sequence);
      case '<':
        return Macro(depth, sequence);
      case ')':
      case ']':
      case '|':
      case '}':
      case '>':
        return Wrong("stray character");
      default: {
        const size_t start = at_;
        while (at_ < text_.size() &&
               std::string_view("()[]{}|<>@").find(text_[at_]) == std::string_view::npos)
          ++at_;
        sequence.push_back({{Piece::Kind::kWords, std::string(text_.substr(start, at_ - start)), {}}, {}});
        return {};
      }
    }
  }

  Result<void> Group(int depth, char close, bool optional, Sequence& sequence) {
    Node node;
    if (optional) node.choices.emplace_back();
    do {
      ++at_;
      const char stop[] = {'|', close, '\0'};
      SOTTO_ASSIGN_OR_RETURN(Sequence choice, Alternative(depth + 1, stop));
      node.choices.push_back(std::move(choice));
      if (at_ >= text_.size()) return Wrong("bracket is never closed");
    } while (text_[at_] == '|');
    ++at_;
    sequence.push_back(std::move(node));
    return {};
  }

  Result<void> SlotHole(Sequence& sequence) {
    const size_t end = text_.find('}', at_);
    if (end == std::string_view::npos) return Wrong("'{' is never closed");
    std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    const size_t colon = inside.find(':');
    std::string name(inside.substr(0, colon));
    std::string form(colon == std::string_view::npos ? std::string_view() : inside.substr(colon + 1));
    if (name.empty()) return Wrong("slot without a name");
    AddSlot(name);
    sequence.push_back({{Piece::Kind::kSlot, std::move(name), std::move(form)}, {}});
    return {};
  }

  Result<void> Implied(Sequence& sequence) {
    const size_t start = ++at_;
    while (at_ < text_.size() && kNotation.find(text_[at_]) == std::string_view::npos) ++at_;
    const std::string_view inside = text_.substr(start, at_ - start);
    const size_t equal = inside.find('=');
    if (equal == std::string_view::npos || equal == 0) return Wrong("'@' needs slot=value");
    AddSlot(std::string(inside.substr(0, equal)));
    sequence.push_back(
        {{Piece::Kind::kImplied, std::string(inside.substr(0, equal)), std::string(inside.substr(equal + 1))},
         {}});
    return {};
  }

  Result<void> Macro(int depth, Sequence& sequence) {
    const size_t end = text_.find('>', at_);
    if (end == std::string_view::npos) return Wrong("'<' is never closed");
    const std::string_view name = text_.substr(at_ + 1, end - at_ - 1);
    const auto macro = macros_.find(name);
    if (macro == macros_.end())
      return MakeError(ErrorCode::kInvalidArgument, "no macro <{}> (in '{}')", name, text_);
    at_ = end + 1;
    Parser inner(macro->second, macros_, pattern_);
    Node node;
    while (true) {
      SOTTO_ASSIGN_OR_RETURN(Sequence choice, inner.Alternative(depth + 1, "|"));
      node.choices.push_back(std::move(choice));
      if (inner.at_ >= inner.text_.size()) break;
      ++inner.at_;
    }
    sequence.push_back(std::move(node));
    return {};
  }

  void AddSlot(const std::string& name) {
    if (std::find(pattern_.slots_.begin(), pattern_.slots_.end(), name) == pattern_.slots_.end())
      pattern_.slots_.push_back(name);
  }

  tl::unexpected<Error> Wrong(std::string_view what) const {
    return MakeError(ErrorCode::kInvalidArgument, "{} at character {} of '{}'", what, at_ + 1, text_);
  }

  std::string_view text_;
  const Macros& macros_;
  Pattern& pattern_;
  size_t at_ = 0;
};

Result<Pattern> Pattern::Parse(std::string_view text, const Macros& macros) {
  Pattern pattern;
  pattern.source_ = text;
  Parser parser(text, macros, pattern);
  SOTTO_ASSIGN_OR_RETURN(pattern.root_, parser.Alternative(0, "|"));
  if (parser.at() < text.size())
    return MakeError(ErrorCode::kInvalidArgument, "'|' outside brackets at character {} of '{}'",
                     parser.at() + 1, text);
  pattern.n_expansions_ = std::min(1e9, Count(pattern.root_));
  return pattern;
}

void Pattern::ExpandInto(const Sequence& sequence, Random& random, std::vector<Piece>& out) {
  for (const Node& node : sequence) {
    if (node.choices.empty())
      out.push_back(node.piece);
    else
      ExpandInto(node.choices[random.Below(node.choices.size())], random, out);
  }
}

double Pattern::Count(const Sequence& sequence) {
  double count = 1;
  for (const Node& node : sequence) {
    if (node.choices.empty()) continue;
    double sum = 0;
    for (const Sequence& choice : node.choices) sum += Count(choice);
    count *= sum;
  }
  return count;
}

std::vector<Piece> Pattern::Expand(Random& random) const {
  std::vector<Piece> pieces;
  ExpandInto(root_, random, pieces);
  return pieces;
}

}  // namespace sotto
