// Specialists of kind `tag`: what in a text is a day, a time, a number or an amount, with its value. The readers are
// those of text/; a span that a longer one holds is left out, and so is a time of day that is only a number.
#include <algorithm>
#include <fstream>

#include "base/utf8.h"
#include "specialist/annotator.h"
#include "text/date_ranges.h"
#include "text/dates.h"
#include "text/spoken_numbers.h"
#include "text/times.h"

namespace sotto {
namespace {

const std::vector<std::string> kTagTypes = {"date",   "date_range", "time",    "duration",
                                            "number", "ordinal",    "percent", "money"};

struct Tagged {
  std::string_view type;
  size_t begin = 0;  // words
  size_t end = 0;
  Json value;
  Json others = Json::array();  // what it may mean besides
  Json more = Json::object();
};

struct TagKeys {
  std::vector<std::string> types;
  bool day_first = false;
  bool past = false;

  bool Has(std::string_view type) const { return std::ranges::find(types, type) != types.end(); }
};

bool Holds(const Tagged& outer, size_t begin, size_t end) { return outer.begin <= begin && end <= outer.end; }

class TextTagger {
 public:
  TextTagger(const TagKeys& keys, std::string_view text, Date today)
      : keys_(keys), text_(text), words_(NormaliseSpokenWords(text)) {
    context_.today = today;
    context_.day_first = keys.day_first;
    context_.past = keys.past;
  }

  Json Run() {
    ReadCalendar();
    ReadTheNumbers();
    std::ranges::stable_sort(found_, [](const Tagged& a, const Tagged& b) {
      return std::pair(a.begin, b.end) < std::pair(b.begin, a.end);
    });
    Json list = Json::array();
    for (const Tagged& one : found_) {
      if (!keys_.Has(one.type)) continue;
      const size_t begin = words_[one.begin].begin;
      const size_t end = words_[one.end - 1].end;
      Json out{{"type", one.type},
               {"text", text_.substr(begin, end - begin)},
               {"begin", begin},
               {"end", end},
               {"value", one.value}};
      if (!one.others.empty()) out["others"] = one.others;
      out.update(one.more);
      list.push_back(std::move(out));
    }
    return {{"found", std::move(list)}};
  }

 private:
  // Readings come by place, those of one span together, the conventional one first.
  template <typename Readings, typename ToText>
  std::vector<Tagged> Collect(std::string_view type, const Readings& readings, const ToText& to_text) {
    std::vector<Tagged> out;
    for (const auto& reading : readings) {
      const Json value = to_text(reading);
      if (!out.empty() && out.back().begin == reading.begin && out.back().end == reading.end) {
        if (value != out.back().value) out.back().others.push_back(value);
        continue;
      }
      out.push_back({type, reading.begin, reading.end, value});
    }
    return out;
  }

  void ReadCalendar() {
    const bool calendar =
        keys_.Has("date") || keys_.Has("date_range") || keys_.Has("time") || keys_.Has("duration");
    if (!calendar) return;
    const auto dates = Collect("date", ReadDates(text_, words_, context_),
                               [](const DateReading& one) { return DateText(one.date); });
    const auto ranges = Collect("date_range", ReadDateRanges(text_, words_, context_),
                                [](const DateRangeReading& one) { return DateRangeText(one.range); });
    const auto times = Collect("time", ReadTimes(text_, words_),
                               [](const TimeReading& one) { return DayTimeText(one.time); });
    const auto periods = Collect("duration", ReadPeriods(text_, words_),
                                 [](const PeriodReading& one) { return PeriodText(one.period); });
    const auto held = [](const std::vector<Tagged>& by, const Tagged& one, bool equal) {
      return std::ranges::any_of(by, [&](const Tagged& outer) {
        return Holds(outer, one.begin, one.end) && (equal || outer.end - outer.begin > one.end - one.begin);
      });
    };
    for (const Tagged& one : dates) {
      if (!held(ranges, one, false)) found_.push_back(one);
    }
    for (const Tagged& one : ranges) {
      if (!held(dates, one, true)) found_.push_back(one);
    }
    const std::vector<Tagged> days = found_;
    for (const Tagged& one : times) {
      if (!IsOnlyNumber(one) && !held(days, one, false)) found_.push_back(one);
    }
    for (const Tagged& one : periods) {
      if (!held(days, one, true) && !held(times, one, true)) found_.push_back(one);
    }
  }

  // "three" alone is a time to who waits for one.
  bool IsOnlyNumber(const Tagged& one) const {
    const auto numbers = ReadNumbers(words_, {.digits = false});
    return std::ranges::any_of(numbers, [&](const NumberReading& number) {
      return number.begin <= one.begin && number.end >= one.end && number.kind != NumberKind::kOrdinal &&
             text_.find(':') == std::string_view::npos;
    });
  }

  void ReadTheNumbers() {
    if (!keys_.Has("number") && !keys_.Has("money") && !keys_.Has("percent") && !keys_.Has("ordinal")) return;
    for (const NumberReading& reading : ReadNumbers(words_, {.digits = false})) {
      if (!reading.maximal) continue;
      const bool money =
          reading.kind == NumberKind::kAmount && (!reading.currency.empty() || SaysMoney(reading));
      const std::string_view type = money                                  ? "money"
                                    : reading.kind == NumberKind::kOrdinal ? "ordinal"
                                    : reading.kind == NumberKind::kPercent ? "percent"
                                                                           : "number";
      Tagged one{type, reading.begin, reading.end, NumberJson(reading)};
      if (money) one.more["currency"] = reading.currency.empty() ? "USD" : reading.currency;
      if (!reading.unit.empty()) one.more["unit"] = reading.unit;
      if (reading.standing == NumberStanding::kTakenBack) one.more["standing"] = "taken_back";
      if (reading.standing == NumberStanding::kAlternative) one.more["standing"] = "alternative";
      // Of one span the first reading, of several the longest.
      const auto same = std::ranges::find_if(
          found_, [&](const Tagged& other) { return IsNumber(other) && Overlap(other, one); });
      if (same == found_.end()) {
        found_.push_back(std::move(one));
      } else if (same->begin == one.begin && same->end == one.end) {
        if (one.value != same->value) same->others.push_back(one.value);
        if (one.type == "money" && same->type == "number") std::swap(*same, one);
      } else if (one.end - one.begin > same->end - same->begin) {
        *same = std::move(one);
      }
    }
  }
  static bool IsNumber(const Tagged& one) {
    return one.type == "number" || one.type == "money" || one.type == "percent" || one.type == "ordinal";
  }
  static bool Overlap(const Tagged& a, const Tagged& b) { return a.begin < b.end && b.begin < a.end; }
  static Json NumberJson(const NumberReading& reading) {
    Json value = Json::parse(reading.text, nullptr, false);
    return value.is_discarded() ? Json(reading.value) : value;
  }
  // Coins have no currency of their own: "eighty cents".
  bool SaysMoney(const NumberReading& reading) const {
    for (size_t i = reading.begin; i < reading.end; ++i) {
      const std::string& word = words_[i].text;
      if (word.starts_with("cent") || word == "pence" || word == "penny" || word == "pennies" ||
          word == "p" || word == "buck" || word == "bucks" || word == "quid" ||
          (words_[i].before & NormalisedWord::kDollar) != 0)
        return true;
    }
    return false;
  }

  const TagKeys& keys_;
  const std::string_view text_;
  const std::vector<NormalisedWord> words_;
  DateContext context_;
  std::vector<Tagged> found_;
};

class TagAnnotator final : public Annotator {
 public:
  TagAnnotator(SpecialistDeclaration declaration, TagKeys keys)
      : Annotator(std::move(declaration)), keys_(std::move(keys)) {}

  std::vector<Json> Annotate(std::span<const std::string> texts) const override {
    std::vector<Json> out;
    for (const std::string& text : texts) out.push_back(AnnotateInContext({text}));
    return out;
  }
  Json AnnotateInContext(const TextInContext& in) const override {
    const std::string text = CleanUtf8(in.text);
    return TextTagger(keys_, text, in.today.value_or(LocalDate(std::chrono::system_clock::now()))).Run();
  }
  bool reads_context() const override { return true; }
  // How many were found.
  Json RuleValue(const Json& annotation) const override { return annotation.at("found").size(); }
  bool is_number() const override { return true; }

 private:
  const TagKeys keys_;
};

// "{"text", "today"?, "found": [{"type", "text"?, "value"}]}": what must be found, and nothing else.
struct TagRow {
  std::string text;
  std::optional<Date> today;
  Json found;
  std::string category;
};

// category<TAB>today<TAB>text<TAB>"TYPE VALUE | TYPE VALUE": the same for people.
Result<TagRow> ParseTagLine(std::string_view line, const std::string& here) {
  std::vector<std::string> fields;
  for (size_t begin = 0; begin <= line.size();) {
    const size_t end = std::min(line.find('\t', begin), line.size());
    fields.emplace_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  if (fields.size() < 3 || fields.size() > 4)
    return MakeError(ErrorCode::kInvalidArgument, "{}: not category, today, text and what is in it, by tabs",
                     here);
  TagRow row{fields[2], {}, Json::array(), fields[0]};
  if (!fields[1].empty()) {
    row.today = ParseDate(fields[1]);
    if (!row.today) return MakeError(ErrorCode::kInvalidArgument, "{}: today is no day: {}", here, fields[1]);
  }
  std::string_view rest = fields.size() == 4 ? std::string_view(fields[3]) : "";
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(" | "), rest.size());
    const std::string_view one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 3, rest.size()));
    const size_t space = one.find(' ');
    if (space == std::string_view::npos)
      return MakeError(ErrorCode::kInvalidArgument, "{}: '{}' is not a type and its value", here, one);
    const std::string_view type = one.substr(0, space);
    const std::string value(one.substr(space + 1));
    const bool number = type == "number" || type == "ordinal" || type == "percent" || type == "money";
    Json parsed = number ? Json::parse(value, nullptr, false) : Json(value);
    if (parsed.is_discarded())
      return MakeError(ErrorCode::kInvalidArgument, "{}: '{}' is no number", here, value);
    row.found.push_back({{"type", type}, {"value", std::move(parsed)}});
  }
  return row;
}

Result<TagRow> ParseTagJson(const std::string& line, const std::string& here) {
  SOTTO_ASSIGN_OR_RETURN(const Json json, ParseJson(CleanUtf8(line), here));
  if (!json.is_object() || !json.contains("text") || !json["text"].is_string() || !json.contains("found") ||
      !json["found"].is_array())
    return MakeError(ErrorCode::kInvalidArgument, "{}: no object with \"text\" and \"found\": [...]", here);
  TagRow row{json["text"].get<std::string>(), {}, json["found"], json.value("category", "")};
  for (const Json& one : row.found) {
    if (!one.is_object() || !one.contains("type") || !one.contains("value"))
      return MakeError(ErrorCode::kInvalidArgument, "{}: \"found\" has one without \"type\" or \"value\"",
                       here);
  }
  if (const std::string today = json.value("today", ""); !today.empty()) {
    row.today = ParseDate(today);
    if (!row.today) return MakeError(ErrorCode::kInvalidArgument, "{}: 'today' is no day: {}", here, today);
  }
  return row;
}

Result<std::vector<TagRow>> ReadTagRows(const std::filesystem::path& path) {
  std::ifstream stream(path);
  if (!stream) return MakeError(ErrorCode::kNotFound, "cannot read {}", path.string());
  std::vector<TagRow> rows;
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    const std::string here = fmt::format("{}:{}", path.string(), number);
    SOTTO_ASSIGN_OR_RETURN(TagRow row,
                           path.extension() == ".tsv" ? ParseTagLine(line, here) : ParseTagJson(line, here));
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return MakeError(ErrorCode::kInvalidArgument, "{}: has no rows", path.string());
  return rows;
}

// Everything wanted with its value (first or, where the row says "any", among the others) and nothing besides.
bool IsRight(const Json& wanted, const Json& got) {
  if (wanted.size() != got.size()) return false;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i]["type"] != got[i]["type"]) return false;
    if (wanted[i].contains("text") && wanted[i]["text"] != got[i]["text"]) return false;
    const Json& value = wanted[i]["value"];
    const bool first =
        value == got[i]["value"] || (value.is_number() && got[i]["value"].is_number() &&
                                     std::abs(value.get<double>() - got[i]["value"].get<double>()) < 1e-6);
    if (!first) return false;
  }
  return true;
}

Result<TagKeys> ReadTagKeys(const SpecialistDeclaration& declaration) {
  SOTTO_RETURN_IF_ERROR(CheckKeys(declaration, {"types", "day_first", "past"}));
  TagKeys keys;
  YamlReader reader;
  reader.Read(declaration.root, "", "types", keys.types);
  reader.Read(declaration.root, "", "day_first", keys.day_first);
  reader.Read(declaration.root, "", "past", keys.past);
  if (keys.types.empty()) keys.types = kTagTypes;
  for (const std::string& type : keys.types) {
    if (std::ranges::find(kTagTypes, type) == kTagTypes.end())
      reader.Add(declaration.root["types"].Mark(), fmt::format("no type '{}'", type),
                 fmt::format("{}", fmt::join(kTagTypes, ", ")));
  }
  SOTTO_RETURN_IF_ERROR(FirstMistake(reader, declaration.file()));
  return keys;
}

}  // namespace

Result<std::unique_ptr<Annotator>> OpenTag(const SpecialistDeclaration& declaration,
                                           const SpecialistContext&) {
  SOTTO_ASSIGN_OR_RETURN(TagKeys keys, ReadTagKeys(declaration));
  return std::make_unique<TagAnnotator>(declaration, std::move(keys));
}

Result<Json> EvaluateTag(const SpecialistDeclaration& declaration, const SpecialistContext& context,
                         const std::vector<std::string>& data) {
  SOTTO_ASSIGN_OR_RETURN(const auto annotator, OpenTag(declaration, context));
  SOTTO_ASSIGN_OR_RETURN(const auto files,
                         DataFiles(declaration, data.empty() ? declaration.valid : data, "valid"));
  struct Count {
    size_t rows = 0, right = 0;
  };
  std::map<std::string, Count> categories;
  Count all;
  Json errors = Json::array();
  for (const auto& file : files) {
    SOTTO_ASSIGN_OR_RETURN(const auto rows, ReadTagRows(file));
    for (const TagRow& row : rows) {
      const Json got = annotator->AnnotateInContext({.text = row.text, .today = row.today})["found"];
      const bool right = IsRight(row.found, got);
      for (Count* count : {&all, &categories[row.category]}) {
        ++count->rows;
        count->right += right;
      }
      if (right) continue;
      std::string said;
      for (const Json& one : got)
        said += fmt::format("{}{} {} ({})", said.empty() ? "" : ", ", one["type"].get<std::string>(),
                            one["value"].dump(), one["text"].get<std::string>());
      std::string wanted;
      for (const Json& one : row.found)
        wanted += fmt::format("{}{} {}", wanted.empty() ? "" : ", ", one["type"].get<std::string>(),
                              one["value"].dump());
      errors.push_back(fmt::format("{}: {}: wanted {}, got {}", row.category, row.text,
                                   wanted.empty() ? "nothing" : wanted, said.empty() ? "nothing" : said));
    }
  }
  const auto share = [](const Count& count) {
    return static_cast<double>(count.right) / static_cast<double>(count.rows);
  };
  Json by = Json::object();
  for (const auto& [name, count] : categories) by[name.empty() ? "all" : name] = share(count);
  return Json{{"rows", all.rows}, {"exact", share(all)}, {"by_category", by}, {"errors", errors}};
}

}  // namespace sotto
