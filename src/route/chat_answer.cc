#include "route/chat_answer.h"

#include <algorithm>

#include "core/conversation_jsonl.h"
#include "core/openai_error.h"

namespace sotto {
namespace {

constexpr size_t kMostCalls = 16;
constexpr size_t kMostBytes = size_t{256} << 10;

const Json* Member(const Json& json, const char* key) {
  if (!json.is_object()) return nullptr;
  const auto found = json.find(key);
  return found == json.end() || found->is_null() ? nullptr : &*found;
}

std::string TextOf(const Json& json, const char* key) {
  const Json* member = Member(json, key);
  return member != nullptr && member->is_string() ? member->get<std::string>() : "";
}

int TokensOf(const Json& usage, const char* key) {
  const Json* member = Member(usage, key);
  if (member == nullptr || !member->is_number_unsigned()) return 0;
  return static_cast<int>(std::min<uint64_t>(member->get<uint64_t>(), 100'000'000));
}

// {"error": {...}} where an answer should be.
std::optional<Error> ErrorIn(const Json& json) {
  const Json* error = Member(json, "error");
  if (error == nullptr) return std::nullopt;
  std::string type = TextOf(*error, "type") + " " + TextOf(*error, "code");
  if (const Json* code = Member(*error, "code"); code != nullptr && code->is_number_integer())
    type += std::to_string(code->get<int64_t>());
  const auto says = [&](std::string_view word) { return type.find(word) != std::string::npos; };
  const bool later = says("overload") || says("rate") || says("unavailable") || says("server_error") ||
                     says("timeout") || says("429") || says("500") || says("502") || says("503") ||
                     says("504") || says("internal");
  return Error{later ? ErrorCode::kUnavailable : ErrorCode::kCorrupt,
               "an error inside of an answer" +
                   OpenAiErrorCode(json.dump(-1, ' ', false, Json::error_handler_t::replace))};
}

std::optional<Error> WhyUnfinished(std::string_view finish, bool calls) {
  if (finish == "length" && calls)
    return Error{ErrorCode::kUnsupported, "the answer was cut off at its longest"};
  if (finish == "content_filter") return Error{ErrorCode::kUnsupported, "the answer was withheld"};
  return std::nullopt;
}

// Tools mostly stand in "tool_calls", of some servers in the text: core/conversation_jsonl.h reads them all.
Result<std::vector<ToolCall>> CallsOf(Json message) {
  if (!message.is_object()) return MakeError(ErrorCode::kCorrupt, "an answer without a message");
  message["role"] = "assistant";
  if (Member(message, "content") == nullptr) message["content"] = "";
  const auto row =
      ConversationFromJson({{"messages", {{{"role", "user"}, {"content", "?"}}, std::move(message)}}});
  if (!row || row->conversation.turns.size() != 1)
    return MakeError(ErrorCode::kCorrupt, "a call in the answer is none");
  std::vector<ToolCall> calls = row->conversation.turns[0].calls;
  if (calls.size() > kMostCalls) return MakeError(ErrorCode::kOutOfRange, "more than {} calls", kMostCalls);
  for (ToolCall& call : calls) {
    if (!call.arguments.is_object()) return MakeError(ErrorCode::kCorrupt, "a call in the answer is none");
    Json said = Json::object();
    for (const auto& [name, value] : call.arguments.items()) {
      const bool nothing =
          value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty());
      if (!nothing) said[name] = value;
    }
    call.arguments = std::move(said);
  }
  return calls;
}

Result<ChatAnswer> AnswerOf(const Json& json) {
  if (auto error = ErrorIn(json)) return tl::unexpected(*std::move(error));
  const Json* choices = Member(json, "choices");
  if (choices == nullptr || !choices->is_array() || choices->empty())
    return MakeError(ErrorCode::kCorrupt, "the answer has no choices");
  const Json& first = choices->front();
  const Json* message = Member(first, "message");
  const bool calls = message != nullptr && Member(*message, "tool_calls") != nullptr;
  ChatAnswer answer;
  answer.finish = TextOf(first, "finish_reason");
  if (auto unfinished = WhyUnfinished(answer.finish, calls)) return tl::unexpected(*std::move(unfinished));
  SOTTO_ASSIGN_OR_RETURN(answer.calls, CallsOf(message != nullptr ? *message : Json()));
  answer.content = TextOf(*message, "content");
  if (const Json* usage = Member(json, "usage")) {
    answer.prompt_tokens = TokensOf(*usage, "prompt_tokens");
    answer.completion_tokens = TokensOf(*usage, "completion_tokens");
  }
  return answer;
}

Result<Json> Parse(std::string_view text) {
  auto json = ParseJson(text, "answer");
  if (!json) return MakeError(ErrorCode::kCorrupt, "the answer is not JSON");  // not what it quotes
  return json;
}

}  // namespace

Result<ChatAnswer> ParseChatAnswer(std::string_view body) {
  if (body.size() > kMostBytes)
    return MakeError(ErrorCode::kOutOfRange, "an answer of more than {} bytes", kMostBytes);
  SOTTO_ASSIGN_OR_RETURN(const Json json, Parse(body));
  return AnswerOf(json);
}

void ChatStream::Fail(ErrorCode code, std::string_view why) {
  if (!error_) error_ = Error{code, std::string(why)};
}

Result<void> ChatStream::Feed(std::string_view bytes) {
  bytes_ += bytes.size();
  if (bytes_ > 4 * kMostBytes) Fail(ErrorCode::kOutOfRange, "a stream that does not end");
  if (!error_) {
    const auto fed = events_.Feed(bytes, [this](const SseEvent& event) { Take(event); });
    if (!fed) Fail(fed.error().code, fed.error().message);
  }
  if (error_) return tl::unexpected(*error_);
  return {};
}

void ChatStream::Take(const SseEvent& event) {
  if (error_ || done_) return;
  if (event.data == "[DONE]") {
    done_ = true;
    return;
  }
  const auto json = Parse(event.data);
  if (!json) return Fail(ErrorCode::kCorrupt, "a piece of the stream is not JSON");
  if (auto error = ErrorIn(*json)) {
    error_ = std::move(error);
    return;
  }
  if (const Json* usage = Member(*json, "usage")) {
    prompt_tokens_ = TokensOf(*usage, "prompt_tokens");
    completion_tokens_ = TokensOf(*usage, "completion_tokens");
  }
  const Json* choices = Member(*json, "choices");
  if (choices == nullptr || !choices->is_array() || choices->empty()) return;  // usage comes alone
  const Json& first = choices->front();
  if (const Json* delta = Member(first, "delta")) TakeDelta(*delta);
  if (const std::string finish = TextOf(first, "finish_reason"); !finish.empty()) finish_ = finish;
}

void ChatStream::TakeDelta(const Json& delta) {
  content_ += TextOf(delta, "content");
  const Json* calls = Member(delta, "tool_calls");
  if (calls == nullptr) return;
  if (!calls->is_array()) return Fail(ErrorCode::kCorrupt, "a call in the stream is none");
  for (const Json& piece : *calls) {
    size_t index = calls_.empty() ? 0 : calls_.size() - 1;
    if (const Json* given = Member(piece, "index")) {
      if (!given->is_number_unsigned() || given->get<uint64_t>() >= kMostCalls)
        return Fail(ErrorCode::kCorrupt, "a call in the stream has no place");
      index = given->get<size_t>();
    }
    if (calls_.size() <= index) calls_.resize(index + 1);
    if (const Json* function = Member(piece, "function")) {
      calls_[index].name += TextOf(*function, "name");
      calls_[index].arguments += TextOf(*function, "arguments");
    }
  }
}

Result<ChatAnswer> ChatStream::End() {
  if (error_) return tl::unexpected(*error_);
  if (finish_.empty()) return MakeError(ErrorCode::kIo, "the stream ended in the middle");
  if (auto unfinished = WhyUnfinished(finish_, !calls_.empty()))
    return tl::unexpected(*std::move(unfinished));
  Json message{{"content", content_}};
  for (const Call& call : calls_) {
    message["tool_calls"].push_back(
        {{"type", "function"},
         {"function", {{"name", call.name}, {"arguments", call.arguments.empty() ? "{}" : call.arguments}}}});
  }
  ChatAnswer answer;
  SOTTO_ASSIGN_OR_RETURN(answer.calls, CallsOf(std::move(message)));
  answer.content = content_;
  answer.finish = finish_;
  answer.prompt_tokens = prompt_tokens_;
  answer.completion_tokens = completion_tokens_;
  return answer;
}

}  // namespace sotto
