// Narrower models as people make them: what is written is a model, what it costs is told, what is wrong is said.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "cli/program.h"
#include "core/json.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

const std::string kBankingFolder = std::string(SOTTO_SOURCE_DIR) + "/workflows/banking";
const std::string kBankingModel = kBankingFolder + "/model.gguf";

TEST(CompressCli, QuantizeDoesNotWriteOverWhatItReads) {
  const TempFolder folder;
  std::filesystem::copy_file(kBankingModel, folder / "model.gguf");
  const Outcome out = RunProgram(folder.path(), {"quantize", "model.gguf", "./model.gguf", "--type", "Q4_0"});
  EXPECT_EQ(out.exit_code, 2);
  EXPECT_THAT(out.error, HasSubstr("./model.gguf: the smaller model goes to another file"));
  EXPECT_EQ(std::filesystem::file_size(folder / "model.gguf"), std::filesystem::file_size(kBankingModel));
}

TEST(CompressCli, PruneWritesANarrowerModelAndSaysWhatItCosts) {
  const TempFolder folder;
  const Outcome out = RunProgram(
      folder.path(), {"prune", kBankingModel, "half.gguf", "--keep", "0.5", "--workflow", kBankingFolder,
                      "--calibrate", kBankingFolder + "/seed.jsonl", "--texts", "40", "--data",
                      kBankingFolder + "/seed.jsonl", "--report", "half.json", "--json"});
  ASSERT_EQ(out.exit_code, 0) << out.error;
  const Json report = Json::parse(out.out);
  EXPECT_EQ(report["width"]["after"]["d_ff"], 320);
  EXPECT_EQ(report["width"]["after"]["heads"], 4);
  EXPECT_EQ(report["width"]["after"]["kv_heads"], 1);
  EXPECT_LT(report["out_bytes"].get<double>(), 0.7 * report["in_bytes"].get<double>());
  EXPECT_GT(report["divergence"]["kl_nats_a_token"].get<double>(), 0);
  const Json& overall = report["evaluation"]["overall"];
  EXPECT_GT(overall["turns"].get<int>(), 50);
  EXPECT_LE(overall["mcnemar_p"].get<double>(), 1);
  EXPECT_EQ(Json::parse(*ReadFile(folder / "half.json"))["width"], report["width"]);
  // The same model again, whole: nothing is lost.
  const Outcome whole =
      RunProgram(folder.path(), {"prune", kBankingModel, "whole.gguf", "--keep", "1", "--workflow",
                                 kBankingFolder, "--calibrate", kBankingFolder + "/seed.jsonl", "--texts",
                                 "10", "--data", kBankingFolder + "/seed.jsonl", "--json"});
  ASSERT_EQ(whole.exit_code, 0) << whole.error;
  EXPECT_EQ(Json::parse(whole.out)["evaluation"]["flips"], 0);
}

TEST(CompressCli, WhatIsWrongIsSaid) {
  const TempFolder folder;
  const auto error = [&](std::vector<std::string> arguments) {
    const Outcome out = RunProgram(folder.path(), arguments);
    EXPECT_NE(out.exit_code, 0);
    return out.error;
  };
  EXPECT_THAT(error({"prune", kBankingModel, kBankingModel}), HasSubstr("written to another file"));
  EXPECT_THAT(error({"prune", kBankingModel, "x.gguf"}), HasSubstr("needs --calibrate"));
  EXPECT_THAT(error({"distill", kBankingModel, "x.gguf", "--teacher", kBankingModel}),
              HasSubstr("needs --workflow"));
  EXPECT_THAT(
      error({"distill", kBankingModel, "x.gguf", "--teacher", "none.gguf", "--workflow", kBankingFolder}),
      HasSubstr("none.gguf"));
}

}  // namespace
}  // namespace sotto
