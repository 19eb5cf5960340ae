#include "flywheel/governance_pdf.h"

#ifdef SOTTO_HPDF
#include <hpdf.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#endif

namespace sotto {

#ifndef SOTTO_HPDF

bool CanWritePdf() { return false; }
Result<void> WritePdf(std::string_view, std::string_view, const std::filesystem::path& path) {
  return MakeError(ErrorCode::kUnsupported,
                   "{}: this program was built without libharu (Debian: libhpdf-dev); Markdown works",
                   path.string());
}

#else

namespace {

constexpr float kMargin = 50;
constexpr float kWidth = 595;  // A4, points
constexpr float kHeight = 842;

// Latin-1 of UTF-8; what is not in it: '?'.
std::string Latin(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      out += text[i];
    } else if ((byte == 0xc2 || byte == 0xc3) && i + 1 < text.size()) {
      out += static_cast<char>(((byte & 3) << 6) | (static_cast<unsigned char>(text[++i]) & 0x3f));
    } else {
      if ((byte & 0xc0) != 0x80) out += '?';
    }
  }
  return out;
}

// Without the marks that only mean something in Markdown.
std::string Plain(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '`') continue;
    if (text[i] == '*' && i + 1 < text.size() && text[i + 1] == '*') {
      ++i;
      continue;
    }
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '|') continue;
    out += text[i];
  }
  return Latin(out);
}

std::vector<std::string> Cells(std::string_view row) {
  std::vector<std::string> cells;
  std::string cell;
  for (size_t i = 1; i < row.size(); ++i) {
    if (row[i] == '|' && row[i - 1] != '\\') {
      while (!cell.empty() && cell.back() == ' ') cell.pop_back();
      cell.erase(0, std::min(cell.find_first_not_of(' '), cell.size()));
      cells.push_back(Plain(cell));
      cell.clear();
    } else {
      cell += row[i];
    }
  }
  return cells;
}

void OnHaruError(HPDF_STATUS error, HPDF_STATUS, void* first) {
  auto& kept = *static_cast<HPDF_STATUS*>(first);
  if (kept == HPDF_OK) kept = error;
}

class Pages {
 public:
  explicit Pages(std::string footer) : footer_(std::move(footer)), pdf_(HPDF_New(OnHaruError, &error_)) {
    if (pdf_ == nullptr) return;
    HPDF_SetCompressionMode(pdf_, HPDF_COMP_ALL);
    regular_ = HPDF_GetFont(pdf_, "Helvetica", "WinAnsiEncoding");
    bold_ = HPDF_GetFont(pdf_, "Helvetica-Bold", "WinAnsiEncoding");
    NewPage();
  }
  ~Pages() {
    if (pdf_ != nullptr) HPDF_Free(pdf_);
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  void Text(const std::string& text, float size, bool strong, float indent, float space) {
    for (const std::string& line : Wrapped(text, size, strong, kWidth - 2 * kMargin - indent)) {
      Need(size * 1.3f);
      y_ -= size * 1.3f;
      Put(line, size, strong, kMargin + indent, y_);
    }
    y_ -= space;
  }

  void Table(const std::vector<std::vector<std::string> >& rows) {
    if (rows.empty()) return;
    constexpr float kSize = 7;
    const std::vector<float> widths = Widths(rows, kSize);
    for (size_t r = 0; r < rows.size(); ++r) {
      std::vector<std::vector<std::string> > lines;
      size_t most = 1;
      for (size_t c = 0; c < rows[r].size() && c < widths.size(); ++c) {
        lines.push_back(Wrapped(rows[r][c], kSize, r == 0, widths[c] - 4));
        most = std::max(most, lines.back().size());
      }
      const float height = static_cast<float>(most) * kSize * 1.25f + 3;
      Need(height);
      float x = kMargin;
      for (size_t c = 0; c < lines.size(); ++c) {
        for (size_t l = 0; l < lines[c].size(); ++l)
          Put(lines[c][l], kSize, r == 0, x + 2, y_ - kSize * 1.25f * static_cast<float>(l + 1));
        x += widths[c];
      }
      y_ -= height;
      HPDF_Page_SetLineWidth(page_, 0.3f);
      HPDF_Page_MoveTo(page_, kMargin, y_);
      HPDF_Page_LineTo(page_, kWidth - kMargin, y_);
      HPDF_Page_Stroke(page_);
    }
    y_ -= 8;
  }

  Result<std::string> Bytes() {
    if (pdf_ == nullptr || error_ != HPDF_OK || HPDF_SaveToStream(pdf_) != HPDF_OK)
      return MakeError(ErrorCode::kIo, "libharu cannot make the document (error {:#x})", error_);
    std::string bytes;
    std::vector<HPDF_BYTE> block(65536);
    HPDF_ResetStream(pdf_);
    while (true) {
      auto size = static_cast<HPDF_UINT32>(block.size());
      HPDF_ReadFromStream(pdf_, block.data(), &size);
      if (size == 0) break;
      bytes.append(reinterpret_cast<const char*>(block.data()), size);
      if (size < block.size()) break;
    }
    return bytes;
  }

 private:
  void NewPage() {
    page_ = HPDF_AddPage(pdf_);
    HPDF_Page_SetSize(page_, HPDF_PAGE_SIZE_A4, HPDF_PAGE_PORTRAIT);
    y_ = kHeight - kMargin;
    ++number_;
    Put(footer_ + "    page " + std::to_string(number_), 7, false, kMargin, 28);
  }
  void Need(float height) {
    if (y_ - height < kMargin) NewPage();
  }
  void Put(const std::string& text, float size, bool strong, float x, float y) {
    HPDF_Page_BeginText(page_);
    HPDF_Page_SetFontAndSize(page_, strong ? bold_ : regular_, size);
    HPDF_Page_TextOut(page_, x, y, text.c_str());
    HPDF_Page_EndText(page_);
  }
  float WidthOf(const std::string& text, float size, bool strong) {
    HPDF_Page_SetFontAndSize(page_, strong ? bold_ : regular_, size);
    return HPDF_Page_TextWidth(page_, text.c_str());
  }
  // At spaces, and within words that are too long for a line.
  std::vector<std::string> Wrapped(const std::string& text, float size, bool strong, float width) {
    std::vector<std::string> lines;
    std::string line;
    std::string word;
    const auto flush = [&] {
      while (!word.empty()) {
        const std::string longer = line.empty() ? word : line + " " + word;
        if (WidthOf(longer, size, strong) <= width) {
          line = longer;
          word.clear();
        } else if (!line.empty()) {
          lines.push_back(std::exchange(line, {}));
        } else {
          size_t fits = word.size() - 1;
          while (fits > 1 && WidthOf(word.substr(0, fits), size, strong) > width) --fits;
          fits = std::max<size_t>(fits, 1);
          lines.push_back(word.substr(0, fits));
          word.erase(0, fits);
        }
      }
    };
    for (const char c : text) {
      if (c == ' ') {
        flush();
      } else {
        word += c;
      }
    }
    flush();
    if (!line.empty() || lines.empty()) lines.push_back(line);
    return lines;
  }
  // What the columns want, scaled to the page where it is more.
  std::vector<float> Widths(const std::vector<std::vector<std::string> >& rows, float size) {
    std::vector<float> widths(rows[0].size(), 0);
    for (size_t r = 0; r < rows.size(); ++r) {
      for (size_t c = 0; c < rows[r].size() && c < widths.size(); ++c)
        widths[c] = std::max(widths[c], std::min(WidthOf(rows[r][c], size, r == 0) + 6, 170.0f));
    }
    float total = 0;
    for (const float width : widths) total += width;
    const float room = kWidth - 2 * kMargin;
    if (total > room) {
      for (float& width : widths) width *= room / total;
    }
    return widths;
  }

  const std::string footer_;
  HPDF_STATUS error_ = HPDF_OK;
  HPDF_Doc pdf_;
  HPDF_Font regular_ = nullptr;
  HPDF_Font bold_ = nullptr;
  HPDF_Page page_ = nullptr;
  float y_ = 0;
  int number_ = 0;
};

bool IsRule(std::string_view line) { return line.find_first_not_of("|-: ") == std::string_view::npos; }

}  // namespace

bool CanWritePdf() { return true; }

Result<void> WritePdf(std::string_view markdown, std::string_view footer, const std::filesystem::path& path) {
  Pages pages{Latin(footer)};
  std::vector<std::vector<std::string> > table;
  const auto flush = [&] {
    pages.Table(table);
    table.clear();
  };
  while (!markdown.empty()) {
    const size_t end = std::min(markdown.find('\n'), markdown.size());
    const std::string_view line = markdown.substr(0, end);
    markdown.remove_prefix(std::min(end + 1, markdown.size()));
    if (line.starts_with("|")) {
      if (!IsRule(line)) table.push_back(Cells(line));
      continue;
    }
    flush();
    if (line.empty()) continue;
    const size_t marks = line.find_first_not_of('#');
    if (marks != 0 && marks != std::string_view::npos && line[marks] == ' ') {
      const float sizes[] = {16, 13, 11};
      pages.Text(Plain(line.substr(marks + 1)), sizes[std::min<size_t>(marks, 3) - 1], true, 0, 4);
    } else if (line.starts_with("- ")) {
      pages.Text("- " + Plain(line.substr(2)), 9, false, 10, 2);
    } else {
      pages.Text(Plain(line), 9, false, 0, 4);
    }
  }
  flush();
  SOTTO_ASSIGN_OR_RETURN(const std::string bytes, pages.Bytes());
  return WriteFileAtomically(path, bytes);
}

#endif

}  // namespace sotto
