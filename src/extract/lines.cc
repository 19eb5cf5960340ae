#include "extract/lines.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/ascii.h"
#include "extract/ground.h"
#include "extract/values.h"

namespace sotto {
namespace {

using LineType = ExtractField::Type;

constexpr size_t kMostQuantity = 100'000;
constexpr std::array<std::string_view, 11> kTotals = {
    "subtotal",    "sub total",  "sub-total",    "total",        "net total", "grand total",
    "balance due", "amount due", "total to pay", "carried over", "net amount"};
constexpr std::array<std::string_view, 5> kCarried = {"carried forward", "brought forward", "continued",
                                                      "page ", "balance forward"};
// What may stand among the figures of a line without being one.
constexpr std::array<std::string_view, 22> kUnits = {
    "x",   "pcs",  "pc",   "ea",    "each", "hrs",   "hr",     "h",   "hour", "hours", "kg",
    "day", "days", "unit", "units", "at",   "piece", "pieces", "usd", "eur",  "gbp",   "chf"};

bool IsAlphaAt(std::string_view text, size_t at) {
  return at < text.size() && (std::isalpha(static_cast<unsigned char>(text[at])) != 0 ||
                              static_cast<unsigned char>(text[at]) >= 0x80);
}

bool HasLetters(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i)
    if (IsAlphaAt(text, i)) return true;
  return false;
}

// A figure of a row.
struct LineFigure {
  size_t cell = 0;
  size_t begin = 0, end = 0;
  double value = 0;
  bool money = false;    // written as an amount: two decimals or a currency
  bool percent = false;  // a rate, no amount
  bool measure = false;  // "3 kg": how large one is, as likely as how many
};

// A run of other text.
struct LineText {
  size_t cell = 0;
  size_t begin = 0, end = 0;
};

struct LineRow {
  std::vector<LineFigure> leading;   // before the words: "2 x"
  std::vector<LineText> texts;       // words, one run a cell
  std::vector<LineFigure> trailing;  // behind them
};

// Figures of a cell, in order.
std::vector<LineFigure> FiguresOf(const LayoutCell& cell, size_t index) {
  ExtractField number;
  number.type = LineType::kNumber;
  ExtractField money;
  money.type = LineType::kMoney;
  const std::vector<FoundValue> amounts = FindValues(money, cell.text);
  std::vector<LineFigure> figures;
  for (const FoundValue& value : FindValues(number, cell.text)) {
    LineFigure figure{index, value.begin, value.end, value.value.get<double>(), false, false};
    for (const FoundValue& amount : amounts) {
      if (!amount.sure || amount.begin > value.begin || amount.end < value.end) continue;
      figure.money = true;
      figure.begin = amount.begin;
      figure.end = amount.end;
    }
    if (value.value.get<double>() < 0 && figure.begin > 0 && cell.text[figure.begin - 1] == '-')
      --figure.begin;
    figure.percent = figure.end < cell.text.size() && cell.text[figure.end] == '%';
    if (figure.percent) ++figure.end;
    figures.push_back(figure);
  }
  return figures;
}

bool IsUnit(std::string_view word) {
  return std::find(kUnits.begin(), kUnits.end(), LowerAscii(word)) != kUnits.end();
}

size_t WordEnd(std::string_view text, size_t at) {
  while (IsAlphaAt(text, at)) ++at;
  return at;
}

// Whether what stands between figures says nothing: marks, currencies, "x", "pcs". `letters`: single letters too, as
// of a tax code.
bool SaysNothing(std::string_view text, bool letters) {
  for (size_t i = 0; i < text.size();) {
    if (!IsAlphaAt(text, i)) {
      if (std::isdigit(static_cast<unsigned char>(text[i])) != 0) return false;
      ++i;
      continue;
    }
    const size_t end = WordEnd(text, i);
    const std::string_view word = text.substr(i, end - i);
    const bool sign =
        word == "\xE2\x82\xAC" || word == "\xC2\xA3" || word == "\xC2\xA5" || word == "\xC3\x97";
    if (!sign && !IsUnit(word) && !(letters && word.size() == 1)) return false;
    i = end;
  }
  return true;
}

// What is no word at the ends of one.
bool IsEdge(char c) { return std::string_view(" .-:|_*@=").find(c) != std::string_view::npos; }

LineText Stripped(std::string_view text, LineText run) {
  while (run.begin < run.end && IsEdge(text[run.begin])) ++run.begin;
  while (run.end > run.begin && IsEdge(text[run.end - 1])) --run.end;
  return run;
}

LineRow ReadLineRow(const LayoutRow& row) {
  LineRow out;
  std::vector<std::vector<LineFigure>> figures;
  for (size_t c = 0; c < row.cells.size(); ++c) figures.push_back(FiguresOf(row.cells[c], c));
  // From the end: figures with nothing said between.
  size_t stop_cell = row.cells.size();  // where the words end: [.., stop_at) of stop_cell
  size_t stop_at = 0;
  bool open = true;
  for (size_t c = row.cells.size(); c-- > 0 && open;) {
    const std::string_view text = row.cells[c].text;
    size_t end = text.size();
    for (size_t f = figures[c].size(); f-- > 0;) {
      LineFigure& figure = figures[c][f];
      const std::string_view behind = text.substr(figure.end, end - figure.end);
      // A letter behind the last figure is a tax code, "h" in a cell of its own a unit; "2 m" in words is neither.
      const bool letters = end == text.size() && (c + 1 == row.cells.size() || figures[c][0].begin == 0);
      if (!SaysNothing(behind, letters)) {
        open = false;
        break;
      }
      figure.measure = LowerAscii(behind).find("kg") != std::string::npos;
      out.trailing.insert(out.trailing.begin(), figure);
      end = figure.begin;
    }
    if (open && !SaysNothing(text.substr(0, end), false)) open = false;
    if (open) end = 0;
    stop_cell = c;
    stop_at = end;
  }
  // From the front: one figure and nothing that says anything, then words.
  size_t start_cell = 0;
  size_t start_at = 0;
  if (!figures.empty() && !figures[0].empty() && (stop_cell > 0 || stop_at > 0)) {
    const LineFigure& first = figures[0][0];
    const std::string_view text = row.cells[0].text;
    const bool within = stop_cell > 0 || first.end <= stop_at;
    const bool alone = first.end == text.size() && row.cells.size() > 2;
    const bool form =
        alone ||
        (!first.money && (first.end == text.size() || text[first.end] == ' ' || text[first.end] == 'x'));
    if (within && form && !first.percent && SaysNothing(text.substr(0, first.begin), false)) {
      out.leading.push_back(first);
      // "2 x Coffee", "3 pcs Nails": the unit belongs to the figure.
      size_t after = first.end;
      while (after < text.size() && text[after] == ' ') ++after;
      const size_t word = WordEnd(text, after);
      start_at = word > after && IsUnit(text.substr(after, word - after)) ? word : first.end;
      if (first.end == text.size()) {
        start_cell = 1;
        start_at = 0;
      }
    }
  }
  for (size_t c = start_cell; c < row.cells.size() && c <= stop_cell; ++c) {
    const std::string_view text = row.cells[c].text;
    const LineText run =
        Stripped(text, {c, c == start_cell ? start_at : 0, c == stop_cell ? stop_at : text.size()});
    if (run.end > run.begin && HasLetters(text.substr(run.begin, run.end - run.begin)))
      out.texts.push_back(run);
  }
  return out;
}

std::string FirstWords(const LayoutRow& row) {
  return row.cells.empty() ? "" : LowerAscii(row.cells[0].text);
}

bool BeginsWith(std::string_view text, std::string_view label) {
  return text.starts_with(label) && !IsAlphaAt(text, label.size());
}

// Which fields of the items the columns are, in order from the left; the row names at least two of them.
std::vector<size_t> HeadOf(const LayoutRow& row, const ExtractField& list) {
  struct Column {
    size_t cell, begin, end, field;
  };
  std::vector<Column> columns;
  for (size_t f = 0; f < list.items.size(); ++f) {
    std::optional<Column> best;
    for (size_t c = 0; c < row.cells.size(); ++c) {
      const std::string text = LowerAscii(row.cells[c].text);
      for (const std::string& label : list.items[f].labels) {
        for (size_t at = text.find(label); at != std::string::npos; at = text.find(label, at + 1)) {
          if ((at > 0 && IsAlphaAt(text, at - 1)) || IsAlphaAt(text, at + label.size())) continue;
          if (!best || label.size() > best->end - best->begin) best = {c, at, at + label.size(), f};
        }
      }
    }
    if (best) columns.push_back(*best);
  }
  // "price" in "unit price": the longer label has the place.
  std::erase_if(columns, [&](const Column& a) {
    return std::any_of(columns.begin(), columns.end(), [&](const Column& b) {
      return a.field != b.field && a.cell == b.cell && b.begin <= a.begin && a.end <= b.end &&
             (b.end - b.begin > a.end - a.begin || b.field < a.field);
    });
  });
  std::sort(columns.begin(), columns.end(), [](const Column& a, const Column& b) {
    return a.cell != b.cell ? a.cell < b.cell : a.begin < b.begin;
  });
  std::vector<size_t> fields;
  for (const Column& column : columns) fields.push_back(column.field);
  return fields;
}

class LineReader {
 public:
  LineReader(const std::vector<LayoutRow>& rows, const ExtractSchema& schema, const ExtractField& list)
      : rows_(rows), schema_(schema), list_(list) {
    for (size_t f = 0; f < list.items.size(); ++f) {
      const ExtractField& item = list.items[f];
      if (!item.product_of.empty()) amount_ = f;
      if (item.type == LineType::kText && text_ == kNone) text_ = f;
    }
    if (amount_ == kNone) {
      for (size_t f = 0; f < list.items.size(); ++f)
        if (list.items[f].type == LineType::kMoney) amount_ = f;
    }
    if (amount_ == kNone) return;
    for (const std::string& name : list.items[amount_].product_of) {
      for (size_t f = 0; f < list.items.size(); ++f) {
        if (list.items[f].name != name) continue;
        (list.items[f].type == LineType::kMoney ? price_ : quantity_) = f;
      }
    }
  }

  FoundLines Run() {
    if (amount_ == kNone) return {};
    size_t begin = 0;
    for (size_t r = 0; r < rows_.size(); ++r) {
      const std::vector<size_t> head = HeadOf(rows_[r], list_);
      const bool figures = !ReadLineRow(rows_[r]).trailing.empty();
      if (head.size() < 2 || figures) continue;
      columns_ = head;
      found_.head = true;
      found_.rows.push_back(r);
      begin = r + 1;
      break;
    }
    for (size_t r = begin; r < rows_.size(); ++r) {
      if (EndsList(rows_[r])) {
        // Before the first line of a list without a head this is something else: "Total points" above.
        if (!found_.lines.empty() || found_.head) break;
        continue;
      }
      Read(r);
    }
    std::sort(found_.rows.begin(), found_.rows.end());
    found_.rows.erase(std::unique(found_.rows.begin(), found_.rows.end()), found_.rows.end());
    for (size_t i = 0; i < found_.lines.size(); ++i) Check(i);
    return std::move(found_);
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;

  // A row of totals: begins like one, and no more words follow than "(3 items)" or a rate.
  bool EndsList(const LayoutRow& row) const {
    const std::string first = FirstWords(row);
    for (const std::string_view total : kTotals)
      if (BeginsWith(first, total)) return true;
    for (const ExtractField& field : schema_.fields) {
      if (field.type != LineType::kMoney) continue;
      for (const std::string& label : field.labels) {
        if (!BeginsWith(first, label)) continue;
        std::string rest = first.substr(label.size());
        if (const size_t open = rest.find('('); open != std::string::npos)
          rest.erase(open, rest.find(')', open) == std::string::npos ? std::string::npos
                                                                     : rest.find(')', open) + 1 - open);
        for (const std::string_view word : {" at ", " of ", " on ", " incl", "included"})
          if (const size_t at = rest.find(word); at != std::string::npos) rest.replace(at, word.size(), " ");
        if (SaysNothing(WithoutDigits(rest), true)) return true;
      }
    }
    return false;
  }
  static std::string WithoutDigits(std::string_view text) {
    std::string out;
    for (const char c : text)
      if (std::isdigit(static_cast<unsigned char>(c)) == 0) out += c;
    return out;
  }

  // A value of one of the document's own fields: "Date: ...", "Invoice no. 12", above a list without a head.
  bool IsOtherField(const LayoutRow& row) const {
    const std::string first = FirstWords(row);
    return std::any_of(schema_.fields.begin(), schema_.fields.end(), [&](const ExtractField& field) {
      return field.type != LineType::kLines &&
             std::any_of(field.labels.begin(), field.labels.end(), [&](const std::string& label) {
               return BeginsWith(first, label) && label.size() + 1 < first.size() &&
                      (first[label.size()] == ':' || first[label.size()] == '#');
             });
    });
  }

  void Read(size_t r) {
    const LayoutRow& row = rows_[r];
    const std::string first = FirstWords(row);
    for (const std::string_view word : kCarried)
      if (first.starts_with(word)) return;
    if (found_.head && HeadOf(row, list_).size() >= 2 && ReadLineRow(row).trailing.empty()) {
      found_.rows.push_back(r);  // the head again, on the next page
      return;
    }
    if (!found_.head && IsOtherField(row)) return;
    LineRow line = ReadLineRow(row);
    std::vector<LineFigure> numbers = line.trailing;
    std::erase_if(numbers, [](const LineFigure& figure) { return figure.percent; });
    const bool has_amount =
        !numbers.empty() && (numbers.back().money || (found_.head && row.cells.size() > 1));
    if (!has_amount || (line.texts.empty() && line.leading.empty() && !pending_ && numbers.size() < 2)) {
      GoesOn(r, line, numbers);
      return;
    }
    if (line.texts.empty() && !pending_) {
      if (!found_.lines.empty()) BelongsAbove(r, numbers);
      return;
    }
    Add(r, line, numbers);
  }

  // Words alone: of the line above, or of the one below.
  void GoesOn(size_t r, const LineRow& line, const std::vector<LineFigure>& numbers) {
    if (line.texts.empty()) {
      if (!numbers.empty()) BelongsAbove(r, numbers);
      return;
    }
    const bool one = line.texts.size() == 1 && rows_[r].cells.size() == 1;
    if (found_.head && one && !found_.lines.empty() && UnderText(r)) {
      ExtractedField& text = found_.lines.back()[text_];
      ExtractedField more;
      const LineText rest = Stripped(rows_[r].cells[0].text, {0, 0, rows_[r].cells[0].text.size()});
      GroundIn(rows_[r], 0, rest.begin, rest.end, more);
      text.value = text.value.get<std::string>() + " " + more.raw;
      text.more.push_back(std::move(more));
      found_.rows.push_back(r);
      return;
    }
    pending_ = r;
    pending_text_ = line.texts[0];
    // Without an amount its figures are words: "Cable 2 m".
    const std::string& words = rows_[r].cells[pending_text_.cell].text;
    if (rows_[r].cells.size() == 1) pending_text_ = Stripped(words, {0, 0, words.size()});
  }

  // Where the words of the last line begin, as far as the layout knows.
  bool UnderText(size_t r) const {
    if (text_ == kNone) return false;
    const ExtractedField& text = found_.lines.back()[text_];
    const LayoutCell& cell = rows_[r].cells[0];
    if (rows_[r].page != text.page || text.value.is_null()) return false;
    if (!text.box || cell.boxes.empty()) return true;
    const double height = cell.box.height();
    const double bottom =
        text.more.empty() || !text.more.back().box ? text.box->bottom : text.more.back().box->bottom;
    return cell.box.left > text.box->left - 3 && cell.box.left < text.box->right + 3 * height &&
           cell.box.top - bottom < 1.2 * height;
  }

  // "2 @ 3.50" under "Coffee 7.00".
  void BelongsAbove(size_t r, const std::vector<LineFigure>& numbers) {
    if (found_.lines.empty() || quantity_ == kNone || price_ == kNone || numbers.size() < 2) return;
    std::vector<ExtractedField>& above = found_.lines.back();
    if (!above[quantity_].value.is_null() || !above[amount_].value.is_number()) return;
    if (!Comes(numbers[0].value, numbers[1].value, above[amount_].value.get<double>())) return;
    Set(r, quantity_, numbers[0], above);
    Set(r, price_, numbers[1], above);
    found_.rows.push_back(r);
  }

  static bool Comes(double quantity, double price, double amount) {
    return std::abs(quantity * price - amount) < 0.0051 + 0.0005 * std::abs(quantity);
  }

  void Set(size_t r, size_t field, const LineFigure& figure, std::vector<ExtractedField>& line) const {
    ExtractedField& out = line[field];
    out.value = list_.items[field].type == LineType::kInteger && figure.value == std::floor(figure.value)
                    ? Json(static_cast<int64_t>(figure.value))
                    : Json(figure.value);
    GroundIn(rows_[r], figure.cell, figure.begin, figure.end, out);
  }

  void Add(size_t r, const LineRow& read, std::vector<LineFigure> numbers) {
    std::vector<ExtractedField> line(list_.items.size());
    for (size_t f = 0; f < line.size(); ++f) line[f].name = list_.items[f].name;
    if (text_ != kNone) {
      ExtractedField& text = line[text_];
      if (read.texts.empty()) {
        GroundIn(rows_[*pending_], pending_text_.cell, pending_text_.begin, pending_text_.end, text);
        found_.rows.push_back(*pending_);
      } else {
        const LineText& said = Description(read.texts);
        GroundIn(rows_[r], said.cell, said.begin, said.end, text);
      }
      text.value = text.raw;
    }
    pending_.reset();
    Set(r, amount_, numbers.back(), line);
    numbers.pop_back();
    Assign(r, read, numbers, line);
    KeepWords(r, read, line);
    for (size_t f = 0; f < line.size(); ++f)
      if (line[f].value.is_null() && f != text_) Other(r, f, line);
    found_.rows.push_back(r);
    found_.lines.push_back(std::move(line));
  }

  // Figures at the words' ends that are no quantity and no price are part of the words: "7 Up", "Rice 3 kg".
  void KeepWords(size_t r, const LineRow& read, std::vector<ExtractedField>& line) const {
    if (text_ == kNone || read.texts.empty()) return;
    LineText said = Description(read.texts);
    const LayoutCell& cell = rows_[r].cells[said.cell];
    const auto used = [&](const LineFigure& figure) {
      const size_t at = rows_[r].cells[figure.cell].offsets[figure.begin];
      return std::any_of(line.begin(), line.end(), [&](const ExtractedField& one) {
        return !one.value.is_null() && !one.value.is_string() && one.offset == at;
      });
    };
    if (!read.leading.empty() && read.leading[0].cell == said.cell && !used(read.leading[0]))
      said.begin = read.leading[0].begin;
    for (size_t i = 0; i + 1 < read.trailing.size(); ++i) {
      const LineFigure& figure = read.trailing[i];
      if (figure.cell != said.cell || used(figure)) break;
      said.end = read.trailing[i + 1].cell == said.cell ? read.trailing[i + 1].begin : cell.text.size();
    }
    said = Stripped(cell.text, said);
    GroundIn(rows_[r], said.cell, said.begin, said.end, line[text_]);
    line[text_].value = line[text_].raw;
  }

  // Of several runs of words the longest: an article number stands in a cell of its own.
  static const LineText& Description(const std::vector<LineText>& texts) {
    return *std::max_element(texts.begin(), texts.end(), [](const LineText& a, const LineText& b) {
      return a.end - a.begin < b.end - b.begin;
    });
  }

  // Quantity and unit price among the other figures of the row.
  void Assign(size_t r, const LineRow& read, const std::vector<LineFigure>& trailing,
              std::vector<ExtractedField>& line) const {
    if (quantity_ == kNone && price_ == kNone) return;
    const double amount = line[amount_].value.get<double>();
    std::vector<LineFigure> figures = read.leading;
    figures.insert(figures.end(), trailing.begin(), trailing.end());
    const auto possible = [](double quantity) {
      return quantity > 0 && quantity < static_cast<double>(kMostQuantity);
    };
    if (quantity_ != kNone && price_ != kNone) {
      for (size_t a = 0; a < figures.size(); ++a) {
        for (size_t b = 0; b < figures.size(); ++b) {
          if (a == b || (figures[a].money && !figures[b].money) || !possible(figures[a].value)) continue;
          if (a > b && figures[a].money == figures[b].money)
            continue;  // quantity first where both read alike
          if (!Comes(figures[a].value, figures[b].value, amount)) continue;
          Set(r, quantity_, figures[a], line);
          Set(r, price_, figures[b], line);
          return;
        }
      }
    }
    // By the head's order, where it has as many columns of figures.
    std::vector<size_t> order;
    for (const size_t f : columns_)
      if (f != text_ && f != amount_ && IsFigureField(f)) order.push_back(f);
    if (order.size() == figures.size() && !order.empty()) {
      for (size_t i = 0; i < order.size(); ++i) Set(r, order[i], figures[i], line);
      return;
    }
    for (const LineFigure& figure : figures) {
      const bool is_price = figure.money;
      const size_t field = is_price ? price_ : quantity_;
      if (field == kNone || !line[field].value.is_null()) continue;
      if (!is_price && (!possible(figure.value) || figure.measure || !PlainQuantity(read, figure))) continue;
      Set(r, field, figure, line);
    }
  }

  bool IsFigureField(size_t f) const {
    const LineType type = list_.items[f].type;
    return type == LineType::kNumber || type == LineType::kInteger || type == LineType::kMoney;
  }

  // "7 Up 1.50" is no seven of them: in front of words without "x" a figure is a quantity only where the head says so.
  bool PlainQuantity(const LineRow& read, const LineFigure& figure) const {
    const bool is_leading =
        !read.leading.empty() && read.leading[0].cell == figure.cell && read.leading[0].begin == figure.begin;
    if (!is_leading) return true;
    if (read.texts.empty() || read.texts[0].cell != figure.cell) return true;
    if (!columns_.empty() && columns_[0] == quantity_) return true;
    return read.texts[0].begin > figure.end + 1;
  }

  // Fields of other types: a date, a number by its pattern.
  void Other(size_t r, size_t f, std::vector<ExtractedField>& line) const {
    const ExtractField& item = list_.items[f];
    if (item.type != LineType::kPattern && item.type != LineType::kDate && item.type != LineType::kEnum)
      return;
    for (size_t c = 0; c < rows_[r].cells.size(); ++c) {
      const std::vector<FoundValue> values = FindValues(item, rows_[r].cells[c].text);
      if (values.empty()) continue;
      line[f].value = values[0].value;
      GroundIn(rows_[r], c, values[0].begin, values[0].end, line[f]);
      return;
    }
  }

  void Check(size_t i) {
    const std::vector<ExtractedField>& line = found_.lines[i];
    const double amount = line[amount_].value.get<double>();
    found_.sum += amount;
    if (quantity_ == kNone || price_ == kNone) return;
    const Json& quantity = line[quantity_].value;
    const Json& price = line[price_].value;
    if (!quantity.is_number() || !price.is_number()) return;
    if (Comes(quantity.get<double>(), price.get<double>(), amount)) return;
    found_.why.push_back(fmt::format("{}: in line {} {} times {} is not {:.2f}", list_.name, i + 1,
                                     quantity.dump(), price.dump(), amount));
  }

  const std::vector<LayoutRow>& rows_;
  const ExtractSchema& schema_;
  const ExtractField& list_;
  size_t text_ = kNone, amount_ = kNone, quantity_ = kNone, price_ = kNone;  // of the items
  std::vector<size_t> columns_;                                              // by the head
  std::optional<size_t> pending_;  // a row of words that the next figures may belong to
  LineText pending_text_;
  FoundLines found_;
};

}  // namespace

FoundLines FindLines(const std::vector<LayoutRow>& rows, const ExtractSchema& schema,
                     const ExtractField& field) {
  return LineReader(rows, schema, field).Run();
}

}  // namespace sotto
