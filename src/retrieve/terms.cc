#include "retrieve/terms.h"

#include <libstemmer.h>

#include <array>
#include <unordered_set>

namespace sotto {
namespace {

// Function words of English; the reader's id changes with them.
constexpr std::array<std::string_view, 133> kStopWords = {
    "a",      "about", "am",       "an",      "and",    "any",    "are",    "as",     "at",    "be",
    "been",   "being", "but",      "by",      "can",    "could",  "cannot", "did",    "do",    "does",
    "doing",  "for",   "from",     "get",     "give",   "go",     "got",    "had",    "has",   "have",
    "having", "he",    "her",      "hers",    "him",    "his",    "how",    "i",      "id",    "if",
    "ill",    "im",    "in",       "into",    "is",     "it",     "its",    "ive",    "just",  "know",
    "let",    "lets",  "like",     "may",     "me",     "might",  "mine",   "must",   "my",    "of",
    "on",     "or",    "our",      "ours",    "please", "really", "s",      "shall",  "she",   "should",
    "so",     "some",  "somebody", "someone", "such",   "t",      "tell",   "than",   "that",  "thats",
    "the",    "their", "theirs",   "them",    "then",   "there",  "theres", "these",  "they",  "thing",
    "things", "this",  "those",    "to",      "too",    "us",     "want",   "was",    "we",    "were",
    "what",   "whats", "when",     "where",   "which",  "who",    "whom",   "whose",  "why",   "will",
    "with",   "would", "wont",     "you",     "your",   "yours",  "dont",   "doesnt", "didnt", "isnt",
    "arent",  "cant",  "couldnt",  "wouldnt", "hi",     "hello",  "ok",     "okay",   "yes",   "hey",
    "much",   "many",  "also"};

bool IsWordByte(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}
bool IsDigitByte(unsigned char c) { return c >= '0' && c <= '9'; }

// Punctuation beyond ASCII (quotes, dashes, bullets, no-break space) separates words as ASCII's does.
size_t WidePunctuation(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0;
  };
  if (byte(0) == 0xE2 && (byte(1) == 0x80 || byte(1) == 0x81 || byte(1) == 0x86 || byte(1) == 0x97)) return 3;
  if (byte(0) == 0xC2 && byte(1) >= 0xA0 && byte(1) <= 0xBF) return 2;
  return 0;
}

// A capital of Latin-1 or Latin Extended, Greek or Cyrillic in two bytes, as its small letter.
void LowerWide(std::string& word) {
  for (size_t i = 0; i + 1 < word.size(); ++i) {
    auto first = static_cast<unsigned char>(word[i]);
    auto second = static_cast<unsigned char>(word[i + 1]);
    if (first == 0xC3 && second >= 0x80 && second <= 0x9E && second != 0x97)
      word[i + 1] = static_cast<char>(second + 0x20);
    if (first == 0xD0 && second >= 0x90 && second <= 0x9F) word[i + 1] = static_cast<char>(second + 0x20);
    if (first == 0xD0 && second >= 0xA0 && second <= 0xAF) {
      word[i] = static_cast<char>(0xD1);
      word[i + 1] = static_cast<char>(second - 0x20);
    }
  }
}

bool IsStopWord(std::string_view word) {
  static const std::unordered_set<std::string_view> kSet(kStopWords.begin(), kStopWords.end());
  return kSet.contains(word);
}

constexpr size_t kMostStems = 100'000;  // remembered

}  // namespace

void TermReader::DeleteStemmer::operator()(sb_stemmer* stemmer) const { sb_stemmer_delete(stemmer); }

TermReader::~TermReader() = default;
TermReader::TermReader(TermReader&&) noexcept = default;
TermReader& TermReader::operator=(TermReader&&) noexcept = default;

Result<TermReader> TermReader::Create(const std::string& language) {
  TermReader reader;
  reader.stemmer_.reset(sb_stemmer_new(language.c_str(), "UTF_8"));
  if (reader.stemmer_ == nullptr)
    return MakeError(ErrorCode::kUnsupported, "no stemmer for the language '{}'; en, de, fr, es, it, ...",
                     language);
  reader.language_ = language;
  reader.id_ = "terms-1/" + language;
  return reader;
}

std::string TermReader::StemOf(std::string word) const {
  if (const auto known = stems_.find(word); known != stems_.end()) return known->second;
  const sb_symbol* stem = sb_stemmer_stem(stemmer_.get(), reinterpret_cast<const sb_symbol*>(word.data()),
                                          static_cast<int>(word.size()));
  if (stem == nullptr) return word;
  std::string made(reinterpret_cast<const char*>(stem),
                   static_cast<size_t>(sb_stemmer_length(stemmer_.get())));
  if (stems_.size() < kMostStems) stems_.emplace(std::move(word), made);
  return made;
}

std::vector<Term> TermReader::Terms(std::string_view text, bool with_stop_terms) const {
  std::vector<Term> terms;
  for (size_t at = 0; at < text.size();) {
    if (const size_t wide = WidePunctuation(text, at); wide > 0) {
      at += wide;
      continue;
    }
    if (!IsWordByte(static_cast<unsigned char>(text[at]))) {
      ++at;
      continue;
    }
    const size_t begin = at;
    std::string word;
    bool digits = true;
    while (at < text.size()) {
      const auto c = static_cast<unsigned char>(text[at]);
      const bool between_digits = digits && !word.empty() && at + 1 < text.size() &&
                                  IsDigitByte(static_cast<unsigned char>(text[at + 1]));
      if (c == '\'' && !word.empty() && !digits && at + 1 < text.size()) {
        ++at;  // "don't": dont
        continue;
      }
      if (c == ',' && between_digits) {
        ++at;
        continue;
      }
      if (c == '.' && between_digits) {
        word += '.';
        ++at;
        continue;
      }
      if (!IsWordByte(c) || WidePunctuation(text, at) > 0) break;
      digits = digits && IsDigitByte(c);
      word += static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
      ++at;
      if (word.size() >= 64) break;
    }
    if (digits && word.find('.') != std::string::npos) {
      // 30.00 is 30, 1.50 is 1.5
      while (word.back() == '0') word.pop_back();
      if (word.back() == '.') word.pop_back();
    }
    LowerWide(word);
    const bool stop = language_ == "en" && IsStopWord(word);
    if (stop && !with_stop_terms) continue;
    if (!digits && word.size() > 2) {
      word = StemOf(std::move(word));
    }
    terms.push_back({std::move(word), begin, at, stop});
  }
  return terms;
}

}  // namespace sotto
