// The lines of a document's list (what an invoice or a receipt is for), by rules: rows that end with an amount, between
// the list's head, where it has one, and the first row of totals. Internal to the layer.
//
//   2 x Coffee            3.50     7.00     quantity, description, unit price, amount
//   Hammer with a long              90.00   a description may go on in the row below
//   handle
//   Milk                                    or stand above its figures
//   2 @ 1.10                         2.20
//
// Which figure is which: quantity times price is the amount, where that comes out; else the head's order; else what the
// forms allow. Pure.
#pragma once

#include <string>
#include <vector>

#include "extract/extractor.h"
#include "extract/layout.h"
#include "extract/schema.h"

namespace sotto {

struct FoundLines {
  std::vector<std::vector<ExtractedField>> lines;  // fields in the order of `items`; value null: none
  std::vector<size_t> rows;                        // of the layout: the head and the lines, ascending
  bool head = false;                               // there is a row that names the columns
  double sum = 0;                                  // of the amounts
  std::vector<std::string> why;                    // lines whose product does not come out
};

// `field` is of type kLines; `schema` is what it belongs to: its fields' labels end the list.
FoundLines FindLines(const std::vector<LayoutRow>& rows, const ExtractSchema& schema,
                     const ExtractField& field);

}  // namespace sotto
