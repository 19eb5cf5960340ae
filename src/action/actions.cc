#include "action/actions.h"

#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>

#include "action/answer_action.h"
#include "action/http_action.h"
#include "action/mcp_action.h"
#include "action/sql_action.h"
#include "base/log.h"

namespace sotto {
namespace {

// Those that are offered, and those that only plans use.
std::vector<const ToolDef*> ToolsThatAct(const Workflow& workflow) {
  std::vector<const ToolDef*> tools;
  for (const auto* some : {&workflow.tools, &workflow.plan_tools}) {
    for (const ToolDef& tool : *some) {
      if (!tool.action.empty()) tools.push_back(&tool);
    }
  }
  return tools;
}

// Of a server that cannot be opened as the workflow says: its tools fail, the others work.
RegisteredAction FailingAction(const std::string& server) {
  return {
      AsyncAction([server](const ActionRequest& request, const std::stop_token&, ActionRunner::Done done) {
        Log().error("tool {}: mcp.{} could not be opened", request.tool, server);
        done(Failure("failed"));
      }),
      [name = "mcp:" + server](const ActionRequest&) { return name; },
      8,
      {"with", "failures"}};
}

void AddMcpActions(const Workflow& workflow, HttpClient& http, const Clock& clock, WorkflowActions& actions,
                   ActionRegistry& registry) {
  std::map<std::string, mcp::Client*> clients;
  for (const ToolDef* acting : ToolsThatAct(workflow)) {
    const ToolDef& tool = *acting;
    if (!tool.action.starts_with("mcp.") || registry.Find(tool.action) != nullptr) continue;
    const size_t dot = std::min(tool.action.find('.', 4), tool.action.size());
    const std::string name = tool.action.substr(4, dot - 4);
    const McpServer* server = workflow.FindMcpServer(name);
    if (server == nullptr || dot + 1 >= tool.action.size()) continue;  // told with the unknown actions
    if (!clients.contains(name)) {
      auto client = OpenMcpServer(*server, workflow.folder, http, clock);
      if (!client) Log().error("{}: {}", workflow.folder.string(), client.error().message);
      clients[name] = client ? client->get() : nullptr;
      if (client) actions.mcp_servers.push_back(*std::move(client));
    }
    registry.Add(tool.action, clients[name] == nullptr
                                  ? FailingAction(name)
                                  : MakeMcpAction(*clients[name], tool.action.substr(dot + 1)));
  }
}

// What the workflow says about its actions, before any of them runs.
Result<void> CheckActions(const Workflow& workflow, const ActionRegistry& registry) {
  std::map<std::string, std::pair<ActionLimits::OfBackend, std::string>> backends;
  for (const ToolDef* acting : ToolsThatAct(workflow)) {
    const ToolDef& tool = *acting;
    const std::string here = fmt::format("{}: tool {}", workflow.folder.string(), tool.name);
    const RegisteredAction* action = registry.Find(tool.action);
    if (action == nullptr) {
      return MakeError(ErrorCode::kInvalidArgument, "{} uses action '{}', which is none of {}", here,
                       tool.action, fmt::join(registry.Names(), ", "));
    }
    std::vector<std::string> known = {"timeout_ms", "retries", "concurrency", "queue", "breaker"};
    known.insert(known.end(), action->options.begin(), action->options.end());
    for (const auto& [key, value] : tool.action_options.items()) {
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      return MakeError(ErrorCode::kInvalidArgument, "{}: action.{} is no option of {}; it has {}", here, key,
                       tool.action, fmt::join(known, ", "));
    }
    const auto limits = ReadActionLimits(tool.action_options, action->concurrency);
    if (!limits) return WithContext(limits.error(), here + ": action");
    ActionRequest request;
    request.action = tool.action;
    request.options = tool.action_options;
    const std::string backend = action->backend(request);
    const auto [known_backend, added] = backends.try_emplace(backend, limits->backend, tool.name);
    if (!added && !(known_backend->second.first == limits->backend)) {
      return MakeError(
          ErrorCode::kInvalidArgument,
          "{} and tool {} share the backend {} but differ in concurrency, queue or breaker; say the "
          "same for both",
          here, known_backend->second.second, backend);
    }
  }
  return {};
}

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

Result<WorkflowActions> OpenActions(const Workflow& workflow, const std::filesystem::path& folder,
                                    ActionServices services) {
  const auto used = [&](std::string_view prefix) {
    const auto tools = ToolsThatAct(workflow);
    return std::any_of(tools.begin(), tools.end(),
                       [&](const ToolDef* tool) { return tool->action.starts_with(prefix); });
  };
  std::error_code made;
  std::filesystem::create_directories(folder, made);
  if (made)
    return MakeError(ErrorCode::kIo, "cannot make the folder {}: {}", folder.string(), made.message());
  WorkflowActions actions;
  if (services.scheduler == nullptr) {
    actions.clock = std::make_unique<SystemClock>();
    actions.scheduler = std::make_unique<Scheduler>(*actions.clock, SchedulerOptions{.threads = 1});
    services.scheduler = actions.scheduler.get();
  }
  if (services.http == nullptr && (used("http") || used("mcp."))) {
    actions.http = MakeHttpClient();
    services.http = actions.http.get();
  }
  ActionRegistry registry;
  if (used("bank.")) {
    SOTTO_ASSIGN_OR_RETURN(actions.bank, Bank::OpenOrCreate(folder / "bank.db"));
    actions.bank->AddActions(registry);
  }
  if (used("sql")) {
    SOTTO_ASSIGN_OR_RETURN(RegisteredAction sql,
                           MakeSqlAction(folder / (workflow.name + ".db"), workflow.folder / "demo.sql"));
    registry.Add("sql", std::move(sql));
  }
  if (services.http != nullptr) {
    registry.Add("http", MakeHttpAction(*services.http));
    AddMcpActions(workflow, *services.http, services.scheduler->clock(), actions, registry);
  }
  if (used("documents.")) {
    SOTTO_ASSIGN_OR_RETURN(RegisteredAction answer, MakeAnswerAction(workflow, folder));
    registry.Add("documents.answer", std::move(answer));
  }
  SOTTO_RETURN_IF_ERROR(CheckActions(workflow, registry));
  actions.runner = std::make_unique<ActionExecutor>(std::move(registry), *services.scheduler);
  return actions;
}

std::filesystem::path DefaultDatabases(const std::string& workflow) {
  const char* data = std::getenv("XDG_DATA_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path folder = data != nullptr && *data != '\0' ? std::filesystem::path(data)
                                 : home != nullptr && *home != '\0'
                                     ? std::filesystem::path(home) / ".local/share"
                                     : std::filesystem::temp_directory_path();
  return folder / "sotto" / workflow;
}

Result<std::unique_ptr<ActionRunner>> OpenRunner(const Workflow& workflow,
                                                 const std::filesystem::path& folder,
                                                 ActionServices services) {
  static std::atomic<int> opened{0};
  const bool temporary = folder == kFreshDatabases;
  const std::filesystem::path place = temporary ? std::filesystem::temp_directory_path() /
                                                      fmt::format("sotto-actions-{}-{}", getpid(), opened++)
                                      : folder.empty() ? DefaultDatabases(workflow.name)
                                                       : folder;
  std::error_code error;
  if (std::filesystem::exists(place, error) && !std::filesystem::is_directory(place, error)) {
    return MakeError(ErrorCode::kInvalidArgument, "{} is a file, not the folder that databases lie in",
                     place.string());
  }
  SOTTO_ASSIGN_OR_RETURN(WorkflowActions actions, OpenActions(workflow, place, services));
  return std::make_unique<OpenedActions>(std::move(actions), temporary ? place : std::filesystem::path());
}

}  // namespace sotto
