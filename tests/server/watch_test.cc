// What watches the server asks for what it counts: the dashboard, the rules and the document of metrics against the
// names in the program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

#include "base/mapped_file.h"
#include "core/json.h"

namespace sotto {
namespace {

std::string Source(const char* path) {
  return ReadFile(std::filesystem::path(SOTTO_SOURCE_DIR) / path).value();
}

std::set<std::string> AllOf(const std::string& text, const std::string& pattern) {
  std::set<std::string> found;
  const std::regex expression(pattern);
  for (std::sregex_iterator at(text.begin(), text.end(), expression), end; at != end; ++at)
    found.insert((*at)[1]);
  return found;
}

struct Counted {
  std::set<std::string> names;
  std::set<std::string> histograms;
  std::set<std::string> labels;
};

Counted WhatIsCounted() {
  const std::string source = Source("src/server/metrics.cc");
  Counted counted;
  counted.names = AllOf(source, "\"(sotto_[a-z_]+)\"");
  counted.histograms = AllOf(source, "Times\\(\\s*\"(sotto_[a-z_]+)\"");
  counted.labels = AllOf(source, "\\{\"([a-z_]+)\", ");
  return counted;
}

// Every metric and label of a query is one of ours.
void ExpectKnown(const std::string& query, const Counted& counted) {
  // Names of recorded series have colons.
  const std::string plain = std::regex_replace(query, std::regex("sotto:[a-z_:]+"), "");
  for (std::string name : AllOf(plain, "(sotto_[a-z_]+)")) {
    for (const char* ending : {"_bucket", "_sum", "_count"}) {
      const size_t size = std::string_view(ending).size();
      if (!name.ends_with(ending)) continue;
      const std::string whole = name.substr(0, name.size() - size);
      if (counted.histograms.contains(whole)) name = whole;
    }
    EXPECT_TRUE(counted.names.contains(name)) << name << " in " << query;
  }
  std::set<std::string> labels = AllOf(plain, "([a-z_]+)\\s*(?:=~|!=|!~|=)\\s*\"");
  for (const std::string& list : AllOf(plain, "by \\(([^)]*)\\)")) labels.merge(AllOf(list, "([a-z_]+)"));
  for (const std::string& label : labels) {
    EXPECT_TRUE(counted.labels.contains(label) || label == "le" || label == "instance")
        << label << " in " << query;
  }
}

TEST(Watch, TheDashboardAsksForWhatIsCounted) {
  const Counted counted = WhatIsCounted();
  ASSERT_GT(counted.names.size(), 20u);
  ASSERT_GT(counted.histograms.size(), 3u);
  const std::string text = Source("deploy/grafana-dashboard.json");
  const Json dashboard = Json::parse(text);
  std::string queries;
  size_t panels = 0;
  for (const Json& panel : dashboard["panels"]) {
    if (panel["type"] == "row") continue;
    ++panels;
    EXPECT_FALSE(panel["description"].get<std::string>().empty());
    ASSERT_FALSE(panel["targets"].empty()) << panel["title"];
    for (const Json& target : panel["targets"]) {
      const std::string query = target["expr"];
      ExpectKnown(query, counted);
      queries += query + "\n";
    }
  }
  EXPECT_GT(panels, 20u);
  ExpectKnown(dashboard["templating"]["list"][1]["query"]["query"], counted);
  // And all of it.
  for (const std::string& name : counted.names) EXPECT_THAT(queries, testing::HasSubstr(name));
}

TEST(Watch, TheRulesAskForWhatIsCounted) {
  const std::string rules = Source("deploy/sotto.rules.yml");
  // What stands in annotations is prose.
  ExpectKnown(std::regex_replace(rules, std::regex("annotations:.*|labels:.*|rule_files:.*|# .*"), ""),
              WhatIsCounted());
}

TEST(Watch, TheDocumentListsEveryMetric) {
  const std::string document = Source("docs/formats/metrics.md");
  for (const std::string& name : WhatIsCounted().names) {
    EXPECT_THAT(document, testing::HasSubstr("`" + name + "`"));
  }
}

}  // namespace
}  // namespace sotto
