// What was really asked for, whoever understood it: a yes is one only where the words say so, and a task is
// begun only where the sentence asks for it. Words that the understander took for more than they are lose
// their calls here, before anything follows from them.
#include <algorithm>

#include "dialogue/decider.h"
#include "text/dates.h"
#include "text/denied_values.h"
#include "text/normalise.h"
#include "text/speech_act.h"
#include "workflow/stakes.h"

namespace sotto {
namespace {

using Kind = Pending::Kind;

constexpr size_t kFewWords = 3;       // "forget it", not "what does a stop payment cost"
constexpr double kSurelyMeant = 0.9;  // a single word that several tools take is hardly a request
constexpr double kHeardYes = 0.5;     // below this a spoken yes is asked again
constexpr double kNoRequest = 0.8;    // of the classifier: a tool that acts at once reads back first

bool Has(const std::vector<Understanding::Call>& calls, std::string_view name) {
  return std::any_of(calls.begin(), calls.end(),
                     [&](const Understanding::Call& call) { return call.call.name == name; });
}

void Remove(std::vector<Understanding::Call>& calls, std::string_view name) {
  std::erase_if(calls, [&](const Understanding::Call& call) { return call.call.name == name; });
}

std::vector<Understanding::Call> Only(std::string_view control) {
  return {{ToolCall{std::string(control), Json::object()}, 1.0, {}}};
}

bool IsOffer(Kind kind) {
  return kind == Kind::kOfferReturn || kind == Kind::kOfferGoodbye || kind == Kind::kAnythingElse;
}

}  // namespace

ReadBack Decider::PendingReadBack() const {
  const Kind kind = state_.pending.kind;
  if (kind == Kind::kClarify) {
    return {&program_.FindTool(state_.pending.call.name)->words, state_.pending.call.arguments};
  }
  const Task* open = state_.open();
  if (open == nullptr || kind == Kind::kAnythingElse) return {};
  const auto& texts = TextsOf(*open);
  const Json shown = Shown(*open);
  return {&texts.words, texts.plan == nullptr ? shown : Repeatable(*open),
          composer_.Texts(texts.confirm, *texts.tool, shown)};
}

TurnInput Decider::Judge(const TurnInput& input) {
  TurnInput judged = input;
  const Kind kind = state_.pending.kind;
  if (kind == Kind::kConfirm || kind == Kind::kChange || kind == Kind::kClarify || IsOffer(kind))
    JudgeAnswerTo(judged);
  // "Cancel it" while a card is being cancelled means the card.
  if (kind == Kind::kSlots && Has(judged.calls, control::kNeverMind) &&
      IsActRestated(language(), input.text, PendingReadBack())) {
    Remove(judged.calls, control::kNeverMind);
    if (judged.calls.empty()) judged_ = Judged::kAskOn;
  }
  if (state_.open() == nullptr && (kind == Kind::kNone || kind == Kind::kAnythingElse))
    JudgeNothingOpen(judged);
  if (judged_ == Judged::kNothing) JudgeRequests(judged);
  TakeAwayDenied(judged);
  return judged;
}

// Words that are about what is over, and single words that name a value of several tools: "undo that", "forget it", "debit".
void Decider::JudgeNothingOpen(TurnInput& input) {
  const std::string spoken = NormaliseSpoken(input.text);
  const std::vector<std::string_view> words = SplitWords(spoken);
  const bool acted = std::any_of(
      state_.finished.begin(), state_.finished.end(),
      [&](const FinishedTask& task) { return task.failure.empty() && program_.FindTool(task.tool)->acts; });
  if (acted && !words.empty() && language().undoing.MatchesAt(words, 0, true) == words.size()) {
    input.calls.clear();
    judged_as_ = "undoing";
    judged_ = Judged::kDone;
    return;
  }
  const auto believed = [&](const Call& call) {
    const auto* texts = program_.FindTool(call.call.name);
    return (texts != nullptr && texts->tool->role != ToolRole::kUnclear &&
            call.confidence >= policy_.clarify) ||
           IsControlTool(call.call.name);
  };
  if (words.size() <= kFewWords && std::none_of(input.calls.begin(), input.calls.end(), believed) &&
      JudgeAnswer(language(), input.text, {}).answer == Answer::kDrop) {
    input.calls = Only(control::kNeverMind);
    return;
  }
  if (NamesOnlyAValue(input.text)) {
    std::erase_if(input.calls, [&](const Call& call) {
      const auto* texts = program_.FindTool(call.call.name);
      return texts != nullptr && texts->tool->role == ToolRole::kTask && !(call.confidence >= kSurelyMeant);
    });
  }
}

// Whether the words are a listed value that slots of several tools take, and nothing else.
bool Decider::NamesOnlyAValue(std::string_view text) const {
  const std::string spoken = NormaliseSpoken(text);
  std::vector<std::string_view> words = SplitWords(spoken);
  while (!words.empty() && language().determiners.MatchesAt(words, 0) == 1) words.erase(words.begin());
  if (words.empty()) return false;
  int tools = 0;
  for (const ToolDef& tool : program_.workflow().tools) {
    const auto takes = [&](const ToolWords::Slot& slot) {
      return std::any_of(slot.values.begin(), slot.values.end(), [&](const ToolWords::Value& value) {
        return value.forms.MatchesAt(words, 0) == words.size();
      });
    };
    const std::vector<ToolWords::Slot>& slots = program_.FindTool(tool.name)->words.slots;
    if (std::any_of(slots.begin(), slots.end(), takes)) ++tools;
  }
  return tools > 1;
}

// "Not savings but checking": the value that was denied is none.
void Decider::TakeAwayDenied(TurnInput& input) const {
  for (Call& call : input.calls) {
    const auto* texts = program_.FindTool(call.call.name);
    if (texts == nullptr) continue;
    for (const ToolWords::Slot& slot : texts->words.slots) {
      const auto argument = call.call.arguments.find(slot.name);
      if (argument == call.call.arguments.end()) continue;
      const auto meant = ValueMeant(language(), input.text, slot, *argument);
      if (meant) {
        *argument = *meant;
      } else {
        call.call.arguments.erase(argument);
      }
    }
  }
}

// Whether something is said about the open task or another one, beside which yes and no do not count. Where
// the words are an answer by themselves, another task must be believed.
bool Decider::SaysMore(const TurnInput& input, Answer answer) {
  const Heard heard = Sort(input);
  const Task* open = state_.open();
  const bool open_answer =
      answer == Answer::kOther || answer == Answer::kChange || answer == Answer::kQuestion;
  const bool other = std::any_of(heard.tasks.begin(), heard.tasks.end(), [&](const Call* call) {
    const bool believed = open_answer || call->confidence >= policy_.accept;
    return believed && (open == nullptr || call->call.name != open->tool);
  });
  return other || Corrects(heard);
}

// Whether the call gives a slot of free text another value than it has.
bool Decider::NamesAnew(const Task& open, const ToolCall& call) const {
  return std::any_of(call.arguments.items().begin(), call.arguments.items().end(), [&](const auto& item) {
    const Slot* slot = ToolOf(open).FindSlot(item.key());
    const auto held = open.slots.find(item.key());
    return slot != nullptr && slot->entity.type == Entity::Type::kText && held != open.slots.end() &&
           *held != item.value();
  });
}

Answer Decider::AnswerOf(const TurnInput& input) const {
  const ReadBack read_back = PendingReadBack();
  const Answer answer = JudgeAnswer(language(), input.text, read_back).answer;
  if (answer != Answer::kYes) return answer;
  // A yes that was hardly heard, or that may have been a no, is asked for again.
  const auto unsure = [&](const Call& call) {
    return call.call.name == control::kAffirm &&
           !(call.confidence >= policy_.accept);  // a NaN passes nothing
  };
  if (input.heard < kHeardYes || std::any_of(input.calls.begin(), input.calls.end(), unsure))
    return Answer::kUnsure;
  for (const std::string& other : input.may_have_been) {
    const Answer heard = JudgeAnswer(language(), other, read_back).answer;
    if (heard == Answer::kNo || heard == Answer::kDrop || heard == Answer::kWait || heard == Answer::kLater)
      return Answer::kUnsure;
  }
  return answer;
}

void Decider::JudgeAnswerTo(TurnInput& input) {
  const Kind kind = state_.pending.kind;
  const Answer answer = AnswerOf(input);
  // "What should I change?" "Yes": nothing; so it is read back once more.
  if (kind == Kind::kChange) {
    if (answer != Answer::kYes) return;
    input.calls.clear();
    judged_ = Judged::kReadBack;
    return;
  }
  if (answer == Answer::kYes) {
    if (!IsOffer(kind) || Sort(input).tasks.empty()) input.calls = Only(control::kAffirm);
    return;
  }
  // An offer costs nothing: there a yes in words the rules do not know is believed.
  if (IsOffer(kind)) {
    if (answer != Answer::kOther) Remove(input.calls, control::kAffirm);
    return;
  }
  const bool claimed = Has(input.calls, control::kAffirm);
  Remove(input.calls, control::kAffirm);
  // "Yes, my son" pays nobody of that name: beside a read-back a guess changes nothing.
  if (const Task* open = state_.open(); kind == Kind::kConfirm && open != nullptr) {
    std::erase_if(input.calls, [&](const Call& call) {
      const bool guess = !(call.confidence >= policy_.clarify) ||
                         (!(call.confidence >= policy_.accept) && NamesAnew(*open, call.call));
      return (call.call.name == open->tool && guess) ||
             (call.call.name == control::kNeverMind && answer != Answer::kDrop &&
              !(call.confidence >= policy_.accept));
    });
  }
  if (SaysMore(input, answer)) return;
  if (claimed) judged_as_ = "answer_" + std::string(AnswerName(answer));
  switch (answer) {
    case Answer::kNo:
      input.calls = Only(control::kDeny);
      break;
    case Answer::kDrop:
      input.calls = Only(control::kNeverMind);
      break;
    case Answer::kWait:
      input.calls = Only(control::kWait);
      break;
    case Answer::kQuestion:
      if (Has(input.calls, control::kRepeat) || Has(input.calls, control::kHelp)) break;
      input.calls.clear();
      judged_ = Judged::kAskOn;
      break;
    case Answer::kLater:
      input.calls.clear();
      judged_ = Judged::kOnlyNow;
      break;
    case Answer::kChange:
      input.calls = kind == Kind::kConfirm ? ChangeInWords(input.text) : Only(control::kDeny);
      break;
    case Answer::kUnsure:
      input.calls.clear();
      break;
    case Answer::kYes:
    case Answer::kOther:
      break;
  }
}

// "Go ahead with a hundred": the value that the words give to one slot of the open task and to no other;
// where there is none, a no that asks what to change.
std::vector<Understanding::Call> Decider::ChangeInWords(std::string_view text) const {
  Json values = OtherValues(language(), text, PendingReadBack());
  if (values.empty()) return Only(control::kDeny);
  return {{ToolCall{state_.open()->tool, std::move(values)}, 1.0, {}}};
}

void Decider::JudgeRequests(TurnInput& input) {
  const Task* open = state_.open();
  const auto begins = [&](const Call& call) {
    const auto* texts = program_.FindTool(call.call.name);
    return texts != nullptr && texts->tool->role == ToolRole::kTask &&
           (open == nullptr || open->tool != call.call.name);
  };
  if (std::none_of(input.calls.begin(), input.calls.end(), begins)) return;
  const RequestJudgement request = JudgeRequest(language(), input.text);
  std::vector<Call> kept;
  for (Call& call : input.calls) {
    const Verdict verdict = begins(call) ? VerdictOn(call, request) : Verdict::kTaken;
    if (verdict == Verdict::kDoubted) {
      call.confidence = std::min(call.confidence, (policy_.accept + policy_.clarify) / 2);
    }
    if (verdict == Verdict::kTaken || verdict == Verdict::kDoubted) {
      kept.push_back(std::move(call));
    } else if (judged_ == Judged::kNothing) {
      judged_as_ = SpeechActName(request.act);
      judged_ = verdict == Verdict::kAsked     ? Judged::kCannotTell
                : verdict == Verdict::kDelayed ? Judged::kOnlyNow
                                               : Judged::kLeftAlone;
      untaken_ = call.call;
    }
  }
  input.calls = std::move(kept);
  if (!input.calls.empty()) judged_ = Judged::kNothing;
}

Decider::Verdict Decider::VerdictOn(const Call& call, const RequestJudgement& request) const {
  const auto& texts = *program_.FindTool(call.call.name);
  switch (request.act) {
    case SpeechAct::kNegated:
    case SpeechAct::kOver:
    case SpeechAct::kDoneBefore:
      return Verdict::kLeft;
    default:
      break;
  }
  if (!texts.acts) return Verdict::kTaken;
  if (!texts.takes_time && request.act != SpeechAct::kQuestion && NamesALaterDay()) return Verdict::kDelayed;
  const Verdict doubted = texts.reads_back ? Verdict::kTaken : Verdict::kDoubted;
  switch (request.act) {
    case SpeechAct::kQuestion:
    case SpeechAct::kHypothetical:
      return Verdict::kAsked;
    case SpeechAct::kDelayed:
      return texts.takes_time ? Verdict::kTaken : Verdict::kDelayed;
    case SpeechAct::kHowTo:
    case SpeechAct::kReported:
    case SpeechAct::kConditional:
      return doubted;
    default:
      return request.p_request < kNoRequest ? doubted : Verdict::kTaken;
  }
}

// "Pay it on the fifth", "by December 5".
bool Decider::NamesALaterDay() const {
  if (!state_.today) return false;
  const std::vector<NormalisedWord> words = NormaliseSpokenWords(text_);
  std::vector<std::string_view> texts;
  for (const NormalisedWord& word : words) texts.push_back(word.text);
  const DateContext context{.today = *state_.today,
                            .day_first = WritesDayFirst(program_.workflow().language)};
  const std::vector<DateReading> days = ReadDates(text_, words, context);
  return std::any_of(days.begin(), days.end(), [&](const DateReading& day) {
    if (!(day.date > *state_.today)) return false;
    for (size_t length = 1; length <= std::min<size_t>(3, day.begin); ++length)
      if (language().day_markers.MatchesAt(std::span(texts).first(day.begin), day.begin - length) == length)
        return true;
    return false;
  });
}

// The reply to words that no call was left of; false where there was nothing to judge.
bool Decider::ReplyToJudged() {
  switch (judged_) {
    case Judged::kNothing:
      return false;
    case Judged::kAskOn:
      Reask();
      return true;
    case Judged::kReadBack:
      AskConfirm(*state_.open());
      return true;
    case Judged::kDone:
      composer_.Say("cannot_undo");
      more_ = true;
      Advance();
      return true;
    case Judged::kLeftAlone:
      composer_.Say("nothing_open");
      if (state_.pending.kind != Kind::kNone) {
        Reask();
      } else {
        more_ = true;
        Advance();
      }
      return true;
    case Judged::kOnlyNow:
      if (!untaken_) {
        composer_.Say("only_now");
        Reask();
        return true;
      }
      [[fallthrough]];
    case Judged::kCannotTell:
      if (judged_ == Judged::kCannotTell && AskDocuments()) return true;
      composer_.Say(judged_ == Judged::kOnlyNow ? "only_now" : "cannot_tell");
      Emit(Event::Type::kClarify, 0, untaken_->name, untaken_->arguments);
      composer_.Say("clarify_instead", NamesOf(*program_.FindTool(untaken_->name)->tool));
      Ask(Kind::kClarify);
      return true;
  }
  return false;
}

}  // namespace sotto
