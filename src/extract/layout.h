// A document as rows of cells: what stands on one line, whatever order the file has it in. Pages with words are put
// together by their boxes, other documents by their line ends and the '|' of their tables. Internal to the layer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "document/document.h"

namespace sotto {

// Words that stand close together.
struct LayoutCell {
  std::string text;             // of its words, one space between
  std::vector<size_t> offsets;  // of each byte of `text` in the document's text
  std::vector<Box> boxes;       // of each byte's word; empty: no page
  Box box{};
};

struct LayoutRow {
  int page = 0;
  std::vector<LayoutCell> cells;
};

std::vector<LayoutRow> LayOut(const Document& document);

}  // namespace sotto
