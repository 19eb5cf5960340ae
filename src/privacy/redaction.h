// Turn records without personal data: a typed placeholder stands for each value, the same in what was heard and
// in the values of the calls that it became, so that a record still trains: "block <card_1>" ->
// cancel_card(card=<card_1>). Numbered within one record.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/turn_log.h"
#include "privacy/detector.h"

namespace sotto {

// One record's placeholders. Fails closed: see RedactRecord. One thread.
class Redactor {
 public:
  // REQUIRES: detector outlives it.
  Redactor(const Detector& detector, KindSet kinds) : detector_(detector), kinds_(kinds) {}
  ~Redactor();
  Redactor(const Redactor&) = delete;
  Redactor& operator=(const Redactor&) = delete;

  std::string RedactText(std::string_view text, std::string_view before = {});
  // Every string and every integer that is one of the values; `before` for the strings, else their keys.
  Json RedactJson(const Json& json, std::string_view before = {});
  // Words of a transcript: those of one value become one word.
  std::vector<TranscriptWord> RedactWords(const std::vector<TranscriptWord>& words, std::string_view before);

  // Whether `text` still holds a value that was redacted.
  bool Holds(std::string_view text) const;

 private:
  std::string PlaceholderFor(PersonalKind kind, std::string_view value);
  // The placeholder of a whole value that is known; empty: it is not.
  std::string Known(std::string_view value) const;
  std::string KeyOf(std::string_view value) const;

  const Detector& detector_;
  const KindSet kinds_;
  std::map<std::string, std::string> placeholders_;  // by value, in one form
  std::string WithoutKnown(std::string text) const;
  void AddKnown(std::string_view text, std::vector<PersonalSpan>& spans) const;
  struct Value {
    std::string text;  // as it stood, in lower case
    std::string placeholder;
  };
  std::vector<Value> values_;
  std::map<PersonalKind, int> numbers_;
};

// kUnavailable where a value would still stand in the record: it must not be kept. What is kept as it is: ids,
// times, names of tools and models, the caller's customer id (of the system of record); a caller's address
// becomes <phone> or <email>.
Result<TurnRecord> RedactRecord(const TurnRecord& record, const Detector& detector,
                                KindSet kinds = KindSet::Identifying());

// Writes redacted records to another sink. Any thread.
class RedactingSink final : public TurnSink {
 public:
  // `sink` outlives it. REQUIRES: detector not null.
  RedactingSink(TurnSink& sink, std::shared_ptr<const Detector> detector,
                KindSet kinds = KindSet::Identifying())
      : sink_(sink), detector_(std::move(detector)), kinds_(kinds) {}

  Result<void> Write(const TurnRecord& record) override;

 private:
  TurnSink& sink_;
  const std::shared_ptr<const Detector> detector_;
  const KindSet kinds_;
};

}  // namespace sotto
