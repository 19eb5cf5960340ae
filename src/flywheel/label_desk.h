// Where people say what turns meant, whether they sit at a terminal or at the page: what an answer to an item of the
// queue means, taking the last one back, how far labellers agree. Both keep labels in the same store by the same
// rules (label_store.h).
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "flywheel/flywheel_input.h"
#include "flywheel/label_queue.h"

namespace sotto {

struct ChosenLabel {
  std::vector<ToolCall> calls;  // empty: it cannot be told
  std::string reason;           // as it is kept, where nobody gives one
};
// "2": the item's second candidate; "n": nothing that is served; "?": it cannot be told; else calls as they are
// written: "tool(argument=value); tool()". kInvalidArgument says what is wrong with it.
Result<ChosenLabel> ChooseLabel(const LabelItem& item, std::string_view answer, const Workflow& workflow);

// Takes back what `author` said with `last` and nobody withdrew since; how many.
Result<size_t> TakeBack(LabelStore& store, const std::vector<Label>& last, const std::string& author,
                        const LabelRights& rights);

// {"turns", "calls": {"alpha", "pairs": [{"a", "b", "turns", "same", "kappa"}]}, "tools": {...}, "differ": [...]}
Json AgreementJson(const std::vector<Label>& standing, const std::vector<LabelDisagreement>& disagreements);

// A queue that several people work on at once. Any thread; reading the log anew blocks.
class LabelDesk {
 public:
  struct Options {
    FlywheelInputOptions input;
    QueueOptions queue;
    std::filesystem::path registry =
        {};  // whose `people` decide (people.h); empty or no file: see rights_file
    // Names, one a line; not there: whoever the caller lets in may label.
    std::filesystem::path rights_file = {};
    std::string nobody =
        {};  // a name that stands for whoever comes without one: may only label where a file says so
  };

  LabelDesk(std::shared_ptr<const Workflow> workflow, Options options)
      : workflow_(std::move(workflow)), options_(std::move(options)) {}

  const Workflow& workflow() const { return *workflow_; }

  struct Page {
    std::vector<LabelItem> items;                      // the most worthwhile first
    size_t waiting = 0;                                // items, of which `items` are the first
    size_t labelled = 0;                               // turns that `author` has labelled
    std::vector<std::vector<std::string>> like_words;  // of each of items: the words of LabelItem::like
  };
  // What waits for `author`; `anew`: the log is read again. kInvalidArgument: they may not label.
  Result<Page> Next(const std::string& author, size_t most, bool anew);

  // One of what Next() gave. kInvalidArgument: they may not label; kNotFound: it does not wait for them (any more).
  Result<LabelItem> Waiting(const std::string& author, const std::string& session, int turn);

  struct Answer {
    std::string session;
    int turn = 0;
    std::string answer;  // of ChooseLabel
    std::string reason;  // empty: ChosenLabel's
    // Near-duplicates that it is not for.
    std::vector<std::pair<std::string, int>> without;
  };
  // The turns that have the label now. kNotFound: the item does not wait for them any more.
  Result<std::vector<Label>> Give(const std::string& author, const Answer& answer);
  // The last one of theirs since this desk was opened; how many labels.
  Result<size_t> Undo(const std::string& author);
  Result<Json> Agreement();

 private:
  Result<LabelRights> RightsOf(const std::string& author) const;
  Result<void> Read();
  std::vector<LabelItem> QueueFor(const std::string& author) const;
  // REQUIRES: mutex_ is held.
  Result<std::vector<LabelItem>::iterator> Find(const std::string& author, const std::string& session,
                                                int turn);

  const std::shared_ptr<const Workflow> workflow_;
  const Options options_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::unique_ptr<FlywheelInput> input_;
  Cleaned cleaned_;
  std::map<std::string, std::vector<LabelItem>> queues_;  // by author
  std::map<std::string, std::vector<Label>> last_;
};

}  // namespace sotto
