// PDF by poppler: words with their boxes in reading order, put together to lines, paragraphs, headings (larger than
// the page's other text) and rows. Pages without text are read as images, where that is possible.
#include <poppler/cpp/poppler-document.h>
#include <poppler/cpp/poppler-global.h>
#include <poppler/cpp/poppler-page-renderer.h>
#include <poppler/cpp/poppler-page.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "document/builder.h"

namespace sotto {
namespace {

constexpr int kScanDpi = 200;
constexpr size_t kMostWordsAPage = 100'000;

struct PdfLine {
  std::vector<DocumentBuilder::PlacedWord> words;
  Box box;
  bool spread = false;  // wide gaps between words: a row of a table
};

std::string Utf8Of(const poppler::ustring& text) {
  const poppler::byte_array bytes = text.to_utf8();
  return {bytes.begin(), bytes.end()};
}

std::vector<PdfLine> LinesOf(const std::vector<poppler::text_box>& boxes) {
  std::vector<PdfLine> lines;
  for (size_t i = 0; i < std::min(boxes.size(), kMostWordsAPage); ++i) {
    const poppler::rectf rect = boxes[i].bbox();
    const Box box{rect.left(), rect.top(), rect.right(), rect.bottom()};
    std::string text = Utf8Of(boxes[i].text());
    if (text.empty()) continue;
    bool same = false;
    double gap = 0;
    if (!lines.empty()) {
      const Box& last = lines.back().words.back().box;
      const double middle = (last.top + last.bottom) / 2;
      gap = box.left - last.right;
      same = middle > box.top && middle < box.bottom && box.left > last.left;
    }
    if (!same) lines.emplace_back();
    PdfLine& line = lines.back();
    if (line.words.empty()) line.box = box;
    line.spread = line.spread || (same && gap > 2.5 * box.height());
    line.box = {std::min(line.box.left, box.left), std::min(line.box.top, box.top),
                std::max(line.box.right, box.right), std::max(line.box.bottom, box.bottom)};
    line.words.push_back({std::move(text), box, false});
  }
  return lines;
}

double MedianHeight(const std::vector<PdfLine>& lines) {
  std::vector<double> heights;
  for (const PdfLine& line : lines)
    for (const auto& word : line.words) heights.push_back(word.box.height());
  if (heights.empty()) return 0;
  const auto middle = heights.begin() + static_cast<std::ptrdiff_t>(heights.size() / 2);
  std::nth_element(heights.begin(), middle, heights.end());
  return *middle;
}

// 0: none.
int HeadingLevel(const PdfLine& line, double median) {
  const std::string& last = line.words.back().text;
  if (line.words.size() > 14 || line.spread || last.ends_with('.') || last.ends_with(',')) return 0;
  const double ratio = line.box.height() / std::max(median, 1.0);
  return ratio >= 1.6 ? 1 : ratio >= 1.3 ? 2 : ratio >= 1.12 ? 3 : 0;
}

bool BeginsItem(const PdfLine& line) {
  const std::string& first = line.words[0].text;
  return first == "-" || first == "*" || first == "\xE2\x80\xA2" || first == "\xE2\x80\x93" ||
         (first.size() <= 3 && first.size() >= 2 && std::isdigit(static_cast<unsigned char>(first[0])) &&
          (first.back() == '.' || first.back() == ')'));
}

void AddLines(const std::vector<PdfLine>& lines, int page, DocumentBuilder& builder) {
  const double median = MedianHeight(lines);
  std::vector<DocumentBuilder::PlacedWord> open;
  Block::Kind kind = Block::Kind::kParagraph;
  int level = 0;
  Box last{};
  const auto flush = [&] {
    builder.AddWords(kind, open, page, level);
    open.clear();
  };
  for (const PdfLine& line : lines) {
    const int heading = HeadingLevel(line, median);
    const bool item = BeginsItem(line);
    const double gap = line.box.top - last.bottom;
    const bool goes_on = !open.empty() && heading == level && !item && !line.spread &&
                         kind != Block::Kind::kTableRow && gap < 0.8 * line.box.height() &&
                         gap > -0.5 * line.box.height() &&
                         std::abs(line.box.left - last.left) < 4 * line.box.height();
    if (!goes_on) {
      flush();
      level = heading;
      kind = heading > 0   ? Block::Kind::kHeading
             : item        ? Block::Kind::kListItem
             : line.spread ? Block::Kind::kTableRow
                           : Block::Kind::kParagraph;
    }
    for (size_t i = 0; i < line.words.size(); ++i) {
      open.push_back(line.words[i]);
      open.back().new_line = i == 0;
    }
    last = line.box;
  }
  flush();
}

Result<void> RecognisePdfPage(const poppler::page& page, int number, DocumentBuilder& builder) {
  const poppler::rectf rect = page.page_rect();
  if (rect.width() <= 0 || rect.height() <= 0 || rect.width() > 3000 || rect.height() > 3000) {
    builder.Note(fmt::format("page {} is {:.0f} by {:.0f} points; too large to be read as an image", number,
                             rect.width(), rect.height()));
    return {};
  }
  poppler::page_renderer renderer;
  renderer.set_render_hints(poppler::page_renderer::antialiasing | poppler::page_renderer::text_antialiasing);
  renderer.set_image_format(poppler::image::format_gray8);
  const poppler::image image = renderer.render_page(&page, kScanDpi, kScanDpi);
  if (!image.is_valid()) return {};
  return RecognisePage({reinterpret_cast<const unsigned char*>(image.const_data()), image.width(),
                        image.height(), image.bytes_per_row(), kScanDpi},
                       number, builder);
}

}  // namespace

Result<void> ParsePdf(std::string_view bytes, DocumentBuilder& builder) {
  poppler::set_debug_error_function([](const std::string&, void*) {}, nullptr);
  const std::unique_ptr<poppler::document> pdf(
      poppler::document::load_from_raw_data(bytes.data(), static_cast<int>(bytes.size())));
  if (pdf == nullptr) return MakeError(ErrorCode::kCorrupt, "{}: a damaged PDF", builder.name());
  if (pdf->is_locked())
    return MakeError(ErrorCode::kUnsupported, "{}: encrypted; save it without password", builder.name());
  const DocumentLimits& limits = builder.options().limits;
  const int n_pages = pdf->pages();
  builder.document().n_pages = n_pages;
  builder.document().title = Utf8Of(pdf->get_title());
  if (n_pages > limits.max_pages) {
    builder.Note(fmt::format("{} pages; what follows page {} is left out", n_pages, limits.max_pages));
  }
  int scanned = 0;
  int unread = 0;
  for (int i = 0; i < std::min(n_pages, limits.max_pages) && !builder.full(); ++i) {
    if (builder.LateBy(0.8)) {
      builder.Note(fmt::format("takes too long; what follows page {} is left out", i));
      break;
    }
    const std::unique_ptr<poppler::page> page(pdf->create_page(i));
    if (page == nullptr) {
      builder.Note(fmt::format("page {} is damaged; left out", i + 1));
      continue;
    }
    const std::vector<poppler::text_box> boxes = page->text_list();
    if (!boxes.empty()) {
      AddLines(LinesOf(boxes), i + 1, builder);
    } else if (builder.options().scans && CanRecognise() && scanned < limits.max_scanned_pages &&
               !builder.LateBy(0.5)) {
      ++scanned;
      SOTTO_RETURN_IF_ERROR(RecognisePdfPage(*page, i + 1, builder));
    } else {
      ++unread;
    }
  }
  if (unread > 0) builder.Note(fmt::format("{} pages without text were not read as images", unread));
  return {};
}

}  // namespace sotto
