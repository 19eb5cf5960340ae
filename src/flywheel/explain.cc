#include "flywheel/explain.h"

#include <algorithm>
#include <cmath>

#include "text/normalise.h"
#include "text/spoken_numbers.h"

namespace sotto {
namespace {

std::string JoinWords(std::span<const NormalisedWord> words, size_t begin, size_t end) {
  std::string text;
  for (size_t i = begin; i < std::min(end, words.size()); ++i)
    text += (text.empty() ? "" : " ") + words[i].text;
  return text;
}

// Where `part` (in spoken form) stands among the words; empty: nowhere.
std::string FindWords(std::span<const NormalisedWord> words, std::string_view part) {
  const std::string form = NormaliseSpoken(part);
  const std::string whole = " " + JoinWords(words, 0, words.size()) + " ";
  return !form.empty() && whole.find(" " + form + " ") != std::string::npos ? form : std::string();
}

// The words that say a number or digits.
std::string FindNumber(std::span<const NormalisedWord> words, const Json& value) {
  const std::string wanted = value.is_string() ? value.get<std::string>() : std::string();
  const bool digits = !wanted.empty() &&
                      std::all_of(wanted.begin(), wanted.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!value.is_number() && !digits) return {};
  NumberOptions options;
  options.homophones = true;
  if (digits) options.digits_length = static_cast<int>(wanted.size());
  for (const NumberReading& reading : ReadNumbers(words, options)) {
    const bool same =
        digits ? reading.kind == NumberKind::kDigits && reading.text == wanted
               : reading.kind != NumberKind::kDigits && std::abs(reading.value - value.get<double>()) < 1e-9;
    if (same) return JoinWords(words, reading.begin, reading.end);
  }
  return {};
}

class Explainer {
 public:
  Explainer(std::span<const StoredTurn> session, size_t place, const Workflow* workflow)
      : session_(session), place_(place), record_(session[place].record), workflow_(workflow) {}

  Json Run(std::span<const Label> labels) {
    Json out{{"session", record_.session}, {"turn", record_.turn}, {"at", record_.at}};
    out["live"] = {{"workflow", record_.workflow},
                   {"workflow_hash", record_.workflow_hash},
                   {"model", record_.understood ? record_.understood->model : ""},
                   {"recognizer", record_.recognizer},
                   {"voice", record_.voice}};
    out["before"] = Before();
    out["heard"] = Heard();
    out["understood"] = Understood();
    out["decided"] = Decided();
    out["acted"] = Acted();
    out["said"] = {
        {"text", record_.reply.text}, {"played", record_.played_text}, {"interrupted", record_.interrupted}};
    out["outcome"] = OutcomeName(record_.outcome);
    if (record_.escalation)
      out["person"] = {{"reason", record_.escalation->reason}, {"summary", record_.escalation->summary}};
    if (!record_.errors.empty()) out["errors"] = record_.errors;
    out["purged"] = {{"words", !session_[place_].has_words}, {"values", !session_[place_].has_values}};
    Json said = Json::array();
    for (const Label& label : labels) {
      if (label.session != record_.session || label.turn != record_.turn) continue;
      said.push_back({{"author", label.author},
                      {"at", label.at},
                      {"reason", label.reason},
                      {"calls", label.calls.empty() ? "cannot be told" : CallsText(label.calls)}});
    }
    if (!said.empty()) out["labels"] = std::move(said);
    return out;
  }

 private:
  Json Before() const {
    Json out = Json::object();
    if (record_.expectation.kind != Expectation::Kind::kNone)
      out["waited_for"] = StateText(record_.expectation);
    if (place_ > 0 && !session_[place_ - 1].record.reply.text.empty())
      out["assistant_said"] = session_[place_ - 1].record.reply.text;
    return out;
  }

  Json Heard() const {
    Json out{{"text", record_.heard.text}, {"channel", record_.channel}, {"ended_by", record_.ended_by}};
    if (!record_.heard.words.empty()) {
      out["confidence"] = MeanWordConfidence(record_.heard);
      Json doubtful = Json::array();
      for (const TranscriptWord& word : record_.heard.words)
        if (word.confidence < 0.6) doubtful.push_back({{"word", word.text}, {"confidence", word.confidence}});
      if (!doubtful.empty()) out["doubtful_words"] = std::move(doubtful);
    }
    if (record_.understood && !record_.understood->transcript.empty() &&
        record_.understood->transcript != record_.heard.text)
      out["understood_as"] = record_.understood->transcript;
    if (record_.cut_off) out["cut_off"] = true;
    return out;
  }

  Json Understood() const {
    if (!record_.understood) return nullptr;
    const Understanding& understood = *record_.understood;
    Json out{{"confidence", understood.confidence}, {"made_by", MadeByName(understood.made_by)}};
    Json calls = Json::array();
    for (const Understanding::Call& call : understood.calls) {
      Json one{{"tool", call.call.name}, {"confidence", call.confidence}};
      Json values = Json::array();
      for (const auto& item : call.call.arguments.items()) {
        Json value{{"slot", item.key()},
                   {"value", item.value()},
                   {"rests_on", RestsOn(call.call, item.key(), item.value())}};
        for (const auto& [name, confidence] : call.arguments)
          if (name == item.key()) value["confidence"] = confidence;
        values.push_back(std::move(value));
      }
      one["values"] = std::move(values);
      for (const UnfitValue& unfit : call.unfit)
        one["not_taken"].push_back({{"slot", unfit.argument}, {"value", unfit.value}, {"why", unfit.why}});
      calls.push_back(std::move(one));
    }
    out["calls"] = std::move(calls);
    for (const RouteStep& step : understood.route)
      out["asked"].push_back({{"who", step.step},
                              {"outcome", OutcomeName(step.outcome)},
                              {"why", step.why},
                              {"cost_usd", step.cost}});
    return out;
  }

  // What in the conversation a value comes from.
  std::string RestsOn(const ToolCall& call, const std::string& slot, const Json& value) const {
    const std::vector<NormalisedWord> words = NormaliseSpokenWords(WordsOf(record_));
    if (const std::string said = SaidIn(words, call.name, slot, value); !said.empty())
      return fmt::format("the words \"{}\"", said);
    for (size_t i = place_; i-- > 0;) {
      const TurnRecord& earlier = session_[i].record;
      for (const ToolCall& before : CallsOf(earlier)) {
        if (!before.arguments.contains(slot) || !SameValue(before.arguments[slot], value)) continue;
        // The turn that said it, not one that carried it on.
        const std::vector<NormalisedWord> then = NormaliseSpokenWords(WordsOf(earlier));
        if (const std::string said = SaidIn(then, before.name, slot, value); !said.empty())
          return fmt::format("the words \"{}\" of turn {}", said, earlier.turn);
      }
    }
    return "what the words mean as a whole";
  }

  std::string SaidIn(std::span<const NormalisedWord> words, const std::string& tool, const std::string& slot,
                     const Json& value) const {
    if (const std::string said = FindNumber(words, value); !said.empty()) return said;
    const std::string text = ValueText(value);
    if (text.empty()) return {};
    // The longest of the ways to say it.
    std::string best = FindWords(words, PlainWords(text));
    const auto consider = [&](std::string_view way) {
      if (std::string said = FindWords(words, way); said.size() > best.size()) best = std::move(said);
    };
    const ToolDef* def = workflow_ == nullptr ? nullptr : workflow_->FindTool(tool);
    const Slot* found = def == nullptr ? nullptr : def->FindSlot(slot);
    if (found == nullptr) return best;
    for (const EntityValue& listed : found->entity.values) {
      if (listed.value != text) continue;
      consider(listed.spoken);
      for (const std::string& synonym : listed.synonyms) consider(synonym);
    }
    return best;
  }

  // The events as sentences; those that only keep books are left out.
  Json Decided() const {
    Json list = Json::array();
    std::map<int, std::string> tools;
    for (size_t i = 0; i <= place_; ++i) {
      for (const Json& json : session_[i].record.events) {
        const LoggedEvent event = EventOf(json);
        if (event.type == "task_began") tools[event.task] = event.name;
        if (i < place_) continue;
        if (std::string line = SentenceOf(event, tools[event.task]); !line.empty())
          list.push_back({{"event", event.type}, {"text", std::move(line)}});
      }
    }
    return list;
  }

  static std::string SentenceOf(const LoggedEvent& event, const std::string& tool) {
    const std::string value = event.value == nullptr     ? ""
                              : event.value->is_string() ? event.value->get<std::string>()
                                                         : event.value->dump();
    const std::string& name = event.name;
    if (event.type == "task_began") return fmt::format("began {}", name);
    if (event.type == "task_queued") return fmt::format("noted {} for afterwards", name);
    if (event.type == "task_suspended") return fmt::format("put {} aside", tool);
    if (event.type == "task_resumed") return fmt::format("came back to {}", tool);
    if (event.type == "task_dropped") return fmt::format("dropped {} ({})", tool, name);
    if (event.type == "task_done")
      return name.empty() ? fmt::format("{} was done", tool) : fmt::format("{} failed: {}", tool, name);
    if (event.type == "slot_set") return fmt::format("set {} of {} to {}", name, tool, value);
    if (event.type == "slot_inherited") return fmt::format("took {} = {} over for {}", name, value, tool);
    if (event.type == "slot_cleared")
      return fmt::format("emptied {} of {}: it breaks the rule {}", name, tool, value);
    if (event.type == "slot_rejected") return fmt::format("did not take {} for {}", value, name);
    if (event.type == "slot_partial") return fmt::format("has {} so far for {}", value, name);
    if (event.type == "doubted") return fmt::format("was not sure enough of {}: it is read back first", tool);
    if (event.type == "confirmed") return fmt::format("the caller confirmed {}", tool);
    if (event.type == "denied") return fmt::format("the caller said no to {}", tool);
    if (event.type == "clarify") return fmt::format("asked whether {} was meant", name);
    if (event.type == "not_taken") return fmt::format("did not act on the words ({})", name);
    if (event.type == "action_began") return fmt::format("carried out {}", tool);
    if (event.type == "verified") return "the caller is verified";
    if (event.type == "verify_failed") return "the caller could not be verified";
    if (event.type == "no_progress") return "the turn brought nothing";
    if (event.type == "no_input") return "heard nothing";
    if (event.type == "started_over") return "dropped everything and began anew";
    if (event.type == "handed_off") return fmt::format("gave the call to a person ({})", name);
    if (event.type == "ended") return "ended the conversation";
    return {};
  }

  Json Acted() const {
    Json list = Json::array();
    for (const TurnRecord::Action& action : record_.actions) {
      Json one{{"tool", action.request.tool},           {"action", action.request.action},
               {"arguments", action.request.arguments}, {"ok", action.result.ok},
               {"result", action.result.data},          {"ms", action.ms},
               {"for", ToJson(action.request.caller)}};
      if (!action.result.ok) one["failure"] = action.result.failure;
      list.push_back(std::move(one));
    }
    return list;
  }

  const std::span<const StoredTurn> session_;
  const size_t place_;
  const TurnRecord& record_;
  const Workflow* workflow_;
};

std::string PercentOf(const Json& value) { return fmt::format("{:.0f} %", 100 * value.get<double>()); }

}  // namespace

Result<Json> ExplainTurn(std::span<const StoredTurn> session, int turn, const Workflow* workflow,
                         std::span<const Label> labels) {
  const auto found = std::find_if(session.begin(), session.end(),
                                  [&](const StoredTurn& one) { return one.record.turn == turn; });
  if (found == session.end()) {
    if (session.empty()) return MakeError(ErrorCode::kNotFound, "no such session");
    return MakeError(ErrorCode::kNotFound, "session {} has no turn {}; its turns are {} to {}",
                     session.front().record.session, turn, session.front().record.turn,
                     session.back().record.turn);
  }
  return Explainer(session, static_cast<size_t>(found - session.begin()), workflow).Run(labels);
}

std::string ExplanationText(const Json& e) {
  std::string text = fmt::format("Turn {} of session {}, {}\n", e["turn"].get<int>(),
                                 e["session"].get<std::string>(), e["at"].get<std::string>());
  const auto line = [&](std::string_view what, std::string_view says) {
    text += fmt::format("  {:<12} {}\n", what, says);
  };
  const Json& live = e["live"];
  line("Live",
       fmt::format("workflow {} (version {}), model {}{}", live["workflow"].get<std::string>(),
                   live["workflow_hash"].get<std::string>(),
                   live["model"] == "" ? "none" : live["model"].get<std::string>(),
                   live["recognizer"] == "" ? "" : ", ears " + live["recognizer"].get<std::string>()));
  if (e["purged"]["words"] == true) line("", "the words of this turn were deleted (retention)");
  if (e["purged"]["values"] == true) line("", "the values of this turn were deleted (retention)");
  if (e["before"].contains("assistant_said"))
    line("Before", "the assistant said: " + e["before"]["assistant_said"].get<std::string>());
  if (e["before"].contains("waited_for"))
    line("", "and waited for: " + e["before"]["waited_for"].get<std::string>());
  const Json& heard = e["heard"];
  line("Heard", heard["text"] == ""
                    ? "nothing"
                    : fmt::format("\"{}\"{}", heard["text"].get<std::string>(),
                                  heard.contains("confidence")
                                      ? fmt::format(" (words {} sure)", PercentOf(heard["confidence"]))
                                      : " (typed)"));
  if (heard.contains("understood_as"))
    line("", "of several hearings this was taken: \"" + heard["understood_as"].get<std::string>() + "\"");
  if (e["understood"].is_null()) {
    line("Understood", "nothing was asked of the model");
  } else {
    bool first = true;
    for (const Json& call : e["understood"]["calls"]) {
      line(first ? "Understood" : "",
           fmt::format("{}, {} sure, by {}", call["tool"].get<std::string>(), PercentOf(call["confidence"]),
                       e["understood"]["made_by"].get<std::string>()));
      first = false;
      for (const Json& value : call["values"])
        line("", fmt::format(
                     "  {} = {}{}: from {}", value["slot"].get<std::string>(),
                     value["value"].is_string() ? value["value"].get<std::string>() : value["value"].dump(),
                     value.contains("confidence") ? fmt::format(" ({} sure)", PercentOf(value["confidence"]))
                                                  : "",
                     value["rests_on"].get<std::string>()));
      if (call.contains("not_taken"))
        for (const Json& unfit : call["not_taken"])
          line("", fmt::format("  not taken for {}: {} ({})", unfit["slot"].get<std::string>(),
                               unfit["value"].dump(), unfit["why"].get<std::string>()));
    }
    if (e["understood"].contains("asked"))
      for (const Json& step : e["understood"]["asked"])
        line("", fmt::format("  asked {}: {}{}", step["who"].get<std::string>(),
                             step["outcome"].get<std::string>(),
                             step["why"] == "" ? "" : " (" + step["why"].get<std::string>() + ")"));
  }
  bool first = true;
  for (const Json& decided : e["decided"]) {
    line(first ? "Decided" : "", decided["text"].get<std::string>());
    first = false;
  }
  first = true;
  for (const Json& acted : e["acted"]) {
    line(first ? "Acted" : "",
         fmt::format("{} {} -> {} {}", acted["tool"].get<std::string>(), acted["arguments"].dump(),
                     acted["ok"] == true ? "ok" : acted["failure"].get<std::string>(),
                     acted["result"].dump()));
    first = false;
  }
  line("Said", e["said"]["text"] == "" ? "nothing" : "\"" + e["said"]["text"].get<std::string>() + "\"");
  if (e["said"]["interrupted"] == true)
    line("", "interrupted after \"" + e["said"]["played"].get<std::string>() + "\"");
  if (e.contains("person"))
    line("Person",
         e["person"]["reason"].get<std::string>() + ": " + e["person"]["summary"].get<std::string>());
  if (e.contains("errors"))
    for (const Json& error : e["errors"]) line("Error", error.get<std::string>());
  if (e.contains("labels"))
    for (const Json& label : e["labels"])
      line("Label", fmt::format("{} says {} ({}, {})", label["author"].get<std::string>(),
                                label["calls"].get<std::string>(), label["reason"].get<std::string>(),
                                label["at"].get<std::string>()));
  return text;
}

}  // namespace sotto
