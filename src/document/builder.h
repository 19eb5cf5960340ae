// Puts a document together, block by block, within its limits. Internal to the layer.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "document/document.h"

namespace sotto {

class DocumentBuilder {
 public:
  DocumentBuilder(const std::string& name, const DocumentOptions& options, int nesting,
                  std::chrono::steady_clock::time_point began)
      : options_(options), nesting_(nesting), began_(began) {
    document_.name = name;
  }

  const DocumentOptions& options() const { return options_; }
  const std::string& name() const { return document_.name; }
  Document& document() { return document_; }
  int nesting() const { return nesting_; }
  std::chrono::steady_clock::time_point began() const { return began_; }
  // The share of the time that may be used is gone.
  bool LateBy(double share) const;

  // White space is joined (of code it is kept); an empty text adds nothing. False: the document is full, what follows
  // is left out.
  bool Add(Block::Kind kind, std::string_view text, int page = 0, int level = 0,
           std::optional<Box> box = std::nullopt);
  bool Heading(int level, std::string_view text, int page = 0) {
    return Add(Block::Kind::kHeading, text, page, level);
  }
  // The same with words that have places: a line of words a line. The block's box is all of theirs.
  struct PlacedWord {
    std::string text;
    Box box;
    bool new_line = false;
  };
  bool AddWords(Block::Kind kind, const std::vector<PlacedWord>& words, int page, int level = 0);
  // All of another document under a heading.
  void Append(const Document& other, std::string_view heading);
  void Note(std::string note) { document_.notes.push_back(std::move(note)); }
  bool full() const { return full_; }

  // Sets the title where there is none. kCorrupt: no text at all.
  Result<Document> Finish() &&;

 private:
  bool Open(Block block, std::string_view text);

  const DocumentOptions& options_;
  const int nesting_;
  const std::chrono::steady_clock::time_point began_;
  Document document_;
  bool full_ = false;
};

// ParseDocument of what stands in another document.
Result<Document> ParseNested(std::string_view bytes, const std::string& name, const DocumentOptions& options,
                             int nesting, std::chrono::steady_clock::time_point began);

// The formats. `bytes` is not empty.
Result<void> ParsePdf(std::string_view bytes, DocumentBuilder& builder);
Result<void> ParseScan(std::string_view bytes, DocumentBuilder& builder);
Result<void> ParseHtml(std::string_view bytes, DocumentBuilder& builder);
Result<void> ParseMarkdown(std::string_view bytes, DocumentBuilder& builder);
Result<void> ParseDocx(std::string_view bytes, DocumentBuilder& builder);
Result<void> ParseMail(std::string_view bytes, DocumentBuilder& builder);
Result<void> ParsePlain(std::string_view bytes, DocumentBuilder& builder);

// Text of any of the usual encodings as UTF-8: by its mark, else UTF-8 where it is valid, else Windows-1252.
std::string ToUtf8(std::string_view bytes);

// Runs of white space as one space, none at the ends; control characters vanish. Line ends that `lines` keeps stay.
std::string JoinSpaces(std::string_view text, bool lines = false);

// What a page's image says (scan.cc). `gray`: 8 bits a pixel, rows of `stride` bytes.
struct PageImage {
  const unsigned char* gray = nullptr;
  int width = 0, height = 0, stride = 0;
  int dpi = 200;
};
Result<void> RecognisePage(const PageImage& image, int page, DocumentBuilder& builder);
bool CanRecognise();

}  // namespace sotto
