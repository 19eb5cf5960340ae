// Words that people give to a subcommand: what is not UTF-8 in them is replaced here, and said.
#pragma once

#include <istream>
#include <string>

namespace sotto {

// The next line, clean; false at the end. `line_number` counts; `source` is for the note on stderr.
bool NextLine(std::istream& stream, std::string_view source, int& line_number, std::string& line);

// The same of a text from elsewhere ("argument TEXT").
std::string CleanText(std::string text, std::string_view source);

}  // namespace sotto
