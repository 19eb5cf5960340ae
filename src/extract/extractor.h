// Fields out of a document, by rules: values of the field's type near the field's labels. Every value stands in the
// document, and where is said; a confidence a field says how plainly it does:
//
//   .95   right behind its label, in a form that allows nothing else (a currency sign, a check digit)
//   .85   right behind it, or below it in a table; or without a label the only date, IBAN, address or listed value
//   .6    some way off; .5 the only amount, without a label
//   less  where several places say different things, or a sum does not come out
//
// Of a list of lines: .97 where its amounts make a total that the document names; .7 where it names none; .4 where they
// do not, or where quantity times price is not the amount of a line.
//
// Straight through: every required field is there, and none that is there is below the threshold; otherwise a person
// looks at it (status "review", with why). The numbers are ranks of rules and are not fitted to data: what goes
// straight through on documents of one's own is to be measured on them (docs/formats/extraction.md).
//
// Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "document/document.h"
#include "extract/schema.h"

namespace sotto {

struct ExtractedField {
  std::string name;
  Json value;       // null: not found
  std::string raw;  // as it stands in the document
  double confidence = 0;
  std::string label;  // that it was found by; empty: by its type alone
  int page = 0;
  std::optional<Box> box;            // points from the page's top left corner
  size_t offset = 0;                 // of its first byte in the document's text
  size_t length = 0;                 // up to its last
  std::vector<ExtractedField> more;  // of a text that goes on elsewhere: raw and places of the rest
  std::vector<std::vector<ExtractedField>>
      lines;  // of a list: each line's fields; `value` is an array of objects
};

struct Extraction {
  std::string document;
  std::string schema;
  std::vector<ExtractedField> fields;  // in the schema's order
  bool straight_through = false;
  std::vector<std::string> why;    // not: one line each
  std::vector<std::string> notes;  // of the document
};

Extraction ExtractFields(const Document& document, const ExtractSchema& schema);

// {"document", "schema", "status": "straight_through" or "review", "values": {...}, "fields": {...}, "why", "notes"}
Json ToJson(const Extraction& extraction);

}  // namespace sotto
