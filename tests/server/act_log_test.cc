// The audit log: what it says, what it finds, and what a crash leaves.
#include "server/act_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>

#include "base/mapped_file.h"
#include "server/act_trail.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kKey = "0123456789abcdef0123456789abcdef";

class ActLogTest : public testing::Test {
 protected:
  std::unique_ptr<ActLog> Open(std::string key = "") {
    auto log = ActLog::Open(path_, std::move(key), clock_);
    EXPECT_TRUE(log) << log.error().message;
    return *std::move(log);
  }
  uint64_t Write(ActLog& log, const std::string& act, const std::string& outcome = "done", uint64_t of = 0) {
    ActLine line;
    line.by = "ops";
    line.via = "key";
    line.act = act;
    line.outcome = outcome;
    line.of = of;
    const auto number = log.Write(line);
    EXPECT_TRUE(number) << number.error().message;
    return number.value_or(0);
  }
  std::string Text() const { return ReadFile(path_).value(); }
  void Put(const std::string& text) const { std::ofstream(path_, std::ios::binary) << text; }
  std::string ErrorOf(const std::string& text, std::string_view key = "") const {
    const auto report = VerifyActText(text, key, "audit.jsonl");
    return report ? "" : report.error().message;
  }
  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    std::ifstream file(path_);
    for (std::string line; std::getline(file, line);) lines.push_back(line + "\n");
    return lines;
  }

  const TempFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "audit.jsonl";
  FakeClock clock_;
};

TEST_F(ActLogTest, SaysWhatWasDoneAndByWhom) {
  {
    const auto log = Open();
    EXPECT_EQ(Write(*log, "reload", "begun"), 1u);
    EXPECT_EQ(Write(*log, "reload", "done", 1), 2u);
  }
  // Another process goes on.
  const auto again = Open();
  EXPECT_EQ(Write(*again, "cache.flush", "begun"), 3u);
  const auto report = VerifyActs(path_, "").value();
  ASSERT_EQ(report.lines.size(), 3u);
  EXPECT_EQ(report.lines[0].by, "ops");
  EXPECT_EQ(report.lines[0].at, "1970-01-01T00:00:00Z");
  EXPECT_EQ(report.lines[1].of, 1u);
  EXPECT_EQ(report.lines[1].before, report.lines[0].hash);
  EXPECT_THAT(report.unfinished, ElementsAre(3u));
  EXPECT_EQ(std::filesystem::status(path_).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(ActLogTest, SeveralWritersMakeOneChain) {
  const auto server = Open();
  const auto command = Open();
  for (int i = 0; i < 3; ++i) {
    Write(*server, "reload");
    Write(*command, "key.add");
  }
  EXPECT_EQ(VerifyActs(path_, "").value().lines.size(), 6u);
}

TEST_F(ActLogTest, FindsEveryChange) {
  const auto log = Open();
  for (const char* act : {"reload", "recording.delete", "cache.flush", "reload"}) Write(*log, act);
  const std::vector<std::string> lines = Lines();
  const std::string text = Text();
  ASSERT_EQ(ErrorOf(text), "");
  // One letter anywhere.
  for (size_t at = 0; at < text.size(); at += 7) {
    std::string changed = text;
    changed[at] = changed[at] == 'x' ? 'y' : 'x';
    EXPECT_NE(ErrorOf(changed), "") << at;
  }
  EXPECT_THAT(ErrorOf(lines[0] + lines[2] + lines[3]),
              HasSubstr("audit.jsonl:2: it does not follow the line before it"));
  EXPECT_THAT(ErrorOf(lines[0] + lines[2] + lines[1] + lines[3]), HasSubstr("audit.jsonl:2:"));
  EXPECT_THAT(ErrorOf(lines[1] + lines[2]), HasSubstr("audit.jsonl:1:"));
  EXPECT_THAT(ErrorOf(lines[0] + lines[1] + lines[1]), HasSubstr("audit.jsonl:3:"));
  EXPECT_THAT(ErrorOf(lines[0] + "{}\n"), HasSubstr("audit.jsonl:2: this is no line of an audit log"));
  EXPECT_THAT(ErrorOf(text.substr(0, text.size() - 9)), HasSubstr("ends within this line"));
  // Cut off at the end is found by whoever noted the last hash.
  const std::string last = VerifyActs(path_, "").value().lines.back().hash;
  Put(lines[0] + lines[1]);
  EXPECT_TRUE(VerifyActs(path_, ""));
  EXPECT_THAT(VerifyActs(path_, "", last).error().message, HasSubstr("no line has the hash " + last));
}

TEST_F(ActLogTest, WithAKeyNobodyElseCanWriteItAnew) {
  {
    const auto log = Open(kKey);
    Write(*log, "reload");
  }
  const std::string text = Text();
  EXPECT_EQ(ErrorOf(text, kKey), "");
  EXPECT_THAT(ErrorOf(text), HasSubstr("written with a key"));
  EXPECT_THAT(ErrorOf(text, "another key of the log"), HasSubstr("under this key"));
  EXPECT_THAT(ActLog::Open(path_, "", clock_).error().message, HasSubstr("the last line"));
}

// A write that was cut off anywhere was never answered for: what is before it stays, and it is told.
TEST_F(ActLogTest, ACrashWithinALineLosesNothingElse) {
  {
    const auto log = Open();
    Write(*log, "reload");
    Write(*log, "cache.flush");
  }
  const std::vector<std::string> lines = Lines();
  for (size_t kept = 1; kept < lines[1].size(); kept += 13) {
    Put(lines[0] + lines[1].substr(0, kept));
    {
      const auto log = Open();
      Write(*log, "reload");
    }
    const auto report = VerifyActs(path_, "");
    ASSERT_TRUE(report) << report.error().message;
    ASSERT_EQ(report->lines.size(), 3u);
    EXPECT_EQ(report->lines[1].act, "audit.mended");
    EXPECT_THAT(report->lines[1].detail, HasSubstr(std::to_string(kept) + " bytes"));
  }
  Put(lines[0].substr(0, 40));
  Write(*Open(), "reload");
  EXPECT_EQ(VerifyActs(path_, "").value().lines.size(), 2u);
  // A file of something else is left alone.
  Put("shopping list\nbread\n");
  EXPECT_THAT(ActLog::Open(path_, "", clock_).error().message, HasSubstr("the last line"));
  EXPECT_EQ(Text(), "shopping list\nbread\n");
}

TEST_F(ActLogTest, IdsThatCallersChoseAreNotWritten) {
  EXPECT_EQ(AuditedId("3f2c9be0a1d24c5f9a1b2c3d4e5f6a7b"), "3f2c9be0a1d24c5f9a1b2c3d4e5f6a7b");
  EXPECT_THAT(AuditedId("alex.morgan@example.org"), Not(HasSubstr("alex")));
  EXPECT_THAT(AuditedId("4917612345678901"), testing::StartsWith("#"));
  EXPECT_EQ(AuditedId(""), "");
}

class ActTrailTest : public ActLogTest {
 protected:
  Exchange Request(std::string scope = scope::kAdmin) {
    Exchange exchange;
    exchange.client = {"ops", {std::move(scope)}, false};
    exchange.steps = {"alex.morgan@example.org"};
    exchange.respond = [this](WebResponse response) { statuses_.push_back(response.status); };
    return exchange;
  }

  std::vector<int> statuses_;
  Scheduler scheduler_{clock_};
};

TEST_F(ActTrailTest, TheActIsWrittenBeforeItIsDone) {
  const auto log = Open();
  ActTrail trail(*log, scheduler_);
  size_t lines_when_done = 0;
  const std::function<void(Exchange)> handle = [&](const Exchange& exchange) {
    lines_when_done = Lines().size();
    WebResponse response;
    response.status = 404;
    exchange.respond(std::move(response));
    EXPECT_TRUE(statuses_.empty()) << "answered before the outcome was written";
  };
  trail.Do("recording.delete", Request(), handle);
  EXPECT_EQ(lines_when_done, 1u);
  EXPECT_THAT(statuses_, ElementsAre(404));
  const auto report = VerifyActs(path_, "").value();
  ASSERT_EQ(report.lines.size(), 2u);
  EXPECT_EQ(report.lines[0].outcome, "begun");
  EXPECT_EQ(report.lines[1].outcome, "refused");
  EXPECT_EQ(report.lines[1].detail, "404");
  EXPECT_EQ(report.lines[1].of, 1u);
  EXPECT_THAT(Text(), Not(HasSubstr("alex")));
  trail.Finish();
}

TEST_F(ActTrailTest, WhatCannotBeWrittenDownIsNotDone) {
  const auto log = Open();
  Write(*log, "reload");
  Put("what another program wrote over it\n");
  ActTrail trail(*log, scheduler_);
  bool done = false;
  const std::function<void(Exchange)> handle = [&](const Exchange&) { done = true; };
  trail.Do("cache.flush", Request(), handle);
  EXPECT_FALSE(done);
  EXPECT_THAT(statuses_, ElementsAre(503));
  EXPECT_FALSE(trail.DoNow("signal", "reload", [&]() -> Result<void> {
    done = true;
    return {};
  }));
  EXPECT_FALSE(done);
  trail.Finish();
}

}  // namespace
}  // namespace sotto
