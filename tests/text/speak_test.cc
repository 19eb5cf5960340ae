#include "text/speak.h"

#include <gtest/gtest.h>

#include "text/calendar_speech.h"
#include "text/language.h"
#include "text/normalise.h"
#include "text/template.h"

namespace sotto {
namespace {

TEST(Speak, Numbers) {
  EXPECT_EQ(SpeakNumber(0), "zero");
  EXPECT_EQ(SpeakNumber(250), "two hundred fifty");
  EXPECT_EQ(SpeakNumber(-3.5), "minus three point five");
  EXPECT_EQ(SpeakNumber(1000001), "one million one");
  EXPECT_EQ(SpeakNumber(15.09), "fifteen point zero nine");
  EXPECT_EQ(SpeakOrdinal(3), "third");
  EXPECT_EQ(SpeakOrdinal(21), "twenty first");
  EXPECT_EQ(SpeakOrdinal(30), "thirtieth");
  EXPECT_EQ(SpeakOrdinal(100), "one hundredth");
  EXPECT_EQ(SpeakOrdinal(112), "one hundred twelfth");
}

TEST(Speak, Money) {
  EXPECT_EQ(SpeakMoney(250.05), "two hundred fifty dollars and five cents");
  EXPECT_EQ(SpeakMoney(1), "one dollar");
  EXPECT_EQ(SpeakMoney(0.01), "one cent");
  EXPECT_EQ(SpeakMoney(0), "zero dollars");
  EXPECT_EQ(SpeakMoney(-12.5), "minus twelve dollars and fifty cents");
  EXPECT_EQ(SpeakMoney(3.999), "four dollars");
  EXPECT_EQ(SpeakMoney(2.01, "GBP"), "two pounds and one penny");
  EXPECT_EQ(SpeakMoney(5, "XYZ"), "five XYZ");
  EXPECT_EQ(ShowMoney(1250.5), "$1,250.50");
  EXPECT_EQ(ShowMoney(-0.001), "$0.00");
  EXPECT_EQ(ShowMoney(1234567), "$1,234,567.00");
}

TEST(Speak, DigitsDatesPercent) {
  EXPECT_EQ(SpeakDigits("4532"), "four five three two");
  EXPECT_EQ(SpeakDigits("A-07"), "A zero seven");
  EXPECT_EQ(SpeakDate("2026-03-03"), "March third, twenty twenty six");
  EXPECT_EQ(SpeakDate("1905-12-31"), "December thirty first, nineteen oh five");
  EXPECT_EQ(SpeakDate("2007-01-20"), "January twentieth, two thousand seven");
  EXPECT_EQ(SpeakDate("1900-01-02"), "January second, nineteen hundred");
  EXPECT_EQ(SpeakDate("soon"), "soon");
  EXPECT_EQ(SpeakDate("2026-02-30"), "2026-02-30");
  EXPECT_EQ(ShowDate("2026-03-03"), "March 3, 2026");
  EXPECT_EQ(SpeakPercent(12.5), "twelve point five percent");
  EXPECT_EQ(ShowPercent(12.5), "12.5%");
}

TEST(Speak, FreeText) {
  EXPECT_EQ(
      SpeakText("You owe $1,250.50, i.e. 5% of 25,010."),
      "You owe one thousand two hundred fifty dollars and fifty cents, that is five percent of twenty five "
      "thousand ten.");
  EXPECT_EQ(SpeakText("AT&T"), "AT&T");
  EXPECT_EQ(SpeakText("the 3rd of 2026-03-03"), "the third of March third, twenty twenty six");
  EXPECT_EQ(SpeakText("Call 0453 now"), "Call zero four five three now");
  EXPECT_EQ(SpeakText("plain words only"), "plain words only");
  EXPECT_EQ(SpeakText("$ and 5."), "$ and five.");
}

TEST(Language, DetectsLongerTexts) {
  EXPECT_EQ(DetectLanguage("I would like to transfer some money from my checking account to savings").code,
            "en");
  EXPECT_EQ(DetectLanguage("Ich möchte bitte Geld von meinem Konto auf das Sparkonto überweisen").code, "de");
  EXPECT_EQ(DetectLanguage("").code, "un");
  EXPECT_EQ(DetectLanguage("\xff\xfe\xff").code, "un");
}

ReplyTemplate Parsed(const char* text) {
  auto parsed = ReplyTemplate::Parse(text, "test");
  EXPECT_TRUE(parsed) << parsed.error().message;
  return *parsed;
}

std::string Spoken(const Reply& reply) {
  std::string all;
  for (const Reply::Part& part : reply.parts) all += part.spoken;
  return all;
}

TEST(Template, RendersForEyeAndEar) {
  const ReplyTemplate text = Parsed("Transfer {amount:money} from {from_account} to card {card:digits}?");
  const auto reply =
      text.Render(Json{{"amount", 250.05}, {"from_account", "money_market"}, {"card", "0453"}});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->text, "Transfer $250.05 from money market to card 0453?");
  EXPECT_EQ(
      Spoken(*reply),
      "Transfer two hundred fifty dollars and five cents from money market to card zero four five three?");
  ASSERT_EQ(reply->parts.size(), 7u);
  EXPECT_TRUE(reply->parts[0].fixed);
  EXPECT_FALSE(reply->parts[1].fixed);
  EXPECT_EQ(text.FixedParts(), (std::vector<std::string>{"Transfer ", " from ", " to card ", "?"}));
  EXPECT_EQ(text.fields().size(), 3u);
}

TEST(Template, OptionalPartsListsCountsAndEscapes) {
  const ReplyTemplate text = Parsed(
      "You have {n:count(card,cards)}[ ending in {cards:list(digits)}][ since {result.since:date}] {{ok}} "
      "[[x]].");
  const auto all =
      text.Render(Json{{"n", 2}, {"cards", {"1234", "5678"}}, {"result", {{"since", "2026-03-03"}}}});
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->text, "You have 2 cards ending in 1234 and 5678 since March 3, 2026 {ok} [x].");
  const auto few = text.Render(Json{{"n", 1}});
  ASSERT_TRUE(few);
  EXPECT_EQ(few->text, "You have 1 card {ok} [x].");
  const ReplyTemplate list = Parsed("{items:list}");
  EXPECT_EQ(list.Render(Json{{"items", {"a", "b", "c"}}})->text, "a, b, and c");
  EXPECT_EQ(list.Render(Json{{"items", Json::array()}})->text, "none");
}

TEST(Template, SpokenFormIsTheCallers) {
  RenderOptions options;
  options.spoken_form = [](std::string_view field, std::string_view value) {
    return std::string(field) + "=" + std::string(value);
  };
  EXPECT_EQ(Parsed("{period}").Render(Json{{"period", "last_month"}}, options)->text, "period=last_month");
}

TEST(Template, ErrorsNameTheirPlace) {
  const auto error = [](const char* text) { return ReplyTemplate::Parse(text, "w.yaml:3").error().message; };
  EXPECT_EQ(
      error("pay {amount:mony}"),
      "w.yaml:3: column 5: no field type 'mony'; types are text, money, number, count, digits, date, time, "
      "duration, date_range, percent, list");
  EXPECT_EQ(error("pay {amount"), "w.yaml:3: column 5: '{' is never closed");
  EXPECT_EQ(error("a } b"), "w.yaml:3: column 3: '}' without '{'; write '}}' for the character itself");
  EXPECT_EQ(error("{a b}"), "w.yaml:3: column 1: '{a b}' is not a field; write {slot} or {slot:type}");
  EXPECT_NE(error("[x]").find("without a field"), std::string::npos);
  EXPECT_NE(error("[{x}").find("never closed"), std::string::npos);
  EXPECT_NE(error("{x:money(a,b)}").find("takes no"), std::string::npos);
  const auto missing = Parsed("{a} {b}").Render(Json{{"a", 1}});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(Parsed("{a:money}").Render(Json{{"a", "many"}}));
}

TEST(Template, Variants) {
  const auto variants = ReplyVariants::Parse(Json{"one {a}", "two {a}"}, "test");
  ASSERT_TRUE(variants);
  EXPECT_EQ(variants->Pick(0).Render(Json{{"a", "x"}})->text, "one x");
  EXPECT_EQ(variants->Pick(3).Render(Json{{"a", "x"}})->text, "two x");
  EXPECT_TRUE(ReplyVariants::Parse(Json("only"), "test"));
  EXPECT_FALSE(ReplyVariants::Parse(Json::array(), "test"));
  EXPECT_FALSE(ReplyVariants::Parse(Json(3), "test"));
}

}  // namespace
}  // namespace sotto
