#include "text/phrase_list.h"

#include <algorithm>

#include "text/normalise.h"

namespace sotto {
namespace {

class Expander {
 public:
  Expander(std::string_view text, size_t limit) : text_(text), limit_(limit) {}

  Result<std::vector<std::string>> Run() {
    std::vector<std::string> all = Alternatives();
    if (error_.empty() && at_ < text_.size()) error_ = "')' or ']' without an opening one";
    if (!error_.empty()) {
      return MakeError(ErrorCode::kInvalidArgument, "\"{}\": {} at column {}", text_, error_, at_ + 1);
    }
    return all;
  }

 private:
  // a|b|c, up to the end or a closing bracket.
  std::vector<std::string> Alternatives() {
    std::vector<std::string> all = Sequence();
    while (error_.empty() && at_ < text_.size() && text_[at_] == '|') {
      ++at_;
      for (std::string& one : Sequence()) all.push_back(std::move(one));
    }
    return all;
  }

  std::vector<std::string> Sequence() {
    std::vector<std::string> made{""};
    while (error_.empty() && at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '|' || c == ')' || c == ']') break;
      std::vector<std::string> parts;
      if (c == '(' || c == '[') {
        ++at_;
        parts = Alternatives();
        if (!error_.empty()) break;
        if (at_ >= text_.size() || text_[at_] != (c == '(' ? ')' : ']')) {
          error_ = c == '(' ? "'(' is not closed" : "'[' is not closed";
          break;
        }
        ++at_;
        if (c == '[') parts.emplace_back();
      } else {
        const size_t begin = at_;
        while (at_ < text_.size() && std::string_view("|()[]").find(text_[at_]) == std::string_view::npos)
          ++at_;
        parts.emplace_back(text_.substr(begin, at_ - begin));
      }
      Append(made, parts);
    }
    return made;
  }

  void Append(std::vector<std::string>& made, const std::vector<std::string>& parts) {
    if (made.size() * parts.size() > limit_) {
      error_ = "too many alternatives";
      return;
    }
    std::vector<std::string> longer;
    for (const std::string& head : made) {
      for (const std::string& part : parts) longer.push_back(head + part);
    }
    made = std::move(longer);
  }

  const std::string_view text_;
  const size_t limit_;
  size_t at_ = 0;
  std::string error_;
};

}  // namespace

Result<std::vector<std::string>> ExpandPattern(std::string_view pattern, size_t limit) {
  SOTTO_ASSIGN_OR_RETURN(std::vector<std::string> all, Expander(pattern, limit).Run());
  for (std::string& text : all) {
    std::string single;
    for (const std::string_view word : SplitWords(text)) {
      if (!single.empty()) single += ' ';
      single += word;
    }
    text = std::move(single);
  }
  return all;
}

Result<void> PhraseList::Add(std::string_view pattern) {
  SOTTO_ASSIGN_OR_RETURN(const std::vector<std::string> all, ExpandPattern(pattern));
  for (const std::string& text : all) {
    Phrase phrase;
    for (const std::string_view word : SplitWords(text)) {
      if (word == "^") {
        phrase.at_beginning = true;
      } else if (word == "$") {
        phrase.at_end = true;
      } else if (word == "_") {
        phrase.words.emplace_back(word);
      } else {
        for (const NormalisedWord& spoken : NormaliseSpokenWords(word)) phrase.words.push_back(spoken.text);
      }
    }
    if (phrase.words.empty()) continue;
    const std::string first = phrase.words.front();
    std::vector<Phrase>& same = phrases_[first];
    const bool known = std::any_of(same.begin(), same.end(), [&](const Phrase& other) {
      return other.words == phrase.words && other.at_beginning == phrase.at_beginning &&
             other.at_end == phrase.at_end;
    });
    if (!known) same.push_back(std::move(phrase));
  }
  return {};
}

void PhraseList::AddWords(std::string_view text) {
  Phrase phrase;
  for (const NormalisedWord& word : NormaliseSpokenWords(text)) phrase.words.push_back(word.text);
  if (phrase.words.empty()) return;
  const std::string first = phrase.words.front();
  phrases_[first].push_back(std::move(phrase));
}

std::vector<size_t> PhraseList::LengthsAt(std::span<const std::string_view> words, size_t at,
                                          bool beginning) const {
  std::vector<size_t> lengths;
  if (at >= words.size()) return lengths;
  for (const std::string& first : {std::string(words[at]), std::string("_")}) {
    const auto found = phrases_.find(first);
    if (found == phrases_.end()) continue;
    for (const Phrase& phrase : found->second) {
      const size_t n = phrase.words.size();
      if (at + n > words.size() || (phrase.at_beginning && !beginning)) continue;
      if (phrase.at_end && at + n != words.size()) continue;
      const bool same = std::equal(phrase.words.begin(), phrase.words.end(),
                                   words.begin() + static_cast<std::ptrdiff_t>(at),
                                   [](const std::string& pattern, std::string_view word) {
                                     return pattern == "_" || pattern == word;
                                   });
      if (same && std::find(lengths.begin(), lengths.end(), n) == lengths.end()) lengths.push_back(n);
    }
  }
  std::sort(lengths.rbegin(), lengths.rend());
  return lengths;
}

size_t PhraseList::MatchesAt(std::span<const std::string_view> words, size_t at, bool beginning) const {
  const std::vector<size_t> lengths = LengthsAt(words, at, beginning);
  return lengths.empty() ? 0 : lengths.front();
}

std::vector<std::string> PhraseList::Texts() const {
  std::vector<std::string> texts;
  for (const auto& [first, phrases] : phrases_) {
    for (const Phrase& phrase : phrases) {
      std::string text;
      for (const std::string& word : phrase.words) text += (text.empty() ? "" : " ") + word;
      texts.push_back(std::move(text));
    }
  }
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return texts;
}

bool PhraseList::Found(std::span<const std::string_view> words, size_t beginning) const {
  for (size_t i = 0; i < words.size(); ++i) {
    if (MatchesAt(words, i, i <= beginning) > 0) return true;
  }
  return false;
}

}  // namespace sotto
