#include "retrieve/chunk.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/ascii.h"

namespace sotto {
namespace {

// Full stops after these end no sentence.
constexpr std::array<std::string_view, 24> kAbbreviations = {
    "mr",  "mrs", "ms", "dr",   "prof", "st",     "no",  "nos", "vs",  "etc", "e.g",  "i.e",
    "inc", "ltd", "co", "corp", "fig",  "approx", "max", "min", "jan", "feb", "dept", "est"};

bool IsAsciiSpace(char c) { return c == ' ' || c == '\n' || c == '\t'; }

bool EndsWithAbbreviation(std::string_view before) {
  size_t begin = before.size();
  while (begin > 0 && !IsAsciiSpace(before[begin - 1]) && before[begin - 1] != '(') --begin;
  const std::string word = LowerAscii(before.substr(begin));
  if (word.size() == 1 && std::isalpha(static_cast<unsigned char>(word[0]))) return true;  // initials
  // "1." at the beginning counts an item.
  if (before.find_first_not_of(" \n\t") == begin && !word.empty() &&
      word.find_first_not_of("0123456789") == std::string::npos)
    return true;
  return std::find(kAbbreviations.begin(), kAbbreviations.end(), word) != kAbbreviations.end();
}

struct Piece {
  Unit unit;
  size_t tokens = 0;
  size_t section = 0;  // counts headings
};

// A sentence longer than a passage is cut at a space.
void AddPieces(const Document& document, Piece piece, size_t most, std::vector<Piece>& pieces) {
  std::string_view text = std::string_view(document.text).substr(piece.unit.offset, piece.unit.length);
  while (piece.tokens > most) {
    size_t at = text.size() / ((piece.tokens + most - 1) / most);
    while (at < text.size() && !IsAsciiSpace(text[at])) ++at;
    if (at >= text.size()) {
      // One word without end: any character boundary.
      at = text.size() / ((piece.tokens + most - 1) / most);
      while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    }
    if (at == 0 || at >= text.size()) break;
    Piece part = piece;
    part.unit.length = at;
    part.tokens = CountTokens(text.substr(0, at));
    pieces.push_back(part);
    while (at < text.size() && IsAsciiSpace(text[at])) ++at;
    piece.unit.offset += at;
    piece.unit.length -= at;
    text = text.substr(at);
    piece.tokens = CountTokens(text);
  }
  if (piece.unit.length > 0) pieces.push_back(piece);
}

class Cutter {
 public:
  Cutter(const Document& document, const ChunkOptions& options) : document_(document), options_(options) {}

  std::vector<Chunk> Run() {
    ReadPieces();
    size_t begin = 0;
    while (begin < pieces_.size()) {
      const size_t end = EndOf(begin);
      Emit(begin, end);
      if (end >= pieces_.size()) break;
      begin = NextBegin(begin, end);
    }
    return std::move(chunks_);
  }

 private:
  void ReadPieces() {
    size_t section = 0;
    std::vector<std::pair<int, std::string>> stack;  // the headings that are open
    paths_.emplace_back();
    for (const Block& block : document_.blocks) {
      const bool heading = block.kind == Block::Kind::kHeading;
      if (heading) {
        ++section;
        while (!stack.empty() && stack.back().first >= block.level) stack.pop_back();
      }
      std::vector<std::string> path;
      for (const auto& [level, text] : stack) path.push_back(text);
      if (paths_.back() != path) paths_.push_back(std::move(path));
      if (heading) stack.emplace_back(block.level, std::string(document_.TextOf(block)));
      Piece piece;
      piece.unit.page = block.page;
      piece.unit.kind = block.kind;
      piece.unit.headings = paths_.size() - 1;
      piece.section = section;
      const std::string_view text = document_.TextOf(block);
      const bool whole = heading || block.kind == Block::Kind::kTableRow;
      const std::vector<TextSpan> spans =
          whole ? std::vector<TextSpan>{{0, text.size()}} : SplitSentences(text);
      for (const TextSpan& span : spans) {
        piece.unit.offset = block.offset + span.offset;
        piece.unit.length = span.length;
        piece.tokens = CountTokens(text.substr(span.offset, span.length));
        AddPieces(document_, piece, options_.max_tokens, pieces_);
      }
    }
  }

  // As many pieces as fit; at the last heading among them where more than half is before it, and never a heading
  // without what follows it.
  size_t EndOf(size_t begin) const {
    size_t tokens = 0;
    size_t end = begin;
    while (end < pieces_.size() && (end == begin || tokens + pieces_[end].tokens <= options_.max_tokens))
      tokens += pieces_[end++].tokens;
    if (end >= pieces_.size()) return end;
    size_t before = tokens;
    for (size_t at = end; at > begin + 1; --at) {
      if (at < pieces_.size() && pieces_[at].unit.kind == Block::Kind::kHeading) return at;
      before -= pieces_[at - 1].tokens;
      if (2 * before < tokens) break;
    }
    while (end > begin + 1 && pieces_[end - 1].unit.kind == Block::Kind::kHeading) --end;
    return end;
  }

  size_t NextBegin(size_t begin, size_t end) const {
    if (pieces_[end].unit.kind == Block::Kind::kHeading) return end;
    size_t tokens = 0;
    size_t next = end;
    while (next > begin + 1 && pieces_[next - 1].section == pieces_[end].section &&
           tokens + pieces_[next - 1].tokens <= options_.overlap_tokens)
      tokens += pieces_[--next].tokens;
    // The next passage must get beyond this one.
    size_t room = options_.max_tokens;
    for (size_t i = next; i <= end && i < pieces_.size(); ++i) {
      if (pieces_[i].tokens > room) return end;
      room -= pieces_[i].tokens;
    }
    return next;
  }

  void Emit(size_t begin, size_t end) {
    Chunk chunk;
    chunk.offset = pieces_[begin].unit.offset;
    chunk.page = pieces_[begin].unit.page;
    size_t last_path = paths_.size();
    for (size_t i = begin; i < end; ++i) {
      Unit unit = pieces_[i].unit;
      if (unit.headings != last_path) {
        last_path = unit.headings;
        chunk.headings.push_back(paths_[last_path]);
      }
      unit.headings = chunk.headings.size() - 1;
      chunk.length = unit.offset + unit.length - chunk.offset;
      chunk.units.push_back(unit);
    }
    chunks_.push_back(std::move(chunk));
  }

  const Document& document_;
  const ChunkOptions& options_;
  std::vector<std::vector<std::string>> paths_;
  std::vector<Piece> pieces_;
  std::vector<Chunk> chunks_;
};

}  // namespace

size_t CountTokens(std::string_view text) {
  size_t n = 0;
  size_t run = 0;
  for (const char ch : text) {
    const auto c = static_cast<unsigned char>(ch);
    if (std::isalnum(c) != 0 || c >= 0x80) {
      // Long words are several tokens.
      if (run++ % 8 == 0) ++n;
    } else {
      run = 0;
      if (std::ispunct(c) != 0) ++n;
    }
  }
  return n;
}

std::vector<TextSpan> SplitSentences(std::string_view text) {
  std::vector<TextSpan> spans;
  size_t begin = 0;
  const auto add = [&](size_t end) {
    while (begin < end && IsAsciiSpace(text[begin])) ++begin;
    size_t last = end;
    while (last > begin && IsAsciiSpace(text[last - 1])) --last;
    if (last > begin) spans.push_back({begin, last - begin});
    begin = end;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c != '.' && c != '!' && c != '?') continue;
    size_t after = i + 1;
    while (after < text.size() &&
           (text[after] == '"' || text[after] == '\'' || text[after] == ')' || text[after] == '*'))
      ++after;
    if (after < text.size() && !IsAsciiSpace(text[after])) continue;
    size_t next = after;
    while (next < text.size() && IsAsciiSpace(text[next])) ++next;
    if (next < text.size() && std::islower(static_cast<unsigned char>(text[next])) != 0) continue;
    if (c == '.' && EndsWithAbbreviation(text.substr(begin, i - begin))) continue;
    add(after);
  }
  add(text.size());
  return spans;
}

std::vector<Chunk> CutDocument(const Document& document, const ChunkOptions& options) {
  return Cutter(document, options).Run();
}

}  // namespace sotto
