#include "core/action.h"

#include <future>
#include <memory>

namespace sotto {
namespace {

// Percent-encoded, so that no two lists of parts join to the same key.
std::string KeyPart(std::string_view text) {
  std::string part;
  for (const char c : text) {
    const bool plain =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
    if (plain) {
      part += c;
    } else {
      part += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return part;
}

}  // namespace

std::string IdempotencyKey(const Caller& caller, std::string_view session, int task, int attempt) {
  return fmt::format("{}/{}/{}/{}", KeyPart(caller.customer), KeyPart(session), task, attempt);
}


ToolResult RunAndWait(ActionRunner& runner, ActionRequest request) {
  // Shared: the thread that sets the value may still be inside the promise when this one has read it.
  auto result = std::make_shared<std::promise<ToolResult>>();
  std::future<ToolResult> answer = result->get_future();
  runner.Start(std::move(request), [result](ToolResult done) { result->set_value(std::move(done)); });
  return answer.get();
}

}  // namespace sotto
