#include "cli/action_options.h"

#include "action/actions.h"

namespace sotto {

CLI::Option* AddDatabaseOption(CLI::App& command, std::string& folder, bool fresh) {
  if (fresh) folder = kFreshDatabases;
  return command
      .add_option(
          "--database", folder,
          fmt::format("Folder of the actions' databases (bank.db, ...), made if need be; ':memory:' for "
                      "fresh ones that are gone afterwards. Default: {}",
                      fresh ? "':memory:', so that it begins the same each time"
                            : "$XDG_DATA_HOME/sotto/WORKFLOW (~/.local/share/sotto/WORKFLOW)"))
      ->envname("SOTTO_DATABASE");
}

Caller TerminalCaller(const Workflow& workflow, const std::string& customer, const std::string& channel) {
  Caller caller;
  caller.customer = customer;
  caller.channel = channel;
  if (!customer.empty() && workflow.FindRole(ToolRole::kVerify) == nullptr) caller.verified_by = "terminal";
  return caller;
}

Caller DemoCaller(const Workflow& workflow, bool verified) {
  Caller caller = TerminalCaller(workflow, kDemoCustomer, "text");
  caller.verified_by = verified ? "terminal" : "";
  return caller;
}

void AddCustomerOption(CLI::App& command, std::string& customer) {
  command
      .add_option("--customer", customer,
                  "Who is calling: the customer's id in the actions' database; '' for somebody unknown")
      ->envname("SOTTO_CUSTOMER")
      ->capture_default_str();
}

}  // namespace sotto
