#include "flywheel/label_desk.h"

#include <algorithm>
#include <charconv>

#include "dialogue/script.h"
#include "dialogue/slot_value.h"
#include "flywheel/label_agreement.h"
#include "flywheel/people.h"

namespace sotto {
namespace {

// What redaction has put in a value's place.
bool IsPlaceholder(const Json& value) {
  if (!value.is_string()) return false;
  const std::string& text = value.get_ref<const std::string&>();
  return text.size() > 2 && text.front() == '<' && text.back() == '>';
}

// Values that no caller can have meant would only poison what is learnt.
Result<void> CheckValues(const ToolCall& call, const Workflow& workflow) {
  const ToolDef* tool = workflow.FindTool(call.name);
  if (tool == nullptr) return {};
  for (const auto& [name, value] : call.arguments.items()) {
    const Slot* slot = tool->FindSlot(name);
    if (slot == nullptr || IsPlaceholder(value)) continue;
    const auto fit = FitValue(slot->entity, value);
    if (const auto* misfit = std::get_if<Misfit>(&fit))
      return MakeError(ErrorCode::kInvalidArgument, "{}({}={}): no value of that slot ({})", call.name, name,
                       value.is_string() ? value.get<std::string>() : value.dump(), misfit->message);
  }
  return {};
}

Result<std::vector<ToolCall>> WrittenCalls(std::string_view text, const Workflow& workflow) {
  std::vector<ToolCall> calls;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(';', begin), text.size());
    SOTTO_ASSIGN_OR_RETURN(Understanding::Call call, ParseCall(text.substr(begin, end - begin), workflow));
    SOTTO_RETURN_IF_ERROR(CheckValues(call.call, workflow));
    calls.push_back(std::move(call.call));
    begin = end + 1;
  }
  if (calls.empty())
    return MakeError(ErrorCode::kInvalidArgument, "no call, such as {}()", workflow.tools.front().name);
  return calls;
}

Json PairsOf(const Agreement& agreement) {
  const auto number = [](const std::optional<double>& value) { return value ? Json(*value) : Json(); };
  Json pairs = Json::array();
  for (const Agreement::Pair& pair : agreement.pairs)
    pairs.push_back({{"a", pair.a},
                     {"b", pair.b},
                     {"turns", pair.items},
                     {"same", pair.same},
                     {"kappa", number(pair.kappa)}});
  return {{"alpha", number(agreement.alpha)}, {"pairs", std::move(pairs)}};
}

bool SameTurn(const Label& label, const LabelItem& item) {
  return label.session == item.session && label.turn == item.turn;
}

}  // namespace

Result<ChosenLabel> ChooseLabel(const LabelItem& item, std::string_view answer, const Workflow& workflow) {
  if (answer == "n") return ChosenLabel{{{workflow.unclear_tool, Json::object()}}, "nothing that is served"};
  if (answer == "?") return ChosenLabel{{}, "cannot be told"};
  size_t number = 0;
  const auto [end, error] = std::from_chars(answer.data(), answer.data() + answer.size(), number);
  if (error == std::errc() && end == answer.data() + answer.size()) {
    if (number < 1 || number > item.candidates.size())
      return MakeError(ErrorCode::kInvalidArgument, "{} is no candidate; there are {}", number,
                       item.candidates.size());
    const LabelCandidate& candidate = item.candidates[number - 1];
    return ChosenLabel{candidate.calls, "chosen: " + candidate.from};
  }
  if (answer.find('(') == std::string_view::npos)
    return MakeError(ErrorCode::kInvalidArgument,
                     "'{}' is no answer: a candidate's number, n, ? or a call such as {}()", answer,
                     workflow.tools.front().name);
  SOTTO_ASSIGN_OR_RETURN(std::vector<ToolCall> calls, WrittenCalls(answer, workflow));
  return ChosenLabel{std::move(calls), "typed"};
}

Result<size_t> TakeBack(LabelStore& store, const std::vector<Label>& last, const std::string& author,
                        const LabelRights& rights) {
  SOTTO_ASSIGN_OR_RETURN(const std::vector<Label> standing, store.Standing());
  size_t taken = 0;
  for (const Label& label : standing) {
    const bool mine = label.author == author && std::any_of(last.begin(), last.end(), [&](const Label& one) {
                        return one.session == label.session && one.turn == label.turn;
                      });
    if (!mine) continue;
    SOTTO_RETURN_IF_ERROR(store.Withdraw(label.id, author, "undone", rights));
    ++taken;
  }
  return taken;
}

Json AgreementJson(const std::vector<Label>& standing, const std::vector<LabelDisagreement>& disagreements) {
  const Agreement calls = AgreementOf(standing, false);
  Json differ = Json::array();
  for (const LabelDisagreement& one : disagreements) {
    Json said = Json::array();
    for (const auto& [author, what] : one.said) said.push_back({{"author", author}, {"calls", what}});
    differ.push_back({{"session", one.session}, {"turn", one.turn}, {"said", std::move(said)}});
  }
  return {{"turns", calls.items},
          {"calls", PairsOf(calls)},
          {"tools", PairsOf(AgreementOf(standing, true))},
          {"differ", std::move(differ)}};
}

Result<LabelRights> LabelDesk::RightsOf(const std::string& author) const {
  std::error_code error;
  if (!options_.registry.empty() && People::Written(options_.registry)) {
    SOTTO_ASSIGN_OR_RETURN(const People people, People::Of(options_.registry));
    return LabelRights::Of(people.With(Right::kLabel), people.source());
  }
  if (!options_.rights_file.empty() && std::filesystem::exists(options_.rights_file, error))
    return LabelRights::Read(options_.rights_file);
  if (author == options_.nobody)
    return MakeError(ErrorCode::kInvalidArgument,
                     "'{}' may not label: a label has an author (a key: `sotto keys add NAME --scope label`)",
                     author);
  return LabelRights::Of({author}, "the keys of this server");
}

Result<void> LabelDesk::Read() {
  SOTTO_ASSIGN_OR_RETURN(input_, FlywheelInput::Open(workflow_, options_.input));
  cleaned_ = input_->Clean();
  queues_.clear();
  return {};
}

std::vector<LabelItem> LabelDesk::QueueFor(const std::string& author) const {
  QueueOptions options = options_.queue;
  options.author = author;
  return BuildQueue(input_->log, cleaned_, input_->standing, options);
}

Result<LabelDesk::Page> LabelDesk::Next(const std::string& author, size_t most, bool anew) {
  const std::lock_guard lock(mutex_);
  SOTTO_ASSIGN_OR_RETURN(const LabelRights rights, RightsOf(author));
  SOTTO_RETURN_IF_ERROR(rights.Check(author));
  if (anew || input_ == nullptr) SOTTO_RETURN_IF_ERROR(Read());
  const auto [found, fresh] = queues_.try_emplace(author);
  if (fresh) found->second = QueueFor(author);
  Page page;
  page.waiting = found->second.size();
  page.items.assign(found->second.begin(),
                    found->second.begin() + static_cast<ptrdiff_t>(std::min(most, page.waiting)));
  SOTTO_ASSIGN_OR_RETURN(LabelStore store, LabelStore::Open(options_.input.store));
  SOTTO_ASSIGN_OR_RETURN(const std::vector<Label> standing, store.Standing());
  page.labelled = static_cast<size_t>(std::count_if(
      standing.begin(), standing.end(), [&](const Label& label) { return label.author == author; }));
  std::map<std::pair<std::string, int>, std::string> words;
  for (const auto& session : input_->log.sessions)
    for (const StoredTurn& turn : session)
      words[{turn.record.session, turn.record.turn}] = WordsOf(turn.record);
  for (const LabelItem& item : page.items) {
    std::vector<std::string>& like = page.like_words.emplace_back();
    for (const auto& name : item.like) like.push_back(words[name]);
  }
  return page;
}

Result<std::vector<LabelItem>::iterator> LabelDesk::Find(const std::string& author,
                                                         const std::string& session, int turn) {
  std::vector<LabelItem>& queue = queues_[author];
  const auto item = std::find_if(queue.begin(), queue.end(), [&](const LabelItem& one) {
    return one.session == session && one.turn == turn;
  });
  if (item == queue.end())
    return MakeError(ErrorCode::kNotFound, "turn {} of session {} does not wait for {}", turn, session,
                     author);
  return item;
}

Result<LabelItem> LabelDesk::Waiting(const std::string& author, const std::string& session, int turn) {
  const std::lock_guard lock(mutex_);
  SOTTO_ASSIGN_OR_RETURN(const LabelRights rights, RightsOf(author));
  SOTTO_RETURN_IF_ERROR(rights.Check(author));
  SOTTO_ASSIGN_OR_RETURN(const auto item, Find(author, session, turn));
  return *item;
}

Result<std::vector<Label>> LabelDesk::Give(const std::string& author, const Answer& answer) {
  const std::lock_guard lock(mutex_);
  SOTTO_ASSIGN_OR_RETURN(const LabelRights rights, RightsOf(author));
  SOTTO_RETURN_IF_ERROR(rights.Check(author));
  SOTTO_ASSIGN_OR_RETURN(const auto item, Find(author, answer.session, answer.turn));
  SOTTO_ASSIGN_OR_RETURN(const ChosenLabel chosen, ChooseLabel(*item, answer.answer, *workflow_));
  LabelItem merged = *item;
  std::erase_if(merged.like, [&](const auto& name) {
    return std::find(answer.without.begin(), answer.without.end(), name) != answer.without.end();
  });
  const std::vector<Label> labels =
      LabelsOf(merged, chosen.calls, author, answer.reason.empty() ? chosen.reason : answer.reason);
  SOTTO_ASSIGN_OR_RETURN(LabelStore store, LabelStore::Open(options_.input.store));
  SOTTO_RETURN_IF_ERROR(store.Add(labels, rights));
  last_[author] = labels;
  queues_[author].erase(item);
  return labels;
}

Result<size_t> LabelDesk::Undo(const std::string& author) {
  const std::lock_guard lock(mutex_);
  SOTTO_ASSIGN_OR_RETURN(const LabelRights rights, RightsOf(author));
  SOTTO_ASSIGN_OR_RETURN(LabelStore store, LabelStore::Open(options_.input.store));
  const std::vector<Label> last = std::exchange(last_[author], {});
  if (last.empty()) return size_t{0};
  SOTTO_ASSIGN_OR_RETURN(const size_t taken, TakeBack(store, last, author, rights));
  // It waits again, before everything else.
  if (input_ != nullptr) {
    std::vector<LabelItem> again = QueueFor(author);
    std::vector<LabelItem>& queue = queues_[author];
    const auto back = std::find_if(again.begin(), again.end(),
                                   [&](const LabelItem& item) { return SameTurn(last.front(), item); });
    if (back != again.end()) queue.insert(queue.begin(), std::move(*back));
  }
  return taken;
}

Result<Json> LabelDesk::Agreement() {
  SOTTO_ASSIGN_OR_RETURN(LabelStore store, LabelStore::Open(options_.input.store));
  SOTTO_ASSIGN_OR_RETURN(const std::vector<Label> standing, store.Standing());
  SOTTO_ASSIGN_OR_RETURN(const Resolution resolution, store.Resolve(options_.input.least_models));
  return AgreementJson(standing, resolution.disagreements);
}

}  // namespace sotto
