#include "flywheel/label_queue.h"

#include <algorithm>
#include <set>

#include "base/hash.h"
#include "base/mapped_file.h"
#include "flywheel/log_alike.h"
#include "text/normalise.h"

namespace sotto {
namespace {

constexpr size_t kContextTurns = 4;
constexpr size_t kMostCandidates = 4;
constexpr double kLeastLike = 0.3;

using TurnName = std::pair<std::string, int>;

struct Waiting {
  LabelItem item;
  TextPieces pieces;
};

class QueueBuilder {
 public:
  QueueBuilder(const LogView& log, const Cleaned& cleaned, const std::vector<Label>& labels,
               const QueueOptions& options)
      : log_(log), cleaned_(cleaned), options_(options) {
    for (const Label& label : labels) {
      const TurnName name{label.session, label.turn};
      if (IsModelAuthor(label.author)) {
        votes_[name].push_back(&label);
      } else {
        if (label.merged.empty() && label.author != options.author) ++others_[name];
        if (label.author == options.author) mine_.insert(name);
        labelled_.insert(name);
      }
    }
    for (const CleanQuestion& question : cleaned.questions)
      questions_[{question.session, question.turn}] = question.why;
  }

  std::vector<LabelItem> Run() {
    if (options_.sample > 0) DrawSample();
    for (const auto& session : log_.sessions)
      for (size_t i = 0; i < session.size(); ++i) Take(session, i);
    std::vector<LabelItem> items;
    for (Waiting& waiting : waiting_) {
      LabelItem& item = waiting.item;
      item.worth = item.uncertainty * static_cast<double>(item.count) * item.cost;
      items.push_back(std::move(item));
    }
    std::stable_sort(items.begin(), items.end(),
                     [](const LabelItem& a, const LabelItem& b) { return a.worth > b.worth; });
    if (items.size() > options_.most && options_.sample == 0) items.resize(options_.most);
    for (LabelItem& item : items) AddLike(item);
    return items;
  }

 private:
  // The turns whose hashes are the least: the same for the same seed, whatever is added later.
  void DrawSample() {
    std::vector<std::pair<uint64_t, TurnName>> lots;
    for (const auto& session : log_.sessions)
      for (const StoredTurn& turn : session)
        if (HasWords(turn.record))
          lots.emplace_back(
              Fnv1a(fmt::format("{}/{}/{}", options_.seed, turn.record.session, turn.record.turn)),
              TurnName{turn.record.session, turn.record.turn});
    const size_t n = std::min(options_.sample, lots.size());
    std::partial_sort(lots.begin(), lots.begin() + static_cast<ptrdiff_t>(n), lots.end());
    for (size_t i = 0; i < n; ++i) drawn_.insert(lots[i].second);
  }

  void Take(const std::vector<StoredTurn>& session, size_t i) {
    const TurnRecord& record = session[i].record;
    const TurnName name{record.session, record.turn};
    if (!HasWords(record)) return;
    const bool again = AskedAgain(name);
    if (labelled_.contains(name) && !again) return;
    const bool drawn = drawn_.contains(name);
    const auto question = questions_.find(name);
    if (!again && (options_.sample > 0 ? !drawn : question == questions_.end())) return;
    LabelItem item;
    item.session = record.session;
    item.turn = record.turn;
    item.words = WordsOf(record);
    item.state = StateText(record.expectation);
    item.why = again ? "second opinion" : drawn ? "sample" : question->second;
    item.sample = drawn;
    item.audio = session[i].audio;
    item.at = record.at;
    item.speech_start_ms = record.times.speech_start;
    item.speech_end_ms = record.times.speech_end;
    item.uncertainty = Uncertainty(record);
    item.cost = 1 + options_.usd_cost * CostOf(record);
    const bool handed_off =
        std::any_of(session.begin() + static_cast<ptrdiff_t>(i), session.end(),
                    [](const auto& turn) { return turn.record.outcome == TurnRecord::Outcome::kEscalated; });
    if (handed_off) item.cost += options_.hand_off_cost;
    TextPieces pieces(NormaliseSpoken(item.words));
    // What measures is not merged: each turn of the sample counts.
    if (!drawn && !again) {
      for (const size_t other : by_state_[item.state]) {
        Waiting& there = waiting_[other];
        if (there.pieces.Likeness(pieces) < options_.near) continue;
        there.item.like.push_back(name);
        ++there.item.count;
        there.item.cost = std::max(there.item.cost, item.cost);
        there.item.uncertainty = std::max(there.item.uncertainty, item.uncertainty);
        return;
      }
    }
    const size_t first = i > kContextTurns ? i - kContextTurns : 0;
    for (size_t k = first; k < i; ++k) {
      if (HasWords(session[k].record)) item.context.push_back("caller: " + WordsOf(session[k].record));
      if (!session[k].record.reply.text.empty())
        item.context.push_back("assistant: " + session[k].record.reply.text);
    }
    if (const auto calls = CallsOf(record); !calls.empty())
      item.candidates.push_back({calls, ConfidenceOf(record), "understood"});
    if (const auto votes = votes_.find(name); votes != votes_.end())
      for (const Label* vote : votes->second) item.candidates.push_back({vote->calls, 0.5, vote->author});
    if (!again) by_state_[item.state].push_back(waiting_.size());
    waiting_.push_back({std::move(item), std::move(pieces)});
  }

  // Whether one other person labelled it and the lot falls on it: how far people agree is measured on these.
  bool AskedAgain(const TurnName& name) const {
    if (options_.author.empty() || options_.sample > 0 || mine_.contains(name)) return false;
    const auto others = others_.find(name);
    if (others == others_.end() || others->second != 1) return false;
    constexpr uint64_t kLots = 10000;
    return Fnv1a(fmt::format("again/{}/{}/{}", options_.seed, name.first, name.second)) % kLots <
           static_cast<uint64_t>(options_.second * kLots);
  }

  static double Uncertainty(const TurnRecord& record) {
    // What was understood with p is wrong with 1 - p; a half is as unsure as it gets.
    const double p = ConfidenceOf(record);
    const bool lost = record.outcome == TurnRecord::Outcome::kNotUnderstood ||
                      record.outcome == TurnRecord::Outcome::kEscalated;
    return lost ? 1 : std::clamp(1 - p, 0.02, 1.0);
  }

  // What like words were proven to mean in the same state.
  void AddLike(LabelItem& item) {
    if (proven_.empty()) ReadProven();
    const TextPieces pieces(NormaliseSpoken(item.words));
    std::vector<LabelCandidate> like;
    for (const Proven& proven : proven_) {
      const double likeness = proven.pieces.Likeness(pieces);
      if (likeness < kLeastLike) continue;
      like.push_back(
          {proven.turn->calls, likeness, fmt::format("like {}/{}", proven.session, proven.number)});
    }
    std::stable_sort(like.begin(), like.end(),
                     [](const auto& a, const auto& b) { return a.confidence > b.confidence; });
    for (LabelCandidate& candidate : like) {
      if (item.candidates.size() >= kMostCandidates) break;
      const auto same = std::any_of(
          item.candidates.begin(), item.candidates.end(),
          [&](const LabelCandidate& other) { return CallsText(other.calls) == CallsText(candidate.calls); });
      if (!same) item.candidates.push_back(std::move(candidate));
    }
    std::stable_sort(item.candidates.begin(), item.candidates.end(),
                     [](const auto& a, const auto& b) { return a.confidence > b.confidence; });
  }

  void ReadProven() {
    for (const CleanRow& row : cleaned_.rows)
      for (size_t t = 0; t < row.turns.size(); ++t)
        proven_.push_back({&row.labelled.conversation.turns[t],
                           TextPieces(NormaliseSpoken(row.labelled.conversation.turns[t].user)), row.session,
                           row.turns[t]});
  }

  struct Proven {
    const Turn* turn;
    TextPieces pieces;
    std::string session;
    int number;
  };

  const LogView& log_;
  const Cleaned& cleaned_;
  const QueueOptions& options_;
  std::set<TurnName> labelled_, mine_, drawn_;
  std::map<TurnName, int> others_;  // people but the author who labelled it itself
  std::map<TurnName, std::vector<const Label*>> votes_;
  std::map<TurnName, std::string> questions_;
  std::vector<Waiting> waiting_;
  std::map<std::string, std::vector<size_t>> by_state_;
  std::vector<Proven> proven_;
};

Json CallsList(const std::vector<ToolCall>& calls) {
  Json list = Json::array();
  for (const ToolCall& call : calls) list.push_back(ToJson(call));
  return list;
}

std::string NameOfTurn(const std::string& session, int turn) { return fmt::format("{}/{}", session, turn); }

Result<std::vector<ToolCall>> CallsOfLabel(const Json& json) {
  std::vector<ToolCall> calls;
  for (const Json& one : json.is_array() ? json : Json::array({json})) {
    SOTTO_ASSIGN_OR_RETURN(ToolCall call, ToolCallFromJson(one));
    calls.push_back(std::move(call));
  }
  return calls;
}

// The rows of a file that come with a label.
Result<void> ReadLabelRow(const Json& row, const std::string& author, std::vector<Label>& labels) {
  if (!row.is_object()) return MakeError(ErrorCode::kInvalidArgument, "no JSON object");
  if (!row.contains("label") || row["label"].is_null()) return {};
  LabelItem item;
  for (const char* key : {"session", "reason"})
    if (!row.contains(key) || !row[key].is_string() || row[key].get_ref<const std::string&>().empty())
      return MakeError(ErrorCode::kInvalidArgument, "{} is missing", key);
  item.session = row["session"].get<std::string>();
  if (!row.contains("turn") || !row["turn"].is_number_integer())
    return MakeError(ErrorCode::kInvalidArgument, "turn is missing");
  item.turn = row["turn"].get<int>();
  item.sample = row.contains("sample") && row["sample"] == true;
  if (row.contains("like") && row["like"].is_array()) {
    for (const Json& like : row["like"]) {
      if (!like.is_array() || like.size() != 2 || !like[0].is_string() || !like[1].is_number_integer())
        return MakeError(ErrorCode::kInvalidArgument, "like is not a list of [session, turn]");
      item.like.emplace_back(like[0].get<std::string>(), like[1].get<int>());
    }
  }
  SOTTO_ASSIGN_OR_RETURN(const std::vector<ToolCall> calls, CallsOfLabel(row["label"]));
  const std::string by =
      row.contains("author") && row["author"].is_string() ? row["author"].get<std::string>() : author;
  for (Label& label : LabelsOf(item, calls, by, row["reason"].get<std::string>()))
    labels.push_back(std::move(label));
  return {};
}

}  // namespace

std::vector<LabelItem> BuildQueue(const LogView& log, const Cleaned& cleaned,
                                  const std::vector<Label>& labels, const QueueOptions& options) {
  return QueueBuilder(log, cleaned, labels, options).Run();
}

Json ToJson(const LabelItem& item) {
  Json candidates = Json::array();
  for (const LabelCandidate& candidate : item.candidates)
    candidates.push_back({{"calls", CallsList(candidate.calls)},
                          {"confidence", candidate.confidence},
                          {"from", candidate.from}});
  Json like = Json::array();
  for (const auto& [session, turn] : item.like) like.push_back(Json::array({session, turn}));
  return {{"session", item.session},
          {"turn", item.turn},
          {"words", item.words},
          {"state", item.state},
          {"why", item.why},
          {"context", item.context},
          {"candidates", std::move(candidates)},
          {"count", item.count},
          {"worth", item.worth},
          {"sample", item.sample},
          {"like", std::move(like)},
          {"label", nullptr},
          {"author", nullptr},
          {"reason", ""}};
}

std::vector<Label> LabelsOf(const LabelItem& item, const std::vector<ToolCall>& calls,
                            const std::string& author, const std::string& reason) {
  Label label;
  label.session = item.session;
  label.turn = item.turn;
  label.calls = calls;
  label.author = author;
  label.reason = reason;
  label.sample = item.sample;
  std::vector<Label> labels{label};
  label.merged = NameOfTurn(item.session, item.turn);
  for (const auto& [session, turn] : item.like) {
    label.session = session;
    label.turn = turn;
    labels.push_back(label);
  }
  return labels;
}

Result<void> WriteQueue(const std::vector<LabelItem>& items, const std::filesystem::path& path) {
  std::string text;
  for (const LabelItem& item : items)
    text += ToJson(item).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  return WriteFileAtomically(path, text);
}

Result<std::vector<Label>> ReadLabels(const std::filesystem::path& path, const std::string& author,
                                      std::vector<std::string>& listed) {
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  std::vector<Label> labels;
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line(text.data() + begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto row = ParseJson(line, "row");
    const Result<void> read =
        row ? ReadLabelRow(*row, author, labels) : MakeError(ErrorCode::kCorrupt, "not valid JSON");
    if (!read) listed.push_back(fmt::format("{}:{}: {}", path.string(), number, read.error().message));
  }
  return labels;
}

}  // namespace sotto
