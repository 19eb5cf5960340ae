// Tables as text: rows of fields between separators, a field in quotes where it holds a separator, an end of
// a line or a quote. Source: RFC 4180; an end of a line may be "\n" alone. What the header means, and whether
// a row is as wide as it, is the caller's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sotto {

struct CsvRow {
  std::vector<std::string> fields;
  size_t line = 0;     // where it begins; the text's first is 1
  bool closed = true;  // false: a quote that was opened never ended
};

// Rows as they stand, one after the other, of a text that the caller keeps. A value; one thread.
class CsvRows {
 public:
  CsvRows(std::string_view text, char separator) : text_(text), separator_(separator) {}

  // False: there are no more. An empty line is a row of one empty field.
  bool Next(CsvRow& row);

 private:
  // Up to the separator or the end of the line, which are left.
  std::string Field(bool& closed);

  std::string_view text_;
  char separator_;
  size_t at_ = 0;
  size_t line_ = 1;
};

}  // namespace sotto
