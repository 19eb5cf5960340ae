#include "extract/layout.h"

#include <algorithm>

namespace sotto {
namespace {

void AddWord(const Document& document, const Word& word, LayoutCell& cell) {
  if (!cell.text.empty()) {
    cell.text += ' ';
    cell.offsets.push_back(word.offset);
    cell.boxes.push_back(word.box);
  }
  for (size_t i = 0; i < word.length; ++i) {
    cell.text += document.text[word.offset + i];
    cell.offsets.push_back(word.offset + i);
    cell.boxes.push_back(word.box);
  }
  const bool first = cell.boxes.size() == word.length;
  cell.box = first
                 ? word.box
                 : Box{std::min(cell.box.left, word.box.left), std::min(cell.box.top, word.box.top),
                       std::max(cell.box.right, word.box.right), std::max(cell.box.bottom, word.box.bottom)};
}

// Words of one page, any order.
void AddPage(const Document& document, std::vector<const Word*> words, std::vector<LayoutRow>& rows) {
  const auto middle = [](const Word* word) { return (word->box.top + word->box.bottom) / 2; };
  std::stable_sort(words.begin(), words.end(),
                   [&](const Word* a, const Word* b) { return middle(a) < middle(b); });
  size_t begin = 0;
  while (begin < words.size()) {
    size_t end = begin + 1;
    const double limit = middle(words[begin]) + 0.5 * words[begin]->box.height();
    while (end < words.size() && middle(words[end]) <= limit) ++end;
    std::sort(words.begin() + static_cast<std::ptrdiff_t>(begin),
              words.begin() + static_cast<std::ptrdiff_t>(end),
              [](const Word* a, const Word* b) { return a->box.left < b->box.left; });
    LayoutRow row;
    row.page = words[begin]->page;
    for (size_t i = begin; i < end; ++i) {
      const bool apart =
          i > begin && words[i]->box.left - words[i - 1]->box.right > 1.6 * words[i]->box.height();
      if (row.cells.empty() || apart) row.cells.emplace_back();
      AddWord(document, *words[i], row.cells.back());
    }
    rows.push_back(std::move(row));
    begin = end;
  }
}

void AddLine(const Document& document, size_t begin, size_t end, int page, std::vector<LayoutRow>& rows) {
  LayoutRow row;
  row.page = page;
  const std::string_view text = document.text;
  while (begin <= end) {
    const size_t bar = std::min(text.substr(0, end).find('|', begin), end);
    size_t from = begin;
    size_t to = bar;
    while (from < to && text[from] == ' ') ++from;
    while (to > from && text[to - 1] == ' ') --to;
    if (to > from) {
      LayoutCell cell;
      cell.text = text.substr(from, to - from);
      for (size_t i = from; i < to; ++i) cell.offsets.push_back(i);
      row.cells.push_back(std::move(cell));
    }
    begin = bar + 1;
  }
  if (!row.cells.empty()) rows.push_back(std::move(row));
}

}  // namespace

std::vector<LayoutRow> LayOut(const Document& document) {
  std::vector<LayoutRow> rows;
  if (!document.words.empty()) {
    size_t begin = 0;
    while (begin < document.words.size()) {
      std::vector<const Word*> page;
      size_t end = begin;
      while (end < document.words.size() && document.words[end].page == document.words[begin].page)
        page.push_back(&document.words[end++]);
      AddPage(document, std::move(page), rows);
      begin = end;
    }
    return rows;
  }
  for (const Block& block : document.blocks) {
    const size_t stop = block.offset + block.length;
    for (size_t begin = block.offset; begin < stop;) {
      const size_t end = std::min(document.text.find('\n', begin), stop);
      AddLine(document, begin, end, block.page, rows);
      begin = end + 1;
    }
  }
  return rows;
}

}  // namespace sotto
