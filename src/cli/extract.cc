// sotto extract: fields of documents by a schema, each with where it stands (extract/extractor.h).
#include <atomic>
#include <optional>
#include <thread>

#include "cli/command.h"
#include "cli/commands.h"
#include "document/reader.h"
#include "extract/extractor.h"
#include "extract/straight_through.h"
#include "route/threshold.h"

namespace sotto {
namespace {

struct ExtractFlags {
  std::vector<std::string> files;
  std::string schema;
  std::optional<double> threshold;
  DocumentOptions documents;
  int readers = 2;
  bool text = false;
  std::string truth;
  std::string label;
  bool json = false;
};

// Without a schema: the document itself.
Json DocumentLine(const Document& document) {
  Json json = ToJson(document);
  json.erase("words");
  for (size_t i = 0; i < document.blocks.size(); ++i) {
    json["blocks"][i]["text"] = document.TextOf(document.blocks[i]);
    json["blocks"][i]["headings"] = document.HeadingsOf(i);
  }
  json.erase("text");
  return json;
}

// Against what the documents really say: how much goes straight through, and how much of it is wrong.
Result<int> MeasureStraightThrough(ExtractFlags& flags) {
  if (flags.schema.empty()) return MakeError(ErrorCode::kInvalidArgument, "--truth needs --schema");
  SOTTO_ASSIGN_OR_RETURN(ExtractSchema schema, ExtractSchema::Read(flags.schema));
  if (flags.threshold) schema.threshold = *flags.threshold;
  SOTTO_ASSIGN_OR_RETURN(const std::vector<DocumentTruth> truths, ReadTruths(flags.truth, schema));
  flags.documents.words = true;
  DocumentReader reader(flags.documents);
  StraightThroughCount count(std::move(schema));
  int failed = 0;
  for (const DocumentTruth& truth : truths) {
    const auto document = reader.Read(std::filesystem::path(flags.truth).parent_path() / truth.document);
    if (document) {
      count.Add(*document, truth);
    } else {
      fmt::print(stderr, "sotto: {}\n", OneLine(document.error().message));
      ++failed;
    }
  }
  if (count.documents() == 0)
    return MakeError(ErrorCode::kInvalidArgument, "{}: none of its documents could be read", flags.truth);
  const double n = static_cast<double>(count.documents());
  const auto limit = [](const StraightThroughAt& at) {
    return UpperErrorLimit(at.wrong, at.straight_through, 0.95);
  };
  if (flags.json) {
    Json curve = Json::array();
    const auto point = [&](const StraightThroughAt& at) {
      return Json{{"threshold", at.threshold},
                  {"straight_through", at.straight_through},
                  {"share", static_cast<double>(at.straight_through) / n},
                  {"wrong", at.wrong},
                  {"upper_error", limit(at)}};
    };
    for (const StraightThroughAt& at : count.curve()) curve.push_back(point(at));
    Json fields = Json::object();
    for (const auto& [name, field] : count.fields())
      fields[name] = {
          {"said", field.said}, {"right", field.right}, {"missed", field.missed}, {"made_up", field.made_up}};
    fmt::print("{}\n", Json{{"documents", count.documents()},
                            {"unreadable", failed},
                            {"own", point(count.own())},
                            {"curve", std::move(curve)},
                            {"fields", std::move(fields)},
                            {"mistakes", count.mistakes()}}
                           .dump(-1, ' ', false, Json::error_handler_t::replace));
    return failed;
  }
  const StraightThroughAt& own = count.own();
  fmt::print(
      "{} documents: {} ({:.1f} %) straight through at {:g}, {} of them wrong: error below {:.1f} % with 95 "
      "%\n",
      count.documents(), own.straight_through, 100 * static_cast<double>(own.straight_through) / n,
      own.threshold, own.wrong, 100 * limit(own));
  for (const StraightThroughAt& at : count.curve()) {
    fmt::print("  from {:<5g} {:>6} straight through {:>6} wrong  below {:.1f} %\n", at.threshold,
               at.straight_through, at.wrong, 100 * limit(at));
  }
  for (const auto& [name, field] : count.fields()) {
    fmt::print("  {:<20} {} of {} right, {} missed, {} made up\n", name, field.right, field.said,
               field.missed, field.made_up);
  }
  for (const std::string& mistake : count.mistakes()) fmt::print("  {}\n", OneLine(mistake));
  return failed;
}

Result<int> Extract(ExtractFlags& flags) {
  if (!flags.truth.empty()) return MeasureStraightThrough(flags);
  if (flags.files.empty()) return MakeError(ErrorCode::kInvalidArgument, "no documents are given");
  std::optional<ExtractSchema> schema;
  if (!flags.schema.empty()) {
    SOTTO_ASSIGN_OR_RETURN(schema, ExtractSchema::Read(flags.schema));
    if (flags.threshold) schema->threshold = *flags.threshold;
    flags.documents.words = true;
  }
  // Lines come in the order of the files.
  std::vector<std::optional<Result<Document>>> documents(flags.files.size());
  std::atomic<size_t> next{0};
  const auto work = [&] {
    DocumentReader reader(flags.documents);
    for (size_t i = next++; i < documents.size(); i = next++) documents[i] = reader.Read(flags.files[i]);
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 1; i < flags.readers; ++i) threads.emplace_back(work);
    work();
  }
  int failed = 0;
  for (const auto& document : documents) {
    if (!*document) {
      fmt::print(stderr, "sotto: {}\n", OneLine((*document).error().message));
      ++failed;
    } else if (!flags.label.empty()) {
      fmt::print("{}\n", Json{{"text", (**document).text}, {"label", flags.label}}.dump(
                             -1, ' ', false, Json::error_handler_t::replace));
    } else if (flags.text) {
      fmt::print("{}\n", (**document).text);
    } else {
      const Json json = schema ? ToJson(ExtractFields(**document, *schema)) : DocumentLine(**document);
      fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
    }
  }
  return failed;
}

}  // namespace

void RegisterExtract(CLI::App& app, CliContext& context) {
  CLI::App* command =
      app.add_subcommand("extract", "Fields of documents by a JSON schema, and where each stands");
  auto flags = std::make_shared<ExtractFlags>();
  command->add_option("files", flags->files, "PDF, DOCX, HTML, Markdown, text, mail, images");
  command->add_option("--schema", flags->schema,
                      "What to read: docs/formats/extraction.md; without: the document's blocks");
  command
      ->add_option("--threshold", flags->threshold,
                   "Confidence below which a person looks; default: the schema's")
      ->check(CLI::Range(0.0, 1.0));
  command->add_flag("--text", flags->text, "The text instead");
  command->add_option(
      "--label", flags->label,
      "The text as a row with this label: what `sotto specialist train` learns classes of documents from");
  command->add_option("--truth", flags->truth,
                      "Measure: JSON lines {\"document\", \"values\"}, documents beside that file");
  command->add_flag("--json", flags->json, "Of --truth: as one JSON object");
  command->add_option("--scan-languages", flags->documents.languages, "Of images, as tesseract names them")
      ->capture_default_str();
  command->add_flag("!--no-scans", flags->documents.scans, "Do not read the text of images");
  command->add_option("--readers", flags->readers, "Processes that read documents")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->footer(
      "One JSON object a document: values, fields with confidence and place, and whether it may go straight "
      "through or "
      "a person should look. A document that cannot be read is told in a line, the others go on; then the "
      "exit code is "
      "1.\n\nExample:\n  sotto extract --schema docs/examples/extraction/invoice.schema.json invoices/*.pdf\n"
      "  sotto extract --text letter.docx\n"
      "  sotto extract --label invoice invoices/*.pdf >> classes.jsonl\n"
      "  sotto extract --schema invoice.schema.json --truth invoices/truth.jsonl");
  command->callback([flags, &context] {
    const auto failed = Extract(*flags);
    if (!failed) return context.Fail(failed.error());
    if (*failed > 0) context.exit_code = 1;
  });
}

}  // namespace sotto
