// Fuzz target: any bytes as a turn record. Whatever they are, they are a record or a one-line error; a record
// that was read is written and read again as the same.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "core/turn_log.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  if (size > 65536) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (!nlohmann::json::accept(text)) return 0;
  const Result<TurnRecord> record = TurnRecordFromJson(Json::parse(text));
  if (!record) {
    SOTTO_CHECK(!record.error().message.empty());
    return 0;
  }
  // As text: of a number that JSON cannot say, null stays.
  const std::string written = ToJson(*record).dump(-1, ' ', false, Json::error_handler_t::replace);
  const Result<TurnRecord> again = TurnRecordFromJson(Json::parse(written));
  SOTTO_CHECK(again, "{}", again.error().message);
  SOTTO_CHECK(ToJson(*again).dump(-1, ' ', false, Json::error_handler_t::replace) == written);
  const auto conversations = ConversationsOf({&*record, 1});
  SOTTO_CHECK(conversations.size() == (record->heard.text.empty() ? 0 : 1));
  return 0;
}
