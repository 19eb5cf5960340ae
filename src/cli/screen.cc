// sotto screen train|eval|run|retrain|simulate: which payments are odd (screen/screener.h).
#include <fstream>
#include <iostream>

#include "base/mapped_file.h"
#include "base/sqlite.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/commit.h"
#include "cli/progress.h"
#include "screen/screen_training.h"
#include "screen/simulator.h"

namespace sotto {
namespace {

constexpr double kWeekNoise = 0.05;  // of average precision, from week to week

struct ScreenFlags {
  std::string file;
  std::string model = "screens/payments";
  std::string out;
  std::string state;
  bool flagged_only = false;
  size_t batch = 8192;
  bool json = false;
  int threads = 1;
  ScreenEvaluation evaluation;
  PaymentSimulation simulation;
};

// One line each on stderr; the rest goes on.
void ReportFaults(const PaymentFaults& faults) {
  for (const std::string& note : faults.notes) fmt::print(stderr, "{}\n", note);
  for (const auto& fault : faults.faults) {
    fmt::print(stderr, "{}{}\n", fault.first,
               fault.rows > 1 ? fmt::format(" ({} rows like it left out)", fault.rows) : " (left out)");
  }
  if (faults.out_of_order > 0)
    fmt::print(stderr, "{} ({} rows out of order: taken where their time says)\n", faults.first_out_of_order,
               faults.out_of_order);
}

Result<std::vector<Payment>> ReadAllPayments(const std::string& file) {
  std::vector<Payment> payments;
  SOTTO_ASSIGN_OR_RETURN(const PaymentFaults faults,
                         ReadPayments(file, [&](Payment&& one) { payments.push_back(std::move(one)); }));
  ReportFaults(faults);
  if (payments.empty()) return MakeError(ErrorCode::kInvalidArgument, "{}: has no payments", file);
  return payments;
}

// A payment whose id stands twice was counted twice: in training and in what is measured, say.
Result<void> CheckIdsOnce(const std::vector<Payment>& payments, const std::string& file) {
  std::vector<std::string_view> ids;
  for (const Payment& one : payments) ids.push_back(one.id);
  std::ranges::sort(ids);
  const auto twice = std::ranges::adjacent_find(ids);
  if (twice == ids.end()) return {};
  return MakeError(ErrorCode::kInvalidArgument,
                   "{}: payment {} stands twice: what is trained on would be measured on", file, *twice);
}

Result<FeatureTable> ReadTable(const ScreenFlags& flags, const ScreenDeclaration& declaration,
                               Profiles& profiles) {
  SOTTO_ASSIGN_OR_RETURN(auto payments, ReadAllPayments(flags.file));
  SOTTO_RETURN_IF_ERROR(CheckIdsOnce(payments, flags.file));
  const bool labelled =
      std::ranges::any_of(payments, [](const Payment& one) { return one.label != FraudLabel::kUnknown; });
  if (!labelled)
    return MakeError(ErrorCode::kInvalidArgument, "{}: no payment has a label (column 'fraud': 0 or 1)",
                     flags.file);
  ProgressBar progress("reading features");
  profiles = Profiles({.delay_days = declaration.delay_days});
  FeatureTable table = MakeFeatureTable(std::move(payments), profiles,
                                        [&](size_t done, size_t total) { progress.Update(done, total); });
  progress.Finish();
  return table;
}

Result<void> Train(const ScreenFlags& flags, bool only_if_better) {
  SOTTO_ASSIGN_OR_RETURN(ScreenDeclaration declaration, ReadScreenDeclaration(flags.model));
  declaration.trees.threads = flags.threads;
  Profiles profiles;
  SOTTO_ASSIGN_OR_RETURN(const FeatureTable table, ReadTable(flags, declaration, profiles));
  SOTTO_ASSIGN_OR_RETURN(const TrainedScreen trained, TrainScreen(table, declaration));
  std::error_code error;
  const std::filesystem::path before = declaration.folder / "trained.json";
  if (only_if_better && std::filesystem::exists(before, error)) {
    // Both were measured on the week before they were made, by trees that did not see it.
    SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(before));
    SOTTO_ASSIGN_OR_RETURN(const Json known, ParseJson(text, before.string()));
    const Json chosen = known.is_object() ? known.value("chosen_on", Json::object()) : Json::object();
    const double old = chosen.is_object() ? chosen.value("average_precision", -1.0) : -1.0;
    const double now = trained.facts["chosen_on"]["average_precision"].get<double>();
    // Within the noise of one week the newer one stays: it knows the newer frauds.
    if (now < old - kWeekNoise) {
      fmt::print("kept the screener that is there: average precision {:.3f}, the new one {:.3f}\n", old, now);
      return {};
    }
    fmt::print("replaced: average precision {:.3f}, before {:.3f}\n", now, old);
  }
  SOTTO_RETURN_IF_ERROR(WriteScreen(trained, declaration, kCommit));
  if (!flags.state.empty()) SOTTO_RETURN_IF_ERROR(profiles.Save(flags.state));
  fmt::print("{}\n", trained.facts.dump(flags.json ? -1 : 2));
  return {};
}

Result<void> EvaluateOnTable(const ScreenFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(ScreenDeclaration declaration, ReadScreenDeclaration(flags.model));
  declaration.trees.threads = flags.threads;
  Profiles profiles;
  SOTTO_ASSIGN_OR_RETURN(const FeatureTable table, ReadTable(flags, declaration, profiles));
  ProgressBar progress("evaluating");
  SOTTO_ASSIGN_OR_RETURN(const Json figures,
                         EvaluateScreen(table, declaration, flags.evaluation,
                                        [&](size_t done, size_t total) { progress.Update(done, total); }));
  progress.Finish();
  if (flags.json) {
    fmt::print("{}\n", figures.dump());
    return {};
  }
  for (const Json& fold : figures["folds"]) {
    fmt::print(
        "{} to {}: average precision {:.3f}, AUROC {:.3f}, card precision {:.3f} (best possible {:.3f}), "
        "{} frauds in {} payments; trained on {} to {}\n",
        fold["test_from"].get<std::string>(), fold["test_to"].get<std::string>(),
        fold["average_precision"].get<double>(), fold["auroc"].get<double>(),
        fold["card_precision"].get<double>(), fold["best_card_precision"].get<double>(),
        fold["frauds"].get<int64_t>(), fold["payments"].get<size_t>(), fold["train_from"].get<std::string>(),
        fold["train_to"].get<std::string>());
  }
  fmt::print(
      "mean: average precision {:.3f}, AUROC {:.3f}, card precision top {} {:.3f} (best possible {:.3f})\n",
      figures["average_precision"].get<double>(), figures["auroc"].get<double>(),
      figures["top_k"].get<size_t>(), figures["card_precision"].get<double>(),
      figures["best_card_precision"].get<double>());
  return {};
}

Result<void> RunScreen(const ScreenFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto screener, Screener::Open(flags.model));
  Profiles profiles({.delay_days = screener->declaration().delay_days});
  std::error_code error;
  if (!flags.state.empty() && std::filesystem::exists(flags.state, error)) {
    SOTTO_ASSIGN_OR_RETURN(profiles, Profiles::Load(flags.state));
  }
  std::ofstream file;
  if (!flags.out.empty()) {
    file.open(flags.out, std::ios::binary | std::ios::trunc);
    if (!file) return MakeError(ErrorCode::kIo, "cannot write {}", flags.out);
  }
  std::ostream& out = flags.out.empty() ? std::cout : file;
  std::vector<Payment> batch;
  size_t n = 0;
  size_t flagged = 0;
  Result<void> failed;
  ProgressBar progress("screening");
  const auto flush = [&] {
    if (!failed || batch.empty()) return;
    const auto verdicts = screener->Check(batch, profiles);
    if (!verdicts) {
      failed = tl::unexpected(verdicts.error());
      return;
    }
    std::string text;
    for (size_t i = 0; i < batch.size(); ++i) {
      const ScreenVerdict& verdict = (*verdicts)[i];
      const bool flag = verdict.action != ScreenAction::kPass;
      flagged += flag;
      if (!flag && flags.flagged_only) continue;
      Json row{{"id", batch[i].id},
               {"time", PaymentTimeText(batch[i].time)},
               {"customer", batch[i].customer},
               {"score", std::round(verdict.score * 1e5) / 1e5},
               {"decision", ScreenActionName(verdict.action)}};
      if (flag) row["reasons"] = verdict.reasons;
      text += row.dump(-1, ' ', false, Json::error_handler_t::replace);
      text += '\n';
    }
    out << text;
    n += batch.size();
    batch.clear();
    progress.Update(n, 0);
  };
  SOTTO_ASSIGN_OR_RETURN(const PaymentFaults faults, ReadPayments(flags.file, [&](Payment&& one) {
                           batch.push_back(std::move(one));
                           if (batch.size() >= flags.batch) flush();
                         }));
  flush();
  progress.Finish();
  SOTTO_RETURN_IF_ERROR(failed);
  out.flush();
  if (!out) return MakeError(ErrorCode::kIo, "cannot write {} (disk full?)", flags.out);
  ReportFaults(faults);
  fmt::print(stderr, "{} payments, {} flagged\n", n, flagged);
  if (!flags.state.empty()) return profiles.Save(flags.state);
  return {};
}

Result<void> Simulate(const ScreenFlags& flags) {
  const std::vector<Payment> payments = SimulatePayments(flags.simulation);
  std::string text = "TRANSACTION_ID,TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT,TX_FRAUD\n";
  size_t frauds = 0;
  for (const Payment& one : payments) {
    const bool fraud = one.label == FraudLabel::kFraud;
    frauds += fraud;
    text += fmt::format("{},{},{},{},{:.2f},{}\n", one.id, PaymentTimeText(one.time), one.customer,
                        one.terminal, one.amount, fraud ? 1 : 0);
  }
  if (flags.out.empty()) {
    fmt::print("{}", text);
  } else {
    SOTTO_RETURN_IF_ERROR(WriteFileAtomically(flags.out, text));
  }
  fmt::print(stderr, "{} payments, {} frauds\n", payments.size(), frauds);
  return {};
}

CLI::App* AddScreenStep(CLI::App& command, CliContext& context, const std::shared_ptr<ScreenFlags>& flags,
                        const char* name, const char* help,
                        std::function<Result<void>(const ScreenFlags&)> run) {
  CLI::App* step = command.add_subcommand(name, help);
  step->callback([flags, run = std::move(run), &context] {
    if (const auto done = run(*flags); !done) context.Fail(done.error());
  });
  return step;
}

CLI::Option* AddScreenFile(CLI::App& step, const std::shared_ptr<ScreenFlags>& flags) {
  step.add_option("--model", flags->model, "Folder with screen.yaml")->capture_default_str();
  return step.add_option("file", flags->file,
                         "Payments: CSV with a heading, or JSON lines; -: standard input");
}

void AddScreenRun(CLI::App& step, const std::shared_ptr<ScreenFlags>& flags) {
  step.add_option("--out", flags->out, "JSON lines; by default standard output");
  step.add_option("--state", flags->state, "Profiles are read from this file and kept in it");
  step.add_option("--batch", flags->batch, "Payments that are screened together; 1: each as it comes")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  step.add_flag("--flagged", flags->flagged_only, "Only what is not passed");
}

void AddScreenTraining(CLI::App& step, const std::shared_ptr<ScreenFlags>& flags) {
  step.add_option("--threads", flags->threads, "Threads")->check(CLI::Range(1, 1024))->capture_default_str();
  step.add_flag("--json", flags->json, "Figures as one JSON object");
}

}  // namespace

void RegisterScreen(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("screen", "Payments that are odd: trees, rules and reasons");
  command->require_subcommand(0, 1);
  auto flags = std::make_shared<ScreenFlags>();
  AddScreenFile(*command, flags);  // "sotto screen FILE" is "sotto screen run FILE"
  AddScreenRun(*command, flags);
  command->callback([flags, command, &context] {
    if (!command->get_subcommands().empty()) return;
    const auto done =
        flags->file.empty()
            ? Result<void>(MakeError(ErrorCode::kInvalidArgument,
                                     "screen: payments, or one of run, train, retrain, eval, simulate"))
            : RunScreen(*flags);
    if (!done) context.Fail(done.error());
  });
  command->footer("Example:\n  sotto screen payments.csv --flagged");

  CLI::App* run = AddScreenStep(*command, context, flags, "run",
                                "A score, a decision and reasons for each payment", &RunScreen);
  AddScreenFile(*run, flags)->required();
  AddScreenRun(*run, flags);
  run->footer(
      "Example:\n  sotto screen run today.csv --model screens/payments --state profiles.db --flagged");

  CLI::App* train = AddScreenStep(*command, context, flags, "train", "Train on labelled payments",
                                  [](const ScreenFlags& f) { return Train(f, false); });
  AddScreenFile(*train, flags)->required();
  AddScreenTraining(*train, flags);
  train->add_option("--state", flags->state,
                    "Keep the profiles as they are after the last payment in this file");
  train->footer("Example:\n  sotto screen train payments.csv --model screens/payments --state profiles.db");

  CLI::App* retrain = AddScreenStep(*command, context, flags, "retrain",
                                    "The same over night: the new trees stay only where they are no worse",
                                    [](const ScreenFlags& f) { return Train(f, true); });
  AddScreenFile(*retrain, flags)->required();
  AddScreenTraining(*retrain, flags);
  retrain->footer(
      "Example (crontab):\n  0 3 * * *  sotto screen retrain payments.csv --model screens/payments");

  CLI::App* evaluate =
      AddScreenStep(*command, context, flags, "eval",
                    "Average precision, AUROC and card precision, in the order of time", &EvaluateOnTable);
  AddScreenFile(*evaluate, flags)->required();
  AddScreenTraining(*evaluate, flags);
  evaluate->add_option("--folds", flags->evaluation.folds, "Periods, one after the other")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  evaluate->add_option("--test-days", flags->evaluation.test_days, "Days of each")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  evaluate
      ->add_option("--train-days", flags->evaluation.train_days, "Days that are trained on; 0: all before")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str();
  evaluate
      ->add_option("--known-days", flags->evaluation.known_days,
                   "Cards with a fraud that became known in so many days before are blocked; 0: none")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  evaluate->add_option("--top", flags->evaluation.top_k, "Cards a day that are looked at")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  evaluate->footer("Example:\n  sotto screen eval payments.csv --folds 4");

  CLI::App* simulate =
      AddScreenStep(*command, context, flags, "simulate",
                    "Payments as the Fraud Detection Handbook simulates them, as CSV", &Simulate);
  simulate->add_option("--out", flags->out, "File; by default standard output");
  simulate->add_option("--customers", flags->simulation.customers, "Customers")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  simulate->add_option("--terminals", flags->simulation.terminals, "Terminals")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  simulate->add_option("--days", flags->simulation.days, "Days")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  simulate->add_option("--seed", flags->simulation.seed, "Seed")->capture_default_str();
  simulate->footer("Example:\n  sotto screen simulate --days 120 --out payments.csv");
}

}  // namespace sotto
