// Language models that the server offers beside its workflows, under the OpenAI interface: any GGUF that Sotto
// runs. What is asked for at the same time is computed together (assistant/language_model.h). Any thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "assistant/language_model.h"
#include "base/scheduler.h"
#include "server/chat_request.h"
#include "server/router.h"

namespace sotto {

class LanguageModels {
 public:
  using ByName = std::map<std::string, std::shared_ptr<const LanguageModel>, std::less<>>;

  // The scheduler outlives it; completions are work that blocks there, at most `most` at once.
  LanguageModels(Scheduler& scheduler, ByName models, size_t most = 64);
  // Ends completions that are under way.
  ~LanguageModels();
  LanguageModels(const LanguageModels&) = delete;
  LanguageModels& operator=(const LanguageModels&) = delete;

  // Null: no such model.
  std::shared_ptr<const LanguageModel> Find(std::string_view name) const;
  std::vector<std::string> Names() const;

  // A completion that is ready to be written: called once, it is posted. `told` and `done` come from threads of the
  // scheduler; `done` is called once. `told` as LanguageModel::Told.
  using Done = std::function<void(Result<Completion>)>;
  using Writing = std::function<void(LanguageModel::Told told, Done done)>;
  // `model` is Find(request.model). Refused: what the model cannot do, and too many at once (503).
  tl::expected<Writing, OpenAiRefusal> Prepare(const std::shared_ptr<const LanguageModel>& model,
                                               const ChatRequest& request);

  // Answers the exchange with a completion of `request`: whole, or as it comes. `model` is Find(request.model).
  void Complete(const std::shared_ptr<const LanguageModel>& model, ChatRequest request, Exchange exchange);

 private:
  struct Shared;

  Scheduler& scheduler_;
  const ByName models_;
  const std::shared_ptr<Shared> shared_;
};

// The calls of a completion. One that was cut off has no name, and stands as it was written.
struct WrittenCall {
  std::string name;
  std::string arguments;  // JSON
};
std::vector<WrittenCall> CallsOf(const LanguageModel& model, const Completion& done);

}  // namespace sotto
