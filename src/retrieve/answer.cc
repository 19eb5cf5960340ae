#include "retrieve/answer.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include "base/ascii.h"
#include "base/clock.h"

namespace sotto {
namespace {

constexpr double kOfHeadings =
    0.7;  // what a term in the headings above counts, against one in the words themselves
constexpr double kOfTitle = 0.55;
constexpr double kFigureBonus = 0.15;  // the question asks for a figure and there is one
constexpr double kUnitCost = 0.05;     // of every further unit of a quote
constexpr double kPassageShare = 1.0;
constexpr double kMostSpecial = 4;  // beyond e^4 a ratio says no more
constexpr size_t kMostUnits = 3;
constexpr size_t kLook = 20;  // passages whose quotes are compared
constexpr size_t kMostQuoteBytes = 500;
constexpr size_t kRoundQuoteBytes = 520;  // a quote grows to this with what stands around it

// Words that ask for a figure, a day or a length of time.
bool AsksForFigure(std::string_view question) {
  static constexpr std::string_view kAsking[] = {
      "how much", "how many", "how long", "how often", "how old",    "how high", "how far",
      "cost",     "price",    "fee",      "charge",    "rate",       "limit",    "maximum",
      "minimum",  "percent",  "when",     "what time", "until what", "deadline", "most",
      "least",    "amount",   "balance",  "age"};
  const std::string text = LowerAscii(question);
  return std::any_of(std::begin(kAsking), std::end(kAsking),
                     [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

bool HasDigit(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Which of the question's terms a text has: bit i is term i. Questions have at most 64 (index.cc).
using TermSet = uint64_t;

class TermMarks {
 public:
  TermMarks(const Index& index, const std::vector<QueryTerm>& terms) : index_(index) {
    for (size_t i = 0; i < std::min<size_t>(terms.size(), 64); ++i) {
      const QueryTerm& term = terms[i];
      if (term.is_like) {
        // What stands for a word of the question is that word.
        if (term.like_of < i) bits_[term.term] = TermSet{1} << term.like_of;
        weights_.push_back(0);
        continue;
      }
      bits_[term.term] = TermSet{1} << i;
      weights_.push_back(term.idf * std::min(term.weight, 1.0));
      total_ += weights_.back();
    }
  }
  TermSet Of(std::string_view text) const {
    TermSet set = 0;
    for (const Term& term : index_.TermsOf(text)) {
      if (const auto bit = bits_.find(term.text); bit != bits_.end()) set |= bit->second;
    }
    return set;
  }
  double Weight(TermSet set) const {
    double weight = 0;
    for (size_t i = 0; i < weights_.size(); ++i)
      if ((set >> i & 1) != 0) weight += weights_[i];
    return weight;
  }
  // Each term counts where it counts most.
  double Share(TermSet own, TermSet headings, TermSet title) const {
    if (total_ <= 0) return 0;
    return (Weight(own) + kOfHeadings * Weight(headings & ~own) +
            kOfTitle * Weight(title & ~own & ~headings)) /
           total_;
  }
  double total() const { return total_; }

 private:
  const Index& index_;
  std::unordered_map<std::string, TermSet> bits_;
  std::vector<double> weights_;
  double total_ = 0;
};

struct Quote {
  size_t hit = 0;
  size_t first = 0, last = 0;              // units that answer, both included
  size_t round_first = 0, round_last = 0;  // with what stands around them
  double coverage = 0;
  double score = 0;
};

std::string JoinLines(std::string_view text) {
  std::string out(text);
  std::replace(out.begin(), out.end(), '\n', ' ');
  return out;
}

class Answerer {
 public:
  Answerer(const Index& index, const Query& query, const AnswerOptions& options)
      : index_(index), query_(query), options_(options), figure_(AsksForFigure(query.text)) {}

  Result<DocumentAnswer> Run() {
    const TimePoint began = clock_.Now();
    DocumentAnswer answer;
    answer.question = query_.text;
    answer.threshold = options_.threshold;
    SOTTO_ASSIGN_OR_RETURN(FoundPassages found, index_.Search(query_, {std::max(options_.k, kLook), false}));
    answer.search_ms = Milliseconds(clock_.Now() - began);
    const TermMarks marks(index_, found.terms);
    std::vector<Quote> quotes;
    double top = found.passages.empty() ? 1 : std::max(found.passages[0].score, 1e-9);
    for (size_t i = 0; i < found.passages.size(); ++i) {
      Quote quote = BestQuote(found.passages[i], marks);
      quote.hit = i;
      quote.score += kPassageShare * found.passages[i].score / top;
      quotes.push_back(quote);
    }
    // The passages whose quote answers best come first, one a document.
    Rank(found, quotes);
    for (const Quote& quote : quotes)
      answer.hits.push_back(MakeHit(std::move(found.passages[quote.hit]), quote));
    Conclude(found, marks, quotes, answer);
    answer.total_ms = Milliseconds(clock_.Now() - began);
    return answer;
  }

 private:
  void Rank(const FoundPassages& found, std::vector<Quote>& quotes) const {
    std::stable_sort(quotes.begin(), quotes.end(),
                     [](const Quote& a, const Quote& b) { return a.score > b.score; });
    std::set<int64_t> seen;
    std::vector<Quote> firsts;
    std::vector<Quote> rest;
    for (const Quote& quote : quotes)
      (seen.insert(found.passages[quote.hit].document).second ? firsts : rest).push_back(quote);
    firsts.insert(firsts.end(), rest.begin(), rest.end());
    if (firsts.size() > options_.k) firsts.resize(options_.k);
    quotes = std::move(firsts);
  }

  Quote BestQuote(const Passage& passage, const TermMarks& marks) const {
    const std::vector<Unit>& units = passage.chunk.units;
    std::vector<TermSet> own(units.size());
    for (size_t i = 0; i < units.size(); ++i) own[i] = marks.Of(TextOf(passage, units[i]));
    std::vector<TermSet> headings;
    for (const auto& path : passage.chunk.headings) {
      TermSet set = 0;
      for (const std::string& heading : path) set |= marks.Of(heading);
      headings.push_back(set);
    }
    const TermSet title = marks.Of(passage.title);
    Quote best;
    best.score = -1;
    for (size_t first = 0; first < units.size(); ++first) {
      TermSet set = 0;
      bool digit = false;
      size_t n = 0;
      for (size_t last = first; last < units.size() && n < kMostUnits; ++last) {
        const Unit& unit = units[last];
        if (unit.offset + unit.length - units[first].offset > kMostQuoteBytes && last > first) break;
        if (unit.kind == Block::Kind::kHeading && last > first) break;  // another section
        set |= own[last];
        digit = digit || (unit.kind != Block::Kind::kHeading && HasDigit(TextOf(passage, unit)));
        ++n;
        // A heading or "the following:" answers nothing without what follows.
        const bool open = unit.kind == Block::Kind::kHeading || TextOf(passage, unit).ends_with(':');
        if (open && last + 1 < units.size() && n < kMostUnits) continue;
        const double coverage = marks.Share(set, headings[unit.headings], title);
        const double score = coverage + (figure_ && digit ? kFigureBonus : 0) -
                             kUnitCost * static_cast<double>(n - 1) - (open ? 0.3 : 0);
        if (score > best.score + 1e-9) best = {0, first, last, first, last, coverage, score};
      }
    }
    if (!units.empty()) Round(units, best);
    return best;
  }

  // What follows, then what stands before in the section, as far as it fits. A heading only with what it is above.
  static void Round(const std::vector<Unit>& units, Quote& quote) {
    const auto bytes = [&](size_t first, size_t last) {
      return units[last].offset + units[last].length - units[first].offset;
    };
    const auto is_heading = [&](size_t at) { return units[at].kind == Block::Kind::kHeading; };
    bool grown = true;
    while (grown) {
      grown = false;
      size_t next = quote.round_last + 1;
      while (next < units.size() && is_heading(next)) ++next;
      if (next < units.size() && bytes(quote.round_first, next) <= kRoundQuoteBytes) {
        quote.round_last = next;
        grown = true;
      }
      if (quote.round_first > 0 && !is_heading(quote.round_first) && !is_heading(quote.round_first - 1) &&
          bytes(quote.round_first - 1, quote.round_last) <= kRoundQuoteBytes) {
        --quote.round_first;
        grown = true;
      }
    }
  }

  static std::string_view TextOf(const Passage& passage, const Unit& unit) {
    return std::string_view(passage.text).substr(unit.offset, unit.length);
  }
  static std::string_view TextOf(const Passage& passage, size_t from, size_t to) {
    if (passage.chunk.units.empty()) return {};
    const Unit& first = passage.chunk.units[from];
    const Unit& last = passage.chunk.units[to];
    return std::string_view(passage.text).substr(first.offset, last.offset + last.length - first.offset);
  }

  static Hit MakeHit(Passage passage, const Quote& quote) {
    Hit hit;
    hit.score = quote.score;
    const std::string_view text = TextOf(passage, quote.round_first, quote.round_last);
    hit.quote = JoinLines(text);
    // A heading is for the eye; the answer is what stands under it.
    size_t spoken = quote.first;
    while (spoken < quote.last && passage.chunk.units[spoken].kind == Block::Kind::kHeading) ++spoken;
    hit.answer = SpokenQuote(TextOf(passage, spoken, quote.last));
    hit.citation.document = passage.name;
    hit.citation.title = passage.title;
    hit.citation.length = text.size();
    hit.citation.offset = passage.offset;
    hit.citation.page = passage.chunk.page;
    if (!passage.chunk.units.empty()) {
      const Unit& first = passage.chunk.units[quote.round_first];
      hit.citation.offset = passage.offset + first.offset;
      hit.citation.page = first.page;
      hit.citation.headings = passage.chunk.headings[passage.chunk.units[quote.last].headings];
    }
    hit.passage = std::move(passage);
    return hit;
  }

  void Conclude(const FoundPassages& found, const TermMarks& marks, const std::vector<Quote>& quotes,
                DocumentAnswer& answer) const {
    if (answer.hits.empty() || marks.total() <= 0) return;
    answer.best = static_cast<size_t>(
        std::max_element(quotes.begin(), quotes.end(),
                         [](const Quote& a, const Quote& b) { return a.score < b.score; }) -
        quotes.begin());
    const Hit& best = answer.hits[answer.best];
    AnswerSigns& signs = answer.signs;
    const TermSet title = marks.Of(best.passage.title);
    const TermSet body = marks.Of(best.passage.text);
    signs.passage = marks.Share(body, 0, title);
    for (const Hit& hit : answer.hits) signs.meaning = std::max(signs.meaning, hit.passage.meaning);
    const double rarest = std::max(index_.RarestIdf(), 1e-9);
    signs.mass = std::log1p(marks.Weight(body | title) / rarest);
    signs.score = std::log1p(best.passage.words / rarest / 2.2);
    double all = 0;
    for (const QueryTerm& term : found.terms) {
      if (term.context || term.is_like) continue;
      if (term.n_chunks == 0) signs.unknown += term.idf / marks.total();
      if (IsFigure(term.term)) continue;
      const double special = Special(term);
      all += term.idf;
      signs.special += term.idf * special;
      signs.specials += special / kMostSpecial;
    }
    if (all > 0) signs.special /= all;
    answer.confidence = AnswerConfidence(signs);
    answer.answered = answer.confidence >= options_.threshold;
    if (answer.answered) answer.text = best.answer;
  }

  // How much more common a term is in the documents than in everyday questions, as a logarithm.
  double Special(const QueryTerm& term) const {
    if (term.n_chunks == 0) return -kMostSpecial;
    if (!index_.question_words().knows_everyday()) return 0;
    const double here = static_cast<double>(term.n_chunks) / static_cast<double>(index_.n_chunks() + 1);
    return std::clamp(std::log(here / term.everyday), -kMostSpecial, kMostSpecial);
  }
  static bool IsFigure(std::string_view term) { return term[0] >= '0' && term[0] <= '9'; }

  const Index& index_;
  const Query& query_;
  const AnswerOptions& options_;
  const bool figure_;
  const SystemClock clock_;
};

Json ToJson(const Hit& hit) {
  Json json = ToJson(hit.citation);
  json["quote"] = hit.quote;
  json["answer"] = hit.answer;
  json["score"] = std::round(hit.passage.score * 1e4) / 1e4;
  return json;
}

}  // namespace

Result<DocumentAnswer> AskIndex(const Index& index, const Query& query, const AnswerOptions& options) {
  return Answerer(index, query, options).Run();
}

Json ToJson(const Citation& citation) {
  Json json{{"document", citation.document}, {"title", citation.title}};
  if (citation.page > 0) json["page"] = citation.page;
  json["headings"] = citation.headings;
  json["offset"] = citation.offset;
  json["length"] = citation.length;
  return json;
}

Json ToJson(const DocumentAnswer& answer) {
  Json hits = Json::array();
  for (const Hit& hit : answer.hits) hits.push_back(ToJson(hit));
  Json citations = Json::array();
  if (answer.answered) citations.push_back(ToJson(answer.hits[answer.best]));
  return {{"question", answer.question},
          {"answer", answer.answered ? Json(answer.text) : Json()},
          {"confidence", std::round(answer.confidence * 1e4) / 1e4},
          {"threshold", answer.threshold},
          {"citations", std::move(citations)},
          {"hits", std::move(hits)},
          {"ms", std::round(answer.total_ms * 100) / 100}};
}

std::string ToString(const Citation& citation) {
  std::string text = citation.document;
  if (citation.page > 0) text += fmt::format(", page {}", citation.page);
  for (size_t i = 0; i < citation.headings.size(); ++i)
    text += (i == 0 ? ", " : " > ") + citation.headings[i];
  return text;
}

std::string SpokenQuote(std::string_view quote) {
  std::string out;
  for (size_t i = 0; i < quote.size(); ++i) {
    const char c = quote[i];
    if (c == '|') {
      while (!out.empty() && out.back() == ' ') out.pop_back();
      if (!out.empty()) out += ',';
      continue;
    }
    if (c == '*' || c == '#' || c == '`' || c == '_') {
      if (c == '_' && i > 0 && i + 1 < quote.size()) out += ' ';
      continue;
    }
    if ((c == ' ' || c == '\n') && (out.empty() || out.back() == ' ')) continue;
    out += c == '\n' ? ' ' : c;
  }
  while (!out.empty() && (out.back() == ' ' || out.back() == ',' || out.back() == ':')) out.pop_back();
  if (out.starts_with("- ")) out.erase(0, 2);
  return out;
}

}  // namespace sotto
