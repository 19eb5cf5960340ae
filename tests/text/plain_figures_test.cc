#include "text/plain_figures.h"

#include <gtest/gtest.h>

namespace sotto {
namespace {

TEST(PlainFigures, RareFormsBecomeFigures) {
  EXPECT_EQ(WithPlainFigures("move half a grand to savings"), "move 500 to savings");
  EXPECT_EQ(WithPlainFigures("A fiver!"), "5 dollars");
  EXPECT_EQ(WithPlainFigures("a couple of twenties please"), "40 dollars please");
  EXPECT_EQ(WithPlainFigures("two and a half K from checking"), "2500 from checking");
  EXPECT_EQ(WithPlainFigures("a hundo"), "100");
  EXPECT_EQ(WithPlainFigures("minus fifty"), "minus 50");
  EXPECT_EQ(WithPlainFigures("sixty quid from savings"), "60 dollars from savings");
  EXPECT_EQ(WithPlainFigures("move sevnty one dollers"), "move 71 dollars");
  EXPECT_EQ(WithPlainFigures("four hundred and you know twenty five"), "425");
  EXPECT_EQ(WithPlainFigures("twentyone dollars"), "21 dollars");
}

TEST(PlainFigures, PlainOnesAndOtherWordsStay) {
  for (const char* text :
       {"move two hundred dollars to savings", "fifteen ninety nine", "four five three two", "eighty cents",
        "half of it", "one of my cards", "fifty or sixty", "not ninety nineteen", "pay at and t 1250.50", ""})
    EXPECT_EQ(WithPlainFigures(text), text);
}

}  // namespace
}  // namespace sotto
