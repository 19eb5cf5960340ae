// The lines of invoices and receipts: what they are for, how many, at what price; their sum against the total.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "document_samples.h"
#include "extract/extractor.h"
#include "extract/straight_through.h"

namespace sotto {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

ExtractSchema LinesSchema() {
  const auto schema = ExtractSchema::Parse(Json::parse(R"({
    "title": "receipt", "threshold": 0.8, "required": ["total", "lines"],
    "properties": {
      "date": {"format": "date"},
      "subtotal": {"format": "money"},
      "tax": {"format": "money", "labels": ["vat"]},
      "total": {"format": "money"},
      "lines": {"type": "array", "sums_to": ["subtotal", "total"], "items": {"properties": {
        "description": {"labels": ["item"]},
        "quantity": {"type": "number", "labels": ["qty", "hours"]},
        "unit_price": {"format": "money", "labels": ["price", "rate"]},
        "amount": {"format": "money", "labels": ["line total"], "product_of": ["quantity", "unit_price"]}}}}}})"),
                                           "s.json");
  EXPECT_TRUE(schema) << (schema ? "" : schema.error().message);
  return schema ? *schema : ExtractSchema();
}

struct ReadLines {
  Document document;
  Extraction extraction;
  Json lines;       // the value
  double sure = 0;  // its confidence
};

ReadLines Read(const std::string& bytes, const std::string& name) {
  DocumentOptions options;
  options.words = true;
  auto document = ParseDocument(bytes, name, options);
  EXPECT_TRUE(document) << (document ? "" : document.error().message);
  ReadLines read;
  if (!document) return read;
  read.document = *std::move(document);
  read.extraction = ExtractFields(read.document, LinesSchema());
  const ExtractedField& list = read.extraction.fields.back();
  EXPECT_TRUE(list.name == "lines" || list.name == "total") << list.name;
  for (const ExtractedField& field : read.extraction.fields) {
    if (field.name != "lines") continue;
    read.lines = field.value;
    read.sure = field.confidence;
    // Every value of every line stands where it is said to stand.
    for (const auto& line : field.lines) {
      for (const ExtractedField& one : line) {
        if (one.value.is_null()) continue;
        std::string there = read.document.text.substr(one.offset, one.length);
        std::replace(there.begin(), there.end(), '\n', ' ');
        EXPECT_EQ(there, one.raw) << one.name;
      }
    }
  }
  return read;
}

TEST(Lines, OfAnInvoiceByItsHead) {
  const ReadLines read = Read(MakePdf({{{72, 60, "Example Tools Ltd", 20},
                                        {72, 100, "Qty"},
                                        {120, 100, "Item"},
                                        {350, 100, "Price"},
                                        {450, 100, "Line total"},
                                        {72, 116, "3"},
                                        {120, 116, "Hammer, with a long"},
                                        {350, 116, "$30.00"},
                                        {450, 116, "$90.00"},
                                        {120, 132, "handle of ash"},
                                        {72, 148, "1.5"},
                                        {120, 148, "Sharpening"},
                                        {350, 148, "$20.00"},
                                        {450, 148, "$30.00"},
                                        {350, 180, "Subtotal"},
                                        {450, 180, "$120.00"},
                                        {350, 196, "VAT 20%"},
                                        {450, 196, "$24.00"},
                                        {350, 212, "Total"},
                                        {450, 212, "$144.00"}}}),
                              "invoice.pdf");
  EXPECT_EQ(read.lines, Json::parse(R"([
    {"description": "Hammer, with a long handle of ash", "quantity": 3.0, "unit_price": 30.0, "amount": 90.0},
    {"description": "Sharpening", "quantity": 1.5, "unit_price": 20.0, "amount": 30.0}])"));
  EXPECT_GT(read.sure, 0.9);
  EXPECT_TRUE(read.extraction.straight_through) << ToJson(read.extraction).dump(1);
  const Json json = ToJson(read.extraction)["fields"]["lines"]["lines"][0];
  EXPECT_EQ(json["amount"]["raw"], "$90.00");
  EXPECT_NEAR(json["amount"]["box"][0].get<double>(), 450, 2);
  EXPECT_EQ(json["description"]["more"][0]["raw"], "handle of ash");
}

TEST(Lines, OfAReceiptWithoutAHead) {
  const ReadLines read = Read(
      "CORNER CAFE\n12 Example Street\n2026-02-17\n\n2 x Coffee 7.00\n7 Up 1.50\nMilk\n2 @ 1.10 2.20\nTea "
      "4.00\n2 x "
      "2.00\nTotal 14.70\nCash 20.00\n",
      "receipt.txt");
  EXPECT_EQ(read.lines, Json::parse(R"([
    {"description": "Coffee", "quantity": 2.0, "unit_price": null, "amount": 7.0},
    {"description": "7 Up", "quantity": null, "unit_price": null, "amount": 1.5},
    {"description": "Milk", "quantity": 2.0, "unit_price": 1.1, "amount": 2.2},
    {"description": "Tea", "quantity": 2.0, "unit_price": 2.0, "amount": 4.0}])"));
  EXPECT_GT(read.sure, 0.9);
}

TEST(Lines, WhoseSumDoesNotComeOutAreReviewed) {
  const ReadLines read = Read("2026-02-17\nCoffee 7.00\nTea 2.00\nTotal 14.70\n", "receipt.txt");
  EXPECT_LT(read.sure, 0.5);
  EXPECT_FALSE(read.extraction.straight_through);
  EXPECT_THAT(read.extraction.why, Contains(HasSubstr("the 2 of lines make 9.00")));
}

TEST(Lines, WhoseProductDoesNotComeOutAreReviewed) {
  const ReadLines read = Read(
      "| Item | Qty | Price | Line total |\n|---|---|---|---|\n| Coffee | 3 | 2.00 | 7.00 |\n\nTotal: 7.00\n",
      "invoice.md");
  EXPECT_FALSE(read.extraction.straight_through);
  EXPECT_THAT(read.extraction.why, Contains(HasSubstr("is not 7.00")));
}

TEST(Lines, OfADocumentWithoutAny) {
  const ReadLines read = Read("Dear Sirs, I would like to complain.\n", "letter.txt");
  EXPECT_TRUE(read.lines.is_null());
  EXPECT_THAT(read.extraction.why, Contains("lines is not there"));
}

TEST(Lines, MistakesInTheSchemaAreNamed) {
  const auto error = [](const char* text) {
    return ExtractSchema::Parse(Json::parse(text), "s.json").error().message;
  };
  EXPECT_THAT(error(R"({"properties": {"a": {"type": "array"}}})"), HasSubstr("properties.a.items"));
  EXPECT_THAT(error(R"({"properties": {"a": {"type": "array", "items": {"properties": {"b": {}}}}}})"),
              HasSubstr("format money"));
  EXPECT_THAT(error(R"({"properties": {"a": {"type": "array", "sums_to": ["c"],
                        "items": {"properties": {"b": {"format": "money"}}}}}})"),
              HasSubstr("sums_to names 'c'"));
  EXPECT_THAT(error(R"({"properties": {"a": {"type": "array",
                        "items": {"properties": {"b": {"format": "money", "product_of": ["d"]}}}}}})"),
              HasSubstr("product_of names 'd'"));
}

// Documents of ours in thirteen layouts, written before the reader of lines was first run. What goes straight through is right.
void CheckHeldOut(const std::string& kind, size_t least_straight_through) {
  const std::filesystem::path folder =
      std::filesystem::path(SOTTO_SOURCE_DIR) / "tests/data/extraction" / (kind + "s");
  const auto schema = ExtractSchema::Read(std::filesystem::path(SOTTO_SOURCE_DIR) /
                                          "docs/examples/extraction" / (kind + ".schema.json"));
  ASSERT_TRUE(schema) << schema.error().message;
  const auto truths = ReadTruths(folder / "truth.jsonl", *schema);
  ASSERT_TRUE(truths) << truths.error().message;
  StraightThroughCount count(*schema);
  DocumentOptions options;
  options.words = true;
  for (const DocumentTruth& truth : *truths) {
    const auto bytes = ReadFile(folder / truth.document);
    ASSERT_TRUE(bytes) << bytes.error().message;
    const auto document = ParseDocument(*bytes, truth.document, options);
    ASSERT_TRUE(document) << document.error().message;
    count.Add(*document, truth);
  }
  const auto& lines = count.fields().at("lines");
  fmt::print("{}s: {} of {} straight through, {} wrong; lines right in {} of {}\n", kind,
             count.own().straight_through, count.documents(), count.own().wrong, lines.right, lines.said);
  for (const std::string& mistake : count.mistakes()) fmt::print("  {}\n", mistake);
  EXPECT_GE(count.own().straight_through, least_straight_through);
  EXPECT_LE(count.own().wrong * 50, count.own().straight_through);
}

TEST(Lines, OfHeldOutReceipts) { CheckHeldOut("receipt", 60); }
TEST(Lines, OfHeldOutInvoices) { CheckHeldOut("invoice", 60); }

}  // namespace
}  // namespace sotto
