// Fuzz target: any bytes as what a chat model's endpoint answers: as one
// body and as a stream in pieces (which do not matter); as a route.json; and as a warm file. Whatever they are: a value or a one-line
// error; nothing crashes, hangs or grows without bound.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "one_line.h"
#include "route/chat_answer.h"
#include "route/threshold.h"
#include "route/warm_answers.h"

namespace sotto {
namespace {

std::string Streamed(std::string_view bytes, size_t piece) {
  ChatStream stream;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    if (!stream.Feed(bytes.substr(at, piece))) break;
  }
  const auto answer = stream.End();
  CheckError(answer);
  if (!answer) return "error";
  std::string calls;
  for (const ToolCall& call : answer->calls) calls += ToString(call) + "\n";
  return calls;
}

void Read(std::string_view text) {
  const auto answer = ParseChatAnswer(text);
  CheckError(answer);
  if (answer) SOTTO_CHECK(!answer->calls.empty());
  SOTTO_CHECK(Streamed(text, text.size() + 1) == Streamed(text, text.size() % 7 + 1), "pieces matter");
  const auto json = ParseJson(text, "thresholds");
  if (json) CheckError(ThresholdFileFromJson(*json));
  const auto warm = WarmFile::Parse(text, "warm.jsonl");
  CheckError(warm);
  if (warm) SOTTO_CHECK(WarmFile::Parse(warm->Text(), "again").has_value());
}

}  // namespace
}  // namespace sotto

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sotto::Read(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
