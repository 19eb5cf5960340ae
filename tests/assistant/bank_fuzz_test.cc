// The fuzzing user on the real bank: whatever is said, the books stay right and nothing is paid twice.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "action/bank.h"
#include "base/check.h"
#include "dialogue/fuzzing_user.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

class BankRunner final : public InlineActionRunner {
 public:
  explicit BankRunner(Bank& bank) : bank_(bank) {}
  ToolResult Run(const ActionRequest& request) override {
    ++actions;
    ToolResult result = bank_.Do(request.action.substr(5), request);
    if (result.ok && request.tool == "transfer_money") ++transfers;
    return result;
  }
  int actions = 0;
  int transfers = 0;

 private:
  Bank& bank_;
};

TEST(BankFuzz, AuditHoldsAfterEveryDialogue) {
  const char* wanted = std::getenv("SOTTO_FUZZ_DIALOGUES");
  const int dialogues = wanted == nullptr ? 300 : std::atoi(wanted);
  const auto path = std::filesystem::temp_directory_path() / fmt::format("sotto-bank-fuzz-{}.db", getpid());
  const auto clean = [&] {
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path.string() + end);
  };
  clean();
  const auto workflow = LoadWorkflow(SOTTO_SOURCE_DIR "/workflows/banking");
  ASSERT_TRUE(workflow);
  const auto program = DialogueProgram::Compile(*workflow);
  ASSERT_TRUE(program);
  auto bank = Bank::Create(path);
  ASSERT_TRUE(bank) << bank.error().message;
  BankRunner runner(**bank);
  Random random(77);
  for (int i = 0; i < dialogues; ++i) {
    Dialogue dialogue(*program);
    dialogue.Begin(fmt::format("fuzz-{}", i), {"1", "text", "", "host", ""});
    for (int turn = 0; turn < 12; ++turn) {
      const TurnInput input = RandomInput(**workflow, dialogue.state(), random);
      ASSERT_FALSE(dialogue.RunTurn(input, runner).reply.text.empty());
    }
    const auto broken = (*bank)->Audit();
    ASSERT_TRUE(broken) << broken.error().message;
    ASSERT_TRUE(broken->empty()) << "dialogue " << i << ": " << broken->front();
  }
  fmt::print("{} dialogues, {} actions, {} transfers\n", dialogues, runner.actions, runner.transfers);
  EXPECT_GT(runner.transfers, 0);
  bank->reset();
  clean();
}

}  // namespace
}  // namespace sotto
