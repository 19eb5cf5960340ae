// Text data compiled in by CMake from src/learn/data: the general phrase book (general.yaml), other words for
// everyday ones (thesaurus.yaml) and what words are misheard as (confusions.tsv).
#pragma once

namespace sotto {

extern const char* const kGeneralBook;
extern const char* const kThesaurus;
extern const char* const kGeneralConfusions;

}  // namespace sotto
