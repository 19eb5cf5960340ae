// An index of documents: cut, built, brought up to date, asked; rights, versions and what is damaged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/sqlite.h"
#include "document_samples.h"
#include "retrieve/access_rules.h"
#include "retrieve/answer.h"
#include "retrieve/index_builder.h"
#include "retrieve/live_index.h"
#include "retrieve/support.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

void Write(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

std::string TestData(const std::string& name) {
  return (std::filesystem::path(SOTTO_SOURCE_DIR) / "tests/data/retrieve" / name).string();
}

// The small bank's own documents, and an index of them.
struct Shelf {
  TempFolder folder;
  std::filesystem::path documents = folder / "documents";
  std::filesystem::path index = folder / "index";
  std::vector<std::string> told;

  Shelf() { std::filesystem::copy(TestData("branch"), documents, std::filesystem::copy_options::recursive); }
  IndexReport Build(IndexOptions options = {}) {
    told.clear();
    options.tell = [this](const std::string& line) { told.push_back(line); };
    const auto report = BuildIndex(documents, index, options);
    EXPECT_TRUE(report) << (report ? "" : report.error().message);
    return report ? *report : IndexReport();
  }
  std::shared_ptr<const Index> Open() const {
    auto opened = Index::Open(index);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    return opened ? *opened : nullptr;
  }
  DocumentAnswer Ask(const Query& query, AnswerOptions options = {}) const {
    const auto answer = AskIndex(*Open(), query, options);
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().message);
    return answer ? *answer : DocumentAnswer();
  }
};

TEST(Sentences, EndWhereTheyEnd) {
  const std::string text = "It costs $1.50. Mr. Lee pays, e.g. by card! Is it due? 1. Call us.\nNow";
  std::vector<std::string> sentences;
  for (const TextSpan& span : SplitSentences(text))
    sentences.push_back(text.substr(span.offset, span.length));
  EXPECT_THAT(sentences, ElementsAre("It costs $1.50.", "Mr. Lee pays, e.g. by card!", "Is it due?",
                                     "1. Call us.", "Now"));
}

TEST(Chunks, StayWithinTheirSizeAndKeepSentences) {
  std::string text = "# Top\n\n";
  for (int section = 0; section < 8; ++section) {
    text += fmt::format("## Section {}\n\n", section);
    for (int i = 0; i < 40; ++i)
      text += fmt::format("Sentence number {} of section {} says a thing. ", i, section);
    text += "\n\n";
  }
  const auto document = ParseDocument(text, "long.md", {});
  ASSERT_TRUE(document);
  const ChunkOptions options{128, 24};
  const std::vector<Chunk> chunks = CutDocument(*document, options);
  EXPECT_GT(chunks.size(), 20u);
  std::set<std::string> sentences;
  for (const Chunk& chunk : chunks) {
    EXPECT_LE(CountTokens(std::string_view(document->text).substr(chunk.offset, chunk.length)),
              options.max_tokens + 8);
    for (const Unit& unit : chunk.units) {
      EXPECT_GE(unit.offset, chunk.offset);
      EXPECT_LE(unit.offset + unit.length, chunk.offset + chunk.length);
      if (unit.kind == Block::Kind::kParagraph)
        sentences.insert(document->text.substr(unit.offset, unit.length));
    }
  }
  EXPECT_EQ(sentences.size(), 8u * 40u);  // each whole, none lost
  EXPECT_THAT(chunks.back().headings.back(), ElementsAre("Top", "Section 7"));
}

TEST(Chunks, OneSentenceWithoutEndIsCut) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "word ";
  const auto document = ParseDocument(text, "endless.txt", {});
  ASSERT_TRUE(document);
  for (const Chunk& chunk : CutDocument(*document))
    EXPECT_LE(CountTokens(std::string_view(document->text).substr(chunk.offset, chunk.length)), 520u);
}

TEST(Terms, AreStemsWithoutFunctionWords) {
  const auto reader = TermReader::Create("en");
  ASSERT_TRUE(reader);
  std::vector<std::string> terms;
  for (const Term& term : reader->Terms("What do the stopped payments cost? $1,250.50 and 30.00, don't"))
    terms.push_back(term.text);
  EXPECT_THAT(terms, ElementsAre("stop", "payment", "cost", "1250.5", "30"));
  EXPECT_FALSE(TermReader::Create("xx"));
}

TEST(Index, AnswersWithTheSentenceAndWhereItStands) {
  Shelf shelf;
  const IndexReport report = shelf.Build();
  EXPECT_GE(report.documents, 4u);
  EXPECT_EQ(report.failed, 0u);
  const DocumentAnswer answer = shelf.Ask({"what does a stop payment cost", {}, {}});
  ASSERT_TRUE(answer.answered) << answer.confidence;
  EXPECT_THAT(answer.text, HasSubstr("$30"));
  const Citation& citation = answer.hits[answer.best].citation;
  EXPECT_EQ(citation.document, "fees.md");
  EXPECT_THAT(citation.headings, ::testing::Contains("Stop payments"));
  // The quote stands there, byte for byte but for line ends.
  std::ifstream file(shelf.documents / "fees.md");
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  const auto document = ParseDocument(bytes, "fees.md", {});
  std::string there = document->text.substr(citation.offset, citation.length);
  std::replace(there.begin(), there.end(), '\n', ' ');
  EXPECT_EQ(there, answer.hits[answer.best].quote);
}

TEST(Index, DoesNotAnswerWhatIsElsewhere) {
  Shelf shelf;
  shelf.Build();
  for (const char* foreign :
       {"when does the next train to the airport leave", "who won the football game last night",
        "play some jazz in the kitchen", "", "the of and"}) {
    const DocumentAnswer answer = shelf.Ask({foreign, {}, {}});
    EXPECT_FALSE(answer.answered) << foreign << ": " << answer.confidence << " " << answer.text;
  }
}

TEST(Index, FollowUpsUseWhatWasAskedBefore) {
  Shelf shelf;
  shelf.Build();
  const DocumentAnswer answer =
      shelf.Ask({"and abroad?", "what does a cash withdrawal at other machines cost", {}});
  ASSERT_FALSE(answer.hits.empty());
  EXPECT_EQ(answer.hits[0].citation.document, "fees.md");
  EXPECT_THAT(answer.hits[0].quote, HasSubstr("abroad"));
}

TEST(Index, ReadsOnlyWhatChanged) {
  Shelf shelf;
  const IndexReport first = shelf.Build();
  EXPECT_TRUE(first.new_space);
  IndexReport report = shelf.Build();
  EXPECT_EQ(report.unchanged, first.documents);
  EXPECT_EQ(report.added + report.changed + report.removed, 0u);
  EXPECT_FALSE(report.new_space);
  Write(shelf.documents / "new.md", "# Parking\n\nParking behind the branch is free for one hour.\n");
  std::filesystem::remove(shelf.documents / "cards.md");
  report = shelf.Build();
  EXPECT_EQ(report.added, 1u);
  EXPECT_EQ(report.removed, 1u);
  EXPECT_EQ(report.unchanged, first.documents - 1);
  EXPECT_THAT(shelf.Ask({"is parking behind the branch free", {}, {}}).text, HasSubstr("one hour"));
  for (const Hit& hit : shelf.Ask({"how do I freeze a lost card", {}, {}}).hits)
    EXPECT_NE(hit.citation.document, "cards.md");
  // Touched, but the same bytes: not read again.
  std::filesystem::last_write_time(shelf.documents / "new.md", std::filesystem::file_time_type::clock::now());
  EXPECT_EQ(shelf.Build().changed, 0u);
  Write(shelf.documents / "new.md", "# Parking\n\nParking behind the branch costs $2 an hour.\n");
  EXPECT_EQ(shelf.Build().changed, 1u);
  EXPECT_THAT(shelf.Ask({"what does parking behind the branch cost", {}, {}}).text, HasSubstr("$2"));
}

TEST(Index, WhatCannotBeReadCostsOneLine) {
  Shelf shelf;
  Write(shelf.documents / "a" / "secret.pdf", EncryptedPdf());
  Write(shelf.documents / "a" / "broken.docx", "PK\x03\x04 no archive");
  Write(shelf.documents / "a" / "empty.txt", "");
  Write(shelf.documents / "a" / "picture.xyz", "no document");
  Write(shelf.documents / ".hidden" / "b.md", "hidden");
  const IndexReport report = shelf.Build();
  EXPECT_EQ(report.failed, 3u);
  EXPECT_THAT(shelf.told, ::testing::UnorderedElementsAre(
                              HasSubstr("secret.pdf: encrypted"), HasSubstr("broken.docx: a damaged"),
                              HasSubstr("empty.txt: empty"), HasSubstr("1 files that are no documents")));
  EXPECT_TRUE(shelf.Ask({"what does a stop payment cost", {}, {}}).answered);
}

TEST(Index, FollowsNoLinkOutOfTheFolder) {
  Shelf shelf;
  Write(shelf.folder / "elsewhere" / "secret.txt", "The vault opens at nineteen minutes past four.");
  std::filesystem::create_symlink(shelf.folder / "elsewhere" / "secret.txt", shelf.documents / "out.txt");
  Write(shelf.documents / "within.txt", "The bicycle shed is painted turquoise.");
  std::filesystem::create_symlink(shelf.documents / "within.txt", shelf.documents / "again.txt");
  shelf.Build();
  const auto documents = [&](const char* question) {
    std::vector<std::string> names;
    for (const Hit& hit : shelf.Ask({question, {}, {}}).hits) names.push_back(hit.citation.document);
    return names;
  };
  EXPECT_THAT(documents("when does the vault open"), Not(::testing::Contains("out.txt")));
  EXPECT_THAT(documents("what colour is the bicycle shed"), ::testing::Contains("again.txt"));
}

TEST(Index, ShowsNobodyWhatIsNotForThem) {
  Shelf shelf;
  Write(shelf.documents / "internal" / "limits.md",
        "# Fraud limits\n\nStaff may release a hold of up to $4,400 by themselves.\n");
  Write(shelf.folder / "access", "# who sees what\ninternal/*: staff, audit\n");
  IndexOptions options;
  options.access = shelf.folder / "access";
  shelf.Build(options);
  const auto sees = [&](std::vector<std::string> groups) {
    const DocumentAnswer answer = shelf.Ask({"how large a hold may staff release", {}, std::move(groups)});
    return std::any_of(answer.hits.begin(), answer.hits.end(),
                       [](const Hit& hit) { return hit.citation.document.starts_with("internal/"); });
  };
  EXPECT_FALSE(sees({}));
  EXPECT_FALSE(sees({"customers"}));
  EXPECT_TRUE(sees({"audit"}));
  // Rights change without the documents being read again.
  Write(shelf.folder / "access", "internal/*: *\n");
  EXPECT_EQ(shelf.Build(options).changed, 0u);
  EXPECT_TRUE(sees({}));
  EXPECT_THAT(AccessRules::Parse("no colon\n", "f").error().message, HasSubstr("f:1"));
  EXPECT_THAT(AccessRules::Parse("a:\n", "f").error().message, HasSubstr("no group"));
}

TEST(Index, OfAnotherModelIsRefusedAndBuiltAnew) {
  Shelf shelf;
  shelf.Build();
  const auto folder = shelf.index / shelf.Open()->generation();
  {
    auto database = Database::Open(folder / "index.db", Database::Mode::kOpen);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->Execute("UPDATE meta SET value = 'bert/768' WHERE key = 'space'"));
  }
  const auto refused = Index::Open(shelf.index);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(refused.error().message,
              AllOf(HasSubstr("'bert/768'"), HasSubstr("'lsa-1/256'"), HasSubstr("build it again")));
  const IndexReport report = shelf.Build();
  EXPECT_EQ(report.unchanged, 0u);
  EXPECT_THAT(shelf.told, ::testing::Contains(HasSubstr("made by other rules")));
  EXPECT_TRUE(Index::Open(shelf.index));
}

TEST(Index, WhatIsDamagedOrAbsentIsOneLine) {
  Shelf shelf;
  EXPECT_THAT(Index::Open(shelf.index).error().message, HasSubstr("no index there"));
  shelf.Build();
  const auto folder = shelf.index / shelf.Open()->generation();
  std::filesystem::resize_file(folder / "vectors.faiss", 20);
  EXPECT_THAT(Index::Open(shelf.index).error().message, HasSubstr("vectors.faiss"));
  Write(folder / "index.db", "this is no database at all, and long enough to be looked at");
  EXPECT_FALSE(Index::Open(shelf.index));
  Write(shelf.folder / "other" / "letter.txt", "hello");
  EXPECT_THAT(BuildIndex(shelf.documents, shelf.folder / "other", {}).error().message, HasSubstr("no index"));
  EXPECT_THAT(BuildIndex(shelf.folder / "nowhere", shelf.index, {}).error().message,
              HasSubstr("no such folder"));
  Write(shelf.folder / "rows.jsonl", "{\"id\": \"a\", \"text\": \"one\"}\n{\"text\": \"two\"}\n");
  EXPECT_THAT(BuildIndex(shelf.folder / "rows.jsonl", shelf.folder / "i2", {}).error().message,
              HasSubstr("rows.jsonl:2"));
}

TEST(Index, WhoAsksKeepsTheOldOneUntilTheNewOneIsThere) {
  Shelf shelf;
  shelf.Build();
  auto live = LiveIndex::Open(shelf.index);
  ASSERT_TRUE(live);
  const auto before = (*live)->Current();
  Write(shelf.documents / "new.md", "# Lockers\n\nA locker costs $45 a year.\n");
  shelf.Build();
  EXPECT_TRUE(AskIndex(*before, {"what does a stop payment cost", {}, {}},
                       {}));  // its files are gone, and it goes on
  EXPECT_NE((*live)->Current()->generation(), before->generation());
  const auto answer = AskIndex(*(*live)->Current(), {"what does a locker cost", {}, {}}, {});
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->text, HasSubstr("$45"));
}

TEST(Index, OfNothingAnswersNothing) {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "empty");
  ASSERT_TRUE(BuildIndex(folder / "empty", folder / "index", {}));
  const auto index = Index::Open(folder / "index");
  ASSERT_TRUE(index) << index.error().message;
  const auto answer = AskIndex(**index, {"anything", {}, {}}, {});
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->answered);
  EXPECT_TRUE(answer->hits.empty());
}

TEST(Support, RemovesWhatTheQuotesDoNotSay) {
  Shelf shelf;
  shelf.Build();
  const auto index = shelf.Open();
  const DocumentAnswer answer = shelf.Ask({"what does a stop payment cost", {}, {}});
  ASSERT_TRUE(answer.answered);
  const CheckedText checked = CheckSupport(*index, answer,
                                           "A stop payment costs $30 for each request [1]. It costs $25 at "
                                           "weekends. A stop payment does not cost $30. "
                                           "Ask Alice Brown about a stop payment.");
  ASSERT_EQ(checked.supported.size(), 1u) << checked.text();
  EXPECT_EQ(checked.text(), "A stop payment costs $30 for each request.");
  EXPECT_EQ(answer.hits[checked.supported[0].hit].citation.document, "fees.md");
  EXPECT_EQ(checked.removed.size(), 3u);
  EXPECT_TRUE(CheckSupport(*index, answer, "NONE").supported.empty());
  EXPECT_TRUE(CheckSupport(*index, answer, "").supported.empty());
}

TEST(Quote, IsSaidWithoutMarks) {
  EXPECT_EQ(SpokenQuote("Wire | $20 | a **day**"), "Wire, $20, a day");
  EXPECT_EQ(SpokenQuote("- open_bank account:"), "open bank account");
}

}  // namespace
}  // namespace sotto
