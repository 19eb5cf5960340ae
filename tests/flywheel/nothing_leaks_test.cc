// Planted personal values, spoken and typed, through the whole flywheel: none of them is in any file that it
// writes. Smaller here; SOTTO_PLANTED_TURNS=10000 sets how many turns.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/mapped_file.h"
#include "flywheel/clean.h"
#include "flywheel/import_logs.h"
#include "flywheel/label_queue.h"
#include "flywheel/log_export.h"
#include "flywheel/log_simulate.h"
#include "flywheel/report.h"
#include "log_records.h"
#include "privacy/redaction.h"
#include "temp_folder.h"

namespace sotto {
namespace {

std::string LowerOf(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

std::string LettersAndDigitsOf(std::string_view text) {
  std::string out;
  for (const char c : LowerOf(std::string(text)))
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')) out += c;
  return out;
}

// Without hashes and ids of our own, in which any run of figures may stand by chance.
std::string WithoutHashes(const std::string& text) {
  constexpr size_t kHash = 32;
  std::string out;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() &&
           ((text[end] >= '0' && text[end] <= '9') || (text[end] >= 'a' && text[end] <= 'f')))
      ++end;
    if (end - i < kHash) out += text.substr(i, std::max<size_t>(1, end - i));
    i = std::max(end, i + 1);
  }
  return out;
}

size_t PlantedTurns() {
  const char* asked = std::getenv("SOTTO_PLANTED_TURNS");
  return asked == nullptr ? 150 : static_cast<size_t>(std::atoll(asked));
}

TEST(NothingLeaks, IntoAnyFileOfTheFlywheel) {
  const TempFolder folder;
  const auto detector = *Detector::For("en");
  LogSimulation simulation;
  simulation.turns = 2 * PlantedTurns();
  simulation.planted = 1;  // before each turn
  const SimulatedLogs logs = *SimulateLogs(BankingWorkflow(), simulation);
  ASSERT_GE(logs.planted.size(), PlantedTurns() / 2);

  // In: as live records, as turn records with everything in them, as messages of somebody else's, as a table.
  std::string turns, chats, table = "session,text,reply\n";
  for (const TurnRecord& record : logs.records) turns += ToJson(record).dump() + "\n";
  std::vector<PlantedText> planted = logs.planted;
  for (size_t i = 0; i < planted.size(); ++i) {
    const PlantedText& one = planted[i];
    chats +=
        Json{{"messages",
              {{{"role", "user"}, {"content", one.text.text}},
               {{"role", "assistant"},
                {"content", nullptr},
                {"tool_calls",
                 {{{"id", "c"},
                   {"type", "function"},
                   {"function",
                    {{"name", "note"}, {"arguments", {{"value", one.bare}, {"said", one.value}}}}}}}}},
               {{"role", "tool"}, {"tool_call_id", "c"}, {"content", "{\"echo\": \"" + one.bare + "\"}"}},
               {{"role", "assistant"}, {"content", "You said " + one.value + "."}}}}}
            .dump() +
        "\n";
    table += fmt::format("{},\"{}\",\"noted {}\"\n", i / 2, one.text.text, one.value);
  }
  // The logs that come in lie elsewhere: they hold what was planted.
  const TempFolder theirs;
  ASSERT_TRUE(WriteFileAtomically(theirs / "turns.jsonl", turns));
  ASSERT_TRUE(WriteFileAtomically(theirs / "chats.jsonl", chats));
  ASSERT_TRUE(WriteFileAtomically(theirs / "table.csv", table));
  {
    const auto store = *TurnStore::Open(folder / "turns.sqlite");
    RedactingSink sink(*store, detector);
    // What cannot be redacted is not kept: seldom, and here nearly every turn says something personal.
    size_t kept = 0, refused = 0;
    for (size_t i = 0; i < std::min<size_t>(200, logs.records.size()); ++i)
      ++(sink.Write(logs.records[i]) ? kept : refused);
    EXPECT_LT(refused * 10, kept) << refused;
    LogImportOptions options;
    options.detector = detector;
    options.workflow = "banking";
    for (const char* name : {"turns.jsonl", "chats.jsonl", "table.csv"}) {
      const auto file = ImportFile(*store, theirs / name, options);
      ASSERT_TRUE(file) << file.error().message;
      EXPECT_LE(file->not_read.size() * 10, file->turns)
          << name << ": " << file->not_read.size() << " of " << file->turns;
    }
    // Out: everything that is written.
    const LogView log = *ReadLog(*store, {});
    CleanOptions clean;
    clean.evidence.label_sources.insert("csv");
    const Cleaned cleaned = CleanLog(log, *BankingWorkflow(), clean);
    ASSERT_GT(cleaned.rows.size(), 20U);
    ASSERT_TRUE(WriteCleaned(cleaned, folder / "out"));
    ASSERT_TRUE(WriteQueue(BuildQueue(log, cleaned, {}, {}), folder / "out" / "queue.jsonl"));
    PatternOptions few;
    few.most_texts = 400;
    const Patterns patterns = FindPatterns(log, *BankingWorkflow(), few);
    const SpeechProfile now = ProfileOfLog(log, "now", 0.6);
    const Watched watched = WatchLog(log, *BankingWorkflow(), {});
    ASSERT_TRUE(WriteReport(
        BuildReport({&log, BankingWorkflow().get(), &patterns, &watched, {DriftOf(now, now)}, &cleaned}),
        folder / "out"));
    for (const auto form : {ExportForm::kOpenAi, ExportForm::kConversations, ExportForm::kTurns})
      ASSERT_TRUE(
          ExportLogs(*store, {}, form, folder / "out" / fmt::format("{}.jsonl", static_cast<int>(form))));
  }
  size_t files = 0;
  std::string all_text, all_bare;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
    if (!entry.is_regular_file()) continue;
    ++files;
    const std::string text = *ReadFile(entry.path());
    all_text += LowerOf(text) + "\n";
    all_bare += LettersAndDigitsOf(WithoutHashes(text)) + "\n";
  }
  EXPECT_GE(files, 10U);
  size_t leaks = 0;
  for (const PlantedText& one : planted) {
    const bool leaked = all_text.find(LowerOf(one.value)) != std::string::npos ||
                        all_bare.find(LettersAndDigitsOf(one.bare)) != std::string::npos;
    if (leaked && ++leaks < 5)
      ADD_FAILURE() << KindName(one.text.spans.front().kind) << ": " << one.text.text;
  }
  EXPECT_EQ(leaks, 0U) << "of " << planted.size();
}

}  // namespace
}  // namespace sotto
