#include "embed/sentence_pieces.h"

#include <utf8proc.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>

#include "base/check.h"
#include "base/utf8.h"
#include "slm/unicode.h"

namespace sotto {
namespace {

constexpr char32_t kBlank = 0x2581;  // "▁"

std::vector<char32_t> CodePointsOf(std::string_view text) {
  std::vector<char32_t> out;
  for (size_t at = 0; at < text.size();) {
    const DecodedCodePoint next = DecodeUtf8(text, at);
    out.push_back(next.code_point);
    at += next.size_bytes;
  }
  return out;
}

// NFKC of text that is UTF-8.
std::string Composed(std::string text) {
  if (std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; })) return text;
  utf8proc_uint8_t* made = nullptr;
  const auto size = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
      &made, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owned(made, &std::free);
  SOTTO_CHECK(size >= 0, "utf8proc: {}", utf8proc_errmsg(size));  // only memory and broken UTF-8 fail
  return std::string(reinterpret_cast<const char*>(made), static_cast<size_t>(size));
}

std::vector<char32_t> Symbols(std::string_view text) {
  std::vector<char32_t> symbols =
      CodePointsOf(Composed(CleanUtf8(text.substr(0, SentencePieces::kMaxBytes))));
  if (symbols.empty()) return symbols;
  std::ranges::replace(symbols, U' ', kBlank);
  symbols.insert(symbols.begin(), kBlank);
  return symbols;
}

}  // namespace

Result<SentencePieces> SentencePieces::Create(const std::vector<std::string>& pieces,
                                              const std::vector<double>& scores) {
  if (pieces.size() != scores.size() || pieces.size() <= kReserved) {
    return MakeError(ErrorCode::kCorrupt, "a vocabulary of {} pieces and {} scores", pieces.size(),
                     scores.size());
  }
  SentencePieces out;
  for (size_t id = 0; id < pieces.size(); ++id) {
    if (pieces[id].empty() || FindInvalidUtf8(pieces[id]) != std::string_view::npos ||
        !std::isfinite(scores[id])) {
      return MakeError(ErrorCode::kCorrupt, "piece {} of the vocabulary is empty, no UTF-8, or has no score",
                       id);
    }
    const std::vector<char32_t> symbols = CodePointsOf(pieces[id]);
    out.n_code_points_.push_back(static_cast<uint32_t>(id == kUnknown ? 1 : symbols.size()));
    if (id < kReserved) continue;
    uint32_t node = 0;
    for (const char32_t symbol : symbols) {
      const auto [edge, added] =
          out.edges_.emplace(Edge(node, symbol), static_cast<uint32_t>(out.nodes_.size()));
      if (added) out.nodes_.emplace_back();
      node = edge->second;
    }
    out.nodes_[node] = {static_cast<int32_t>(id), scores[id]};  // of a piece that is there twice, the later
  }
  return out;
}

std::vector<int32_t> SentencePieces::Encode(std::string_view text) const {
  const std::vector<char32_t> symbols = Symbols(text);
  const size_t n = symbols.size();
  std::vector<double> best(n + 1, 0.0);
  std::vector<int32_t> ids(n + 1, kUnknown);
  // Every end is final before it is begun from: candidates come in the order of their beginnings.
  const auto offer = [&](size_t begin, size_t end, int32_t id, double score) {
    const double sum = best[begin] + score;
    if (best[end] == 0 || sum >= best[end]) {
      best[end] = sum;
      ids[end] = id;
    }
  };
  for (size_t begin = 0; begin < n; ++begin) {
    bool any = false;
    size_t node = 0;
    for (size_t end = begin; end < n; ++end) {
      const auto edge = edges_.find(Edge(node, symbols[end]));
      if (edge == edges_.end()) break;
      node = edge->second;
      if (nodes_[node].id < 0) continue;
      any = true;
      offer(begin, end + 1, nodes_[node].id, nodes_[node].score);
    }
    if (!any) offer(begin, begin + 1, kUnknown, 0);
  }
  std::vector<int32_t> out;
  for (size_t at = n; at > 0;) {
    const int32_t id = ids[at];
    if (id != kUnknown || out.empty() || out.back() != kUnknown) out.push_back(id);
    at -= std::min<size_t>(at, n_code_points_[static_cast<size_t>(id)]);
  }
  std::ranges::reverse(out);
  return out;
}

}  // namespace sotto
