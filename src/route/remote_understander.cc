#include "route/remote_understander.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace sotto {
namespace {

constexpr const char* kRules =
    "You turn what a caller says into tool calls and say nothing else. Call one tool for each thing that is "
    "asked for, in the order it was asked. Fill in only values that the caller said in this conversation or "
    "that a tool lists; leave every other argument out. Copy names as they were said, digits as digits, days "
    "as YYYY-MM-DD. What the caller said of the same task before stays, unless they change it. If no tool "
    "fits, call the one for what was not understood.";

std::string Waiting(const Expectation& expectation) {
  switch (expectation.kind) {
    case Expectation::Kind::kSlots:
      return fmt::format("The caller was just asked for {} of {}.", fmt::join(expectation.slots, ", "),
                         expectation.tool);
    case Expectation::Kind::kConfirm:
      return fmt::format("{} was just read back to the caller, who may agree, refuse or correct it.",
                         expectation.tool);
    case Expectation::Kind::kOffer:
      return expectation.tool.empty() ? "The caller was just asked whether there is anything else."
                                      : fmt::format("The caller was just offered {}.", expectation.tool);
    case Expectation::Kind::kNone:
      break;
  }
  return "";
}

}  // namespace

Json ChatMessages(const RemoteStep& step, const Conversation& history, const Expectation& expectation,
                  std::string_view utterance) {
  std::string system = kRules;
  if (!step.about.empty()) system += " " + step.about;
  if (history.today) system += " Today is " + DateText(*history.today) + ".";
  if (history.channel == Channel::kSpoken) system += " The words were written down by a speech recogniser.";
  if (const std::string waiting = Waiting(expectation); !waiting.empty()) system += " " + waiting;
  Json messages = Json::array({{{"role", "system"}, {"content", std::move(system)}}});
  int id = 0;
  for (const Turn& turn : history.turns) {
    messages.push_back({{"role", "user"}, {"content", turn.user}});
    if (turn.calls.empty()) continue;
    Json calls = Json::array();
    Json results = Json::array();
    for (const ToolCall& call : turn.calls) {
      const std::string name = fmt::format("call_{}", ++id);
      calls.push_back({{"id", name},
                       {"type", "function"},
                       {"function", {{"name", call.name}, {"arguments", call.arguments.dump()}}}});
      results.push_back({{"role", "tool"}, {"tool_call_id", name}, {"content", "noted"}});
    }
    messages.push_back({{"role", "assistant"}, {"content", ""}, {"tool_calls", std::move(calls)}});
    for (Json& result : results) messages.push_back(std::move(result));
  }
  messages.push_back({{"role", "user"}, {"content", std::string(utterance)}});
  return messages;
}

Json ChatTools(const RemoteStep& step, const Conversation& history, const std::vector<std::string>& offered) {
  const std::vector<ToolSpec>& own = history.tools.empty() ? step.tools : history.tools;
  const auto is_offered = [&](const std::string& name) {
    return std::find(offered.begin(), offered.end(), name) != offered.end();
  };
  const bool all =
      std::none_of(own.begin(), own.end(), [&](const ToolSpec& tool) { return is_offered(tool.name); });
  Json tools = Json::array();
  for (const ToolSpec& tool : own)
    if (all || is_offered(tool.name)) tools.push_back(ToJson(tool));
  for (const ToolSpec& tool : ControlTools())
    if (is_offered(tool.name)) tools.push_back(ToJson(tool));
  return tools;
}

RemoteUnderstander::RemoteUnderstander(std::shared_ptr<const RemoteStep> step,
                                       std::shared_ptr<OutboundGuard> guard)
    : step_(std::move(step)), guard_(std::move(guard)) {}

RemoteUnderstander::~RemoteUnderstander() { asked_.Cancel(); }

void RemoteUnderstander::Begin(Conversation history, Expectation expectation,
                               std::vector<std::string> offered) {
  history_ = std::move(history);
  expectation_ = std::move(expectation);
  offered_ = std::move(offered);
}

void RemoteUnderstander::Hear(std::string /*partial*/, Done peek) {
  if (peek)
    peek(MakeError(ErrorCode::kUnsupported, "{}: nothing is asked before the turn is over", step_->name));
}

void RemoteUnderstander::Commit(std::vector<Transcript::Hypothesis> hypotheses, Duration limit, Done done) {
  const PrivacyRule rule = std::exchange(rule_, PrivacyRule::kLocal);
  if (rule == PrivacyRule::kLocal || (rule == PrivacyRule::kPseudonymise && guard_ == nullptr))
    return done(MakeError(ErrorCode::kUnavailable, "privacy: {}", PrivacyRuleName(rule)));
  std::string said = std::move(hypotheses.front().text);
  Json messages = ChatMessages(*step_, history_, expectation_, said);
  if (guard_ != nullptr) {
    auto outgoing = guard_->Outgoing(
        {step_->name, HttpOrigin(step_->model->options().base_url), rule, std::move(messages)});
    if (!outgoing) return done(WithContext(std::move(outgoing).error(), "privacy"));
    messages = *std::move(outgoing);
  }
  Json request{{"messages", std::move(messages)},
               {"tools", ChatTools(*step_, history_, offered_)},
               {"tool_choice", "required"},
               {"temperature", 0}};
  asked_ = step_->model->Ask(
      std::move(request), limit,
      [step = step_, guard = guard_, said = std::move(said),
       done = std::move(done)](Result<RemoteModel::Answer> answer) mutable {
        if (!answer) return done(tl::unexpected(std::move(answer).error()));
        std::vector<ToolCall> calls = std::move(answer->chat.calls);
        if (calls.empty())
          return done(MakeError(ErrorCode::kUnsupported, "{}: words instead of a call", step->name));
        if (guard != nullptr) {
          auto restored = guard->Incoming(std::move(calls));
          if (!restored) return done(WithContext(std::move(restored).error(), "privacy"));
          calls = *std::move(restored);
        }
        Understanding understanding;
        for (ToolCall& call : calls) {
          Understanding::Call made{std::move(call), step->trust, {}};
          for (const auto& [name, unused] : made.call.arguments.items())
            made.arguments.emplace_back(name, step->trust);
          understanding.calls.push_back(std::move(made));
        }
        understanding.confidence = step->trust;
        understanding.transcript = std::move(said);
        understanding.made_by = MadeBy::kEscalation;
        understanding.model = step->model->options().model;
        understanding.route.push_back(
            {step->name, RouteStep::Outcome::kAccepted, "", step->trust, 0, answer->cost});
        done(std::move(understanding));
      });
}

void RemoteUnderstander::Abandon() { asked_.Cancel(); }

}  // namespace sotto
