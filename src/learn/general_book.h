// Text data compiled in by CMake: the general phrase book (src/learn/data/general.yaml) and the general table
// of what words are misheard as (src/learn/data/confusions.tsv).
#pragma once

namespace sotto {

extern const char* const kGeneralBook;
extern const char* const kGeneralConfusions;

}  // namespace sotto
