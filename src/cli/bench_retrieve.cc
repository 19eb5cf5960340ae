// sotto bench retrieve: how well an index finds and answers, and how fast. With --questions against an index that is
// there; with --passages against one of generated text of that size.
#include <time.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <random>
#include <set>

#include "base/logistic.h"
#include "base/mapped_file.h"
#include "base/sqlite.h"
#include "cli/bench.h"
#include "cli/command.h"
#include "cli/commit.h"
#include "cli/percentile.h"
#include "cli/progress.h"
#include "retrieve/answer.h"
#include "retrieve/index_builder.h"

namespace sotto {
namespace {

struct RetrieveFlags {
  std::string index;
  std::string questions;
  std::string qrels;
  std::vector<std::string> foreign;
  std::string errors;
  size_t passages = 0;
  size_t asked = 300;
  size_t limit = 1000;  // foreign questions a file
  bool fit = false;
  std::string count_words;  // write how many of the foreign questions have each stem here
};

constexpr size_t kLeastCount = 5;  // questions that have a word, for it to be counted

struct BenchQuestion {
  std::string id;
  std::string text;
  std::set<std::string> documents;
  std::vector<std::string> answers;  // spellings, any of them
};

// {"id"?, "text", "documents"?: [...], "answers"?: [...]} a line, or conversations, whose first user turn counts.
Result<std::vector<BenchQuestion>> ReadBenchQuestions(const std::filesystem::path& path) {
  SOTTO_ASSIGN_OR_RETURN(const std::string all, ReadFile(path));
  std::vector<BenchQuestion> questions;
  int number = 0;
  for (size_t begin = 0; begin < all.size();) {
    const size_t end = std::min(all.find('\n', begin), all.size());
    const std::string_view line = std::string_view(all).substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.empty()) continue;
    const std::string here = fmt::format("{}:{}", path.string(), number);
    SOTTO_ASSIGN_OR_RETURN(const Json row, ParseJson(line, here));
    BenchQuestion question;
    try {
      question.id = row.value("id", std::to_string(number));
      if (row.contains("turns")) {
        question.text = row["turns"].at(0).at("text");
      } else {
        question.text = row.at("text");
      }
      for (const Json& id : row.value("documents", Json::array()))
        question.documents.insert(id.get<std::string>());
      for (const Json& answer : row.value("answers", Json::array()))
        question.answers.push_back(answer.get<std::string>());
    } catch (const Json::exception& error) {
      return MakeError(ErrorCode::kInvalidArgument, "{}: {}", here, error.what());
    }
    questions.push_back(std::move(question));
  }
  return questions;
}

// query-id, corpus-id, score, a header line before them.
Result<void> ReadQrels(const std::filesystem::path& path, std::vector<BenchQuestion>& questions) {
  SOTTO_ASSIGN_OR_RETURN(const std::string all, ReadFile(path));
  std::map<std::string, BenchQuestion*> by_id;
  for (BenchQuestion& question : questions) by_id[question.id] = &question;
  for (size_t begin = 0; begin < all.size();) {
    const size_t end = std::min(all.find('\n', begin), all.size());
    std::vector<std::string> fields(1);
    for (const char c : std::string_view(all).substr(begin, end - begin)) {
      if (c == '\t') {
        fields.emplace_back();
      } else if (c != '\r') {
        fields.back() += c;
      }
    }
    begin = end + 1;
    if (fields.size() < 3 || std::atoi(fields[2].c_str()) <= 0) continue;
    if (const auto found = by_id.find(fields[0]); found != by_id.end())
      found->second->documents.insert(fields[1]);
  }
  std::erase_if(questions, [](const BenchQuestion& question) { return question.documents.empty(); });
  return {};
}

std::string Folded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ' ' || c == '\n' || c == '*' || c == '|') {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

bool HasAnswer(std::string_view quote, const BenchQuestion& question) {
  const std::string folded = Folded(quote);
  return std::any_of(question.answers.begin(), question.answers.end(), [&](const std::string& answer) {
    return folded.find(Folded(answer)) != std::string::npos;
  });
}

// SQLite's own BM25 over the same passages, as it comes: whole words, or Porter's stems; the title one more field.
class StockBm25 {
 public:
  static Result<StockBm25> Make(const Index& index, const char* tokenizer) {
    StockBm25 stock;
    SOTTO_ASSIGN_OR_RETURN(auto database, Database::Open(":memory:", Database::Mode::kCreate));
    stock.database_ = std::make_unique<Database>(std::move(database));
    SOTTO_RETURN_IF_ERROR(stock.database_->Execute(fmt::format(
        "CREATE VIRTUAL TABLE f USING fts5(name UNINDEXED, title, body, tokenize = '{}')", tokenizer)));
    SOTTO_ASSIGN_OR_RETURN(Statement attach, stock.database_->Prepare("ATTACH ? AS i"));
    const std::string path = (index.path() / index.generation() / "index.db").string();
    SOTTO_RETURN_IF_ERROR(attach.Bind(1, std::string_view(path)).Run());
    SOTTO_RETURN_IF_ERROR(
        stock.database_->Execute("INSERT INTO f SELECT d.name, d.title, c.text FROM i.chunks c JOIN "
                                 "i.documents d ON d.id = c.document"));
    return stock;
  }
  Result<double> Recall(std::string_view question, const std::set<std::string>& wanted, size_t k) {
    std::string match;
    std::string word;
    for (const char c : std::string(question) + " ") {
      const auto letter = static_cast<unsigned char>(c);
      if (std::isalnum(letter) != 0 || letter >= 0x80) {
        word += c;
      } else if (!word.empty()) {
        match += (match.empty() ? "\"" : " OR \"") + word + "\"";
        word.clear();
      }
    }
    if (match.empty()) return 0.0;
    SOTTO_ASSIGN_OR_RETURN(Statement find,
                           database_->Prepare("SELECT name FROM f WHERE f MATCH ? ORDER BY rank"));
    find.Bind(1, std::string_view(match));
    std::set<std::string> seen;
    size_t right = 0;
    while (seen.size() < k) {
      SOTTO_ASSIGN_OR_RETURN(const bool row, find.Step());
      if (!row) break;
      if (const std::string name = find.Text(0); seen.insert(name).second)
        right += wanted.contains(name) ? 1 : 0;
    }
    return static_cast<double>(right) / static_cast<double>(wanted.size());
  }

 private:
  std::unique_ptr<Database> database_;
};

struct HalfScore {
  double stock = 0, stock_stems = 0;  // sums of Recall@5
  double words = 0, fused = 0;
  size_t n = 0;
  size_t in_top = 0, quoted = 0;  // an answer's document among the hits; its quote holds the answer
  size_t with_answer = 0, answer_right = 0;
  std::vector<AnswerSigns> signs;
  std::vector<double> confidences;
};

double RecallOf(const std::vector<Passage>& passages, const std::set<std::string>& wanted) {
  std::set<std::string> found;
  for (const Passage& passage : passages)
    if (wanted.contains(passage.name)) found.insert(passage.name);
  return static_cast<double>(found.size()) / static_cast<double>(wanted.size());
}

double Round4(double value) { return std::round(value * 1e4) / 1e4; }

Json ScoreJson(const HalfScore& score) {
  const auto share = [](double sum, size_t n) {
    return n == 0 ? Json() : Json(Round4(sum / static_cast<double>(n)));
  };
  Json json{{"questions", score.n},
            {"recall_at_5_fts5", share(score.stock, score.n)},
            {"recall_at_5_fts5_porter", share(score.stock_stems, score.n)},
            {"recall_at_5_words", share(score.words, score.n)},
            {"recall_at_5", share(score.fused, score.n)}};
  if (score.with_answer > 0) {
    json["answer_in_quote_where_in_top_5"] = share(static_cast<double>(score.quoted), score.in_top);
    json["answer_right"] = share(static_cast<double>(score.answer_right), score.with_answer);
  }
  if (!score.confidences.empty()) {
    const auto below = std::count_if(score.confidences.begin(), score.confidences.end(),
                                     [](double c) { return c < kAnswerThreshold; });
    json["false_abstentions"] = share(static_cast<double>(below), score.confidences.size());
  }
  return json;
}

Result<Json> Quality(const RetrieveFlags& flags, const Index& index) {
  SOTTO_ASSIGN_OR_RETURN(std::vector<BenchQuestion> questions, ReadBenchQuestions(flags.questions));
  if (!flags.qrels.empty()) SOTTO_RETURN_IF_ERROR(ReadQrels(flags.qrels, questions));
  std::ofstream errors;
  if (!flags.errors.empty()) errors.open(flags.errors);
  SOTTO_ASSIGN_OR_RETURN(StockBm25 stock, StockBm25::Make(index, "unicode61"));
  SOTTO_ASSIGN_OR_RETURN(StockBm25 stock_stems, StockBm25::Make(index, "porter unicode61"));
  HalfScore halves[2];  // even rows: tune; odd rows: held out
  std::vector<double> ms;
  AnswerOptions options;
  ProgressBar progress("asking");
  for (size_t i = 0; i < questions.size(); ++i) {
    const BenchQuestion& question = questions[i];
    HalfScore& score = halves[i % 2];
    SOTTO_ASSIGN_OR_RETURN(const DocumentAnswer answer, AskIndex(index, {question.text, {}, {}}, options));
    ms.push_back(answer.total_ms);
    score.signs.push_back(answer.signs);
    score.confidences.push_back(answer.confidence);
    progress.Update(i + 1, questions.size());
    if (question.documents.empty()) continue;
    ++score.n;
    SOTTO_ASSIGN_OR_RETURN(const FoundPassages words, index.Search({question.text, {}, {}}, {5, true}));
    std::vector<Passage> fused;
    bool in_top = false;
    bool quoted = false;
    for (const Hit& hit : answer.hits) {
      fused.push_back(hit.passage);
      if (!question.documents.contains(hit.passage.name)) continue;
      in_top = true;
      quoted = quoted || HasAnswer(hit.quote, question);
    }
    SOTTO_ASSIGN_OR_RETURN(const double plain, stock.Recall(question.text, question.documents, 5));
    SOTTO_ASSIGN_OR_RETURN(const double stems, stock_stems.Recall(question.text, question.documents, 5));
    score.stock += plain;
    score.stock_stems += stems;
    score.words += RecallOf(words.passages, question.documents);
    const double recall = RecallOf(fused, question.documents);
    score.fused += recall;
    if (question.answers.empty()) continue;
    ++score.with_answer;
    score.in_top += in_top ? 1 : 0;
    score.quoted += quoted ? 1 : 0;
    const bool right = !answer.hits.empty() && HasAnswer(answer.hits[answer.best].quote, question);
    score.answer_right += right ? 1 : 0;
    if (errors && (!in_top || !quoted)) {
      errors << question.text << "\n  wanted " << *question.documents.begin() << ": " << question.answers[0]
             << "\n";
      for (const Hit& hit : answer.hits) errors << "  " << hit.passage.name << ": " << hit.quote << "\n";
    }
  }
  progress.Finish();
  Json report{{"tune", ScoreJson(halves[0])}, {"held_out", ScoreJson(halves[1])}, {"ms", Percentiles(ms)}};
  std::vector<std::array<double, AnswerSigns::kSize>> rows;
  std::vector<bool> outcomes;
  for (const AnswerSigns& signs : halves[0].signs) {
    rows.push_back(signs.Row());
    outcomes.push_back(true);
  }
  size_t n_foreign[2] = {0, 0};
  size_t abstained[2] = {0, 0};
  std::vector<double> foreign_confidences;
  for (const std::string& file : flags.foreign) {
    SOTTO_ASSIGN_OR_RETURN(std::vector<BenchQuestion> foreign, ReadBenchQuestions(file));
    const size_t step = std::max<size_t>(1, foreign.size() / flags.limit);
    size_t n = 0;
    for (size_t i = 0; i < foreign.size(); i += step) {
      SOTTO_ASSIGN_OR_RETURN(const DocumentAnswer answer,
                             AskIndex(index, {foreign[i].text, {}, {}}, options));
      const size_t half = n++ % 2;
      ++n_foreign[half];
      abstained[half] += answer.answered ? 0 : 1;
      if (half == 0) {
        rows.push_back(answer.signs.Row());
        outcomes.push_back(false);
      } else {
        foreign_confidences.push_back(answer.confidence);
      }
      if (errors && answer.confidence > 0.3)
        errors << "foreign " << answer.confidence << ": " << foreign[i].text << "\n  "
               << (answer.hits.empty() ? "" : answer.hits[answer.best].quote) << "\n";
    }
  }
  if (n_foreign[1] > 0) {
    report["foreign_abstained"] = {
        {"tune", Round4(static_cast<double>(abstained[0]) / static_cast<double>(n_foreign[0]))},
        {"held_out", Round4(static_cast<double>(abstained[1]) / static_cast<double>(n_foreign[1]))},
        {"questions", n_foreign[0] + n_foreign[1]}};
    // At the threshold that loses 5 % of the held-out questions.
    std::vector<double> own = halves[1].confidences;
    std::sort(own.begin(), own.end());
    const double threshold = own[static_cast<size_t>(0.05 * static_cast<double>(own.size()))];
    const auto below = std::count_if(foreign_confidences.begin(), foreign_confidences.end(),
                                     [&](double c) { return c < threshold; });
    report["foreign_abstained"]["at_5_percent_false"] =
        Round4(static_cast<double>(below) / static_cast<double>(foreign_confidences.size()));
    report["foreign_abstained"]["threshold_at_5_percent_false"] = Round4(threshold);
  }
  if (flags.fit) {
    // The two sides weigh the same: how often people ask what is foreign is not known.
    std::vector<std::array<double, AnswerSigns::kSize>> even;
    std::vector<bool> even_outcomes;
    const auto own = static_cast<size_t>(std::count(outcomes.begin(), outcomes.end(), true));
    const size_t copies = std::max<size_t>(1, (outcomes.size() - own) / std::max<size_t>(own, 1));
    for (size_t i = 0; i < rows.size(); ++i) {
      for (size_t k = 0; k < (outcomes[i] ? copies : 1); ++k) {
        even.push_back(rows[i]);
        even_outcomes.push_back(outcomes[i]);
      }
    }
    report["weights"] = FitLogistic<AnswerSigns::kSize>(even, even_outcomes, 1.0);
  }
  return report;
}

// Words of no language, as frequent as words are (Zipf), and documents of them about topics.
class GeneratedText {
 public:
  explicit GeneratedText(uint64_t seed) : random_(seed) {
    static constexpr const char* kParts[] = {"ba", "ce", "di", "fo", "gu", "ka",  "le",  "mi",  "no",  "pu",
                                             "ra", "se", "ti", "vo", "zu", "bra", "cle", "dri", "flo", "gru"};
    for (size_t i = 0; i < kWords; ++i) {
      std::string word;
      for (size_t n = i + 20; n > 0; n /= 20) word += kParts[n % 20];
      words_.push_back(word + "x");
    }
  }
  std::string Text(size_t n) {
    const size_t topic = random_() % kTopics;
    std::string text;
    for (size_t i = 0; i < n; ++i) {
      const double u = std::uniform_real_distribution<double>(0, 1)(random_);
      auto word = static_cast<size_t>(std::pow(static_cast<double>(kWords), u)) - 1;
      if (random_() % 3 == 0) word = (topic * 131 + word % 200) % kWords;
      text += words_[word];
      text += i % 14 == 13 ? ". " : " ";
    }
    return text;
  }
  size_t Below(size_t n) { return random_() % n; }

 private:
  static constexpr size_t kWords = 40'000;
  static constexpr size_t kTopics = 400;
  std::mt19937_64 random_;
  std::vector<std::string> words_;
};

// Of this process, all threads, in ms: what a time is on a machine that does other things besides.
double CpuMs() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

Result<Json> Speed(const RetrieveFlags& flags) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("sotto-bench-retrieve-{}", getpid());
  std::filesystem::create_directories(folder);
  const struct Remove {
    const std::filesystem::path& folder;
    ~Remove() {
      std::error_code ignored;
      std::filesystem::remove_all(folder, ignored);
    }
  } remove{folder};
  GeneratedText generated(1);
  std::vector<std::string> questions;
  {
    std::ofstream rows(folder / "rows.jsonl");
    for (size_t i = 0; i < flags.passages; ++i) {
      const std::string text = generated.Text(150 + generated.Below(150));
      rows << Json{{"id", fmt::format("d{}", i)}, {"title", text.substr(0, 24)}, {"text", text}}.dump()
           << "\n";
      if (questions.size() < flags.asked && generated.Below(flags.passages / flags.asked + 1) == 0) {
        const size_t at = text.find(' ', generated.Below(text.size() / 2)) + 1;
        questions.push_back("what does " + text.substr(at, 30 + generated.Below(30)) + " cost");
      }
    }
  }
  IndexOptions options;
  std::optional<ProgressBar> progress;
  std::string shown;
  options.progress = [&](std::string_view stage, size_t done, size_t total) {
    if (shown != stage) progress.emplace(shown = stage);
    progress->Update(done, total);
  };
  const double cpu_before = CpuMs();
  SOTTO_ASSIGN_OR_RETURN(const IndexReport built,
                         BuildIndex(folder / "rows.jsonl", folder / "index", options));
  progress.reset();
  const double build_cpu_s = (CpuMs() - cpu_before) / 1000;
  SOTTO_ASSIGN_OR_RETURN(const auto index, Index::Open(folder / "index"));
  AnswerOptions ask;
  std::vector<double> ms;
  std::vector<double> search_ms;
  std::vector<double> cpu_ms;
  for (size_t round = 0; round < 2; ++round) {
    ms.clear();
    search_ms.clear();
    cpu_ms.clear();
    for (const std::string& question : questions) {
      const double cpu = CpuMs();
      SOTTO_ASSIGN_OR_RETURN(const DocumentAnswer answer, AskIndex(*index, {question, {}, {}}, ask));
      cpu_ms.push_back(CpuMs() - cpu);
      ms.push_back(answer.total_ms);
      search_ms.push_back(answer.search_ms);
    }
  }
  const double seconds = built.read_s + built.learn_s;
  return Json{{"passages", index->n_chunks()},
              {"build_s", Round4(seconds)},
              {"build_cpu_s", Round4(build_cpu_s)},
              {"passages_a_minute", Round4(60 * static_cast<double>(built.chunks) / seconds)},
              {"answer_ms", Percentiles(ms)},
              {"answer_cpu_ms", Percentiles(cpu_ms)},
              {"search_ms", Percentiles(search_ms)}};
}

// How many of the foreign questions have each stem: what `languages/CODE/everyday.tsv` of retrieve/ is made of.
Result<void> CountWords(const RetrieveFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const TermReader reader, TermReader::Create("en"));
  std::map<std::string, size_t> counts;
  size_t n = 0;
  for (const std::string& file : flags.foreign) {
    SOTTO_ASSIGN_OR_RETURN(const std::vector<BenchQuestion> questions, ReadBenchQuestions(file));
    for (const BenchQuestion& question : questions) {
      ++n;
      std::set<std::string> stems;
      for (const Term& term : reader.Terms(question.text)) stems.insert(term.text);
      for (const std::string& stem : stems) ++counts[stem];
    }
  }
  std::ofstream out(flags.count_words);
  out << "*\t" << n << "\n";
  for (const auto& [stem, count] : counts)
    if (count >= kLeastCount && stem.find_first_of("0123456789") == std::string::npos)
      out << stem << "\t" << count << "\n";
  if (!out.flush()) return MakeError(ErrorCode::kIo, "{}: cannot be written", flags.count_words);
  return {};
}

Result<void> BenchRetrieve(const RetrieveFlags& flags) {
  if (!flags.count_words.empty()) return CountWords(flags);
  Json report{{"bench", "retrieve"}, {"commit", kCommit}};
  if (flags.passages > 0) {
    SOTTO_ASSIGN_OR_RETURN(report["speed"], Speed(flags));
  }
  if (!flags.questions.empty()) {
    if (flags.index.empty()) return MakeError(ErrorCode::kInvalidArgument, "--questions needs --index");
    SOTTO_ASSIGN_OR_RETURN(const auto index, Index::Open(flags.index));
    SOTTO_ASSIGN_OR_RETURN(report["quality"], Quality(flags, *index));
  }
  fmt::print("{}\n", report.dump(2));
  return {};
}

}  // namespace

void RegisterBenchRetrieve(CLI::App& bench, CliContext& context) {
  CLI::App* command =
      bench.add_subcommand("retrieve", "Finding and answering in documents: quality and speed");
  auto flags = std::make_shared<RetrieveFlags>();
  command->add_option("--index", flags->index, "An index");
  command->add_option(
      "--questions", flags->questions,
      "JSON lines: {text, documents: [names], answers?: [spellings]}; even rows tune, odd ones are held out");
  command->add_option("--qrels", flags->qrels,
                      "Which documents are right: query-id, corpus-id, score, by tabs");
  command->add_option("--foreign", flags->foreign,
                      "JSON lines of questions that the documents do not answer; several");
  command->add_option("--limit", flags->limit, "Foreign questions a file")->capture_default_str();
  command->add_option("--errors", flags->errors, "Write what went wrong here");
  command->add_option("--passages", flags->passages, "Speed over generated text of so many passages");
  command->add_option("--asked", flags->asked, "Questions for the speed")->capture_default_str();
  command->add_option("--count-words", flags->count_words,
                      "Write how many of the --foreign questions have each stem, and no more");
  command->add_flag("--fit", flags->fit, "Fit the confidence's weights to the tune halves and print them");
  command->footer(
      "Example:\n  sotto bench retrieve --passages 100000\n"
      "  sotto bench retrieve --index policies.index --questions questions.jsonl --foreign other.jsonl");
  command->callback([flags, &context] {
    if (const auto done = BenchRetrieve(*flags); !done) context.Fail(done.error());
  });
}

}  // namespace sotto
