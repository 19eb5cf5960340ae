// The specialists of the working folder over HTTP (docs/formats/openapi.yaml): texts in, what each says of them out.
//
//   GET  /v1/specialists   those that there are
//   POST /v1/classify      {"specialist", "input": text or texts, "today"?}: kinds classify, language, risk
//   POST /v1/extract       the same: kinds tag, rule, summarise
//   POST /v1/embeddings    {"input"}: the sentence encoder's vectors, in OpenAI's form
//
// A specialist is opened when it is first asked for, and kept. Adds its routes; lives as long as the router. Any thread.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/scheduler.h"
#include "server/router.h"
#include "specialist/annotator.h"

namespace sotto {

class SpecialistApi {
 public:
  // `scheduler` outlives it. `folder`: where they lie, one folder each.
  SpecialistApi(Scheduler& scheduler, std::function<std::filesystem::path()> folder)
      : scheduler_(scheduler), shared_(std::make_shared<Shared>()) {
    shared_->folder = std::move(folder);
  }

  void AddTo(Router& router);

 private:
  // What work on the scheduler needs, also after this.
  struct Shared {
    std::function<std::filesystem::path()> folder;
    std::mutex mutex;
    bool encoder_opened = false;  // guarded by mutex, as is what follows
    SpecialistContext context;
    std::map<std::string, std::shared_ptr<const Annotator>> specialists;

    Result<std::shared_ptr<const Annotator>> Open(const std::string& name);
    Result<std::shared_ptr<const SentenceEncoder>> Encoder();
  };

  void List(Exchange exchange);
  void Annotate(Exchange exchange, std::initializer_list<std::string_view> kinds);
  void Embed(Exchange exchange);

  Scheduler& scheduler_;
  const std::shared_ptr<Shared> shared_;
};

}  // namespace sotto
