#include "flywheel/watch.h"

#include <algorithm>

namespace sotto {
namespace {

struct RateCounts {
  size_t begun = 0, done = 0;
  size_t turns = 0, lost = 0, again = 0;
  size_t sessions = 0, handed_off = 0;
  size_t labelled = 0, right = 0;

  ToolRates Rates() const {
    return {WilsonInterval(done, begun), WilsonInterval(lost, turns), WilsonInterval(handed_off, sessions),
            WilsonInterval(again, turns), WilsonInterval(right, labelled)};
  }
};

bool SameCalls(const std::vector<ToolCall>& a, const std::vector<ToolCall>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), SameCall);
}

class Watcher {
 public:
  Watcher(const Workflow& workflow, const WatchInput& input) : workflow_(workflow), input_(input) {}

  void Session(const std::vector<StoredTurn>& session, Watched& watched) {
    std::map<int, std::string> open;
    std::set<std::string> touched;
    bool handed_off = false;
    bool words = false;
    for (size_t i = 0; i < session.size(); ++i) {
      const TurnRecord& record = session[i].record;
      handed_off = handed_off || record.outcome == TurnRecord::Outcome::kEscalated;
      for (const Json& json : record.events) {
        const LoggedEvent event = EventOf(json);
        if (event.type == "task_began") {
          open[event.task] = event.name;
          touched.insert(event.name);
          ++all_.begun, ++tools_[event.name].begun;
        } else if (event.type == "task_done" && open.contains(event.task)) {
          if (event.name.empty()) ++all_.done, ++tools_[open[event.task]].done;
          open.erase(event.task);
        }
      }
      if (!HasWords(record)) continue;
      words = true;
      watched.cost += CostOf(record);
      const bool lost = NotUnderstood(record, workflow_.unclear_tool);
      const bool again = i + 1 < session.size() && record.expectation.kind != Expectation::Kind::kNone &&
                         session[i + 1].record.expectation == record.expectation;
      const auto calls = CallsOf(record);
      // What a turn is of: what was asked for, else what it was taken for.
      const std::string tool = !record.expectation.tool.empty() ? record.expectation.tool
                               : calls.empty()                  ? std::string()
                                                                : calls.front().name;
      CountTurn(all_, lost, again);
      if (!tool.empty() && !IsControlTool(tool)) CountTurn(tools_[tool], lost, again);
      if (!input_.sample) continue;
      if (const auto meant = input_.sample(record.session, record.turn)) {
        const bool right = SameCalls(*meant, calls);
        ++all_.labelled, all_.right += right ? 1 : 0;
        const std::string of = meant->empty() ? workflow_.unclear_tool : meant->front().name;
        ++tools_[of].labelled, tools_[of].right += right ? 1 : 0;
      }
    }
    if (!words) return;
    ++all_.sessions, all_.handed_off += handed_off ? 1 : 0;
    for (const std::string& tool : touched)
      ++tools_[tool].sessions, tools_[tool].handed_off += handed_off ? 1 : 0;
  }

  void Finish(Watched& watched) {
    watched.turns = all_.turns;
    watched.sessions = all_.sessions;
    watched.all = all_.Rates();
    watched.remote_cost = input_.remote_price * static_cast<double>(all_.turns);
    if (input_.drift != nullptr) {
      watched.psi = input_.drift->psi;
      watched.has_psi = true;
      if (watched.psi > input_.limits.psi && all_.turns >= input_.limits.least)
        watched.alerts.push_back(
            {"psi", "", watched.psi, input_.limits.psi, true,
             fmt::format("what callers want has drifted from {}: PSI {:.2f}, limit {:.2f}",
                         input_.drift->against, watched.psi, input_.limits.psi)});
    }
    Alerts("", watched.all, watched);
    for (const auto& [tool, counts] : tools_) {
      const ToolRates rates = counts.Rates();
      Alerts(tool, rates, watched);
      watched.tools[tool] = rates;
    }
  }

 private:
  static void CountTurn(RateCounts& counts, bool lost, bool again) {
    ++counts.turns;
    counts.lost += lost ? 1 : 0;
    counts.again += again ? 1 : 0;
  }

  void Alerts(const std::string& tool, const ToolRates& rates, Watched& watched) const {
    const WatchLimits& limits = input_.limits;
    const auto check = [&](const char* what, const ShareInterval& rate, double limit, bool at_least) {
      if (rate.of < limits.least || (at_least ? rate.share >= limit : rate.share <= limit)) return;
      const bool certain = at_least ? rate.high < limit : rate.low > limit;
      watched.alerts.push_back(
          {what, tool, rate.share, limit, certain,
           fmt::format("{}{}{} is {:.1f} % ({:.1f} to {:.1f} %, {} of {}), limit {:.1f} %{}", what,
                       tool.empty() ? "" : " of ", tool, 100 * rate.share, 100 * rate.low, 100 * rate.high,
                       rate.hits, rate.of, 100 * limit, certain ? "" : ": may be chance")});
    };
    check("completion", rates.completion, limits.completion, true);
    check("fallback", rates.fallback, limits.fallback, false);
    check("hand-off", rates.hand_off, limits.hand_off, false);
    check("again", rates.again, limits.again, false);
    check("accuracy", rates.accuracy, limits.accuracy, true);
  }

  const Workflow& workflow_;
  const WatchInput& input_;
  RateCounts all_;
  std::map<std::string, RateCounts> tools_;
};

Json RatesJson(const ToolRates& rates) {
  return {{"completion", ToJson(rates.completion)},
          {"fallback", ToJson(rates.fallback)},
          {"hand_off", ToJson(rates.hand_off)},
          {"again", ToJson(rates.again)},
          {"accuracy", ToJson(rates.accuracy)}};
}

std::string RateText(const ShareInterval& rate) {
  if (rate.of == 0) return fmt::format("{:>22}", "-");
  return fmt::format("{:>6.1f} % ({:>5.1f}-{:>5.1f})", 100 * rate.share, 100 * rate.low, 100 * rate.high);
}

std::string RatesLine(std::string_view name, const ToolRates& rates) {
  return fmt::format("{:<24} {} {} {} {} {}\n", name, RateText(rates.completion), RateText(rates.fallback),
                     RateText(rates.hand_off), RateText(rates.again), RateText(rates.accuracy));
}

}  // namespace

Watched WatchLog(const LogView& log, const Workflow& workflow, const WatchInput& input) {
  Watched watched;
  watched.first = log.first;
  watched.last = log.last;
  Watcher watcher(workflow, input);
  for (const auto& session : log.sessions) watcher.Session(session, watched);
  watcher.Finish(watched);
  return watched;
}

Json ToJson(const Watched& watched) {
  Json tools = Json::object();
  for (const auto& [tool, rates] : watched.tools) tools[tool] = RatesJson(rates);
  Json alerts = Json::array();
  for (const WatchAlert& alert : watched.alerts)
    alerts.push_back({{"what", alert.what},
                      {"tool", alert.tool},
                      {"value", alert.value},
                      {"limit", alert.limit},
                      {"certain", alert.certain},
                      {"text", alert.text}});
  Json json{{"first", watched.first},
            {"last", watched.last},
            {"sessions", watched.sessions},
            {"turns", watched.turns},
            {"all", RatesJson(watched.all)},
            {"tools", std::move(tools)},
            {"cost_usd", watched.cost},
            {"remote_cost_usd", watched.remote_cost},
            {"saved_usd", watched.remote_cost - watched.cost}};
  if (watched.has_psi) json["psi"] = watched.psi;
  json["alerts"] = std::move(alerts);
  return json;
}

std::string WatchText(const Watched& watched) {
  std::string text = fmt::format("{} to {}: {} conversations, {} turns\n", watched.first, watched.last,
                                 watched.sessions, watched.turns);
  text += fmt::format("{:<24} {:>22} {:>22} {:>22} {:>22} {:>22}\n", "", "completion", "fallback", "hand-off",
                      "asked again", "accuracy");
  text += RatesLine("all", watched.all);
  for (const auto& [tool, rates] : watched.tools) text += RatesLine(tool, rates);
  if (watched.has_psi) text += fmt::format("drift (PSI) {:.3f}\n", watched.psi);
  if (watched.remote_cost > 0)
    text += fmt::format("cost ${:.2f}; always remote ${:.2f}; saved ${:.2f}\n", watched.cost,
                        watched.remote_cost, watched.remote_cost - watched.cost);
  for (const WatchAlert& alert : watched.alerts) text += "alert: " + alert.text + "\n";
  return text;
}

}  // namespace sotto
