// Bytes of a cell as a place in the document. Internal to the layer.
#pragma once

#include "extract/extractor.h"
#include "extract/layout.h"

namespace sotto {

// Sets raw, page, offset, length and box of `field`. REQUIRES: begin < end <= the cell's text.
void GroundIn(const LayoutRow& row, size_t cell, size_t begin, size_t end, ExtractedField& field);

}  // namespace sotto
