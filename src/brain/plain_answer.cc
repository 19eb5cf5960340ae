#include "brain/plain_answer.h"

#include <algorithm>
#include <vector>

#include "brain/grounding.h"
#include "text/spoken_numbers.h"

namespace sotto {
namespace {

// Numbers, and words that say nothing besides them ("it's", "please"). "Thanks a million" is no number.
bool IsOnlyNumbers(const LanguageData& language, const Grounding& grounding) {
  std::vector<bool> covered(grounding.words().size());
  std::vector<std::string_view> words;
  for (const NormalisedWord& word : grounding.words()) words.push_back(word.text);
  std::vector<bool> polite(words.size());
  for (size_t at = 0; at < words.size(); ++at)
    for (size_t i = 0; i < language.polite.MatchesAt(words, at); ++i) polite[at + i] = true;
  for (const NumberReading& reading : grounding.numbers()) {
    if (polite[reading.begin]) return false;
    if (reading.kind == NumberKind::kOrdinal || !reading.unit.empty()) return false;
    for (size_t i = reading.begin; i < reading.end; ++i) covered[i] = true;
  }
  bool any = false;
  for (size_t i = 0; i < covered.size(); ++i) {
    any = any || covered[i];
    if (!covered[i] && !IsAnswerFiller(grounding.words()[i].text)) return false;
  }
  return any;
}

// The tool that the turn before was about, where it was about one.
std::string OnlyCallOf(std::span<const Turn> history) {
  return !history.empty() && history.back().calls.size() == 1 ? history.back().calls.front().name : "";
}

}  // namespace

// What the last call of the tool said; while a task is open its calls carry everything said in it. Where the
// same tool was called twice in one breath nobody here knows which of the two is open.
Json KnownOf(const std::string& tool, std::span<const Turn> history) {
  for (auto turn = history.rbegin(); turn != history.rend(); ++turn) {
    const ToolCall* found = nullptr;
    for (const ToolCall& call : turn->calls) {
      if (call.name != tool) continue;
      if (found != nullptr) return Json::object();
      found = &call;
    }
    if (found != nullptr) return found->arguments;
  }
  return Json::object();
}

std::optional<Understanding::Call> PlainAnswer(const LanguageData& language, const Expectation& expectation,
                                               std::span<const OfferedTool> tools,
                                               std::span<const Turn> history, std::string_view utterance,
                                               Channel channel) {
  const bool nobody_asked = expectation.kind == Expectation::Kind::kNone;
  if (expectation.kind != Expectation::Kind::kSlots && !nobody_asked) return std::nullopt;
  const std::string name = nobody_asked ? OnlyCallOf(history) : expectation.tool;
  const auto tool = std::find_if(tools.begin(), tools.end(),
                                 [&](const OfferedTool& offered) { return offered.name == name; });
  if (tool == tools.end()) return std::nullopt;
  const Grounding grounding(language, {}, utterance, channel);
  if (!IsOnlyNumbers(language, grounding)) return std::nullopt;
  const Json known = KnownOf(name, history);
  std::vector<std::string> slots = expectation.slots;
  if (nobody_asked) {
    for (const OfferedArgument& argument : tool->arguments)
      if (!known.contains(argument.name)) slots.push_back(argument.name);
  }
  std::optional<Understanding::Call> answer;
  for (const std::string& slot : slots) {
    const OfferedArgument* argument = tool->Find(slot);
    if (argument == nullptr || (argument->kind != OfferedArgument::Kind::kNumber &&
                                argument->kind != OfferedArgument::Kind::kDigits))
      continue;
    const std::vector<GroundedValue> values = grounding.Candidates(*argument, known);
    if (values.empty()) continue;
    const GroundedValue& value = values.front();
    const bool one = std::all_of(values.begin(), values.end(), [&](const GroundedValue& other) {
      return other.unfit == value.unfit && other.value == value.value;
    });
    if (!one || answer) return std::nullopt;
    answer = Understanding::Call{{name, known}, 1.0, {{slot, 1.0}}, {}};
    answer->call.arguments.erase(slot);
    if (value.unfit.empty()) {
      answer->call.arguments[slot] = value.value;
    } else {
      answer->unfit.push_back({slot, value.unfit, value.value});
    }
  }
  return answer;
}

void TakeWhatWasAnswered(const LanguageData& language, const Expectation& expectation,
                         std::span<const OfferedTool> tools, std::string_view utterance, Channel channel,
                         const CallDay& day, ToolCall& call) {
  using Kind = OfferedArgument::Kind;
  if (expectation.kind != Expectation::Kind::kSlots || expectation.tool != call.name) return;
  const auto tool = std::find_if(tools.begin(), tools.end(),
                                 [&](const OfferedTool& offered) { return offered.name == call.name; });
  if (tool == tools.end()) return;
  std::optional<Grounding> grounding;  // made where a slot wants it
  for (const std::string& slot : expectation.slots) {
    const OfferedArgument* argument = tool->Find(slot);
    if (argument == nullptr) continue;
    const bool number = argument->kind == Kind::kNumber || argument->kind == Kind::kDigits;
    const bool has = call.arguments.contains(slot);
    const bool replaces =
        has && expectation.slots.size() == 1 && (number || argument->kind == Kind::kCalendar);
    const bool adds = !has && number;
    if (!replaces && !adds) continue;
    if (!grounding) grounding.emplace(language, std::span<const Turn>(), utterance, channel, day);
    const std::vector<GroundedValue> said = grounding->Candidates(*argument, call.arguments);
    if (said.size() == 1 && said.front().unfit.empty()) call.arguments[slot] = said.front().value;
  }
}

void CompleteCorrection(const LanguageData& language, const ToolCall& read_back, const Json& others,
                        std::string_view unclear_tool, std::string_view utterance,
                        Understanding& understanding) {
  if (understanding.calls.size() != 1) return;
  Understanding::Call& call = understanding.calls.front();
  if (call.call.name == unclear_tool && !others.empty()) {
    call.call = read_back;
    call.arguments.clear();
  }
  if (call.call.name != read_back.name) return;
  for (const auto& [name, value] : others.items()) {
    const auto has = call.call.arguments.find(name);
    if (has == call.call.arguments.end() || !read_back.arguments.contains(name) ||
        *has != read_back.arguments[name])
      continue;
    *has = value;
  }
  if (call.call.arguments == read_back.arguments) return;
  const std::vector<NormalisedWord> words = NormaliseSpokenWords(utterance);
  std::vector<std::string_view> views;
  for (const NormalisedWord& word : words) views.push_back(word.text);
  const bool no = language.no.MatchesAt(views, 0, true) == 1;
  const bool yes = !no && language.yes.MatchesAt(views, 0, true) == 1;
  if (no || yes) {
    const char* name = no ? control::kDeny : control::kAffirm;
    understanding.calls.insert(understanding.calls.begin(),
                               {ToolCall{name, Json::object()}, understanding.confidence, {}, {}});
  }
}

}  // namespace sotto
