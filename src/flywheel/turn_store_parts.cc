#include "flywheel/turn_store_parts.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace sotto {
namespace {

using Pointer = Json::json_pointer;

void TakePart(Json& record, const std::string& path, Json instead, Json& part) {
  const Pointer at(path);
  if (!record.contains(at)) return;
  Json& place = record.at(at);
  if (place == instead) return;
  part[path] = std::exchange(place, std::move(instead));
}

void SplitEvent(Json& record, size_t index, RecordParts& parts) {
  const std::string path = fmt::format("/events/{}", index);
  const Json& event = record["events"][index];
  if (!event.is_object()) return TakePart(record, path, nullptr, parts.values);
  const std::string type = event.contains("event") && event["event"].is_string()
                               ? event["event"].get<std::string>()
                               : std::string();
  if (type == "user_said") {
    TakePart(record, path + "/name", "", parts.words);
  } else if (type == "replied") {
    TakePart(record, path + "/name", "", parts.words);
    TakePart(record, path + "/value/parts", Json::array(), parts.words);
    return;  // the rest says what was asked
  } else if (type == "handed_off") {
    return TakePart(record, path + "/value", nullptr, parts.words);
  } else if (type == "action_began") {
    TakePart(record, path + "/name", "", parts.values);
  }
  TakePart(record, path + "/value", nullptr, parts.values);
}

void PutBack(Json& record, const Json& part) {
  if (!part.is_object()) return;
  for (const auto& item : part.items()) {
    const Pointer at(item.key());
    if (record.contains(at)) record.at(at) = item.value();
  }
}

size_t SizeOf(const Json& record, const char* key) {
  return record.contains(key) && record[key].is_array() ? record[key].size() : 0;
}

}  // namespace

RecordParts SplitRecord(Json record) {
  RecordParts parts;
  for (const char* path : {"/heard/text", "/understood/transcript", "/reply/text", "/reply/spoken",
                           "/played/text", "/escalation/summary"})
    TakePart(record, path, "", parts.words);
  for (const char* path : {"/heard/words", "/heard/n_best", "/reply/parts", "/errors"})
    TakePart(record, path, Json::array(), parts.words);
  TakePart(record, "/caller", Json::object(), parts.values);
  const Json none = Json::array();
  const Json& calls =
      record.contains(Pointer("/understood/calls")) ? record.at(Pointer("/understood/calls")) : none;
  for (size_t i = 0, n = calls.size(); i < n; ++i) {
    const std::string path = fmt::format("/understood/calls/{}", i);
    TakePart(record, path + "/arguments", Json::object(), parts.values);
    TakePart(record, path + "/unfit", Json::array(), parts.values);
  }
  for (size_t i = 0, n = SizeOf(record, "actions"); i < n; ++i) {
    const std::string path = fmt::format("/actions/{}", i);
    TakePart(record, path + "/arguments", Json::object(), parts.values);
    TakePart(record, path + "/data", Json::object(), parts.values);
    TakePart(record, path + "/caller", Json::object(), parts.values);
    TakePart(record, path + "/idempotency_key", "", parts.values);
  }
  for (size_t i = 0, n = SizeOf(record, "events"); i < n; ++i) SplitEvent(record, i, parts);
  parts.metrics = std::move(record);
  return parts;
}

Json JoinRecord(RecordParts parts) {
  PutBack(parts.metrics, parts.words);
  PutBack(parts.metrics, parts.values);
  return std::move(parts.metrics);
}

}  // namespace sotto
