#include "workflow/phrase_graph.h"

#include <algorithm>

#include "text/normalise.h"

namespace sotto {
namespace {

constexpr int kDeepestBrackets = 20;
constexpr size_t kMostNodes = 20000;

}  // namespace

class PhraseGraph::Parser {
 public:
  Parser(PhraseGraph& graph, std::string_view text) : graph_(graph), text_(text) {}

  // The node at the end of the pattern.
  Result<size_t> Run() {
    const size_t begin = NewNode();
    graph_.nodes_[0].push_back({"", "", begin});
    const size_t end = Alternatives(begin, 0);
    if (error_.empty() && at_ < text_.size()) error_ = "')' or ']' without an opening one";
    if (error_.empty() && graph_.nodes_.size() > kMostNodes) error_ = "too long a pattern";
    if (error_.empty() && words_ == 0) error_ = "a pattern without a word";
    if (!error_.empty())
      return MakeError(ErrorCode::kInvalidArgument, "\"{}\": {} at column {}", text_, error_, at_ + 1);
    return end;
  }

 private:
  size_t NewNode() {
    graph_.nodes_.emplace_back();
    return graph_.nodes_.size() - 1;
  }

  size_t Alternatives(size_t begin, int depth) {
    if (depth > kDeepestBrackets) error_ = "too many brackets in brackets";
    const size_t end = NewNode();
    while (error_.empty()) {
      graph_.nodes_[Sequence(begin, depth)].push_back({"", "", end});
      if (at_ >= text_.size() || text_[at_] != '|') break;
      ++at_;
    }
    return end;
  }

  size_t Sequence(size_t node, int depth) {
    while (error_.empty() && at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '|' || c == ')' || c == ']') break;
      if (c == '(' || c == '[') {
        ++at_;
        const size_t end = Alternatives(node, depth + 1);
        if (!error_.empty()) break;
        if (at_ >= text_.size() || text_[at_] != (c == '(' ? ')' : ']')) {
          error_ = c == '(' ? "'(' is not closed" : "'[' is not closed";
          break;
        }
        ++at_;
        if (c == '[') graph_.nodes_[node].push_back({"", "", end});
        node = end;
      } else if (c == '{') {
        const size_t close = text_.find('}', at_);
        if (close == std::string_view::npos) {
          error_ = "'{' is not closed";
          break;
        }
        node = Step(node, {"", std::string(text_.substr(at_ + 1, close - at_ - 1)), 0});
        ++words_;
        at_ = close + 1;
      } else {
        const size_t begin = at_;
        while (at_ < text_.size() && std::string_view("|()[]{").find(text_[at_]) == std::string_view::npos)
          ++at_;
        for (const NormalisedWord& word : NormaliseSpokenWords(text_.substr(begin, at_ - begin))) {
          node = Step(node, {word.text, "", 0});
          ++words_;
        }
      }
    }
    return node;
  }

  size_t Step(size_t from, Edge edge) {
    edge.to = NewNode();
    graph_.nodes_[from].push_back(edge);
    return edge.to;
  }

  PhraseGraph& graph_;
  const std::string_view text_;
  size_t at_ = 0;
  size_t words_ = 0;
  std::string error_;
};

Result<void> PhraseGraph::Add(std::string_view pattern, int owner) {
  SOTTO_ASSIGN_OR_RETURN(const size_t end, Parser(*this, pattern).Run());
  owners_[end] = owner;
  return {};
}

std::vector<std::string> PhraseGraph::slots() const {
  std::vector<std::string> names;
  for (const auto& edges : nodes_) {
    for (const Edge& edge : edges) {
      if (!edge.slot.empty() && std::find(names.begin(), names.end(), edge.slot) == names.end())
        names.push_back(edge.slot);
    }
  }
  return names;
}

}  // namespace sotto
