// What the tagger sees of a word: itself, its beginning and end, its case, what stands around it, and what
// the lists say. A feature is a name ("w-1=mr"); the trainer keeps the names, the detector only their hashes.
// Internal to the privacy layer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "privacy/marked_text.h"

namespace sotto {

struct TaggerFeatures {
  std::vector<uint64_t> hashes;    // Fnv1a of the names, of all words in order
  std::vector<uint32_t> ends;      // where those of each word end
  std::vector<std::string> names;  // one a hash; only where they were asked for
};

TaggerFeatures ReadTaggerFeatures(const MarkedText& text, bool names = false);

}  // namespace sotto
