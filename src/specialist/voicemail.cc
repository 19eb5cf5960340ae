#include "specialist/voicemail.h"

#include <algorithm>

#include "base/ascii.h"
#include "privacy/said_codes.h"
#include "specialist/extractive.h"
#include "specialist/tag_text.h"
#include "specialist/telephone_number.h"
#include "text/normalise.h"
#include "text/phrase_list.h"

namespace sotto {
namespace {

constexpr size_t kLeastDigits = 7;  // of a number that one can call

const PhraseList& WishPhrases() {
  static const PhraseList list = [] {
    PhraseList phrases;
    for (const char* pattern :
         {"(i'd|i would) like", "i (want|need|wanted|needed)", "(can|could|would|will) you", "please",
          "(calling|ringing|phoning|call) (about|regarding|because|to|for|in)",
          "(it's|its|this is) (about|regarding)", "(i'm|i am) (trying|looking|hoping|interested)",
          "(wondering|wanted to know) (if|whether|about|when|how)", "(let me know|tell me|get back to me)",
          "(there is|there's|i have|i've got|we have) (a|an|some) (problem|question|issue)",
          "(order|book|cancel|change|move|reschedule|confirm|repair|fix|complain|ask|pick up|collect)"}) {
      if (!phrases.Add(pattern)) std::abort();  // a pattern of this file
    }
    return phrases;
  }();
  return list;
}

Json StretchOf(std::string_view text, size_t begin, size_t end) {
  return {{"text", text.substr(begin, end - begin)}, {"begin", begin}, {"end", end}};
}

// A name behind "this is", "my name is" or "calling" first, else the first one of the message.
std::optional<PersonalSpan> WhoCalled(const Detector& detector, std::string_view text) {
  std::optional<PersonalSpan> first;
  for (const PersonalSpan& span : detector.Scan(text)) {
    if (span.kind != PersonalKind::kName) continue;
    const size_t from = span.begin > 24 ? span.begin - 24 : 0;
    const std::string before = LowerAscii(text.substr(from, span.begin - from));
    for (const std::string_view cue :
         {"this is ", "my name is ", "name's ", "it's ", "its ", "i'm ", "i am ", "here is "}) {
      if (before.ends_with(cue)) return span;
    }
    if (!first) first = span;
  }
  return first;
}

}  // namespace

Json SummariseVoicemail(const Detector& detector, std::string_view text, Date today,
                        const VoicemailOptions& options) {
  Json out = Json::object();
  if (const auto who = WhoCalled(detector, text)) out["who"] = StretchOf(text, who->begin, who->end);
  // The number that is called one, else the last that is as long as one.
  std::optional<SaidCode> number;
  for (SaidCode& code : ReadSaidCodes(detector.language(), text)) {
    const bool digits = std::ranges::all_of(code.characters, [](char c) { return c >= '0' && c <= '9'; });
    if (!digits || code.counted || code.characters.size() < kLeastDigits || code.characters.size() > 15)
      continue;
    if (code.called_account || code.called_card || code.called_other) continue;
    if (number && number->called_phone && !code.called_phone) continue;
    number = std::move(code);
  }
  if (number) {
    Json callback = StretchOf(text, number->begin, number->end);
    callback["value"] = (number->plus ? "+" : "") + number->characters;
    if (HasTelephoneNumbers()) {
      for (const std::string& region : options.regions) {
        const FormatVerdict verdict = CheckTelephone((number->plus ? "+" : "") + number->characters, region);
        callback["valid"] = verdict.valid;
        if (!verdict.valid) {
          callback["why"] = verdict.why;
          continue;
        }
        callback["value"] = verdict.value;
        callback.erase("why");
        break;
      }
    }
    out["callback"] = std::move(callback);
  }
  // The sentence that asks for something; of several the one that says most.
  const std::vector<ExtractedSentence> sentences = RankSentences(text);
  const ExtractedSentence* wish = nullptr;
  int most = 0;
  for (const ExtractedSentence& one : sentences) {
    const auto words = NormaliseSpokenWords(one.text);
    std::vector<std::string_view> views;
    for (const NormalisedWord& word : words) views.push_back(word.text);
    int cues = 0;
    for (size_t i = 0; i < views.size(); ++i) cues += WishPhrases().MatchesAt(views, i, i == 0) > 0;
    const bool only_callback = number && number->begin >= one.begin && number->end <= one.end && cues < 2;
    if (cues == 0 || only_callback) continue;
    if (wish == nullptr || cues > most) {
      wish = &one;
      most = cues;
    }
  }
  if (wish != nullptr) out["wish"] = StretchOf(text, wish->begin, wish->end);
  // Days and times, where no digit of the number is one.
  Json when = Json::array();
  for (const Json& one : TagText(text, today, {.types = {"date", "date_range", "time"}})) {
    const auto begin = one["begin"].get<size_t>();
    const auto end = one["end"].get<size_t>();
    if (number && begin < number->end && number->begin < end) continue;
    Json stretch = StretchOf(text, begin, end);
    stretch["value"] = one["value"];
    when.push_back(std::move(stretch));
  }
  if (!when.empty()) out["when"] = std::move(when);
  return out;
}

}  // namespace sotto
