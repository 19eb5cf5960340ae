#include "text/normalise.h"

#include <gtest/gtest.h>

#include <utility>

#include "base/random.h"

namespace sotto {
namespace {

TEST(Normalise, SpokenForm) {
  const std::pair<const char*, const char*> cases[] = {
      {"", ""},
      {"   \t\n ", ""},
      {"Hello, World!", "hello world"},
      {"What's my balance?", "whats my balance"},
      {"What\u2019s up", "whats up"},
      {"Pay AT&T $1,250.50 -- it's due!", "pay at and t 1250.50 its due"},
      {"twenty-five", "twenty five"},
      {"4-5-3-2", "4 5 3 2"},
      {"1,234,567", "1234567"},
      {"1,23", "1.23"},
      {"1234,567", "1234 567"},
      {"10,20,30", "10 20 30"},
      {".50", "0.50"},
      {"$.99 please.", "0.99 please"},
      {"It is 5.", "it is 5"},
      {"5.5.", "5.5"},
      {"10.30.2020", "10 30 2020"},
      {"1.2.3.4", "1 2 3 4"},
      {"$5k", "5k"},
      {"3:30 p.m.", "3 30 p m"},
      {"5%", "5 percent"},
      {"checking/savings", "checking savings"},
      {"CAF\u00c9 Stra\u00dfe", "caf\u00e9 stra\u00dfe"},
      {"\u041f\u0440\u0438\u0432\u0435\u0442", "\u043f\u0440\u0438\u0432\u0435\u0442"},
      {"\u4f60\u597d\uff0c\u4e16\u754c", "\u4f60\u597d \u4e16\u754c"},
      {"hi\U0001F600there", "hi there"},
      {"thumbs \U0001F44D\U0001F3FD up", "thumbs up"},
      {"a\x01\x02\x7f"
       "b",
       "ab"},
      {"zero\u200bwidth", "zerowidth"},
      {"bad\xff\xfe bytes\xc3", "bad bytes"},
      {"\xed\xa0\x80surrogate", "surrogate"},
      {"<|call|>{\"name\": \"x\"}", "call name x"},
      {"\uff11\uff12\uff13", "123"},
      {"\u0663\u0664", "34"},
      {"\u00a350 or \u20ac20", "pounds 50 or euros 20"},
      {"no\u00a0break", "no break"},
      {"Move 80from savings, $7.50to Bob", "move 80 from savings 7.50 to bob"},
      {"3,5k or 2,25K", "3.5k or 2.25k"},
  };
  for (const auto& [text, spoken] : cases) EXPECT_EQ(NormaliseSpoken(text), spoken) << text;
}

TEST(Normalise, WordsPointBackToTheOriginal) {
  const std::string text = "Pay AT&T \"1,250.50\" to O'Brien!";
  const auto words = NormaliseSpokenWords(text);
  ASSERT_EQ(words.size(), 7u);
  const auto original = [&](size_t i, size_t j) {
    return text.substr(words[i].begin, words[j].end - words[i].begin);
  };
  EXPECT_EQ(words[2].text, "and");
  EXPECT_EQ(original(1, 3), "AT&T");
  EXPECT_EQ(original(4, 4), "1,250.50");
  EXPECT_EQ(original(6, 6), "O'Brien");
}

TEST(Normalise, IsBounded) {
  const std::string long_word(10000, 'x');
  EXPECT_LE(NormaliseSpoken(long_word).size(), kMaxWordBytes);
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "ab ";
  const std::string spoken = NormaliseSpoken(many);
  EXPECT_LE(spoken.size(), kMaxSpokenBytes);
  EXPECT_GT(spoken.size(), kMaxSpokenBytes - 4);
  EXPECT_EQ(spoken.substr(spoken.size() - 2), "ab");
}

TEST(Normalise, IsIdempotentAndOrderedOnAnyBytes) {
  Random random(7);
  const std::string_view pieces[] = {"a", "B", "1", "23",     "456",      ".",          ",",
                                     "'", "&", "%", " ",      "\xc3\x89", "\xff",       "\U0001F600",
                                     "$", "0", "-", "\u2019", "\u0130",   "9999999999", "\u0386"};
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (size_t i = random.Below(40); i > 0; --i) text += random.Pick(pieces);
    const auto words = NormaliseSpokenWords(text);
    size_t end = 0;
    for (const NormalisedWord& word : words) {
      ASSERT_GE(word.begin, end) << text;
      ASSERT_GT(word.end, word.begin) << text;
      ASSERT_LE(word.end, text.size());
      end = word.end;
    }
    const std::string once = NormaliseSpoken(text);
    ASSERT_EQ(NormaliseSpoken(once), once) << text;
  }
}

TEST(Normalise, SplitWords) {
  EXPECT_EQ(SplitWords("  a bc  d "), (std::vector<std::string_view>{"a", "bc", "d"}));
  EXPECT_TRUE(SplitWords("   ").empty());
}

}  // namespace
}  // namespace sotto
