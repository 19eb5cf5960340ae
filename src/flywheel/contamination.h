// Was a candidate trained on what it is examined with? What it was trained on is kept with its version as
// fingerprints, not as words: 64-bit hashes of texts and, for near duplicates, MinHash signatures of their
// three-word shingles (Broder, On the resemblance and containment of documents, 1997), found by bands
// (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, chapter 3).
//
// A text is what was said in a whole conversation, or one turn of it, in lower case without punctuation. Texts
// of fewer than kLeastWords words are nobody's property ("yes please", "check my balance") and are passed over.
// Values; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/conversation_jsonl.h"

namespace sotto {

inline constexpr size_t kLeastWords = 7;
inline constexpr size_t kMinHashes = 32;       // a signature: 8 bands of 4
inline constexpr double kNearDuplicate = 0.8;  // resemblance, estimated

struct TextPrint {
  uint64_t exact = 0;
  std::array<uint16_t, kMinHashes> least{};
  bool operator==(const TextPrint&) const = default;
};

// Lower case, words only, one space between them.
std::string BareText(std::string_view text);
TextPrint PrintOf(std::string_view plain_text);
// Estimated, in [0, 1].
double Resemblance(const TextPrint& a, const TextPrint& b);

class TrainedOn {
 public:
  // The conversation and each of its turns, where they are long enough.
  void Add(const Conversation& conversation);
  void Add(const TrainedOn& other);
  size_t texts() const { return prints_.size(); }

  // The best resemblance to anything it was trained on: 1 the same, 0 nothing near.
  double Nearest(std::string_view plain_text) const;

  std::string ToBytes() const;
  // kCorrupt: no such bytes. `name` stands for the file in errors.
  static Result<TrainedOn> FromBytes(std::string_view bytes, std::string_view name);

 private:
  void AddPrint(const TextPrint& print);

  std::vector<TextPrint> prints_;
  std::unordered_set<uint64_t> exact_;
  std::unordered_map<uint64_t, std::vector<uint32_t>> bands_;  // band's hash -> indices
};

struct Contamination {
  size_t texts = 0;  // of the evaluation set that were looked for
  size_t exact = 0;
  size_t near = 0;
  std::vector<std::string> examples = {};  // "line 12 turn 2, the same: ..."; a few
  double share() const;
  // Another set's; `name` stands before its examples.
  void Add(const Contamination& other, std::string_view name);
};
// A text that is found as a conversation is not counted again for its turns.
Contamination FindContamination(const TrainedOn& trained, std::span<const LabelledConversation> evaluated);

}  // namespace sotto
