// A document as text: what a PDF, a scan, a page, a note or a mail says, block by block, and where each block stands.
//
//   text      "Fees\nA stop payment costs $30.\n..."     the blocks' texts, a line end between two
//   blocks    offset and length in `text`, page, box, headings above it
//   words     of pages only (PDF, scans), where they were asked for: each with its box
//
// Offsets are bytes in `text`, which is valid UTF-8 without control characters but '\n'. Pages count from 1; 0: the
// format has none. Boxes are in points (1/72 inch) from the page's top left corner. A value.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace sotto {

struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;
  double width() const { return right - left; }
  double height() const { return bottom - top; }
};

struct Block {
  enum class Kind { kHeading, kParagraph, kListItem, kTableRow, kCode };
  Kind kind = Kind::kParagraph;
  int level = 0;  // of a heading: 1 is the highest; else 0
  int page = 0;
  size_t offset = 0;
  size_t length = 0;
  std::optional<Box> box;
};
std::string_view BlockKindName(Block::Kind kind);  // "heading"

struct Word {
  size_t offset = 0;
  size_t length = 0;
  int page = 0;
  Box box;
};

struct Document {
  std::string name;         // as it was given
  std::string title;        // its own, else its first heading, else the file's name without its ending
  std::string media_type;   // "application/pdf"
  int n_pages = 0;          // 0: the format has none
  bool recognised = false;  // its text, or a part of it, was read from an image
  std::string text;
  std::vector<Block> blocks;
  std::vector<Word> words;
  std::vector<std::string> notes;  // what was left out and why, one line each

  std::string_view TextOf(const Block& block) const {
    return std::string_view(text).substr(block.offset, block.length);
  }
  // The headings that block `index` stands under, the highest first; of a heading those above it.
  std::vector<std::string> HeadingsOf(size_t index) const;
};

Json ToJson(const Document& document);
// kCorrupt: a field of another type, an offset beyond the text.
Result<Document> DocumentFromJson(const Json& json);

// What a document may cost. Beyond max_bytes and max_seconds it is an error; beyond the others the rest is left out,
// with a note.
struct DocumentLimits {
  size_t max_bytes = size_t{64} << 20;
  size_t max_text_bytes = size_t{16} << 20;
  size_t max_blocks = 200'000;
  size_t max_unpacked_bytes = size_t{128} << 20;  // of a part of an archive
  int max_pages = 2000;
  int max_scanned_pages = 30;
  int max_nesting = 3;                        // documents in documents (attachments)
  double max_seconds = 60;                    // of reading, all together
  size_t max_memory_bytes = size_t{2} << 30;  // of the process that reads (document/reader.h)
};

struct DocumentOptions {
  DocumentLimits limits;
  bool words = false;             // with boxes, of pages
  bool scans = true;              // read the text of images
  std::string languages = "eng";  // that images are in, as tesseract names them: "eng+deu"
};

// The format by its first bytes, then by the name's ending. Runs the parser in this process: for bytes from elsewhere
// use DocumentReader. Errors name `name`: kCorrupt (damaged, empty), kUnsupported (encrypted, another format, no such
// reader in this build), kOutOfRange (larger than the limits).
Result<Document> ParseDocument(std::string_view bytes, const std::string& name,
                               const DocumentOptions& options);

// Whether a file of this name may be a document, by its ending.
bool LooksLikeDocument(const std::filesystem::path& path);

}  // namespace sotto
