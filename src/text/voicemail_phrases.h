// What answering machines say (languages/CODE/voicemail.txt): sentences that nobody says who picks up a telephone.
#pragma once

#include <string_view>

#include "text/phrase_list.h"

namespace sotto {

// Of a language that is compiled in; empty where it has no such file: then its machines are known by their sound alone.
// Static storage. Any thread.
const PhraseList& VoicemailPhrases(std::string_view language);

}  // namespace sotto
