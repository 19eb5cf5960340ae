// Simulator: what the user does next, in either style, and without state.
#include <algorithm>

#include "learn/simulator.h"

namespace sotto {
namespace {

// Enough words beside the value to tell what the value is.
bool SaysWhatItIs(const SpokenWords& words) {
  return std::count_if(words.begin(), words.end(), [](const SpokenWord& word) {
           return word.carries == SpokenWord::Carries::kNothing;
         }) >= 2;
}

}  // namespace

void Simulator::StartTask(const ToolDef& tool) {
  auto said = SayAsk(tool, false);
  if (!said) return;
  open_ = Task{&tool, said->values};
  Wrap(said->words, true);
  EmitTask(std::move(said->words), "ask");
}

void Simulator::StartTwo(const ToolDef& first) {
  const ToolDef& second = *DrawTool();
  auto one = SayAsk(first, false);
  auto two = SayAny(book_->ForTool(second.name).ask, second, Json::object(), false);
  constexpr size_t kMostWords = 11;
  if (!one || !two || two->values.empty() || one->words.size() > kMostWords ||
      two->words.size() > kMostWords || &first == &second || first.role == ToolRole::kHandoff ||
      second.role == ToolRole::kHandoff)
    return StartTask(first);
  SpokenWords words = one->words;
  Append(words, ToWords(SayGeneral("join", "and")));
  Append(words, two->words);
  Wrap(words, true);
  open_ = Task{&first, one->values};
  ToolCall call = CallOf(*open_);
  const Task next{&second, two->values};
  Emit(std::move(words), {std::move(call), CallOf(next)}, "two");
  if (dialogue_) return;
  // The first is played out where something is missing; the second is remembered as what was done last.
  if (Complete(*open_)) {
    open_ = next;
  } else {
    suspended_.push_back(next);
  }
}

// The same task twice or three times in one breath, the later ones without the words that need no saying
// again: "pay netflix fifteen and the gym thirty", "my checking and savings balance". False, and nothing
// said, where the tool has no values to tell two requests apart by.
bool Simulator::StartSame(const ToolDef& tool) {
  const std::vector<Pattern>& asks = book_->ForTool(tool.name).ask;
  if (asks.empty() || tool.role == ToolRole::kHandoff || tool.role == ToolRole::kVerify) return false;
  const std::vector<Piece> pieces = PickPattern(asks).Expand(random_);
  const auto is_slot = [](const Piece& piece) { return piece.kind == Piece::Kind::kSlot; };
  const auto first = std::find_if(pieces.begin(), pieces.end(), is_slot);
  const bool implied = std::any_of(pieces.begin(), pieces.end(),
                                   [](const Piece& piece) { return piece.kind == Piece::Kind::kImplied; });
  if (first == pieces.end() || implied) return false;
  const std::vector<Piece> rest(first, pieces.end());
  // "my checking and savings balance": what follows a single value is said once, at the end.
  std::vector<Piece> begin = pieces;
  if (std::count_if(pieces.begin(), pieces.end(), is_slot) == 1 && random_.Chance(0.7))
    begin.resize(static_cast<size_t>(first - pieces.begin()) + 1);

  auto said = SayPieces(begin, tool, Json::object(), false);
  if (!said || said->values.empty()) return false;
  std::vector<Task> tasks{{&tool, said->values}};
  SpokenWords words = std::move(said->words);
  const size_t wanted = random_.Chance(0.2) ? 3 : 2;
  for (int attempt = 0; tasks.size() < wanted && attempt < 8; ++attempt) {
    auto more = SayPieces(rest, tool, Json::object(), false);
    const auto repeats = [&](const Task& task) { return task.arguments == more->values; };
    if (!more || more->values.size() != tasks[0].arguments.size() ||
        std::any_of(tasks.begin(), tasks.end(), repeats))
      continue;
    Append(words, ToWords(tasks.size() + 1 == wanted ? SayGeneral("join", "and") : ""));
    Append(words, more->words);
    tasks.push_back({&tool, std::move(more->values)});
  }
  if (tasks.size() < 2 ||
      !std::all_of(tasks.begin(), tasks.end(), [&](const Task& t) { return Complete(t); }))
    return false;
  std::vector<ToolCall> calls;
  for (const Task& task : tasks) calls.push_back(CallOf(task));
  Wrap(words, true);
  open_ = tasks.back();
  Emit(std::move(words), std::move(calls), "same");
  return true;
}

bool Simulator::StartRelated() {
  if (!last_) return false;
  // The same once more: "and my savings?"
  if (random_.Chance(0.3)) {
    const ToolDef& tool = *last_->tool;
    if (auto said = SayAny(book_->ForTool(tool.name).again, tool, last_->arguments, true);
        said && !said->values.empty()) {
      // Another card has another number, and its own reasons.
      Json arguments = Json::object();
      const bool numbered = std::any_of(tool.slots.begin(), tool.slots.end(), [](const Slot& slot) {
        return slot.entity.type == Entity::Type::kDigits;
      });
      if (!numbered) arguments = last_->arguments;
      for (const auto& [name, value] : said->values.items()) arguments[name] = value;
      open_ = Task{&tool, std::move(arguments)};
      Wrap(said->words, false);
      EmitTask(std::move(said->words), "again");
      return true;
    }
  }
  std::vector<const ToolDef*> related;
  for (const ToolDef& tool : workflow_->tools)
    if (&tool != last_->tool && IsRelated(*last_->tool, tool) && !book_->ForTool(tool.name).next.empty())
      related.push_back(&tool);
  if (related.empty()) return false;
  const ToolDef& tool = *random_.Pick(related);
  auto said = SayAsk(tool, true);
  if (!said) return false;
  open_ = Task{&tool, said->values};
  Wrap(said->words, true);
  EmitTask(std::move(said->words), "related");
  return true;
}

void Simulator::PlayAlone() {
  if (!open_) return;
  // Where nothing is required, people still say most of it, bit by bit.
  const bool none_required = Missing(Task{open_->tool, Json::object()}).empty();
  int optional = none_required ? 3 : 1;
  while (open_ && Talking()) {
    if (MustVerify()) {
      if (!Verify()) break;
      continue;
    }
    if (!Complete(*open_)) {
      if (!AnswerSlots()) break;
      continue;
    }
    // Everything required is there; something optional may still be said.
    const bool room = open_->arguments.size() < open_->tool->slots.size();
    if (none_required && room && optional-- > 0 && random_.Chance(0.65)) {
      if (!AnswerSlots()) break;
      continue;
    }
    if (!none_required && room && optional-- > 0 && random_.Chance(0.3)) {
      if (auto said = SayFill(*open_, false)) {
        EmitAnswer(*open_, *std::move(said), "optional");
        continue;
      }
    }
    if (random_.Chance(0.07) && Correct()) continue;
    last_ = *std::move(open_);
    open_.reset();
  }
  open_.reset();
  ComeBack();
}

bool Simulator::MustVerify() const {
  return !verified_ && open_->tool->requires_verified && workflow_->FindRole(ToolRole::kVerify) != nullptr;
}

// The open task waits until the caller has said who they are.
bool Simulator::Verify() {
  Task waiting = *std::move(open_);
  open_ = Task{Role(ToolRole::kVerify), Json::object()};
  while (!Complete(*open_) && Talking())
    if (!AnswerVerification(*open_, waiting)) return false;
  verified_ = true;
  open_ = std::move(waiting);
  return true;
}

bool Simulator::AnswerVerification(Task& verification, Task& waiting) {
  // Some go on with what they came for: "it's for the line ending in 3882". Digits alone would be an answer.
  auto more = random_.Chance(0.12) ? SayFill(waiting, false) : std::nullopt;
  if (more && SaysWhatItIs(more->words)) {
    EmitAnswer(waiting, *std::move(more), "before_verify");
    return true;
  }
  auto said = random_.Chance(0.4) ? SayBareValue(verification) : SayFill(verification, false);
  if (!said) said = SayBareValue(verification);
  // Where nobody is told what is asked, digits alone belong to the task that is open, as far as the words tell.
  for (int attempt = 0; attempt < 8 && said && !dialogue_ && !SaysWhatItIs(said->words); ++attempt)
    if (auto telling = SayFill(verification, false)) said = std::move(telling);
  if (!said) return false;
  EmitAnswer(verification, *std::move(said), "verify");
  return true;
}

bool Simulator::AnswerSlots() {
  const double move = random_.Uniform();
  if (move < 0.08 && !open_->arguments.empty() && Correct()) return true;
  if (move < 0.13) {
    EmitUnclear();
    return true;
  }
  if (move < 0.18) return Digress();
  if (move < 0.23) return false;  // given up: the next thing said is something else
  if (dialogue_ && move < 0.28) return Control();
  auto said = random_.Chance(0.35) ? SayBareValue(*open_) : SayFill(*open_, false);
  if (!said) said = SayFill(*open_, false);
  if (!said) said = SayBareValue(*open_);
  if (!said) return false;
  EmitAnswer(*open_, *std::move(said), "fill");
  return true;
}

bool Simulator::Control() {
  const double which = random_.Uniform();
  if (which < 0.35) {
    EmitControl(control::kNeverMind, "never_mind");
  } else if (which < 0.9) {
    EmitControl(which < 0.55 ? control::kRepeat : which < 0.75 ? control::kWait : control::kHelp, "control");
  } else {
    const ToolDef& tool = *open_->tool;
    EmitControl(control::kStartOver, "control");
    if (tool.role != ToolRole::kVerify && random_.Chance(0.7)) StartTask(tool);
  }
  return true;
}

bool Simulator::Correct() {
  auto said = random_.Chance(0.45) ? SayBareValue(*open_, true) : SayFill(*open_, true);
  if (!said) said = SayFill(*open_, true);
  if (!said) return false;
  const bool confirming = expectation_.kind == Expectation::Kind::kConfirm;
  const bool invited = dialogue_ && dialogue_->state().pending.kind == Pending::Kind::kChange;
  SpokenWords words;
  std::vector<ToolCall> calls;
  if (!invited || random_.Chance(0.3)) {
    const bool agrees = confirming && random_.Chance(0.3);
    const std::string before = SayGeneral(agrees ? "yes_but" : "fix", "no");
    // As people's sentences are labelled: "yes, but from savings" is a yes and the change, "no, from savings" a no and the
    // change. "No wait" denies nothing yet.
    const bool refuses = confirming && !agrees && (before == "no" || before.starts_with("no ")) &&
                         !before.starts_with("no wait");
    if (agrees || refuses) calls.push_back({agrees ? control::kAffirm : control::kDeny, Json::object()});
    words = ToWords(before);
  }
  Append(words, said->words);
  for (const auto& [name, value] : said->values.items()) open_->arguments[name] = value;
  calls.push_back(CallOf(*open_));
  Emit(std::move(words), std::move(calls), "correct");
  return true;
}

bool Simulator::Digress() {
  const ToolDef* tool = DrawTool();
  if (tool == open_->tool) return true;
  auto said = SayAsk(*tool, false);
  if (!said) return false;
  suspended_.push_back(*std::move(open_));
  open_ = Task{tool, said->values};
  SpokenWords words = ToWords(SayGeneral("digress", "actually"));
  Append(words, said->words);
  if (random_.Chance(0.25)) Append(words, ToWords(SayGeneral("digress_end", "first")));
  EmitTask(std::move(words), "digress");
  return true;
}

void Simulator::ComeBack() {
  if (suspended_.empty() || !Talking()) return;
  Task task = std::move(suspended_.back());
  suspended_.pop_back();
  if (!random_.Chance(0.75)) {
    suspended_.clear();
    return;
  }
  open_ = std::move(task);
  SayComingBack();
  PlayAlone();
}

// "back to the transfer, it's 200 from savings"
void Simulator::SayComingBack() {
  std::string back = SayGeneral("come_back", "back to");
  const auto& nouns = book_->ForTool(open_->tool->name).nouns;
  back += " ";
  back += !nouns.empty()               ? SayPlain(random_.Pick(nouns), random_)
          : open_->tool->doing.empty() ? open_->tool->title
                                       : open_->tool->doing;
  auto said = SayFill(*open_, false);
  SpokenWords words = ToWords(back);
  if (said && random_.Chance(0.75)) {
    for (const auto& [name, value] : said->values.items()) open_->arguments[name] = value;
    Append(words, said->words);
  }
  EmitTask(std::move(words), "come_back");
}

}  // namespace sotto
