// sotto ask: a question, and the sentences of an index that answer it (retrieve/answer.h).
#include <iostream>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/text_input.h"
#include "retrieve/answer.h"

namespace sotto {
namespace {

struct AskFlags {
  std::vector<std::string> questions;
  std::vector<std::string> context;
  std::string index;
  Query query;
  AnswerOptions options;
  bool json = false;
};

void Print(const Answer& answer, bool json) {
  if (json) {
    fmt::print("{}\n", ToJson(answer).dump(-1, ' ', false, Json::error_handler_t::replace));
    return;
  }
  if (answer.answered) {
    const Hit& hit = answer.hits[answer.best];
    fmt::print("{}\n  [{}] confidence {:.2f}\n", answer.text, ToString(hit.citation), answer.confidence);
  } else {
    fmt::print("The documents do not answer that (confidence {:.2f}, needed {:.2f}).\n", answer.confidence,
               answer.threshold);
  }
  for (size_t i = 0; i < answer.hits.size(); ++i)
    fmt::print("  {}. {}: {}\n", i + 1, ToString(answer.hits[i].citation), answer.hits[i].quote);
}

Result<void> Ask(AskFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto index, Index::Open(flags.index));
  for (const std::string& line : flags.context) flags.query.context += CleanText(line, "--context") + "\n";
  const auto ask = [&](const std::string& question) -> Result<void> {
    Query query = flags.query;
    query.text = question;
    SOTTO_ASSIGN_OR_RETURN(const Answer answer, AskIndex(*index, query, flags.options));
    Print(answer, flags.json);
    return {};
  };
  for (const std::string& question : flags.questions)
    SOTTO_RETURN_IF_ERROR(ask(CleanText(question, "argument QUESTION")));
  if (!flags.questions.empty()) return {};
  std::string line;
  for (int number = 0; NextLine(std::cin, "standard input", number, line);) SOTTO_RETURN_IF_ERROR(ask(line));
  return {};
}

}  // namespace

void RegisterAsk(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("ask", "Ask an index: the sentences that answer, and where they stand");
  auto flags = std::make_shared<AskFlags>();
  command->add_option("questions", flags->questions, "Questions; without any, the lines of standard input");
  command->add_option("--index", flags->index, "What `sotto index build` made")->required()->envname("SOTTO_INDEX");
  command->add_option("--k", flags->options.k, "Passages")->check(CLI::Range(1, 100))->capture_default_str();
  command->add_option("--context", flags->context, "What was asked before, for questions like \"and for savings?\"");
  command->add_option("--group", flags->query.groups, "A group of who asks: sees what is for it; several");
  command->add_option("--threshold", flags->options.threshold, "Confidence below which nothing is answered")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "Answer, citations and hits as JSON, one object a question");
  command->footer(
      "Example:\n  sotto ask \"what does a stop payment cost\" --index policies.index\n"
      "  sotto ask \"and for savings?\" --context \"what is the monthly fee of checking\" --index policies.index --json");
  command->callback([flags, &context] {
    if (const auto done = Ask(*flags); !done) context.Fail(done.error());
  });
}

}  // namespace sotto
