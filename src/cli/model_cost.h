// What a smaller model costs: the report of quantize, prune and distill. Exact match before and after on the same turns
// with McNemar's test, overall and per tool, how many are answered otherwise, how far the distributions diverge, time a
// turn, and the confidence fitted anew.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "brain/evaluation.h"
#include "slm/observed_pass.h"
#include "workflow/workflow.h"

namespace sotto {

struct CostFlags {
  std::string in;
  std::string out;
  std::string workflow;
  std::vector<std::string> calibrate;
  std::vector<std::string> data;
  std::string fit;
  std::string report;
  size_t texts = 512;
  uint64_t seed = 1;
  int threads = 2;
  bool json = false;

  // All but in and out.
  void AddTo(CLI::App& command);
  bool sampled() const { return calibrate == std::vector<std::string>{"sampled"}; }
  bool measured() const { return !data.empty() || sampled(); }
};

Result<std::vector<LabelledConversation>> ReadRows(const std::vector<std::string>& files);
// So many texts that the model itself writes, a token after the other: for models without a workflow.
Result<TokenSequences> SampleTexts(const std::shared_ptr<const Model>& model, size_t count, uint64_t seed,
                                   int n_threads);
// Texts of the files, stratified by tool where they are conversations, or "sampled" by the model itself.
Result<TokenSequences> CalibrationTexts(const CostFlags& flags, const std::shared_ptr<const Model>& model,
                                        const Workflow* workflow);

struct Asked {
  Evaluation evaluation;
  double median_ms = 0;
};
Result<Asked> Ask(const std::shared_ptr<const Workflow>& workflow, const std::string& model,
                  std::span<const LabelledConversation> rows, int n_threads, const std::string& what);
Json Compared(const Asked& before, const Asked& after);
Json ToJson(const Divergence& one);

// `divergence` and `evaluation` of flags.out against `original`, as far as flags.measured().
Result<void> MeasureAgainst(const CostFlags& flags, const std::shared_ptr<const Model>& original,
                            const std::string& original_file, const std::shared_ptr<const Workflow>& workflow,
                            Json& report);

// Fits the confidence of flags.out and stores it beside it; of another model's file nothing is lost.
Result<Json> Refit(const CostFlags& flags, const std::shared_ptr<const Workflow>& workflow);

void PrintCompared(const char* title, const Json& one);
void PrintDivergence(const char* title, const Json& one);
void PrintRefitted(const Json& fitted);
// As asked for: to the file, as JSON or by `print`.
Result<void> TellCost(const CostFlags& flags, const Json& report, void (*print)(const Json& report));

}  // namespace sotto
