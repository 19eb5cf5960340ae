// Fields of documents: every value stands where it is said to stand; what is doubtful goes to a person.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/mapped_file.h"
#include "document_samples.h"
#include "extract/extractor.h"
#include "extract/folder_processor.h"
#include "extract/straight_through.h"
#include "extract/values.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::filesystem::path Example(const std::string& name) {
  return std::filesystem::path(SOTTO_SOURCE_DIR) / "docs/examples/extraction" / name;
}

ExtractSchema ExampleSchema(const std::string& name) {
  auto schema = ExtractSchema::Read(Example(name));
  EXPECT_TRUE(schema) << (schema ? "" : schema.error().message);
  return schema ? *std::move(schema) : ExtractSchema();
}

Document ExampleDocument(const std::string& name) {
  DocumentReader reader({});
  auto document = reader.Read(Example(name));
  EXPECT_TRUE(document) << (document ? "" : document.error().message);
  return document ? *std::move(document) : Document();
}

std::string InvoicePdf(const std::string& total, const std::string& number = "INV-2026-017") {
  return MakePdf({{{72, 60, "Example Tools Ltd", 20},
                   {72, 110, "Invoice No:"},
                   {160, 110, number},
                   {350, 110, "Invoice Date"},
                   {350, 124, "05 March 2026"},
                   {72, 140, "Due date: 2026-04-04"},
                   {72, 200, "Description"},
                   {350, 200, "Qty"},
                   {450, 200, "Amount"},
                   {72, 216, "Hammer"},
                   {350, 216, "3"},
                   {450, 216, "$90.00"},
                   {72, 232, "Subtotal"},
                   {450, 232, "$90.00"},
                   {72, 248, "VAT 20%"},
                   {450, 248, "$18.00"},
                   {72, 264, "Total due"},
                   {450, 264, total},
                   {72, 320, "Pay to IBAN GB82 WEST 1234 5698 7654 32"}}});
}

Document Pdf(const std::string& bytes) {
  DocumentOptions options;
  options.words = true;
  auto document = ParseDocument(bytes, "invoice.pdf", options);
  EXPECT_TRUE(document) << (document ? "" : document.error().message);
  return document ? *std::move(document) : Document();
}

const ExtractedField& FieldOf(const Extraction& extraction, const std::string& name) {
  const auto found = std::find_if(extraction.fields.begin(), extraction.fields.end(),
                                  [&](const ExtractedField& field) { return field.name == name; });
  EXPECT_NE(found, extraction.fields.end()) << name;
  return *found;
}

// Whatever is said of a place is there.
void CheckGrounding(const Document& document, const Extraction& extraction) {
  for (const ExtractedField& field : extraction.fields) {
    if (field.value.is_null()) continue;
    std::string there = document.text.substr(field.offset, field.length);
    std::replace(there.begin(), there.end(), '\n', ' ');
    EXPECT_EQ(there, field.raw) << field.name;
    EXPECT_GT(field.confidence, 0);
    EXPECT_LT(field.confidence, 1);
  }
}

TEST(Extract, AnInvoiceGoesStraightThrough) {
  const Document document = Pdf(InvoicePdf("$108.00"));
  const Extraction extraction = ExtractFields(document, ExampleSchema("invoice.schema.json"));
  CheckGrounding(document, extraction);
  const Json json = ToJson(extraction);
  EXPECT_EQ(json["status"], "straight_through") << json.dump(1);
  EXPECT_EQ(json["values"]["invoice_number"], "INV-2026-017");
  EXPECT_EQ(json["values"]["date"], "2026-03-05");
  EXPECT_EQ(json["values"]["due_date"], "2026-04-04");
  EXPECT_EQ(json["values"]["subtotal"], 90.0);
  EXPECT_EQ(json["values"]["tax"], 18.0);
  EXPECT_EQ(json["values"]["total"], 108.0);
  EXPECT_EQ(json["values"]["iban"], "GB82WEST12345698765432");
  const ExtractedField& total = FieldOf(extraction, "total");
  EXPECT_EQ(total.page, 1);
  ASSERT_TRUE(total.box);
  EXPECT_NEAR(total.box->left, 450, 2);
}

TEST(Extract, ASumThatDoesNotComeOutIsReviewed) {
  const Extraction extraction =
      ExtractFields(Pdf(InvoicePdf("$118.00")), ExampleSchema("invoice.schema.json"));
  EXPECT_FALSE(extraction.straight_through);
  EXPECT_THAT(extraction.why, Contains(HasSubstr("its parts make 108.00")));
}

TEST(Extract, ExamplesOfTheManual) {
  for (const char* name : {"receipt.txt", "loan.md", "ticket.txt"}) {
    const std::string schema = std::string(name).substr(0, std::string(name).find('.')) + ".schema.json";
    const Document document = ExampleDocument(name);
    const Extraction extraction = ExtractFields(document, ExampleSchema(schema));
    CheckGrounding(document, extraction);
    EXPECT_TRUE(extraction.straight_through) << ToJson(extraction).dump(1);
  }
  const Json receipt =
      ToJson(ExtractFields(ExampleDocument("receipt.txt"), ExampleSchema("receipt.schema.json")))["values"];
  EXPECT_EQ(receipt["total"], 7.7);
  EXPECT_EQ(receipt["date"], "2026-02-17");
  EXPECT_EQ(receipt["payment"], "visa");
  const Json loan =
      ToJson(ExtractFields(ExampleDocument("loan.md"), ExampleSchema("loan.schema.json")))["values"];
  EXPECT_EQ(loan["applicant"], "Jonas Weber");
  EXPECT_EQ(loan["birth_date"], "1988-06-14");
  EXPECT_EQ(loan["amount"], 12500.0);
  EXPECT_EQ(loan["term_months"], 48);
  EXPECT_EQ(loan["phone"], "+493055501234");
  const Json ticket =
      ToJson(ExtractFields(ExampleDocument("ticket.txt"), ExampleSchema("ticket.schema.json")))["values"];
  EXPECT_EQ(ticket["ticket"], "SUP-4821");
  EXPECT_EQ(ticket["reported"], "2026-03-03");
  EXPECT_EQ(ticket["customer"], "Ellen Park");
}

TEST(Extract, ASchemaThatNothingFitsIsReviewed) {
  const Extraction extraction =
      ExtractFields(ExampleDocument("ticket.txt"), ExampleSchema("invoice.schema.json"));
  EXPECT_FALSE(extraction.straight_through);
  for (const char* name : {"total", "iban", "subtotal"})
    EXPECT_TRUE(FieldOf(extraction, name).value.is_null()) << name;
  const auto nothing =
      ExtractSchema::Parse(Json::parse(R"({"properties": {"vin": {"pattern": "[A-Z]{17}"}}})"), "s");
  ASSERT_TRUE(nothing);
  EXPECT_THAT(ExtractFields(ExampleDocument("ticket.txt"), *nothing).why,
              ElementsAre(HasSubstr("nothing of the schema")));
}

TEST(Extract, TwoValuesForOneLabelAreNotSure) {
  DocumentOptions options;
  const auto document =
      ParseDocument("Total: $10.00\n\nTotal: $12.00\n\nDate: 2026-01-02\n", "two.txt", options);
  ASSERT_TRUE(document);
  const Extraction extraction = ExtractFields(*document, ExampleSchema("receipt.schema.json"));
  EXPECT_LT(FieldOf(extraction, "total").confidence, 0.8);
  EXPECT_FALSE(extraction.straight_through);
}

Json ValueOf(ExtractField::Type type, std::string_view line) {
  ExtractField field;
  field.type = type;
  Json values = Json::array();
  for (const FoundValue& value : FindValues(field, line)) values.push_back(value.value);
  return values;
}

TEST(Values, AsTheyAreWritten) {
  using Type = ExtractField::Type;
  EXPECT_EQ(ValueOf(Type::kMoney, "1,234.56 and EUR 1.234,56 and 12.50 $ but 20%"),
            Json::parse("[1234.56, 1234.56, 12.5]"));
  EXPECT_EQ(ValueOf(Type::kMoney, "-5.00"), Json::parse("[-5.0]"));
  EXPECT_EQ(ValueOf(Type::kNumber, "192.168.1.1 or 3/4 or A12"), Json::array());
  EXPECT_EQ(ValueOf(Type::kInteger, "48 months, 2.5 percent"), Json::parse("[48]"));
  EXPECT_EQ(ValueOf(Type::kDate, "2026-03-05, 5 March 2026, March 5th, 2026, 05.03.2026, 31/12/25"),
            Json::parse(R"(["2026-03-05", "2026-03-05", "2026-03-05", "2026-03-05", "2025-12-31"])"));
  EXPECT_EQ(ValueOf(Type::kDate, "31.02.2026 and 99/99/2026 and call 555 12 34"), Json::array());
  EXPECT_EQ(ValueOf(Type::kIban, "DE89 3704 0044 0532 0130 00 and XX12"),
            Json::parse(R"(["DE89370400440532013000"])"));
  EXPECT_EQ(ValueOf(Type::kEmail, "write to <a.b@example.com>, not to @me or a@b"),
            Json::parse(R"(["a.b@example.com"])"));
  EXPECT_EQ(ValueOf(Type::kPhone, "+49 (30) 5550-1234 or 12"), Json::parse(R"(["+493055501234"])"));
}

TEST(Schema, MistakesAreNamed) {
  const auto error = [](const char* text) {
    return ExtractSchema::Parse(Json::parse(text), "s.json").error().message;
  };
  EXPECT_THAT(error("[]"), HasSubstr("s.json"));
  EXPECT_THAT(error("{}"), HasSubstr("properties"));
  EXPECT_THAT(error(R"({"properties": {"a": {"type": "array"}}})"), HasSubstr("properties.a.items"));
  EXPECT_THAT(error(R"({"properties": {"a": {"type": "object"}}})"),
              HasSubstr("properties.a.type: 'object'"));
  EXPECT_THAT(error(R"({"properties": {"a": {"format": "colour"}}})"), HasSubstr("'colour'"));
  EXPECT_THAT(error(R"({"properties": {"a": {"pattern": "("}}})"), HasSubstr("properties.a.pattern"));
  EXPECT_THAT(error(R"({"properties": {"a": {}}, "required": ["b"]})"), HasSubstr("'b'"));
  EXPECT_THAT(error(R"({"properties": {"a": {"sum_of": ["c"]}}})"), HasSubstr("'c'"));
}

void Write(const std::filesystem::path& path, const std::string& bytes) { std::ofstream(path) << bytes; }

TEST(FolderProcessor, StoresBeforeItMovesAndDoesNothingTwice) {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "in");
  Write(folder / "in/a.pdf", InvoicePdf("$108.00"));
  Write(folder / "in/b.pdf", InvoicePdf("$999.00"));
  Write(folder / "in/c.pdf", EncryptedPdf());
  Write(folder / "in/note.xyz", "no document");
  std::vector<std::string> told;
  ProcessOptions options;
  options.move = folder / "read";
  options.tell = [&](const std::string& line) { told.push_back(line); };
  auto processor =
      FolderProcessor::Open(folder / "in", folder / "out", ExampleSchema("invoice.schema.json"), options);
  ASSERT_TRUE(processor) << processor.error().message;
  auto report = processor->RunOnce();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->straight_through, 1u);
  EXPECT_EQ(report->review, 1u);
  EXPECT_EQ(report->failed, 1u);
  EXPECT_THAT(told, ElementsAre(HasSubstr("encrypted")));
  EXPECT_TRUE(std::filesystem::exists(folder / "read/a.pdf"));
  EXPECT_TRUE(std::filesystem::exists(folder / "in/note.xyz"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "out/review"), {}), 1);
  // The same bytes under another name, and a result that was lost after it was noted.
  Write(folder / "in/again.pdf", InvoicePdf("$108.00"));
  report = processor->RunOnce();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->known, 1u);
  EXPECT_EQ(report->straight_through, 0u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "out/straight_through"), {}), 1);
  ProcessReport none;
  const auto gone = processor->Process(folder / "in/gone.pdf", none);
  ASSERT_TRUE(gone);
  EXPECT_FALSE(*gone);
}

TEST(FolderProcessor, GoesByTheClassOfADocument) {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "in");
  Write(folder / "in/a.pdf", InvoicePdf("$108.00"));
  Write(folder / "in/b.md", "Dear Sirs, I would like to complain.");
  Write(folder / "in/c.md", "A menu: soup, fish, ice.");
  ProcessOptions options;
  options.classify = [](const std::string& text) {
    if (text.find("108") != std::string::npos) return DocumentClass{"invoice", 0.9};
    if (text.find("complain") != std::string::npos) return DocumentClass{"complaint", 0.8};
    return DocumentClass{"", 0.2};
  };
  options.schemas.emplace("invoice", ExampleSchema("invoice.schema.json"));
  auto processor = FolderProcessor::Open(folder / "in", folder / "out", {}, options);
  ASSERT_TRUE(processor) << processor.error().message;
  const auto report = processor->RunOnce();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->straight_through, 1u);
  EXPECT_EQ(report->review, 2u);
  std::string reviews;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "out/review"))
    reviews += *ReadFile(entry.path());
  EXPECT_THAT(reviews, HasSubstr("class 'complaint' has no schema"));
  EXPECT_THAT(reviews, HasSubstr("no class that is sure enough"));
  for (const auto& entry : std::filesystem::directory_iterator(folder / "out/straight_through"))
    EXPECT_EQ(Json::parse(*ReadFile(entry.path()))["class"]["label"], "invoice");
}

TEST(StraightThrough, CountsWhatIsWrong) {
  const TempFolder folder;
  Write(folder / "a.pdf", InvoicePdf("$108.00"));
  Write(folder / "truth.jsonl",
        "{\"document\": \"a.pdf\", \"values\": {\"total\": 108}}\n\n{\"document\": \"b.pdf\", \"values\": "
        "{\"total\": 180}}\n");
  const ExtractSchema schema = ExampleSchema("invoice.schema.json");
  const auto truths = ReadTruths(folder / "truth.jsonl", schema);
  ASSERT_TRUE(truths) << truths.error().message;
  ASSERT_EQ(truths->size(), 2u);
  EXPECT_EQ((*truths)[1].line, 3);
  const Document document = Pdf(InvoicePdf("$108.00"));
  DocumentTruth right{"a.pdf", ToJson(ExtractFields(document, schema))["values"], 1};
  DocumentTruth wrong = right;
  wrong.values["total"] = 180;
  StraightThroughCount count(schema);
  count.Add(document, right);
  count.Add(document, wrong);
  EXPECT_EQ(count.documents(), 2u);
  EXPECT_EQ(count.own().straight_through, 2u);
  EXPECT_EQ(count.own().wrong, 1u);
  ASSERT_EQ(count.mistakes().size(), 1u);
  EXPECT_THAT(count.mistakes()[0], HasSubstr("a.pdf: total is 180, not 108"));
  EXPECT_EQ(count.fields().at("total").right, 1u);
  EXPECT_EQ(count.fields().at("total").said, 2u);
  // A higher threshold lets less through.
  size_t before = 2;
  for (const StraightThroughAt& at : count.curve()) {
    EXPECT_LE(at.straight_through, before);
    before = at.straight_through;
  }
  Write(folder / "bad.jsonl", "{\"document\": \"a.pdf\", \"values\": {\"totl\": 1}}\n");
  const auto bad = ReadTruths(folder / "bad.jsonl", schema);
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().message, HasSubstr("bad.jsonl:1: the schema has no field 'totl'"));
}

}  // namespace
}  // namespace sotto
