#include "retrieve/index.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <unordered_set>

#include "core/json.h"
#include "retrieve/access_rules.h"
#include "retrieve/index_format.h"
#include "retrieve/lsa.h"
#include "retrieve/vector_file.h"

namespace sotto {
namespace {

constexpr double kK1 = 1.2;
constexpr double kB = 0.75;
constexpr double kMeaningWeight = 0.35;
constexpr double kContextWeight = 0.35;
constexpr double kLikeWeight = 0.4;  // of a word that stands for one of the question
constexpr size_t kCandidates = 200;
constexpr size_t kMostTerms = 64;  // of a question

template <typename T, typename Less>
void KeepBest(std::vector<T>& values, size_t n, Less less) {
  if (values.size() > n) {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(n), values.end(), less);
    values.resize(n);
  }
  std::sort(values.begin(), values.end(), less);
}

}  // namespace

struct Index::Statements {
  Statement term;
  Statement chunk;
};

// Scores by ordinal.
struct Index::Candidates {
  std::vector<float> words;
  std::vector<float> vector;  // of the question
};

Index::Index(TermReader terms) : reader_(std::move(terms)) {}
Index::~Index() = default;

Result<std::shared_ptr<const Index>> Index::Open(const std::filesystem::path& path) {
  auto opened = OpenOnce(path);
  // A build may have replaced the generation between its name being read and its files being opened.
  if (!opened && opened.error().code == ErrorCode::kNotFound && CurrentGeneration(path))
    opened = OpenOnce(path);
  return opened;
}

Result<std::shared_ptr<const Index>> Index::OpenOnce(const std::filesystem::path& path) {
  SOTTO_ASSIGN_OR_RETURN(const std::filesystem::path folder, CurrentGeneration(path));
  SOTTO_ASSIGN_OR_RETURN(Database database, Database::Open(folder / "index.db", Database::Mode::kRead));
  SOTTO_ASSIGN_OR_RETURN(const std::string format, ReadMeta(database, "format"));
  SOTTO_ASSIGN_OR_RETURN(const std::string terms, ReadMeta(database, "terms"));
  SOTTO_ASSIGN_OR_RETURN(const std::string language, ReadMeta(database, "language"));
  SOTTO_ASSIGN_OR_RETURN(const std::string space, ReadMeta(database, "space"));
  if (format != std::to_string(kIndexFormat)) {
    return MakeError(ErrorCode::kUnsupported,
                     "{}: an index of format {}, and this program reads {}; build it again", path.string(),
                     format, kIndexFormat);
  }
  SOTTO_ASSIGN_OR_RETURN(TermReader reader, TermReader::Create(language));
  const std::string mine = fmt::format("{}/{}", kSpaceId, kSpaceSize);
  if (terms != reader.id() || space != mine) {
    return MakeError(
        ErrorCode::kUnsupported,
        "{}: made with terms '{}' and vectors '{}', and this program makes '{}' and '{}'; build it again",
        path.string(), terms, space, reader.id(), mine);
  }
  const std::shared_ptr<Index> index(new Index(std::move(reader)));
  index->path_ = path;
  index->generation_ = folder.filename().string();
  index->language_ = language;
  SOTTO_ASSIGN_OR_RETURN(index->question_words_, QuestionWords::For(index->reader_));
  index->database_.emplace(std::move(database));
  SOTTO_RETURN_IF_ERROR(index->Load());
  SOTTO_ASSIGN_OR_RETURN(index->vectors_,
                         VectorFile::Open(folder / "vectors.faiss", kSpaceSize, index->lengths_.size()));
  return index;
}

Result<void> Index::Load() {
  SOTTO_ASSIGN_OR_RETURN(const std::string lengths, ReadMeta(*database_, "lengths"));
  SOTTO_ASSIGN_OR_RETURN(const std::string documents, ReadMeta(*database_, "documents_of"));
  lengths_ = FromBytes<float>(lengths);
  documents_of_ = FromBytes<uint32_t>(documents);
  if (lengths_.size() != documents_of_.size())
    return MakeError(ErrorCode::kCorrupt, "{}: lengths of {} passages, documents of {}", database_->path(),
                     lengths_.size(), documents_of_.size());
  const double sum = std::accumulate(lengths_.begin(), lengths_.end(), 0.0);
  mean_length_ = lengths_.empty() || sum <= 0 ? 1 : sum / static_cast<double>(lengths_.size());
  SOTTO_ASSIGN_OR_RETURN(Statement all, database_->Prepare("SELECT id, groups FROM documents"));
  while (true) {
    SOTTO_ASSIGN_OR_RETURN(const bool row, all.Step());
    if (!row) break;
    ++n_documents_;
    if (std::string groups = all.Text(1); !groups.empty())
      restricted_.emplace_back(all.Integer(0), std::move(groups));
  }
  SOTTO_ASSIGN_OR_RETURN(Statement term,
                         database_->Prepare("SELECT postings, vector FROM terms WHERE term = ?"));
  SOTTO_ASSIGN_OR_RETURN(
      Statement chunk,
      database_->Prepare(
          "SELECT c.begin, c.page, c.headings, c.units, c.text, d.id, d.name, d.title FROM chunks c "
          "JOIN documents d ON d.id = c.document WHERE c.id = ?"));
  statements_ = std::make_unique<Statements>(Statements{std::move(term), std::move(chunk)});
  return {};
}

std::vector<Term> Index::TermsOf(std::string_view text, bool with_stop_terms) const {
  const std::lock_guard lock(mutex_);
  return reader_.Terms(text, with_stop_terms);
}

double Index::RarestIdf() const { return Idf(0, n_chunks()); }

Result<void> Index::ScoreWords(FoundPassages& result, const std::string& text, const std::string& context,
                               Candidates& candidates) const {
  std::map<std::string, size_t> seen;
  const auto add = [&](QueryTerm term) {
    if (result.terms.size() >= kMostTerms) return;
    const auto [at, added] = seen.try_emplace(term.term, result.terms.size());
    if (added) {
      term.everyday = question_words_->Everyday(term.term);
      result.terms.push_back(std::move(term));
    } else if (!term.context && !term.is_like) {
      result.terms[at->second].weight += 1;
    }
  };
  const std::lock_guard lock(mutex_);
  const std::vector<Term> asked = reader_.Terms(text, true);
  for (const Term& term : asked)
    if (!term.stop) add({.term = term.text});
  for (const QuestionWords::Like& like : question_words_->LikesOf(asked)) {
    const auto own = like.of < asked.size() ? seen.find(asked[like.of].text) : seen.end();
    add({.term = like.stem,
         .weight = kLikeWeight,
         .is_like = true,
         .like_of = own == seen.end() ? QueryTerm::kNoTerm : own->second});
  }
  for (const Term& term : reader_.Terms(context))
    add({.term = term.text, .weight = kContextWeight, .context = true});
  candidates.words.assign(n_chunks(), 0.0f);
  candidates.vector.assign(kSpaceSize, 0.0f);
  for (QueryTerm& term : result.terms) {
    SOTTO_ASSIGN_OR_RETURN(const bool there, statements_->term.Bind(1, std::string_view(term.term)).Step());
    std::string_view postings = there ? statements_->term.View(0) : std::string_view();
    term.n_chunks = postings.size() / sizeof(Posting);
    term.idf = Idf(term.n_chunks, n_chunks());
    if (!term.context && !term.is_like) result.most_words += term.weight * term.idf * (kK1 + 1);
    if (!there) continue;
    const auto scale = static_cast<float>(term.weight * term.idf * (kK1 + 1));
    for (; postings.size() >= sizeof(Posting); postings.remove_prefix(sizeof(Posting))) {
      Posting posting;
      std::memcpy(&posting, postings.data(), sizeof posting);
      if (posting.chunk >= lengths_.size())
        return MakeError(ErrorCode::kCorrupt, "{}: term '{}' names passage {}", database_->path(), term.term,
                         posting.chunk);
      const float tf = posting.Weighted();
      const double k = kK1 * (1 - kB + kB * static_cast<double>(lengths_[posting.chunk]) / mean_length_);
      candidates.words[posting.chunk] += scale * tf / (tf + static_cast<float>(k));
    }
    term.vector = FromBytes<float>(statements_->term.View(1));
    if (term.vector.size() == kSpaceSize) {
      const auto weight =
          static_cast<float>((term.weight >= 1 ? 1 + std::log(term.weight) : term.weight) * term.idf);
      for (size_t i = 0; i < kSpaceSize; ++i) candidates.vector[i] += weight * term.vector[i];
    }
    SOTTO_RETURN_IF_ERROR(statements_->term.Step());
  }
  Normalise(candidates.vector);
  return {};
}

Result<FoundPassages> Index::Search(const Query& query, const SearchOptions& options) const {
  FoundPassages result;
  Candidates candidates;
  SOTTO_RETURN_IF_ERROR(ScoreWords(result, query.text, query.context, candidates));
  std::unordered_set<uint32_t> hidden;
  for (const auto& [document, groups] : restricted_)
    if (!MaySee(groups, query.groups)) hidden.insert(static_cast<uint32_t>(document));
  const auto may_see = [&](size_t ordinal) {
    return hidden.empty() || !hidden.contains(documents_of_[ordinal]);
  };

  std::vector<size_t> best;
  for (size_t i = 0; i < candidates.words.size(); ++i)
    if (candidates.words[i] > 0 && may_see(i)) best.push_back(i);
  KeepBest(best, kCandidates, [&](size_t a, size_t b) {
    return candidates.words[a] != candidates.words[b] ? candidates.words[a] > candidates.words[b] : a < b;
  });
  std::map<size_t, float> meaning;
  const bool has_vector =
      std::any_of(candidates.vector.begin(), candidates.vector.end(), [](float v) { return v != 0; });
  if (has_vector && !options.words_only) {
    // Hidden passages take places: ask for more where there are any.
    const size_t wanted = hidden.empty() ? kCandidates : std::min(n_chunks(), size_t{5} * kCandidates);
    for (const auto& [ordinal, cosine] : vectors_->Nearest(candidates.vector, wanted))
      if (may_see(ordinal)) meaning[ordinal] = cosine;
    for (const size_t ordinal : best)
      if (!meaning.contains(ordinal)) meaning[ordinal] = vectors_->Cosine(ordinal, candidates.vector);
  } else {
    for (const size_t ordinal : best) meaning[ordinal] = 0;
  }
  float most_words = 1e-9f;
  float most_meaning = 1e-9f;
  for (const auto& [ordinal, cosine] : meaning) {
    most_words = std::max(most_words, candidates.words[ordinal]);
    most_meaning = std::max(most_meaning, cosine);
  }
  for (const auto& [ordinal, cosine] : meaning) {
    Passage passage;
    passage.ordinal = ordinal;
    passage.words = static_cast<double>(candidates.words[ordinal]);
    passage.meaning = static_cast<double>(cosine);
    passage.score = static_cast<double>(candidates.words[ordinal] / most_words) +
                    (has_vector ? kMeaningWeight * static_cast<double>(cosine / most_meaning) : 0);
    passage.document = documents_of_[ordinal];
    result.passages.push_back(std::move(passage));
  }
  KeepBest(result.passages, result.passages.size(), [](const Passage& a, const Passage& b) {
    return a.score != b.score ? a.score > b.score : a.ordinal < b.ordinal;
  });
  // One a document first, then the rest.
  std::unordered_set<int64_t> seen;
  std::vector<Passage> firsts;
  std::vector<Passage> rest;
  for (Passage& passage : result.passages)
    (seen.insert(passage.document).second ? firsts : rest).push_back(std::move(passage));
  std::move(rest.begin(), rest.end(), std::back_inserter(firsts));
  result.passages = std::move(firsts);
  if (result.passages.size() > options.k) result.passages.resize(options.k);
  SOTTO_RETURN_IF_ERROR(ReadPassages(result));
  return result;
}

Result<void> Index::ReadPassages(FoundPassages& result) const {
  const std::lock_guard lock(mutex_);
  Statement& read = statements_->chunk;
  for (Passage& passage : result.passages) {
    SOTTO_ASSIGN_OR_RETURN(const bool there, read.Bind(1, static_cast<int64_t>(passage.ordinal) + 1).Step());
    if (!there)
      return MakeError(ErrorCode::kCorrupt, "{}: no passage {}", database_->path(), passage.ordinal + 1);
    passage.offset = static_cast<size_t>(read.Integer(0));
    passage.chunk.page = static_cast<int>(read.Integer(1));
    const std::string headings = read.Text(2);
    const std::string units = read.Text(3);
    passage.text = read.Text(4);
    passage.name = read.Text(6);
    passage.title = read.Text(7);
    SOTTO_RETURN_IF_ERROR(read.Step());
    SOTTO_ASSIGN_OR_RETURN(const Json headings_json, ParseJson(headings, database_->path()));
    SOTTO_ASSIGN_OR_RETURN(const Json units_json, ParseJson(units, database_->path()));
    try {
      passage.chunk.offset = passage.offset;
      passage.chunk.length = passage.text.size();
      passage.chunk.headings = headings_json.get<std::vector<std::vector<std::string>>>();
      for (const Json& item : units_json) {
        Unit unit;
        unit.offset = item.at(0);
        unit.length = item.at(1);
        unit.page = item.at(2);
        unit.headings = item.at(3);
        unit.kind = static_cast<Block::Kind>(item.at(4).get<int>());
        if (unit.offset + unit.length > passage.text.size() || unit.headings >= passage.chunk.headings.size())
          return MakeError(ErrorCode::kCorrupt, "{}: passage {} has a unit beyond its text",
                           database_->path(), passage.ordinal + 1);
        passage.chunk.units.push_back(unit);
      }
    } catch (const Json::exception& error) {
      return MakeError(ErrorCode::kCorrupt, "{}: passage {}: {}", database_->path(), passage.ordinal + 1,
                       error.what());
    }
  }
  return {};
}

}  // namespace sotto
