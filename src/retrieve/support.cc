#include "retrieve/support.h"

#include <algorithm>
#include <cctype>
#include <set>

namespace sotto {
namespace {

const std::set<std::string, std::less<>>& Denials() {
  static const std::set<std::string, std::less<>> kDenials = {"no",   "not",   "never",   "none", "cannot",
                                                              "cant", "dont",  "doesnt",  "wont", "without",
                                                              "isnt", "arent", "neither", "nor",  "unless"};
  return kDenials;
}

// "[2]", "(1)": marks of sources.
std::string WithoutMarks(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool open = text[i] == '[' || text[i] == '(';
    size_t end = i + 1;
    while (open && end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
    if (open && end > i + 1 && end < text.size() &&
        (text[end] == ']' || (text[end] == ')' && end - i <= 2))) {
      while (!out.empty() && out.back() == ' ') out.pop_back();
      i = end;
      continue;
    }
    out += text[i];
  }
  return out;
}

bool IsFigure(const std::string& term) {
  return !term.empty() && std::isdigit(static_cast<unsigned char>(term[0])) != 0;
}

struct Source {
  std::set<std::string> terms;
  bool denies = false;
};

bool Denies(const std::vector<Term>& terms, std::string_view text) {
  return std::any_of(terms.begin(), terms.end(), [&](const Term& term) {
    std::string word;
    for (const char c : text.substr(term.begin, term.end - term.begin))
      if (c != '\'') word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return Denials().contains(word);
  });
}

}  // namespace

std::string CheckedText::text() const {
  std::string out;
  for (const SupportedSentence& sentence : supported) out += (out.empty() ? "" : " ") + sentence.text;
  return out;
}

CheckedText CheckSupport(const Index& index, const DocumentAnswer& answer, std::string_view written) {
  std::vector<Source> sources;
  for (const Hit& hit : answer.hits) {
    Source source;
    std::string text = hit.citation.title;
    for (const std::string& heading : hit.citation.headings) text += "\n" + heading;
    for (const Term& term : index.TermsOf(text + "\n" + hit.quote)) source.terms.insert(term.text);
    source.denies = Denies(index.TermsOf(hit.quote, true), hit.quote);
    sources.push_back(std::move(source));
  }
  CheckedText checked;
  const std::string clean = WithoutMarks(written);
  for (const TextSpan& span : SplitSentences(clean)) {
    const std::string sentence = clean.substr(span.offset, span.length);
    const std::vector<Term> terms = index.TermsOf(sentence);
    if (terms.empty()) {
      // "Yes." alone says nothing that could be checked.
      checked.removed.push_back(sentence);
      continue;
    }
    const bool denies = Denies(index.TermsOf(sentence, true), sentence);
    SupportedSentence best{sentence, 0, -1};
    for (size_t i = 0; i < sources.size(); ++i) {
      size_t covered = 0;
      bool figures = true;
      for (const Term& term : terms) {
        const bool there = sources[i].terms.contains(term.text);
        const bool name =
            std::isupper(static_cast<unsigned char>(sentence[term.begin])) != 0 && term.begin > 0;
        covered += there ? 1 : 0;
        figures = figures && (there || (!IsFigure(term.text) && !name));
      }
      const double coverage = static_cast<double>(covered) / static_cast<double>(terms.size());
      if (figures && denies == sources[i].denies && coverage > best.coverage) best = {sentence, i, coverage};
    }
    if (best.coverage >= kLeastSupport) {
      checked.supported.push_back(std::move(best));
    } else {
      checked.removed.push_back(sentence);
    }
  }
  return checked;
}

std::string GroundedPrompt(const DocumentAnswer& answer) {
  std::string prompt =
      "Answer the question in one or two short sentences, only with what the sources say, in their own "
      "words. If they "
      "do not answer it, write: NONE\n\n";
  for (size_t i = 0; i < answer.hits.size(); ++i)
    prompt += fmt::format("Source {} ({}): {}\n", i + 1, answer.hits[i].citation.title, answer.hits[i].quote);
  return prompt + "\nQuestion: " + answer.question + "\n";
}

}  // namespace sotto
