#include <algorithm>

#include "slm/tokenizer_families.h"
#include "slm/unicode.h"

namespace sotto {
namespace {

constexpr std::string_view kSpace = "\xE2\x96\x81";  // U+2581

std::string WithoutSpaceSigns(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (text.substr(i).starts_with(kSpace)) {
      out += ' ';
      i += kSpace.size();
    } else {
      out += text[i++];
    }
  }
  return out;
}

// The length of the UTF-8 sequence at `offset`: by its first byte alone, or with `checked` 1 where it is
// broken.
size_t SequenceBytes(std::string_view text, size_t offset, bool checked) {
  if (checked) return DecodeUtf8(text, offset).size_bytes;
  const auto lead = static_cast<uint8_t>(text[offset]);
  const size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  return std::min(size, text.size() - offset);
}

std::string ByteTokenText(size_t byte) { return fmt::format("<0x{:02X}>", byte); }

std::optional<char> ByteOfToken(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::nullopt;
  const int high = digit(text[3]), low = digit(text[4]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<char>(high * 16 + low);
}

struct Node {
  size_t begin;
  size_t size;  // 0: merged away
  int32_t previous;
  int32_t next;
};

struct Candidate {
  float score;
  int32_t left;
  int32_t right;
  size_t size;
  // The highest score first, then the leftmost: this is "less" for a heap with the best on top.
  bool operator<(const Candidate& other) const {
    return score != other.score ? score < other.score : left > other.left;
  }
};

}  // namespace

Result<void> SentencePieceTokenizer::Configure(const GgufFile& /*file*/) {
  add_space_prefix_ = true;
  add_bos_ = true;
  clean_spaces_ = false;
  return {};
}

Result<void> SentencePieceTokenizer::Load(const GgufFile& file) {
  scores_.assign(size(), 0.0f);
  if (file.Has("tokenizer.ggml.scores")) {
    SOTTO_ASSIGN_OR_RETURN(scores_, file.GetF32Array("tokenizer.ggml.scores"));
    if (scores_.size() < size()) {
      return MakeError(ErrorCode::kCorrupt, "{}: tokenizer.ggml.scores has {} entries for {} tokens",
                       file.path(), scores_.size(), size());
    }
  }
  bytes_.resize(size());
  for (size_t id = 0; id < size(); ++id) {
    const TokenType type = types_[id];
    if (type == TokenType::kNormal) bytes_[id] = WithoutSpaceSigns(tokens_[id]);
    if (type == TokenType::kUserDefined) bytes_[id] = tokens_[id];
    if (type == TokenType::kByte) {
      const std::optional<char> byte = ByteOfToken(tokens_[id]);
      if (byte) bytes_[id] = std::string(1, *byte);
    }
  }
  for (size_t byte = 0; byte < 256; ++byte) {
    std::optional<TokenId> id = Find(ByteTokenText(byte));
    if (!id) id = Find(std::string(1, static_cast<char>(byte)));
    byte_tokens_[byte] = id.value_or(unk_.value_or(0));
  }
  return {};
}

TokenId SentencePieceTokenizer::Mergeable(std::string_view text) const {
  const std::optional<TokenId> id = Find(text);
  return id && type(*id) != TokenType::kControl && type(*id) != TokenType::kUnknown ? *id : -1;
}

void SentencePieceTokenizer::EncodeFragment(std::string_view raw, bool at_start, const EncodeOptions& options,
                                            const Dropout* dropout, std::vector<TokenId>& out) const {
  std::string escaped;
  escaped.reserve(raw.size() + raw.size() / 2 + kSpace.size());
  if (add_space_prefix_ && at_start) escaped += kSpace;
  for (const char c : raw) {
    if (c == ' ') {
      escaped += kSpace;
    } else {
      escaped += c;
    }
  }
  const std::string_view text = escaped;
  std::vector<Node> nodes;
  for (size_t begin = 0; begin < text.size();) {
    const size_t size = SequenceBytes(text, begin, options.keep_invalid_utf8);
    const auto index = static_cast<int32_t>(nodes.size());
    nodes.push_back({begin, size, index - 1, begin + size < text.size() ? index + 1 : -1});
    begin += size;
  }
  std::vector<Candidate> heap, dropped;
  const auto at = [&nodes](int32_t i) -> Node& { return nodes[static_cast<size_t>(i)]; };
  const auto propose = [&](int32_t left) {
    if (left < 0 || at(left).next < 0) return;
    const int32_t right = at(left).next;
    const size_t size = at(left).size + at(right).size;
    const TokenId id = Mergeable(text.substr(at(left).begin, size));
    if (id < 0) return;
    heap.push_back({scores_[static_cast<size_t>(id)], left, right, size});
    std::push_heap(heap.begin(), heap.end());
  };
  for (size_t i = 0; i + 1 < nodes.size(); ++i) propose(static_cast<int32_t>(i));
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end());
    const Candidate best = heap.back();
    heap.pop_back();
    Node& left = at(best.left);
    Node& right = at(best.right);
    if (left.size == 0 || right.size == 0 || left.size + right.size != best.size) continue;
    if (dropout != nullptr && dropout->random->Chance(dropout->probability)) {
      dropped.push_back(best);
      continue;
    }
    left.size = best.size;
    right.size = 0;
    left.next = right.next;
    if (left.next >= 0) at(left.next).previous = best.left;
    propose(left.previous);
    propose(best.left);
    for (const Candidate& again : dropped) {
      heap.push_back(again);
      std::push_heap(heap.begin(), heap.end());
    }
    dropped.clear();
  }
  for (const Node& node : nodes) {
    if (node.size == 0) continue;
    const std::string_view piece = text.substr(node.begin, node.size);
    if (const TokenId id = Mergeable(piece); id >= 0) {
      out.push_back(id);
    } else {
      for (const char c : piece) out.push_back(byte_tokens_[static_cast<uint8_t>(c)]);
    }
  }
}

}  // namespace sotto
