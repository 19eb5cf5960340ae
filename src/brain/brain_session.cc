// One conversation with a brain: what each utterance means, and what words alone add to that or take away.
#include <algorithm>
#include <cmath>
#include <optional>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "brain/brain.h"
#include "brain/brain_impl.h"
#include "brain/call_text.h"
#include "brain/paired_calls.h"
#include "brain/plain_answer.h"
#include "brain/slm_next_token.h"
#include "brain/unheeded.h"
#include "text/consent.h"
#include "text/dates.h"
#include "text/denied_values.h"
#include "text/normalise.h"
#include "text/speech_act.h"

namespace sotto {
namespace {

constexpr double kSureEnough = 0.9;      // below: the other hypotheses are read too
constexpr double kAcousticWeight = 0.1;  // of a hypothesis' log score against the log confidence
constexpr size_t kMaxHypotheses = 5;
constexpr double kReadsInstead = 0.2;  // probability of a tool that reads, beside one that acts on a question

// The first `max_words` words of `text`, in its own spelling.
std::string CutWords(std::string_view text, int max_words) {
  bool inside = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool space = text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r';
    if (!space && !inside && max_words-- == 0) return std::string(text.substr(0, i));
    inside = !space;
  }
  return std::string(text);
}

}  // namespace

// One conversation's state between calls.
struct BrainSession::Impl {
  std::shared_ptr<const Brain> brain;
  KvCache cache;
  Brain::Impl::Offer tools;         // never null once begun
  std::vector<ToolSpec> own_tools;  // the conversation's, where it has some
  std::vector<Turn> history;
  Channel channel = Channel::kTyped;
  Expectation expectation;  // with the next utterance
  CallDay day;
  std::vector<TokenId> before;  // everything before the utterance
  // The tokens of a turn of the history, and which of the tools it called were offered when they were made.
  struct PastTurn {
    std::vector<TokenId> tokens;
    std::vector<bool> offered;
  };
  std::vector<PastTurn> past;  // of the first turns of `history`
  std::string partial;
  bool list_controls = false;  // the prompt names the control tools
  bool begun = false;
  ConfidenceFeatures features;  // of the last understanding by the model
  const std::vector<ToolCall>* script = nullptr;

  const Brain::Impl& shared() const { return brain->impl(); }

  Result<void> SetTools(const Conversation& conversation, std::span<const std::string> names);
  void SetHistory(const std::vector<Turn>& turns, const CallDay& on);
  // Of history[i], for as long as nothing of this is called again.
  const std::vector<TokenId>& TokensOfPast(const ChatSetup& setup, size_t i);
  Result<void> BuildPrompt();
  // What the partial means, worked out ahead of the end of the turn.
  struct Speculation {
    std::string text;
    Understanding understanding;
    ConfidenceFeatures features;
  };
  std::optional<Speculation> speculation;
  std::vector<TokenId> draft;  // of the last understanding's calls, with the end token

  Result<Understanding> Understand(std::string_view utterance);
  Result<void> Speculate();
  Result<Understanding> Best(const std::string& utterance);
  ReadBack LastReadBack() const;
  std::optional<Answer> AnswerIn(std::string_view utterance) const;
  Brain::Impl::Offer ToolsFor(std::optional<Answer> answer) const;
  bool ActsOnAQuestion(const DecodedTurn& turn, std::string_view utterance) const;
  void Complete(Understanding& understanding, std::string_view utterance, std::optional<Answer> answer) const;
  std::vector<OfferedTool> WithoutDenied(const DecodedTurn& turn, std::string_view utterance,
                                         std::vector<OfferedTool> offered) const;
  void PairCalls(const Grounding& grounding, Understanding& understanding) const;
  void AddUnheeded(std::string_view utterance, const Grounding& grounding, Understanding::Call& call) const;
  Understanding Unclear(std::string_view utterance) const;
  Understanding ByRule(Understanding::Call call, std::string_view utterance) const;
  ConfidenceFeatures FeaturesOf(const DecodedTurn& turn, const Grounding& grounding) const;
};

Result<void> BrainSession::Impl::SetTools(const Conversation& conversation,
                                          std::span<const std::string> names) {
  if (!own_tools.empty() || !conversation.tools.empty()) past.clear();  // they may be others than last time
  own_tools = conversation.tools;
  list_controls = list_controls || std::any_of(names.begin(), names.end(),
                                               [](const std::string& name) { return IsControlTool(name); });
  if (own_tools.empty()) {
    SOTTO_ASSIGN_OR_RETURN(tools, shared().OfferOf(names));
    return {};
  }
  SOTTO_ASSIGN_OR_RETURN(auto made, MakeOfferedTools(shared().Named(own_tools, names), *shared().workflow,
                                                     shared().options.grounding));
  tools = std::make_shared<const std::vector<OfferedTool>>(std::move(made));
  return {};
}

// What was said before is made into tokens once, for as long as it stays what was said.
void BrainSession::Impl::SetHistory(const std::vector<Turn>& turns, const CallDay& on) {
  const auto same = [](const Turn& a, const Turn& b) {
    return a.user == b.user && a.expectation == b.expectation &&
           std::equal(a.calls.begin(), a.calls.end(), b.calls.begin(), b.calls.end(),
                      [](const ToolCall& one, const ToolCall& other) {
                        return one.name == other.name && one.arguments == other.arguments;
                      });
  };
  size_t n = 0;
  if (on.today == day.today && on.day_first == day.day_first) {
    while (n < std::min({past.size(), history.size(), turns.size()}) && same(history[n], turns[n])) ++n;
  }
  past.resize(std::min(past.size(), n));
  history = turns;
  day = on;
}

const std::vector<TokenId>& BrainSession::Impl::TokensOfPast(const ChatSetup& setup, size_t i) {
  std::vector<bool> offered;
  for (const ToolCall& call : history[i].calls)
    offered.push_back(std::any_of(tools->begin(), tools->end(),
                                  [&](const OfferedTool& tool) { return tool.name == call.name; }));
  if (i < past.size() && past[i].offered == offered) return past[i].tokens;
  Turn turn = history[i];
  turn.calls = CallsInWordsSaid(std::span(history).first(i + 1), *tools, day);
  past.resize(std::max(past.size(), i + 1));
  past[i] = {shared().form->PastTurn(setup, i == 0, turn, *tools), std::move(offered)};
  return past[i].tokens;
}

Result<void> BrainSession::Impl::BuildPrompt() {
  const PromptForm& form = *shared().form;
  // The prompt lists all tools, whatever this state offers: the prefix must not change from turn to turn.
  Brain::Impl::Listing own;
  if (!own_tools.empty()) own = shared().ListingOf(own_tools, list_controls);
  const auto& [setup, prefix] = own_tools.empty() ? shared().listings[list_controls] : own;
  const std::vector<TokenId> opening = form.Opening(setup, history.empty(), expectation);
  size_t size = prefix.size() + opening.size();
  for (size_t i = 0; i < history.size(); ++i) size += TokensOfPast(setup, i).size();
  // The oldest turns are forgotten where the context is too short; what was said in them still grounds
  // values.
  const auto limit =
      static_cast<size_t>(std::max(shared().model->config().n_ctx - Brain::Impl::kReservedTokens, 1));
  size_t first = 0;
  while (first < history.size() && size > limit) size -= past[first++].tokens.size();
  before = prefix;
  for (size_t i = first; i < history.size(); ++i)
    before.insert(before.end(), past[i].tokens.begin(), past[i].tokens.end());
  before.insert(before.end(), opening.begin(), opening.end());
  if (!cache.valid() || cache.CommonPrefix(prefix) < static_cast<int>(prefix.size())) {
    SOTTO_ASSIGN_OR_RETURN(cache, shared().PrefixCache(prefix));
  }
  SOTTO_RETURN_IF_ERROR(SyncCache(*shared().engine, cache, before));
  return {};
}

// What stands to be agreed to, as far as the calls tell: the tool of the last ones, or the expected one, with
// their arguments. The dialogue, which knows, judges again.
ReadBack BrainSession::Impl::LastReadBack() const {
  std::string tool = expectation.tool;
  ReadBack back;
  for (auto turn = history.rbegin(); turn != history.rend(); ++turn) {
    for (auto call = turn->calls.rbegin(); call != turn->calls.rend(); ++call) {
      if (!shared().tool_words.contains(call->name)) continue;
      if (tool.empty()) tool = call->name;
      if (call->name != tool) continue;
      for (const auto& [name, value] : call->arguments.items()) {
        if (!back.slots.contains(name)) back.slots[name] = value;
      }
    }
  }
  const auto words = shared().tool_words.find(tool);
  if (words != shared().tool_words.end()) back.words = &words->second;
  return back;
}

// How the words answer what stands to be agreed to; nothing where a yes is not offered or not grounded.
std::optional<Answer> BrainSession::Impl::AnswerIn(std::string_view utterance) const {
  const bool offered = std::any_of(tools->begin(), tools->end(),
                                   [](const OfferedTool& tool) { return tool.name == control::kAffirm; });
  if (!offered || !shared().options.grounding) return std::nullopt;
  return JudgeAnswer(*shared().workflow->language_data, utterance, LastReadBack()).answer;
}

// Nobody is taken to have said yes whose words say something else. A perhaps may be meant as one.
Brain::Impl::Offer BrainSession::Impl::ToolsFor(std::optional<Answer> answer) const {
  if (!answer || answer == Answer::kYes || answer == Answer::kUnsure) return tools;
  auto offered = std::make_shared<std::vector<OfferedTool>>(*tools);
  std::erase_if(*offered, [](const OfferedTool& tool) { return tool.name == control::kAffirm; });
  return offered;
}

bool BrainSession::Impl::ActsOnAQuestion(const DecodedTurn& turn, std::string_view utterance) const {
  const bool acts = std::any_of(turn.calls.begin(), turn.calls.end(), [&](const DecodedCall& decoded) {
    return shared().acting.contains(decoded.call.name) && decoded.call.name != expectation.tool;
  });
  if (!acts) return false;
  const SpeechAct act = JudgeRequest(*shared().workflow->language_data, utterance).act;
  return act == SpeechAct::kQuestion || act == SpeechAct::kHypothetical;
}

Understanding BrainSession::Impl::Unclear(std::string_view utterance) const {
  return ByRule({ToolCall{shared().workflow->unclear_tool, Json::object()}, 1.0, {}}, utterance);
}

Understanding BrainSession::Impl::ByRule(Understanding::Call call, std::string_view utterance) const {
  Understanding understanding;
  understanding.calls.push_back(std::move(call));
  understanding.confidence = 1.0;
  understanding.transcript = utterance;
  understanding.made_by = MadeBy::kRule;
  return understanding;
}

ConfidenceFeatures BrainSession::Impl::FeaturesOf(const DecodedTurn& turn, const Grounding& grounding) const {
  ConfidenceFeatures made;
  made.name_log_prob = turn.calls.front().name_log_prob;
  made.min_log_prob = turn.min_log_prob;
  made.total_log_prob = turn.log_prob;
  made.min_margin = turn.min_margin;
  made.unclear = turn.calls.front().call.name == shared().workflow->unclear_tool;
  made.words = static_cast<double>(SplitWords(grounding.normalised()).size());
  return made;
}

Result<Understanding> BrainSession::Impl::Understand(std::string_view utterance) {
  const SystemClock clock;
  const TimePoint start = clock.Now();
  const std::string cut = CutWords(utterance, shared().options.max_words);
  const LanguageData& language = *shared().workflow->language_data;
  const Grounding grounding(language, history, cut, channel, day);
  if (grounding.normalised().empty()) return Unclear(utterance);
  const std::optional<Answer> answer = AnswerIn(cut);
  if (script == nullptr && shared().options.grounding) {
    if (auto call = PlainAnswer(language, expectation, *tools, history, cut, channel))
      return ByRule(*std::move(call), utterance);
    // A sentence that agrees to what was read back and says nothing else is a yes, whatever the model makes
    // of it.
    if (answer == Answer::kYes && expectation.kind == Expectation::Kind::kConfirm)
      return ByRule({ToolCall{control::kAffirm, Json::object()}, 1.0, {}}, utterance);
  }

  const PromptForm& form = *shared().form;
  std::vector<TokenId> prompt = before;
  for (const auto& part : {form.Utterance(cut), form.Close()}) {
    prompt.insert(prompt.end(), part.begin(), part.end());
  }
  SlmNextToken model(*shared().engine, cache, prompt, std::move(draft));
  draft.clear();
  const SchemaValueDecoder decode_schema_value = [this](ChoiceWriter& writer,
                                                        const OfferedArgument& argument) {
    return shared().schema_values->Decode(writer, argument);
  };
  CallDecoderOptions options;
  options.forced = script;
  const Brain::Impl::Offer offered = ToolsFor(answer);
  auto turn = DecodeCalls(model, *offered, grounding, form.frame(), decode_schema_value, options);
  if (turn && script == nullptr && ActsOnAQuestion(*turn, cut)) {
    // "Is my bill paid": a tool that reads may answer it.
    std::vector<OfferedTool> reading = *offered;
    std::erase_if(reading, [&](const OfferedTool& tool) { return shared().acting.contains(tool.name); });
    SlmNextToken again(*shared().engine, cache, prompt, {});
    auto read = DecodeCalls(again, reading, grounding, form.frame(), decode_schema_value, options);
    if (read && shared().tool_words.contains(read->calls.front().call.name) &&
        std::exp(read->calls.front().name_log_prob) >= kReadsInstead) {
      turn = std::move(read);
    }
  }
  if (turn && script == nullptr && shared().options.grounding) {
    // "I want to replace it, not cancel it": what else was meant.
    if (std::vector<OfferedTool> others = WithoutDenied(*turn, cut, *offered);
        others.size() < offered->size()) {
      SlmNextToken again(*shared().engine, cache, prompt, {});
      turn = DecodeCalls(again, others, grounding, form.frame(), decode_schema_value, options);
    }
  }
  if (!turn) {
    if (turn.error().code != ErrorCode::kOutOfRange) return tl::unexpected<Error>(std::move(turn).error());
    Log().warn("not understood: {}", turn.error().message);
    return Unclear(utterance);
  }

  Understanding understanding;
  understanding.transcript = utterance;
  understanding.model = shared().model->id();
  features = FeaturesOf(*turn, grounding);
  understanding.confidence = shared().calibration.Apply(features);
  for (DecodedCall& decoded : turn->calls) {
    Understanding::Call call{std::move(decoded.call), understanding.confidence, {}};
    if (script == nullptr && shared().options.grounding)
      TakeWhatWasAnswered(language, expectation, *tools, cut, channel, day, call.call);
    if (turn->calls.size() > 1) call.confidence = std::exp(decoded.log_prob);
    call.unfit = std::move(decoded.unfit);
    for (const auto& [name, log_prob] : decoded.argument_log_probs)
      call.arguments.emplace_back(name, std::exp(log_prob));
    if (script == nullptr && shared().options.grounding) AddUnheeded(cut, grounding, call);
    understanding.calls.push_back(std::move(call));
  }
  if (script == nullptr && shared().options.grounding) PairCalls(grounding, understanding);
  if (script == nullptr && shared().options.grounding && expectation.kind == Expectation::Kind::kConfirm)
    Complete(understanding, cut, answer);
  understanding.cost.prefilled = std::max(model.prefilled(), 0);
  understanding.cost.decided = turn->decided;
  draft = model.Encode(turn->text);
  draft.push_back(form.frame().end_token);
  understanding.cost.forced = std::max(static_cast<int>(draft.size()) - turn->decided, 0);
  understanding.cost.commit_to_call_ms = Milliseconds(clock.Now() - start);
  return understanding;
}

// What is offered but for the tools of the calls whose act the words only deny.
std::vector<OfferedTool> BrainSession::Impl::WithoutDenied(const DecodedTurn& turn,
                                                           std::string_view utterance,
                                                           std::vector<OfferedTool> offered) const {
  const LanguageData& language = *shared().workflow->language_data;
  std::set<std::string> denied;
  for (const DecodedCall& decoded : turn.calls) {
    const auto words = shared().tool_words.find(decoded.call.name);
    if (words != shared().tool_words.end() && shared().acting.contains(decoded.call.name) &&
        decoded.call.name != expectation.tool && ActIsDenied(language, utterance, words->second))
      denied.insert(decoded.call.name);
  }
  std::erase_if(offered, [&](const OfferedTool& tool) { return denied.contains(tool.name); });
  return offered;
}

// See paired_calls.h: where the model has understood one tool and nothing else.
void BrainSession::Impl::PairCalls(const Grounding& grounding, Understanding& understanding) const {
  const std::string& name = understanding.calls.front().call.name;
  const ToolDef* tool = shared().workflow->FindTool(name);
  const auto offered =
      std::find_if(tools->begin(), tools->end(), [&](const OfferedTool& one) { return one.name == name; });
  const bool alone = std::all_of(understanding.calls.begin(), understanding.calls.end(),
                                 [&](const Understanding::Call& call) { return call.call.name == name; });
  if (tool == nullptr || offered == tools->end() || !alone) return;
  std::vector<ToolCall> calls = PairedCalls(*shared().workflow->language_data, *tool, *offered, grounding,
                                            understanding.calls.front().call);
  if (calls.empty()) return;
  understanding.calls.clear();
  for (ToolCall& call : calls)
    understanding.calls.push_back({std::move(call), understanding.confidence, {}, {}});
}

// See unheeded.h.
void BrainSession::Impl::AddUnheeded(std::string_view utterance, const Grounding& grounding,
                                     Understanding::Call& call) const {
  const ToolDef* tool = shared().workflow->FindTool(call.call.name);
  const auto offered = std::find_if(tools->begin(), tools->end(),
                                    [&](const OfferedTool& one) { return one.name == call.call.name; });
  if (tool == nullptr || offered == tools->end()) return;
  for (UnfitValue& value :
       UnheededValues(*shared().workflow, *tool, *offered, utterance, grounding, channel, day, call.call)) {
    const bool known = std::any_of(call.unfit.begin(), call.unfit.end(),
                                   [&](const UnfitValue& unfit) { return unfit.argument == value.argument; });
    if (known) continue;
    call.call.arguments.erase(value.argument);
    std::erase_if(call.arguments, [&](const auto& argument) { return argument.first == value.argument; });
    call.unfit.push_back(std::move(value));
  }
}

// An answer to a read-back: see plain_answer.h. Who says no, and nothing else that was understood, says no.
void BrainSession::Impl::Complete(Understanding& understanding, std::string_view utterance,
                                  std::optional<Answer> answer) const {
  const ReadBack back = LastReadBack();
  if (back.words == nullptr) return;
  const LanguageData& language = *shared().workflow->language_data;
  const ToolCall read_back{expectation.tool, KnownOf(expectation.tool, history)};
  const std::string& unclear = shared().workflow->unclear_tool;
  CompleteCorrection(language, read_back, OtherValues(language, utterance, back), unclear, utterance,
                     understanding);
  if (understanding.calls.size() != 1 || (answer != Answer::kNo && answer != Answer::kDrop)) return;
  ToolCall& call = understanding.calls.front().call;
  const bool nothing_new =
      call.name == unclear || (call.name == read_back.name && call.arguments == read_back.arguments);
  const bool denies = std::any_of(tools->begin(), tools->end(),
                                  [](const OfferedTool& tool) { return tool.name == control::kDeny; });
  if (nothing_new && denies)
    understanding.calls.front() = {ToolCall{control::kDeny, Json::object()}, 1.0, {}, {}};
}

BrainSession::BrainSession(std::shared_ptr<const Brain> brain) : impl_(std::make_unique<Impl>()) {
  impl_->brain = std::move(brain);
}
BrainSession::~BrainSession() = default;
BrainSession::BrainSession(BrainSession&&) noexcept = default;
BrainSession& BrainSession::operator=(BrainSession&&) noexcept = default;

Result<void> BrainSession::Begin(const Conversation& history, const Expectation& expectation,
                                 std::span<const std::string> offered) {
  impl_->channel = history.channel;
  impl_->expectation = expectation;
  impl_->begun = false;
  impl_->partial.clear();
  impl_->speculation.reset();
  impl_->draft.clear();
  impl_->SetHistory(history.turns, {history.today, WritesDayFirst(impl_->shared().workflow->language)});
  SOTTO_RETURN_IF_ERROR(impl_->SetTools(history, offered));
  SOTTO_RETURN_IF_ERROR(impl_->BuildPrompt());
  impl_->begun = true;
  return {};
}

Result<void> BrainSession::Hear(std::string_view partial) {
  SOTTO_CHECK(impl_->begun, "Hear before Begin");
  impl_->partial = CutWords(partial, impl_->shared().options.max_words);
  if (NormaliseSpoken(impl_->partial).empty()) return {};
  std::vector<TokenId> tokens = impl_->before;
  const std::vector<TokenId> utterance = impl_->shared().form->Utterance(impl_->partial);
  tokens.insert(tokens.end(), utterance.begin(), utterance.end());
  SOTTO_RETURN_IF_ERROR(SyncCache(*impl_->shared().engine, impl_->cache, tokens));
  if (impl_->shared().options.speculate) return impl_->Speculate();
  return {};
}

Result<void> BrainSession::Impl::Speculate() {
  if (speculation && speculation->text == partial) return {};
  speculation.reset();
  auto understanding = Understand(partial);
  if (understanding) {
    speculation = Speculation{partial, *std::move(understanding), features};
  } else if (script == nullptr) {
    return tl::unexpected<Error>(std::move(understanding).error());
  }
  return {};
}

Result<Understanding> BrainSession::Peek() {
  SOTTO_CHECK(impl_->begun, "Peek before Begin");
  SOTTO_RETURN_IF_ERROR(impl_->Speculate());
  return impl_->speculation->understanding;
}

// The answer that is there already, if the turn ended with the words it was worked out for.
Result<Understanding> BrainSession::Impl::Best(const std::string& utterance) {
  if (!speculation || speculation->text != CutWords(utterance, shared().options.max_words))
    return Understand(utterance);
  Understanding understanding = std::move(speculation->understanding);
  understanding.transcript = utterance;
  understanding.cost.prefilled = 0;
  features = speculation->features;
  return understanding;
}

Result<Understanding> BrainSession::Commit(std::string_view utterance) {
  const Transcript::Hypothesis only{std::string(utterance), 0};
  return Commit(std::span(&only, 1));
}

Result<Understanding> BrainSession::Commit(std::span<const Transcript::Hypothesis> hypotheses) {
  SOTTO_CHECK(impl_->begun, "Commit before Begin");
  SOTTO_CHECK(!hypotheses.empty());
  const SystemClock clock;
  const TimePoint start = clock.Now();
  SOTTO_ASSIGN_OR_RETURN(Understanding best, impl_->Best(hypotheses.front().text));
  ConfidenceFeatures of_best = impl_->features;
  double best_score = std::log(std::max(best.confidence, 1e-9));
  const size_t n = best.confidence >= kSureEnough ? 1 : std::min(hypotheses.size(), kMaxHypotheses);
  for (size_t i = 1; i < n; ++i) {
    SOTTO_ASSIGN_OR_RETURN(Understanding other, impl_->Understand(hypotheses[i].text));
    // Less sure than if it had been heard best.
    const double heard = std::exp(kAcousticWeight * std::min(hypotheses[i].log_score, 0.0));
    other.confidence *= heard;
    for (Understanding::Call& call : other.calls) call.confidence *= heard;
    const double score = std::log(std::max(other.confidence, 1e-9));
    // "Not understood" with certainty is no better a reading than a call with less.
    const bool unclear = other.calls.front().call.name == impl_->shared().workflow->unclear_tool;
    if (unclear || score <= best_score) continue;
    best = std::move(other);
    of_best = impl_->features;
    best_score = score;
  }
  impl_->features = of_best;
  impl_->begun = false;
  best.cost.commit_to_call_ms = Milliseconds(clock.Now() - start);
  return best;
}

void BrainSession::Abandon() { impl_->begun = false; }

void BrainSession::Script(const std::vector<ToolCall>* calls) { impl_->script = calls; }

const ConfidenceFeatures& BrainSession::last_features() const { return impl_->features; }

}  // namespace sotto
