#include "privacy/redaction.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/ascii.h"
#include "privacy/code_runs.h"
#include "privacy/finders.h"
#include "privacy/letters.h"
#include "text/normalise.h"

namespace sotto {
namespace {

constexpr size_t kLongValue = 8;   // bytes: a text of as many stands nowhere by chance
constexpr size_t kCodeDigits = 7;  // a number of as many is looked for in what was redacted

std::string OnlyDigits(std::string_view text) {
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits), IsDigit);
  return digits;
}

// A number as people write it: 4.111e15 is a card's.
std::string Figures(const Json& number) {
  constexpr double kMost = 1e21;  // a card has at most nineteen figures; those that a double lost are lost
  if (!number.is_number_float()) return number.dump();
  const double value = number.get<double>();
  return value == std::floor(value) && std::abs(value) <= kMost ? fmt::format("{:.0f}", value)
                                                                : number.dump();
}

// The words that [begin, end) lies in.
std::pair<size_t, size_t> WholeWords(std::string_view text, size_t begin, size_t end) {
  const auto within = [&](size_t at) {
    return at < text.size() &&
           (IsDigit(text[at]) || static_cast<unsigned char>(text[at]) >= 0x80 ||
            (static_cast<unsigned char>(text[at] | 0x20) >= 'a' && (text[at] | 0x20) <= 'z'));
  };
  while (begin > 0 && within(begin) && within(begin - 1)) --begin;
  while (within(end) && within(end - 1)) ++end;
  return {begin, end};
}

std::string AskedFor(const Expectation& expectation) {
  std::string asked;
  for (const std::string& slot : expectation.slots) asked += PlainWords(slot) + " ";
  return asked;
}

class RecordRedactor {
 public:
  RecordRedactor(const Detector& detector, KindSet kinds, const TurnRecord& record)
      : redactor_(detector, kinds), asked_(AskedFor(record.expectation)) {}

  Result<TurnRecord> Run(TurnRecord record) {
    Pass(record);
    // What was found late ("pay 80 to Zod?") stands in what was looked at before ("eighty for zod").
    if (!Check(record)) Pass(record);
    SOTTO_RETURN_IF_ERROR(Check(record));
    return record;
  }

 private:
  void Pass(TurnRecord& record) {
    // What was heard first: its values are numbered as they were said.
    const std::vector<TranscriptWord> words = record.heard.words;
    record.heard.text = Text(record.heard.text);
    record.heard.words = redactor_.RedactWords(words, asked_);
    for (auto& hypothesis : record.heard.n_best) hypothesis.text = Text(hypothesis.text);
    if (record.understood) RedactUnderstanding(*record.understood);
    if (record.shadow) RedactUnderstanding(*record.shadow);
    if (record.annotations) RedactAnnotations(record.annotations->by);
    for (TurnRecord::Action& action : record.actions) {
      action.request.arguments = redactor_.RedactJson(action.request.arguments);
      action.result.data = redactor_.RedactJson(action.result.data);
      RedactCaller(action.request.caller);
    }
    for (Json& event : record.events) {
      // What an event calls "name" is seldom one: it is set aside, lest the key is taken for a cue.
      Json name;
      if (event.is_object() && event.contains("name") && event["name"].is_string())
        std::swap(name, event["name"]);
      event = redactor_.RedactJson(event);
      if (name.is_null()) continue;
      // The key of an action is made of ids of our own, whose digits may look like anything.
      const bool key = event.value("event", "") == "action_began";
      event["name"] = key ? name : Json(Text(name.get_ref<const std::string&>()));
    }
    record.reply.text = Text(record.reply.text);
    RedactParts(record.reply);
    record.played_text = Text(record.played_text);
    if (record.escalation) record.escalation->summary = Text(record.escalation->summary);
    for (std::string& error : record.errors) error = Text(error);
    RedactCaller(record.caller);
  }

  std::string Text(std::string_view text) { return redactor_.RedactText(text, asked_); }

  void RedactUnderstanding(Understanding& understood) {
    understood.transcript = Text(understood.transcript);
    for (Understanding::Call& call : understood.calls) {
      call.call.arguments = redactor_.RedactJson(call.call.arguments);
      for (UnfitValue& unfit : call.unfit)
        unfit.value = redactor_.RedactJson(unfit.value, PlainWords(unfit.argument));
    }
  }

  // What was found in the words has a value in another form ("double four ..." -> 44...): it goes with its words.
  void RedactAnnotations(Json& by) {
    for (auto& item : by.items()) {
      Json& annotation = item.value();
      if (!annotation.is_object() || !annotation.contains("found") || !annotation["found"].is_array()) {
        annotation = redactor_.RedactJson(annotation);
        continue;
      }
      for (Json& found : annotation["found"]) {
        if (!found.is_object()) continue;
        const std::string words = found.value("text", "");
        const std::string redacted = Text(words);
        if (redacted == words) {
          found = redactor_.RedactJson(found);
          continue;
        }
        found["text"] = redacted;
        for (const char* key : {"begin", "end", "others", "detail"}) found.erase(key);
        if (found.contains("value")) found["value"] = redacted;
      }
    }
  }

  // A value may go from one part into the next: then the parts are one.
  void RedactParts(Reply& reply) {
    std::string whole;
    for (const Reply::Part& part : reply.parts) whole += part.spoken;
    const std::string redacted = Text(whole);
    if (redacted == whole) return;
    std::string pieces;
    std::vector<Reply::Part> parts = reply.parts;
    for (Reply::Part& part : parts) {
      part.spoken = Text(part.spoken);
      pieces += part.spoken;
    }
    reply.parts =
        redactor_.Holds(pieces) || pieces != redacted ? std::vector<Reply::Part>{{redacted, false}} : parts;
  }

  void RedactCaller(Caller& caller) {
    if (caller.address.empty()) return;
    const auto digits = std::count_if(caller.address.begin(), caller.address.end(), IsDigit);
    const std::string redacted = redactor_.RedactText(caller.address);
    caller.address = redacted == caller.address && digits >= 5 ? "<phone>" : redacted;
  }

  // Nothing that was redacted anywhere may stand elsewhere.
  Result<void> Check(const TurnRecord& record) const {
    Json json = ToJson(record);
    for (const char* key :
         {"session", "at", "workflow", "release", "times_ms", "latency_ms", "offered_tools"})
      json.erase(key);
    for (Json& action : json["actions"]) action.erase("idempotency_key");
    if (redactor_.Holds(json.dump(-1, ' ', false, Json::error_handler_t::replace)))
      return MakeError(ErrorCode::kUnavailable, "turn {} of {}: personal data cannot be redacted: not kept",
                       record.turn, record.session);
    return {};
  }

  Redactor redactor_;
  const std::string asked_;
};

}  // namespace

Redactor::~Redactor() {
  for (Value& value : values_) Wipe(value.text);
}

// Codes by their digits and letters, however they are written; everything else by its letters.
std::string Redactor::KeyOf(std::string_view value) const {
  const MarkedText marked(detector_.language(), value);
  const std::vector<CodeRun> runs = ReadCodeRuns(marked);
  // One code and nothing else.
  if (runs.size() == 1 && runs[0].elements.front().first == 0 &&
      runs[0].elements.back().last == marked.size()) {
    std::string bare = CodeCharacters(marked, runs[0]);
    if (std::count_if(bare.begin(), bare.end(), IsDigit) >= 3) return bare;
  }
  if (value.find('@') == std::string_view::npos)
    if (std::string mail = WrittenEmail(marked); !mail.empty()) return mail;
  return LowerAscii(value);
}

std::string Redactor::Known(std::string_view value) const {
  if (placeholders_.empty()) return {};
  const auto found = placeholders_.find(KeyOf(value));
  return found == placeholders_.end() ? std::string() : found->second;
}

std::string Redactor::PlaceholderFor(PersonalKind kind, std::string_view value) {
  std::string key = KeyOf(value);
  // Where a spoken address begins is a guess ("put jane at ..."): one that ends as another is the same.
  if (kind == PersonalKind::kEmail) {
    for (const auto& [other, placeholder] : placeholders_) {
      if (other.find('@') == std::string::npos || (!other.ends_with(key) && !key.ends_with(other))) continue;
      key = other;
      break;
    }
  }
  const auto [found, fresh] = placeholders_.try_emplace(key);
  if (fresh) found->second = fmt::format("<{}_{}>", KindName(kind), ++numbers_[kind]);
  values_.push_back({LowerAscii(value), found->second});
  return found->second;
}

std::string Redactor::RedactText(std::string_view text, std::string_view before) {
  if (const std::string known = Known(text); !known.empty()) return known;
  std::string out;
  size_t at = 0;
  for (const PersonalSpan& span : detector_.Scan(text, before)) {
    if (!kinds_.Has(span.kind)) continue;
    out += text.substr(at, span.begin - at);
    out += PlaceholderFor(span.kind, text.substr(span.begin, span.end - span.begin));
    at = span.end;
  }
  out += text.substr(at);
  return WithoutKnown(std::move(out));
}

// The places of values that were found before, beside `spans`.
void Redactor::AddKnown(std::string_view text, std::vector<PersonalSpan>& spans) const {
  const std::string lower = LowerAscii(text);
  if (lower.size() != text.size()) return;
  for (const Value& value : values_) {
    if (value.text.size() < kLongValue) continue;
    for (size_t at = lower.find(value.text); at != std::string::npos; at = lower.find(value.text, at + 1)) {
      const auto whole = WholeWords(text, at, at + value.text.size());
      const bool free = std::none_of(spans.begin(), spans.end(), [&](const PersonalSpan& span) {
        return span.begin < whole.second && whole.first < span.end;
      });
      if (free) spans.push_back({whole.first, whole.second, PersonalKind::kName, FoundBy::kShape, 1});
    }
  }
  std::sort(spans.begin(), spans.end(),
            [](const PersonalSpan& a, const PersonalSpan& b) { return a.begin < b.begin; });
}

// What was found once is the same elsewhere, also where nothing beside it says what it is.
std::string Redactor::WithoutKnown(std::string text) const {
  for (const Value& value : values_) {
    if (value.text.size() < kLongValue) continue;
    const std::string lower = LowerAscii(text);
    if (lower.size() != text.size()) continue;
    std::string out;
    size_t at = 0;
    for (size_t found = lower.find(value.text); found != std::string::npos;
         found = lower.find(value.text, at)) {
      const auto [begin, end] = WholeWords(text, found, found + value.text.size());
      if (begin < at) break;
      out += text.substr(at, begin - at) + value.placeholder;
      at = end;
    }
    if (at > 0) text = out + text.substr(at);
  }
  return text;
}

Json Redactor::RedactJson(const Json& json, std::string_view before) {
  if (json.is_string()) return RedactText(json.get_ref<const std::string&>(), before);
  if (json.is_number()) {
    const std::string figures = Figures(json);
    if (const std::string known = Known(figures); !known.empty()) return known;
    // A table's card number is a number of its own, whether or not anybody said it.
    if (OnlyDigits(figures).size() < kCodeDigits) return json;
    const std::string redacted = RedactText(figures, before);
    return redacted == figures ? json : Json(redacted);
  }
  if (!json.is_structured()) return json;
  Json redacted = json.is_array() ? Json::array() : Json::object();
  for (const auto& item : json.items()) {
    if (json.is_array()) {
      redacted.push_back(RedactJson(item.value(), before));
    } else {
      // Keys are names of ours or of somebody's tool; in other people's logs a value may stand there.
      const std::string& key = item.key();
      const bool odd = key.find('@') != std::string::npos || OnlyDigits(key).size() >= kCodeDigits;
      redacted[odd ? RedactText(key) : key] = RedactJson(item.value(), PlainWords(key));
    }
  }
  return redacted;
}

std::vector<TranscriptWord> Redactor::RedactWords(const std::vector<TranscriptWord>& words,
                                                  std::string_view before) {
  std::string text;
  std::vector<std::pair<size_t, size_t>> places;
  for (const TranscriptWord& word : words) {
    if (!text.empty()) text += ' ';
    places.emplace_back(text.size(), text.size() + word.text.size());
    text += word.text;
  }
  std::vector<PersonalSpan> spans = detector_.Scan(text, before);
  std::erase_if(spans, [&](const PersonalSpan& span) { return !kinds_.Has(span.kind); });
  AddKnown(text, spans);
  std::vector<TranscriptWord> redacted;
  size_t last = spans.size();  // the span that the last word stands for
  for (size_t i = 0, s = 0; i < words.size(); ++i) {
    while (s < spans.size() && spans[s].end <= places[i].first) ++s;
    if (s == spans.size() || spans[s].begin >= places[i].second) {
      redacted.push_back(words[i]);
      continue;
    }
    if (last == s && !redacted.empty()) {
      redacted.back().end = words[i].end;
      redacted.back().confidence = std::min(redacted.back().confidence, words[i].confidence);
      continue;
    }
    last = s;
    redacted.push_back(words[i]);
    redacted.back().text = PlaceholderFor(
        spans[s].kind, std::string_view(text).substr(spans[s].begin, spans[s].end - spans[s].begin));
  }
  Wipe(text);
  return redacted;
}

bool Redactor::Holds(std::string_view text) const {
  const std::string lower = LowerAscii(text);
  const std::string digits = OnlyDigits(text);
  for (const Value& value : values_) {
    const std::string code = OnlyDigits(value.text);
    if (code.size() >= kCodeDigits && digits.find(code) != std::string::npos) return true;
    // Short values stand in texts by chance; letters within other words do too.
    if (value.text.size() >= kLongValue && lower.find(value.text) != std::string::npos) return true;
  }
  return false;
}

Result<TurnRecord> RedactRecord(const TurnRecord& record, const Detector& detector, KindSet kinds) {
  return RecordRedactor(detector, kinds, record).Run(record);
}

Result<void> RedactingSink::Write(const TurnRecord& record) {
  SOTTO_ASSIGN_OR_RETURN(const TurnRecord redacted, RedactRecord(record, *detector_, kinds_));
  return sink_.Write(redacted);
}

}  // namespace sotto
