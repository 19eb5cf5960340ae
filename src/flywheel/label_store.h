// What people (and models that were asked) say that turns meant: labels, in the turn store's file. Append-only, as
// the log is: who changes their mind appends another, who takes it back withdraws it; every label has an author, a
// time and a reason. Who may label stands in a file; everybody else is refused.
//
// One thread at a time.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/sqlite.h"
#include "core/tool.h"

namespace sotto {

struct Label {
  int64_t id = 0;
  std::string session;
  int turn = 0;
  std::vector<ToolCall> calls;  // empty: it cannot be told, or nothing that is served
  std::string author;           // "ana", "model:qwen3-1.7b"
  std::string at;               // ISO 8601, UTC
  std::string reason;
  bool sample = false;  // of the random sample that measures
  std::string merged;   // "SESSION/TURN" of the near-duplicate that was looked at; empty: this one was
};

// Names, one a line; "#" begins a comment; "model:*" stands for every model.
class LabelRights {
 public:
  // kNotFound says how to make the file.
  static Result<LabelRights> Read(const std::filesystem::path& path);
  static LabelRights Of(std::set<std::string> names, std::string source) {
    return LabelRights(std::move(names), std::move(source));
  }
  // kInvalidArgument: they may not.
  Result<void> Check(const std::string& author) const;

 private:
  LabelRights(std::set<std::string> names, std::string source)
      : names_(std::move(names)), source_(std::move(source)) {}
  std::set<std::string> names_;
  std::string source_;
};

inline bool IsModelAuthor(std::string_view author) { return author.starts_with("model:"); }

// Labels of one turn, resolved: what people agree on, else what enough models do.
struct ResolvedLabel {
  std::vector<ToolCall> calls;
  std::string author;  // several are joined by "+"
  bool sample = false;
};
struct LabelDisagreement {
  std::string session;
  int turn = 0;
  std::vector<std::pair<std::string, std::string>> said;  // author, calls
};
struct Resolution {
  std::map<std::pair<std::string, int>, ResolvedLabel> labels;
  std::vector<LabelDisagreement> disagreements;  // of people
};

class LabelStore {
 public:
  // In the file of a turn store, which exists (turn_store.h).
  static Result<LabelStore> Open(const std::filesystem::path& turn_store);

  // All or none. kInvalidArgument: no right, no author or reason, no such turn in the store.
  Result<void> Add(const std::vector<Label>& labels, const LabelRights& rights);
  // Takes a label back; its author may, and whoever may label.
  Result<void> Withdraw(int64_t label, const std::string& author, const std::string& reason,
                        const LabelRights& rights);

  // Those that stand: of each author and turn the last one, unless it was withdrawn. In the order of their ids.
  Result<std::vector<Label>> Standing();
  // `least_models`: models that must agree, all that were asked, where no person has labelled. 0: models never
  // decide.
  Result<Resolution> Resolve(size_t least_models);

 private:
  explicit LabelStore(Database database) : database_(std::move(database)) {}
  Database database_;
};

}  // namespace sotto
