#include "extract/extractor.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/ascii.h"
#include "extract/ground.h"
#include "extract/layout.h"
#include "extract/lines.h"
#include "extract/values.h"

namespace sotto {
namespace {

using FieldType = ExtractField::Type;

bool IsLetterOrDigit(std::string_view text, size_t at) {
  return at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) != 0 ||
                              static_cast<unsigned char>(text[at]) >= 0x80);
}

struct LabelPlace {
  size_t row = 0, cell = 0;
  size_t begin = 0, end = 0;  // bytes of the cell
  std::string label;
  bool whole = false;  // the cell is the label, or begins with it
};

struct Candidate {
  size_t row = 0, cell = 0;
  FoundValue value;
  double score = 0;
  std::string label;
};

class Extractor {
 public:
  Extractor(const Document& document, const ExtractSchema& schema)
      : document_(document), schema_(schema), rows_(LayOut(document)) {
    for (const LayoutRow& row : rows_) {
      lower_.emplace_back();
      for (const LayoutCell& cell : row.cells) lower_.back().push_back(LowerAscii(cell.text));
    }
    FindDayOrder();
    for (const ExtractField& field : schema_.fields) {
      if (field.type != FieldType::kLines) continue;
      FoundLines found = FindLines(rows_, schema_, field);
      if (!found.lines.empty()) list_rows_.insert(found.rows.begin(), found.rows.end());
      lists_.emplace(field.name, std::move(found));
    }
    FindPlaces();
  }

  Extraction Run() {
    Extraction extraction;
    extraction.document = document_.name;
    extraction.schema = schema_.title;
    extraction.notes = document_.notes;
    for (const ExtractField& field : schema_.fields) extraction.fields.push_back(Extract(field));
    DropTaken(extraction);
    CheckSums(extraction);
    CheckLists(extraction);
    Conclude(extraction);
    return extraction;
  }

 private:
  // A date like 25/12/2026 anywhere says that days come first.
  void FindDayOrder() {
    ExtractField dates;
    dates.type = FieldType::kDate;
    for (const LayoutRow& row : rows_) {
      for (const LayoutCell& cell : row.cells) {
        for (size_t i = 2; i + 8 <= cell.text.size(); ++i) {
          if (cell.text[i] != '/' || !std::isdigit(static_cast<unsigned char>(cell.text[i - 1])) ||
              !std::isdigit(static_cast<unsigned char>(cell.text[i - 2])))
            continue;
          const int first = (cell.text[i - 2] - '0') * 10 + (cell.text[i - 1] - '0');
          if (first > 12 && first <= 31 && (i < 3 || cell.text[i - 3] != '/')) day_first_ = true;
        }
      }
    }
  }

  // Of each field. A label within a longer one of any field is none: "date" in "due date", "total" in "sub total".
  void FindPlaces() {
    std::vector<LabelPlace> all;
    for (const ExtractField& field : schema_.fields) {
      places_[field.name] = PlacesOf(field);
      all.insert(all.end(), places_[field.name].begin(), places_[field.name].end());
    }
    for (auto& [name, places] : places_) {
      std::erase_if(places, [&](const LabelPlace& a) {
        return std::any_of(all.begin(), all.end(), [&](const LabelPlace& b) {
          return a.row == b.row && a.cell == b.cell && b.begin <= a.begin && a.end <= b.end &&
                 b.end - b.begin > a.end - a.begin;
        });
      });
    }
  }

  std::vector<LabelPlace> PlacesOf(const ExtractField& field) const {
    std::vector<LabelPlace> places;
    for (size_t r = 0; r < lower_.size(); ++r) {
      if (list_rows_.contains(r)) continue;
      for (size_t c = 0; c < lower_[r].size(); ++c) {
        const std::string& text = lower_[r][c];
        for (const std::string& label : field.labels) {
          for (size_t at = text.find(label); at != std::string::npos; at = text.find(label, at + 1)) {
            const size_t end = at + label.size();
            if ((at > 0 && IsLetterOrDigit(text, at - 1)) || IsLetterOrDigit(text, end)) continue;
            places.push_back({r, c, at, end, label, at == 0});
          }
        }
      }
    }
    return places;
  }

  std::vector<FoundValue> ValuesIn(const ExtractField& field, size_t r, size_t c) const {
    return FindValues(field, rows_[r].cells[c].text, day_first_);
  }

  static double LabelScore(const LabelPlace& place) { return place.whole ? 1.0 : 0.82; }

  ExtractedField Extract(const ExtractField& field) const {
    if (field.type == FieldType::kLines) return ListOf(field);
    std::vector<Candidate> candidates;
    for (const LabelPlace& place : places_.at(field.name)) {
      if (field.type == FieldType::kText) {
        AddText(place, candidates);
      } else {
        AddNear(field, place, candidates);
      }
    }
    if (candidates.empty() && field.type != FieldType::kText) {
      AddAnywhere(field, candidates);
      // Of several amounts that no label tells apart none is it.
      const bool several = std::any_of(candidates.begin(), candidates.end(), [&](const Candidate& other) {
        return other.value.value != candidates[0].value.value;
      });
      if (field.type == FieldType::kMoney && several) candidates.clear();
    }
    ExtractedField extracted;
    extracted.name = field.name;
    if (candidates.empty()) return extracted;
    const auto best =
        std::max_element(candidates.begin(), candidates.end(),
                         [](const Candidate& a, const Candidate& b) { return a.score < b.score; });
    double confidence = best->score;
    for (const Candidate& other : candidates) {
      if (other.value.value == best->value.value) continue;
      // "invoice no" is plainer than "invoice".
      if (best->label.size() > other.label.size() && !other.label.empty() &&
          best->label.find(other.label) != std::string::npos)
        continue;
      const double gap = best->score - other.score;
      if (gap < 0.15) confidence = std::min(confidence, 0.55 + gap);
    }
    Ground(*best, confidence, extracted);
    return extracted;
  }

  // Behind the label in its cell, in the next cells of its row, or below it.
  void AddNear(const ExtractField& field, const LabelPlace& place, std::vector<Candidate>& candidates) const {
    const double label = LabelScore(place);
    bool found = false;
    const auto add = [&](size_t r, size_t c, const FoundValue& value, double score) {
      const double form = value.sure ? 0.05 : -0.05;
      double plain = std::min(0.99, (score + form) * label);
      // A check digit says more than where its label stands.
      if (value.sure && (field.type == FieldType::kIban || field.type == FieldType::kEmail))
        plain = std::max(plain, 0.9);
      candidates.push_back({r, c, value, plain, place.label});
      found = true;
    };
    const LayoutRow& row = rows_[place.row];
    const std::vector<FoundValue> own = ValuesIn(field, place.row, place.cell);
    for (const FoundValue& value : own) {
      if (value.begin < place.end) continue;
      const size_t gap = value.begin - place.end;
      add(place.row, place.cell, value, gap <= 4 ? 0.92 : gap <= 25 ? 0.8 : 0.6);
      break;
    }
    for (size_t c = place.cell + 1; c < row.cells.size() && !found; ++c) {
      const std::vector<FoundValue> values = ValuesIn(field, place.row, c);
      if (values.empty()) continue;
      // Of a row of figures the last is what the label means where it is an amount ("Total 3 30.00").
      const bool last = field.type == FieldType::kMoney && c + 1 < row.cells.size();
      size_t at = c;
      FoundValue value = values.front();
      for (size_t k = row.cells.size(); last && k-- > c;) {
        const std::vector<FoundValue> more = ValuesIn(field, place.row, k);
        if (more.empty()) continue;
        at = k;
        value = more.back();
        break;
      }
      add(place.row, at, value, 0.9);
    }
    if (found) return;
    for (size_t r = place.row + 1; r < std::min(place.row + 3, rows_.size()) && !found; ++r) {
      if (rows_[r].page != row.page) break;
      for (size_t c = 0; c < rows_[r].cells.size(); ++c) {
        if (!IsBelow(row, place, rows_[r], c)) continue;
        const std::vector<FoundValue> values = ValuesIn(field, r, c);
        if (values.empty()) continue;
        add(r, c, values.front(), r == place.row + 1 ? 0.85 : 0.6);
        break;
      }
    }
  }

  static bool IsBelow(const LayoutRow& row, const LabelPlace& place, const LayoutRow& other, size_t cell) {
    const LayoutCell& label = row.cells[place.cell];
    const LayoutCell& value = other.cells[cell];
    if (label.boxes.empty() || value.boxes.empty()) {
      return row.cells.size() == other.cells.size() ? cell == place.cell : row.cells.size() == 1;
    }
    return value.box.left < label.box.right + 5 && value.box.right > label.box.left - 5;
  }

  // Free text: what stands behind the label in its cell, or the next cell, or the line below.
  void AddText(const LabelPlace& place, std::vector<Candidate>& candidates) const {
    const double label = LabelScore(place);
    const LayoutRow& row = rows_[place.row];
    const std::string& own = row.cells[place.cell].text;
    size_t begin = place.end;
    bool colon = false;
    while (begin < own.size() && std::string_view(" :#.-").find(own[begin]) != std::string_view::npos) {
      colon = colon || own[begin] == ':';
      ++begin;
    }
    if (begin < own.size() && (colon || place.whole)) {
      candidates.push_back({place.row,
                            place.cell,
                            {begin, own.size(), own.substr(begin), false},
                            (colon ? 0.88 : 0.7) * label,
                            place.label});
    } else if (place.cell + 1 < row.cells.size()) {
      const std::string& next = row.cells[place.cell + 1].text;
      candidates.push_back(
          {place.row, place.cell + 1, {0, next.size(), next, false}, 0.85 * label, place.label});
    } else if (begin >= own.size() && place.row + 1 < rows_.size() && place.whole) {
      for (size_t c = 0; c < rows_[place.row + 1].cells.size(); ++c) {
        if (!IsBelow(row, place, rows_[place.row + 1], c)) continue;
        const std::string& below = rows_[place.row + 1].cells[c].text;
        candidates.push_back({place.row + 1, c, {0, below.size(), below, false}, 0.7 * label, place.label});
        break;
      }
    }
  }

  // Without a label: sure forms only, and the only value of them.
  void AddAnywhere(const ExtractField& field, std::vector<Candidate>& candidates) const {
    if (field.type == FieldType::kNumber || field.type == FieldType::kInteger ||
        field.type == FieldType::kPattern)
      return;
    for (size_t r = 0; r < rows_.size(); ++r) {
      if (list_rows_.contains(r)) continue;
      for (size_t c = 0; c < rows_[r].cells.size(); ++c) {
        for (FoundValue& value : ValuesIn(field, r, c)) {
          if (!value.sure) continue;
          const bool checked = field.type == FieldType::kIban || field.type == FieldType::kEmail ||
                               field.type == FieldType::kEnum || field.type == FieldType::kDate;
          candidates.push_back({r, c, std::move(value), checked ? 0.85 : 0.5, ""});
        }
      }
    }
  }

  void Ground(const Candidate& candidate, double confidence, ExtractedField& field) const {
    field.value = candidate.value.value;
    field.confidence = std::round(confidence * 1000) / 1000;
    field.label = candidate.label;
    GroundIn(rows_[candidate.row], candidate.cell, candidate.value.begin, candidate.value.end, field);
  }

  // What has no label of its own and is another field's by its label: the only date of an invoice is no due date.
  static void DropTaken(Extraction& extraction) {
    for (ExtractedField& field : extraction.fields) {
      if (field.value.is_null() || !field.label.empty() || !field.lines.empty()) continue;
      const bool taken =
          std::any_of(extraction.fields.begin(), extraction.fields.end(), [&](const ExtractedField& other) {
            return other.name != field.name && !other.label.empty() && !other.value.is_null() &&
                   other.offset == field.offset;
          });
      if (!taken) continue;
      const std::string name = field.name;
      field = ExtractedField();
      field.name = name;
    }
  }

  // The lines as they were found; CheckLists says how sure.
  ExtractedField ListOf(const ExtractField& field) const {
    ExtractedField list;
    list.name = field.name;
    const FoundLines& found = lists_.at(field.name);
    if (found.lines.empty()) return list;
    list.lines = found.lines;
    list.value = Json::array();
    for (const std::vector<ExtractedField>& line : list.lines) {
      Json values = Json::object();
      for (const ExtractedField& one : line) values[one.name] = one.value;
      list.value.push_back(std::move(values));
    }
    list.page = list.lines[0][0].page;
    list.confidence = 0.7;
    return list;
  }

  // The amounts of a list make one of the totals that it sums to.
  void CheckLists(Extraction& extraction) const {
    for (ExtractedField& list : extraction.fields) {
      const ExtractField& field = *schema_.Find(list.name);
      if (field.type != FieldType::kLines || list.value.is_null()) continue;
      const FoundLines& found = lists_.at(list.name);
      for (const std::string& why : found.why) extraction.why.push_back(why);
      if (!found.why.empty()) list.confidence = 0.4;
      for (const std::string& name : field.sums_to) {
        const auto total = std::find_if(extraction.fields.begin(), extraction.fields.end(),
                                        [&](const ExtractedField& one) { return one.name == name; });
        if (!total->value.is_number() || total->label.empty()) continue;  // a guess is no total
        const bool right = std::abs(found.sum - total->value.get<double>()) < 0.005;
        if (!right) {
          extraction.why.push_back(fmt::format("{} is {}, and the {} of {} make {:.2f}", name,
                                               total->value.dump(), list.lines.size(), list.name, found.sum));
          list.confidence = 0.4;
        } else if (found.why.empty()) {
          list.confidence = 0.97;
          total->confidence = std::max(total->confidence, 0.97);
        }
        break;
      }
    }
  }

  void CheckSums(Extraction& extraction) const {
    for (const ExtractField& field : schema_.fields) {
      if (field.sum_of.empty()) continue;
      const auto of = [&](const std::string& name) {
        return std::find_if(extraction.fields.begin(), extraction.fields.end(),
                            [&](const ExtractedField& f) { return f.name == name; });
      };
      const auto total = of(field.name);
      double sum = 0;
      bool all = total->value.is_number();
      for (const std::string& part : field.sum_of) {
        const auto found = of(part);
        all = all && found->value.is_number();
        if (found->value.is_number()) sum += found->value.get<double>();
      }
      if (!all) continue;
      const bool right = std::abs(sum - total->value.get<double>()) < 0.005;
      for (ExtractedField& one : extraction.fields) {
        const bool part = one.name == field.name ||
                          std::find(field.sum_of.begin(), field.sum_of.end(), one.name) != field.sum_of.end();
        if (part) one.confidence = right ? std::max(one.confidence, 0.97) : std::min(one.confidence, 0.4);
      }
      if (!right)
        extraction.why.push_back(
            fmt::format("{} is {}, and its parts make {:.2f}", field.name, total->value.dump(), sum));
    }
  }

  void Conclude(Extraction& extraction) const {
    size_t found = 0;
    for (size_t i = 0; i < extraction.fields.size(); ++i) {
      const ExtractedField& field = extraction.fields[i];
      if (field.value.is_null()) {
        if (schema_.fields[i].required) extraction.why.push_back(fmt::format("{} is not there", field.name));
        continue;
      }
      ++found;
      if (field.confidence < schema_.threshold)
        extraction.why.push_back(fmt::format("{} is not sure ({:.2f})", field.name, field.confidence));
    }
    if (found == 0) extraction.why.insert(extraction.why.begin(), "nothing of the schema is in the document");
    extraction.straight_through = extraction.why.empty();
  }

  const Document& document_;
  const ExtractSchema& schema_;
  const std::vector<LayoutRow> rows_;
  std::vector<std::vector<std::string>> lower_;
  std::map<std::string, std::vector<LabelPlace>> places_;
  std::map<std::string, FoundLines> lists_;
  std::set<size_t> list_rows_;  // hold no labels of other fields
  bool day_first_ = false;
};

}  // namespace

Extraction ExtractFields(const Document& document, const ExtractSchema& schema) {
  return Extractor(document, schema).Run();
}

namespace {

void AddPlace(const ExtractedField& field, Json& json) {
  json["raw"] = field.raw;
  if (field.page > 0) json["page"] = field.page;
  if (field.box) {
    const auto round = [](double v) { return std::round(v * 10) / 10; };
    json["box"] = {round(field.box->left), round(field.box->top), round(field.box->right),
                   round(field.box->bottom)};
  }
  json["offset"] = field.offset;
  json["length"] = field.length;
}

Json LinesJson(const ExtractedField& list) {
  Json lines = Json::array();
  for (const std::vector<ExtractedField>& fields : list.lines) {
    Json line = Json::object();
    for (const ExtractedField& field : fields) {
      if (field.value.is_null()) continue;
      Json json{{"value", field.value}};
      AddPlace(field, json);
      for (const ExtractedField& more : field.more) AddPlace(more, json["more"].emplace_back(Json::object()));
      line[field.name] = std::move(json);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

Json ToJson(const Extraction& extraction) {
  Json values = Json::object();
  Json fields = Json::object();
  for (const ExtractedField& field : extraction.fields) {
    values[field.name] = field.value;
    if (field.value.is_null()) continue;
    Json json{{"value", field.value}, {"confidence", field.confidence}};
    if (field.lines.empty()) {
      AddPlace(field, json);
    } else {
      json["lines"] = LinesJson(field);
    }
    if (!field.label.empty()) json["label"] = field.label;
    fields[field.name] = std::move(json);
  }
  return {{"document", extraction.document},
          {"schema", extraction.schema},
          {"status", extraction.straight_through ? "straight_through" : "review"},
          {"values", std::move(values)},
          {"fields", std::move(fields)},
          {"why", extraction.why},
          {"notes", extraction.notes}};
}

}  // namespace sotto
