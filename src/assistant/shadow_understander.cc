#include "assistant/shadow_understander.h"

#include <mutex>
#include <utility>

namespace sotto {
namespace {

class ShadowUnderstander final : public Understander {
 public:
  ShadowUnderstander(std::unique_ptr<Understander> acting, std::unique_ptr<Understander> shadow)
      : acting_(std::move(acting)), shadow_(std::move(shadow)) {}

  void Begin(Conversation history, Expectation expectation, std::vector<std::string> offered) override {
    shadow_->Begin(history, expectation, offered);
    acting_->Begin(std::move(history), std::move(expectation), std::move(offered));
  }
  void Hear(std::string partial, Done peek) override { acting_->Hear(std::move(partial), std::move(peek)); }

  void Commit(std::vector<Transcript::Hypothesis> hypotheses, Duration limit, Done done) override {
    uint64_t turn = 0;
    {
      const std::lock_guard lock(slot_->mutex);
      turn = ++slot_->turn;
      slot_->value.reset();
    }
    std::vector<Transcript::Hypothesis> same = hypotheses;
    acting_->Commit(std::move(hypotheses), limit, std::move(done));
    shadow_->Commit(std::move(same), limit, [slot = slot_, turn](Result<Understanding> understood) {
      if (!understood) return;
      const std::lock_guard lock(slot->mutex);
      if (turn == slot->turn) slot->value = *std::move(understood);
    });
  }
  void Abandon() override {
    shadow_->Abandon();
    acting_->Abandon();
  }
  std::optional<Understanding> TakeShadow() override {
    const std::lock_guard lock(slot_->mutex);
    return std::exchange(slot_->value, std::nullopt);
  }

 private:
  struct Slot {
    std::mutex mutex;
    uint64_t turn = 0;                   // whose answer is taken; guarded by mutex
    std::optional<Understanding> value;  // guarded by mutex
  };
  const std::unique_ptr<Understander> acting_;
  const std::unique_ptr<Understander> shadow_;
  const std::shared_ptr<Slot> slot_ = std::make_shared<Slot>();
};

}  // namespace

std::unique_ptr<Understander> MakeShadowUnderstander(std::unique_ptr<Understander> acting,
                                                     std::unique_ptr<Understander> shadow) {
  return std::make_unique<ShadowUnderstander>(std::move(acting), std::move(shadow));
}

}  // namespace sotto
