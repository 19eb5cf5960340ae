// The flywheel as people run it: logs in, the circle killed at any moment and finished, labels by who may, a turn
// explained.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mapped_file.h"
#include "cli/program.h"
#include "core/json.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

const std::string kBanking = std::string(SOTTO_SOURCE_DIR) + "/workflows/banking";

Json JsonOf(const std::filesystem::path& path) { return Json::parse(*ReadFile(path)); }

class FlywheelCli : public ::testing::Test {
 protected:
  void Simulate(const std::string& out, int turns) {
    const Outcome made = RunProgram(folder_.path(), {"logs", "simulate", "--workflow", kBanking, "--turns",
                                                     std::to_string(turns), "--out", out});
    ASSERT_EQ(made.exit_code, 0) << made.error;
  }
  TempFolder folder_;
};

TEST_F(FlywheelCli, LogsGoInOutAndAreListed) {
  Simulate("turns.jsonl", 60);
  const std::vector<std::string> import{"logs", "import", "--store", "t.sqlite", "turns.jsonl", "--json"};
  Outcome out = RunProgram(folder_.path(), import);
  ASSERT_EQ(out.exit_code, 0) << out.error;
  const Json first = Json::parse(out.out);
  EXPECT_EQ(first["added"], first["turns"]);
  EXPECT_EQ(Json::parse(RunProgram(folder_.path(), import).out)["added"], 0);
  EXPECT_THAT(RunProgram(folder_.path(), {"logs", "list", "--store", "t.sqlite", "--turns"}).out,
              HasSubstr("sessions"));
  for (const char* form : {"openai", "conversations", "turns"}) {
    out = RunProgram(folder_.path(),
                     {"logs", "export", "--store", "t.sqlite", "--form", form, "--out", "out.jsonl"});
    EXPECT_EQ(out.exit_code, 0) << out.error;
  }
  ASSERT_TRUE(WriteFileAtomically(folder_ / "torn.jsonl", "{\"session\": \"a\", \"turn\": 1}\n{\"sess"));
  out = RunProgram(folder_.path(),
                   {"logs", "import", "--store", "t.sqlite", "torn.jsonl", "--listed", "listed.txt"});
  EXPECT_EQ(out.exit_code, 1);
  EXPECT_THAT(out.error, HasSubstr("torn.jsonl:2: not valid JSON"));
  EXPECT_THAT(*ReadFile(folder_ / "listed.txt"), HasSubstr("torn.jsonl:2"));
  out = RunProgram(folder_.path(),
                   {"logs", "purge", "--store", "t.sqlite", "--keep", "words=0", "--reason", "test"});
  EXPECT_EQ(out.exit_code, 0) << out.error;
  EXPECT_EQ(
      RunProgram(folder_.path(), {"logs", "purge", "--store", "t.sqlite", "--keep", "words", "--reason", "x"})
          .exit_code,
      2);
  EXPECT_EQ(RunProgram(folder_.path(), {"logs", "list", "--store", "none.sqlite"}).exit_code, 1);
}

// The circle with everything that it starts.
bool RunAndKill(const std::filesystem::path& folder, const std::vector<std::string>& arguments,
                useconds_t after) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setpgid(0, 0);
    const Outcome out = RunProgram(folder, arguments);
    ::_exit(out.exit_code == 0 ? 0 : 1);
  }
  ::setpgid(child, child);
  bool ended = false;
  int status = 0;
  for (useconds_t waited = 0; waited < after && !ended; waited += 10000) {
    ::usleep(10000);
    ended = ::waitpid(child, &status, WNOHANG) == child;
  }
  if (!ended) {
    ::kill(-child, SIGKILL);
    ::waitpid(child, &status, 0);
  }
  return ended && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_F(FlywheelCli, TheCircleIsFinishedHoweverOftenItIsKilled) {
  Simulate("turns.jsonl", 250);
  const std::vector<std::string> run{"flywheel", "run", "--workflow", kBanking,      "--store", "t.sqlite",
                                     "--out",    "c",   "--import",   "turns.jsonl", "--nice",  "1"};
  ASSERT_EQ(RunProgram(folder_.path(), {"flywheel", "run", "--workflow", kBanking, "--store", "x.sqlite",
                                        "--out", "c", "--plan"})
                .exit_code,
            0);
  bool finished = false;
  int kills = 0;
  double after = 50'000;  // microseconds; longer and longer, so that even a slow machine gets through
  for (int round = 0; round < 60 && !finished; ++round, after *= 1.4) {
    finished = RunAndKill(folder_.path(), run, static_cast<useconds_t>(std::min(after, 1e9)));
    kills += finished ? 0 : 1;
  }
  ASSERT_TRUE(finished);
  EXPECT_GT(kills, 0);
  EXPECT_TRUE(JsonOf(folder_ / "c" / "state.json")["finished"].get<bool>());
  // As if nothing had happened.
  const std::vector<std::string> calm{"flywheel", "run",         "--workflow", kBanking,
                                      "--store",  "calm.sqlite", "--out",      "d",
                                      "--import", "turns.jsonl", "--nice",     "1"};
  const Outcome out = RunProgram(folder_.path(), calm);
  ASSERT_EQ(out.exit_code, 0) << out.error;
  EXPECT_EQ(*ReadFile(folder_ / "c" / "labelled.jsonl"), *ReadFile(folder_ / "d" / "labelled.jsonl"));
  EXPECT_EQ(JsonOf(folder_ / "c" / "summary.json"), JsonOf(folder_ / "d" / "summary.json"));
  EXPECT_EQ(*ReadFile(folder_ / "c" / "queue.jsonl"), *ReadFile(folder_ / "d" / "queue.jsonl"));
  EXPECT_GT(JsonOf(folder_ / "c" / "summary.json")["rows"].get<int>(), 20);
  EXPECT_THAT(*ReadFile(folder_ / "c" / "report.html"), HasSubstr("<svg"));
}

// What cannot be read is listed; a step that fails is not gone over.
TEST_F(FlywheelCli, TheCircleEndsWhereAStepFails) {
  Simulate("turns.jsonl", 60);
  std::vector<std::string> run{"flywheel", "run", "--workflow", kBanking,  "--store", "t.sqlite",
                               "--out",    "c",   "--import",   "n.jsonl", "--nice",  "1"};
  Outcome out = RunProgram(folder_.path(), run);
  EXPECT_EQ(out.exit_code, 1);
  EXPECT_THAT(out.error, HasSubstr("step 'import' failed"));
  EXPECT_EQ(JsonOf(folder_ / "c" / "state.json")["next"], 0);
  ASSERT_TRUE(WriteFileAtomically(folder_ / "n.jsonl", *ReadFile(folder_ / "turns.jsonl") + "{\"sess"));
  // Of a round that was killed.
  ASSERT_TRUE(WriteFileAtomically(folder_ / "c" / "labelled.jsonl.999999999.0.tmp", "{\"mess"));
  out = RunProgram(folder_.path(), run);
  EXPECT_EQ(out.exit_code, 0) << out.error;
  EXPECT_THAT(*ReadFile(folder_ / "c" / "not_read.txt"), HasSubstr("n.jsonl:"));
  EXPECT_TRUE(JsonOf(folder_ / "c" / "state.json")["finished"].get<bool>());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "c" / "labelled.jsonl.999999999.0.tmp"));
  const Json proposal = JsonOf(folder_ / "c" / "report.json")["proposal"];
  EXPECT_TRUE(proposal["train"].is_string() && !proposal["because"].empty()) << proposal.dump();
  out = RunProgram(folder_.path(), {"flywheel", "propose", "--workflow", kBanking, "--store", "t.sqlite",
                                    "--no-encoder", "--json"});
  EXPECT_EQ(out.exit_code, 0) << out.error;
  EXPECT_EQ(Json::parse(out.out)["train"], proposal["train"]);
}

TEST_F(FlywheelCli, LabelsAreTakenFromWhoMay) {
  Simulate("t.sqlite", 120);
  const auto label = [&](std::vector<std::string> more, const std::string& typed = "") {
    std::vector<std::string> arguments{"label", "--workflow", kBanking, "--store", "t.sqlite"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunProgram(folder_.path(), arguments, typed);
  };
  EXPECT_THAT(label({"--as", "ana"}).error, HasSubstr("names who may label"));
  ASSERT_TRUE(WriteFileAtomically(folder_ / "labellers", "ana\nben\n"));
  Outcome out = label({"--as", "eve"});
  EXPECT_EQ(out.exit_code, 2);
  EXPECT_THAT(out.error, HasSubstr("'eve' may not label"));
  out = label({"--as", "ana"}, "x\n1\nn\nu\n?\nhello()\ntransfer_money(amount=20)\nq\n");
  EXPECT_EQ(out.exit_code, 0) << out.error;
  EXPECT_THAT(out.out, HasSubstr("labels taken back"));
  EXPECT_THAT(out.out, HasSubstr("turns labelled"));
  out = label({"--export", "queue.jsonl"});
  ASSERT_EQ(out.exit_code, 0) << out.error;
  std::string rows;
  const std::string queue = *ReadFile(folder_ / "queue.jsonl");
  Json row = Json::parse(queue.substr(0, queue.find('\n')));
  row["label"] = {{"name", "check_balance"}, {"arguments", Json::object()}};
  row["reason"] = "clear";
  for (const char* author : {"ben", "eve"}) {
    row["author"] = author;
    rows += row.dump() + "\n";
  }
  ASSERT_TRUE(WriteFileAtomically(folder_ / "filled.jsonl", rows));
  out = label({"--import", "filled.jsonl"});
  EXPECT_EQ(out.exit_code, 1);
  EXPECT_THAT(out.error, HasSubstr("'eve' may not label"));
  EXPECT_THAT(label({"--agreement"}).out, HasSubstr("Krippendorff's alpha"));
  out = label({"--sample", "5", "--json"});
  EXPECT_EQ(std::count(out.out.begin(), out.out.end(), '\n'), 5);
}

// A stereo WAV of 16 kHz, as recordings are: the caller left.
std::string StereoWav(size_t frames) {
  std::string wav = "RIFF";
  const auto put = [&wav](uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) wav += static_cast<char>(value >> (8 * i) & 0xff);
  };
  put(36 + 4 * frames, 4);
  wav += "WAVEfmt ";
  // Of the form: its size, PCM, two channels, rate, bytes a second, bytes a frame, bits.
  constexpr std::pair<uint64_t, int> kForm[] = {{16, 4},    {1, 2}, {2, 2}, {16000, 4},
                                                {64000, 4}, {4, 2}, {16, 2}};
  for (const auto& [value, bytes] : kForm) put(value, bytes);
  wav += "data";
  put(4 * frames, 4);
  for (size_t i = 0; i < frames; ++i) {
    put(1000, 2);
    put(3000, 2);
  }
  return wav;
}

TEST_F(FlywheelCli, WhoLabelsHearsTheTurn) {
  Simulate("turns.jsonl", 40);
  const std::string records = *ReadFile(folder_ / "turns.jsonl");
  Json record;
  for (size_t at = 0; at < records.size() && (record.is_null() || record["heard"]["text"] == "");
       at = records.find('\n', at) + 1)
    record = Json::parse(records.substr(at, records.find('\n', at) - at));
  record["session"] = "call-1";
  record["at"] = "2026-11-05T10:00:03Z";
  record["outcome"] = "not_understood";
  record["understood"] = nullptr;
  record["times_ms"]["speech_start"] = 2000;
  record["times_ms"]["speech_end"] = 3500;
  ASSERT_TRUE(WriteFileAtomically(folder_ / "call.jsonl", record.dump() + "\n"));
  ASSERT_EQ(RunProgram(folder_.path(), {"logs", "import", "--store", "t.sqlite", "call.jsonl"}).exit_code, 0);
  const std::filesystem::path kept = folder_ / "recordings";
  std::filesystem::create_directories(kept);
  ASSERT_TRUE(WriteFileAtomically(kept / "one.wav", StereoWav(6 * 16000)));
  const Json facts{{"session", "call-1"},   {"workflow", "banking"},
                   {"channel", "voice"},    {"keep_days", 100000},
                   {"began_s", 1793872800}, {"ready", true},
                   {"complete", true},      {"frames", 6 * 16000},
                   {"lost_frames", 0},      {"silenced_ms", Json::array({Json::array({3000, 3100})})}};
  ASSERT_TRUE(WriteFileAtomically(kept / "one.json", facts.dump()));
  ASSERT_TRUE(WriteFileAtomically(folder_ / "labellers", "ana\n"));
  const std::vector<std::string> label{"label", "--workflow", kBanking, "--store",      "t.sqlite",  "--as",
                                       "ana",   "--most",     "1",      "--recordings", "recordings"};
  // In the place of the machine's loudspeaker: a program that keeps what it is given.
  std::filesystem::create_directories(folder_ / "bin");
  ASSERT_TRUE(WriteFileAtomically(folder_ / "bin" / "aplay", "#!/bin/sh\ncp \"$2\" \"$HOME/heard.wav\"\n"));
  std::filesystem::permissions(folder_ / "bin" / "aplay", std::filesystem::perms::owner_all);
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", ((folder_ / "bin").string() + ":" + path).c_str(), 1);
  Outcome out = RunProgram(folder_.path(), label, "h\nq\n");
  EXPECT_EQ(out.exit_code, 0) << out.error;
  EXPECT_THAT(out.out, HasSubstr("h  hear it (2.0 s, a secret in it is silenced)"));
  const std::string heard = *ReadFile(folder_ / "heard.wav");
  EXPECT_EQ(heard.size(), 44u + 4 * 2 * 16000);
  EXPECT_EQ(heard.substr(44, 4), std::string("\xe8\x03\xe8\x03"));  // 1000 in both ears
  // Without one it is said where it is.
  ::setenv("PATH", (folder_ / "nothing").c_str(), 1);
  out = RunProgram(folder_.path(), label, "h\nq\n");
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(out.exit_code, 0) << out.error;
  EXPECT_THAT(out.out, HasSubstr("aplay cannot be run"));
  EXPECT_THAT(out.out, HasSubstr("one.wav, left channel, from 1.7 s to 3.7 s"));
  out = RunProgram(folder_.path(), {"label", "--workflow", kBanking, "--store", "t.sqlite", "--as", "ana"},
                   "h\nq\n");
  EXPECT_THAT(out.out, HasSubstr("it was not recorded"));
  out = RunProgram(folder_.path(), {"label", "--workflow", kBanking, "--store", "t.sqlite", "--as", "ana",
                                    "--recordings", "nowhere"});
  EXPECT_NE(out.exit_code, 0);
  EXPECT_THAT(out.error, HasSubstr("nowhere"));
}

TEST_F(FlywheelCli, ExplainsATurnAndWatches) {
  Simulate("t.sqlite", 150);
  const std::string list = RunProgram(folder_.path(), {"logs", "list", "--store", "t.sqlite", "--json"}).out;
  const std::string session = Json::parse(list.substr(0, list.find('\n')))["session"].get<std::string>();
  Outcome out =
      RunProgram(folder_.path(), {"explain", session, "1", "--log", "t.sqlite", "--workflow", kBanking});
  EXPECT_EQ(out.exit_code, 0) << out.error;
  for (const char* part : {"Live", "Heard", "Understood", "Said"}) EXPECT_THAT(out.out, HasSubstr(part));
  EXPECT_TRUE(
      Json::accept(RunProgram(folder_.path(), {"explain", session, "1", "--log", "t.sqlite", "--json"}).out));
  EXPECT_THAT(RunProgram(folder_.path(), {"explain", session, "99", "--log", "t.sqlite"}).error,
              HasSubstr("no turn 99"));
  EXPECT_THAT(RunProgram(folder_.path(), {"explain", "none", "1", "--log", "t.sqlite"}).error,
              HasSubstr("no session none"));
  out = RunProgram(folder_.path(), {"flywheel", "watch", "--workflow", kBanking, "--store", "t.sqlite",
                                    "--completion", "1", "--training", kBanking + "/seed.jsonl", "--json"});
  EXPECT_EQ(out.exit_code, 1) << out.error;
  EXPECT_GT(Json::parse(out.out)["alerts"].size(), 0U);
  EXPECT_THAT(out.error, HasSubstr("completion"));
}

// What is written into a store by a conversation itself.
TEST_F(FlywheelCli, ChatWritesIntoAStore) {
  const Outcome out =
      RunProgram(folder_.path(), {"chat", "--workflow", kBanking, "--no-model", "--turns", "t.sqlite"},
                 "check_balance(account=savings)\n");
  ASSERT_EQ(out.exit_code, 0) << out.error;
  EXPECT_THAT(RunProgram(folder_.path(), {"logs", "list", "--store", "t.sqlite"}).out, HasSubstr("live"));
}

}  // namespace
}  // namespace sotto
