// Splits text into the words that byte-level BPE merges within: the regular expressions of
// `tokenizer.ggml.pre`, as hand-written scanners.
//
// Families (the pattern of each stands at its scanner):
//   gpt-2      contractions, " ?letters", " ?digits", " ?other", spaces
//   smollm     gpt-2 with every digit alone (also refact, which Granite uses)
//   llama-bpe  letters with one leading sign, digits in threes, newlines with what precedes them
//   qwen2      llama-bpe with every digit alone
//   tekken     qwen2 with words also split at lower-to-upper case; gpt-4o likewise with contractions
//   default    gpt-2 after runs of punctuation, digits in threes
// Source: the tokenizer.json files of these models, and llama.cpp's unicode.cpp for what it makes of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sotto {

enum class PretokenizerKind {
  kGpt2,
  kDigitsGpt2,
  kLlama3,
  kQwen2,
  kQwen35,
  kTekken,
  kGpt4o,
  kFalcon,
  kDefault
};

struct Pretokenizer {
  PretokenizerKind kind = PretokenizerKind::kDefault;
  bool ignore_merges = false;  // a word that is a token is that token, whatever the merges say
  bool add_bos = false;        // unless the metadata says otherwise
  bool clean_spaces = true;    // what detokenizing does in llama.cpp
};

// By `tokenizer.ggml.pre`; nullopt for an unknown name.
std::optional<Pretokenizer> FindPretokenizer(std::string_view name);
// "default, gpt-2, llama-bpe, ...": for error messages.
std::string PretokenizerNames();

// Appends the end offset of each word of `text`, ascending; the last is text.size(). Bytes that are not UTF-8
// count as signs of one byte each.
void SplitWords(PretokenizerKind kind, std::string_view text, std::vector<size_t>& word_ends);

}  // namespace sotto
