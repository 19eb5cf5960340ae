// sotto annotate: a file of texts through several specialists.
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "specialist/annotate_file.h"

namespace sotto {
namespace {

struct AnnotateFlags {
  std::string in;
  std::string out;
  std::vector<std::string> with;
  AnnotateOptions options;
  int threads = 2;
  bool fresh = false;
};

Result<void> Annotate(AnnotateFlags flags) {
  SpecialistContext context;
  SentenceEncoderOptions encoder;
  encoder.team = std::make_shared<SharedTeam>(static_cast<size_t>(flags.threads));
  SOTTO_ASSIGN_OR_RETURN(context.encoder, OpenInstalledEncoder(std::move(encoder)));
  std::vector<std::unique_ptr<Annotator>> annotators;
  for (const std::string& name : flags.with) {
    SOTTO_ASSIGN_OR_RETURN(auto annotator, OpenSpecialist(name, context));
    annotators.push_back(std::move(annotator));
  }
  const std::filesystem::path out =
      flags.out.empty() ? std::filesystem::path(flags.in).replace_extension(".annotated.jsonl")
                        : std::filesystem::path(flags.out);
  flags.options.resume = !flags.fresh;
  ProgressBar progress("annotating");
  flags.options.progress = [&progress](size_t done, size_t total) { progress.Update(done, total); };
  SOTTO_ASSIGN_OR_RETURN(const AnnotateReport report, AnnotateFile(flags.in, out, annotators, flags.options));
  progress.Finish();
  fmt::print("{}: {} rows{}\n", out.string(), report.rows,
             report.resumed > 0 ? fmt::format(", {} of them there already", report.resumed) : "");
  return {};
}

}  // namespace

void RegisterAnnotate(CLI::App& app, CliContext& context) {
  CLI::App* command =
      app.add_subcommand("annotate", "A file of texts through specialists: JSON lines in, JSON lines out");
  auto flags = std::make_shared<AnnotateFlags>();
  command->add_option("file", flags->in, "JSON lines, each an object with a text")->required();
  command->add_option("--with", flags->with, "Specialists: specialists/NAME or paths of folders")
      ->required()
      ->delimiter(',');
  command->add_option("--out", flags->out, "Output; by default FILE with .annotated.jsonl");
  command->add_option("--field", flags->options.text_field, "The field that holds the text")
      ->capture_default_str();
  command->add_option("--threads", flags->threads, "Threads")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_flag("--fresh", flags->fresh, "Begin anew instead of going on behind what the output has");
  command->footer(
      "Each specialist's answer stands under its name. A run that was stopped goes on where it was.\n\n"
      "Example:\n  sotto annotate tickets.jsonl --with intent,language --out tickets.annotated.jsonl");
  command->callback([flags, &context] {
    if (const auto done = Annotate(*flags); !done) context.Fail(done.error());
  });
}

}  // namespace sotto
