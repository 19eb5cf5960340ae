#include "cli/model_cost.h"

#include <algorithm>
#include <map>

#include "base/mapped_file.h"
#include "brain/calibration.h"
#include "cli/progress.h"
#include "flywheel/non_inferiority.h"
#include "learn/calibration_rows.h"
#include "slm/engine.h"
#include "slm/sampler.h"

namespace sotto {

void CostFlags::AddTo(CLI::App& command) {
  command
      .add_option("--calibrate", calibrate,
                  "What the model is looked at with: conversations, *.jsonl (with --workflow), or `sampled`: "
                  "texts that the model writes")
      ->delimiter(',');
  command.add_option("--texts", texts, "Of those, stratified by tool")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command.add_option("--seed", seed, "Of the choice")->capture_default_str();
  command.add_option("--workflow", workflow, "Folder of the workflow that the model serves");
  command.add_option("--data", data, "Held-out conversations to compare before and after on; several")
      ->delimiter(',');
  command.add_option("--fit", fit, "Held-out conversations to fit the new model's confidence on");
  command.add_option("--report", report, "Write every figure there, JSON");
  command.add_option("--threads", threads, "Threads to compute with")->check(CLI::Range(1, 64));
  command.add_flag("--json", json, "The report as one JSON object");
}

// So many texts that the model itself writes, a token after the other: for models without a workflow.
Result<TokenSequences> SampleTexts(const std::shared_ptr<const Model>& model, size_t count, uint64_t seed,
                                   int n_threads) {
  constexpr size_t kTextTokens = 200;
  const auto bos = model->tokenizer().bos();
  if (!bos) return MakeError(ErrorCode::kUnsupported, "{} has no token that begins a text", model->path());
  SOTTO_ASSIGN_OR_RETURN(const auto engine, Engine::Create(model, {.n_threads = n_threads}));
  TokenSequences texts;
  ProgressBar bar("sampling texts");
  const size_t longest = std::min(kTextTokens, static_cast<size_t>(model->config().n_ctx));
  for (size_t i = 0; i < count; ++i) {
    Sampler sampler({.temperature = 1, .seed = seed * 1000003 + i});
    KvCache cache = engine->NewCache();
    std::vector<TokenId> text{*bos};
    while (text.size() < longest) {
      const TokenId last = text.back();
      ForwardRequest request{.cache = &cache, .tokens = std::span(&last, 1)};
      SOTTO_RETURN_IF_ERROR(engine->Forward(request));
      const TokenId next = sampler.Next(request.logits);
      if (model->tokenizer().eos() && next == *model->tokenizer().eos()) break;
      text.push_back(next);
    }
    texts.push_back(std::move(text));
    bar.Update(i + 1, count);
  }
  return texts;
}

Result<std::vector<LabelledConversation>> ReadRows(const std::vector<std::string>& files) {
  std::vector<LabelledConversation> rows;
  for (const std::string& file : files) {
    SOTTO_ASSIGN_OR_RETURN(std::vector<LabelledConversation> more, ReadConversations(file));
    rows.insert(rows.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  return rows;
}

// Texts of the files, stratified by tool where they are conversations, or "sampled" by the model itself.
Result<TokenSequences> CalibrationTexts(const CostFlags& flags, const std::shared_ptr<const Model>& model,
                                        const Workflow* workflow) {
  if (flags.calibrate == std::vector<std::string>{"sampled"})
    return SampleTexts(model, flags.texts, flags.seed, flags.threads);
  if (workflow == nullptr)
    return MakeError(ErrorCode::kInvalidArgument,
                     "--calibrate with conversations needs --workflow; without one, `--calibrate sampled`");
  SOTTO_ASSIGN_OR_RETURN(const std::vector<LabelledConversation> rows, ReadRows(flags.calibrate));
  return EncodeRows(model, *workflow, StratifiedByTool(rows, flags.texts, flags.seed));
}

Result<Asked> Ask(const std::shared_ptr<const Workflow>& workflow, const std::string& model,
                  std::span<const LabelledConversation> rows, int n_threads, const std::string& what) {
  SOTTO_ASSIGN_OR_RETURN(const auto brain, Brain::Open(workflow, model, {.n_threads = n_threads}));
  ProgressBar bar(what);
  EvaluationOptions options;
  options.on_progress = [&bar](size_t done, size_t total) { bar.Update(done, total); };
  SOTTO_ASSIGN_OR_RETURN(Evaluation evaluation, Evaluate(brain, rows, options));
  std::vector<double> ms;
  for (const ScoredTurn& turn : evaluation.turns) ms.push_back(turn.ms);
  std::sort(ms.begin(), ms.end());
  const double median = ms.empty() ? 0 : ms[ms.size() / 2];
  return Asked{std::move(evaluation), median};
}

namespace {

Json ComparedJson(const PairedCounts& counts) {
  return {{"turns", counts.n},
          {"before", counts.champion()},
          {"after", counts.candidate()},
          {"difference", counts.difference()},
          {"lost", counts.only_champion},
          {"won", counts.only_candidate},
          {"mcnemar_p", McNemarExact(counts)}};
}

}  // namespace

Json Compared(const Asked& before, const Asked& after) {
  PairedCounts all;
  std::map<std::string, PairedCounts> tools;
  size_t flips = 0;
  for (size_t i = 0; i < before.evaluation.turns.size(); ++i) {
    const ScoredTurn& a = before.evaluation.turns[i];
    const ScoredTurn& b = after.evaluation.turns[i];
    all.Add(a.exact, b.exact);
    tools[a.gold.front().name].Add(a.exact, b.exact);
    flips += std::equal(a.got.begin(), a.got.end(), b.got.begin(), b.got.end(), SameCall) ? 0 : 1;
  }
  Json json{{"overall", ComparedJson(all)}, {"flips", flips}};
  json["ms_a_turn"] = {{"before", before.median_ms}, {"after", after.median_ms}};
  Json per_tool = Json::object();
  for (const auto& [tool, counts] : tools) per_tool[tool] = ComparedJson(counts);
  json["tools"] = std::move(per_tool);
  return json;
}

Json ToJson(const Divergence& one) {
  return {{"tokens", one.tokens},
          {"kl_nats_a_token", one.kl},
          {"same_first_choice", one.same_argmax},
          {"perplexity_before", one.reference_perplexity()},
          {"perplexity_after", one.perplexity()}};
}

Result<void> MeasureAgainst(const CostFlags& flags, const std::shared_ptr<const Model>& original,
                            const std::string& original_file, const std::shared_ptr<const Workflow>& workflow,
                            Json& report) {
  SOTTO_ASSIGN_OR_RETURN(const auto after, Model::Load(flags.out, {.n_threads = flags.threads}));
  TokenSequences held_out;
  std::vector<LabelledConversation> rows;
  if (!flags.data.empty() && workflow != nullptr) {
    SOTTO_ASSIGN_OR_RETURN(rows, ReadRows(flags.data));
    SOTTO_ASSIGN_OR_RETURN(held_out, EncodeRows(original, *workflow, rows));
  } else if (flags.sampled()) {
    SOTTO_ASSIGN_OR_RETURN(held_out, SampleTexts(original, flags.texts, flags.seed + 1, flags.threads));
  }
  if (!held_out.empty()) {
    PassOptions pass;
    pass.n_threads = flags.threads;
    SOTTO_ASSIGN_OR_RETURN(const Divergence one, MeasureDivergence(original, after, held_out, pass));
    report["divergence"] = ToJson(one);
  }
  if (rows.empty()) return {};
  SOTTO_ASSIGN_OR_RETURN(const Asked first, Ask(workflow, original_file, rows, flags.threads, "before"));
  SOTTO_ASSIGN_OR_RETURN(const Asked second, Ask(workflow, flags.out, rows, flags.threads, "after"));
  report["evaluation"] = Compared(first, second);
  return {};
}

// Fits the confidence of the new model and stores it beside it; of another model's file nothing is lost.
Result<Json> Refit(const CostFlags& flags, const std::shared_ptr<const Workflow>& workflow) {
  SOTTO_ASSIGN_OR_RETURN(const std::vector<LabelledConversation> rows, ReadRows({flags.fit}));
  SOTTO_ASSIGN_OR_RETURN(const Asked asked,
                         Ask(workflow, flags.out, rows, flags.threads, "fitting confidence"));
  SOTTO_ASSIGN_OR_RETURN(const auto model, Model::Load(flags.out, {.n_threads = flags.threads}));
  std::vector<ConfidenceFeatures> features;
  std::vector<bool> right;
  std::vector<double> before, after;
  for (const ScoredTurn& turn : asked.evaluation.turns) {
    features.push_back(turn.features);
    right.push_back(turn.exact);
    before.push_back(turn.confidence);
  }
  const Calibration calibration = Calibration::Fit(features, right);
  for (const ConfidenceFeatures& one : features) after.push_back(calibration.Apply(one));
  std::filesystem::path path = std::filesystem::path(flags.out).parent_path() / "calibration.json";
  const auto there = Calibration::Read(path, model->id());
  const bool others = !there && there.error().code != ErrorCode::kNotFound && flags.in != flags.out;
  if (others) path = flags.out + ".calibration.json";
  SOTTO_RETURN_IF_ERROR(WriteFileAtomically(path, calibration.ToJson(model->id()).dump(1) + "\n"));
  return Json{{"file", path.string()},
              {"turns", features.size()},
              {"ece_before", ExpectedCalibrationError(before, right)},
              {"ece_after", ExpectedCalibrationError(after, right)}};
}

void PrintCompared(const char* title, const Json& one) {
  const Json& all = one["overall"];
  fmt::print(
      "{}: exact {:.2f} % -> {:.2f} % of {} turns ({} lost, {} won, McNemar p {:.3f}), {} answered "
      "otherwise; "
      "{:.2f} -> {:.2f} ms a turn\n",
      title, 100 * all["before"].get<double>(), 100 * all["after"].get<double>(), all["turns"].get<size_t>(),
      all["lost"].get<size_t>(), all["won"].get<size_t>(), all["mcnemar_p"].get<double>(),
      one["flips"].get<size_t>(), one["ms_a_turn"]["before"].get<double>(),
      one["ms_a_turn"]["after"].get<double>());
  for (const auto& [tool, counts] : one["tools"].items()) {
    if (counts["lost"] == 0 && counts["won"] == 0) continue;
    fmt::print("  {:<22} {:>5} turns {:.2f} -> {:.2f} % ({:+.2f}), p {:.3f}\n", tool,
               counts["turns"].get<size_t>(), 100 * counts["before"].get<double>(),
               100 * counts["after"].get<double>(), 100 * counts["difference"].get<double>(),
               counts["mcnemar_p"].get<double>());
  }
}

void PrintDivergence(const char* title, const Json& one) {
  fmt::print(
      "{}: KL {:.5f} nats a token, same first choice {:.2f} %, perplexity {:.4f} -> {:.4f} ({} tokens)\n",
      title, one["kl_nats_a_token"].get<double>(), 100 * one["same_first_choice"].get<double>(),
      one["perplexity_before"].get<double>(), one["perplexity_after"].get<double>(),
      one["tokens"].get<size_t>());
}

void PrintRefitted(const Json& fitted) {
  fmt::print("confidence fitted on {} turns: ECE {:.4f} -> {:.4f}, {}\n", fitted["turns"].get<size_t>(),
             fitted["ece_before"].get<double>(), fitted["ece_after"].get<double>(),
             fitted["file"].get<std::string>());
}

Result<void> TellCost(const CostFlags& flags, const Json& report, void (*print)(const Json& report)) {
  if (!flags.report.empty()) SOTTO_RETURN_IF_ERROR(WriteFileAtomically(flags.report, report.dump(1) + "\n"));
  if (flags.json) {
    fmt::print("{}\n", report.dump());
  } else {
    print(report);
  }
  return {};
}

}  // namespace sotto
