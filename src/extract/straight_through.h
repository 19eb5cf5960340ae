// How often what goes straight through is wrong: extractions against what the documents really say, at each threshold.
// A document that goes straight through is wrong where any field differs from the truth, is missing, or has a value that
// the truth does not. Pure; one thread at a time.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "extract/extractor.h"

namespace sotto {

struct DocumentTruth {
  std::string document;  // as written: relative to the file of truths
  Json values;           // field -> value; null or absent: the document does not say
  int line = 0;
};
// JSON lines {"document": "a.pdf", "values": {...}}: what `sotto extract` prints, corrected. The error names file and line,
// a field that the schema has not, a document that stands twice.
Result<std::vector<DocumentTruth>> ReadTruths(const std::filesystem::path& path, const ExtractSchema& schema);

struct StraightThroughAt {
  double threshold = 0;
  size_t straight_through = 0;
  size_t wrong = 0;  // of those
};

class StraightThroughCount {
 public:
  explicit StraightThroughCount(ExtractSchema schema);

  void Add(const Document& document, const DocumentTruth& truth);

  struct Field {
    size_t said = 0;     // documents whose truth has a value
    size_t right = 0;    // of those
    size_t missed = 0;   // of those: none was found
    size_t made_up = 0;  // a value where the truth has none
  };
  size_t documents() const { return documents_; }
  // At the schema's threshold.
  const StraightThroughAt& own() const { return own_; }
  // From every document down to the surest.
  const std::vector<StraightThroughAt>& curve() const { return curve_; }
  const std::map<std::string, Field>& fields() const { return fields_; }
  // "a.pdf: total is 108, not 180": of what went straight through at the schema's threshold.
  const std::vector<std::string>& mistakes() const { return mistakes_; }

 private:
  void Count(const Document& document, const DocumentTruth& truth, StraightThroughAt& at, bool own);

  ExtractSchema schema_;
  size_t documents_ = 0;
  StraightThroughAt own_;
  std::vector<StraightThroughAt> curve_;
  std::map<std::string, Field> fields_;
  std::vector<std::string> mistakes_;
};

}  // namespace sotto
