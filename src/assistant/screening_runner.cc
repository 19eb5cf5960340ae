#include "assistant/screening_runner.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "action/actions.h"
#include "base/log.h"
#include "base/sqlite.h"
#include "base/utc.h"
#include "screen/screener.h"

namespace sotto {
namespace {

constexpr int64_t kRememberedDays = 60;
constexpr size_t kMostFlags = 10000;

// Normal sync: a verdict may be lost with the power, never with the program.
constexpr const char* kScreenSchema =
    "PRAGMA synchronous = NORMAL;"
    "CREATE TABLE IF NOT EXISTS payments (key TEXT PRIMARY KEY, time INTEGER NOT NULL, customer TEXT NOT "
    "NULL,"
    " terminal TEXT NOT NULL, device TEXT NOT NULL, amount REAL NOT NULL, decision TEXT NOT NULL,"
    " made INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID";

std::filesystem::path ScreenFolder(const Workflow& workflow) {
  const std::filesystem::path written = workflow.screen.path;
  if (written.is_absolute()) return written;
  std::error_code error;
  const std::filesystem::path beside = workflow.folder / written;
  for (const std::filesystem::path& folder : {beside, workflow.folder / ".." / ".." / "screens" / written,
                                              std::filesystem::path("screens") / written}) {
    if (std::filesystem::exists(folder / "screen.yaml", error)) return folder;
  }
  return beside;
}

class ScreeningRunner final : public ActionRunner, public std::enable_shared_from_this<ScreeningRunner> {
 public:
  static Result<std::shared_ptr<ActionRunner>> Open(const Workflow& workflow,
                                                    std::shared_ptr<ActionRunner> runner,
                                                    const std::filesystem::path& databases,
                                                    const Clock& clock) {
    SOTTO_ASSIGN_OR_RETURN(auto screener, Screener::Open(ScreenFolder(workflow)));
    const bool fresh = databases == kFreshDatabases;
    const std::filesystem::path folder = databases.empty() ? DefaultDatabases(workflow.name) : databases;
    std::error_code made;
    if (!fresh) std::filesystem::create_directories(folder, made);
    SOTTO_ASSIGN_OR_RETURN(Database database, Database::Open(fresh ? ":memory:" : folder / "screen.db",
                                                             Database::Mode::kCreate));
    SOTTO_RETURN_IF_ERROR(database.Execute(kScreenSchema));
    SOTTO_ASSIGN_OR_RETURN(Statement known, database.Prepare("SELECT decision FROM payments WHERE key = ?"));
    SOTTO_ASSIGN_OR_RETURN(
        Statement keep,
        database.Prepare("INSERT OR REPLACE INTO payments (key, time, customer, terminal, device, "
                         "amount, decision) VALUES (?, ?, ?, ?, ?, ?, ?)"));
    SOTTO_ASSIGN_OR_RETURN(Statement mark, database.Prepare("UPDATE payments SET made = 1 WHERE key = ?"));
    auto screening = std::shared_ptr<ScreeningRunner>(
        new ScreeningRunner(workflow.screen, std::move(screener), std::move(runner), std::move(database),
                            std::move(known), std::move(keep), std::move(mark), clock));
    SOTTO_RETURN_IF_ERROR(screening->Remember());
    return screening;
  }

  void Start(ActionRequest request, Done done) override {
    const auto use = std::find_if(screen_.tools.begin(), screen_.tools.end(),
                                  [&](const ScreenDef::Use& one) { return one.tool == request.tool; });
    if (use == screen_.tools.end()) return runner_->Start(std::move(request), std::move(done));
    const Payment payment = PaymentOf(*use, request);
    Result<ScreenVerdict> verdict = Judge(payment, request);
    if (!verdict) {
      Log().error("{}: not screened, so not done: {}", request.tool, verdict.error().message);
      return done({false, "unavailable", Json::object()});
    }
    const Json seen{{"score", verdict->score},
                    {"decision", ScreenActionName(verdict->action)},
                    {"reasons", verdict->reasons}};
    if (verdict->action >= ScreenAction::kStepUp) {
      const bool held =
          verdict->action == ScreenAction::kHold || screen_.step_up == ScreenDef::Then::kHandOff;
      return done({false, std::string(held ? kHeldFailure : kStepUpFailure), seen});
    }
    runner_->Start(std::move(request),
                   [self = shared_from_this(), payment, seen, passed = verdict->action == ScreenAction::kPass,
                    done = std::move(done)](ToolResult result) {
                     if (result.ok) self->OnMade(payment);
                     if (!passed && result.data.is_object()) result.data["screen"] = seen;
                     done(std::move(result));
                   });
  }

 private:
  ScreeningRunner(ScreenDef screen, std::shared_ptr<const Screener> screener,
                  std::shared_ptr<ActionRunner> runner, Database database, Statement known, Statement keep,
                  Statement mark, const Clock& clock)
      : screen_(std::move(screen)),
        screener_(std::move(screener)),
        clock_(clock),
        profiles_({.delay_days = screener_->declaration().delay_days}),
        database_(std::move(database)),
        known_(std::move(known)),
        keep_(std::move(keep)),
        mark_(std::move(mark)),
        runner_(std::move(runner)) {}

  // Since when a second verification is wanted, and who had been verified how by then.
  struct Flag {
    std::string at;
    Caller caller;
  };
  // Somebody says when, or at least in another way than before.
  static bool WasVerifiedSince(const Flag& flag, const Caller& caller) {
    if (!caller.verified() || caller.customer != flag.caller.customer) return false;
    if (!caller.verified_at.empty()) return caller.verified_at >= flag.at;
    return caller.verified_by != flag.caller.verified_by;
  }

  int64_t NowSeconds() const {
    return std::chrono::duration_cast<std::chrono::seconds>(clock_.WallNow().time_since_epoch()).count();
  }

  Result<void> Remember() {
    SOTTO_ASSIGN_OR_RETURN(Statement rows,
                           database_.Prepare("SELECT time, customer, terminal, device, amount FROM payments "
                                             "WHERE made = 1 AND time > ? ORDER BY time"));
    rows.Bind(1, NowSeconds() - kRememberedDays * kDaySeconds);
    for (;;) {
      SOTTO_ASSIGN_OR_RETURN(const bool more, rows.Step());
      if (!more) return {};
      Payment payment;
      payment.time = rows.Integer(0);
      payment.customer = rows.Text(1);
      payment.terminal = rows.Text(2);
      payment.device = rows.Text(3);
      payment.amount = rows.Real(4);
      (void)profiles_.Take(payment);
    }
  }

  Payment PaymentOf(const ScreenDef::Use& use, const ActionRequest& request) const {
    Payment payment;
    payment.id = request.idempotency_key;
    payment.time = NowSeconds();
    payment.customer = request.caller.customer;
    payment.device = request.caller.address;
    if (const auto to = request.arguments.find(use.to); to != request.arguments.end())
      payment.terminal = use.tool + "/" + (to->is_string() ? to->get<std::string>() : to->dump());
    const auto amount = request.arguments.find(use.amount);
    if (amount != request.arguments.end() && amount->is_number()) payment.amount = amount->get<double>();
    return payment;
  }

  // A payment that was judged under its key stays what it was judged; one that was held back until its caller was verified
  // is passed once they were.
  Result<ScreenVerdict> Judge(const Payment& payment, const ActionRequest& request) {
    const std::lock_guard lock(mutex_);
    SOTTO_ASSIGN_OR_RETURN(const bool seen, known_.Bind(1, std::string_view(payment.id)).Step());
    if (seen) {
      const bool passed = known_.Text(0) == "pass" || known_.Text(0) == "review";
      SOTTO_RETURN_IF_ERROR(known_.Step());  // ends the read
      if (passed) return ScreenVerdict{};
    }
    const ScreenFeatures features = profiles_.Look(payment);
    SOTTO_ASSIGN_OR_RETURN(std::vector<ScreenVerdict> verdicts, screener_->Judge(features));
    ScreenVerdict verdict = std::move(verdicts.front());
    const std::string flag = request.session + "\n" + payment.terminal;
    if (verdict.action == ScreenAction::kStepUp) {
      const auto flagged = flags_.find(flag);
      if (flagged != flags_.end() && WasVerifiedSince(flagged->second, request.caller)) {
        verdict.action = ScreenAction::kReview;
        verdict.reasons.emplace_back("made after the caller was verified once more");
        flags_.erase(flagged);
      } else {
        if (flags_.size() >= kMostFlags) flags_.clear();
        flags_[flag] = {UtcStamp(clock_.WallNow()), request.caller};
      }
    }
    SOTTO_RETURN_IF_ERROR(keep_.Bind(1, std::string_view(payment.id))
                              .Bind(2, payment.time)
                              .Bind(3, std::string_view(payment.customer))
                              .Bind(4, std::string_view(payment.terminal))
                              .Bind(5, std::string_view(payment.device))
                              .Bind(6, payment.amount)
                              .Bind(7, ScreenActionName(verdict.action))
                              .Run());
    return verdict;
  }

  void OnMade(const Payment& payment) {
    const std::lock_guard lock(mutex_);
    (void)profiles_.Take(payment);
    if (const auto marked = mark_.Bind(1, std::string_view(payment.id)).Run(); !marked)
      Log().error("screen: {}", marked.error().message);
  }

  const ScreenDef screen_;
  const std::shared_ptr<const Screener> screener_;
  const Clock& clock_;
  std::mutex mutex_;
  // Guarded by mutex_:
  Profiles profiles_;
  std::map<std::string, Flag> flags_;  // by session and payee
  Database database_;
  Statement known_, keep_, mark_;
  const std::shared_ptr<ActionRunner> runner_;
};

}  // namespace

Result<void> CheckScreen(const Workflow& workflow) {
  if (workflow.screen.path.empty()) return {};
  const auto screener = Screener::Open(ScreenFolder(workflow));
  if (!screener) return MakeError(screener.error().code, "screen: {}", screener.error().message);
  return {};
}

Result<std::shared_ptr<ActionRunner>> WithScreening(const Workflow& workflow,
                                                    std::shared_ptr<ActionRunner> runner,
                                                    const std::filesystem::path& databases,
                                                    const Clock& clock) {
  if (workflow.screen.path.empty()) return runner;
  auto screening = ScreeningRunner::Open(workflow, std::move(runner), databases, clock);
  if (screening) return screening;
  return MakeError(screening.error().code, "{}:{}: screen: {}", (workflow.folder / "workflow.yaml").string(),
                   workflow.screen.line, screening.error().message);
}

}  // namespace sotto
