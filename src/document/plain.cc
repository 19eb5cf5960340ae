// Plain text: paragraphs between empty lines; short lines that stand alone like headings are headings.
#include <cctype>
#include <vector>

#include "base/utf8.h"
#include "document/builder.h"

namespace sotto {
namespace {

// "FEES AND CHARGES", "3.2 Stop payments": by itself, short, no full stop.
bool ReadsLikeHeading(std::string_view line) {
  if (line.size() > 80 || line.empty()) return false;
  const char last = line.back();
  if (last == '.' || last == ',' || last == ';' || last == '?' || last == '!') return false;
  size_t at = 0;
  while (at < line.size() && (std::isdigit(static_cast<unsigned char>(line[at])) || line[at] == '.')) ++at;
  const bool numbered = at > 0 && at + 1 < line.size() && line[at] == ' ' &&
                        std::isupper(static_cast<unsigned char>(line[at + 1]));
  int capitals = 0;
  int small = 0;
  for (const char c : line) {
    capitals += std::isupper(static_cast<unsigned char>(c)) ? 1 : 0;
    small += std::islower(static_cast<unsigned char>(c)) ? 1 : 0;
  }
  return numbered || (capitals >= 3 && small == 0);
}

bool IsUnderline(std::string_view line) {
  return line.size() >= 3 && line.find_first_not_of(line[0] == '=' ? "=" : "-") == std::string_view::npos;
}

}  // namespace

Result<void> ParsePlain(std::string_view bytes, DocumentBuilder& builder) {
  const std::string text = ToUtf8(bytes);
  std::vector<std::string> lines;
  const auto flush = [&] {
    if (lines.empty()) return true;
    bool added = true;
    if (lines.size() == 2 && IsUnderline(lines[1])) {
      added = builder.Heading(lines[1][0] == '=' ? 1 : 2, lines[0]);
    } else if (lines.size() == 1 && ReadsLikeHeading(lines[0])) {
      added = builder.Heading(2, lines[0]);
    } else {
      std::string joined;
      for (const std::string& line : lines) joined += line + "\n";
      added = builder.Add(Block::Kind::kCode, joined);
      if (added && !builder.document().blocks.empty())
        builder.document().blocks.back().kind = Block::Kind::kParagraph;  // its line ends stay
    }
    lines.clear();
    return added;
  };
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = JoinSpaces(std::string_view(text).substr(begin, end - begin));
    begin = end + 1;
    if (!line.empty()) {
      lines.push_back(std::move(line));
    } else if (!flush()) {
      return {};
    }
  }
  flush();
  return {};
}

}  // namespace sotto
