// sotto process: a folder whose documents are extracted as they come (extract/folder_processor.h), watched by inotify.
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "cli/command.h"
#include "cli/commands.h"
#include "extract/folder_processor.h"
#include "specialist/annotator.h"
#include "workflow/suggest.h"

namespace sotto {
namespace {

struct ProcessFlags {
  std::string folder;
  std::vector<std::string> schemas;
  std::string classifier;
  std::string out;
  std::string move;
  DocumentOptions documents;
  bool once = false;
};

void PrintProcessed(const ProcessReport& report) {
  fmt::print("{} straight through, {} to review, {} failed, {} known\n", report.straight_through,
             report.review, report.failed, report.known);
  std::fflush(stdout);
}

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

// A file is taken when whoever writes it closes it, or when it is moved here.
Result<void> Watch(FolderProcessor& processor, const std::filesystem::path& folder) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const Descriptor ended{signalfd(-1, &signals, SFD_CLOEXEC)};
  const Descriptor notify{inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
  if (ended.fd < 0 || notify.fd < 0 ||
      inotify_add_watch(notify.fd, folder.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE_SELF) < 0) {
    return MakeError(ErrorCode::kIo, "{}: cannot be watched: {}", folder.string(), std::strerror(errno));
  }
  // What came before the watch.
  SOTTO_ASSIGN_OR_RETURN(ProcessReport report, processor.RunOnce());
  PrintProcessed(report);
  alignas(inotify_event) char buffer[16 * 1024];
  while (true) {
    pollfd waits[2] = {{notify.fd, POLLIN, 0}, {ended.fd, POLLIN, 0}};
    if (poll(waits, 2, -1) < 0 && errno != EINTR)
      return MakeError(ErrorCode::kIo, "{}: poll: {}", folder.string(), std::strerror(errno));
    if ((waits[1].revents & POLLIN) != 0) return {};
    const ssize_t n = read(notify.fd, buffer, sizeof buffer);
    for (ssize_t at = 0; at < n;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if ((event->mask & IN_Q_OVERFLOW) != 0) {
        SOTTO_ASSIGN_OR_RETURN(report, processor.RunOnce());
        PrintProcessed(report);
      } else if ((event->mask & IN_DELETE_SELF) != 0) {
        return MakeError(ErrorCode::kNotFound, "{}: the folder is gone", folder.string());
      } else if (event->len > 0) {
        report = {};
        SOTTO_ASSIGN_OR_RETURN(const bool taken, processor.Process(folder / event->name, report));
        if (taken) {
          fmt::print("{}: ", event->name);
          PrintProcessed(report);
        }
      }
    }
  }
}

// By its words alone: the encoder reads a sentence, not a document.
Result<std::shared_ptr<const Annotator>> OpenClassifier(const std::string& name) {
  SOTTO_ASSIGN_OR_RETURN(std::shared_ptr<const Annotator> annotator, OpenSpecialist(name, {}));
  if (annotator->declaration().kind != "classify") {
    return MakeError(ErrorCode::kInvalidArgument,
                     "specialist '{}' is of kind {}: documents need kind classify",
                     annotator->declaration().name, annotator->declaration().kind);
  }
  return annotator;
}

DocumentClass ClassOf(const Annotator& annotator, const std::string& text) {
  const Json said = annotator.Annotate({&text, 1}).front();
  DocumentClass kind;
  kind.confidence = said.value("confidence", 0.0);
  if (const Json label = annotator.RuleValue(said); label.is_string()) kind.label = label.get<std::string>();
  return kind;
}

// "invoice=invoice.schema.json", of a class that the specialist knows.
Result<void> AddClassSchema(const std::string& given, const std::vector<std::string>& labels,
                            ProcessOptions& options) {
  const size_t equals = given.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == given.size())
    return MakeError(ErrorCode::kInvalidArgument, "--schema: with --classifier '{}' should be CLASS=FILE",
                     given);
  const std::string label = given.substr(0, equals);
  if (std::find(labels.begin(), labels.end(), label) == labels.end()) {
    const std::string hint = Suggestion(label, labels);
    return MakeError(ErrorCode::kInvalidArgument, "--schema: '{}' is no class of the classifier{}", label,
                     hint.empty() ? "" : " (" + hint + ")");
  }
  SOTTO_ASSIGN_OR_RETURN(ExtractSchema schema, ExtractSchema::Read(given.substr(equals + 1)));
  if (!options.schemas.try_emplace(label, std::move(schema)).second)
    return MakeError(ErrorCode::kInvalidArgument, "--schema: class '{}' is given twice", label);
  return {};
}

Result<void> Process(const ProcessFlags& flags) {
  ExtractSchema schema;
  ProcessOptions options;
  if (!flags.classifier.empty()) {
    SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const Annotator> annotator,
                           OpenClassifier(flags.classifier));
    for (const std::string& given : flags.schemas)
      SOTTO_RETURN_IF_ERROR(AddClassSchema(given, annotator->labels(), options));
    options.classify = [annotator](const std::string& text) { return ClassOf(*annotator, text); };
  } else if (flags.schemas.size() != 1) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "one --schema, or --classifier NAME and a --schema CLASS=FILE for each class");
  } else {
    SOTTO_ASSIGN_OR_RETURN(schema, ExtractSchema::Read(flags.schemas.front()));
  }
  options.documents = flags.documents;
  options.move = flags.move;
  options.tell = [](const std::string& line) { fmt::print(stderr, "sotto: {}\n", OneLine(line)); };
  SOTTO_ASSIGN_OR_RETURN(
      FolderProcessor processor,
      FolderProcessor::Open(flags.folder, flags.out, std::move(schema), std::move(options)));
  if (!flags.once) return Watch(processor, flags.folder);
  SOTTO_ASSIGN_OR_RETURN(const ProcessReport report, processor.RunOnce());
  PrintProcessed(report);
  return {};
}

}  // namespace

void RegisterProcess(CLI::App& app, CliContext& context) {
  CLI::App* command =
      app.add_subcommand("process", "Watch a folder: fields of each document that comes, or a review");
  auto flags = std::make_shared<ProcessFlags>();
  command->add_option("folder", flags->folder, "Where documents come")->required();
  command
      ->add_option("--schema", flags->schemas,
                   "What to read: docs/formats/extraction.md; with --classifier CLASS=FILE, one a class")
      ->required();
  command->add_option(
      "--classifier", flags->classifier,
      "A specialist of kind classify that tells kinds of documents apart: specialists/NAME or a folder");
  command->add_option("--out", flags->out, "Where results go: straight_through/, review/, failed/, done.db")
      ->required();
  command->add_option("--move", flags->move,
                      "Where documents go once their result is stored; default: they stay");
  command->add_option("--scan-languages", flags->documents.languages, "Of images, as tesseract names them")
      ->capture_default_str();
  command->add_flag("--once", flags->once, "What is there now, then end");
  command->footer(
      "Each document at least once, and by its bytes with one result: what is interrupted is done again. A "
      "document is "
      "moved only when its result is on the disk. SIGTERM ends it.\n\n"
      "Example:\n  sotto process inbox/ --schema docs/examples/extraction/invoice.schema.json --out results/ "
      "--move read/\n"
      "  sotto process inbox/ --classifier specialists/documents --schema invoice=invoice.schema.json "
      "--schema receipt=receipt.schema.json --out results/");
  command->callback([flags, &context] {
    if (const auto done = Process(*flags); !done) context.Fail(done.error());
  });
}

}  // namespace sotto
