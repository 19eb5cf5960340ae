#include "flywheel/clean.h"

#include <algorithm>

#include "base/mapped_file.h"
#include "flywheel/clean_placeholders.h"
#include "flywheel/log_alike.h"
#include "text/normalise.h"

namespace sotto {
namespace {

// Numbers of placeholders say nothing: "<card_1>" and "<card_2>" are one.
std::string WithoutNumbers(std::string_view words) {
  std::string plain;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == '_' && i + 2 < words.size() && words[i + 1] >= '0' && words[i + 1] <= '9') {
      size_t end = i + 1;
      while (end < words.size() && words[end] >= '0' && words[end] <= '9') ++end;
      if (end < words.size() && words[end] == '>') {
        i = end - 1;
        continue;
      }
    }
    plain += words[i];
  }
  return plain;
}

std::string PlainOf(std::string_view words) { return NormaliseSpoken(WithoutNumbers(words)); }

// What a turn adds: its calls without the arguments that they only carry on.
std::string NewOf(const std::vector<ToolCall>& calls, const std::map<std::string, Json>& before) {
  std::string text;
  for (const ToolCall& call : calls) {
    ToolCall fresh{call.name, Json::object()};
    const auto known = before.find(call.name);
    for (const auto& item : call.arguments.items()) {
      if (known != before.end() && known->second.contains(item.key()) &&
          SameValue(known->second[item.key()], item.value()))
        continue;
      fresh.arguments[item.key()] = item.value();
    }
    text += (text.empty() ? "" : "; ") + ToString(fresh);
  }
  return WithoutNumbers(text);
}

// Whether no words are left but placeholders of names that the calls are not about.
bool NamesOnly(const TurnRecord& record) {
  std::string calls = CallsText(CallsOf(record));
  for (const std::string_view word : SplitWords(WordsOf(record))) {
    const std::string_view name = PlaceholderIn(word);
    if (!name.starts_with("name_") || calls.find(word) != std::string::npos) return false;
  }
  return true;
}

struct Kept {
  ProvenTurn judged;
  std::string key;   // its words and state
  std::string adds;  // NewOf its calls
};

class Cleaner {
 public:
  Cleaner(const LogView& log, const Workflow& workflow, const CleanOptions& options)
      : log_(log), workflow_(workflow), options_(options) {}

  Cleaned Run() {
    std::vector<std::vector<Kept>> sessions;
    for (size_t s = 0; s < log_.sessions.size(); ++s) {
      sessions.push_back(JudgeSession(log_.sessions[s]));
      if (options_.progress) options_.progress(s + 1, 2 * log_.sessions.size());
    }
    FindConflicts(sessions);
    for (size_t s = 0; s < sessions.size(); ++s) {
      RowsOf(log_.sessions[s], sessions[s]);
      if (options_.progress) options_.progress(sessions.size() + s + 1, 2 * sessions.size());
    }
    DropDuplicates();
    FillAndCheck();
    return std::move(out_);
  }

 private:
  std::vector<Kept> JudgeSession(const std::vector<StoredTurn>& session) {
    std::vector<Kept> turns;
    std::map<std::string, Json> before;                             // by tool, what its last call says
    std::map<std::string, std::map<std::string, Json>> first_time;  // the same, before words were said first
    for (ProvenTurn& judged : JudgeTurns(session, workflow_, options_.evidence)) {
      Kept one;
      const TurnRecord& record = judged.turn->record;
      if (judged.proof != Proof::kNone && NamesOnly(record)) {
        judged.proof = Proof::kNone;
        judged.dropped = "nothing but a name";
      }
      one.key = PlainOf(WordsOf(record)) + "\n" + StateText(record.expectation);
      // Said again, the same words add what they added the first time.
      one.adds = NewOf(judged.calls, first_time.try_emplace(one.key, before).first->second);
      for (const ToolCall& call : judged.calls) before[call.name] = call.arguments;
      one.judged = std::move(judged);
      turns.push_back(std::move(one));
    }
    return turns;
  }

  void FindConflicts(std::vector<std::vector<Kept>>& sessions) {
    std::map<std::string, std::map<std::string, std::vector<Kept*>>> said;  // key -> adds -> turns
    for (auto& session : sessions)
      for (Kept& turn : session)
        if (turn.judged.proof != Proof::kNone) said[turn.key][turn.adds].push_back(&turn);
    for (auto& [key, sides] : said) {
      if (sides.size() < 2) continue;
      CleanConflict conflict;
      conflict.words = key.substr(0, key.find('\n'));
      conflict.state = key.substr(key.find('\n') + 1);
      const std::string* by_person = nullptr;
      bool persons_agree = true;
      for (const auto& [adds, turns] : sides) {
        CleanConflict::Side side;
        side.calls = adds;
        side.count = turns.size();
        side.session = turns.front()->judged.turn->record.session;
        side.turn = turns.front()->judged.turn->record.turn;
        for (const Kept* turn : turns) {
          if (turn->judged.proof != Proof::kPerson) continue;
          side.author = turn->judged.author;
          persons_agree = persons_agree && (by_person == nullptr || *by_person == adds);
          by_person = &adds;
        }
        conflict.sides.push_back(std::move(side));
      }
      for (auto& [adds, turns] : sides) {
        if (by_person != nullptr && persons_agree && adds == *by_person) continue;
        for (Kept* turn : turns) {
          turn->judged.proof = Proof::kNone;
          turn->judged.dropped = "conflict";
          turn->judged.question = by_person == nullptr || !persons_agree;
        }
      }
      out_.conflicts.push_back(std::move(conflict));
    }
  }

  void RowsOf(const std::vector<StoredTurn>& session, std::vector<Kept>& turns) {
    CleanRow row;
    const auto finish = [&] {
      if (!row.turns.empty()) candidates_.push_back(std::move(row));
      row = {};
    };
    for (Kept& turn : turns) {
      ++out_.turns;
      ProvenTurn& judged = turn.judged;
      const TurnRecord& record = judged.turn->record;
      if (judged.question) out_.questions.push_back({record.session, record.turn, judged.dropped});
      if (judged.proof == Proof::kNone) {
        ++out_.dropped[judged.dropped];
        finish();
        continue;
      }
      if (row.turns.empty()) BeginRow(session, record, row);
      row.labelled.conversation.turns.push_back({WordsOf(record), record.expectation, judged.calls});
      row.turns.push_back(record.turn);
      row.proofs.push_back(judged.proof);
      if (!judged.author.empty()) row.authors.push_back(judged.author);
      if (record.understood && !record.understood->model.empty() &&
          std::find(row.models.begin(), row.models.end(), record.understood->model) == row.models.end())
        row.models.push_back(record.understood->model);
    }
    finish();
  }

  static void BeginRow(const std::vector<StoredTurn>& session, const TurnRecord& record, CleanRow& row) {
    row.session = record.session;
    row.at = record.at;
    row.workflow_hash = record.workflow_hash;
    Conversation& conversation = row.labelled.conversation;
    conversation.channel = record.channel == "text" ? Channel::kTyped : Channel::kSpoken;
    // The day that the dialogue went by; of others' logs that of the clock.
    std::string day = record.at.substr(0, std::min<size_t>(10, record.at.size()));
    for (const StoredTurn& turn : session) {
      for (const Json& event : turn.record.events)
        if (const LoggedEvent one = EventOf(event); one.type == "day") day = one.name;
      if (turn.record.turn == record.turn) break;
    }
    conversation.today = ParseDate(day);
  }

  // The first of those that say the same stays, and knows how many they were.
  void DropDuplicates() {
    std::map<std::string, std::vector<size_t>> alike;  // calls and states of all turns -> rows
    std::map<std::string, size_t> exact;
    for (CleanRow& row : candidates_) {
      std::string words, calls;
      for (const Turn& turn : row.labelled.conversation.turns) {
        words += PlainOf(turn.user) + "\n";
        calls += StateText(turn.expectation) + "|" + CallsText(turn.calls) + "\n";
      }
      if (const auto same = exact.find(words + calls); same != exact.end()) {
        Merge(row, same->second, "duplicate");
        continue;
      }
      TextPieces pieces(words);
      std::vector<size_t>& others = alike[calls];
      const auto near = std::find_if(others.begin(), others.end(), [&](size_t other) {
        return pieces_[other].Likeness(pieces) >= options_.near;
      });
      if (near != others.end()) {
        Merge(row, *near, "near duplicate");
        continue;
      }
      exact[words + calls] = rows_.size();
      others.push_back(rows_.size());
      pieces_.push_back(std::move(pieces));
      rows_.push_back(std::move(row));
    }
  }

  void Merge(const CleanRow& row, size_t into, const char* why) {
    rows_[into].same += 1;
    out_.dropped[why] += row.turns.size();
  }

  void FillAndCheck() {
    for (CleanRow& row : rows_) {
      Conversation& conversation = row.labelled.conversation;
      row.filled = FillPlaceholders(conversation, workflow_, conversation.channel == Channel::kSpoken,
                                    fmt::format("{}/{}", row.session, row.turns.front()));
      if (options_.evidence.why_invalid) {
        if (const auto why = options_.evidence.why_invalid(conversation)) {
          Refuse(row, *why);
          continue;
        }
      }
      for (const Proof proof : row.proofs) ++out_.kept[std::string(ProofName(proof))];
      out_.rows.push_back(std::move(row));
    }
  }

  // A run with a turn that cannot be learnt from: what stands before it stays.
  void Refuse(CleanRow& row, const std::string& why) {
    Conversation& conversation = row.labelled.conversation;
    Conversation head = conversation;
    head.turns.clear();
    size_t good = 0;
    for (; good < conversation.turns.size(); ++good) {
      head.turns.push_back(conversation.turns[good]);
      if (options_.evidence.why_invalid(head)) break;
    }
    const size_t all = row.turns.size();
    const bool not_said = why.find("never said") != std::string::npos;
    out_.dropped[not_said ? "not said in what is kept" : "not of this workflow"] += all - good;
    for (size_t i = good; i < all; ++i)
      out_.questions.push_back({row.session, row.turns[i], not_said ? "not said" : "not of this workflow"});
    if (good == 0) return;
    conversation.turns.resize(good);
    row.turns.resize(good);
    row.proofs.resize(good);
    for (const Proof proof : row.proofs) ++out_.kept[std::string(ProofName(proof))];
    out_.rows.push_back(std::move(row));
  }

  const LogView& log_;
  const Workflow& workflow_;
  const CleanOptions& options_;
  Cleaned out_;
  std::vector<CleanRow> candidates_, rows_;
  std::vector<TextPieces> pieces_;  // of each of rows_
};

std::string LineOfClean(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

Cleaned CleanLog(const LogView& log, const Workflow& workflow, const CleanOptions& options) {
  return Cleaner(log, workflow, options).Run();
}

Json ToJson(const CleanRow& row) {
  Json json = ToJson(row.labelled);
  Json proofs = Json::array();
  for (const Proof proof : row.proofs) proofs.push_back(ProofName(proof));
  json["provenance"] = {{"session", row.session}, {"turns", row.turns}, {"proof", std::move(proofs)},
                        {"authors", row.authors}, {"at", row.at},       {"workflow_hash", row.workflow_hash},
                        {"models", row.models},   {"same", row.same},   {"placeholders_filled", row.filled}};
  return json;
}

Json SummaryOf(const Cleaned& cleaned) {
  Json kept = Json::object();
  for (const auto& [proof, count] : cleaned.kept) kept[proof] = count;
  Json dropped = Json::object();
  for (const auto& [why, count] : cleaned.dropped) dropped[why] = count;
  return {{"turns", cleaned.turns},
          {"rows", cleaned.rows.size()},
          {"kept", std::move(kept)},
          {"dropped", std::move(dropped)},
          {"conflicts", cleaned.conflicts.size()},
          {"questions", cleaned.questions.size()}};
}

Result<void> WriteCleaned(const Cleaned& cleaned, const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return MakeError(ErrorCode::kIo, "{}: {}", folder.string(), error.message());
  std::string rows, conflicts, questions;
  for (const CleanRow& row : cleaned.rows) rows += LineOfClean(ToJson(row));
  for (const CleanConflict& conflict : cleaned.conflicts) {
    Json sides = Json::array();
    for (const CleanConflict::Side& side : conflict.sides) {
      Json one{{"calls", side.calls}, {"count", side.count}, {"session", side.session}, {"turn", side.turn}};
      if (!side.author.empty()) one["author"] = side.author;
      sides.push_back(std::move(one));
    }
    conflicts +=
        LineOfClean({{"words", conflict.words}, {"state", conflict.state}, {"sides", std::move(sides)}});
  }
  for (const CleanQuestion& question : cleaned.questions)
    questions += LineOfClean({{"session", question.session}, {"turn", question.turn}, {"why", question.why}});
  SOTTO_RETURN_IF_ERROR(WriteFileAtomically(folder / "labelled.jsonl", rows));
  SOTTO_RETURN_IF_ERROR(WriteFileAtomically(folder / "conflicts.jsonl", conflicts));
  SOTTO_RETURN_IF_ERROR(WriteFileAtomically(folder / "questions.jsonl", questions));
  return WriteFileAtomically(folder / "summary.json", SummaryOf(cleaned).dump(2) + "\n");
}

}  // namespace sotto
