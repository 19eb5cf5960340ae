// The turn record from its JSON.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/conversation_jsonl.h"
#include "core/turn_record.h"

namespace sotto {
namespace {

// An object that is being read, with the path that leads to it. Everything may be absent: then the target
// stays as it is. The first field of a wrong type makes the error that all readers of one record share.
class Reader {
 public:
  Reader(const Json& json, std::string path, std::string* error)
      : json_(json), path_(std::move(path)), error_(error) {
    if (!json.is_object()) Fail("", "an object");
  }

  void Read(const char* key, std::string& target) const {
    if (const Json* value = Find(key)) {
      value->is_string() ? void(target = value->get<std::string>()) : Fail(key, "a text");
    }
  }
  void Read(const char* key, bool& target) const {
    if (const Json* value = Find(key)) {
      value->is_boolean() ? void(target = value->get<bool>()) : Fail(key, "true or false");
    }
  }
  void Read(const char* key, int& target) const {
    int64_t wide = target;
    ReadInteger(key, wide);
    if (wide >= std::numeric_limits<int>::min() && wide <= std::numeric_limits<int>::max()) {
      target = static_cast<int>(wide);
    } else {
      Fail(key, "a number of that size");
    }
  }
  void Read(const char* key, std::chrono::milliseconds& target) const {
    int64_t count = target.count();
    ReadInteger(key, count);
    target = std::chrono::milliseconds(count);
  }
  // null: not a number (JSON knows none).
  void Read(const char* key, double& target) const {
    const Json* value = Find(key);
    if (value == nullptr) return;
    if (value->is_null()) {
      target = std::numeric_limits<double>::quiet_NaN();
    } else {
      value->is_number() ? void(target = value->get<double>()) : Fail(key, "a number");
    }
  }
  void Read(const char* key, std::vector<std::string>& target) const {
    Each(key, [&](const Json& item, const std::string& path) {
      if (!item.is_string()) return FailAt(path, "a text");
      target.push_back(item.get<std::string>());
    });
  }
  void Read(const char* key, Json& target) const {
    if (const Json* value = Find(key)) target = *value;
  }
  void Read(const char* key, Caller& target) const {
    const Json* value = Find(key);
    if (value == nullptr) return;
    auto caller = CallerFromJson(*value);
    if (!caller) return FailWith(path_, caller.error().message);
    target = *std::move(caller);
  }

  // The object under `key`, null included, if it is there.
  template <typename Use>
  void Object(const char* key, const Use& use) const {
    const Json* value = Find(key);
    if (value == nullptr || value->is_null()) return;
    use(Reader(*value, At(key), error_));
  }
  template <typename Use>
  void Each(const char* key, const Use& use) const {
    const Json* value = Find(key);
    if (value == nullptr) return;
    if (!value->is_array()) return Fail(key, "a list");
    for (size_t i = 0; i < value->size() && error_->empty(); ++i) {
      use((*value)[i], fmt::format("{}[{}]", At(key), i));
    }
  }
  template <typename Use>
  void EachObject(const char* key, const Use& use) const {
    Each(key, [&](const Json& item, const std::string& path) { use(Reader(item, path, error_)); });
  }
  bool Has(const char* key) const { return Find(key) != nullptr; }

  const Json& json() const { return json_; }
  void Fail(const std::string& key, std::string_view wanted) const { FailAt(At(key), wanted); }
  // What another reader has to say about this object.
  void FailWith(const std::string& path, const std::string& message) const {
    if (error_->empty()) *error_ = path.empty() ? message : path + "." + message;
  }

 private:
  const Json* Find(const char* key) const {
    if (!json_.is_object()) return nullptr;
    const auto found = json_.find(key);
    return found == json_.end() ? nullptr : &*found;
  }
  void ReadInteger(const char* key, int64_t& target) const {
    const Json* value = Find(key);
    if (value == nullptr) return;
    const bool fits = value->is_number_integer() &&
                      (!value->is_number_unsigned() || value->get<uint64_t>() <= uint64_t{1} << 62);
    fits ? void(target = value->get<int64_t>()) : Fail(key, "a whole number");
  }
  std::string At(const std::string& key) const {
    if (key.empty()) return path_.empty() ? "the record" : path_;
    return path_.empty() ? key : path_ + "." + key;
  }
  void FailAt(const std::string& path, std::string_view wanted) const {
    if (error_->empty()) *error_ = fmt::format("{} is not {}", path, wanted);
  }

  const Json& json_;
  const std::string path_;
  std::string* const error_;
};

void ReadTimes(const Reader& reader, TurnRecord::Times& times) {
  reader.Read("speech_start", times.speech_start);
  reader.Read("speech_end", times.speech_end);
  reader.Read("endpoint", times.endpoint);
  reader.Read("last_partial", times.last_partial);
  reader.Read("final_transcript", times.final_transcript);
  reader.Read("understood", times.understood);
  reader.Read("acted", times.acted);
  reader.Read("replied", times.replied);
  reader.Read("first_audio", times.first_audio);
  reader.Read("done", times.done);
}

void ReadHeard(const Reader& reader, TurnRecord& record) {
  Transcript& heard = record.heard;
  reader.Read("text", heard.text);
  reader.Read("final", heard.final);
  reader.EachObject("words", [&](const Reader& item) {
    TranscriptWord word;
    item.Read("text", word.text);
    item.Read("start_ms", word.start);
    item.Read("end_ms", word.end);
    item.Read("confidence", word.confidence);
    heard.words.push_back(std::move(word));
  });
  reader.EachObject("n_best", [&](const Reader& item) {
    Transcript::Hypothesis hypothesis;
    item.Read("text", hypothesis.text);
    item.Read("log_score", hypothesis.log_score);
    heard.n_best.push_back(std::move(hypothesis));
  });
  reader.Read("recognizer", record.recognizer);
  reader.Read("listening_mode", record.listening_mode);
}

void ReadUnderstood(const Reader& reader, Understanding& understood) {
  reader.EachObject("calls", [&](const Reader& item) {
    Understanding::Call call;
    item.Read("name", call.call.name);
    item.Read("arguments", call.call.arguments);
    if (!call.call.arguments.is_object()) item.Fail("arguments", "an object");
    item.Read("confidence", call.confidence);
    item.Object("argument_confidence", [&](const Reader& arguments) {
      if (!arguments.json().is_object()) return;
      for (const auto& [name, unused] : arguments.json().items()) {
        arguments.Read(name.c_str(), call.arguments.emplace_back(name, 0.0).second);
      }
    });
    item.EachObject("unfit", [&](const Reader& one) {
      UnfitValue unfit;
      one.Read("argument", unfit.argument);
      one.Read("why", unfit.why);
      one.Read("value", unfit.value);
      call.unfit.push_back(std::move(unfit));
    });
    understood.calls.push_back(std::move(call));
  });
  reader.Read("confidence", understood.confidence);
  std::string made_by(MadeByName(understood.made_by));
  reader.Read("made_by", made_by);
  if (const auto known = MadeByFromName(made_by)) {
    understood.made_by = *known;
  } else {
    reader.FailWith("understood", known.error().message);
  }
  reader.Read("model", understood.model);
  reader.Read("transcript", understood.transcript);
  reader.EachObject("route", [&](const Reader& item) {
    RouteStep step;
    item.Read("step", step.step);
    std::string outcome(OutcomeName(step.outcome));
    item.Read("outcome", outcome);
    if (const auto known = RouteOutcomeFromName(outcome)) {
      step.outcome = *known;
    } else {
      item.FailWith("", known.error().message);
    }
    item.Read("why", step.why);
    item.Read("confidence", step.confidence);
    item.Read("ms", step.ms);
    item.Read("cost", step.cost);
    understood.route.push_back(std::move(step));
  });
  reader.Object("cost", [&](const Reader& cost) {
    cost.Read("prefilled", understood.cost.prefilled);
    cost.Read("forced", understood.cost.forced);
    cost.Read("decided", understood.cost.decided);
    cost.Read("commit_to_call_ms", understood.cost.commit_to_call_ms);
  });
}

void ReadActions(const Reader& reader, TurnRecord& record) {
  reader.EachObject("actions", [&](const Reader& item) {
    TurnRecord::Action action;
    item.Read("tool", action.request.tool);
    item.Read("action", action.request.action);
    item.Read("arguments", action.request.arguments);
    item.Read("idempotency_key", action.request.idempotency_key);
    item.Read("caller", action.request.caller);
    action.request.session = record.session;
    item.Read("ok", action.result.ok);
    item.Read("failure", action.result.failure);
    item.Read("data", action.result.data);
    item.Read("ms", action.ms);
    record.actions.push_back(std::move(action));
  });
}

void ReadReply(const Reader& reader, TurnRecord& record) {
  Reply& reply = record.reply;
  reader.Read("text", reply.text);
  if (reader.Has("parts")) {
    reader.EachObject("parts", [&](const Reader& item) {
      Reply::Part part;
      item.Read("spoken", part.spoken);
      item.Read("fixed", part.fixed);
      reply.parts.push_back(std::move(part));
    });
  } else {  // version 1 had them joined
    std::string spoken;
    reader.Read("spoken", spoken);
    if (!spoken.empty()) reply.parts.push_back({std::move(spoken), false});
  }
  reader.Read("voice", record.voice);
  reader.Read("interruptible", reply.interruptible);
  reader.Read("ends_conversation", reply.ends_conversation);
}

void ReadOutcome(const Reader& reader, TurnRecord& record) {
  std::string outcome(OutcomeName(record.outcome));
  reader.Read("outcome", outcome);
  bool known = false;
  for (int i = 0; i <= static_cast<int>(TurnRecord::Outcome::kEscalated); ++i) {
    const auto one = static_cast<TurnRecord::Outcome>(i);
    if (OutcomeName(one) != outcome) continue;
    record.outcome = one;
    known = true;
  }
  if (!known) reader.Fail("outcome", "began, handled, not_understood, no_input or escalated");
  reader.Object("escalation", [&](const Reader& item) {
    TurnRecord::Escalation escalation;
    item.Read("to", escalation.to);
    item.Read("reason", escalation.reason);
    item.Read("summary", escalation.summary);
    record.escalation = std::move(escalation);
  });
}

}  // namespace

Result<Understanding> UnderstandingFromJson(const Json& json) {
  std::string error;
  Understanding understanding;
  ReadUnderstood(Reader(json, "", &error), understanding);
  if (error.empty() && understanding.calls.empty()) error = "calls is missing or empty";
  if (!error.empty()) return MakeError(ErrorCode::kInvalidArgument, "{}", error);
  return understanding;
}

Result<TurnRecord> TurnRecordFromJson(const Json& json) {
  std::string error;
  const Reader reader(json, "", &error);
  TurnRecord record;
  int schema = 1;
  reader.Read("schema", schema);
  if (error.empty() && (schema < 1 || schema > TurnRecord::kSchema)) {
    return MakeError(ErrorCode::kUnsupported,
                     "schema {} is a turn record of another version; this program knows 1 to {}", schema,
                     TurnRecord::kSchema);
  }
  for (const char* key : {"session", "turn"}) {
    if (error.empty() && !reader.Has(key)) error = fmt::format("{} is missing", key);
  }
  reader.Read("session", record.session);
  reader.Read("turn", record.turn);
  reader.Read("at", record.at);
  reader.Read("channel", record.channel);
  reader.Read("caller", record.caller);
  reader.Object("workflow", [&](const Reader& workflow) {
    workflow.Read("name", record.workflow);
    workflow.Read("hash", record.workflow_hash);
  });
  reader.Object("release", [&](const Reader& release) {
    release.Read("version", record.release.version);
    release.Read("experiment", record.release.experiment);
    release.Read("arm", record.release.arm);
  });
  reader.Read("ended_by", record.ended_by);
  reader.Object("times_ms", [&](const Reader& times) { ReadTimes(times, record.times); });
  reader.Object("latency_ms", [&](const Reader& latency) {  // the others follow from the times
    latency.Read("needed_pause", record.needed_pause_ms);
  });
  reader.Read("cut_off", record.cut_off);
  if (reader.Has("expectation")) {
    auto expectation = ExpectationFromJson(json.at("expectation"));
    if (expectation) {
      record.expectation = *std::move(expectation);
    } else {
      reader.FailWith("", expectation.error().message);
    }
  }
  reader.Read("offered_tools", record.offered_tools);
  reader.Object("heard", [&](const Reader& heard) { ReadHeard(heard, record); });
  reader.Object("understood",
                [&](const Reader& understood) { ReadUnderstood(understood, record.understood.emplace()); });
  reader.Object("shadow", [&](const Reader& shadow) { ReadUnderstood(shadow, record.shadow.emplace()); });
  reader.Object("annotations", [&](const Reader& item) {
    TurnRecord::Annotations& annotations = record.annotations.emplace();
    item.Read("by", annotations.by);
    if (!annotations.by.is_object()) item.Fail("by", "an object");
    item.Read("ms", annotations.ms);
    item.Read("missed", annotations.missed);
    item.Read("rule", annotations.rule);
  });
  ReadOutcome(reader, record);
  reader.Each("events", [&](const Json& event, const std::string&) { record.events.push_back(event); });
  ReadActions(reader, record);
  reader.Object("reply", [&](const Reader& reply) { ReadReply(reply, record); });
  reader.Object("played", [&](const Reader& played) {
    played.Read("ms", record.played_ms);
    played.Read("text", record.played_text);
    played.Read("interrupted", record.interrupted);
    played.Read("fillers", record.fillers);
  });
  reader.Read("errors", record.errors);
  if (!error.empty()) return MakeError(ErrorCode::kInvalidArgument, "{}", error);
  return record;
}

}  // namespace sotto
