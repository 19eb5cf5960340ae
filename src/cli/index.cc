// sotto index: documents as an index that `sotto ask`, workflows and the server ask (retrieve/).
#include "retrieve/index.h"

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "core/json.h"
#include "retrieve/index_builder.h"

namespace sotto {
namespace {

struct IndexFlags {
  std::string from;
  std::string out;
  std::string access;
  IndexOptions options;
  bool json = false;
};

Result<void> Build(IndexFlags& flags) {
  std::optional<ProgressBar> progress;
  std::string shown;
  flags.options.access = flags.access;
  flags.options.tell = [&](const std::string& line) {
    if (progress) progress->Finish();
    fmt::print(stderr, "sotto: {}\n", OneLine(line));
  };
  flags.options.progress = [&](std::string_view stage, size_t done, size_t total) {
    if (shown != stage) {
      shown = stage;
      progress.emplace(shown);
    }
    progress->Update(done, total);
  };
  SOTTO_ASSIGN_OR_RETURN(const IndexReport report, BuildIndex(flags.from, flags.out, flags.options));
  progress.reset();
  if (flags.json) {
    fmt::print("{}\n", Json{{"documents", report.documents},
                            {"chunks", report.chunks},
                            {"terms", report.terms},
                            {"added", report.added},
                            {"changed", report.changed},
                            {"unchanged", report.unchanged},
                            {"removed", report.removed},
                            {"failed", report.failed},
                            {"new_vectors", report.new_space},
                            {"read_s", report.read_s},
                            {"learn_s", report.learn_s}}
                           .dump());
    return {};
  }
  fmt::print(
      "{}: {} documents, {} passages ({} new, {} changed, {} unchanged, {} removed, {} could not be read); "
      "{:.1f} s reading, {:.1f} s learning\n",
      flags.out, report.documents, report.chunks, report.added, report.changed, report.unchanged,
      report.removed, report.failed, report.read_s, report.learn_s);
  return {};
}

Result<void> Show(const IndexFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto index, Index::Open(flags.from));
  if (flags.json) {
    fmt::print("{}\n", Json{{"documents", index->n_documents()},
                            {"chunks", index->n_chunks()},
                            {"generation", index->generation()},
                            {"language", index->language()}}
                           .dump());
  } else {
    fmt::print("{}: {} documents, {} passages, language {}, generation {}\n", flags.from,
               index->n_documents(), index->n_chunks(), index->language(), index->generation());
  }
  return {};
}

}  // namespace

void RegisterIndex(CLI::App& app, CliContext& context) {
  CLI::App* index = app.add_subcommand("index", "Documents as an index that can be asked");
  index->require_subcommand(1);
  auto flags = std::make_shared<IndexFlags>();
  CLI::App* build = index->add_subcommand("build", "Make an index of a folder, or bring it up to date");
  build
      ->add_option("from", flags->from,
                   "Folder of documents (PDF, DOCX, HTML, Markdown, text, mail, images), or "
                   "rows: FILE.jsonl of {id, title, text}")
      ->required();
  build->add_option("--out", flags->out, "The index, a folder")->required();
  build->add_option("--access", flags->access, "Who may see what: a file of lines PATTERN: GROUP, GROUP");
  build->add_option("--language", flags->options.language, "Of the documents: en, de, fr, ...")
      ->capture_default_str();
  build
      ->add_option("--scan-languages", flags->options.documents.languages,
                   "Of images, as tesseract names them")
      ->capture_default_str();
  build->add_flag("!--no-scans", flags->options.documents.scans, "Do not read the text of images");
  build->add_option("--readers", flags->options.readers, "Processes that read documents")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  build->add_option("--chunk-tokens", flags->options.chunks.max_tokens, "Of a passage, at most")
      ->check(CLI::Range(32, 4096))
      ->capture_default_str();
  build->add_flag("--fresh", flags->options.fresh, "Read everything, also what has not changed");
  build->add_flag("--json", flags->json, "The report as JSON");
  build->footer(
      "A file that has not changed is not read again; one that is gone leaves the index; one that cannot be "
      "read is "
      "told in a line. Who asks meanwhile asks the old index.\n\n"
      "Example:\n  sotto index build policies/ --out policies.index\n"
      "  sotto ask \"what does a stop payment cost\" --index policies.index");
  build->callback([flags, &context] {
    if (const auto done = Build(*flags); !done) context.Fail(done.error());
  });
  CLI::App* show = index->add_subcommand("show", "What an index holds");
  show->add_option("index", flags->from, "The index")->required();
  show->add_flag("--json", flags->json, "As JSON");
  show->footer("Example:\n  sotto index show policies.index");
  show->callback([flags, &context] {
    if (const auto done = Show(*flags); !done) context.Fail(done.error());
  });
}

}  // namespace sotto
