// An index that is asked: which passages are about a question.
//
//   words     BM25 over terms (k1 1.2, b .75), a term in the title or a heading above weighs twice; what may stand for a
//             word of the question (retrieve/question_words.h) weighs .4
//   meaning   the cosine of the question's vector with the passage's (retrieve/lsa.h), by FAISS
//   score     words / the best passage's words + .35 * meaning / the best passage's meaning, 0..1.35
//
// Only passages that `groups` may see are looked at. One passage a document among the first `k`, where there are
// enough documents; further passages of the same documents fill up.
//
// Immutable, opened once, any thread; about 10 ms over 100,000 passages. Goes on with what it opened while a new
// generation is built; Reload opens that.
// Sources: Robertson and Zaragoza 2009 (BM25); docs/adr/0027.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/sqlite.h"
#include "retrieve/chunk.h"
#include "retrieve/question_words.h"
#include "retrieve/terms.h"

namespace sotto {

class VectorFile;

struct Query {
  std::string text;
  // What was talked about before (the last questions): its terms help where the question leaves them out.
  std::string context = {};
  std::vector<std::string> groups = {};  // of who asks
};

// A term of a question, as the index knows it.
struct QueryTerm {
  std::string term;
  double weight = 1;  // occurrences; less of context
  double idf = 0;
  size_t n_chunks = 0;  // that have it; 0: the index does not know it
  bool context = false;
  // Of a term that stands for others of the question (retrieve/question_words.h): which of `terms`, or kNoTerm.
  static constexpr size_t kNoTerm = SIZE_MAX;
  bool is_like = false;
  size_t like_of = kNoTerm;
  double everyday = 0;             // share of everyday questions that have it
  std::vector<float> vector = {};  // empty: none
};

struct Passage {
  size_t ordinal = 0;
  double score = 0;
  double words = 0;    // BM25
  double meaning = 0;  // cosine
  int64_t document = 0;
  std::string name;  // of the document
  std::string title;
  size_t offset = 0;  // in the document's text
  std::string text;
  Chunk chunk;  // its units' offsets are within `text`
};

struct FoundPassages {
  std::vector<QueryTerm> terms;
  double most_words = 0;          // what BM25 would give a passage of all terms, at most
  std::vector<Passage> passages;  // the best first
};

class Index {
 public:
  // kNotFound: none there. kUnsupported: made by another program, language or vectors: names what differs. kCorrupt.
  static Result<std::shared_ptr<const Index>> Open(const std::filesystem::path& path);
  ~Index();

  struct SearchOptions {
    size_t k = 5;
    bool words_only = false;  // plain BM25: for comparisons
  };
  Result<FoundPassages> Search(const Query& query, const SearchOptions& options) const;
  Result<FoundPassages> Search(const Query& query) const { return Search(query, SearchOptions{}); }

  // Terms of any text with what the index knows of them (no vectors). One thread at a time inside.
  std::vector<Term> TermsOf(std::string_view text, bool with_stop_terms = false) const;
  // Of a term that no passage has.
  double RarestIdf() const;

  size_t n_chunks() const { return lengths_.size(); }
  size_t n_documents() const { return n_documents_; }
  const std::string& generation() const { return generation_; }
  const std::filesystem::path& path() const { return path_; }
  const std::string& language() const { return language_; }
  const QuestionWords& question_words() const { return *question_words_; }

 private:
  explicit Index(TermReader terms);
  static Result<std::shared_ptr<const Index>> OpenOnce(const std::filesystem::path& path);
  Result<void> Load();

  struct Candidates;
  Result<void> ScoreWords(FoundPassages& result, const std::string& text, const std::string& context,
                          Candidates& candidates) const;
  Result<void> ReadPassages(FoundPassages& result) const;

  std::filesystem::path path_;
  std::string generation_, language_;
  TermReader reader_;
  std::shared_ptr<const QuestionWords> question_words_;
  std::vector<float> lengths_;
  double mean_length_ = 1;
  std::vector<uint32_t> documents_of_;                       // by ordinal
  std::vector<std::pair<int64_t, std::string>> restricted_;  // documents that are not for everybody
  size_t n_documents_ = 0;
  std::unique_ptr<VectorFile> vectors_;

  struct Statements;
  mutable std::mutex mutex_;  // of the database and the reader's stemmer
  mutable std::optional<Database> database_;
  mutable std::unique_ptr<Statements> statements_;
};

}  // namespace sotto
