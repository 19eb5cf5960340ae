// sotto label: what turns meant, by people: the queue in the terminal, files for those who work elsewhere, how far
// they agree.
#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/flywheel_command.h"
#include "cli/flywheel_input.h"
#include "cli/label_sound.h"
#include "cli/label_votes.h"
#include "cli/text_input.h"
#include "flywheel/label_agreement.h"
#include "flywheel/label_desk.h"
#include "flywheel/people.h"

namespace sotto {
namespace {

struct LabelFlags {
  FlywheelFlags input;
  std::string rights;
  std::string registry;
  std::string author;
  QueueOptions queue;
  std::string recordings;
  std::string export_to, import_from;
  VoteFlags votes;
  bool agreement = false;
  bool json = false;
};

// A file that is named, the people of the registry, or the file beside the store.
Result<LabelRights> RightsToLabel(const LabelFlags& flags) {
  if (flags.rights.empty() && People::Written(flags.registry)) {
    SOTTO_ASSIGN_OR_RETURN(const People people, People::Of(flags.registry));
    return LabelRights::Of(people.With(Right::kLabel), people.source());
  }
  return LabelRights::Read(
      flags.rights.empty() ? (std::filesystem::path(flags.input.store).parent_path() / "labellers").string()
                           : flags.rights);
}

// `sound`: what of it can be heard (LabelSound); empty: nothing.
void ShowItem(const LabelItem& item, const std::string& sound, size_t number, size_t all) {
  fmt::print("\n[{}/{}] {} ({}{})  worth {:.2f}\n", number, all, item.why, item.session.substr(0, 8),
             item.sample ? ", sample" : "", item.worth);
  for (const std::string& line : item.context) fmt::print("    {}\n", line);
  if (!item.state.empty()) fmt::print("    (waiting for: {})\n", item.state);
  fmt::print("  > {}\n", item.words);
  if (item.count > 1) fmt::print("    and {} turns like it\n", item.count - 1);
  if (!sound.empty()) fmt::print("    h  hear it ({})\n", sound);
  for (size_t i = 0; i < item.candidates.size(); ++i)
    fmt::print("  {}  {:<60} {:.2f}  {}\n", i + 1, CallsText(item.candidates[i].calls),
               item.candidates[i].confidence, item.candidates[i].from);
  fmt::print(
      "  n  nothing that is served   ?  cannot be told   e  type the call   s  skip   u  undo   q  end\n");
}

class LabelTerminal {
 public:
  LabelTerminal(const Workflow& workflow, LabelStore& store, const LabelRights& rights,
                const LabelSound& sound, std::string author)
      : workflow_(workflow), store_(store), rights_(rights), sound_(sound), author_(std::move(author)) {}

  Result<void> Run(const std::vector<LabelItem>& items) {
    for (size_t i = 0; i < items.size(); ++i) {
      ShowItem(items[i], sound_.Says(items[i]), i + 1, items.size());
      while (true) {
        fmt::print("label> ");
        std::fflush(stdout);
        std::string answer;
        if (!NextLine(std::cin, "standard input", line_, answer) || answer == "q") return Finish();
        SOTTO_ASSIGN_OR_RETURN(const bool next, Answer(items[i], answer));
        if (next) break;
      }
    }
    return Finish();
  }

 private:
  Result<void> Finish() {
    fmt::print("{} turns labelled\n", n_);
    return {};
  }

  // Whether the item is dealt with.
  Result<bool> Answer(const LabelItem& item, const std::string& answer) {
    if (answer == "s") return true;
    if (answer == "u") return Undo();
    if (answer == "h") return Hear(item);
    std::string typed = answer;
    if (answer == "e") {
      fmt::print("call> ");
      std::fflush(stdout);
      if (!NextLine(std::cin, "standard input", line_, typed)) return true;
    }
    auto chosen = ChooseLabel(item, typed, workflow_);
    if (!chosen) {
      fmt::print("  {}\n", chosen.error().message);
      return false;
    }
    const std::vector<Label> labels = LabelsOf(item, chosen->calls, author_, chosen->reason);
    SOTTO_RETURN_IF_ERROR(store_.Add(labels, rights_));
    n_ += labels.size();
    last_ = labels;
    return true;
  }

  bool Hear(const LabelItem& item) const {
    if (sound_.Says(item).empty()) {
      fmt::print("  it was not recorded\n");
    } else {
      sound_.Play(item);
    }
    return false;
  }

  // Takes back what was said of the item before.
  Result<bool> Undo() {
    SOTTO_ASSIGN_OR_RETURN(const size_t taken, TakeBack(store_, last_, author_, rights_));
    n_ -= std::min(n_, taken);
    fmt::print("  {} labels taken back\n", taken);
    last_.clear();
    return false;
  }

  const Workflow& workflow_;
  LabelStore& store_;
  const LabelRights& rights_;
  const LabelSound& sound_;
  const std::string author_;
  std::vector<Label> last_;
  size_t n_ = 0;
  int line_ = 0;
};

void PrintAgreement(const char* what, const Agreement& agreement) {
  const auto number = [](const std::optional<double>& value) {
    return value ? fmt::format("{:.3f}", *value) : std::string("-");
  };
  fmt::print("{}: {} turns labelled by several, Krippendorff's alpha {}\n", what, agreement.items,
             number(agreement.alpha));
  for (const Agreement::Pair& pair : agreement.pairs)
    fmt::print("  {} and {}: {} of {} the same, Cohen's kappa {}\n", pair.a, pair.b, pair.same, pair.items,
               number(pair.kappa));
}

Result<void> ShowAgreement(const FlywheelInput& input) {
  PrintAgreement("calls", AgreementOf(input.standing, false));
  PrintAgreement("tools", AgreementOf(input.standing, true));
  for (const LabelDisagreement& one : input.labels.disagreements) {
    fmt::print("  differ: {}/{}\n", one.session, one.turn);
    for (const auto& [author, calls] : one.said) fmt::print("    {:<20} {}\n", author, calls);
  }
  return {};
}

Result<bool> ImportLabels(const LabelFlags& flags, LabelStore& store, const LabelRights& rights) {
  std::vector<std::string> listed;
  SOTTO_ASSIGN_OR_RETURN(const std::vector<Label> labels,
                         ReadLabels(flags.import_from, flags.author, listed));
  // Who was there before is not said again.
  SOTTO_ASSIGN_OR_RETURN(const std::vector<Label> standing, store.Standing());
  std::vector<Label> fresh;
  size_t refused = 0;
  for (const Label& label : labels) {
    const bool known = std::any_of(standing.begin(), standing.end(), [&](const Label& other) {
      return other.session == label.session && other.turn == label.turn && other.author == label.author &&
             CallsText(other.calls) == CallsText(label.calls);
    });
    if (known) continue;
    if (const auto may = rights.Check(label.author); !may) {
      listed.push_back(
          fmt::format("{}: {}/{}: {}", flags.import_from, label.session, label.turn, may.error().message));
      ++refused;
      continue;
    }
    fresh.push_back(label);
  }
  SOTTO_RETURN_IF_ERROR(store.Add(fresh, rights));
  PrintListed(listed);
  fmt::print("{}: {} labels, {} new, {} refused\n", flags.import_from, labels.size(), fresh.size(), refused);
  return listed.empty();
}

// False: something was listed.
Result<bool> RunLabel(LabelFlags flags) {
  if (flags.author.empty()) flags.author = LoginName();
  SOTTO_ASSIGN_OR_RETURN(const auto input, OpenFlywheelInput(flags.input));
  if (flags.agreement) {
    SOTTO_RETURN_IF_ERROR(ShowAgreement(*input));
    return true;
  }
  SOTTO_ASSIGN_OR_RETURN(LabelStore store, LabelStore::Open(flags.input.store));
  std::optional<LabelRights> rights;
  if (flags.export_to.empty() && !flags.json) {
    SOTTO_ASSIGN_OR_RETURN(rights, RightsToLabel(flags));
  }
  if (!flags.import_from.empty()) return ImportLabels(flags, store, *rights);
  const Cleaned cleaned = CleanWithProgress(*input);
  const bool asks = flags.export_to.empty() && !flags.json && !flags.votes.asked();
  if (asks) flags.queue.author = flags.author;
  const std::vector<LabelItem> items = BuildQueue(input->log, cleaned, input->standing, flags.queue);
  if (flags.json) {
    for (const LabelItem& item : items) fmt::print("{}\n", ToJson(item).dump());
    return true;
  }
  if (!flags.export_to.empty()) {
    SOTTO_RETURN_IF_ERROR(WriteQueue(items, flags.export_to));
    fmt::print("{}: {} items\n", flags.export_to, items.size());
    return true;
  }
  if (flags.votes.asked()) {
    SOTTO_ASSIGN_OR_RETURN(const std::vector<Label> votes, Votes(flags.votes, *input, items));
    SOTTO_RETURN_IF_ERROR(store.Add(votes, *rights));
    fmt::print("{} votes\n", votes.size());
    return true;
  }
  SOTTO_RETURN_IF_ERROR(rights->Check(flags.author));
  SOTTO_ASSIGN_OR_RETURN(const LabelSound sound, LabelSound::Open(flags.recordings));
  SOTTO_RETURN_IF_ERROR(LabelTerminal(*input->workflow, store, *rights, sound, flags.author).Run(items));
  return true;
}

}  // namespace

void RegisterLabel(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("label", "Say what turns meant: the queue, in this terminal");
  auto flags = std::make_shared<LabelFlags>();
  flags->input.AddTo(*command);
  command->add_option(
      "--labellers", flags->rights,
      "File that names who may label, one a line (model:* for models); default: those with the right to in "
      "the registry's people, else labellers beside the store");
  AddRegistryOption(*command, flags->registry);
  command->add_option("--as", flags->author, "Who labels; default: this login");
  command->add_option("--most", flags->queue.most, "Items")->capture_default_str();
  command->add_option("--sample", flags->queue.sample,
                      "So many turns by lot instead of the queue: what accuracy is measured on");
  command->add_option("--seed", flags->queue.seed, "Of the lot")->capture_default_str();
  command
      ->add_option(
          "--second-opinion", flags->queue.second,
          "Of what one other person labelled, this share is asked again: agreement is measured on it")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--recordings", flags->recordings,
                      "Folder of recordings of `sotto serve`: h plays a turn (aplay)");
  command->add_option("--export", flags->export_to,
                      "Write the items to this file, to be filled in elsewhere");
  command->add_option("--import", flags->import_from, "Take labels from such a file");
  command->add_flag("--agreement", flags->agreement, "How far labellers agree, and where they differ");
  command->add_flag("--json", flags->json, "Print the items instead of asking");
  flags->votes.AddTo(*command);
  command->footer(
      "Labels are kept in the store with author, time and reason, and never changed.\nExample:\n"
      "  echo ana > labellers\n"
      "  sotto label --workflow workflows/banking --store turns.sqlite --as ana --recordings recordings\n"
      "  sotto label --workflow workflows/banking --store turns.sqlite --export queue.jsonl\n"
      "  sotto label --workflow workflows/banking --store turns.sqlite --vote-model "
      "workflows/banking/model.gguf");
  command->callback([flags, &context] {
    if (auto result = RunLabel(*flags); !result) {
      context.Fail(result.error());
    } else if (!*result) {
      context.exit_code = 1;
    }
  });
}

}  // namespace sotto
