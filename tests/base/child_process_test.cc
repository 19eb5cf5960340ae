#include "base/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

namespace sotto {
namespace {

// Everything until the other end is closed.
std::string ReadAll(int end) {
  std::string text;
  while (true) {
    pollfd wait{end, POLLIN, 0};
    poll(&wait, 1, 10'000);
    char block[4096];
    const ssize_t count = read(end, block, sizeof block);
    if (count <= 0) return text;
    text.append(block, static_cast<size_t>(count));
  }
}

TEST(ChildProcess, IsTalkedToOverItsStandardInputAndOutput) {
  auto child =
      ChildProcess::Start({.arguments = {"sh", "-c", "read line; echo \"got $line in $(pwd)\"; echo bad >&2"},
                           .environment = {},
                           .folder = "/"});
  ASSERT_TRUE(child) << child.error().message;
  ASSERT_EQ(write(child->input(), "this\n", 5), 5);
  EXPECT_EQ(ReadAll(child->output()), "got this in /\n");
  EXPECT_EQ(ReadAll(child->errors()), "bad\n");
}

TEST(ChildProcess, GetsTheEnvironmentThatItIsGivenAndNothingElse) {
  setenv("SOTTO_TEST_CANARY", "canary", 1);
  auto child = ChildProcess::Start({.arguments = {"/usr/bin/env"},
                                    .environment = EnvironmentOf({"PATH", "SOTTO_TEST_UNSET"}),
                                    .folder = {}});
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EQ(ReadAll(child->output()), std::string("PATH=") + std::getenv("PATH") + "\n");
}

TEST(ChildProcess, ItsEndIsTheEndOfEverythingItStarted) {
  pid_t grandchild = 0;
  {
    // The one who ignores the polite request.
    auto child = ChildProcess::Start(
        {.arguments = {"sh", "-c", "trap '' TERM; sleep 1000 & echo $!; wait; sleep 1000"},
         .environment = EnvironmentOf({"PATH"}),
         .folder = {}});
    ASSERT_TRUE(child) << child.error().message;
    pollfd wait{child->output(), POLLIN, 0};
    ASSERT_EQ(poll(&wait, 1, 10'000), 1);
    char block[64] = {};
    ASSERT_GT(read(child->output(), block, sizeof block - 1), 0);
    grandchild = std::atoi(block);
    ASSERT_GT(grandchild, 1);
  }
  // Killed; whoever inherits it has yet to bury it, at most.
  const auto runs = [&] {
    FILE* status = std::fopen(("/proc/" + std::to_string(grandchild) + "/stat").c_str(), "r");
    if (status == nullptr) return false;
    char state = 'X';
    const bool read = std::fscanf(status, "%*d (%*[^)]) %c", &state) == 1;
    std::fclose(status);
    return read && state != 'Z' && state != 'X';
  };
  // The signal has been sent; the kernel acts on it when the process gets a core.
  for (int patience = 0; patience < 1000 && runs(); ++patience) poll(nullptr, 0, 10);
  EXPECT_FALSE(runs());
}

TEST(ChildProcess, NamesAProgramThatIsNotThere) {
  const auto child =
      ChildProcess::Start({.arguments = {"no-such-program-here"}, .environment = {}, .folder = {}});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(child.error().message, testing::HasSubstr("no-such-program-here"));
}

}  // namespace
}  // namespace sotto
