// The workflow in memory: one immutable value that the brain, the dialogue, the learner and the voice share
// (shared_ptr<const Workflow>). The file format is docs/formats/workflow.md; workflow/parse.h reads and
// checks it.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/conversation.h"
#include "core/privacy_policy.h"
#include "core/tool.h"
#include "text/language_data.h"

namespace sotto {

// A text with variants: one is chosen, never the same twice running. May be empty. Fields in braces are
// filled ("{amount:money}"); a stretch in brackets is left out when one of its fields has no value
// ("[ from {account}]"). docs/formats/workflow.md.
using Texts = std::vector<std::string>;

struct EntityValue {
  std::string value;                  // as in the tool call: "last_month"
  std::string spoken;                 // as said by Sotto: "last month"; by default `value` with '_' as ' '
  std::vector<std::string> synonyms;  // other ways people say it, besides `spoken`
};

// A day that a date slot does not pass: fixed, or so far from the day of the call.
struct DayLimit {
  std::optional<Date> date;
  int months = 0;
  int days = 0;

  Date On(Date today) const { return date ? *date : AddMonths(today, months) + std::chrono::days(days); }
};
// "today", "tomorrow", "60 days", "-2 years", "2026-03-03". The error says what it may be.
Result<DayLimit> ParseDayLimit(std::string_view text);

struct Entity {
  enum class Type {
    kEnum,       // one of `values`
    kDigits,     // a string of exactly `length` digits (0: any length)
    kMoney,      // a number of `currency`, at most two decimals
    kNumber,     // any number
    kText,       // free text: a span of the user's words or one of `values`
    kDate,       // a day: "2026-03-03"
    kTime,       // of the day, a point or a window: "15:30", "08:00/12:00"
    kDuration,   // "P14D", "PT1H30M"
    kDateRange,  // days in a row, both included: "2026-03-01/2026-03-15"
  };
  // What a value is in the tool call: of an enum any of these, of money and numbers kNumber or kInteger.
  enum class ValueType { kString, kNumber, kInteger, kBoolean };
  std::string name;
  Type type = Type::kEnum;
  ValueType value_type = ValueType::kString;  // kString also stands for "what the type has by itself"
  std::vector<EntityValue> values;
  int length = 0;
  std::string currency = "USD";
  // kMoney, kNumber: the value; kTime: minutes since midnight; kDuration: minutes (RoughMinutes).
  std::optional<double> min;
  std::optional<double> max;
  // kMoney, kNumber: what it mostly holds, within the limits. Decides only between readings by position:
  // "fifteen forty nine" of a bill is 15.49.
  std::optional<double> usual_min;
  std::optional<double> usual_max;
  // The same where another slot of the tool has this value: a rent is seldom 15.50.
  struct UsualFor {
    std::string slot;
    std::string value;
    std::optional<double> min;
    std::optional<double> max;
  };
  std::vector<UsualFor> usual_for;
  std::optional<DayLimit> earliest;  // kDate, kDateRange
  std::optional<DayLimit> latest;

  bool IsCalendar() const { return type >= Type::kDate; }
};

struct Slot {
  std::string name;
  std::string as;  // its name in the action's arguments and the exported tool; empty: `name`
  Entity entity;   // by value: the slot's own view, `only:` already applied to entity.values
  std::string entity_name;
  bool required = false;  // to act
  bool grounded = true;   // the value must have been said or be listed (brain)
  bool inferred =
      false;  // enum: the value follows from what was said ("it got nicked"), it need not be named
  // What nobody else may hear: a PIN, a whole card number. Recordings of calls are silent where it is asked for or said.
  bool secret = false;
  std::string ask;   // "the amount", "which account to transfer from"
  Texts question;    // asked alone: "How much would you like to transfer?"; empty: made from `ask`
  std::string when;  // rule over other slots: asked and required only where it holds
  std::vector<std::string> phrases;  // how the slot alone is said: "from {from_account}" (generator)
  std::string description;

  const std::string& argument() const { return as.empty() ? name : as; }
};

// A rule over slots, checked whenever the slots in it are known: "from_account != to_account".
struct Check {
  std::string rule;
  Texts say;
  std::vector<std::string> clear;  // slots that are emptied when the rule fails
};

// A wish that sounds like a tool's and is another: who wants a card frozen does not want it cancelled.
struct Unlike {
  std::vector<std::string> words;  // patterns (text/phrase_list.h) of what is said
  Texts say;  // first, when the task is begun in such words: "I can't freeze a card, only cancel it."
};

// What a tool is to the conversation.
enum class ToolRole {
  kTask,      // fills its slots, confirms, acts, tells
  kGreeting,  // kGreeting to kThanks only answer, whatever task is open
  kGoodbye,
  kThanks,
  kUnclear,  // not understood or not served: reprompts
  kHandoff,  // to a human agent
  kVerify,   // a task whose success verifies the caller; offered only while it is open
  kAnswer,   // answers questions from documents; asked too where nothing else was understood
};
std::string_view ToolRoleName(ToolRole role);  // "task", "greeting", ...

// What a tool's action does to the world; workflow/stakes.h finds out what the file does not say.
enum class ToolEffect { kUnknown, kReads, kActs };

struct ToolDef {
  std::string name;
  std::string as;  // its name in the exported tool; empty: `name`
  ToolRole role = ToolRole::kTask;
  std::string description;
  std::string title;  // "transfer money": I can ..., do you want to ...
  std::string doing;  // "transferring money": back to ...
  std::vector<Slot> slots;
  std::vector<Check> checks;
  std::vector<Unlike> unlike;
  Texts confirm;               // template; empty: workflow/stakes.h decides whether it is read back
  bool never_confirm = false;  // `confirm: never`: acts without asking, in so many words
  ToolEffect effect = ToolEffect::kUnknown;
  std::string action;  // name in the action registry; empty: only talk
  Json action_options = Json::object();
  // Fields of the result's data that texts may use -> their format ("money", "digits", "count", ...).
  std::map<std::string, std::string> action_returns;
  Texts done;                           // template over slots and the result's data
  std::map<std::string, Texts> failed;  // failure code -> template
  std::vector<std::string> handoff_on;  // failure codes after which a human takes over
  std::vector<std::string> related;     // tools that may inherit this one's arguments
  bool requires_verified = false;
  int attempts = 3;  // kVerify: failures before a human takes over
  std::vector<std::string>
      examples;          // "move {amount} from {from_account}"; {slot} is filled by the generator
  std::string currency;  // of a plan's goal: of amounts that are no slot's; empty: the slots say it

  const Slot* FindSlot(std::string_view slot) const;
};

// What stands for a value in a plan: "$1.balance - $keep", "$payee", "checking", "50". A sum of terms; without signs
// one term, which may be of any type.
struct PlanValue {
  struct Term {
    enum class Kind {
      kNamed,    // "$keep": a slot of the goal or one of the plan's values
      kResult,   // "$1.balance": a field of the first step's result
      kLiteral,  // "checking", "50"
    };
    Kind kind = Kind::kLiteral;
    bool minus = false;
    std::string name;  // kNamed; kResult: the field
    int step = 0;      // kResult, from 1
    Json literal;      // kLiteral: a number or a string
  };
  std::vector<Term> terms;
  std::string text;  // as written
};

// One call of a tool on the way to a goal.
struct GoalStep {
  std::string tool;
  std::vector<std::pair<std::string, PlanValue>> with;  // slot of the tool -> value
  std::string when;   // rule over the goal's slots and the plan's values: left out where it does not hold
  Texts say;          // "transfer {amount} to {to_account}", over the tool's slots: its part of the read-back
  bool acts = false;  // changes something (workflow/stakes.h)
};

// A goal that needs several tools, and the way to it (the `plan:` section; dialogue/plan_progress.h goes it). To the
// dialogue the goal is a tool like any other, but no model is offered it: workflow/goal_reader.h finds it in the words.
// Steps before the first that acts look things up, what acts is read back as a whole, what stands behind it looks up
// what has become true.
struct PlanDef {
  ToolDef goal;                          // `action_returns` has the format of each of `values`, and "steps"
  std::map<std::string, Json> defaults;  // of the goal's slots
  std::vector<std::pair<std::string, PlanValue>> values;
  std::vector<GoalStep> steps;
  std::vector<Check> checks;  // before the read-back; without `clear` the goal is given up
  std::string complete;  // rule over slots and values that is true where the goal is reached; empty: always
  std::vector<std::string> says;  // patterns (text/phrase_list.h) with {slot} where a value stands

  // The index of the first step that acts; steps.size(): none does.
  size_t first_act() const;
};

// A server of tools (Model Context Protocol) that `action: {use: mcp.NAME.TOOL}` talks to: a command that is
// started here, or a URL.
struct McpServer {
  std::string name;
  std::vector<std::string> command;      // the program and its arguments
  std::vector<std::string> environment;  // names of the variables that it gets besides PATH and HOME
  std::string url;
  std::map<std::string, std::string> headers;  // ${NAME}: from the environment
};

// Specialists that look at every turn beside the brain; the `network:` section (specialist/network.h runs them).
struct NetworkDef {
  struct Use {
    std::string name;  // what rules and records call it: the last part of `path`
    std::string path;  // as written: a name, or a folder relative to the workflow's
    int line = 0;
  };
  // The first rule that holds decides; a rule over an annotation that is missing or not sure enough does not hold.
  struct Rule {
    std::string when;  // workflow/rule.h over the names: "escalation_risk > 0.8"
    std::string then;  // "handoff", or a tool: as if it had been asked for
    int line = 0;
  };
  std::vector<Use> specialists;
  std::vector<Rule> rules;
  int budget_ms = 20;  // so long after the end of a turn its decision may wait for them
};
inline constexpr std::string_view kNetworkHandOff = "handoff";

// Which payments are looked at before they are made; the `screen:` section (assistant/screening_runner.h does it).
struct ScreenDef {
  enum class Then { kVerify, kHandOff };
  // A tool that pays, and which of its slots say what a screen wants to know.
  struct Use {
    std::string tool;
    std::string amount;
    std::string to;  // whom or where to
  };
  std::string path;  // as written: a name under screens/, or a folder; empty: nothing is screened
  int line = 0;
  std::vector<Use> tools;
  Then step_up = Then::kVerify;  // what `step_up` of the screen does here
};

// How the dialogue decides; the `policy:` section.
struct DialoguePolicy {
  enum class Confirm { kDefault, kNever, kAlways };
  enum class Resume { kContinue, kAsk, kNever };  // after a digression: ask on, offer to return, forget
  Confirm confirm = Confirm::kDefault;            // kDefault: what workflow/stakes.h says
  double accept = 0.6;                            // a call below this is read back before it acts
  double clarify = 0.3;                           // a call below this is not believed: "did you want to ...?"
  int max_failures = 3;                           // turns in a row without progress before a hand-off
  int max_no_input = 3;                           // silent turns in a row before the conversation ends
  Resume resume = Resume::kContinue;
  bool ask_together = true;  // all missing slots in the first question
  bool inherit = true;       // related tasks take arguments along
  int max_suspended = 4;     // suspended tasks kept; the oldest is dropped
};

// The compiled-in English.
std::shared_ptr<const LanguageData> EnglishData();

struct Workflow {
  std::string name;
  std::string hash;  // of the text of workflow.yaml (base/hash.h)
  std::string language = "en";
  std::shared_ptr<const LanguageData> language_data = EnglishData();  // of `language`; never null
  std::filesystem::path folder;                                       // where model.gguf, seed.jsonl, ... lie
  struct Assistant {
    std::string name;
    std::string greeting;
    std::string voice = "rms";
    std::string recognizer = "moonshine,pocketsphinx";  // what is there of these (speech/backends.h)
  } assistant;
  // Of telephone and voice calls, by the server (server/recordings.h).
  struct Recording {
    bool calls = false;  // nothing is recorded unless the workflow says so
    int keep_days = 30;
  } recording;
  std::map<std::string, Entity> entities;
  std::vector<ToolDef> tools;
  std::vector<ToolDef> plan_tools;  // that only steps of plans use: nobody is offered them
  std::vector<PlanDef> plans;
  std::vector<McpServer> mcp_servers;
  PrivacyPolicy privacy;  // `privacy:` of the workflow and of its tools
  // Name of the tool that stands for "not understood or not served"; every workflow has one.
  std::string unclear_tool = "intent_unclear";
  NetworkDef network;  // without specialists: none
  ScreenDef screen;
  Json policy = Json::object();    // dialogue section, as written
  DialoguePolicy dialogue;         // the same, typed, with defaults
  Json messages = Json::object();  // texts of the patterns, as written
  std::map<std::string, Texts, std::less<>>
      texts;  // the same over the defaults (workflow/messages.h): complete

  // Of `tools`, of `plan_tools`, or a plan's goal; null: none.
  const ToolDef* FindTool(std::string_view tool) const;
  const PlanDef* FindPlan(std::string_view goal) const;
  const McpServer* FindMcpServer(std::string_view server) const;
  // The first tool of that role, or null.
  const ToolDef* FindRole(ToolRole role) const;
};

// JSON Schema of one tool as the OpenAI `tools` array has it (no `required`: while people talk every argument
// may be absent).
ToolSpec ToToolSpec(const ToolDef& tool);
// All of them, in file order.
std::vector<ToolSpec> ToToolSpecs(const Workflow& workflow);
// The same for whoever carries the calls out: with `required`, and with the names that the tools and
// arguments have there.
ToolSpec ToExportedTool(const ToolDef& tool);

// A listed value as it stands in the tool call: 2 for "2" of an entity whose values are integers.
Json ValueJson(const Entity& entity, std::string_view value);
// And back: "2", "true"; "" for what is no scalar.
std::string ValueText(const Json& value);

// "last_month" -> "last month": how Sotto says a value. Text that is no listed value comes back unchanged.
std::string_view SpokenValue(const Entity& entity, std::string_view value);

}  // namespace sotto
