#include "server/voice_messages.h"

#include "server/json_fields.h"

namespace sotto {
namespace {

using namespace voice_message;

constexpr size_t kNameBytes = 200;
constexpr size_t kTokenBytes = 4000;

Result<void> ReadFormat(JsonFields& fields, const char* name, LineFormat* format) {
  std::string text;
  if (!fields.Text(name, &text, 40) || text.empty()) return {};
  auto parsed = ParseLineFormat(text);
  if (!parsed) return MakeError(ErrorCode::kInvalidArgument, "'{}': {}", name, parsed.error().message);
  *format = *parsed;
  return {};
}

Result<VoiceMessage> ReadStart(JsonFields& fields) {
  Start start;
  fields.Text("workflow", &start.workflow, kNameBytes);
  fields.Text("token", &start.token, kTokenBytes);
  fields.Text("session", &start.session, kNameBytes);
  fields.Bool("echo_cancellation", &start.echo_cancellation);
  SOTTO_RETURN_IF_ERROR(ReadFormat(fields, "input", &start.input));
  SOTTO_RETURN_IF_ERROR(ReadFormat(fields, "output", &start.output));
  if (const Json* caller = fields.Object("caller")) {
    start.has_caller = true;
    SOTTO_ASSIGN_OR_RETURN(start.caller, ReadCaller(*caller, "caller."));
  }
  SOTTO_RETURN_IF_ERROR(fields.Done());
  return start;
}

Result<VoiceMessage> ReadResume(JsonFields& fields) {
  Resume resume;
  int64_t after = 0;
  fields.Require("session", fields.Text("session", &resume.session, kNameBytes));
  fields.Require("secret", fields.Text("secret", &resume.secret, kNameBytes));
  fields.Integer("after", &after, 0, int64_t{1} << 53);
  SOTTO_RETURN_IF_ERROR(fields.Done());
  resume.after = static_cast<uint64_t>(after);
  return resume;
}

Result<VoiceMessage> ReadKey(JsonFields& fields) {
  std::string key;
  fields.Require("key", fields.Text("key", &key, 1));
  if (key.size() != 1 || std::string_view("0123456789*#").find(key[0]) == std::string_view::npos)
    fields.Wrong("key", "one of 0 to 9, * and #");
  SOTTO_RETURN_IF_ERROR(fields.Done());
  return Key{key[0]};
}

Result<VoiceMessage> ReadRecord(JsonFields& fields) {
  Record record;
  fields.Require("paused", fields.Bool("paused", &record.paused));
  SOTTO_RETURN_IF_ERROR(fields.Done());
  return record;
}

}  // namespace

Result<Caller> ReadCaller(const Json& json, std::string_view where) {
  JsonFields fields(json, std::string(where));
  Caller caller;
  fields.Text("customer", &caller.customer, kNameBytes);
  fields.Text("address", &caller.address, kNameBytes);
  SOTTO_RETURN_IF_ERROR(fields.Done());
  return caller;
}

Result<VoiceMessage> ReadVoiceMessage(std::string_view text) {
  SOTTO_ASSIGN_OR_RETURN(const Json json, ParseBody(text));
  JsonFields fields(json);
  std::string type;
  fields.Require("type", fields.Text("type", &type, 40));
  if (type == "start") return ReadStart(fields);
  if (type == "resume") return ReadResume(fields);
  if (type == "key") return ReadKey(fields);
  if (type == "recording") return ReadRecord(fields);
  if (type == "end") {
    SOTTO_RETURN_IF_ERROR(fields.Done());
    return End{};
  }
  fields.Wrong("type", "one of start, resume, key, recording and end");
  SOTTO_RETURN_IF_ERROR(fields.Done(true));
  return MakeError(ErrorCode::kInvalidArgument, "'type' is missing");
}

}  // namespace sotto
