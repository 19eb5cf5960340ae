// sotto extract: fields of documents by a schema, each with where it stands (extract/extractor.h).
#include <atomic>
#include <optional>
#include <thread>

#include "cli/command.h"
#include "cli/commands.h"
#include "document/reader.h"
#include "extract/extractor.h"

namespace sotto {
namespace {

struct ExtractFlags {
  std::vector<std::string> files;
  std::string schema;
  std::optional<double> threshold;
  DocumentOptions documents;
  int readers = 2;
  bool text = false;
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

Result<int> Extract(ExtractFlags& flags) {
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
  command->add_option("files", flags->files, "PDF, DOCX, HTML, Markdown, text, mail, images")->required();
  command->add_option("--schema", flags->schema,
                      "What to read: docs/formats/extraction.md; without: the document's blocks");
  command
      ->add_option("--threshold", flags->threshold,
                   "Confidence below which a person looks; default: the schema's")
      ->check(CLI::Range(0.0, 1.0));
  command->add_flag("--text", flags->text, "The text instead");
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
      "  sotto extract --text letter.docx");
  command->callback([flags, &context] {
    const auto failed = Extract(*flags);
    if (!failed) return context.Fail(failed.error());
    if (*failed > 0) context.exit_code = 1;
  });
}

}  // namespace sotto
