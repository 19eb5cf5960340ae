// A document cut into passages for an index: at most `max_tokens` each, at headings where that is possible, never
// within a sentence unless it is longer than a passage. Where a section is cut the next passage begins with the last
// sentences of the one before.
//
// A passage is a range of the document's text, and knows its units: sentences, items, rows and headings, each a
// range with its page and its headings: what an answer quotes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "document/document.h"

namespace sotto {

struct Unit {
  size_t offset = 0;  // in the document's text
  size_t length = 0;
  int page = 0;
  size_t headings = 0;  // index into Chunk::headings
  Block::Kind kind = Block::Kind::kParagraph;
};

struct Chunk {
  size_t offset = 0;
  size_t length = 0;
  int page = 0;
  // Paths of headings that its units stand under, the highest first.
  std::vector<std::vector<std::string>> headings;
  std::vector<Unit> units;
};

struct ChunkOptions {
  size_t max_tokens = 512;
  size_t overlap_tokens = 48;
};

std::vector<Chunk> CutDocument(const Document& document, const ChunkOptions& options = {});

// Words, figures and marks: near what models call tokens.
size_t CountTokens(std::string_view text);

struct TextSpan {
  size_t offset = 0;
  size_t length = 0;
};
// The sentences of a text, without the white space between them; line ends are spaces.
std::vector<TextSpan> SplitSentences(std::string_view text);

}  // namespace sotto
