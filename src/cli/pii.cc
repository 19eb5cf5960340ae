// sotto pii: finds personal data in text, measures how well, and trains the tagger.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "base/mapped_file.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/text_input.h"
#include "core/json.h"
#include "privacy/detector.h"
#include "privacy/evaluation.h"
#include "privacy/planted.h"
#include "privacy/tagger_trainer.h"

namespace sotto {
namespace {

struct ScanFlags {
  std::string what;
  std::string language = "en";
  std::string before;
  std::vector<std::string> kinds;
  bool redact = false;
  bool json = false;
};

struct PiiEvalFlags {
  std::vector<std::string> data;
  std::string language = "en";
  size_t planted = 0;
  uint64_t seed = 1;
  size_t show = 10;
  bool json = false;
};

struct PiiTrainFlags {
  std::string folder;
  std::vector<std::string> data;
  std::vector<std::string> plain;
  TaggerTraining training;
  size_t max_plain = 6000;
};

Result<KindSet> KindsOf(const std::vector<std::string>& names) {
  if (names.empty()) return KindSet::Identifying();
  KindSet kinds;
  for (const std::string& name : names) {
    if (name == "all") return KindSet::All();
    SOTTO_ASSIGN_OR_RETURN(const PersonalKind kind, KindOfType(name));
    kinds.Add(kind);
  }
  return kinds;
}

// A language's code, or its folder.
Result<std::shared_ptr<const Detector>> OpenDetector(const std::string& language) {
  std::error_code error;
  if (!std::filesystem::is_directory(language, error)) return Detector::For(language);
  SOTTO_ASSIGN_OR_RETURN(auto data, PrivacyLanguage::Read(language));
  return std::make_shared<const Detector>(std::move(data));
}

// Characters, as the data files count them.
size_t CharactersIn(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(),
                                           [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }));
}

Json SpansJson(std::string_view text, const std::vector<PersonalSpan>& spans) {
  Json list = Json::array();
  for (const PersonalSpan& span : spans) {
    Json one;
    one["start"] = CharactersIn(text.substr(0, span.begin));
    one["end"] = CharactersIn(text.substr(0, span.end));
    one["type"] = KindName(span.kind);
    one["value"] = text.substr(span.begin, span.end - span.begin);
    one["found_by"] = FoundByName(span.by);
    one["confidence"] = std::round(static_cast<double>(span.confidence) * 100) / 100;
    list.push_back(std::move(one));
  }
  return list;
}

void ScanLine(const Detector& detector, const ScanFlags& flags, KindSet kinds, std::string_view line,
              int number) {
  std::vector<PersonalSpan> spans = detector.Scan(line, flags.before);
  std::erase_if(spans, [&](const PersonalSpan& span) { return !kinds.Has(span.kind); });
  if (flags.json) {
    Json row;
    row["line"] = number;
    if (flags.redact) {
      // No value beside its placeholder.
      row["text"] = Redact(line, spans, kinds);
      Json list = SpansJson(line, spans);
      for (Json& one : list) one.erase("value");
      row["spans"] = std::move(list);
    } else {
      row["text"] = line;
      row["spans"] = SpansJson(line, spans);
    }
    fmt::print("{}\n", row.dump());
  } else if (flags.redact) {
    fmt::print("{}\n", Redact(line, spans, kinds));
  } else {
    for (const PersonalSpan& span : spans)
      fmt::print("{}:{}-{}  {:<12} {:<8} {:.2f}  {}\n", number, span.begin, span.end, KindName(span.kind),
                 FoundByName(span.by), span.confidence, line.substr(span.begin, span.end - span.begin));
  }
}

Result<void> Scan(const ScanFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto detector, OpenDetector(flags.language));
  SOTTO_ASSIGN_OR_RETURN(const KindSet kinds, KindsOf(flags.kinds));
  int number = 0;
  std::string line;
  if (flags.what == "-") {
    while (NextLine(std::cin, "standard input", number, line))
      ScanLine(*detector, flags, kinds, line, number);
    return {};
  }
  std::error_code error;
  if (std::filesystem::is_regular_file(flags.what, error)) {
    std::ifstream stream(flags.what);
    if (!stream) return MakeError(ErrorCode::kIo, "cannot read {}", flags.what);
    while (NextLine(stream, flags.what, number, line)) ScanLine(*detector, flags, kinds, line, number);
    return {};
  }
  // A mistyped name would be scanned as a text, and "nothing found" believed.
  const bool one_word = flags.what.find_first_of(" \t\n") == std::string::npos;
  const bool address = flags.what.find('@') != std::string::npos;
  if (one_word && !address &&
      (flags.what.find('/') != std::string::npos || std::filesystem::path(flags.what).has_extension()))
    return MakeError(ErrorCode::kNotFound, "no file '{}'", flags.what);
  ScanLine(*detector, flags, kinds, CleanText(flags.what, "argument TEXT"), 1);
  return {};
}

Json ScoreJson(const KindScore& score) {
  Json json;
  json["values"] = score.values;
  json["covered"] = score.Coverage();
  json["precision"] = score.Precision();
  json["recall"] = score.Recall();
  json["f2"] = score.F2();
  return json;
}

void PrintScore(std::string_view name, const KindScore& score) {
  fmt::print("{:<16} {:>7} {:>9.4f} {:>10.4f} {:>8.4f} {:>8.4f}\n", name, score.values, score.Coverage(),
             score.Precision(), score.Recall(), score.F2());
}

// Times of one scan each, microseconds.
struct ScanTimes {
  std::vector<double> us;
  double words = 0;
  double At(double share) {
    if (us.empty()) return 0;
    std::sort(us.begin(), us.end());
    return us[std::min(us.size() - 1, static_cast<size_t>(share * static_cast<double>(us.size())))];
  }
};

void Report(const PrivacyScore& score, ScanTimes& times, const PiiEvalFlags& flags, std::string_view what) {
  double sum = 0;
  for (const double us : times.us) sum += us;
  const double us_per_word = times.words == 0 ? 0 : sum / times.words;
  if (flags.json) {
    Json json;
    json["data"] = what;
    json["texts"] = score.texts;
    json["all"] = ScoreJson(score.All());
    json["identifying"] = ScoreJson(score.Of(KindSet::Identifying()));
    for (size_t k = 0; k < kPersonalKinds; ++k)
      if (!score.kinds[k].empty())
        json["kinds"][KindName(static_cast<PersonalKind>(k))] = ScoreJson(score.kinds[k]);
    json["us"] = {{"p50", times.At(.5)}, {"p99", times.At(.99)}, {"a_word", us_per_word}};
    fmt::print("{}\n", json.dump());
    return;
  }
  fmt::print("{}: {} texts, {:.1f} us p50, {:.1f} us p99, {:.2f} us a word\n", what, score.texts,
             times.At(.5), times.At(.99), us_per_word);
  fmt::print("{:<16} {:>7} {:>9} {:>10} {:>8} {:>8}\n", "kind", "values", "covered", "precision", "recall",
             "F2");
  for (size_t k = 0; k < kPersonalKinds; ++k)
    if (!score.kinds[k].empty()) PrintScore(KindName(static_cast<PersonalKind>(k)), score.kinds[k]);
  PrintScore("identifying", score.Of(KindSet::Identifying()));
  PrintScore("all", score.All());
  for (size_t i = 0; i < std::min(flags.show, score.missed.size()); ++i)
    fmt::print("not covered: {}\n", OneLine(score.missed[i]));
}

void ScoreTexts(const Detector& detector, const std::vector<MarkedExample>& texts, std::string_view what,
                const PiiEvalFlags& flags) {
  PrivacyScore score;
  ScanTimes times;
  ProgressBar progress(fmt::format("scanning {}", what));
  for (const MarkedExample& text : texts) {
    const auto begin = std::chrono::steady_clock::now();
    const auto spans = detector.Scan(text.text, text.before);
    times.us.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
    times.words += static_cast<double>(TextWords(text.text).size());
    ScoreText(detector, text, score);
    progress.Update(score.texts, texts.size());
  }
  progress.Finish();
  Report(score, times, flags, what);
}

Result<void> Evaluate(const PiiEvalFlags& flags) {
  if (flags.data.empty() && flags.planted == 0)
    return MakeError(ErrorCode::kInvalidArgument,
                     "nothing to measure: give --data FILE.jsonl or --planted N");
  SOTTO_ASSIGN_OR_RETURN(const auto detector, OpenDetector(flags.language));
  for (const std::string& path : flags.data) {
    SOTTO_ASSIGN_OR_RETURN(const auto texts, ReadMarkedExamples(path));
    ScoreTexts(*detector, texts, path, flags);
  }
  if (flags.planted == 0) return {};
  SOTTO_ASSIGN_OR_RETURN(const Planter planter, Planter::For("en"));
  for (const PlantedForm form : {PlantedForm::kTyped, PlantedForm::kSpoken}) {
    Random random(flags.seed);
    std::vector<MarkedExample> texts;
    for (size_t i = 0; i < flags.planted; ++i)
      texts.push_back(planter.Plant(Planter::Kinds()[i % Planter::Kinds().size()], form, random).text);
    ScoreTexts(*detector, texts, form == PlantedForm::kTyped ? "planted, typed" : "planted, spoken", flags);
  }
  return {};
}

Result<std::vector<std::string>> Lines(const std::filesystem::path& path) {
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    if (end > begin && text[begin] != '#') lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// Sentences of ordinary words only: what has others may hold a name.
void KeepOrdinary(const PrivacyLanguage& language, std::vector<std::string>& texts) {
  std::erase_if(texts, [&](const std::string& text) {
    const TextWords words(text);
    for (size_t i = 0; i < words.size(); ++i)
      if (!words[i].digits && (language.BitsOf(words.Lower(i)) & kOrdinary) == 0) return true;
    return false;
  });
}

Result<void> Train(const PiiTrainFlags& flags) {
  const std::filesystem::path folder = flags.folder;
  SOTTO_ASSIGN_OR_RETURN(const auto language, PrivacyLanguage::Read(folder, false));
  std::vector<MarkedExample> marked;
  for (const std::string& path : flags.data) {
    SOTTO_ASSIGN_OR_RETURN(const auto texts, ReadMarkedExamples(path));
    marked.insert(marked.end(), texts.begin(), texts.end());
  }
  if (marked.empty())
    return MakeError(ErrorCode::kInvalidArgument, "no marked texts: give --data FILE.jsonl");
  NameLists names;
  SOTTO_ASSIGN_OR_RETURN(names.first, Lines(folder / "first_names.txt"));
  SOTTO_ASSIGN_OR_RETURN(names.last, Lines(folder / "last_names.txt"));
  SOTTO_ASSIGN_OR_RETURN(names.jobs, Lines(folder / "jobs.txt"));
  SOTTO_ASSIGN_OR_RETURN(names.countries, Lines(folder / "countries.txt"));
  std::vector<std::string> plain;
  for (const std::string& path : flags.plain) {
    SOTTO_ASSIGN_OR_RETURN(auto texts, ReadPlainTexts(path));
    KeepOrdinary(*language, texts);
    plain.insert(plain.end(), texts.begin(), texts.end());
  }
  Random random(flags.training.seed);
  for (size_t i = plain.size(); i > 1; --i) std::swap(plain[i - 1], plain[random.Below(i)]);
  if (plain.size() > flags.max_plain) plain.resize(flags.max_plain);
  const std::vector<MarkedExample> all = WithVariants(marked, names, flags.training);
  ProgressBar progress("training the tagger");
  const Tagger::Weights weights =
      TrainTagger(*language, all, plain, flags.training,
                  [&](size_t done, size_t total) { progress.Update(done, total); });
  progress.Finish();
  const std::string text = Tagger::ToText(weights);
  const std::filesystem::path path = folder / "tagger.model";
  std::ofstream stream(path, std::ios::binary);
  stream << text;
  stream.close();
  if (!stream) return MakeError(ErrorCode::kIo, "cannot write {}", path.string());
  fmt::print("{}: {} marked texts ({} with variants), {} plain; {} features, {} bytes\n", path.string(),
             marked.size(), all.size(), plain.size(), weights.features.size(), text.size());
  return {};
}

void AddScan(CLI::App& pii, CliContext& context) {
  auto flags = std::make_shared<ScanFlags>();
  CLI::App* command = pii.add_subcommand("scan", "Print the personal data in a text");
  command->add_option("what", flags->what, "A file (each line is a text), - for standard input, or the text")
      ->required();
  command->add_option("--before", flags->before, "What was asked just before (\"What is your PIN?\")");
  command
      ->add_option("--kinds", flags->kinds,
                   "Only these kinds, comma separated, or 'all' (default: what identifies)")
      ->delimiter(',');
  command->add_option("--language", flags->language, "Language of the text, or a language's folder")
      ->capture_default_str();
  command->add_flag("--redact", flags->redact, "Print the text with typed placeholders instead: <card>");
  command->add_flag("--json", flags->json, "One JSON object a line; start and end count characters");
  command->footer(
      "Examples:\n  sotto pii scan \"my social is one two three forty five sixty seven eight nine\"\n  sotto "
      "pii scan "
      "calls.txt --redact > clean.txt");
  command->callback([flags, &context] {
    if (const auto done = Scan(*flags); !done) context.Fail(done.error());
  });
}

void AddEval(CLI::App& pii, CliContext& context) {
  auto flags = std::make_shared<PiiEvalFlags>();
  CLI::App* command = pii.add_subcommand("eval", "Precision, recall and F2 on marked texts");
  command->add_option("--data", flags->data,
                      "Rows {\"text\", \"spans\": [{\"start\", \"end\", \"type\"}]}; may be repeated");
  command->add_option("--planted", flags->planted, "Also N generated texts, typed and as spoken");
  command->add_option("--seed", flags->seed, "Of the generated ones")->capture_default_str();
  command->add_option("--show", flags->show, "Values that were missed to print")->capture_default_str();
  command->add_option("--language", flags->language, "Language of the texts, or a language's folder")
      ->capture_default_str();
  command->add_flag("--json", flags->json, "One JSON object a data set");
  command->footer(
      "docs/formats/privacy_language.md says what is counted.\n\nExample:\n  sotto pii eval --data "
      "valid.jsonl --planted 10000");
  command->callback([flags, &context] {
    if (const auto done = Evaluate(*flags); !done) context.Fail(done.error());
  });
}

void AddTrain(CLI::App& pii, CliContext& context) {
  auto flags = std::make_shared<PiiTrainFlags>();
  CLI::App* command = pii.add_subcommand("train", "Train the tagger of a language's folder");
  command->add_option("folder", flags->folder, "The language: personal.txt, first_names.txt, ...")
      ->required();
  command->add_option("--data", flags->data, "Marked texts, as of 'pii eval'; may be repeated")->required();
  command->add_option("--plain", flags->plain, "Texts without personal data; may be repeated");
  command->add_option("--max-plain", flags->max_plain, "Of those at most so many")->capture_default_str();
  command->add_option("--epochs", flags->training.epochs, "Passes over the texts")->capture_default_str();
  command->add_option("--variants", flags->training.variants, "Of each marked text")->capture_default_str();
  command->add_option("--min-count", flags->training.min_count, "Features seen less often are left out")
      ->capture_default_str();
  command->add_option("--smallest", flags->training.smallest, "Weights below are dropped")
      ->capture_default_str();
  command->add_option("--seed", flags->training.seed, "Seed")->capture_default_str();
  command->footer(
      "Writes tagger.model into the folder.\n\nExample:\n  sotto pii train src/privacy/languages/en --data "
      "train.jsonl --plain requests.jsonl");
  command->callback([flags, &context] {
    if (const auto done = Train(*flags); !done) context.Fail(done.error());
  });
}

}  // namespace

void RegisterPii(CLI::App& app, CliContext& context) {
  CLI::App* pii = app.add_subcommand("pii", "Personal data: find it, measure how well, train the tagger");
  pii->require_subcommand(1);
  AddScan(*pii, context);
  AddEval(*pii, context);
  AddTrain(*pii, context);
}

}  // namespace sotto
