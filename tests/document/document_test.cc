// Every format as blocks with places; what is encrypted, damaged, empty, too large or no document is one line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poppler/cpp/poppler-document.h>
#include <poppler/cpp/poppler-page-renderer.h>
#include <poppler/cpp/poppler-page.h>

#include <algorithm>
#include <fstream>

#include "document/builder.h"
#include "document/reader.h"
#include "document_samples.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Kinds(const Document& document) {
  std::vector<std::string> kinds;
  for (const Block& block : document.blocks)
    kinds.push_back(fmt::format("{}{}: {}", BlockKindName(block.kind),
                                block.level > 0 ? std::to_string(block.level) : "", document.TextOf(block)));
  return kinds;
}

Document Parsed(std::string_view bytes, const std::string& name, const DocumentOptions& options = {}) {
  auto document = ParseDocument(bytes, name, options);
  EXPECT_TRUE(document) << (document ? "" : document.error().message);
  return document ? *std::move(document) : Document();
}

std::string ErrorOf(std::string_view bytes, const std::string& name, const DocumentOptions& options = {}) {
  const auto document = ParseDocument(bytes, name, options);
  return document ? "" : document.error().message;
}

TEST(Document, MarkdownHasHeadingsItemsRowsAndPlaces) {
  const Document document = Parsed(
      "# Fees\n\n## Stop payments\n\nA stop payment costs **$30**.\nPer request.\n\n- one\n- two\n\n"
      "| Fee | Amount |\n|---|---|\n| Wire | $20 |\n",
      "fees.md");
  EXPECT_EQ(document.title, "Fees");
  EXPECT_THAT(Kinds(document),
              ElementsAre("heading1: Fees", "heading2: Stop payments",
                          "paragraph: A stop payment costs $30. Per request.", "list_item: one",
                          "list_item: two", "table_row: Fee | Amount", "table_row: Wire | $20"));
  EXPECT_THAT(document.HeadingsOf(2), ElementsAre("Fees", "Stop payments"));
  EXPECT_THAT(document.HeadingsOf(1), ElementsAre("Fees"));
  EXPECT_EQ(document.text.substr(document.blocks[2].offset, 15), "A stop payment ");
}

TEST(Document, HtmlLeavesOutScriptsAndKeepsTables) {
  const Document document = Parsed(
      "<html><head><title>Help &amp; fees</title><script>var x = 'not "
      "text';</script></head><body><nav>menu</nav>"
      "<h1>Cards</h1><p>Lost <b>cards</b><br>are blocked.</p><ul><li>Call us<li>Or write</ul>"
      "<table><tr><td>Wire<td>$20</table></body>",
      "page.html");
  EXPECT_EQ(document.title, "Help & fees");
  EXPECT_THAT(Kinds(document),
              ElementsAre("heading1: Cards", "paragraph: Lost cards are blocked.", "list_item: Call us",
                          "list_item: Or write", "table_row: Wire | $20"));
}

TEST(Document, DocxHasStylesListsAndTables) {
  const Document document = Parsed(
      MakeDocx(
          "<w:p><w:pPr><w:pStyle w:val=\"Heading1\"/></w:pPr><w:r><w:t>Loans</w:t></w:r></w:p>"
          "<w:p><w:r><w:t xml:space=\"preserve\">The rate is </w:t></w:r><w:r><w:t>5 %.</w:t></w:r></w:p>"
          "<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>First</w:t></w:r></w:p>"
          "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Term</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>5 "
          "years</w:t></w:r></w:p>"
          "</w:tc></w:tr></w:tbl>"),
      "loans.docx");
  EXPECT_THAT(Kinds(document), ElementsAre("heading1: Loans", "paragraph: The rate is 5 %.",
                                           "list_item: First", "table_row: Term | 5 years"));
}

TEST(Document, MailHasItsTextAndItsDocuments) {
  const Document document = Parsed(
      "From: Ann <ann@example.com>\r\nTo: bank@example.com\r\nSubject: =?utf-8?q?Fees_=26_more?=\r\n"
      "Date: Tue, 3 Mar 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
      "boundary=x\r\n\r\n"
      "--x\r\nContent-Type: multipart/alternative; boundary=y\r\n\r\n--y\r\nContent-Type: text/plain; "
      "charset=iso-8859-1\r\n"
      "Content-Transfer-Encoding: quoted-printable\r\n\r\nPlease see the caf=E9 "
      "bill.\r\n--y\r\nContent-Type: text/html\r\n\r\n"
      "<p>not this one</p>\r\n--y--\r\n--x\r\nContent-Type: text/markdown\r\nContent-Disposition: "
      "attachment; filename=note.md\r\n"
      "\r\n# Note\r\n\r\nIt is due.\r\n--x\r\nContent-Type: application/zip\r\nContent-Disposition: "
      "attachment; filename=a.zip\r\n"
      "\r\nPK\r\n--x--\r\n",
      "mail.eml");
  EXPECT_EQ(document.title, "Fees & more");
  EXPECT_THAT(document.text, HasSubstr("Please see the caf\xC3\xA9 bill."));
  EXPECT_THAT(document.text, HasSubstr("note.md\nNote\nIt is due."));
  EXPECT_THAT(document.text, ::testing::Not(HasSubstr("not this one")));
  EXPECT_THAT(document.notes, ElementsAre(HasSubstr("1 attachments")));
}

TEST(Document, PdfHasPagesBoxesAndHeadings) {
  DocumentOptions options;
  options.words = true;
  const Document document = Parsed(
      MakePdf({{{72, 72, "Fees", 22}, {72, 110, "A stop payment costs $30"}, {72, 124, "for each request."}},
               {{72, 72, "Total"}, {400, 72, "$12.50"}}}),
      "fees.pdf", options);
  EXPECT_EQ(document.n_pages, 2);
  ASSERT_GE(document.blocks.size(), 3u);
  EXPECT_EQ(Kinds(document)[0], "heading1: Fees");
  EXPECT_EQ(Kinds(document)[1], "paragraph: A stop payment costs $30\nfor each request.");
  EXPECT_EQ(document.blocks[2].page, 2);
  const auto amount = std::find_if(document.words.begin(), document.words.end(), [&](const Word& word) {
    return document.text.substr(word.offset, word.length) == "$12.50";
  });
  ASSERT_NE(amount, document.words.end());
  EXPECT_NEAR(amount->box.left, 400, 2);
  EXPECT_NEAR(amount->box.bottom, 72, 5);
}

TEST(Document, ComesBackFromJson) {
  DocumentOptions options;
  options.words = true;
  const Document document = Parsed(MakePdf({{{72, 72, "One two"}}}), "a.pdf", options);
  const auto back = DocumentFromJson(ToJson(document));
  ASSERT_TRUE(back);
  EXPECT_EQ(ToJson(*back), ToJson(document));
  Json wrong = ToJson(document);
  wrong["blocks"][0]["offset"] = 100000;
  EXPECT_FALSE(DocumentFromJson(wrong));
}

TEST(Document, OtherEncodingsBecomeUtf8) {
  EXPECT_EQ(Parsed("caf\xE9 is open.\n", "a.txt").text, "caf\xC3\xA9 is open.");
  EXPECT_EQ(Parsed(std::string("\xFF\xFEh\0i\0", 6), "a.txt").text, "hi");
  EXPECT_EQ(Parsed("Sch\xC3\xB6n, \xE4\xBD\xA0\xE5\xA5\xBD, ok", "mixed.txt").text,
            "Sch\xC3\xB6n, \xE4\xBD\xA0\xE5\xA5\xBD, ok");
}

TEST(Document, WhatCannotBeReadIsOneLine) {
  EXPECT_THAT(ErrorOf("", "a.pdf"), HasSubstr("a.pdf: empty"));
  EXPECT_THAT(ErrorOf("  \n\n ", "a.txt"), HasSubstr("a.txt: empty"));
  EXPECT_THAT(ErrorOf(EncryptedPdf(), "e.pdf"), HasSubstr("e.pdf: encrypted"));
  EXPECT_THAT(ErrorOf("%PDF-1.4\nnothing of it is there", "d.pdf"), HasSubstr("d.pdf: a damaged PDF"));
  EXPECT_THAT(ErrorOf("hello", "d.pdf"), HasSubstr("no PDF file"));
  EXPECT_THAT(ErrorOf("PK\x03\x04garbage", "d.docx"), HasSubstr("d.docx: a damaged archive"));
  EXPECT_THAT(ErrorOf(MakeZip({{"a.txt", "x"}}), "d.docx"), HasSubstr("without word/document.xml"));
  EXPECT_THAT(ErrorOf("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 old", "d.docx"),
              HasSubstr("encrypted or of the old format"));
  EXPECT_THAT(ErrorOf(std::string("\x7F\x45LF\0\0\0\1", 8), "d.bin"), HasSubstr("d.bin: no text"));
  EXPECT_THAT(ErrorOf("\x89PNG\r\n\x1a\nbroken", "d.png"), HasSubstr("d.png: "));
  EXPECT_THAT(ErrorOf(MakePdf({{}}), "blank.pdf"), HasSubstr("no text in it"));
  for (const std::string& message : {ErrorOf("", "a.pdf"), ErrorOf(EncryptedPdf(), "e.pdf")})
    EXPECT_EQ(message.find('\n'), std::string::npos);
}

TEST(Document, WhatIsLargeIsCutWithANote) {
  DocumentOptions options;
  options.limits.max_pages = 2;
  const Document pages =
      Parsed(MakePdf({{{72, 72, "one"}}, {{72, 72, "two"}}, {{72, 72, "three"}}}), "p.pdf", options);
  EXPECT_THAT(pages.text, ::testing::Not(HasSubstr("three")));
  EXPECT_THAT(pages.notes, ElementsAre(HasSubstr("3 pages")));
  options.limits.max_blocks = 3;
  EXPECT_THAT(Parsed("a\n\nb\n\nc\n\nd\n", "b.txt", options).notes, ElementsAre(HasSubstr("more blocks")));
  options = {};
  options.limits.max_bytes = 10;
  EXPECT_THAT(ErrorOf("more than ten bytes", "l.txt", options), HasSubstr("more than the limit"));
}

TEST(Document, ArchivesThatUnpackToTooMuchAreRefused) {
  DocumentOptions options;
  options.limits.max_unpacked_bytes = 1000;
  const std::string body = "<w:p><w:r><w:t>" + std::string(5000, 'x') + "</w:t></w:r></w:p>";
  EXPECT_THAT(ErrorOf(MakeDocx(body), "bomb.docx", options), HasSubstr("more than the limit"));
}

TEST(Document, NestingHasAnEnd) {
  std::string html;
  for (int i = 0; i < 100'000; ++i) html += "<div>";
  EXPECT_THAT(Parsed("<html><body><p>first</p>" + html + "deep", "deep.html").text, HasSubstr("first"));
  std::string lists;
  for (int i = 0; i < 2000; ++i) lists += ">";
  EXPECT_FALSE(Parsed("start\n\n" + lists + " quote\n", "deep.md").text.empty());
}

// The page as pixels, at 150 dpi; turned upside down where wanted.
std::string Drawn(const std::string& pdf, bool upside_down, int* width, int* height) {
  const std::unique_ptr<poppler::document> document(
      poppler::document::load_from_raw_data(pdf.data(), static_cast<int>(pdf.size())));
  const std::unique_ptr<poppler::page> page(document->create_page(0));
  poppler::page_renderer renderer;
  renderer.set_image_format(poppler::image::format_gray8);
  renderer.set_render_hint(poppler::page_renderer::text_antialiasing);
  const poppler::image image = renderer.render_page(page.get(), 150, 150);
  *width = image.width();
  *height = image.height();
  std::string pixels;
  for (int y = 0; y < image.height(); ++y)
    pixels.append(image.const_data() + y * image.bytes_per_row(), static_cast<size_t>(image.width()));
  if (upside_down) std::reverse(pixels.begin(), pixels.end());
  return pixels;
}

TEST(Document, ScansAreReadAlsoUpsideDown) {
  if (!CanRecognise()) GTEST_SKIP() << "built without tesseract";
  const std::string pdf = MakePdf({{{72, 120, "A stop payment costs thirty dollars", 20},
                                    {72, 160, "and is kept for six months.", 20},
                                    {72, 200, "Please call the branch first.", 20}}});
  for (const bool upside_down : {false, true}) {
    int width = 0;
    int height = 0;
    const std::string pixels = Drawn(pdf, upside_down, &width, &height);
    const Document document = Parsed(ScannedPdf(pixels, width, height), "scan.pdf");
    EXPECT_TRUE(document.recognised);
    EXPECT_THAT(document.text, HasSubstr("stop payment costs")) << upside_down;
    if (upside_down) {
      EXPECT_THAT(document.notes, ElementsAre(HasSubstr("turned by 180")));
    }
  }
}

void Write(const std::filesystem::path& path, const std::string& bytes) { std::ofstream(path) << bytes; }

TEST(DocumentReader, ReadsInAProcessOfItsOwn) {
  const TempFolder folder;
  Write(folder / "a.md", "# One\n\ntext");
  Write(folder / "e.pdf", EncryptedPdf());
  DocumentReader reader({});
  const auto first = reader.Read(folder / "a.md");
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->title, "One");
  const auto encrypted = reader.Read(folder / "e.pdf");
  ASSERT_FALSE(encrypted);
  EXPECT_EQ(encrypted.error().code, ErrorCode::kUnsupported);
  const auto gone = reader.Read(folder / "gone.md");
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(reader.Read(folder / "a.md"));
}

TEST(DocumentReader, KillsWhatTakesTooLongAndGoesOn) {
  const TempFolder folder;
  Write(folder / "a.md", "text");
  Write(folder / "large.md", std::string(size_t{20} << 20, 'x'));
  DocumentOptions options;
  options.limits.max_seconds = 0.001;
  DocumentReader hasty(options);
  const auto late = hasty.Read(folder / "large.md");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kTimeout);
  DocumentReader patient({});
  EXPECT_TRUE(patient.Read(folder / "a.md"));
}

}  // namespace
}  // namespace sotto
