#include "assistant/understander.h"

#include "brain/brain.h"

namespace sotto {
namespace {

class BrainUnderstander final : public Understander {
 public:
  explicit BrainUnderstander(std::shared_ptr<const Brain> brain) : session_(std::move(brain)) {}

  Result<void> Begin(const Conversation& history, const Expectation& expectation,
                     std::span<const std::string> controls) override {
    return session_.Begin(history, expectation, controls);
  }
  Result<void> Hear(std::string_view partial) override { return session_.Hear(partial); }
  Result<Understanding> Peek() override { return session_.Peek(); }
  Result<Understanding> Commit(std::span<const Transcript::Hypothesis> hypotheses) override {
    return session_.Commit(hypotheses);
  }
  void Abandon() override { session_.Abandon(); }

 private:
  BrainSession session_;
};

}  // namespace

std::unique_ptr<Understander> MakeBrainUnderstander(std::shared_ptr<const Brain> brain) {
  return std::make_unique<BrainUnderstander>(std::move(brain));
}

}  // namespace sotto
