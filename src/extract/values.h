// Values of a type within a line of a document: where they stand and what they are. Written forms only (spoken ones are
// text/'s). Pure functions, internal to the layer.
#pragma once

#include <string_view>
#include <vector>

#include "core/json.h"
#include "extract/schema.h"

namespace sotto {

struct FoundValue {
  size_t begin = 0, end = 0;  // bytes of the line
  Json value;                 // number; date as "2026-03-05"; the others text
  bool sure = false;          // its form allows nothing else: a currency sign, a check digit, a month's name
};

// In the order of their places. `day_first`: 03/05/2026 is the third of May.
std::vector<FoundValue> FindValues(const ExtractField& field, std::string_view line, bool day_first = false);

}  // namespace sotto
