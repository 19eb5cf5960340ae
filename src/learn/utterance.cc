#include "learn/utterance.h"

namespace sotto {

SpokenWords ToWords(std::string_view text, SpokenWord::Carries carries, std::string_view slot) {
  SpokenWords words;
  size_t at = 0;
  while (at < text.size()) {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\n' || text[at] == '\t')) ++at;
    const size_t start = at;
    while (at < text.size() && text[at] != ' ' && text[at] != '\n' && text[at] != '\t') ++at;
    if (at > start)
      words.push_back({std::string(text.substr(start, at - start)), carries, std::string(slot)});
  }
  return words;
}

std::string ToText(const SpokenWords& words) {
  std::string text;
  for (const SpokenWord& word : words) {
    if (!text.empty()) text += ' ';
    text += word.text;
  }
  return text;
}

void Append(SpokenWords& to, const SpokenWords& more) { to.insert(to.end(), more.begin(), more.end()); }

}  // namespace sotto
