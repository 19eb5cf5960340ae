#include "speech/token_lm.h"

#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <numeric>
#include <sstream>

#include "speech/workflow_lm.h"
#include "speech/written_text.h"

namespace sotto {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;

std::shared_ptr<const TokenLm> Count(const std::vector<std::pair<std::vector<TokenId>, float>>& sentences,
                                     size_t n_vocab = 20) {
  TokenLmBuilder builder(n_vocab, 1, 2);
  for (const auto& [tokens, weight] : sentences) builder.Add(tokens, weight);
  return builder.Build();
}

TokenLm::Context After(const TokenLm& lm, const std::vector<TokenId>& tokens) {
  TokenLm::Context context = lm.Begin();
  for (const TokenId token : tokens) context = lm.Next(context, token);
  return context;
}

TEST(TokenLm, ProbabilitiesSumToOneAfterEveryHistory) {
  const auto lm = Count({{{5, 6, 7, 8, 9}, 2}, {{5, 6, 7}, 1}, {{5, 9, 8}, 0.3f}, {{6, 7, 8, 4}, 1}});
  const std::vector<std::vector<TokenId>> histories = {{},        {5},  {5, 6},  {5, 6, 7},
                                                       {6, 7, 8}, {19}, {19, 7}, {9, 9, 9}};
  for (const auto& history : histories) {
    const TokenLm::Context context = After(*lm, history);
    double sum = 0;
    for (TokenId token = 0; token < 20; ++token) sum += lm->Probability(context, token);
    EXPECT_NEAR(sum, 1, 1e-5);
    EXPECT_EQ(lm->Probability(context, 1), 0) << "nothing begins twice";
  }
}

TEST(TokenLm, CountsAreWittenBell) {
  // After BOS: 5 twice of 3, 6 once; two types. Without history: 9 tokens of 4 types ({5, 6, 7, end}).
  const auto lm = Count({{{5, 7}, 2}, {{6, 7}, 1}});
  const double floor5 = (2.0 + 4.0 / 19) / (9 + 4);
  EXPECT_NEAR(lm->Probability(lm->Begin(), 5), (2 + 2 * floor5) / (3 + 2), 1e-6);
  EXPECT_GT(lm->Probability(After(*lm, {5}), 7), lm->Probability(After(*lm, {5}), 6));
  // A history that was never seen is as none.
  EXPECT_NEAR(lm->Probability(After(*lm, {11}), 5), floor5, 1e-6);
  // The last token alone counts where the ones before it were never seen with it.
  EXPECT_NEAR(lm->Probability(After(*lm, {11, 7}), 2), lm->Probability(After(*lm, {7}), 2), 1e-6);
}

TEST(TokenLm, EmptyAndOutOfRangeSentencesAreLeftOut) {
  TokenLmBuilder builder(20, 1, 2);
  builder.Add({}, 1);
  builder.Add(std::vector<TokenId>{-3, 20, 0}, 1);
  builder.Add(std::vector<TokenId>{5}, 0);
  builder.Add(std::vector<TokenId>{5}, NAN);
  EXPECT_TRUE(builder.empty());
  const auto lm = builder.Build();
  EXPECT_NEAR(lm->Probability(lm->Begin(), 5), 1.0 / 19, 1e-6);
}

TEST(TokenLmMix, ScoresManyTokensAsOneByOne) {
  const auto a = Count({{{5, 6, 7, 8, 9}, 2}, {{5, 6, 7}, 1}});
  const auto b = Count({{{5, 6, 10, 11}, 1}});
  TokenLmMix mix(20, 0.05f);
  mix.Add(a, 3);
  mix.Add(nullptr, 5);
  mix.Add(b, 1);
  EXPECT_EQ(mix.n_parts(), 2u);
  std::vector<TokenId> tokens(18);
  std::iota(tokens.begin(), tokens.end(), 2);
  TokenLmScorer scorer;
  for (const std::vector<TokenId>& history :
       std::vector<std::vector<TokenId>>{{}, {5}, {5, 6}, {5, 6, 10}, {17, 3}, {5, 6, 7, 8}}) {
    TokenLmMix::State state = mix.Begin();
    for (const TokenId token : history) state = mix.Next(state, token);
    std::vector<float> scores(tokens.size());
    scorer.Score(mix, state, tokens, scores);
    for (size_t i = 0; i < tokens.size(); ++i) {
      EXPECT_NEAR(static_cast<double>(scores[i]), mix.LogProbability(state, tokens[i]), 1e-4);
    }
  }
}

TEST(TokenLmMix, WithoutPartsAllTokensAreAlike) {
  const TokenLmMix mix(20, 0.05f);
  EXPECT_NEAR(mix.LogProbability(mix.Begin(), 7), -std::log(20.0), 1e-6);
}

std::vector<std::string> Texts(std::string_view said, const SpellingMap& spelling = {}) {
  std::vector<std::string> texts;
  float sum = 0;
  for (const Writing& way : WaysToWrite(said, spelling)) {
    texts.push_back(way.text);
    sum += way.weight;
  }
  if (!texts.empty()) {
    EXPECT_NEAR(sum, 1, 1e-5);
  }
  return texts;
}

// Said, and one of the ways in which it is written.
TEST(WrittenText, SentencesAreWrittenAsTheModelDoes) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"can i get a twenty ounce latte", "Can I get a 20 ounce latte?"},
      {"can i get a twenty ounce latte", "Can I get a twenty ounce latte?"},
      {"i'd like a large coffee", "I'd like a large coffee."},
      {"pay netflix fifteen dollars and ninety nine cents", "Pay Netflix $15.99."},
      {"transfer two hundred fifty dollars to savings", "Transfer $250 to savings."},
      {"one thousand two hundred dollars", "$1,200."},
      {"move a hundred and five", "Move 105."},
      {"it ends in four five three two", "It ends in 4532."},
      {"it ends in four five three two", "It ends in 4, 5, 3, 2."},
      {"it ends in four five three two", "It ends in four five three two."},
      {"forty five thirty two", "4532."},
      {"double oh seven one", "0071."},
      {"on monday the twenty first", "On Monday the 21st."},
      {"the third of may", "The 3rd of may."},
      {"seven hundred and sixty one bucks", "761 bucks."},
      {"yes", "Yes."},
      {"two shots", "Two shots."},
      {"one moment", "One moment."},
  };
  const SpellingMap spelling = {{"netflix", "Netflix"}};
  for (const auto& [said, written] : rows) EXPECT_THAT(Texts(said, spelling), Contains(written)) << said;
  EXPECT_THAT(Texts(""), IsEmpty());
}

TEST(WrittenText, WhatIsWrittenWasSaid) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"Can I get a 20 ounce latte?", "can i get a twenty ounce latte"},
      {"I'd like to pay $15.99.", "i'd like to pay fifteen dollars and ninety nine cents"},
      {"Pay $15.00 now", "pay fifteen dollars now"},
      {"Pay $1 to AT&T.", "pay one dollar to at and t"},
      {"$1,250", "one thousand two hundred fifty dollars"},
      {"1,250 please", "one thousand two hundred fifty please"},
      {"It's 4532.", "it's four five three two"},
      {"4, 5, 3, 2.", "four five three two"},
      {"45-32", "forty five thirty two"},
      {"007", "zero zero seven"},
      {"the 3rd of May, or the 21st", "the third of may or the twenty first"},
      {"the 20th, the 112th", "the twentieth the one hundred twelfth"},
      {"at 3:30", "at three thirty"},
      {"at 10:05", "at ten oh five"},
      {"10:00", "ten o'clock"},
      {"10% off", "ten percent off"},
      {"$2 million", "two million dollars"},
      {"2.5", "two point five"},
      {"200 dollars", "two hundred dollars"},
      {"$200 dollars", "two hundred dollars"},
      {"What\xE2\x80\x99s my balance?", "what's my balance"},
      {"1200", "one thousand two hundred"},
      {"12345678901234567890",
       "one two three four five six seven eight nine zero one two three four five six seven "
       "eight nine zero"},
      {"1,2,3", "one two three"},
      {"999,999,999,999,999",
       "nine hundred ninety nine million nine hundred ninety nine thousand nine hundred ninety "
       "nine nine hundred ninety nine thousand nine hundred ninety nine"},
      {"...", ""},
      {"\xff\xfe 7", "seven"},
      {"", ""},
  };
  for (const auto& [written, said] : rows) EXPECT_EQ(SaidWords(written), said) << written;
}

TEST(WrittenText, WordsKnowWhereTheyStand) {
  const std::string text = "Pay $20, please.";
  for (const SaidWord& word : SplitSaidWords(text)) {
    if (word.text == "please") {
      EXPECT_EQ(text.substr(word.begin, word.end - word.begin), "please");
    }
    if (word.text == "twenty") {
      EXPECT_EQ(text.substr(word.begin, word.end - word.begin), "$20");
    }
  }
}

// One token a word.
class WordTokens {
 public:
  WorkflowLm::Vocabulary vocabulary() {
    return {[this](std::string_view text) { return std::vector<TokenId>{Id(text)}; }, 500, 1, 2};
  }
  TokenId Id(std::string_view word) {
    return ids_.try_emplace(std::string(word), static_cast<TokenId>(ids_.size() + 3)).first->second;
  }
  double Score(const TokenLmMix& mix, const std::string& sentence) {
    TokenLmMix::State state = mix.Begin();
    double sum = 0;
    std::istringstream words(sentence);
    for (std::string word; words >> word;) {
      sum += mix.LogProbability(state, Id(word));
      state = mix.Next(state, Id(word));
    }
    return sum + mix.LogProbability(state, 2);
  }

 private:
  std::map<std::string, TokenId> ids_;
};

TEST(WorkflowLm, WhatIsExpectedIsMoreProbable) {
  DomainText text;
  text.open = {"move money to savings", "what's my balance", "cancel my card", "yes"};
  text.yes_no = {"yes", "no", "yes", "no thanks"};
  text.digits = {"four five three two", "one two three four"};
  WordTokens tokens;
  const auto lm = WorkflowLm::Build(text, tokens.vocabulary());
  const TokenLmMix open = lm->For(ListeningMode::kOpen);
  const TokenLmMix yes_no = lm->For(ListeningMode::kYesNo);
  EXPECT_GT(tokens.Score(yes_no, "No."), tokens.Score(open, "No.") + 1);
  EXPECT_GT(tokens.Score(open, "Cancel my card."), tokens.Score(yes_no, "Cancel my card."));
  EXPECT_GT(tokens.Score(yes_no, "Cancel my card."), tokens.Score(yes_no, "Cancel my purple.") + 1)
      << "a change of mind is still heard";
  // A kind without sentences of its own is open speech.
  EXPECT_NEAR(tokens.Score(lm->For(ListeningMode::kChoice), "Yes."), tokens.Score(open, "Yes."), 1e-9);
}

TEST(WorkflowLm, PhrasesOfOneCallerAreExpectedInHisCallOnly) {
  DomainText text;
  text.open = {"pay the rent", "pay my bill"};
  WordTokens tokens;
  const auto lm = WorkflowLm::Build(text, tokens.vocabulary());
  const std::vector<std::string> names = {"Kowalski Plumbing"};
  const TokenLmMix with = lm->For(ListeningMode::kOpen, lm->Phrases(names, tokens.vocabulary()));
  const TokenLmMix without = lm->For(ListeningMode::kOpen);
  EXPECT_GT(tokens.Score(with, "Pay Kowalski Plumbing."),
            tokens.Score(without, "Pay Kowalski Plumbing.") + 3);
  EXPECT_EQ(lm->Phrases({}, tokens.vocabulary()), nullptr);
}

}  // namespace
}  // namespace sotto
