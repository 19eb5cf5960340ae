#include "base/csv.h"

namespace sotto {

bool CsvRows::Next(CsvRow& row) {
  row.fields.clear();
  row.line = line_;
  row.closed = true;
  if (at_ >= text_.size()) return false;
  while (true) {
    row.fields.push_back(Field(row.closed));
    if (at_ >= text_.size()) return true;
    const char c = text_[at_++];
    if (c == separator_) continue;
    ++line_;  // the end of a line
    return true;
  }
}

std::string CsvRows::Field(bool& closed) {
  std::string field;
  if (at_ < text_.size() && text_[at_] == '"') {
    ++at_;
    while (true) {
      if (at_ >= text_.size()) return closed = false, field;
      const char c = text_[at_++];
      if (c == '\n') ++line_;
      if (c != '"') {
        field += c;
      } else if (at_ < text_.size() && text_[at_] == '"') {
        field += '"';
        ++at_;
      } else {
        break;
      }
    }
  }
  while (at_ < text_.size() && text_[at_] != separator_ && text_[at_] != '\n') field += text_[at_++];
  if (!field.empty() && field.back() == '\r') field.pop_back();
  return field;
}

}  // namespace sotto
