// sotto summarise: notes of calls from their turn records, and the gist of a text.
#include <algorithm>
#include <map>

#include "base/mapped_file.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "core/turn_log.h"
#include "specialist/call_summary.h"
#include "specialist/extractive.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

struct SummariseFlags {
  std::string file;
  std::string form;
  std::string workflow;
  std::string session;
  int sentences = 3;
  bool check = false;
  bool json = false;
};

Result<void> SummariseText(const SummariseFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(flags.file));
  for (const ExtractedSentence& one : ExtractSentences(CleanUtf8(text), static_cast<size_t>(flags.sentences)))
    fmt::print("{}\n", one.text);
  return {};
}

Result<void> SummariseCalls(const SummariseFlags& flags) {
  std::shared_ptr<const Workflow> workflow;
  if (!flags.workflow.empty()) {
    SOTTO_ASSIGN_OR_RETURN(workflow, LoadWorkflow(flags.workflow));
  }
  NoteForm form = NoteForm::Default();
  if (!flags.form.empty()) {
    SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(flags.form));
    SOTTO_ASSIGN_OR_RETURN(form, NoteForm::Parse(text, flags.form));
  }
  std::vector<std::string> errors;
  SOTTO_ASSIGN_OR_RETURN(const std::vector<TurnRecord> records, ReadTurnRecords(flags.file, &errors));
  for (const std::string& error : errors) fmt::print(stderr, "{} (left out)\n", error);
  std::vector<std::string> order;
  std::map<std::string, std::vector<TurnRecord>> sessions;
  for (const TurnRecord& record : records) {
    auto [found, fresh] = sessions.try_emplace(record.session);
    if (fresh) order.push_back(record.session);
    found->second.push_back(record);
  }
  size_t calls = 0;
  size_t wrong = 0;
  bool first = true;
  for (const std::string& session : order) {
    if (!flags.session.empty() && session != flags.session) continue;
    std::vector<TurnRecord>& of_call = sessions[session];
    std::ranges::stable_sort(of_call, {}, &TurnRecord::turn);
    ++calls;
    const std::string note = form.Write(FactsOf(of_call), workflow.get());
    if (flags.json) {
      fmt::print("{}\n", Json{{"session", session}, {"note", note}}.dump());
    } else if (!flags.check) {
      fmt::print("{}{}", first ? "" : "\n", note);
      first = false;
    }
    if (!flags.check) continue;
    const std::vector<std::string> problems = CheckNote(note, of_call);
    wrong += !problems.empty();
    for (const std::string& problem : problems) fmt::print("{}: {}\n", session, problem);
  }
  if (calls == 0) {
    return MakeError(ErrorCode::kNotFound, "{}: no call{}{}", flags.file, flags.session.empty() ? "" : " ",
                     flags.session);
  }
  if (flags.check) {
    fmt::print("{} notes, {} of them with something that is not in the record\n", calls, wrong);
    if (wrong > 0) return MakeError(ErrorCode::kCorrupt, "{}: a note says what no record does", flags.file);
  }
  return {};
}

Result<void> Summarise(const SummariseFlags& flags) {
  return flags.file.ends_with(".txt") ? SummariseText(flags) : SummariseCalls(flags);
}

}  // namespace

void RegisterSummarise(CLI::App& app, CliContext& context) {
  CLI::App* command =
      app.add_subcommand("summarise", "The note after a call, from its turn records; the gist of a text");
  auto flags = std::make_shared<SummariseFlags>();
  command->add_option("file", flags->file, "Turn records (JSON lines), or a text (.txt)")->required();
  command->add_option("--form", flags->form,
                      "The note's form; by default a built-in one (docs/formats/call_note.md)");
  command->add_option("--workflow", flags->workflow, "For what its tools and values are called");
  command->add_option("--session", flags->session, "One call only");
  command->add_option("--sentences", flags->sentences, "Of a text")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_flag("--check", flags->check,
                    "Look for every number, name and outcome of the notes in the records");
  command->add_flag("--json", flags->json, "One JSON object a call");
  command->footer(
      "Examples:\n  sotto summarise turns.jsonl --workflow workflows/banking\n"
      "  sotto summarise turns.jsonl --form crm.txt --session 5f0c2a7e\n  sotto summarise letter.txt "
      "--sentences 2");
  command->callback([flags, &context] {
    if (const auto done = Summarise(*flags); !done) context.Fail(done.error());
  });
}

}  // namespace sotto
