#include "flywheel/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "base/mapped_file.h"
#include "base/sha256.h"
#include "base/sqlite.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

VersionFacts Facts(const std::string& bytes, const std::string& workflow = "banking") {
  VersionFacts facts;
  facts.workflow = workflow;
  facts.workflow_hash = "w1";
  facts.model = "m-" + bytes;
  facts.model_sha256 = Sha256(bytes);
  facts.model_bytes = bytes.size();
  facts.tools = "t1";
  facts.program = "abc";
  return facts;
}

std::string Register(VersionRegistry& registry, const std::string& bytes) {
  const VersionRegistry::FileOf files[] = {{"model.gguf", "", bytes}, {"card.md", "", "A card of " + bytes}};
  const auto act = registry.Register(Facts(bytes), files, "anna", "", Json::object());
  EXPECT_TRUE(act) << (act ? "" : act.error().message);
  return act ? act->version : "";
}

// A clock that the test sets; the time since the machine began runs on its own.
struct SetClock {
  ActTime now{std::chrono::sys_days(std::chrono::year(2026) / 11 / 30), "boot", 1000};
  void Pass(int s) {
    now.wall += seconds(s);
    now.uptime_s += s;
  }
  void Set(int by) { now.wall += seconds(by); }
};

struct World {
  TempFolder folder;
  SetClock clock;
  std::unique_ptr<VersionRegistry> registry =
      VersionRegistry::Open(folder.path() / "r", VersionRegistry::Mode::kCreate, [this] {
        return clock.now;
      }).value();
};

TEST(Registry, KeepsWhatWasLiveAndWhy) {
  World world;
  VersionRegistry& registry = *world.registry;
  const std::string first = Register(registry, "one");
  world.clock.Pass(60);
  const std::string second = Register(registry, "two");
  EXPECT_EQ(Register(registry, "one"), first);  // known already
  EXPECT_EQ(*registry.LastSeq(), 2);
  EXPECT_EQ(*ReadFile(registry.FolderOf(first) / "model.gguf"), "one");
  EXPECT_EQ(*ReadFile(registry.FolderOf(second) / "card.md"), "A card of two");

  ASSERT_TRUE(registry.Promote("banking", first, "anna", "the first one", 0));
  world.clock.Pass(3600);
  ASSERT_TRUE(registry.Promote("banking", second, "anna", "half the size", 0));
  world.clock.Pass(3600);
  const auto back = registry.RollBack("banking", "", "ben", "complaints");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->version, first);
  const LiveState live = *registry.Live("banking");
  EXPECT_EQ(live.version, first);
  EXPECT_EQ(live.previous, second);
  EXPECT_TRUE(registry.Live("telecom")->version.empty());

  const auto at = [&](const char* time) { return registry.StatesAt("banking", *ParseActTime(time)).value(); };
  EXPECT_EQ(at("2026-11-29").front().live.version, "");
  EXPECT_EQ(at("2026-11-30T00:30").front().live.version, first);
  EXPECT_EQ(at("2026-11-30T01:30:00Z").front().live.version, second);
  EXPECT_EQ(at("2026-11-30T02:01:00.250Z").front().live.version, first);
  for (const char* time : {"2026-11-30T00:30", "2026-11-30T01:30"}) EXPECT_EQ(at(time).size(), 1u);
  EXPECT_TRUE(registry.Verify()->empty());
  EXPECT_EQ(registry.Find(first.substr(0, 6))->first, first);
  EXPECT_FALSE(registry.Find("zz"));
}

TEST(Registry, LetsNobodyPromoteWithoutProofOrReason) {
  World world;
  VersionRegistry& registry = *world.registry;
  const std::string first = Register(registry, "one");
  const std::string second = Register(registry, "two");
  const auto error = [](const auto& result) {
    return result ? std::string("it worked") : result.error().message;
  };
  EXPECT_THAT(error(registry.Promote("banking", "none", "anna", "x", 0)), HasSubstr("not registered"));
  EXPECT_THAT(error(registry.Promote("banking", first, "anna", " ", 0)), HasSubstr("reason"));
  EXPECT_THAT(error(registry.Promote("telecom", first, "anna", "x", 0)),
              HasSubstr("one of workflow banking"));
  EXPECT_THAT(error(registry.Promote("banking", first, "", "x", 0)), HasSubstr("author"));
  EXPECT_THAT(error(registry.Promote("banking", first, kMachine, "", 0)), HasSubstr("proves nothing"));
  ASSERT_TRUE(registry.Promote("banking", first, "anna", "the first one", 0));
  EXPECT_THAT(error(registry.Promote("banking", first, "anna", "again", 0)), HasSubstr("live already"));
  EXPECT_THAT(error(registry.RollBack("banking", "", "anna", "x")), HasSubstr("nothing of workflow"));

  const auto evaluated = [&](const char* verdict, const std::string& champion) {
    return registry
        .Record({std::string(act::kEvaluated), "banking", second, "anna", "why",
                 Json{{"verdict", verdict}, {"champion", champion}}})
        ->seq;
  };
  EXPECT_THAT(error(registry.Promote("banking", second, kMachine, "", evaluated("hold", first))),
              HasSubstr("proves nothing"));
  EXPECT_THAT(error(registry.Promote("banking", second, kMachine, "", evaluated("pass", "another"))),
              HasSubstr("proves nothing"));
  evaluated("refused", first);
  EXPECT_THAT(error(registry.Promote("banking", second, "anna", "I insist", 0)), HasSubstr("refused"));
  const int64_t proof = evaluated("pass", first);
  const auto promoted = registry.Promote("banking", second, kMachine, "passed", proof);
  ASSERT_TRUE(promoted) << promoted.error().message;
  EXPECT_EQ(promoted->detail["evidence"], proof);
}

TEST(Registry, RunsOneCanaryAtATime) {
  World world;
  VersionRegistry& registry = *world.registry;
  const std::string first = Register(registry, "one");
  const std::string second = Register(registry, "two");
  Experiment experiment{.name = "e1", .candidate = second, .share = 0.05};
  EXPECT_FALSE(registry.StartCanary("banking", experiment, "anna", "try"));  // nothing is live
  ASSERT_TRUE(registry.Promote("banking", first, "anna", "the first one", 0));
  ASSERT_TRUE(registry.StartCanary("banking", experiment, "anna", "try"));
  const LiveState live = *registry.Live("banking");
  ASSERT_TRUE(live.canary);
  EXPECT_EQ(live.canary->champion, first);
  EXPECT_DOUBLE_EQ(live.canary->share, 0.05);
  EXPECT_FALSE(
      registry.StartCanary("banking", {.name = "e2", .candidate = second, .share = 0.1}, "anna", "try"));
  EXPECT_FALSE(registry.EndCanary("banking", "e9", "stopped", "anna", "x", Json()));
  const auto ended = registry.EndCanary("banking", "e1", "promote", kMachine, "fewer", Json::object());
  ASSERT_TRUE(ended);
  EXPECT_FALSE(registry.Live("banking")->canary);
  ASSERT_TRUE(registry.Promote("banking", second, kMachine, "fewer", ended->seq));
  // Its callers were shared out by this name.
  EXPECT_FALSE(
      registry.StartCanary("banking", {.name = "e1", .candidate = first, .share = 0.1}, "anna", "x"));
}

TEST(Registry, SaysWhereTheClockWasSet) {
  World world;
  VersionRegistry& registry = *world.registry;
  const std::string first = Register(registry, "one");
  const std::string second = Register(registry, "two");
  ASSERT_TRUE(registry.Promote("banking", first, "anna", "the first one", 0));  // 00:00
  world.clock.Pass(7200);
  ASSERT_TRUE(registry.Promote("banking", second, "anna", "better", 0));  // 02:00
  world.clock.Pass(60);
  world.clock.Set(-3600);                                              // 02:01 is 01:01
  ASSERT_TRUE(registry.RollBack("banking", "", "ben", "complaints"));  // 01:01
  world.clock.Pass(7200);
  // 01:30 was while the first was live, and again after it was rolled back to.
  const auto twice = *registry.StatesAt("banking", *ParseActTime("2026-11-30T01:30"));
  ASSERT_EQ(twice.size(), 2u);
  EXPECT_EQ(twice[0].after_seq, 3);
  EXPECT_EQ(twice[1].after_seq, 5);
  EXPECT_FALSE(twice[0].note.empty());
  // 02:00:30 was while the second was live, and later again.
  const auto set = *registry.StatesAt("banking", *ParseActTime("2026-11-30T02:00:30"));
  ASSERT_EQ(set.size(), 2u);
  EXPECT_EQ(set[0].live.version, second);
  EXPECT_THAT(set[0].note, HasSubstr("-3600 s"));
  EXPECT_EQ(set[1].live.version, first);
  // The order of acts is what it was.
  EXPECT_EQ(registry.Live("banking")->version, first);
  EXPECT_TRUE(registry.Verify()->empty());
}

TEST(Registry, NoticesWhatWasChanged) {
  World world;
  const std::string first = Register(*world.registry, "one");
  ASSERT_TRUE(world.registry->Promote("banking", first, "anna", "the first one", 0));
  Database database = *Database::Open(world.folder.path() / "r" / "acts.db", Database::Mode::kOpen);
  EXPECT_FALSE(database.Execute("UPDATE acts SET author = 'eve'"));
  EXPECT_FALSE(database.Execute("DELETE FROM acts"));
  ASSERT_TRUE(database.Execute("DROP TRIGGER acts_stay; UPDATE acts SET author = 'eve' WHERE seq = 2"));
  EXPECT_THAT(world.registry->Verify().value(), testing::Contains(HasSubstr("act 2")));
  EXPECT_FALSE(world.registry->Live("banking"));  // nobody goes by it
  EXPECT_FALSE(world.registry->Promote("banking", first, "anna", "again", 0));
  std::ofstream(world.registry->FolderOf(first) / "model.gguf") << "another";
  EXPECT_THAT(world.registry->Verify().value(), testing::Contains(HasSubstr("its hash is not")));
}

TEST(Registry, KeepsWhatIsNoText) {
  World world;
  const auto act = world.registry->Record(
      {std::string(act::kNoted), "banking", "v", "an\xffna", "be\xfeware", Json{{"file", "x\xff.jsonl"}}});
  ASSERT_TRUE(act) << act.error().message;
  EXPECT_EQ(world.registry->Acts()->back().reason, "be\xef\xbf\xbdware");
  EXPECT_TRUE(world.registry->Verify()->empty());
}

TEST(Registry, RefusesOtherDatabasesAndMissingOnes) {
  const TempFolder folder;
  EXPECT_FALSE(VersionRegistry::Open(folder.path(), VersionRegistry::Mode::kOpen));
  Database other = *Database::Open(folder.path() / "acts.db", Database::Mode::kCreate);
  ASSERT_TRUE(other.Execute("CREATE TABLE x(y)"));
  const auto opened = VersionRegistry::Open(folder.path(), VersionRegistry::Mode::kOpen);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("something else"));
}

// Killed at any moment, the log is whole, and what is live is a version whose files are there.
TEST(Registry, SurvivesKillNine) {
  const TempFolder folder;
  const std::filesystem::path path = folder.path() / "r";
  std::string first;
  {
    const auto registry = VersionRegistry::Open(path, VersionRegistry::Mode::kCreate).value();
    first = Register(*registry, "one");
    ASSERT_TRUE(registry->Promote("banking", first, "anna", "the first one", 0));
  }
  for (int round = 0; round < 12; ++round) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto registry = VersionRegistry::Open(path, VersionRegistry::Mode::kOpen);
      for (int i = 0; registry && i < 1000; ++i) {
        const std::string bytes = "round " + std::to_string(round) + " model " + std::to_string(i);
        const VersionRegistry::FileOf files[] = {{"model.gguf", "", bytes}};
        const auto act = (*registry)->Register(Facts(bytes), files, "anna", "", Json::object());
        if (act) (void)(*registry)->Promote("banking", act->version, "anna", "next", 0);
        if (i % 3 == 2) (void)(*registry)->RollBack("banking", "", "anna", "back");
      }
      _exit(0);
    }
    usleep(static_cast<useconds_t>(3000 + 7000 * round));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const auto registry = VersionRegistry::Open(path, VersionRegistry::Mode::kOpen);
    ASSERT_TRUE(registry) << registry.error().message;
    const auto wrong = (*registry)->Verify();
    ASSERT_TRUE(wrong) << wrong.error().message;
    EXPECT_THAT(*wrong, testing::IsEmpty());
    const LiveState live = *(*registry)->Live("banking");
    ASSERT_FALSE(live.version.empty());
    const auto facts = (*registry)->Find(live.version);
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_EQ(Sha256(*ReadFile((*registry)->FolderOf(live.version) / "model.gguf")),
              facts->second.model_sha256);
  }
}

TEST(Registry, ReadsTimes) {
  EXPECT_EQ(UtcStampMs(*ParseActTime("2026-11-30T07:45:01.250Z")), "2026-11-30T07:45:01.250Z");
  EXPECT_EQ(UtcStampMs(*ParseActTime("2026-11-30")), "2026-11-30T00:00:00.000Z");
  for (const char* wrong : {"", "yesterday", "2026-13-01", "2026-02-30", "2026-11-30T25:00",
                            "2026-11-30T07:45:61", "2026-11-30x", "2026-11-30T07:45+01:00"})
    EXPECT_FALSE(ParseActTime(wrong)) << wrong;
}

}  // namespace
}  // namespace sotto
