// The report as one HTML file: sentences, tables and plots (SVG), without a script and without an address.
#include <algorithm>
#include <cmath>

#include "base/markup.h"
#include "flywheel/report.h"

namespace sotto {
namespace {

constexpr const char* kStyle =
    "body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}"
    "h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.2rem;border-bottom:1px solid #d0d7de}"
    "table{border-collapse:collapse;width:100%;margin:.6rem 0}td,th{text-align:left;padding:.25rem .6rem;"
    "border-bottom:1px solid #eaeef2;vertical-align:top}td.n,th.n{text-align:right;white-space:nowrap}"
    ".tiles{display:flex;flex-wrap:wrap;gap:1rem}.tile{border:1px solid #d0d7de;border-radius:6px;"
    "padding:.6rem 1rem;min-width:8rem}.tile b{display:block;font-size:1.5rem}.bad{color:#b3261e}"
    ".note{color:#57606a;font-size:.9em}svg text{font:12px system-ui,sans-serif;fill:#1b1f24}"
    "@media (prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}td,th{border-color:#30363d}"
    "svg text{fill:#e6edf3}.tile,h2{border-color:#30363d}}";

std::string Percent(const Json& share) {
  return share.is_number() ? fmt::format("{:.1f} %", 100 * share.get<double>()) : "-";
}

std::string Text(const Json& json, const char* key) {
  return json.contains(key) && json[key].is_string() ? EscapeMarkup(json[key].get<std::string>()) : "";
}

std::string Tile(std::string_view name, const Json& rate) {
  const bool known = rate["of"].get<size_t>() > 0;
  return fmt::format("<div class=\"tile\">{}<b>{}</b><span class=\"note\">{}</span></div>", name,
                     known ? Percent(rate["share"]) : "-",
                     known ? fmt::format("{} to {}, of {}", Percent(rate["low"]), Percent(rate["high"]),
                                         rate["of"].get<size_t>())
                           : "nothing to count");
}

// Bars of shares, with their names at the left.
std::string BarPlot(const std::vector<std::pair<std::string, double>>& bars, const char* colour) {
  if (bars.empty()) return "";
  double most = 0;
  for (const auto& [name, value] : bars) most = std::max(most, value);
  constexpr int kRow = 22, kLeft = 300, kWidth = 420;
  std::string svg = fmt::format("<svg viewBox=\"0 0 800 {}\" width=\"100%\" role=\"img\">",
                                kRow * static_cast<int>(bars.size()) + 4);
  for (size_t i = 0; i < bars.size(); ++i) {
    const int y = kRow * static_cast<int>(i);
    const double width = most > 0 ? kWidth * bars[i].second / most : 0;
    std::string name = bars[i].first;
    if (name.size() > 44) name = name.substr(0, 42) + "..";
    svg += fmt::format(
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text><rect x=\"{}\" y=\"{}\" width=\"{:.1f}\" "
        "height=\"15\" fill=\"{}\"/><text x=\"{:.1f}\" y=\"{}\">{:.1f} %</text>",
        kLeft - 8, y + 14, EscapeMarkup(name), kLeft, y + 3, width, colour, kLeft + width + 6, y + 14,
        100 * bars[i].second);
  }
  return svg + "</svg>";
}

// Rates over days.
std::string DayPlot(const Json& days) {
  if (days.size() < 2) return "";
  constexpr double kLeft = 50, kTop = 10, kWidth = 700, kHeight = 180;
  std::string svg = "<svg viewBox=\"0 0 800 240\" width=\"100%\" role=\"img\">";
  for (int tick = 0; tick <= 4; ++tick) {
    const double y = kTop + kHeight * (4 - tick) / 4;
    svg += fmt::format(
        "<line x1=\"{0}\" x2=\"{1}\" y1=\"{2}\" y2=\"{2}\" stroke=\"#8884\"/><text x=\"{3}\" y=\"{4}\" "
        "text-anchor=\"end\">{5} %</text>",
        kLeft, kLeft + kWidth, y, kLeft - 6, y + 4, 25 * tick);
  }
  const double step = kWidth / static_cast<double>(days.size() - 1);
  struct Line {
    const char* key;
    const char* colour;
    const char* name;
  };
  constexpr Line kLines[] = {{"completion", "#1a7f37", "completion"},
                             {"fallback", "#bc4c00", "not understood"},
                             {"hand_off", "#8250df", "hand-off"}};
  double x_name = kLeft;
  for (const Line& line : kLines) {
    std::string points;
    for (size_t i = 0; i < days.size(); ++i) {
      const Json& value = days[i][line.key];
      if (!value.is_number()) continue;
      points += fmt::format("{:.1f},{:.1f} ", kLeft + step * static_cast<double>(i),
                            kTop + kHeight * (1 - std::clamp(value.get<double>(), 0.0, 1.0)));
    }
    svg += fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>", points,
                       line.colour);
    svg += fmt::format(
        "<rect x=\"{0}\" y=\"222\" width=\"12\" height=\"12\" fill=\"{1}\"/><text x=\"{2}\" "
        "y=\"232\">{3}</text>",
        x_name, line.colour, x_name + 17, line.name);
    x_name += 150;
  }
  svg +=
      fmt::format("<text x=\"{}\" y=\"208\">{}</text><text x=\"{}\" y=\"208\" text-anchor=\"end\">{}</text>",
                  kLeft, Text(days.front(), "day"), kLeft + kWidth, Text(days.back(), "day"));
  return svg + "</svg>";
}

std::string ClusterTable(const Json& clusters, bool unmet) {
  std::string html =
      "<table><tr><th>" + std::string(unmet ? "what callers say" : "request") +
      "</th><th>example</th><th class=\"n\">turns</th><th class=\"n\">share</th><th class=\"n\">"
      "with a person at the end</th><th class=\"n\">asked again</th><th class=\"n\">cost</th>"
      "<th class=\"n\">alike</th>" +
      (unmet ? "<th>nearest</th>" : "") + "</tr>";
  for (const Json& one : clusters) {
    std::string more;
    for (const Json& text : one["more"])
      more += "<br><span class=\"note\">" + EscapeMarkup(text.get<std::string>()) + "</span>";
    html += fmt::format(
        "<tr><td>{}</td><td>{}{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>"
        "<td class=\"n\">{}</td><td class=\"n\">${:.2f}</td><td class=\"n\">{:.2f}</td>",
        unmet ? (one.contains("missing") ? "<b>no tool serves this</b>" : "not understood")
              : Text(one, "name"),
        Text(one, "example"), more, one["count"].get<size_t>(), Percent(one["share"]),
        one["handoffs"].get<size_t>(), one["asked_again"].get<size_t>(), one["cost_usd"].get<double>(),
        one["narrowness"].get<double>());
    if (unmet)
      html += one.contains("nearest_tool") ? fmt::format("<td>{} ({:.2f})</td>", Text(one, "nearest_tool"),
                                                         one["nearest"].get<double>())
                                           : "<td>-</td>";
    html += "</tr>";
  }
  return html + "</table>";
}

std::string StruggleTable(const Json& struggles) {
  std::string html =
      "<table><tr><th>tool</th><th>slot</th><th class=\"n\">times</th><th class=\"n\">asked again</th>"
      "<th class=\"n\">corrected</th><th class=\"n\">silence</th><th class=\"n\">person</th>"
      "<th class=\"n\">given up</th></tr>";
  for (const Json& one : struggles) {
    html += fmt::format("<tr><td>{}</td><td>{}</td>", Text(one, "tool"), Text(one, "slot"));
    for (const char* key : {"tasks", "asked_again", "corrected", "silences", "handoffs", "abandoned"})
      html += fmt::format("<td class=\"n\">{}</td>", one[key].get<size_t>());
    html += "</tr>";
  }
  return html + "</table>";
}

// Only proposed: who trains decides.
std::string ProposalSection(const Json& proposal) {
  const auto list = [](const Json& items, const char* element) {
    std::string html = "<ul>";
    for (const Json& item : items)
      html += fmt::format("<li><{0}>{1}</{0}></li>", element, EscapeMarkup(item.get<std::string>()));
    return html + "</ul>";
  };
  const std::string train = Text(proposal, "train");
  const char* says = train == "continue"  ? "The model should learn on from what the log proves."
                     : train == "scratch" ? "A specialist should be trained from scratch."
                     : train == "lora"    ? "The general model should get an adapter (LoRA)."
                                          : "No training is proposed.";
  std::string html = fmt::format("<h2>What to train</h2><p>{}</p>", says);
  html += list(proposal["because"], "span");
  if (const auto labels = proposal["labels_wanted"].get<size_t>(); labels > 0)
    html += fmt::format("<p>First {} turns should get labels.</p>", labels);
  return html + list(proposal["commands"], "code");
}

std::string DriftSection(const Json& drift) {
  const double psi = drift["psi"].get<double>();
  const char* says = psi < 0.1    ? "about the same"
                     : psi < 0.25 ? "somewhat different"
                                  : "a different population";
  const auto words = drift["words"].get<double>();
  std::string html = fmt::format(
      "<h3>Against {}</h3><p>Shares of tools: <b>{}</b> (PSI {:.3f}). Words never seen there: {:.2f} % of "
      "all that "
      "were said. Mean confidence {:.3f}, unsure {}.</p>",
      Text(drift, "against"), says, psi, words > 0 ? 100 * drift["unseen"].get<double>() / words : 0,
      drift["confidence_now"].get<double>(), Percent(drift["unsure_now"]));
  html +=
      "<table><tr><th>tool</th><th class=\"n\">now</th><th class=\"n\">then</th><th "
      "class=\"n\">PSI</th></tr>";
  size_t rows = 0;
  for (const Json& tool : drift["tools"]) {
    if (rows++ == 15) break;
    html += fmt::format(
        "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{:.3f}</td></tr>",
        Text(tool, "tool"), Percent(tool["now"]), Percent(tool["then"]), tool["psi"].get<double>());
  }
  html += "</table>";
  std::string unseen;
  for (const Json& word : drift["unseen_words"])
    unseen +=
        fmt::format("{}{} ({})", unseen.empty() ? "" : ", ", Text(word, "word"), word["count"].get<size_t>());
  if (!unseen.empty()) html += "<p>New words: " + unseen + "</p>";
  return html;
}

std::string CleanedSection(const Json& cleaned) {
  std::string html = fmt::format(
      "<h2>What can be learnt from it</h2><p>{} of {} turns prove what they meant, in {} labelled "
      "conversations. "
      "{} conflicts and {} questions wait for people (<code>sotto label</code>).</p><table><tr><th>left out "
      "because"
      "</th><th class=\"n\">turns</th></tr>",
      [&] {
        size_t sum = 0;
        for (const Json& count : cleaned["kept"]) sum += count.get<size_t>();
        return sum;
      }(),
      cleaned["turns"].get<size_t>(), cleaned["rows"].get<size_t>(), cleaned["conflicts"].get<size_t>(),
      cleaned["questions"].get<size_t>());
  for (const auto& item : cleaned["dropped"].items())
    html += fmt::format("<tr><td>{}</td><td class=\"n\">{}</td></tr>", EscapeMarkup(item.key()),
                        item.value().get<size_t>());
  return html + "</table>";
}

}  // namespace

std::string ReportHtml(const Json& report) {
  const Json& watched = report["watched"];
  const Json& all = watched["all"];
  const std::string name = Text(report["workflow"], "name");
  std::string html = fmt::format(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>{0}: what callers wanted</title><style>{1}</style></head><body>"
      "<h1>{0}: what callers wanted</h1><p>{2} to {3}: {4} conversations, {5} turns.</p>",
      name, kStyle, Text(report, "first"), Text(report, "last"), watched["sessions"].get<size_t>(),
      watched["turns"].get<size_t>());
  html += "<div class=\"tiles\">" + Tile("tasks completed", all["completion"]) +
          Tile("turns not understood", all["fallback"]) + Tile("calls given to a person", all["hand_off"]) +
          Tile("asked again", all["again"]) + Tile("accuracy (labelled sample)", all["accuracy"]);
  html += fmt::format(
      "<div class=\"tile\">cost<b>${:.2f}</b><span class=\"note\">saved against always remote: "
      "${:.2f}</span></div></div>",
      watched["cost_usd"].get<double>(), watched["saved_usd"].get<double>());
  for (const Json& alert : watched["alerts"]) html += "<p class=\"bad\">" + Text(alert, "text") + "</p>";
  html += "<h2>Day by day</h2>" + DayPlot(report["days"]);
  html += "<h2>What is asked for</h2>";
  std::vector<std::pair<std::string, double>> bars;
  for (const Json& one : report["requests"]) {
    if (bars.size() == 15) break;
    bars.emplace_back(one["name"].get<std::string>(), one["share"].get<double>());
  }
  html += BarPlot(bars, "#0969da") + ClusterTable(report["requests"], false);
  html += "<h2>What was not understood, and what nobody serves</h2>";
  bars.clear();
  for (const Json& one : report["unmet"]) {
    if (bars.size() == 15) break;
    bars.emplace_back(one["example"].get<std::string>(), one["share"].get<double>());
  }
  html += BarPlot(bars, "#bc4c00") + ClusterTable(report["unmet"], true);
  html += "<h2>Where callers struggle</h2>" + StruggleTable(report["struggles"]);
  html += "<h2>What has changed</h2>";
  for (const Json& drift : report["drift"]) html += DriftSection(drift);
  if (report.contains("proposal")) html += ProposalSection(report["proposal"]);
  if (report.contains("cleaned")) html += CleanedSection(report["cleaned"]);
  html += fmt::format(
      "<p class=\"note\">\"alike\" is how narrow a request is: 1 is always the same words. Likeness by {}. "
      "Intervals "
      "are Wilson's, 95 %. Values that name a person are placeholders such as "
      "&lt;card_1&gt;.</p></body></html>\n",
      report["encoder"].get<bool>() ? "words, letters and meaning (sentence encoder)"
                                    : "words and letters only: the sentence encoder is not installed");
  return html;
}

}  // namespace sotto
