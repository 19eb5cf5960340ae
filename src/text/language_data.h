// What Sotto knows about a language beyond its words for numbers: lists of phrases (how people agree, refuse,
// hesitate, ask; what they say around a sentence) and two small classifiers. Data, one folder a language
// (docs/formats/language.md): a second language is a folder and not a patch. The folders of
// src/text/languages/ are compiled in; a workflow may bring more in its own `languages/`. Immutable; any
// thread.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "text/phrase_list.h"
#include "text/sentence_model.h"

namespace sotto {

// Verbs for one thing that tools do: "cancel", "block", "get rid of"; "cancelled", "blocked"; "cancellation".
struct ActWords {
  std::vector<std::string> verbs;
  std::vector<std::string> past;
  std::vector<std::string> nouns;
};

// A sorted list of words. Cost of a look-up: a binary search.
class WordList {
 public:
  // One word a line; '#' begins a comment line. The error names the first line that is out of order.
  static Result<WordList> Parse(std::string_view text, std::string_view source);
  bool Contains(std::string_view word) const;
  bool empty() const { return begins_.empty(); }

 private:
  std::string text_;
  std::vector<uint32_t> begins_;  // of each word in text_
};

struct LanguageData {
  std::string code;  // "en": the folder's name

  // words.txt, may be missing: ordinary words. What is none of them may be a slip of the keyboard.
  WordList words;

  // opposites.txt, may be missing: "block unblock", each pair both ways round.
  WordList opposites;

  // talk.txt
  PhraseList fillers;
  PhraseList please;
  PhraseList polite;
  PhraseList address;
  PhraseList now;
  PhraseList backchannels;
  PhraseList backchannels_or_answers;
  PhraseList references;    // words that stand for a value without naming it: "the other one"
  PhraseList idioms;        // words that mean something else together: "saving grace"
  PhraseList joins;         // "and"
  PhraseList each;          // a figure for all that were named: "50 each"
  PhraseList alternatives;  // "or"
  PhraseList means;         // before what something is paid or done with: "with"
  PhraseList shares;        // a part of what is there, no figure: "half of it"
  PhraseList parts;         // not all of what was read back: "only the", "skip the"
  PhraseList relative;      // of an amount, beside another: "100 more"
  PhraseList undoing;       // of what was done before: "undo that"

  // consent.txt: answers to a read-back (text/consent.h)
  PhraseList yes;
  PhraseList asides;     // nothing against a yes, and none by themselves
  PhraseList plain_yes;  // the same, after a pause: a yes and nothing else
  PhraseList go_ahead;   // ends a sentence that agrees, whatever was said before
  PhraseList hearsay;    // unless one of these was
  PhraseList no_order;   // or stands right before it
  PhraseList leads;
  PhraseList weak_leads;
  PhraseList objects;
  PhraseList determiners;
  PhraseList prepositions;
  PhraseList after_values;
  PhraseList vetoes;
  PhraseList acts_of_leaving;
  PhraseList wait;
  PhraseList drop;
  PhraseList questions;
  PhraseList later;
  PhraseList no;
  PhraseList unsure;
  PhraseList change;

  // acts.txt: what tools do
  std::vector<ActWords> acts;
  PhraseList act_verbs;  // of all acts
  PhraseList act_pasts;
  PhraseList reading;
  PhraseList money;
  PhraseList access;
  PhraseList commitments;

  // requests.txt: whether a sentence asks for something (text/speech_act.h)
  PhraseList clause_breaks;
  PhraseList reasons;
  PhraseList interjections;
  PhraseList requests;
  PhraseList harmless;
  PhraseList negated;
  PhraseList negated_anywhere;
  PhraseList withdrawn;
  PhraseList over;
  PhraseList how_to;
  PhraseList asked;
  PhraseList hypothetical;
  PhraseList reported;
  PhraseList done_before;
  PhraseList delayed;
  PhraseList deadlines;    // before a day until which something is wanted: "by"
  PhraseList day_markers;  // before a day that something is wanted on: "on"
  PhraseList conditional;
  PhraseList negations;
  PhraseList negation_ends;
  PhraseList bare_negations;  // say what is not, and no more: "don't", "never"

  SentenceModel consent_model;  // consent.model: yes, other
  SentenceModel request_model;  // requests.model: request, other
};

// A compiled-in language. kNotFound names the languages there are.
Result<std::shared_ptr<const LanguageData>> LanguageFor(std::string_view code);
std::vector<std::string> LanguageCodes();  // of the compiled-in ones

// A language of a folder; its name is the code. The error names the file and the line. With `models` false
// the classifiers stay empty: for the command that trains them.
Result<std::shared_ptr<const LanguageData>> ReadLanguage(const std::filesystem::path& folder,
                                                         bool models = true);

// A file of a language by its name: of a folder, or compiled in.
struct LanguageFile {
  std::string_view name;
  std::string_view text;
};
// `source` is for messages.
Result<std::shared_ptr<const LanguageData>> ParseLanguage(std::string_view code,
                                                          std::span<const LanguageFile> files,
                                                          std::string_view source, bool models = true);

}  // namespace sotto
