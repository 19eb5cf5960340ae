// sotto flywheel register, approve, promote, rollback, note: the acts about versions.
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

#include "base/mapped_file.h"
#include "cli/command.h"
#include "cli/flywheel_command.h"
#include "cli/version_facts.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

struct VersionFlags {
  std::string registry;
  std::string workflow;
  std::string model;
  std::string version;
  std::string parent;
  std::string method;
  std::vector<std::string> trained_on;
  int64_t evidence = 0;
  int threads = 2;
  bool json = false;
  ActFlags act;
};

void Print(const Act& act, bool json) {
  if (json) {
    fmt::print("{}\n", ToJson(act).dump());
  } else {
    fmt::print("act {}: {} {} of {} at {} by {}\n", act.seq, act.kind, act.version, act.workflow, act.at,
               act.author);
  }
}

Result<void> RunRegister(const VersionFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto registry,
                         VersionRegistry::Open(flags.registry, VersionRegistry::Mode::kCreate));
  SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const Workflow> workflow, LoadWorkflow(flags.workflow));
  const std::filesystem::path model =
      flags.model.empty() ? workflow->folder / "model.gguf" : std::filesystem::path(flags.model);
  SOTTO_ASSIGN_OR_RETURN(VersionFacts facts, VersionFactsOf(*workflow, model, flags.threads));
  facts.method = flags.method;
  SOTTO_ASSIGN_OR_RETURN(TrainingRecord training, ReadTrainingData(flags.trained_on));
  Json data{{"trained_on", training.files}, {"texts", training.trained.texts()}};
  if (!flags.parent.empty()) {
    SOTTO_ASSIGN_OR_RETURN(const auto parent, registry->Find(flags.parent));
    facts.parent = parent.first;
    // What its parent learnt it knows.
    const std::filesystem::path prints = registry->FolderOf(parent.first) / "trained_on.bin";
    if (std::filesystem::exists(prints)) {
      SOTTO_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(prints));
      SOTTO_ASSIGN_OR_RETURN(const TrainedOn before, TrainedOn::FromBytes(bytes, prints.string()));
      training.trained.Add(before);
      data["texts"] = training.trained.texts();
      data["parent"] = parent.first;
    }
  }
  std::vector<VersionRegistry::FileOf> files{{"model.gguf", model},
                                             {"calibration.json", model.parent_path() / "calibration.json"},
                                             {"card.md", model.parent_path() / "card.md"},
                                             {"route.json", workflow->folder / "route.json"}};
  if (training.trained.texts() > 0) files.push_back({"trained_on.bin", {}, training.trained.ToBytes()});
  SOTTO_ASSIGN_OR_RETURN(const Act act,
                         registry->Register(facts, files, flags.act.by, flags.act.reason, std::move(data)));
  Print(act, flags.json);
  return {};
}

Result<void> RunApprove(const VersionFlags& flags) {
  SOTTO_RETURN_IF_ERROR(flags.act.CheckPerson());
  SOTTO_ASSIGN_OR_RETURN(const auto registry, OpenRegistry(flags.registry));
  SOTTO_ASSIGN_OR_RETURN(const auto version, registry->Find(flags.version));
  SOTTO_ASSIGN_OR_RETURN(
      const Act act, registry->Record({std::string(act::kApproved), version.second.workflow, version.first,
                                       flags.act.by, flags.act.reason}));
  Print(act, flags.json);
  return {};
}

Result<void> RunNote(const VersionFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto registry, OpenRegistry(flags.registry));
  SOTTO_ASSIGN_OR_RETURN(const auto version, registry->Find(flags.version));
  SOTTO_ASSIGN_OR_RETURN(const Act act, registry->Record({std::string(act::kNoted), version.second.workflow,
                                                          version.first, flags.act.by, flags.act.reason}));
  Print(act, flags.json);
  return {};
}

Result<void> RunPromote(const VersionFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto registry, OpenRegistry(flags.registry));
  SOTTO_ASSIGN_OR_RETURN(const auto version, registry->Find(flags.version));
  SOTTO_ASSIGN_OR_RETURN(const Act act, registry->Promote(version.second.workflow, version.first,
                                                          flags.act.by, flags.act.reason, flags.evidence));
  Print(act, flags.json);
  return {};
}

Result<void> RunRollBack(const VersionFlags& flags) {
  SOTTO_RETURN_IF_ERROR(flags.act.CheckPerson());
  SOTTO_ASSIGN_OR_RETURN(const auto registry, OpenRegistry(flags.registry));
  std::string to;
  if (!flags.version.empty()) {
    SOTTO_ASSIGN_OR_RETURN(const auto version, registry->Find(flags.version));
    to = version.first;
  }
  SOTTO_ASSIGN_OR_RETURN(const Act act,
                         registry->RollBack(flags.workflow, to, flags.act.by, flags.act.reason));
  Print(act, flags.json);
  return {};
}

using VersionRun = Result<void> (*)(const VersionFlags&);

CLI::App* AddVersionCommand(CLI::App& flywheel, CliContext& context, const char* name, const char* what,
                            VersionRun run, const std::function<void(CLI::App&, VersionFlags&)>& add,
                            bool needs_reason, const char* example) {
  CLI::App* command = flywheel.add_subcommand(name, what);
  auto flags = std::make_shared<VersionFlags>();
  AddRegistryOption(*command, flags->registry);
  add(*command, *flags);
  flags->act.AddTo(*command, needs_reason);
  command->add_flag("--json", flags->json, "The act as one JSON object");
  command->footer(std::string("Example:\n  ") + example);
  command->callback([flags, run, &context] {
    if (auto result = run(*flags); !result) context.Fail(result.error());
  });
  return command;
}

}  // namespace

CLI::Option* AddRegistryOption(CLI::App& command, std::string& folder) {
  if (folder.empty()) folder = "flywheel";
  return command.add_option("--registry", folder, "Folder of the registry")
      ->envname("SOTTO_REGISTRY")
      ->capture_default_str();
}

Result<void> ActFlags::CheckPerson() const {
  if (by != kMachine) return {};
  return MakeError(
      ErrorCode::kInvalidArgument,
      "--by {}: that is the machine, which does this by itself or not at all; --by NAME is a person",
      kMachine);
}

void ActFlags::AddTo(CLI::App& command, bool needs_reason) {
  const passwd* login = getpwuid(getuid());
  if (login != nullptr) by = login->pw_name;
  command.add_option("--by", by, "Whose act it is; default: this login")->envname("SOTTO_BY");
  CLI::Option* why = command.add_option("--reason", reason, "Why; kept with the act");
  if (needs_reason) why->required();
}

Result<std::unique_ptr<VersionRegistry>> OpenRegistry(const std::string& folder) {
  return VersionRegistry::Open(folder, VersionRegistry::Mode::kOpen);
}

void RegisterFlywheelVersions(CLI::App& flywheel, CliContext& context) {
  const auto version = [](CLI::App& command, VersionFlags& flags) {
    command.add_option("version", flags.version, "Its id, or the beginning of it")->required();
  };
  AddVersionCommand(
      flywheel, context, "register", "Record a version: copies its model and what belongs to it", RunRegister,
      [](CLI::App& command, VersionFlags& flags) {
        command.add_option("--workflow", flags.workflow, "Folder of the workflow")
            ->required()
            ->envname("SOTTO_WORKFLOW");
        command.add_option("--model", flags.model, "GGUF file; default: model.gguf in the folder");
        command.add_option("--trained-on", flags.trained_on,
                           "Conversations it was trained on, *.jsonl; several. Kept as fingerprints");
        command.add_option("--parent", flags.parent,
                           "Version that it was made of: it knows what that one knew");
        command.add_option("--method", flags.method, "The command that made it");
        command.add_option("--threads", flags.threads, "Threads to load with")
            ->capture_default_str()
            ->check(CLI::Range(1, 64));
      },
      false,
      "sotto flywheel register --workflow workflows/banking --trained-on workflows/banking/voices.jsonl "
      "--method 'sotto train workflows/banking'");
  AddVersionCommand(
      flywheel, context, "approve", "Record that a person approves of a version", RunApprove, version, true,
      "sotto flywheel approve 1f3a --by anna --reason 'validation report read, limits accepted'");
  AddVersionCommand(flywheel, context, "note", "Record a limit or a finding about a version", RunNote,
                    version, true,
                    "sotto flywheel note 1f3a --reason 'misunderstands amounts above ten thousand'");
  AddVersionCommand(
      flywheel, context, "promote", "Make a version the one that new calls get", RunPromote,
      [&](CLI::App& command, VersionFlags& flags) {
        version(command, flags);
        command.add_option("--evidence", flags.evidence, "Number of the act that it rests on");
      },
      true, "sotto flywheel promote 1f3a --by anna --reason 'first version' --evidence 7");
  AddVersionCommand(
      flywheel, context, "rollback", "Go back to the version that was live before", RunRollBack,
      [](CLI::App& command, VersionFlags& flags) {
        command.add_option("workflow", flags.workflow, "Name of the workflow")->required();
        command.add_option("--to", flags.version, "To this one instead");
      },
      true, "sotto flywheel rollback banking --by anna --reason 'callers complain about transfers'");
}

}  // namespace sotto
