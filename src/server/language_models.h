// Language models that the server offers beside its workflows, under the OpenAI interface: any GGUF that Sotto
// runs. What is asked for at the same time is computed together (assistant/language_model.h). Any thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
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

  // Answers the exchange with a completion of `request`: whole, or as it comes. `model` is Find(request.model).
  void Complete(const std::shared_ptr<const LanguageModel>& model, ChatRequest request, Exchange exchange);

 private:
  struct Shared;

  Scheduler& scheduler_;
  const ByName models_;
  const std::shared_ptr<Shared> shared_;
};

}  // namespace sotto
