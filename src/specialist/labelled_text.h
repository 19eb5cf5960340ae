// Texts with labels: what classifiers are trained and measured on. JSON lines in one of these forms, the field
// names those of public sets:
//   {"text": "where is my card", "label": "card_arrival"}
//   {"turns": [..., {"role": "user", "text": "..."}], "intent": "card_arrival", "oos": false}
// or, in *.tsv, text<TAB>label. A row without a label, with label null or with "oos": true is out of scope: it
// has none of the labels.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sotto {

struct LabelledText {
  std::string text;
  std::string label;  // empty: out of scope
};

// Appends nothing that is not UTF-8 text. The error names file, line and what is wrong; an empty file is one.
Result<std::vector<LabelledText>> ReadLabelledTexts(const std::filesystem::path& path);
// The same of text in memory; `tsv`: not JSON lines.
Result<std::vector<LabelledText>> ParseLabelledTexts(std::string_view contents, std::string_view source,
                                                     bool tsv);

}  // namespace sotto
