// sotto process: a folder whose documents are extracted as they come (extract/folder_processor.h), watched by inotify.
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/command.h"
#include "cli/commands.h"
#include "extract/folder_processor.h"

namespace sotto {
namespace {

struct ProcessFlags {
  std::string folder;
  std::string schema;
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

Result<void> Process(const ProcessFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(ExtractSchema schema, ExtractSchema::Read(flags.schema));
  ProcessOptions options;
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
  command->add_option("--schema", flags->schema, "What to read: docs/formats/extraction.md")->required();
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
      "--move read/");
  command->callback([flags, &context] {
    if (const auto done = Process(*flags); !done) context.Fail(done.error());
  });
}

}  // namespace sotto
