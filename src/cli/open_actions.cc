#include "cli/open_actions.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>

#include "action/actions.h"

namespace sotto {
namespace {

class OpenedActions final : public ActionRunner {
 public:
  OpenedActions(WorkflowActions actions, std::filesystem::path remove)
      : remove_(std::move(remove)), actions_(std::make_unique<WorkflowActions>(std::move(actions))) {}
  ~OpenedActions() override {
    actions_.reset();
    std::error_code ignored;
    if (!remove_.empty()) std::filesystem::remove_all(remove_, ignored);
  }
  OpenedActions(const OpenedActions&) = delete;
  OpenedActions& operator=(const OpenedActions&) = delete;

  void Start(ActionRequest request, Done done) override {
    actions_->runner->Start(std::move(request), std::move(done));
  }

 private:
  const std::filesystem::path remove_;  // a temporary folder, or empty
  std::unique_ptr<WorkflowActions> actions_;
};

}  // namespace

std::filesystem::path DefaultDatabases(const std::string& workflow) {
  const char* data = std::getenv("XDG_DATA_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path folder = data != nullptr && *data != '\0' ? std::filesystem::path(data)
                                 : home != nullptr && *home != '\0'
                                     ? std::filesystem::path(home) / ".local/share"
                                     : std::filesystem::temp_directory_path();
  return folder / "sotto" / workflow;
}

CLI::Option* AddDatabaseOption(CLI::App& command, std::string& folder, bool fresh) {
  if (fresh) folder = ":memory:";
  return command
      .add_option(
          "--database", folder,
          fmt::format("Folder of the actions' databases (bank.db, ...), made if need be; ':memory:' for "
                      "fresh ones that are gone afterwards. Default: {}",
                      fresh ? "':memory:', so that it begins the same each time"
                            : "$XDG_DATA_HOME/sotto/WORKFLOW (~/.local/share/sotto/WORKFLOW)"))
      ->envname("SOTTO_DATABASE");
}

Caller HostCaller(const Workflow& workflow, const std::string& customer, const std::string& channel) {
  Caller caller;
  caller.customer = customer;
  caller.channel = channel;
  if (!customer.empty() && workflow.FindRole(ToolRole::kVerify) == nullptr) caller.verified_by = "terminal";
  return caller;
}

void AddCustomerOption(CLI::App& command, std::string& customer) {
  command
      .add_option("--customer", customer,
                  "Who is calling: the customer's id in the actions' database; '' for somebody unknown")
      ->envname("SOTTO_CUSTOMER")
      ->capture_default_str();
}

Result<std::unique_ptr<ActionRunner>> OpenRunner(const Workflow& workflow,
                                                 const std::filesystem::path& folder) {
  static std::atomic<int> opened{0};
  const bool temporary = folder == ":memory:";
  const std::filesystem::path place = temporary ? std::filesystem::temp_directory_path() /
                                                      fmt::format("sotto-actions-{}-{}", getpid(), opened++)
                                      : folder.empty() ? DefaultDatabases(workflow.name)
                                                       : folder;
  std::error_code error;
  if (std::filesystem::exists(place, error) && !std::filesystem::is_directory(place, error)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{} is a file; --database is the folder that databases lie in", place.string());
  }
  std::filesystem::create_directories(place, error);
  if (error) return MakeError(ErrorCode::kIo, "cannot create {}: {}", place.string(), error.message());
  SOTTO_ASSIGN_OR_RETURN(WorkflowActions actions, OpenActions(workflow, place));
  return std::make_unique<OpenedActions>(std::move(actions), temporary ? place : std::filesystem::path());
}

}  // namespace sotto
