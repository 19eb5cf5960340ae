#include "core/turn_record.h"

#include <array>
#include <cmath>

#include "core/conversation_jsonl.h"

namespace sotto {
namespace {

constexpr std::array<std::string_view, 5> kOutcomes{"began", "handled", "not_understood", "no_input",
                                                    "escalated"};

void AddTime(Json& times, const char* name, double value) {
  if (value >= 0 && std::isfinite(value)) times[name] = value;
}

}  // namespace

std::string_view OutcomeName(TurnRecord::Outcome outcome) {
  return kOutcomes.at(static_cast<size_t>(outcome));
}

Json ToJson(const Understanding& understanding) {
  Json calls = Json::array();
  for (const Understanding::Call& call : understanding.calls) {
    Json one = ToJson(call.call);
    one["confidence"] = call.confidence;
    Json arguments = Json::object();
    for (const auto& [name, confidence] : call.arguments) arguments[name] = confidence;
    one["argument_confidence"] = std::move(arguments);
    for (const UnfitValue& unfit : call.unfit)
      one["unfit"].push_back({{"argument", unfit.argument}, {"why", unfit.why}, {"value", unfit.value}});
    calls.push_back(std::move(one));
  }
  Json json{{"calls", std::move(calls)},
            {"confidence", understanding.confidence},
            {"made_by", MadeByName(understanding.made_by)},
            {"model", understanding.model},
            {"transcript", understanding.transcript},
            {"cost",
             {{"prefilled", understanding.cost.prefilled},
              {"forced", understanding.cost.forced},
              {"decided", understanding.cost.decided},
              {"commit_to_call_ms", understanding.cost.commit_to_call_ms}}}};
  for (const RouteStep& step : understanding.route) {
    json["route"].push_back({{"step", step.step},
                             {"outcome", OutcomeName(step.outcome)},
                             {"why", step.why},
                             {"confidence", step.confidence},
                             {"ms", step.ms},
                             {"cost", step.cost}});
  }
  return json;
}

Json ToJson(const Transcript& transcript) {
  Json words = Json::array();
  for (const TranscriptWord& word : transcript.words) {
    words.push_back({{"text", word.text},
                     {"start_ms", word.start.count()},
                     {"end_ms", word.end.count()},
                     {"confidence", word.confidence}});
  }
  Json n_best = Json::array();
  for (const Transcript::Hypothesis& hypothesis : transcript.n_best) {
    n_best.push_back({{"text", hypothesis.text}, {"log_score", hypothesis.log_score}});
  }
  return Json{{"text", transcript.text},
              {"words", std::move(words)},
              {"n_best", std::move(n_best)},
              {"final", transcript.final}};
}

Json ToJson(const TurnRecord& record) {
  Json json = {{"schema", TurnRecord::kSchema},
               {"session", record.session},
               {"turn", record.turn},
               {"at", record.at},
               {"channel", record.channel},
               {"caller", ToJson(record.caller)},
               {"workflow", {{"name", record.workflow}, {"hash", record.workflow_hash}}},
               {"ended_by", record.ended_by}};
  if (!record.release.version.empty()) {
    json["release"] = {{"version", record.release.version}};
    if (!record.release.experiment.empty()) {
      json["release"]["experiment"] = record.release.experiment;
      json["release"]["arm"] = record.release.arm;
    }
  }
  Json times = Json::object();
  const TurnRecord::Times& t = record.times;
  AddTime(times, "speech_start", t.speech_start);
  AddTime(times, "speech_end", t.speech_end);
  AddTime(times, "endpoint", t.endpoint);
  AddTime(times, "last_partial", t.last_partial);
  AddTime(times, "final_transcript", t.final_transcript);
  AddTime(times, "understood", t.understood);
  AddTime(times, "acted", t.acted);
  AddTime(times, "replied", t.replied);
  AddTime(times, "first_audio", t.first_audio);
  AddTime(times, "done", t.done);
  json["times_ms"] = std::move(times);
  Json latency = Json::object();
  AddTime(latency, "needed_pause", record.needed_pause_ms > 0 ? record.needed_pause_ms : -1);
  AddTime(latency, "endpoint_to_first_audio", record.EndpointToFirstAudioMs());
  AddTime(latency, "voice_to_voice", record.VoiceToVoiceMs());
  json["latency_ms"] = std::move(latency);
  json["cut_off"] = record.cut_off;
  json["expectation"] = ToJson(record.expectation);
  json["offered_tools"] = record.offered_tools;
  json["heard"] = ToJson(record.heard);
  json["heard"]["recognizer"] = record.recognizer;
  json["heard"]["listening_mode"] = record.listening_mode;
  json["understood"] = record.understood ? ToJson(*record.understood) : Json(nullptr);
  if (record.shadow) json["shadow"] = ToJson(*record.shadow);
  if (record.annotations) {
    json["annotations"] = {{"by", record.annotations->by},
                           {"ms", record.annotations->ms},
                           {"missed", record.annotations->missed},
                           {"rule", record.annotations->rule}};
  }
  json["outcome"] = OutcomeName(record.outcome);
  if (record.escalation) {
    json["escalation"] = {{"to", record.escalation->to},
                          {"reason", record.escalation->reason},
                          {"summary", record.escalation->summary}};
  }
  json["events"] = record.events;
  Json actions = Json::array();
  for (const TurnRecord::Action& action : record.actions) {
    Json one = {{"tool", action.request.tool},
                {"action", action.request.action},
                {"arguments", action.request.arguments},
                {"idempotency_key", action.request.idempotency_key},
                {"caller", ToJson(action.request.caller)},
                {"ok", action.result.ok}};
    if (!action.result.ok) one["failure"] = action.result.failure;
    one["data"] = action.result.data;
    one["ms"] = action.ms;
    actions.push_back(std::move(one));
  }
  json["actions"] = std::move(actions);
  std::string spoken;
  Json parts = Json::array();
  for (const Reply::Part& part : record.reply.parts) {
    spoken += part.spoken;
    parts.push_back({{"spoken", part.spoken}, {"fixed", part.fixed}});
  }
  json["reply"] = {{"text", record.reply.text},
                   {"spoken", spoken},
                   {"parts", std::move(parts)},
                   {"voice", record.voice},
                   {"interruptible", record.reply.interruptible},
                   {"ends_conversation", record.reply.ends_conversation}};
  json["played"] = {{"ms", record.played_ms},
                    {"text", record.played_text},
                    {"interrupted", record.interrupted},
                    {"fillers", record.fillers}};
  json["errors"] = record.errors;
  return json;
}

}  // namespace sotto
