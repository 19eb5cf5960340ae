#include "screen/screen_training.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/mapped_file.h"
#include "screen/evaluation.h"

namespace sotto {
namespace {

constexpr int kWarmUpDays = 30;    // the longest window: before that features say too little
constexpr int kThresholdDays = 7;  // the threshold is chosen on

// Rows of [from, to) that have a label.
struct TrainingRows {
  std::vector<float> rows;
  std::vector<float> labels;
};

TrainingRows RowsOf(const FeatureTable& table, int64_t from, int64_t to) {
  TrainingRows out;
  for (size_t i = 0; i < table.size(); ++i) {
    if (table.days[i] < from || table.days[i] >= to || table.labels[i] == FraudLabel::kUnknown) continue;
    const auto* row = table.rows.data() + i * kScreenFeatures;
    out.rows.insert(out.rows.end(), row, row + kScreenFeatures);
    out.labels.push_back(table.labels[i] == FraudLabel::kFraud ? 1.0F : 0.0F);
  }
  return out;
}

Result<std::shared_ptr<const BoostedTrees>> TrainOn(const FeatureTable& table, int64_t from, int64_t to,
                                                    const BoostingOptions& options) {
  const TrainingRows rows = RowsOf(table, from, to);
  if (rows.labels.empty())
    return MakeError(ErrorCode::kInvalidArgument,
                     "no payments with a label from day {} to day {} to learn from", from, to);
  return BoostedTrees::Train(rows.rows, kScreenFeatures, rows.labels, options);
}

std::string DayText(int64_t day) { return PaymentTimeText(day * kDaySeconds).substr(0, 10); }

// Scores of the days [from, to), without cards that were blocked by then.
Result<std::vector<ScoredPayment>> ScoreDays(const FeatureTable& table, const BoostedTrees& trees,
                                             int64_t from, int64_t to, int known_days, int delay_days) {
  std::vector<float> rows;
  std::vector<ScoredPayment> scored;
  // Days on which a card's frauds happened, for who was blocked when.
  std::map<std::string, std::vector<int64_t>> frauds;
  for (size_t i = 0; i < table.size(); ++i) {
    if (table.labels[i] == FraudLabel::kFraud && table.days[i] >= from - delay_days - known_days &&
        table.days[i] < to)
      frauds[table.customers[i]].push_back(table.days[i]);
  }
  for (size_t i = 0; i < table.size(); ++i) {
    const int64_t day = table.days[i];
    if (day < from || day >= to || table.labels[i] == FraudLabel::kUnknown) continue;
    const auto known = frauds.find(table.customers[i]);
    const bool blocked =
        known_days > 0 && known != frauds.end() &&
        std::ranges::any_of(known->second, [&](int64_t then) { return then < day - delay_days; });
    if (blocked) continue;
    const auto* row = table.rows.data() + i * kScreenFeatures;
    rows.insert(rows.end(), row, row + kScreenFeatures);
    scored.push_back({day, table.customers[i], 0, table.labels[i] == FraudLabel::kFraud});
  }
  SOTTO_ASSIGN_OR_RETURN(const std::vector<float> scores, trees.Predict(rows));
  for (size_t i = 0; i < scored.size(); ++i) scored[i].score = static_cast<double>(scores[i]);
  return scored;
}

// The lowest score that at most `a_day` alerts a day reach.
double ThresholdFor(std::vector<ScoredPayment> scored, double a_day, double n_days) {
  std::ranges::sort(scored, std::greater<>(), &ScoredPayment::score);
  const auto budget = static_cast<size_t>(std::max(a_day * n_days, 1.0));
  if (scored.size() <= budget) return 0;
  const double threshold = std::nextafter(scored[budget].score, 2.0);
  // Trees that are sure of more than the budget: those and no others.
  return scored.front().score >= threshold ? threshold : scored.front().score;
}

}  // namespace

FeatureTable MakeFeatureTable(std::vector<Payment> payments, Profiles& profiles,
                              const std::function<void(size_t done, size_t total)>& progress) {
  std::ranges::stable_sort(payments, {}, &Payment::time);
  FeatureTable table;
  table.rows.reserve(payments.size() * kScreenFeatures);
  for (const Payment& payment : payments) {
    const ScreenFeatures features = profiles.Take(payment);
    table.rows.insert(table.rows.end(), features.begin(), features.end());
    table.days.push_back(static_cast<int64_t>(
        std::floor(static_cast<double>(payment.time) / static_cast<double>(kDaySeconds))));
    table.customers.push_back(payment.customer);
    table.labels.push_back(payment.label);
    if (progress && table.size() % 16384 == 0) progress(table.size(), payments.size());
  }
  return table;
}

Result<Json> EvaluateScreen(const FeatureTable& table, const ScreenDeclaration& declaration,
                            const ScreenEvaluation& options,
                            const std::function<void(size_t done, size_t total)>& progress) {
  if (table.size() == 0) return MakeError(ErrorCode::kInvalidArgument, "no payments to measure on");
  const int64_t first = table.days.front();
  const int64_t end = table.days.back() + 1;
  Json folds = Json::array();
  double precision = 0, area = 0, cards = 0, best = 0;
  for (int fold = 0; fold < options.folds; ++fold) {
    ScreenSplit split;
    split.test_to = end - int64_t{options.folds - 1 - fold} * options.test_days;
    split.test_from = split.test_to - options.test_days;
    split.train_to = split.test_from - declaration.delay_days;
    split.train_from = options.train_days == 0 ? first : std::max(first, split.train_to - options.train_days);
    // The first weeks have no past to be compared with, where there is more than them.
    if (split.train_to - first > 2 * kWarmUpDays)
      split.train_from = std::max(split.train_from, first + kWarmUpDays);
    if (split.train_to <= split.train_from) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "{} days are too few: {} to measure on, {} of delay, and some to learn from",
                       end - first, options.folds * options.test_days, declaration.delay_days);
    }
    SOTTO_ASSIGN_OR_RETURN(const auto trees,
                           TrainOn(table, split.train_from, split.train_to, declaration.trees));
    SOTTO_ASSIGN_OR_RETURN(const auto scored, ScoreDays(table, *trees, split.test_from, split.test_to,
                                                        options.known_days, declaration.delay_days));
    const double ap = AveragePrecision(scored);
    if (ap < 0) {
      return MakeError(ErrorCode::kInvalidArgument, "no fraud from {} to {}: nothing to measure",
                       DayText(split.test_from), DayText(split.test_to - 1));
    }
    Json one{{"test_from", DayText(split.test_from)},
             {"test_to", DayText(split.test_to - 1)},
             {"train_from", DayText(split.train_from)},
             {"train_to", DayText(split.train_to - 1)},
             {"payments", scored.size()},
             {"frauds", std::ranges::count_if(scored, &ScoredPayment::fraud)},
             {"average_precision", ap},
             {"auroc", RocArea(scored)},
             {"card_precision", CardPrecision(scored, options.top_k)},
             {"best_card_precision", BestCardPrecision(scored, options.top_k)}};
    precision += ap;
    area += one["auroc"].get<double>();
    cards += one["card_precision"].get<double>();
    best += one["best_card_precision"].get<double>();
    folds.push_back(std::move(one));
    if (progress) progress(static_cast<size_t>(fold + 1), static_cast<size_t>(options.folds));
  }
  const auto n = static_cast<double>(options.folds);
  return Json{
      {"average_precision", precision / n}, {"auroc", area / n},      {"card_precision", cards / n},
      {"best_card_precision", best / n},    {"top_k", options.top_k}, {"delay_days", declaration.delay_days},
      {"folds", std::move(folds)}};
}

Result<TrainedScreen> TrainScreen(const FeatureTable& table, const ScreenDeclaration& declaration) {
  if (table.size() == 0) return MakeError(ErrorCode::kInvalidArgument, "no payments to learn from");
  const int64_t first = table.days.front();
  const int64_t last = table.days.back() + 1 - declaration.delay_days;  // labels are known until then
  const int64_t from = last - first > 2 * kWarmUpDays ? first + kWarmUpDays : first;
  const int64_t chosen_on = last - kThresholdDays;
  if (chosen_on <= from) {
    return MakeError(
        ErrorCode::kInvalidArgument,
        "{} days are too few: {} of delay, {} to choose the threshold on, and some to learn from",
        table.days.back() + 1 - first, declaration.delay_days, kThresholdDays);
  }
  TrainedScreen out;
  SOTTO_ASSIGN_OR_RETURN(const auto without, TrainOn(table, from, chosen_on, declaration.trees));
  SOTTO_ASSIGN_OR_RETURN(const auto scored,
                         ScoreDays(table, *without, chosen_on, last, 0, declaration.delay_days));
  out.threshold = ThresholdFor(scored, declaration.alerts_a_day, kThresholdDays);
  size_t alerts = 0;
  size_t caught = 0;
  size_t frauds = 0;
  for (const ScoredPayment& one : scored) {
    alerts += one.score >= out.threshold;
    caught += one.fraud && one.score >= out.threshold;
    frauds += one.fraud;
  }
  SOTTO_ASSIGN_OR_RETURN(out.trees, TrainOn(table, from, last, declaration.trees));
  const TrainingRows rows = RowsOf(table, from, last);
  const auto share = [](size_t part, size_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
  };
  out.facts = {{"threshold", out.threshold},
               {"alerts_a_day", declaration.alerts_a_day},
               {"delay_days", declaration.delay_days},
               {"trained_from", DayText(from)},
               {"trained_to", DayText(last - 1)},
               {"payments", rows.labels.size()},
               {"frauds", std::ranges::count(rows.labels, 1.0F)},
               {"chosen_on",
                {{"from", DayText(chosen_on)},
                 {"to", DayText(last - 1)},
                 {"alerts_a_day", share(alerts, kThresholdDays)},
                 {"precision", share(caught, alerts)},
                 {"recall", share(caught, frauds)},
                 {"average_precision", AveragePrecision(scored)}}}};
  return out;
}

Result<void> WriteScreen(const TrainedScreen& trained, const ScreenDeclaration& declaration,
                         std::string_view commit) {
  SOTTO_RETURN_IF_ERROR(trained.trees->Save(declaration.folder / "trees.ubj"));
  SOTTO_RETURN_IF_ERROR(
      WriteFileAtomically(declaration.folder / "trained.json", trained.facts.dump(2) + "\n"));
  const Json& chosen = trained.facts["chosen_on"];
  const std::string card = fmt::format(
      "# Screener `{}`\n\nBoosted trees ({} of depth {}) over {} behavioural features.\n\n## Data\n\n- {} "
      "payments from {} "
      "to {}, {} of them fraud\n- labels are {} days late\n{}\n## Figures\n\nOn {} to {}, by trees that did "
      "not see these "
      "days, at a budget of {} alerts a day:\n\n| | |\n|---|---|\n| threshold | {:.4f} |\n| alerts a day | "
      "{:.1f} |\n| "
      "precision of alerts | {:.3f} |\n| frauds among the alerts | {:.3f} |\n| average precision | {:.3f} "
      "|\n\n"
      "`sotto screen eval` measures over more weeks.\n\n## Made with\n\n`sotto screen train`, commit "
      "{}.\n\n## Limits\n\n"
      "Knows payments like those that it was trained on, and no fraud of a new kind: rules stand beside it "
      "for what is "
      "known otherwise. A reason says what the trees looked at, not why somebody did it.\n",
      declaration.name, declaration.trees.trees, declaration.trees.depth, kScreenFeatures,
      trained.facts["payments"].get<size_t>(), trained.facts["trained_from"].get<std::string>(),
      trained.facts["trained_to"].get<std::string>(), trained.facts["frauds"].get<int64_t>(),
      declaration.delay_days, declaration.origin.empty() ? "" : "- " + declaration.origin + "\n",
      chosen["from"].get<std::string>(), chosen["to"].get<std::string>(), declaration.alerts_a_day,
      trained.threshold, chosen["alerts_a_day"].get<double>(), chosen["precision"].get<double>(),
      chosen["recall"].get<double>(), chosen["average_precision"].get<double>(), commit);
  return WriteFileAtomically(declaration.folder / "card.md", card);
}

}  // namespace sotto
