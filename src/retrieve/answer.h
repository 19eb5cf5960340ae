// An answer from documents: the sentences that answer, quoted, with where they stand, or none.
//
// Of each of the twenty best passages the run of up to three units (sentences, items, rows) that covers most of the
// question answers; its quote is that with what stands around it. Passages are put in order by how well they were found and how
// well their run answers; the first `k` are shown, the first is the answer. Confidence is the probability that the question is
// one the documents are about at all (retrieve/confidence.h); below `threshold` there is no answer.
//
// Pure; any thread. The sentence encoder (embed/) is not asked: over the five quotes it cost ten times the search and
// chose no better (docs/adr/0027).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "retrieve/confidence.h"
#include "retrieve/index.h"

namespace sotto {

// Where a quote stands.
struct Citation {
  std::string document;  // its name in the index
  std::string title;
  int page = 0;                       // 0: the format has none
  std::vector<std::string> headings;  // above it, the highest first
  size_t offset = 0;                  // of the quote, bytes in the document's text
  size_t length = 0;
};

struct Hit {
  Passage passage;
  std::string
      quote;  // the document's own words: what answers and what stands around it; line ends are spaces
  std::string answer;  // of the quote what answers, without marks of lists and tables: what is said
  Citation citation;
  double score = 0;  // of the quote
};

struct DocumentAnswer {
  std::string question;
  bool answered = false;  // confidence >= the threshold
  double confidence = 0;  // 0..1
  double threshold = 0;
  std::string text;       // the best hit's answer; empty: not answered
  size_t best = 0;        // of the hits: where it is from
  std::vector<Hit> hits;  // at most k, the best passages first
  AnswerSigns signs;      // what the confidence is made of
  double search_ms = 0, total_ms = 0;
};

struct AnswerOptions {
  size_t k = 5;
  double threshold = kAnswerThreshold;
};

Result<DocumentAnswer> AskIndex(const Index& index, const Query& query, const AnswerOptions& options);

// {"question", "answer": text or null, "confidence", "threshold", "citations": [the answer's], "hits": [...]}
Json ToJson(const DocumentAnswer& answer);
Json ToJson(const Citation& citation);
// "fees.md, page 3, Cards > Stop payments"
std::string ToString(const Citation& citation);

// Quoted text as it is said: no list marks, cells with commas between, spaces joined.
std::string SpokenQuote(std::string_view quote);

}  // namespace sotto
