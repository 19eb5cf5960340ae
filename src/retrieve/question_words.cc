#include "retrieve/question_words.h"

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include "retrieve/compiled_questions.h"

namespace sotto {
namespace {

std::string_view NextLineOf(std::string_view text, size_t& at) {
  const size_t end = std::min(text.find('\n', at), text.size());
  const std::string_view line = text.substr(at, end - at);
  at = end + 1;
  return line;
}

double CountIn(std::string_view text) {
  double value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : -1;
}

}  // namespace

Result<std::shared_ptr<const QuestionWords>> QuestionWords::For(const TermReader& reader) {
  for (const CompiledQuestions& language : CompiledQuestionWords())
    if (language.code == reader.language()) return Parse(language.like, language.everyday, reader);
  return std::make_shared<const QuestionWords>();
}

Result<std::shared_ptr<const QuestionWords>> QuestionWords::Parse(std::string_view like,
                                                                  std::string_view everyday,
                                                                  const TermReader& reader) {
  auto words = std::make_shared<QuestionWords>();
  int number = 0;
  for (size_t at = 0; at < like.size();) {
    const std::string_view line = NextLineOf(like, at);
    ++number;
    if (line.empty() || line.front() == '#') continue;
    std::vector<std::string> singles;
    const size_t group = words->groups_.size();
    size_t members = 0;
    for (size_t begin = 0; begin <= line.size(); ++members) {
      const size_t end = std::min(line.find(',', begin), line.size());
      Phrase phrase;
      phrase.group = group;
      bool stop = false;
      for (const Term& term : reader.Terms(line.substr(begin, end - begin), true)) {
        phrase.stems.push_back(term.text);
        stop = stop || term.stop;
      }
      begin = end + 1;
      if (phrase.stems.empty())
        return MakeError(ErrorCode::kCorrupt, "like.txt:{}: nothing between two commas", number);
      if (phrase.stems.size() == 1 && !stop) singles.push_back(phrase.stems[0]);
      const std::string first = phrase.stems[0];
      words->by_first_[first].push_back(std::move(phrase));
    }
    if (members < 2)
      return MakeError(ErrorCode::kCorrupt, "like.txt:{}: a group of one; two or more, commas between",
                       number);
    words->groups_.push_back(std::move(singles));
  }
  number = 0;
  for (size_t at = 0; at < everyday.size();) {
    const std::string_view line = NextLineOf(everyday, at);
    ++number;
    if (line.empty() || line.front() == '#') continue;
    const size_t tab = line.find('\t');
    const double count = tab == std::string_view::npos ? -1 : CountIn(line.substr(tab + 1));
    if (!(count > 0))
      return MakeError(ErrorCode::kCorrupt, "everyday.tsv:{}: not a stem, a tab and a count above 0", number);
    const std::string stem(line.substr(0, tab));
    if (stem == "*") {
      words->n_questions_ = count;
    } else {
      words->everyday_[stem] = count;
    }
  }
  return std::shared_ptr<const QuestionWords>(std::move(words));
}

std::vector<QuestionWords::Like> QuestionWords::LikesOf(const std::vector<Term>& terms) const {
  std::unordered_set<std::string> seen;
  for (const Term& term : terms) seen.insert(term.text);
  std::vector<Like> likes;
  for (size_t i = 0; i < terms.size(); ++i) {
    const auto phrases = by_first_.find(terms[i].text);
    if (phrases == by_first_.end()) continue;
    for (const Phrase& phrase : phrases->second) {
      if (i + phrase.stems.size() > terms.size()) continue;
      size_t own = terms.size();  // the phrase's first word that says something by itself
      bool all = true;
      for (size_t k = 0; k < phrase.stems.size() && all; ++k) {
        all = terms[i + k].text == phrase.stems[k];
        if (own == terms.size() && !terms[i + k].stop) own = i + k;
      }
      if (!all) continue;
      for (const std::string& stem : groups_[phrase.group])
        if (seen.insert(stem).second) likes.push_back({stem, own});
    }
  }
  return likes;
}

double QuestionWords::Everyday(std::string_view stem) const {
  const auto found = everyday_.find(std::string(stem));
  const double count = found == everyday_.end() ? 0.5 : found->second;
  return count / (n_questions_ + 1);
}

}  // namespace sotto
