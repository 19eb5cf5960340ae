// Pseudonyms for personal data that leaves for somewhere else, and back again.
//
// A vault belongs to one conversation (or one request). What it hides becomes, by kind:
//   numbers of seven digits or more, IBANs   digits of the same length and form, beginning with 9; a card keeps
//                                            its last four, so that "ending in" stays true
//   names                                    invented words, one a word: "jane doe" -> "Tarvik Osbelno"
//   e-mails                                  "tarvik2@example.com" (RFC 2606: nobody's)
//   everything else                          a typed token: "ADDRESS_K7QXM"
// The same value is the same pseudonym throughout the conversation, and another in the next. None is a text
// that already stands in the conversation. A number comes back digit by digit in whatever groups it is
// written, names and tokens as words in any case, in content and inside JSON; also from a stream that is cut
// anywhere (StreamRestorer).
//
// Fails closed: what still holds personal data after hiding is an error, and nothing leaves. The vault's values
// are overwritten when it is destroyed. One thread at a time. Decisions: docs/adr/0020.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "core/conversation.h"
#include "core/json.h"
#include "privacy/detector.h"

namespace sotto {

// How many values of each kind stand in what was hidden: for the audit (privacy/audit.h).
using KindCounts = std::array<uint32_t, kPersonalKinds>;

class PseudonymVault {
 public:
  // `seed`: of the conversation, from a source that nobody can guess (base/unique_id.h). `kinds`: what is
  // hidden. REQUIRES: detector not null.
  PseudonymVault(std::shared_ptr<const Detector> detector, uint64_t seed,
                 KindSet kinds = KindSet::Identifying());
  ~PseudonymVault();
  PseudonymVault(const PseudonymVault&) = delete;
  PseudonymVault& operator=(const PseudonymVault&) = delete;

  // `before`: what was asked or said just before. kUnavailable: it cannot be made safe; the message says what
  // kinds remain, never the data.
  Result<std::string> HideText(std::string_view text, std::string_view before = {});
  // Every text of the conversation, earlier turns first: what users said, and the values of calls.
  Result<Conversation> HideConversation(const Conversation& conversation);
  // Every string in it (values, not keys), and integers of seven digits or more.
  Result<Json> HideJson(const Json& json, std::string_view before = {});

  std::string RestoreText(std::string_view text) const;
  Json RestoreJson(const Json& json) const;
  ToolCall RestoreCall(const ToolCall& call) const;

  // Of everything hidden so far.
  const KindCounts& counts() const { return counts_; }
  bool empty() const { return entries_.empty(); }

 private:
  friend class StreamRestorer;

  struct Entry {
    PersonalKind kind = PersonalKind::kNumber;
    bool code = false;      // `pseudonym` and `original` are digits and capitals, restored one by one
    std::string pseudonym;  // code: without what stands between its groups; else lower case
    std::string original;
  };

  // How an entry stands at a place of a text.
  enum class Match : uint8_t { kNo, kPartly, kWhole };
  struct Found {
    Match match = Match::kNo;
    size_t bytes = 0;  // of the text
    const Entry* entry = nullptr;
  };
  // The longest entry at `at`; kPartly where the text ends within one and more may come.
  Found FindAt(std::string_view text, size_t at, bool more) const;
  static Found MatchCode(const Entry& entry, std::string_view text, size_t at, bool more);
  static Found MatchWord(const Entry& entry, std::string_view text, size_t at, bool more);
  static std::string RestoreOne(const Found& found, std::string_view text);

  std::string HideOnce(std::string_view text, std::string_view before);
  std::string PseudonymFor(PersonalKind kind, std::string_view text);
  std::string HideCode(PersonalKind kind, std::string_view value, const std::string& bare);
  std::string HideName(std::string_view value);
  std::string HideOther(PersonalKind kind, std::string_view value);
  const Entry* EntryOf(std::string_view original, bool code) const;
  void Add(PersonalKind kind, bool code, std::string pseudonym, std::string_view original);
  bool Fresh(std::string_view pseudonym) const;
  std::string Syllables(size_t n);
  // Where pseudonyms stand in a text.
  std::vector<std::pair<size_t, size_t>> OwnRanges(std::string_view text) const;
  std::vector<PersonalSpan> Remaining(std::string_view text, std::string_view before) const;
  void Remember(std::string_view text);

  const std::shared_ptr<const Detector> detector_;
  const KindSet kinds_;
  Random random_;
  std::deque<Entry> entries_;  // a deque: no value is left behind where one lay before
  std::string
      seen_;  // everything hidden so far in lower case, its digits without gaps: what no pseudonym may be
  KindCounts counts_{};
};

// Restores a text that comes in pieces. What might still be a pseudonym is held back, nothing else; the pieces
// that Feed and Finish return are together RestoreText of all that was fed. One thread at a time.
class StreamRestorer {
 public:
  // `vault` outlives it.
  explicit StreamRestorer(const PseudonymVault& vault) : vault_(vault) {}

  std::string Feed(std::string_view piece);
  std::string Finish();

 private:
  std::string Drain(bool more);

  const PseudonymVault& vault_;
  std::string held_;
  size_t kept_ = 0;  // bytes at the front of held_ that were given out: the context of what follows
};

}  // namespace sotto
