// A thousand figures as people say them, alone and in sentences, drawn from
// tests/data/spoken_numbers/hard_figures.tsv. Values are put into words here by a table of its own.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/random.h"
#include "text/said_numbers.h"

namespace sotto {
namespace {

std::string Words(int value) {
  static const char* const kOnes[] = {"",        "one",     "two",       "three",    "four",
                                      "five",    "six",     "seven",     "eight",    "nine",
                                      "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                      "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
  static const char* const kTens[] = {"",      "",      "twenty",  "thirty", "forty",
                                      "fifty", "sixty", "seventy", "eighty", "ninety"};
  if (value < 20) return kOnes[value];
  if (value < 100)
    return std::string(kTens[value / 10]) + (value % 10 ? std::string(" ") + kOnes[value % 10] : "");
  return std::string(kOnes[value / 100]) + " hundred" + (value % 100 ? " " + Words(value % 100) : "");
}

int Draw(char variable, Random& random) {
  const auto between = [&](int low, int high) {
    return low + static_cast<int>(random.Below(static_cast<size_t>(high - low + 1)));
  };
  switch (variable) {
    case 'u':
    case 'w':
      return between(1, 9);
    case 'v':
      return between(2, 9);
    case 'n':
      return between(10, 19);
    case 'T':
      return 10 * between(2, 9);
    case 't':
      return between(10, 99);
    case 'c':
      return between(1, 99);
    case 'x':
      return between(1, 999);
    case 'y':
      return between(100, 999);
    default:
      ADD_FAILURE() << "no variable is called " << variable;
      return 0;
  }
}

struct Figure {
  std::string text;
  bool ask = false;
  double value = 0;
};

Figure Make(const std::string& form, const std::string& formula, Random& random) {
  std::map<std::string, int> values;
  Figure figure;
  for (size_t i = 0; i < form.size(); ++i) {
    if (form[i] != '{') {
      figure.text += form[i];
      continue;
    }
    const size_t end = form.find('}', i);
    std::string name = form.substr(i + 1, end - i - 1);
    const bool digits = name[0] == '#';
    if (digits) name.erase(0, 1);
    if (!values.contains(name)) {
      values[name] = name == "c0" ? 10 + Draw('c', random) % 90 : Draw(name[0], random);
      // A choice between neighbours.
      if (name == "v" && form.find("w}") != std::string::npos) values[name] = std::min(values[name], 8);
      if (name == "w" && values.contains("v")) values[name] = values["v"] + 1;
    }
    const int value = values[name];
    figure.text += digits ? std::to_string(value) : Words(value);
    i = end;
  }
  if (formula == "ask") {
    figure.ask = true;
    return figure;
  }
  std::istringstream terms(formula);
  for (std::string term; terms >> term;) {
    const size_t star = term.find('*');
    const double factor = std::stod(term.substr(0, star));
    figure.value += star == std::string::npos ? factor : factor * values.at(term.substr(star + 1));
  }
  return figure;
}

TEST(HardFigures, AThousand) {
  struct Form {
    std::string form, formula, kind;
  };
  std::vector<Form> forms;
  std::ifstream file(SOTTO_SOURCE_DIR "/tests/data/spoken_numbers/hard_figures.tsv");
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream columns(line);
    Form& form = forms.emplace_back();
    std::getline(columns, form.form, '\t');
    std::getline(columns, form.formula, '\t');
    std::getline(columns, form.kind, '\t');
    ASSERT_TRUE(form.kind == "amount" || form.kind == "bill") << line;
  }
  ASSERT_GT(forms.size(), 80u);
  const char* const sentences[] = {"{}",
                                   "{}",
                                   "move {} from checking to savings",
                                   "pay the landlord {} please",
                                   "yes {}",
                                   "i'd like to send {} to my savings account"};
  Random random(11);
  int right = 0;
  int left_open = 0;  // nothing, or several: the caller is asked or the model chooses
  int wrong = 0;
  constexpr int kFigures = 1000;
  std::string misses;
  for (int i = 0; i < kFigures; ++i) {
    const Form& form = forms[static_cast<size_t>(i) % forms.size()];
    const Figure figure = Make(form.form, form.formula, random);
    const std::string said = fmt::format(fmt::runtime(random.Pick(sentences)), figure.text);
    NumberWanted wanted{true, "USD", 0.01, 1000000};
    if (form.kind == "bill") wanted.usual_min = 1, wanted.usual_max = 500;
    std::vector<double> taken;
    for (const SaidNumber& number : SaidNumbers(ReadNumbers(said), wanted)) {
      const bool known = !taken.empty() && std::abs(taken.back() - number.value) < 1e-9;
      if (number.fit == SaidNumber::Fit::kPlain && !known) taken.push_back(number.value);
    }
    const bool one = taken.size() == 1;
    if (figure.ask ? taken.empty() : one && std::abs(taken[0] - figure.value) < 1e-6) {
      ++right;
      continue;
    }
    (one ? wrong : left_open)++;
    misses += fmt::format("  {} -> {:.2f}, not {:.2f}{}\n", said, fmt::join(taken, ", "), figure.value,
                          figure.ask ? " (ask)" : "");
  }
  RecordProperty("right", right);
  RecordProperty("left_open", left_open);
  RecordProperty("wrong", wrong);
  EXPECT_GE(right, kFigures * 98 / 100) << misses;
  EXPECT_LE(wrong, kFigures * 3 / 1000) << misses;
}

}  // namespace
}  // namespace sotto
