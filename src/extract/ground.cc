#include "extract/ground.h"

#include <algorithm>

namespace sotto {

void GroundIn(const LayoutRow& row, size_t cell_index, size_t begin, size_t end, ExtractedField& field) {
  const LayoutCell& cell = row.cells[cell_index];
  const size_t last = end - 1;
  field.page = row.page;
  field.raw = cell.text.substr(begin, end - begin);
  field.offset = cell.offsets[begin];
  field.length =
      cell.offsets[last] >= field.offset ? cell.offsets[last] + 1 - field.offset : field.raw.size();
  if (cell.boxes.empty()) return;
  Box box = cell.boxes[begin];
  for (size_t i = begin; i <= last; ++i) {
    box.left = std::min(box.left, cell.boxes[i].left);
    box.top = std::min(box.top, cell.boxes[i].top);
    box.right = std::max(box.right, cell.boxes[i].right);
    box.bottom = std::max(box.bottom, cell.boxes[i].bottom);
  }
  field.box = box;
}

}  // namespace sotto
