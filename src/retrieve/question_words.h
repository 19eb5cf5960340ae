// What is known of the words of questions, whatever the documents: which stand for one another ("yearly" for
// "annual"), and how often people say them when they ask about anything at all. Data of a language, compiled in:
//
//   languages/CODE/like.txt      groups of words and phrases, written by hand
//   languages/CODE/everyday.tsv  how many of a number of everyday questions have a stem; made by `sotto bench retrieve
//                                --count-words` of public sets that its head names
//
// A language without them has no likes, and nothing is everyday. Immutable; any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "retrieve/terms.h"

namespace sotto {

class QuestionWords {
 public:
  // Of `reader`'s language, by its stems. The error names the file and the line.
  static Result<std::shared_ptr<const QuestionWords>> For(const TermReader& reader);
  // `like`, `everyday`: the files' texts, for tests.
  static Result<std::shared_ptr<const QuestionWords>> Parse(std::string_view like, std::string_view everyday,
                                                            const TermReader& reader);

  // A stem that may stand in documents for term `of` of a question.
  struct Like {
    std::string stem;
    size_t of = 0;
  };
  // Of a question's terms with its stop terms, in order: no term of the question, each stem once.
  std::vector<Like> LikesOf(const std::vector<Term>& terms) const;

  // Share of everyday questions that have the stem, 0..1; a stem that none has is half a question.
  double Everyday(std::string_view stem) const;
  bool knows_everyday() const { return n_questions_ > 0; }

 private:
  struct Phrase {
    std::vector<std::string> stems;  // one after the other
    size_t group = 0;
  };
  std::unordered_map<std::string, std::vector<Phrase>> by_first_;
  std::vector<std::vector<std::string>> groups_;  // single stems that are found
  std::unordered_map<std::string, double> everyday_;
  double n_questions_ = 0;
};

}  // namespace sotto
