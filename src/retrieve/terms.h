// Text as the terms that an index knows: words in lower case without endings (Snowball stemmer) and without those that
// say nothing by themselves (the, of, what). Digits stay: "$1,250.50" is 1250.50, "4821" is itself, parts of an
// identifier ("open_bank_account_4821") are terms of their own.
//
// Immutable but for the stemmer's scratch memory and the stems it remembers: one thread at a time.
// Source: Porter 1980 and its successor of the Snowball project.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"

struct sb_stemmer;

namespace sotto {

// A term and the bytes [begin, end) of the text that it was made from.
struct Term {
  std::string text;
  size_t begin = 0;
  size_t end = 0;
  bool stop = false;  // says nothing by itself; such terms are only made where they are asked for
};

class TermReader {
 public:
  // `language`: "en", "de", ... as ISO 639-1. kUnsupported: the stemmer does not know it.
  static Result<TermReader> Create(const std::string& language);
  ~TermReader();
  TermReader(TermReader&&) noexcept;
  TermReader& operator=(TermReader&&) noexcept;

  std::vector<Term> Terms(std::string_view text, bool with_stop_terms = false) const;
  // Names the language and the rules: an index made by others is read by others.
  const std::string& id() const { return id_; }
  const std::string& language() const { return language_; }

 private:
  TermReader() = default;
  std::string StemOf(std::string word) const;

  std::string language_;
  mutable std::unordered_map<std::string, std::string> stems_;  // made before
  std::string id_;
  struct DeleteStemmer {
    void operator()(sb_stemmer* stemmer) const;
  };
  std::unique_ptr<sb_stemmer, DeleteStemmer> stemmer_;
};

}  // namespace sotto
