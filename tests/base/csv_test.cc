#include "base/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sotto {
namespace {

using testing::ElementsAre;

std::vector<CsvRow> RowsOf(std::string_view text, char separator = ',') {
  std::vector<CsvRow> all;
  CsvRows rows(text, separator);
  for (CsvRow row; rows.Next(row);) all.push_back(row);
  return all;
}

TEST(Csv, RowsOfFields) {
  const auto rows = RowsOf("a,b\r\nc,\n\n,d");
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_THAT(rows[0].fields, ElementsAre("a", "b"));
  EXPECT_THAT(rows[1].fields, ElementsAre("c", ""));
  EXPECT_THAT(rows[2].fields, ElementsAre(""));
  EXPECT_THAT(rows[3].fields, ElementsAre("", "d"));
  EXPECT_EQ(rows[3].line, 4u);
}

TEST(Csv, AnEndOfALineAtTheEndIsNoRow) {
  EXPECT_EQ(RowsOf("a\n").size(), 1u);
  EXPECT_TRUE(RowsOf("").empty());
}

TEST(Csv, AFieldAfterTheLastSeparatorIsEmpty) {
  EXPECT_THAT(RowsOf("a,").at(0).fields, ElementsAre("a", ""));
}

TEST(Csv, QuotesHoldSeparatorsLinesAndQuotes) {
  const auto rows = RowsOf("\"a,b\",\"c\nd\",\"e \"\"f\"\"\"\nnext\n");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_THAT(rows[0].fields, ElementsAre("a,b", "c\nd", "e \"f\""));
  EXPECT_EQ(rows[0].line, 1u);
  EXPECT_THAT(rows[1].fields, ElementsAre("next"));
  EXPECT_EQ(rows[1].line, 3u);
}

TEST(Csv, AQuoteInsideAFieldIsAQuote) {
  EXPECT_THAT(RowsOf("5\" pipe,\"a\"b\"c").at(0).fields, ElementsAre("5\" pipe", "ab\"c"));
}

TEST(Csv, AQuoteThatIsNotClosedIsTold) {
  const auto rows = RowsOf("a,\"b\nc,d\n");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_FALSE(rows[0].closed);
  EXPECT_TRUE(RowsOf("a,\"b\"\n").at(0).closed);
}

TEST(Csv, ARowIsReadAfreshAfterOneThatWasNotClosed) {
  CsvRow row;
  EXPECT_TRUE(CsvRows("\"a", ',').Next(row));
  EXPECT_FALSE(row.closed);
  EXPECT_TRUE(CsvRows("b", ',').Next(row));
  EXPECT_TRUE(row.closed);
  EXPECT_THAT(row.fields, ElementsAre("b"));
}

TEST(Csv, OtherSeparators) {
  EXPECT_THAT(RowsOf("a,b;c\td", ';').at(0).fields, ElementsAre("a,b", "c\td"));
  EXPECT_THAT(RowsOf("a,b;c\td", '\t').at(0).fields, ElementsAre("a,b;c", "d"));
}

}  // namespace
}  // namespace sotto
