// The circle goes on where it was cut off, whatever cut it off and whenever.
#include "flywheel/circle.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "base/mapped_file.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

const std::vector<CircleStep> kSteps{{"one", {}, false}, {"two", {}, false}, {"three", {}, true}};

TEST(Circle, RunsEachStepOnceAndThenBeginsAnew) {
  const TempFolder folder;
  std::string ran;
  const RunStep run = [&](const CircleStep& step, const CircleState&) -> Result<int> {
    ran += step.name + " ";
    return step.name == "three" ? 1 : 0;  // an outcome, not a failure
  };
  const auto state = RunCircle(folder / "c", kSteps, false, run);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_TRUE(state->finished);
  EXPECT_EQ(state->done[2].exit_code, 1);
  EXPECT_EQ(ran, "one two three ");
  ASSERT_TRUE(RunCircle(folder / "c", kSteps, false, run));
  EXPECT_EQ(ran, "one two three one two three ");
}

TEST(Circle, BeginsWithTheStepThatFailed) {
  const TempFolder folder;
  std::string ran;
  bool fails = true;
  const RunStep run = [&](const CircleStep& step, const CircleState&) -> Result<int> {
    ran += step.name + " ";
    return step.name == "two" && fails ? 1 : 0;
  };
  const auto failed = RunCircle(folder.path(), kSteps, false, run);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("'two' failed"));
  fails = false;
  ASSERT_TRUE(RunCircle(folder.path(), kSteps, false, run));
  EXPECT_EQ(ran, "one two two three ");
}

TEST(Circle, RefusesOtherStepsABrokenStateAndASecondProcess) {
  const TempFolder folder;
  const RunStep stop = [&](const CircleStep& step, const CircleState&) -> Result<int> {
    return step.name == "two" ? 7 : 0;
  };
  EXPECT_FALSE(RunCircle(folder.path(), kSteps, false, stop));
  std::vector<CircleStep> others = kSteps;
  others[0].name = "other";
  EXPECT_THAT(RunCircle(folder.path(), others, false, stop).error().message, HasSubstr("had other steps"));
  const auto inside =
      RunCircle(folder.path(), kSteps, true, [&](const CircleStep&, const CircleState&) -> Result<int> {
        EXPECT_EQ(RunCircle(folder.path(), kSteps, false, stop).error().code, ErrorCode::kUnavailable);
        return 0;
      });
  EXPECT_TRUE(inside);
  std::ofstream(folder / "state.json") << "{\"torn";
  EXPECT_EQ(RunCircle(folder.path(), kSteps, false, stop).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(*ReadFile(folder / "state.json"), "{\"torn");
}

// Steps append their name to a file and are killed at any moment: each that has ended well is there, none that
// was written down is done again.
TEST(Circle, SurvivesKillsAtAnyMoment) {
  const TempFolder folder;
  std::vector<CircleStep> steps;
  for (int i = 0; i < 12; ++i) steps.push_back({fmt::format("step{}", i), {}, false});
  bool finished = false;
  int kills = 0;
  for (int round = 0; round < 400 && !finished; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto state = RunCircle(
          folder / "c", steps, false, [&](const CircleStep& step, const CircleState& at) -> Result<int> {
            std::ofstream(folder / "ran", std::ios::app) << step.name << " after " << at.done.size() << "\n";
            ::usleep(3000);
            return 0;
          });
      ::_exit(state && state->finished ? 0 : 3);
    }
    // Longer and longer, so that even a slow machine gets through.
    ::usleep(static_cast<useconds_t>(2000 + 1500 * (round % 9) + 700 * round));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status)) {
      ASSERT_EQ(WEXITSTATUS(status), 0);
      finished = true;
    } else {
      ++kills;
      const auto state = ReadCircleState(folder / "c" / "state.json");
      ASSERT_TRUE(state || state.error().code == ErrorCode::kNotFound) << state.error().message;
      finished = state && state->finished;
    }
  }
  ASSERT_TRUE(finished);
  EXPECT_GT(kills, 2);
  const std::string ran = *ReadFile(folder / "ran");
  for (int i = 0; i < 12; ++i) EXPECT_THAT(ran, HasSubstr(fmt::format("step{} after {}\n", i, i)));
}

}  // namespace
}  // namespace sotto
