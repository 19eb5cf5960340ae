#include "specialist/formats.h"

#include <gtest/gtest.h>

#include "specialist/annotator.h"
#include "specialist/telephone_number.h"

namespace sotto {
namespace {

std::unique_ptr<Annotator> Formats() {
  auto annotator = OpenSpecialist(SOTTO_SOURCE_DIR "/specialists/formats", {});
  EXPECT_TRUE(annotator.has_value()) << annotator.error().message;
  return *std::move(annotator);
}

// "format value" or "format! why" of everything found, by " | ".
std::string Found(const Annotator& annotator, std::string_view text) {
  std::string out;
  const Date today = *ParseDate("2026-03-18");
  const Json said = annotator.AnnotateInContext({.text = text, .today = today});
  for (const Json& one : said["found"]) {
    const bool valid = one["valid"].get<bool>();
    out +=
        fmt::format("{}{}{} {}", out.empty() ? "" : " | ", one["format"].get<std::string>(), valid ? "" : "!",
                    valid ? one["value"].get<std::string>() : one["why"].get<std::string>());
    // The place is the text's.
    const auto begin = one["begin"].get<size_t>();
    const auto end = one["end"].get<size_t>();
    EXPECT_EQ(text.substr(begin, end - begin), one["text"].get<std::string>()) << text;
  }
  return out;
}

TEST(Formats, ChecksByTheBook) {
  EXPECT_TRUE(CheckIban("GB82WEST12345698765432").valid);
  EXPECT_EQ(CheckIban("GB82WEST12345698765432").value, "GB82 WEST 1234 5698 7654 32");
  EXPECT_EQ(CheckIban("GB82WEST12345698765433").why, "its check digits are wrong");
  EXPECT_EQ(CheckIban("DE8937040044053201300").why, "has 21 characters, those of DE have 22");
  EXPECT_EQ(CheckIban("ZZ82123412341234").why, "no country 'ZZ' has IBANs");
  EXPECT_EQ(CheckCard("4111111111111111").detail, "visa");
  EXPECT_EQ(CheckCard("378282246310005").value, "3782 822463 10005");
  EXPECT_EQ(CheckCard("5555555555554445").why, "its check digit is wrong");
  EXPECT_EQ(CheckCard("37828224631000").why, "has 14 digits, those of amex have 15");
  EXPECT_EQ(CheckCard("9999999999999995").why, "no scheme's numbers begin like this");
  EXPECT_EQ(CheckSortCode("123456").value, "12-34-56");
  EXPECT_EQ(CheckSortCode("12345").why, "has 5 digits, a sort code has 6");
  EXPECT_TRUE(CheckRoutingNumber("021000021").valid);
  EXPECT_EQ(CheckRoutingNumber("021000022").why, "its check digit is wrong");
  EXPECT_EQ(CheckRoutingNumber("991000021").why, "no Federal Reserve district begins with 99");
}

TEST(Formats, ChecksPostcodesOfTheirRegions) {
  for (const auto& [code, region] :
       std::initializer_list<std::pair<const char*, const char*>>{{"SW1A1AA", "GB"},
                                                                  {"M11AE", "GB"},
                                                                  {"EC1A1BB", "GB"},
                                                                  {"GIR0AA", "GB"},
                                                                  {"02134", "US"},
                                                                  {"021341234", "US"},
                                                                  {"10115", "DE"},
                                                                  {"75001", "FR"},
                                                                  {"1011AB", "NL"},
                                                                  {"K1A0B1", "CA"}})
    EXPECT_TRUE(CheckPostcode(code, region).valid)
        << code << " " << region << ": " << CheckPostcode(code, region).why;
  for (const auto& [code, region] :
       std::initializer_list<std::pair<const char*, const char*>>{{"SW1A1CA", "GB"},
                                                                  {"QW11AA", "GB"},
                                                                  {"1234", "US"},
                                                                  {"00000", "US"},
                                                                  {"00999", "DE"},
                                                                  {"96123", "FR"},
                                                                  {"0011AB", "NL"},
                                                                  {"1011SS", "NL"},
                                                                  {"D1A0B1", "CA"},
                                                                  {"99000", "ES"}})
    EXPECT_FALSE(CheckPostcode(code, region).valid) << code << " " << region;
}

TEST(Formats, ChecksEmails) {
  for (const char* mail : {"jane.doe@example.com", "a+b@sub.example.co.uk", "x_1@exa-mple.museum"})
    EXPECT_TRUE(CheckEmail(mail).valid) << mail << ": " << CheckEmail(mail).why;
  for (const char* mail :
       {"jane@", "@example.com", "jane@example", "jane..doe@example.com", "jane@exam ple.com",
        "jane@-example.com", "jane@example.c", "jane@example.123", "a@b@example.com"})
    EXPECT_FALSE(CheckEmail(mail).valid) << mail;
}

TEST(RuleSpecialist, FindsWhatIsWrittenAndSpoken) {
  const auto annotator = Formats();
  const std::pair<const char*, const char*> kCases[] = {
      {"my iban is GB82 WEST 1234 5698 7654 32", "iban GB82 WEST 1234 5698 7654 32"},
      {"DE89370400440532013000 please", "iban DE89 3704 0044 0532 0130 00"},
      {"iban DE89 3704 0044 0532 0130 01", "iban! its check digits are wrong"},
      {"the card is 4111 1111 1111 1111", "card 4111 1111 1111 1111"},
      {"four one one one, one one one one, one one one one, one one one one", "card 4111 1111 1111 1111"},
      {"my card number is 4111 1111 1111 1112", "card! its check digit is wrong"},
      {"sort code twelve thirty four fifty six", "sort_code 12-34-56"},
      {"my sort code is 12-34-56 and the account is 12345678", "sort_code 12-34-56"},
      {"sort code 12 34 5", "sort_code! has 5 digits, a sort code has 6"},
      {"routing number oh two one zero zero zero zero two one", "routing_number 021000021"},
      {"the aba number is 021000022", "routing_number! its check digit is wrong"},
      {"jane dot doe at example dot com", "email jane.doe@example.com"},
      {"write to Jane.Doe@Example.com.", "email jane.doe@example.com"},
      {"write to jane@example", "email! what stands behind the @ is no domain"},
      {"the postcode is SW1A 1AA", "postcode SW1A 1AA"},
      {"postcode s w one a one a a", "postcode SW1A 1AA"},
      {"zip code 02134", "postcode 02134"},
      {"I was born on the fourteenth of march 1985", "birth_date 1985-03-14"},
      {"date of birth March 3 2030", "birth_date! lies ahead"},
      {"my date of birth is 31/02/1990", "birth_date! is no day of the calendar"},
      {"born on 12 March 1850", "birth_date! is more than 130 years ago"},
  };
  for (const auto& [text, wanted] : kCases) EXPECT_EQ(Found(*annotator, text), wanted) << text;
}

TEST(RuleSpecialist, ChecksTelephonesByTheirCountry) {
  if (!HasTelephoneNumbers()) GTEST_SKIP() << "no libphonenumber";
  const auto annotator = Formats();
  const std::pair<const char*, const char*> kCases[] = {
      {"call me on +44 20 7946 0958", "phone +442079460958"},
      {"my number is double oh four four two oh seven nine four six oh nine five eight",
       "phone +442079460958"},
      {"my phone number is 212 555 0123", "phone +12125550123"},
      {"my mobile is 07911 123456", "phone +447911123456"},
      {"my phone number is 555 01", "phone! is too short"},
  };
  for (const auto& [text, wanted] : kCases) EXPECT_EQ(Found(*annotator, text), wanted) << text;
}

TEST(RuleSpecialist, LeavesOtherNumbersAlone) {
  const auto annotator = Formats();
  for (const char* text :
       {"pay two hundred and fifty dollars", "I have two cards", "$1,250.00 to the landlord",
        "in three weeks", "order 12", "my pin is 4321", "", "\xff\xfe", "room 512"})
    EXPECT_EQ(Found(*annotator, text), "") << text;
}

}  // namespace
}  // namespace sotto
