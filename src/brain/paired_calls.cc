#include "brain/paired_calls.h"

#include <algorithm>
#include <optional>

#include "text/said_numbers.h"

namespace sotto {
namespace {

constexpr size_t kMostPairs = 8;
constexpr size_t kMostNameWords = 4;

struct SaidName {
  size_t begin = 0;
  size_t end = 0;
  size_t value = 0;  // of the argument's list
};

struct SaidFigure {
  size_t begin = 0;
  size_t end = 0;
  std::vector<NumberReading> readings;  // of the same words
};

std::vector<SaidName> NamesIn(const OfferedArgument& argument, std::span<const NormalisedWord> words) {
  std::vector<SaidName> names;
  for (size_t at = 0; at < words.size();) {
    SaidName longest{at, at, 0};
    std::string said;
    for (size_t end = at + 1; end <= std::min(at + kMostNameWords, words.size()); ++end) {
      said += (said.empty() ? "" : " ") + words[end - 1].text;
      for (size_t value = 0; value < argument.listed.size(); ++value) {
        const std::vector<std::string>& forms = argument.listed[value].forms;
        if (std::find(forms.begin(), forms.end(), said) != forms.end()) longest = {at, end, value};
      }
    }
    if (longest.end > at) names.push_back(longest);
    at = std::max(longest.end, at + 1);
  }
  return names;
}

// By place; none where one of them is no plain figure.
std::vector<SaidFigure> FiguresIn(std::span<const NumberReading> readings) {
  std::vector<SaidFigure> figures;
  for (const NumberReading& reading : readings) {
    const bool number = reading.kind == NumberKind::kCount || reading.kind == NumberKind::kAmount;
    if (!number || !reading.maximal || reading.homophone || reading.secret || !reading.unit.empty()) continue;
    if (reading.standing != NumberStanding::kSaid) return {};
    const auto same = std::find_if(figures.begin(), figures.end(), [&](const SaidFigure& figure) {
      return figure.begin < reading.end && reading.begin < figure.end;
    });
    if (same == figures.end()) {
      figures.push_back({reading.begin, reading.end, {reading}});
    } else {
      same->begin = std::min(same->begin, reading.begin);
      same->end = std::max(same->end, reading.end);
      same->readings.push_back(reading);
    }
  }
  std::sort(figures.begin(), figures.end(),
            [](const SaidFigure& a, const SaidFigure& b) { return a.begin < b.begin; });
  return figures;
}

// What the figure is where it goes with this value of the named argument.
std::optional<double> FigureFor(const OfferedArgument& figure, const std::string& named_argument,
                                size_t value, std::span<const NumberReading> readings) {
  const NumberWanted* wanted = &figure.number;
  for (const OfferedArgument::NumberFor& other : figure.number_for)
    if (other.argument == named_argument && value < other.numbers.size()) wanted = &other.numbers[value];
  const std::vector<SaidNumber> said = SaidNumbers(readings, *wanted);
  if (said.size() != 1 || said[0].fit != SaidNumber::Fit::kPlain) return std::nullopt;
  const double number = said[0].value;
  const bool fits = (!figure.min || number >= *figure.min) && (!figure.max || number <= *figure.max);
  return fits ? std::optional<double>(number) : std::nullopt;
}

// The one required argument of each kind; null where there is none or more than one.
std::pair<const OfferedArgument*, const OfferedArgument*> FigureAndName(const ToolDef& tool,
                                                                        const OfferedTool& offered) {
  const OfferedArgument *figure = nullptr, *name = nullptr;
  for (const Slot& slot : tool.slots) {
    const OfferedArgument* argument = offered.Find(slot.name);
    if (!slot.required || argument == nullptr) continue;
    const bool number = argument->kind == OfferedArgument::Kind::kNumber;
    if (!number && argument->listed.empty()) continue;
    const OfferedArgument*& one = number ? figure : name;
    if (one != nullptr) return {};
    one = argument;
  }
  return {figure, name};
}

// Whether the two lists take turns, the i-th of one right before or right behind the i-th of the other.
bool TakeTurns(std::span<const SaidName> names, std::span<const SaidFigure> figures) {
  if (names.size() != figures.size()) return false;
  const bool name_first = names[0].begin < figures[0].begin;
  size_t end = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    const size_t first = name_first ? names[i].begin : figures[i].begin;
    const size_t first_end = name_first ? names[i].end : figures[i].end;
    const size_t second = name_first ? figures[i].begin : names[i].begin;
    if (first < end || second < first_end) return false;
    end = name_first ? figures[i].end : names[i].end;
  }
  return true;
}

}  // namespace

std::vector<ToolCall> PairedCalls(const LanguageData& language, const ToolDef& tool,
                                  const OfferedTool& offered, const Grounding& grounding,
                                  const ToolCall& like) {
  const auto [figure, name] = FigureAndName(tool, offered);
  if (figure == nullptr || name == nullptr) return {};
  const std::vector<SaidFigure> figures = FiguresIn(grounding.numbers());
  if (figures.empty()) return {};
  const std::vector<SaidName> names = NamesIn(*name, grounding.words());
  if (names.size() < 2 || names.size() > kMostPairs) return {};
  std::vector<std::string_view> words;
  for (const NormalisedWord& word : grounding.words()) words.push_back(word.text);
  const bool each = figures.size() == 1 && language.each.Found(words);
  if (!each && !TakeTurns(names, figures)) return {};
  std::vector<ToolCall> calls;
  for (size_t i = 0; i < names.size(); ++i) {
    const auto number = FigureFor(*figure, name->name, names[i].value, figures[each ? 0 : i].readings);
    if (!number) return {};
    ToolCall call = like;
    call.arguments[figure->name] = *number == static_cast<double>(static_cast<int64_t>(*number))
                                       ? Json(static_cast<int64_t>(*number))
                                       : Json(*number);
    call.arguments[name->name] = name->listed[names[i].value].value;
    calls.push_back(std::move(call));
  }
  return calls;
}

}  // namespace sotto
