#include "core/action.h"

#include <future>
#include <memory>

namespace sotto {

ToolResult RunAndWait(ActionRunner& runner, ActionRequest request) {
  // Shared: the thread that sets the value may still be inside the promise when this one has read it.
  auto result = std::make_shared<std::promise<ToolResult>>();
  std::future<ToolResult> answer = result->get_future();
  runner.Start(std::move(request), [result](ToolResult done) { result->set_value(std::move(done)); });
  return answer.get();
}

}  // namespace sotto
