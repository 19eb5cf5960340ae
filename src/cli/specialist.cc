// sotto specialist new|train|eval|run: small jobs declared in a few lines (specialist/annotator.h).
#include <iostream>

#include "base/mapped_file.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/commit.h"
#include "cli/progress.h"
#include "cli/text_input.h"
#include "specialist/annotator.h"

namespace sotto {
namespace {

struct SpecialistFlags {
  std::string name;
  std::string kind = "classify";
  std::vector<std::string> texts;
  std::vector<std::string> data;
  std::vector<std::string> valid;
  int threads = 2;
  bool without_encoder = false;
  bool errors = false;
  bool json = false;

  Result<SpecialistContext> Context() const {
    SpecialistContext context;
    context.n_threads = threads;
    context.commit = kCommit;
    if (!without_encoder) {
      SentenceEncoderOptions options;
      options.team = std::make_shared<SharedTeam>(static_cast<size_t>(threads));
      SOTTO_ASSIGN_OR_RETURN(context.encoder, OpenInstalledEncoder(std::move(options)));
    }
    return context;
  }
};

// Files of the command line, which lie where it was given, seen from the specialist's folder.
std::vector<std::string> Absolute(const std::vector<std::string>& files) {
  std::vector<std::string> out;
  for (const std::string& file : files) out.push_back(std::filesystem::absolute(file).string());
  return out;
}

Result<SpecialistDeclaration> Declared(const SpecialistFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(SpecialistDeclaration declaration, ReadDeclaration(SpecialistFolder(flags.name)));
  if (!flags.data.empty()) declaration.train = Absolute(flags.data);
  if (!flags.valid.empty()) declaration.valid = Absolute(flags.valid);
  return declaration;
}

Result<void> NewSpecialist(const SpecialistFlags& flags) {
  const std::filesystem::path folder = SpecialistFolder(flags.name);
  const std::string name = folder.filename().string();
  if (!IsIdentifier(name))
    return MakeError(ErrorCode::kInvalidArgument, "specialist new: '{}' is no name (letters, digits and _)",
                     name);
  std::error_code error;
  if (std::filesystem::exists(folder / "specialist.yaml", error))
    return MakeError(ErrorCode::kInvalidArgument, "{} is there already",
                     (folder / "specialist.yaml").string());
  for (const SpecialistKind& kind : SpecialistKinds()) {
    if (kind.name != flags.kind) continue;
    std::string text(kind.starter);
    text.replace(text.find("{name}"), 6, name);
    std::filesystem::create_directories(folder, error);
    SOTTO_RETURN_IF_ERROR(WriteFileAtomically(folder / "specialist.yaml", text));
    fmt::print("{}\n", (folder / "specialist.yaml").string());
    return {};
  }
  return MakeError(ErrorCode::kInvalidArgument, "specialist new: no kind '{}'", flags.kind);
}

void PrintFigureTree(const Json& figures, std::string_view indent = "") {
  for (const auto& [key, value] : figures.items()) {
    if (value.is_object()) {
      fmt::print("{}{}\n", indent, key);
      PrintFigureTree(value, fmt::format("{}  ", indent));
    } else if (value.is_number_float()) {
      fmt::print("{}{:<28} {:.4f}\n", indent, key, value.get<double>());
    } else if (!value.is_array()) {
      fmt::print("{}{:<28} {}\n", indent, key, value.dump());
    }
  }
}

void ReportFigures(const SpecialistFlags& flags, Json figures) {
  const Json errors = figures.value("errors", Json::array());
  figures.erase("errors");
  if (flags.json) {
    if (flags.errors) figures["errors"] = errors;
    fmt::print("{}\n", figures.dump());
    return;
  }
  PrintFigureTree(figures);
  for (const Json& error : errors) {
    if (flags.errors) fmt::print("{}\n", error.get<std::string>());
  }
}

Result<void> TrainSpecialist(const SpecialistFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const SpecialistDeclaration declaration, Declared(flags));
  SOTTO_ASSIGN_OR_RETURN(const SpecialistKind* kind, FindKind(declaration));
  if (kind->train == nullptr) {
    return MakeError(ErrorCode::kUnsupported, "{}: a specialist of kind '{}' is not trained",
                     declaration.file().string(), kind->name);
  }
  SOTTO_ASSIGN_OR_RETURN(SpecialistContext context, flags.Context());
  ProgressBar progress("training");
  context.progress = [&progress](size_t done, size_t total) { progress.Update(done, total); };
  SOTTO_ASSIGN_OR_RETURN(const Json figures, kind->train(declaration, context));
  progress.Finish();
  ReportFigures(flags, figures);
  return {};
}

Result<void> EvaluateSpecialist(const SpecialistFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const SpecialistDeclaration declaration, Declared(flags));
  SOTTO_ASSIGN_OR_RETURN(const SpecialistKind* kind, FindKind(declaration));
  if (kind->evaluate == nullptr) {
    return MakeError(ErrorCode::kUnsupported, "{}: there is nothing to measure of kind '{}'",
                     declaration.file().string(), kind->name);
  }
  SOTTO_ASSIGN_OR_RETURN(const SpecialistContext context, flags.Context());
  SOTTO_ASSIGN_OR_RETURN(const Json figures, kind->evaluate(declaration, context, Absolute(flags.data)));
  ReportFigures(flags, figures);
  return {};
}

Result<void> RunSpecialist(const SpecialistFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const SpecialistContext context, flags.Context());
  SOTTO_ASSIGN_OR_RETURN(const auto annotator, OpenSpecialist(flags.name, context));
  const auto print = [&annotator](const std::string& text) {
    Json row{{"text", text}};
    row.update(annotator->Annotate({&text, 1})[0]);
    fmt::print("{}\n", row.dump());
  };
  for (const std::string& text : flags.texts) print(CleanText(text, "argument TEXT"));
  if (!flags.texts.empty()) return {};
  std::string line;
  for (int number = 0; NextLine(std::cin, "standard input", number, line);) print(line);
  return {};
}

CLI::App* AddStep(CLI::App& command, CliContext& context, const std::shared_ptr<SpecialistFlags>& flags,
                  const char* name, const char* help, Result<void> (*run)(const SpecialistFlags&)) {
  CLI::App* step = command.add_subcommand(name, help);
  step->add_option("name", flags->name, "specialists/NAME, or the path of a folder")->required();
  step->callback([flags, run, &context] {
    if (const auto done = run(*flags); !done) context.Fail(done.error());
  });
  return step;
}

void AddEngineFlags(CLI::App& step, const std::shared_ptr<SpecialistFlags>& flags) {
  step.add_option("--threads", flags->threads, "Threads")->check(CLI::Range(1, 1024))->capture_default_str();
  step.add_flag("--without-encoder", flags->without_encoder,
                "As where the sentence encoder is not installed");
}

}  // namespace

void RegisterSpecialist(CLI::App& app, CliContext& context) {
  CLI::App* command =
      app.add_subcommand("specialist", "Small models for narrow jobs: declare, train, measure, run");
  command->require_subcommand(1);
  auto flags = std::make_shared<SpecialistFlags>();

  CLI::App* create =
      AddStep(*command, context, flags, "new", "Begin one: writes its specialist.yaml", &NewSpecialist);
  std::vector<std::string> kinds;
  for (const SpecialistKind& kind : SpecialistKinds()) kinds.emplace_back(kind.name);
  create->add_option("--kind", flags->kind, "What it does")
      ->check(CLI::IsMember(kinds))
      ->capture_default_str();
  create->footer("Example:\n  sotto specialist new department --kind classify");

  CLI::App* train =
      AddStep(*command, context, flags, "train", "Train it: writes model.gguf and card.md", &TrainSpecialist);
  train->add_option("--data", flags->data, "Training data instead of the declared one (JSON lines or .tsv)");
  train->add_option("--valid", flags->valid, "Data to measure on instead of the declared one");
  train->add_flag("--json", flags->json, "Figures as one JSON object");
  AddEngineFlags(*train, flags);
  train->footer("Example:\n  sotto specialist train intent --data train.jsonl --valid valid.jsonl");

  CLI::App* evaluate =
      AddStep(*command, context, flags, "eval", "How it does on labelled texts", &EvaluateSpecialist);
  evaluate->add_option("--data", flags->data, "Labelled texts; by default the declared valid data");
  evaluate->add_flag("--errors", flags->errors, "List what it got wrong");
  evaluate->add_flag("--json", flags->json, "Figures as one JSON object");
  AddEngineFlags(*evaluate, flags);
  evaluate->footer("Example:\n  sotto specialist eval intent --data valid.jsonl --errors");

  CLI::App* run = AddStep(*command, context, flags, "run", "What it says of texts, one JSON object a line",
                          &RunSpecialist);
  run->add_option("texts", flags->texts, "Texts; without any, the lines of standard input");
  AddEngineFlags(*run, flags);
  run->footer("Example:\n  sotto specialist run intent \"where is my parcel\"");
}

}  // namespace sotto
