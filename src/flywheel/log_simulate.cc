#include "flywheel/log_simulate.h"

#include <algorithm>
#include <map>

#include "base/check.h"
#include "base/unique_id.h"
#include "base/utc.h"
#include "flywheel/log_time.h"
#include "flywheel/log_view.h"
#include "learn/synth.h"

namespace sotto {
namespace {

constexpr double kRepeatedTurnMs = 4000;

// One conversation as the assistant lived it.
class SimulatedLine {
 public:
  SimulatedLine(std::shared_ptr<const DialogueProgram> program, const LogSimulation& options, Random& random,
                std::chrono::sys_seconds begins)
      : options_(options),
        random_(random),
        program_(std::move(program)),
        dialogue_(program_),
        session_(UniqueId(random)),
        begins_(begins),
        spoken_(random.Chance(options.spoken)) {
    TurnRecord record = NewTurn("begin");
    record.outcome = TurnRecord::Outcome::kBegan;
    records.push_back(std::move(record));
  }

  void Silence() {
    TurnRecord record = NewTurn("no_input");
    record.expectation = dialogue_.expectation();
    record.outcome = TurnRecord::Outcome::kNoInput;
    record.events.push_back({{"event", "no_input"}});
    records.push_back(std::move(record));
  }

  // The caller says `words` and the assistant takes it for `calls`.
  void Say(const std::string& words, const std::vector<ToolCall>& calls, double confidence,
           const PlantedText* planted = nullptr) {
    TurnRecord record = NewTurn(spoken_ ? "pause" : "text");
    record.expectation = dialogue_.expectation();
    Hear(record, words);
    Understanding& understood = record.understood.emplace();
    understood.transcript = words;
    understood.model = options_.model;
    understood.confidence = confidence;
    for (const ToolCall& call : calls) {
      Understanding::Call one;
      one.call = call;
      one.confidence = confidence;
      for (const auto& item : call.arguments.items()) one.arguments.emplace_back(item.key(), confidence);
      if (planted != nullptr) one.unfit.push_back({"note", "not_a_value", planted->value});
      understood.calls.push_back(std::move(one));
    }
    Turn turn;
    turn.user = words;
    turn.calls = calls;
    Follow(record, dialogue_.Hear(turn, std::nullopt));
    if (planted != nullptr) {
      record.reply.text += " You said " + planted->value + ".";
      record.errors.push_back("not taken: " + planted->bare);
    }
    records.push_back(std::move(record));
  }

  // Somebody takes over.
  void HandOff(const std::string& words, const std::string& unclear) {
    Say(words, {{unclear, Json::object()}}, 0.3 * random_.Uniform());
    TurnRecord& record = records.back();
    record.outcome = TurnRecord::Outcome::kEscalated;
    record.escalation = TurnRecord::Escalation{"person", "failures", "The caller asked: " + words};
    record.events.push_back({{"event", "handed_off"}, {"name", "failures"}});
  }

  bool over() const { return dialogue_.over(); }
  Expectation expectation() const { return dialogue_.expectation(); }
  std::vector<std::string> OfferedTools() const { return dialogue_.OfferedTools(); }

  std::vector<TurnRecord> records;

 private:
  TurnRecord NewTurn(const char* ended_by) {
    TurnRecord record;
    record.session = session_;
    record.turn = static_cast<int>(records.size());
    record.at = UtcStamp(std::chrono::time_point_cast<std::chrono::system_clock::duration>(
        begins_ + std::chrono::seconds(static_cast<int64_t>(ms_ / 1000))));
    record.channel = spoken_ ? "voice" : "text";
    record.caller.channel = record.channel;
    record.workflow = program_->workflow().name;
    record.workflow_hash = program_->workflow().hash;
    record.ended_by = ended_by;
    record.times.endpoint = ms_ + 2000;
    record.times.understood = ms_ + 2005;
    record.times.replied = ms_ + 2010;
    record.times.done = ms_ + kRepeatedTurnMs;
    ms_ += kRepeatedTurnMs;
    return record;
  }

  void Hear(TurnRecord& record, const std::string& words) {
    record.heard.text = words;
    record.heard.final = true;
    if (!spoken_) return;
    record.recognizer = "simulated";
    record.heard.n_best.push_back({words, 0});
    const double level = random_.Chance(options_.badly_heard) ? 0.4 : 0.92;
    std::chrono::milliseconds at{0};
    for (size_t begin = 0; begin < words.size();) {
      const size_t end = std::min(words.find(' ', begin), words.size());
      if (end > begin)
        record.heard.words.push_back({words.substr(begin, end - begin), at,
                                      at + std::chrono::milliseconds(250),
                                      std::clamp(level + 0.1 * (random_.Uniform() - 0.5), 0.0, 1.0)});
      at += std::chrono::milliseconds(280);
      begin = end + 1;
    }
  }

  void Follow(TurnRecord& record, const std::vector<Event>& events) {
    std::map<std::string, TurnRecord::Action> begun;
    bool progress = true;
    for (const Event& event : events) {
      record.events.push_back(ToJson(event));
      if (event.type == Event::Type::kTaskBegan) tools_[event.task] = event.name;
      if (event.type == Event::Type::kNoProgress) progress = false;
      if (event.type == Event::Type::kReplied) record.reply.text = event.name;
      if (event.type == Event::Type::kActionBegan) {
        TurnRecord::Action action;
        action.request.tool = tools_[event.task];
        action.request.arguments = event.value;
        action.request.idempotency_key = event.name;
        record.actions.push_back(std::move(action));
      } else if (event.type == Event::Type::kTaskDone && !record.actions.empty()) {
        record.actions.back().result.ok = event.name.empty();
        record.actions.back().result.failure = event.name;
        if (event.value.is_object()) record.actions.back().result.data = event.value;
        record.actions.back().ms = 3;
      }
    }
    record.outcome = progress ? TurnRecord::Outcome::kHandled : TurnRecord::Outcome::kNotUnderstood;
  }

  const LogSimulation& options_;
  Random& random_;
  const std::shared_ptr<const DialogueProgram> program_;
  GoldDialogue dialogue_;
  const std::string session_;
  const std::chrono::sys_seconds begins_;
  const bool spoken_;
  double ms_ = 0;
  std::map<int, std::string> tools_;  // of the tasks
};

class LogSimulator {
 public:
  LogSimulator(std::shared_ptr<const DialogueProgram> program, std::shared_ptr<const PhraseBook> book,
               std::shared_ptr<const Confusions> confusions, std::optional<Planter> planter,
               const LogSimulation& options)
      : options_(options),
        program_(std::move(program)),
        random_(options.seed),
        planter_(std::move(planter)),
        simulator_(program_, std::move(book), std::move(confusions), Played(), options.seed + 1) {
    for (const ToolDef& tool : program_->workflow().tools)
      if (tool.role == ToolRole::kTask) tasks_.push_back(&tool);
  }

  SimulatedLogs Run(std::chrono::sys_seconds begins) {
    SimulatedLogs logs;
    size_t turns = 0;
    while (turns < options_.turns) {
      SimulatedLine line(program_, options_, random_, Some(begins));
      Play(line, simulator_.Next().conversation, logs);
      for (TurnRecord& record : line.records) {
        turns += HasWords(record) ? 1 : 0;
        logs.records.push_back(std::move(record));
      }
    }
    return logs;
  }

  Result<SimulatedLogs> Run(std::chrono::sys_seconds begins, const SimulatedCallers& callers) {
    SimulatedLogs logs;
    for (const LabelledConversation& caller : callers.conversations) {
      SimulatedLine line(program_, options_, random_, Some(begins));
      if (callers.understand) {
        SOTTO_RETURN_IF_ERROR(PlayUnderstood(line, caller.conversation, callers));
      } else {
        Play(line, caller.conversation, logs);
        if (!line.over()) Agree(line);
      }
      std::move(line.records.begin(), line.records.end(), std::back_inserter(logs.records));
    }
    return logs;
  }

 private:
  // Some time of the days that are simulated.
  std::chrono::sys_seconds Some(std::chrono::sys_seconds begins) {
    return begins + std::chrono::seconds(static_cast<int64_t>(
                        random_.Below(static_cast<size_t>(std::max(1, options_.days)) * 86400)));
  }

  static SimulatorOptions Played() {
    SimulatorOptions options;
    options.with_state = 1;
    options.noise = 0.3;
    return options;
  }

  double Sure() { return 1 - 0.15 * random_.Uniform() * random_.Uniform(); }
  double Unsure() { return 0.2 + 0.5 * random_.Uniform(); }
  ToolCall Unclear() const { return {program_->workflow().unclear_tool, Json::object()}; }

  // To a read-back of what was said.
  void Agree(SimulatedLine& line) {
    static constexpr const char* kAgreed[] = {"yes", "yes please", "yes thats right", "correct"};
    if (line.expectation().kind == Expectation::Kind::kConfirm)
      line.Say(random_.Pick(kAgreed), {{control::kAffirm, Json::object()}}, Sure());
  }

  Result<void> PlayUnderstood(SimulatedLine& line, const Conversation& said,
                              const SimulatedCallers& callers) {
    Conversation history;
    history.channel = said.channel;
    for (const Turn& turn : said.turns) {
      const Expectation expectation = line.expectation();
      if (turn.expectation.kind != Expectation::Kind::kNone && turn.expectation != expectation) return {};
      SOTTO_ASSIGN_OR_RETURN(const Understanding understood,
                             callers.understand(history, expectation, line.OfferedTools(), turn.user));
      std::vector<ToolCall> calls;
      for (const Understanding::Call& call : understood.calls) calls.push_back(call.call);
      line.Say(turn.user, calls, understood.confidence);
      if (line.over()) return {};
      if (!std::equal(calls.begin(), calls.end(), turn.calls.begin(), turn.calls.end(), SameCall)) {
        line.Say("no thats not what i want", {{control::kNeverMind, Json::object()}}, Sure());
        if (!line.over()) line.HandOff(turn.user, program_->workflow().unclear_tool);
        return {};
      }
      history.turns.push_back({turn.user, expectation, calls});
    }
    Agree(line);
    return {};
  }

  void Play(SimulatedLine& line, const Conversation& played, SimulatedLogs& logs) {
    const bool unserved = random_.Chance(options_.unserved);
    for (const Turn& turn : played.turns) {
      if (line.over()) return;
      // What was gone before may have led elsewhere: then it is no answer any more.
      if (turn.expectation.kind != Expectation::Kind::kNone && turn.expectation != line.expectation()) return;
      if (random_.Chance(options_.silent)) line.Silence();
      if (planter_ && random_.Chance(options_.planted)) Plant(line, logs);
      if (line.over()) return;
      const bool request = !turn.calls.empty() &&
                           program_->workflow().FindTool(turn.calls[0].name) != nullptr &&
                           turn.expectation.kind == Expectation::Kind::kNone;
      if (random_.Chance(options_.unclear)) line.Say(turn.user, {Unclear()}, Unsure());
      if (request && random_.Chance(options_.wrong)) Mistake(line, turn);
      if (line.over()) return;
      line.Say(turn.user, turn.calls, Sure());
    }
    if (!unserved || line.over()) return;
    static constexpr const char* kUnserved[] = {"can you send me a chequebook",
                                                "i want to order a cheque book please",
                                                "please send a new chequebook",
                                                "what is the exchange rate for yen today",
                                                "tell me todays exchange rate for the yen",
                                                "how do i appeal a parking fine"};
    line.HandOff(random_.Pick(kUnserved), program_->workflow().unclear_tool);
  }

  // Taken for something else; the caller says no, and says it again.
  void Mistake(SimulatedLine& line, const Turn& turn) {
    const ToolDef* other = random_.Pick(tasks_);
    if (other->name == turn.calls[0].name) return;
    line.Say(turn.user, {{other->name, Json::object()}}, Unsure() + 0.2);
    if (line.over()) return;
    line.Say("no thats not what i want", {{control::kNeverMind, Json::object()}}, Sure());
  }

  void Plant(SimulatedLine& line, SimulatedLogs& logs) {
    const PersonalKind kind = random_.Pick(Planter::Kinds());
    logs.planted.push_back(
        planter_->Plant(kind, random_.Chance(.5) ? PlantedForm::kSpoken : PlantedForm::kTyped, random_));
    const PlantedText& planted = logs.planted.back();
    line.Say(planted.text.text, {Unclear()}, Unsure(), &planted);
  }

  const LogSimulation& options_;
  const std::shared_ptr<const DialogueProgram> program_;
  Random random_;
  const std::optional<Planter> planter_;
  Simulator simulator_;
  std::vector<const ToolDef*> tasks_;
};

Result<std::unique_ptr<LogSimulator>> MakeSimulator(std::shared_ptr<const Workflow> workflow,
                                                    const LogSimulation& options) {
  SOTTO_ASSIGN_OR_RETURN(const auto program, DialogueProgram::Compile(workflow));
  SOTTO_ASSIGN_OR_RETURN(const auto book, LoadBook(*workflow));
  SOTTO_ASSIGN_OR_RETURN(const auto confusions, LoadConfusions(*workflow));
  std::optional<Planter> planter;
  if (options.planted > 0) {
    SOTTO_ASSIGN_OR_RETURN(planter, Planter::For("en"));
  }
  return std::make_unique<LogSimulator>(program, book, confusions, std::move(planter), options);
}

}  // namespace

Result<SimulatedLogs> SimulateLogs(std::shared_ptr<const Workflow> workflow, const LogSimulation& options) {
  const auto begins = ParseUtc(options.begins);
  if (!begins) return MakeError(ErrorCode::kInvalidArgument, "'{}' is no time in UTC", options.begins);
  SOTTO_ASSIGN_OR_RETURN(const auto simulator, MakeSimulator(std::move(workflow), options));
  return simulator->Run(*begins);
}

Result<SimulatedLogs> SimulateCallers(std::shared_ptr<const Workflow> workflow, const LogSimulation& options,
                                      const SimulatedCallers& callers) {
  SOTTO_CHECK(options.planted == 0);
  const auto begins = ParseUtc(options.begins);
  if (!begins) return MakeError(ErrorCode::kInvalidArgument, "'{}' is no time in UTC", options.begins);
  SOTTO_ASSIGN_OR_RETURN(const auto simulator, MakeSimulator(std::move(workflow), options));
  return simulator->Run(*begins, callers);
}

}  // namespace sotto
