#include <algorithm>
#include <bit>
#include <unordered_map>

#include "slm/byte_alphabet.h"
#include "slm/tokenizer_families.h"
#include "slm/unicode.h"

namespace sotto {
namespace {

constexpr uint32_t kFree = 0xFFFFFFFF;
constexpr uint32_t kNoSymbol = 0xFFFFFFFF;

// The bytes that a token's text stands for. Code points outside of the alphabet stay as they are.
std::string BytesOfText(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size();) {
    const DecodedCodePoint decoded = DecodeUtf8(text, i);
    const uint32_t c = decoded.code_point;
    if (decoded.valid && c < kByteAlphabet.bytes.size() && kByteAlphabet.bytes[c] >= 0) {
      bytes += static_cast<char>(kByteAlphabet.bytes[c]);
    } else {
      bytes += text.substr(i, decoded.size_bytes);
    }
    i += decoded.size_bytes;
  }
  return bytes;
}

std::string WithReplacements(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const DecodedCodePoint decoded = DecodeUtf8(text, i);
    AppendUtf8(out, decoded.code_point);
    i += decoded.size_bytes;
  }
  return out;
}

bool IsCleanUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const DecodedCodePoint decoded = DecodeUtf8(text, i);
    const uint32_t c = decoded.code_point;
    const uint32_t shortest = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (!decoded.valid || decoded.size_bytes != shortest) return false;
    i += decoded.size_bytes;
  }
  return true;
}

uint64_t PairOf(uint32_t left, uint32_t right) { return static_cast<uint64_t>(left) << 32 | right; }

size_t SlotOf(uint64_t pair, size_t mask) { return (pair * 0x9E3779B97F4A7C15ull >> 20) & mask; }

}  // namespace

// Buffers of one fragment, reused from word to word.
struct BpeTokenizer::Work {
  struct Node {
    uint32_t symbol;  // kNoSymbol: merged away
    int32_t previous;
    int32_t next;
  };
  struct Candidate {
    uint32_t rank;
    int32_t left;
    uint32_t left_symbol;
    uint32_t right_symbol;
    uint32_t result;
    // The lowest rank first, then the leftmost: this is "less" for a heap with the best on top.
    bool operator<(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : left > other.left;
    }
  };
  std::vector<Node> nodes;
  std::vector<Candidate> heap;
  std::vector<Candidate> dropped;
};

Result<void> BpeTokenizer::Configure(const GgufFile& file) {
  const std::optional<Pretokenizer> found = FindPretokenizer(pre());
  if (!found) {
    return MakeError(ErrorCode::kUnsupported, "{}: tokenizer.ggml.pre is \"{}\"; supported are {}",
                     file.path(), pre(), PretokenizerNames());
  }
  pretokenizer_ = *found;
  add_bos_ = found->add_bos;
  clean_spaces_ = found->clean_spaces;
  return {};
}

Result<void> BpeTokenizer::Load(const GgufFile& file) {
  FillBytes();
  SOTTO_ASSIGN_OR_RETURN(const auto merges, file.GetStringArray("tokenizer.ggml.merges"));
  SOTTO_RETURN_IF_ERROR(LoadMerges(merges));
  return {};
}

void BpeTokenizer::FillBytes() {
  bytes_.resize(size());
  for (size_t id = 0; id < size(); ++id) {
    switch (types_[id]) {
      case TokenType::kNormal:
        bytes_[id] = BytesOfText(tokens_[id]);
        break;
      case TokenType::kUserDefined:
        bytes_[id] = tokens_[id];
        break;
      default:
        break;
    }
  }
}

// A control token is never the result of a merge.
Result<void> BpeTokenizer::LoadMerges(std::span<const std::string_view> merges) {
  std::unordered_map<std::string, uint32_t> others;
  const auto symbol_of = [&](std::string_view text) {
    const std::optional<TokenId> id = Find(text);
    if (id && type(*id) != TokenType::kControl && type(*id) != TokenType::kUnknown) {
      return static_cast<uint32_t>(*id);
    }
    const auto [place, added] =
        others.emplace(std::string(text), static_cast<uint32_t>(size() + other_symbols_.size()));
    if (added) {
      // As the reference: what has no token is spelt in those of its bytes that are tokens themselves.
      std::vector<TokenId>& fallback = other_symbols_.emplace_back();
      for (const char c : text) {
        if (const std::optional<TokenId> byte = Find({&c, 1})) fallback.push_back(*byte);
      }
    }
    return place->second;
  };
  for (size_t byte = 0; byte < 256; ++byte) {
    std::string text;
    AppendUtf8(text, kByteAlphabet.code_points[byte]);
    byte_symbols_[byte] = symbol_of(text);
  }
  merges_.assign(std::bit_ceil(merges.size() * 2 + 16), Merge{0, kFree, 0});
  std::string joined;
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const std::string_view merge = merges[rank];
    const size_t space = merge.size() > 1 ? merge.find(' ', 1) : std::string_view::npos;
    if (space == std::string_view::npos) continue;
    const std::string_view left = merge.substr(0, space), right = merge.substr(space + 1);
    joined.assign(left).append(right);
    const uint32_t left_symbol = symbol_of(left);
    const uint32_t right_symbol = symbol_of(right);
    AddMerge(left_symbol, right_symbol, static_cast<uint32_t>(rank), symbol_of(joined));
  }
  return {};
}

// Of equal pairs the first keeps its rank.
void BpeTokenizer::AddMerge(uint32_t left, uint32_t right, uint32_t rank, uint32_t result) {
  const size_t mask = merges_.size() - 1;
  size_t slot = SlotOf(PairOf(left, right), mask);
  for (; merges_[slot].rank != kFree; slot = (slot + 1) & mask) {
    if (merges_[slot].pair == PairOf(left, right)) return;
  }
  merges_[slot] = {PairOf(left, right), rank, result};
}

const BpeTokenizer::Merge* BpeTokenizer::FindMerge(uint32_t left, uint32_t right) const {
  const size_t mask = merges_.size() - 1;
  for (size_t slot = SlotOf(PairOf(left, right), mask); merges_[slot].rank != kFree;
       slot = (slot + 1) & mask) {
    if (merges_[slot].pair == PairOf(left, right)) return &merges_[slot];
  }
  return nullptr;
}

void BpeTokenizer::EncodeFragment(std::string_view text, bool /*at_start*/, const EncodeOptions& options,
                                  const Dropout* dropout, std::vector<TokenId>& out) const {
  std::string replaced;
  if (!options.keep_invalid_utf8 && !IsCleanUtf8(text)) {
    replaced = WithReplacements(text);
    text = replaced;
  }
  std::vector<size_t> word_ends;
  SplitWords(pretokenizer_.kind, text, word_ends);
  Work work;
  size_t begin = 0;
  for (const size_t end : word_ends) {
    EncodeWord(text.substr(begin, end - begin), dropout, work, out);
    begin = end;
  }
}

std::optional<TokenId> BpeTokenizer::WholeWord(std::string_view word) const {
  std::string text;
  for (const char c : word) AppendUtf8(text, kByteAlphabet.code_points[static_cast<uint8_t>(c)]);
  const std::optional<TokenId> id = Find(text);
  return id && type(*id) == TokenType::kNormal ? id : std::nullopt;
}

void BpeTokenizer::EncodeWord(std::string_view word, const Dropout* dropout, Work& work,
                              std::vector<TokenId>& out) const {
  if (pretokenizer_.ignore_merges && dropout == nullptr) {
    if (const std::optional<TokenId> whole = WholeWord(word)) {
      out.push_back(*whole);
      return;
    }
  }
  auto& nodes = work.nodes;
  auto& heap = work.heap;
  nodes.clear();
  heap.clear();
  work.dropped.clear();
  for (size_t i = 0; i < word.size(); ++i) {
    const auto index = static_cast<int32_t>(i);
    nodes.push_back(
        {byte_symbols_[static_cast<uint8_t>(word[i])], index - 1, i + 1 < word.size() ? index + 1 : -1});
  }
  const auto propose = [&](int32_t left) {
    if (left < 0 || nodes[static_cast<size_t>(left)].next < 0) return;
    const uint32_t left_symbol = nodes[static_cast<size_t>(left)].symbol;
    const uint32_t right_symbol = nodes[static_cast<size_t>(nodes[static_cast<size_t>(left)].next)].symbol;
    if (const Merge* merge = FindMerge(left_symbol, right_symbol)) {
      heap.push_back({merge->rank, left, left_symbol, right_symbol, merge->result});
      std::push_heap(heap.begin(), heap.end());
    }
  };
  for (size_t i = 0; i + 1 < nodes.size(); ++i) propose(static_cast<int32_t>(i));
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end());
    const Work::Candidate best = heap.back();
    heap.pop_back();
    Work::Node& left = nodes[static_cast<size_t>(best.left)];
    if (left.symbol != best.left_symbol || left.next < 0) continue;
    Work::Node& right = nodes[static_cast<size_t>(left.next)];
    if (right.symbol != best.right_symbol) continue;
    if (dropout != nullptr && dropout->random->Chance(dropout->probability)) {
      work.dropped.push_back(best);
      continue;
    }
    left.symbol = best.result;
    right.symbol = kNoSymbol;
    left.next = right.next;
    if (left.next >= 0) nodes[static_cast<size_t>(left.next)].previous = best.left;
    propose(left.previous);
    propose(best.left);
    // What was dropped comes up again with the next merge.
    for (const Work::Candidate& again : work.dropped) {
      heap.push_back(again);
      std::push_heap(heap.begin(), heap.end());
    }
    work.dropped.clear();
  }
  for (const Work::Node& node : nodes) {
    if (node.symbol == kNoSymbol) continue;
    if (node.symbol < size()) {
      out.push_back(static_cast<TokenId>(node.symbol));
    } else {
      const std::vector<TokenId>& fallback = other_symbols_[node.symbol - size()];
      out.insert(out.end(), fallback.begin(), fallback.end());
    }
  }
}

}  // namespace sotto
