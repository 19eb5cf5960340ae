#include "specialist/annotator.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/mapped_file.h"
#include "embed/random_encoder.h"
#include "specialist/annotate_file.h"
#include "specialist/labelled_text.h"
#include "temp_folder.h"

namespace sotto {
namespace {

std::filesystem::path Declare(const TempFolder& folder, const std::string& name, const std::string& text) {
  std::filesystem::create_directories(folder / name);
  std::ofstream(folder / name / "specialist.yaml") << text;
  return folder / name;
}

std::string Mistake(const std::string& text) {
  const TempFolder folder;
  const auto annotator = OpenSpecialist(Declare(folder, "x", text).string(), {});
  if (annotator) return "";
  const std::string& message = annotator.error().message;
  return message.substr(message.find("specialist.yaml"));
}

// Two departments, trained where it lies.
std::filesystem::path TrainedDepartments(const TempFolder& folder) {
  const auto path =
      Declare(folder, "department",
              "specialist: department\nkind: classify\ndescription: Whose ticket it is\n"
              "data: {train: [train.jsonl], valid: valid.tsv}\nthreshold: 0.6\nbelow: person\n");
  std::ofstream train(path / "train.jsonl");
  for (int i = 0; i < 20; ++i) {
    train << Json{{"text", fmt::format("invoice number {} is wrong", i)}, {"label", "billing"}}.dump()
          << "\n";
    train << Json{{"text", fmt::format("the screen shows error {}", i)}, {"label", "support"}}.dump() << "\n";
  }
  std::ofstream(path / "valid.tsv") << "my invoice is wrong\tbilling\nerror on my screen\tsupport\n";
  train.close();
  const auto declaration = ReadDeclaration(path).value();
  const Json figures = FindKind(declaration).value()->train(declaration, {}).value();
  EXPECT_EQ(figures["valid"]["without_encoder"]["accuracy"], 1.0);
  return path;
}

TEST(SpecialistDeclaration, NamesMistakesWithTheirPlace) {
  EXPECT_EQ(Mistake("specialist: x\nkind: telepathy\n"),
            "specialist.yaml:2: unknown kind 'telepathy' (the kinds are classify, command, embed, language, rule, "
            "tag, risk, summarise)");
  EXPECT_EQ(Mistake("specialist: x\nkind: language\nlanguage: en\n"),
            "specialist.yaml:3:1: unknown key 'language' in specialist (did you mean 'languages'?)");
  EXPECT_NE(Mistake("specialist: x\nkind: language\nthreshold: 1.5\n").find("'threshold' is not in 0..1"),
            std::string::npos);
  EXPECT_NE(Mistake("specialist: x\nkind: language\nthreshold: .5\n").find("nothing that happens below it"),
            std::string::npos);
  EXPECT_NE(Mistake("specialist: x\nkind: language\nbelow: panic\nthreshold: .5\n").find("below"),
            std::string::npos);
  EXPECT_NE(Mistake("- a\n"), "");
  EXPECT_NE(Mistake("specialist: [x\n"), "");
  EXPECT_EQ(Mistake("specialist: x\nkind: language\nlanguages: [en]\n"), "");
}

TEST(Annotator, SaysThatItIsNotTrained) {
  const TempFolder folder;
  const auto path = Declare(folder, "x", "specialist: x\nkind: classify\n");
  EXPECT_EQ(OpenSpecialist(path.string(), {}).error().message,
            (path / "model.gguf").string() + " is not there: 'sotto specialist train x' makes it");
}

TEST(Annotator, ClassifiesAndSaysWhatToDoBelowTheThreshold) {
  const TempFolder folder;
  const auto path = TrainedDepartments(folder);
  const auto annotator = OpenSpecialist(path.string(), {}).value();
  const std::vector<std::string> texts = {"invoice number 7 is wrong", "hm"};
  const std::vector<Json> said = annotator->Annotate(texts);
  EXPECT_EQ(said[0]["label"], "billing");
  EXPECT_EQ(said[0]["decision"], "accept");
  EXPECT_EQ(said[1]["decision"], "person");
  const std::string card = ReadFile(path / "card.md").value();
  EXPECT_NE(card.find("# Specialist `department`"), std::string::npos);
  EXPECT_NE(card.find("| valid | without | 2 | 100.0 %"), std::string::npos) << card;
}

TEST(Annotator, EveryStarterIsADeclarationOfItsKind) {
  for (const SpecialistKind& kind : SpecialistKinds()) {
    std::string text(kind.starter);
    text.replace(text.find("{name}"), 6, "x");
    const TempFolder folder;
    const auto declaration = ReadDeclaration(Declare(folder, "x", text));
    ASSERT_TRUE(declaration.has_value()) << declaration.error().message;
    EXPECT_EQ(FindKind(*declaration).value()->name, kind.name);
  }
}

TEST(Annotator, EmbedsAndKnowsLanguages) {
  const TempFolder folder;
  SpecialistContext context;
  const auto embed = Declare(folder, "e", "specialist: e\nkind: embed\n");
  EXPECT_EQ(OpenSpecialist(embed.string(), context).error().code, ErrorCode::kNotFound);
  context.encoder = SentenceEncoder::FromGguf(*RandomEncoder(7).Import(false)).value();
  const std::vector<std::string> texts = {"the card", "Guten Morgen, wie geht es Ihnen denn heute?"};
  EXPECT_EQ(OpenSpecialist(embed.string(), context).value()->Annotate(texts)[1]["vector"].size(), 512u);
  const auto language =
      OpenSpecialist(Declare(folder, "l", "specialist: l\nkind: language\n").string(), {}).value();
  EXPECT_EQ(language->Annotate(texts)[1]["label"], "de");
}

TEST(AnnotateFile, GoesOnWhereItStopped) {
  const TempFolder folder;
  std::vector<std::unique_ptr<Annotator>> with;
  with.push_back(OpenSpecialist(TrainedDepartments(folder).string(), {}).value());
  const auto in = folder / "in.jsonl", out = folder / "out.jsonl";
  std::string text;
  for (int i = 0; i < 10; ++i) text += Json{{"id", i}, {"text", fmt::format("invoice {}", i)}}.dump() + "\n";
  std::ofstream(in) << text;
  AnnotateOptions options;
  options.batch = 4;
  EXPECT_EQ(AnnotateFile(in, out, with, options)->rows, 10u);
  const std::string whole = ReadFile(out).value();
  EXPECT_EQ(std::ranges::count(whole, '\n'), 10);
  EXPECT_EQ(Json::parse(whole.substr(0, whole.find('\n')))["department"]["label"], "billing");

  std::ofstream(out) << whole.substr(0, whole.size() / 2);  // stopped within a line
  const auto resumed = AnnotateFile(in, out, with, options);
  EXPECT_GT(resumed->resumed, 0u);
  EXPECT_LT(resumed->resumed, 10u);
  EXPECT_EQ(ReadFile(out).value(), whole);

  std::ofstream(out) << Json{{"text", "something else"}}.dump() << "\n";
  EXPECT_NE(AnnotateFile(in, out, with, options).error().message.find("--fresh"), std::string::npos);
  options.resume = false;
  EXPECT_TRUE(AnnotateFile(in, out, with, options).has_value());
  EXPECT_EQ(ReadFile(out).value(), whole);

  std::ofstream(in) << text << "{\"txt\": 1}\n";
  const auto bad = AnnotateFile(in, out, with, options);
  EXPECT_NE(bad.error().message.find("in.jsonl:11: no JSON object with a text \"text\""), std::string::npos);
  EXPECT_EQ(ReadFile(out).value(), whole);  // what stood before it is done
}

TEST(LabelledText, ReadsTheFormsAndNamesWhatItCannot) {
  const auto rows = ParseLabelledTexts(
      "{\"text\": \"a\", \"label\": \"x\"}\n\n{\"turns\": [{\"text\": \"b\"}, {\"text\": \"c\"}], "
      "\"intent\": \"y\"}\r\n"
      "{\"text\": \"d\", \"label\": null}\n{\"text\": \"e\", \"intent\": \"oos\", \"oos\": true}\n",
      "f.jsonl", false);
  ASSERT_TRUE(rows.has_value()) << rows.error().message;
  ASSERT_EQ(rows->size(), 4u);
  EXPECT_EQ((*rows)[1].text, "c");
  EXPECT_EQ((*rows)[1].label, "y");
  EXPECT_EQ((*rows)[2].label, "");
  EXPECT_EQ((*rows)[3].label, "");
  EXPECT_EQ(ParseLabelledTexts("a\tx\tmore\n", "f.tsv", true)->at(0).label, "x");
  const auto message = [](std::string_view text, bool tsv) {
    return ParseLabelledTexts(text, "f", tsv).error().message;
  };
  EXPECT_EQ(message("", false), "f: holds no rows");
  EXPECT_EQ(message("a x\n", true), "f:1: no tab between text and label");
  EXPECT_EQ(message("{\"text\": 3}\n", false), "f:1: neither a \"text\" nor \"turns\" that end with one");
  EXPECT_EQ(message("{\"text\": \"a\", \"label\": 3}\n", false),
            "f:1: \"label\" is 3, expected a text or null");
}

}  // namespace
}  // namespace sotto
