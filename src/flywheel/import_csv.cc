// Logs as tables: RFC 4180, with a header.
#include <algorithm>
#include <charconv>

#include "base/csv.h"
#include "base/utf8.h"
#include "flywheel/import_session.h"
#include "flywheel/log_time.h"

namespace sotto {
namespace {

char SeparatorOf(std::string_view text) {
  const std::string_view header = text.substr(0, text.find('\n'));
  char best = ',';
  for (const char c : {',', ';', '\t'})
    if (std::count(header.begin(), header.end(), c) > std::count(header.begin(), header.end(), best))
      best = c;
  return best;
}

// The number that a text is, all of it; else the text.
Json ScalarOf(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool leading_zero = text.size() > 1 && text[0] == '0' && text[1] != '.';
  if (error != std::errc() || end != text.data() + text.size() || leading_zero || text.empty()) return text;
  if (number == static_cast<double>(static_cast<int64_t>(number)) && std::abs(number) < 1e15)
    return static_cast<int64_t>(number);
  return number;
}

class CsvReader {
 public:
  CsvReader(std::string_view source, const ImportNames& names, ParsedLogs& out)
      : source_(source), names_(names), out_(out) {}

  // Whether the table has what it must have.
  bool Header(const CsvRow& row) {
    for (const auto& [what, column] : names_.columns) {
      const auto found = std::find(row.fields.begin(), row.fields.end(), column);
      if (found == row.fields.end()) {
        out_.List(source_, row.line, fmt::format("no column '{}' (of {})", column, what));
        return false;
      }
      places_[what] = static_cast<size_t>(found - row.fields.begin());
    }
    for (size_t i = 0; i < row.fields.size(); ++i) {
      for (const char* what :
           {"text", "tool", "arguments", "session", "at", "reply", "confidence", "outcome"})
        if (row.fields[i] == what) places_.try_emplace(what, i);
      if (row.fields[i].starts_with("arg.")) places_.try_emplace(row.fields[i], i);
    }
    width_ = row.fields.size();
    if (places_.contains("text")) return true;
    out_.List(source_, row.line, "no column 'text': name it with --column text=NAME");
    return false;
  }

  void Row(const CsvRow& row) {
    if (row.fields.size() == 1 && row.fields[0].empty()) return;
    ++out_.rows;
    if (!row.closed) return out_.List(source_, row.line, "a quote is opened and never closed");
    if (row.fields.size() != width_)
      return out_.List(source_, row.line,
                       fmt::format("{} fields where the header has {}", row.fields.size(), width_));
    ImportedTurn turn;
    turn.text = At(row, "text");
    if (turn.text.find_first_not_of(" \t") == std::string::npos)
      return out_.List(source_, row.line, "no text");
    turn.reply = At(row, "reply");
    if (const std::string at = At(row, "at"); !at.empty()) {
      const Json number = ScalarOf(at);
      const auto utc = UtcFromUser(at, "time");
      turn.at = utc ? *utc : number.is_number() ? UtcOfSeconds(number.get<double>()) : std::string();
      if (turn.at.empty()) return out_.List(source_, row.line, "its time cannot be read");
    }
    if (const std::string tool = At(row, "tool"); !tool.empty()) {
      Understanding::Call call;
      call.call.name = names_.Of(tool);
      call.confidence = 1;
      if (const std::string confidence = At(row, "confidence"); !confidence.empty()) {
        const Json number = ScalarOf(confidence);
        if (!number.is_number() || number < 0 || number > 1)
          return out_.List(source_, row.line, "its confidence is not from 0 to 1");
        call.confidence = number.get<double>();
      }
      if (const std::string arguments = At(row, "arguments"); !arguments.empty()) {
        const auto read = ParseJson(arguments, "arguments");
        if (!read || !read->is_object())
          return out_.List(source_, row.line, "its arguments are no JSON object");
        for (const auto& item : read->items()) call.call.arguments[names_.Of(item.key())] = item.value();
      }
      for (const auto& [what, place] : places_) {
        if (!what.starts_with("arg.") || row.fields[place].empty()) continue;
        call.call.arguments[names_.Of(what.substr(4))] = ScalarOf(row.fields[place]);
      }
      turn.calls.push_back(std::move(call));
    }
    if (const std::string outcome = At(row, "outcome"); outcome == "not_understood") {
      turn.outcome = TurnRecord::Outcome::kNotUnderstood;
    } else if (outcome == "escalated") {
      turn.outcome = TurnRecord::Outcome::kEscalated;
      turn.escalation = "asked";
    } else if (!outcome.empty() && outcome != "handled") {
      return out_.List(source_, row.line, "its outcome is none of handled, not_understood, escalated");
    }
    const std::string session = At(row, "session");
    if (session.empty()) {
      out_.sessions.push_back({"", {std::move(turn)}});
      return;
    }
    const auto [found, fresh] = sessions_.try_emplace(session, out_.sessions.size());
    if (fresh) out_.sessions.push_back({session, {}});
    out_.sessions[found->second].turns.push_back(std::move(turn));
  }

 private:
  std::string At(const CsvRow& row, const char* what) const {
    const auto found = places_.find(what);
    return found == places_.end() ? std::string() : row.fields[found->second];
  }

  const std::string_view source_;
  const ImportNames& names_;
  ParsedLogs& out_;
  std::map<std::string, size_t, std::less<>> places_;
  std::map<std::string, size_t> sessions_;
  size_t width_ = 0;
};

}  // namespace

void ParseCsvLogs(std::string_view text, std::string_view source, const ImportNames& names, ParsedLogs& out) {
  if (FindInvalidUtf8(text) != std::string_view::npos) return out.List(source, 1, "not UTF-8");
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  CsvRows rows(text, SeparatorOf(text));
  CsvReader reader(source, names, out);
  CsvRow row;
  if (!rows.Next(row)) return out.List(source, 1, "no header");
  if (!reader.Header(row)) return;
  while (rows.Next(row)) reader.Row(row);
}

}  // namespace sotto
