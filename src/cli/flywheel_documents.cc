// sotto flywheel card, data-sheet, validation, decisions, inventory: what an auditor reads.
#include "base/mapped_file.h"
#include "cli/command.h"
#include "cli/flywheel_command.h"
#include "flywheel/governance.h"
#include "flywheel/governance_pdf.h"

namespace sotto {
namespace {

struct DocumentFlags {
  std::string registry;
  std::string subject;  // version or workflow
  std::string out;
  std::string pdf;
};

using DocumentText = std::function<Result<std::string>(
    const VersionRegistry& registry, const std::vector<Act>& acts, const std::string& subject)>;

Result<void> Run(const DocumentFlags& flags, const std::string& name, const DocumentText& write) {
  SOTTO_ASSIGN_OR_RETURN(const auto registry, OpenRegistry(flags.registry));
  SOTTO_ASSIGN_OR_RETURN(const std::vector<Act> acts, registry->Acts());
  SOTTO_ASSIGN_OR_RETURN(const std::string text, write(*registry, acts, flags.subject));
  if (!flags.pdf.empty()) {
    const std::string footer =
        fmt::format("sotto flywheel {} {}, acts 1 to {}, last hash {}", name, flags.subject, acts.size(),
                    acts.empty() ? "" : acts.back().hash.substr(0, 16));
    SOTTO_RETURN_IF_ERROR(WritePdf(text, footer, flags.pdf));
  }
  if (!flags.out.empty()) return WriteFileAtomically(flags.out, text);
  if (flags.pdf.empty()) fmt::print("{}", text);
  return {};
}

// About a version, by its id.
DocumentText OfVersion(Result<std::string> (*document)(std::span<const Act>, std::string_view)) {
  return [document](const VersionRegistry& registry, const std::vector<Act>& acts,
                    const std::string& subject) -> Result<std::string> {
    SOTTO_ASSIGN_OR_RETURN(const auto found, registry.Find(subject));
    return document(acts, found.first);
  };
}

void AddDocument(CLI::App& flywheel, CliContext& context, const std::string& name, const char* what,
                 const char* subject, bool required, const DocumentText& write) {
  CLI::App* command = flywheel.add_subcommand(name, what);
  auto flags = std::make_shared<DocumentFlags>();
  AddRegistryOption(*command, flags->registry);
  if (subject != nullptr) {
    CLI::Option* option = command->add_option(
        subject, flags->subject, required ? "Its id, or the beginning of it" : "Only of this one");
    if (required) option->required();
  }
  command->add_option("--out", flags->out, "DocumentText the Markdown there");
  command->add_option(
      "--pdf", flags->pdf,
      CanWritePdf() ? "DocumentText it as PDF there" : "Not in this build: libhpdf-dev was not there");
  command->footer(fmt::format("Example:\n  sotto flywheel {}{} --pdf {}.pdf", name,
                              required             ? " 1f3a"
                              : subject != nullptr ? " banking"
                                                   : "",
                              name));
  command->callback([flags, name, write, &context] {
    if (auto result = Run(*flags, name, write); !result) context.Fail(result.error());
  });
}

}  // namespace

void RegisterFlywheelDocuments(CLI::App& flywheel, CliContext& context) {
  AddDocument(flywheel, context, "card", "Model card of a version", "version", true, OfVersion(ModelCard));
  AddDocument(flywheel, context, "data-sheet", "What a version was trained on and examined with", "version",
              true, OfVersion(DataSheet));
  AddDocument(flywheel, context, "validation", "Validation report of a version", "version", true,
              OfVersion(ValidationReport));
  AddDocument(flywheel, context, "decisions", "Every decision, in order", "workflow", false,
              [](const VersionRegistry&, const std::vector<Act>& acts,
                 const std::string& workflow) -> Result<std::string> { return DecisionLog(acts, workflow); });
  AddDocument(flywheel, context, "inventory", "Every version and whether it is live", nullptr, false,
              [](const VersionRegistry&, const std::vector<Act>& acts,
                 const std::string&) -> Result<std::string> { return Inventory(acts); });
}

}  // namespace sotto
