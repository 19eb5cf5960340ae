#include "dialogue/script.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <sstream>

#include "base/mapped_file.h"
#include "base/utf8.h"
#include "workflow/messages.h"

namespace sotto {
namespace {

using CheckKind = ScriptTurn::Check::Kind;

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

bool LooksLikeNumber(const std::string& text) {
  if (text.empty()) return false;
  char* end = nullptr;
  std::strtod(text.c_str(), &end);
  return *end == '\0';
}

Json ArgumentValue(const std::string& text, const Slot* slot) {
  const bool numeric = slot == nullptr ? text != "true" && !text.starts_with("0")
                                       : slot->entity.type == Entity::Type::kMoney ||
                                             slot->entity.type == Entity::Type::kNumber;
  if (numeric && LooksLikeNumber(text)) {
    if (const auto value = ParseJson(text, "")) return *value;
  }
  const auto listed = [&](const EntityValue& value) { return value.value == text; };
  if (slot != nullptr && slot->entity.type == Entity::Type::kEnum &&
      std::any_of(slot->entity.values.begin(), slot->entity.values.end(), listed))
    return ValueJson(slot->entity, text);
  return text;
}

// Splits at ',' outside quotes.
std::vector<std::string> SplitArguments(std::string_view text) {
  std::vector<std::string> parts(1);
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (c == ',' && !quoted) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

Result<Json> ParseArguments(std::string_view text, const ToolDef* tool) {
  Json arguments = Json::object();
  if (Trim(text).empty()) return arguments;
  for (const std::string& part : SplitArguments(text)) {
    const size_t equals = part.find('=');
    if (equals == std::string::npos) {
      return MakeError(ErrorCode::kInvalidArgument, "'{}' is no argument: name=value", Trim(part));
    }
    const std::string name(Trim(std::string_view(part).substr(0, equals)));
    std::string value(Trim(std::string_view(part).substr(equals + 1)));
    const Slot* slot = tool == nullptr ? nullptr : tool->FindSlot(name);
    if (tool != nullptr && slot == nullptr) {
      return MakeError(ErrorCode::kInvalidArgument, "tool '{}' has no argument '{}'", tool->name, name);
    }
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      arguments[name] = value.substr(1, value.size() - 2);
    } else {
      arguments[name] = ArgumentValue(value, slot);
    }
  }
  return arguments;
}

// "amount ambiguous [300, 400]"
Result<UnfitValue> ParseUnfit(std::string_view text) {
  const size_t first = text.find(' ');
  const size_t second = text.find(' ', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) {
    return MakeError(ErrorCode::kInvalidArgument, "'{}': an argument, a message's name and a JSON value",
                     text);
  }
  UnfitValue unfit;
  unfit.argument = text.substr(0, first);
  unfit.why = text.substr(first + 1, second - first - 1);
  if (FindMessage(unfit.why) == nullptr)
    return MakeError(ErrorCode::kInvalidArgument, "no message is called '{}'", unfit.why);
  SOTTO_ASSIGN_OR_RETURN(unfit.value, ParseJson(text.substr(second + 1), "the value that does not fit"));
  return unfit;
}

Result<ToolResult> ParseResult(std::string_view text) {
  const size_t space = text.find(' ');
  const std::string_view word = text.substr(0, space);
  ToolResult result;
  result.ok = word == "ok";
  if (!result.ok) result.failure = word;
  if (space != std::string_view::npos) {
    SOTTO_ASSIGN_OR_RETURN(result.data, ParseJson(Trim(text.substr(space)), "result"));
  }
  return result;
}

// One line after its keyword, into the dialogue that grows.
Result<void> ParseLine(std::string_view key, std::string_view value, int line, const Workflow& workflow,
                       DialogueScript& script) {
  ScriptTurn& turn = script.turns.back();
  const auto check = [&](CheckKind kind) { turn.checks.push_back({kind, std::string(value), line}); };
  if (key == "user") {
    ScriptTurn next;
    next.line = line;
    next.silence = value == "(silence)";
    if (!next.silence) next.text = value;
    script.turns.push_back(std::move(next));
  } else if (key == "call") {
    SOTTO_ASSIGN_OR_RETURN(Understanding::Call call, ParseCall(value, workflow));
    turn.calls.push_back(std::move(call));
  } else if (key == "unfit") {
    if (turn.calls.empty()) return MakeError(ErrorCode::kInvalidArgument, "'unfit' without a call above it");
    SOTTO_ASSIGN_OR_RETURN(UnfitValue unfit, ParseUnfit(value));
    turn.calls.back().unfit.push_back(std::move(unfit));
  } else if (key == "result") {
    SOTTO_ASSIGN_OR_RETURN(ToolResult result, ParseResult(value));
    turn.results.push_back(std::move(result));
  } else if (key == "bot") {
    check(CheckKind::kBot);
  } else if (key == "bot not") {
    check(CheckKind::kNotBot);
  } else if (key == "event") {
    check(CheckKind::kEvent);
  } else if (key == "no event") {
    check(CheckKind::kNoEvent);
  } else if (key == "expect") {
    check(CheckKind::kExpect);
  } else if (key == "slots") {
    check(CheckKind::kSlots);
  } else if (key == "handoff") {
    check(CheckKind::kHandOff);
  } else if (key.starts_with("set ")) {
    script.settings.emplace_back(Trim(key.substr(4)), value);
  } else {
    return MakeError(
        ErrorCode::kInvalidArgument,
        "unknown '{}': user, call, unfit, result, bot, bot not, event, no event, expect, slots, handoff, "
        "ended or set KEY",
        key);
  }
  return {};
}

// Answers with the script's results first, then with the real runner, then with something of the right type.
class ScriptRunner final : public InlineActionRunner {
 public:
  ScriptRunner(const Workflow& workflow, std::shared_ptr<ActionRunner> real)
      : workflow_(workflow), real_(std::move(real)) {}

  ToolResult Run(const ActionRequest& request) override {
    if (next_ < results_.size()) return results_[next_++];
    if (real_ != nullptr) return RunAndWait(*real_, request);
    return MadeUpResult(*workflow_.FindTool(request.tool));
  }
  void SetResults(std::vector<ToolResult> results) {
    results_ = std::move(results);
    next_ = 0;
  }

 private:
  const Workflow& workflow_;
  std::shared_ptr<ActionRunner> real_;
  std::vector<ToolResult> results_;
  size_t next_ = 0;
};

// The event without its task number: "slot_set amount=200".
std::string EventText(Event event) {
  event.task = 0;
  return ToString(event);
}

std::string ExpectationText(const Expectation& expectation) {
  switch (expectation.kind) {
    case Expectation::Kind::kNone:
      return "none";
    case Expectation::Kind::kSlots:
      return fmt::format("ask {} {}", expectation.tool, fmt::join(expectation.slots, " "));
    case Expectation::Kind::kConfirm:
      return "confirm " + expectation.tool;
    case Expectation::Kind::kOffer:
      return expectation.tool.empty() ? "offer" : "offer " + expectation.tool;
  }
  return "none";
}

// Empty where the check holds; otherwise what was found instead.
std::string Unmet(const ScriptTurn::Check& check, const Decision& decision, const Dialogue& dialogue) {
  const auto has_event = [&] {
    return std::any_of(decision.events.begin(), decision.events.end(), [&](const Event& event) {
      return MatchesPattern(check.text + "*", EventText(event));
    });
  };
  switch (check.kind) {
    case CheckKind::kBot:
      return MatchesPattern(check.text, decision.reply.text)
                 ? ""
                 : fmt::format("bot said \"{}\", not \"{}\"", decision.reply.text, check.text);
    case CheckKind::kNotBot:
      return MatchesPattern(check.text, decision.reply.text)
                 ? fmt::format("bot said \"{}\"", decision.reply.text)
                 : "";
    case CheckKind::kEvent: {
      if (has_event()) return "";
      std::string all;
      for (const Event& event : decision.events) all += "\n    " + EventText(event);
      return fmt::format("no event \"{}\" among:{}", check.text, all);
    }
    case CheckKind::kNoEvent:
      return has_event() ? fmt::format("event \"{}\" happened", check.text) : "";
    case CheckKind::kExpect: {
      const std::string found = ExpectationText(decision.expectation);
      return found == check.text ? "" : fmt::format("expects \"{}\", not \"{}\"", found, check.text);
    }
    case CheckKind::kSlots: {
      const Task* open = dialogue.state().open();
      const ToolDef* tool = open == nullptr ? nullptr : dialogue.program().workflow().FindTool(open->tool);
      const auto wanted = ParseArguments(check.text, tool);
      if (!wanted) return wanted.error().message;
      const Json found = open == nullptr ? Json::object() : open->slots;
      return SameValue(found, *wanted) ? ""
                                       : fmt::format("slots are {}, not {}", found.dump(), wanted->dump());
    }
    case CheckKind::kHandOff: {
      const std::string found = decision.hand_off ? decision.hand_off->reason : "none";
      return found == check.text ? "" : fmt::format("hand-off: {}, not {}", found, check.text);
    }
    case CheckKind::kEnded:
      return decision.ended ? "" : "the conversation goes on";
  }
  return "";
}

std::string CompareCalls(const Understanding& heard, const std::vector<Understanding::Call>& wanted) {
  const bool same = heard.calls.size() == wanted.size() &&
                    std::equal(heard.calls.begin(), heard.calls.end(), wanted.begin(),
                               [](const auto& a, const auto& b) { return SameCall(a.call, b.call); });
  if (same) return "";
  const auto list = [](const std::vector<Understanding::Call>& calls) {
    std::vector<std::string> texts;
    for (const auto& call : calls) texts.push_back(ToString(call.call));
    return fmt::format("{}", fmt::join(texts, ", "));
  };
  return fmt::format("understood {}, not {}", list(heard.calls), list(wanted));
}

}  // namespace

bool MatchesPattern(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;
  size_t mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

ToolResult MadeUpResult(const ToolDef& tool) {
  ToolResult result{true, "", Json::object()};
  for (const auto& [field, format] : tool.action_returns) {
    if (format == "money" || format == "number") {
      result.data[field] = 100;
    } else if (format == "count" || format == "percent") {
      result.data[field] = 3;
    } else if (format == "date") {
      result.data[field] = "2030-01-02";
    } else if (format == "time") {
      result.data[field] = "15:30";
    } else if (format == "duration") {
      result.data[field] = "P14D";
    } else if (format == "date_range") {
      result.data[field] = "2030-01-02/2030-01-16";
    } else {
      result.data[field] = format == "digits" ? "1234" : "something";
    }
  }
  return result;
}

Result<Understanding::Call> ParseCall(std::string_view text, const Workflow& workflow) {
  Understanding::Call call;
  call.confidence = 1;
  const size_t open = text.find('(');
  const size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return MakeError(ErrorCode::kInvalidArgument, "'{}' is no call: tool(argument=value)", text);
  }
  call.call.name = Trim(text.substr(0, open));
  const ToolDef* tool = workflow.FindTool(call.call.name);
  if (tool == nullptr && !IsControlTool(call.call.name)) {
    return MakeError(ErrorCode::kInvalidArgument, "unknown tool '{}'", call.call.name);
  }
  SOTTO_ASSIGN_OR_RETURN(call.call.arguments, ParseArguments(text.substr(open + 1, close - open - 1), tool));
  const std::string_view rest = Trim(text.substr(close + 1));
  if (!rest.empty()) {
    const std::string number(rest.substr(1));
    if (rest[0] != '@' || !LooksLikeNumber(number)) {
      return MakeError(ErrorCode::kInvalidArgument, "'{}' after a call: @0.5 is its confidence", rest);
    }
    call.confidence = std::strtod(number.c_str(), nullptr);
  }
  return call;
}

Result<std::vector<DialogueScript>> ParseScripts(std::string_view text, std::string_view file,
                                                 const Workflow& workflow) {
  std::vector<DialogueScript> scripts;
  std::istringstream stream{std::string(text)};
  int number = 0;
  for (std::string raw; std::getline(stream, raw);) {
    ++number;
    const std::string_view line = Trim(raw);
    const auto fail = [&](const std::string& message) {
      return MakeError(ErrorCode::kInvalidArgument, "{}:{}: {}", file, number, message);
    };
    if (FindInvalidUtf8(raw) != std::string::npos) return fail("a byte that is not UTF-8");
    if (line.empty() || line[0] == '#') continue;
    if (line.starts_with("==")) {
      DialogueScript script;
      script.file = file;
      script.line = number;
      script.name = Trim(line.substr(2));
      script.turns.emplace_back();
      scripts.push_back(std::move(script));
      continue;
    }
    if (scripts.empty()) return fail("a dialogue begins with '== its name'");
    if (line == "ended") {
      scripts.back().turns.back().checks.push_back({CheckKind::kEnded, "", number});
      continue;
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return fail(fmt::format("'{}': expected 'keyword: text'", line));
    const auto parsed = ParseLine(Trim(line.substr(0, colon)), Trim(line.substr(colon + 1)), number, workflow,
                                  scripts.back());
    if (!parsed) return fail(parsed.error().message);
  }
  return scripts;
}

Result<std::vector<DialogueScript>> ReadScripts(const std::filesystem::path& path, const Workflow& workflow) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
      if (entry.path().extension() == ".txt") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
  } else {
    files.push_back(path);
  }
  std::vector<DialogueScript> all;
  for (const auto& file : files) {
    SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
    SOTTO_ASSIGN_OR_RETURN(auto scripts, ParseScripts(text, file.string(), workflow));
    std::move(scripts.begin(), scripts.end(), std::back_inserter(all));
  }
  if (all.empty()) return MakeError(ErrorCode::kNotFound, "no dialogues in {}", path.string());
  return all;
}

Result<void> SetPolicy(Workflow& workflow, const std::string& key, const std::string& value) {
  DialoguePolicy& policy = workflow.dialogue;
  const auto wrong = [&] {
    return MakeError(ErrorCode::kInvalidArgument, "policy '{}' cannot be '{}'", key, value);
  };
  const auto one_of = [&](std::initializer_list<std::string_view> names) {
    const auto found = std::find(names.begin(), names.end(), value);
    return found == names.end() ? -1 : static_cast<int>(found - names.begin());
  };
  if (key == "confirm") {
    const int index = one_of({"default", "never", "always"});
    if (index < 0) return wrong();
    policy.confirm = static_cast<DialoguePolicy::Confirm>(index);
  } else if (key == "resume") {
    const int index = one_of({"continue", "ask", "never"});
    if (index < 0) return wrong();
    policy.resume = static_cast<DialoguePolicy::Resume>(index);
  } else if (key == "ask_together" || key == "inherit") {
    const int index = one_of({"false", "true"});
    if (index < 0) return wrong();
    (key == "inherit" ? policy.inherit : policy.ask_together) = index == 1;
  } else {
    if (!LooksLikeNumber(value)) return wrong();
    const double number = std::strtod(value.c_str(), nullptr);
    if (key == "accept") {
      policy.accept = number;
    } else if (key == "clarify") {
      policy.clarify = number;
    } else if (key == "max_failures" && number >= 1) {
      policy.max_failures = static_cast<int>(number);
    } else if (key == "max_no_input" && number >= 1) {
      policy.max_no_input = static_cast<int>(number);
    } else if (key == "max_suspended" && number >= 0) {
      policy.max_suspended = static_cast<int>(number);
    } else {
      return wrong();
    }
  }
  return {};
}

ScriptOutcome RunScript(std::shared_ptr<const Workflow> workflow, const DialogueScript& script,
                        const ScriptServices& services) {
  ScriptOutcome outcome;
  const auto fail = [&](int line, const std::string& message) {
    outcome.failures.push_back(fmt::format("{}:{}: {}: {}", script.file, line, script.name, message));
  };
  auto changed = std::make_shared<Workflow>(*workflow);
  std::optional<Date> today;
  for (const auto& [key, value] : script.settings) {
    if (key == "today") {
      today = ParseDate(value);
      if (!today) fail(script.line, fmt::format("today cannot be '{}', but a day such as 2026-03-03", value));
      continue;
    }
    if (const auto set = SetPolicy(*changed, key, value); !set) fail(script.line, set.error().message);
  }
  const auto program = DialogueProgram::Compile(changed);
  if (!program) {
    fail(script.line, program.error().message);
    return outcome;
  }
  std::shared_ptr<ActionRunner> real;
  if (services.make_runner) {
    auto made = services.make_runner();
    if (!made) {
      fail(script.line, made.error().message);
      return outcome;
    }
    real = std::move(*made);
  }
  ScriptRunner runner(*changed, std::move(real));
  Dialogue dialogue(*program);
  Conversation history;
  history.today = today;
  for (size_t i = 0; i < script.turns.size(); ++i) {
    const ScriptTurn& turn = script.turns[i];
    Decision decision;
    runner.SetResults(turn.results);
    if (i == 0) {
      decision = dialogue.Begin("test", services.caller);
    } else if (turn.silence) {
      decision = dialogue.Settle(dialogue.NoInput(), runner);
    } else {
      TurnInput input{turn.text, turn.calls};
      input.today = today;
      Turn past{turn.text, dialogue.expectation(), {}};
      if (services.understand) {
        const auto heard = services.understand(dialogue, history, turn.text);
        if (!heard) {
          fail(turn.line, heard.error().message);
          return outcome;
        }
        // What was misunderstood is reported once; the dialogue goes on as it was meant.
        if (const std::string wrong = CompareCalls(*heard, turn.calls); !wrong.empty()) {
          fail(turn.line, wrong);
        } else {
          input.calls = heard->calls;
        }
      }
      for (const auto& call : input.calls) past.calls.push_back(call.call);
      decision = dialogue.RunTurn(input, runner);
      history.turns.push_back(std::move(past));
    }
    if (i > 0) outcome.transcript += fmt::format("user: {}\n", turn.silence ? "(silence)" : turn.text);
    outcome.transcript += fmt::format("bot: {}\n", decision.reply.text);
    for (const ScriptTurn::Check& check : turn.checks) {
      if (const std::string unmet = Unmet(check, decision, dialogue); !unmet.empty()) fail(check.line, unmet);
    }
  }
  return outcome;
}

}  // namespace sotto
