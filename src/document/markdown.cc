// Markdown by md4c (CommonMark with tables): headings, paragraphs, items, rows of tables, code.
#include <md4c.h>

#include <vector>

#include "document/builder.h"

namespace sotto {
namespace {

struct MarkdownReader {
  DocumentBuilder& builder;
  std::string text;
  std::vector<std::string> cells;
  int items = 0;  // depth of lists
  bool row = false;
};

int EnterBlock(MD_BLOCKTYPE type, void*, void* user) {
  auto& reader = *static_cast<MarkdownReader*>(user);
  if (type == MD_BLOCK_LI) {
    // The text of an item before a list inside of it.
    reader.builder.Add(Block::Kind::kListItem, reader.text);
    reader.text.clear();
    ++reader.items;
  } else if (type == MD_BLOCK_TR) {
    reader.row = true;
    reader.cells.clear();
  }
  return reader.builder.full() ? 1 : 0;
}

int LeaveBlock(MD_BLOCKTYPE type, void* detail, void* user) {
  auto& reader = *static_cast<MarkdownReader*>(user);
  const auto add = [&](Block::Kind kind, int level = 0) {
    reader.builder.Add(kind, reader.text, 0, level);
    reader.text.clear();
  };
  switch (type) {
    case MD_BLOCK_H:
      add(Block::Kind::kHeading, static_cast<int>(static_cast<MD_BLOCK_H_DETAIL*>(detail)->level));
      break;
    case MD_BLOCK_P:
      add(reader.items > 0 ? Block::Kind::kListItem : Block::Kind::kParagraph);
      break;
    case MD_BLOCK_LI:
      add(Block::Kind::kListItem);
      --reader.items;
      break;
    case MD_BLOCK_CODE:
      add(Block::Kind::kCode);
      break;
    case MD_BLOCK_TH:
    case MD_BLOCK_TD:
      reader.cells.push_back(JoinSpaces(reader.text));
      reader.text.clear();
      break;
    case MD_BLOCK_TR:
      reader.text.clear();
      for (const std::string& cell : reader.cells) reader.text += (reader.text.empty() ? "" : " | ") + cell;
      reader.row = false;
      add(Block::Kind::kTableRow);
      break;
    default:
      break;
  }
  return reader.builder.full() ? 1 : 0;
}

int AddMarkdownText(MD_TEXTTYPE type, const MD_CHAR* text, MD_SIZE size, void* user) {
  auto& reader = *static_cast<MarkdownReader*>(user);
  const std::string_view piece(text, size);
  if (type == MD_TEXT_BR || type == MD_TEXT_SOFTBR) {
    reader.text += '\n';
  } else if (type == MD_TEXT_ENTITY) {
    reader.text += piece == "&amp;"    ? "&"
                   : piece == "&lt;"   ? "<"
                   : piece == "&gt;"   ? ">"
                   : piece == "&quot;" ? "\""
                                       : " ";
  } else if (type != MD_TEXT_NULLCHAR && type != MD_TEXT_HTML) {
    reader.text += piece;
  }
  return reader.text.size() > reader.builder.options().limits.max_text_bytes ? 1 : 0;
}

int NoSpan(MD_SPANTYPE, void*, void*) { return 0; }

}  // namespace

Result<void> ParseMarkdown(std::string_view bytes, DocumentBuilder& builder) {
  std::string text = ToUtf8(bytes);
  // Front matter is no text of the document.
  if (text.starts_with("---\n")) {
    if (const size_t end = text.find("\n---\n", 3); end != std::string::npos) text.erase(0, end + 5);
  }
  MarkdownReader reader{builder, {}, {}, 0, false};
  MD_PARSER parser{};
  parser.flags = MD_FLAG_TABLES | MD_FLAG_PERMISSIVEAUTOLINKS | MD_FLAG_STRIKETHROUGH;
  parser.enter_block = EnterBlock;
  parser.leave_block = LeaveBlock;
  parser.enter_span = NoSpan;
  parser.leave_span = NoSpan;
  parser.text = AddMarkdownText;
  if (md_parse(text.data(), static_cast<MD_SIZE>(text.size()), &parser, &reader) != 0 && !builder.full())
    return MakeError(ErrorCode::kCorrupt, "{}: Markdown that cannot be read", builder.name());
  return {};
}

}  // namespace sotto
