#include "specialist/home.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/mapped_file.h"
#include "specialist/declaration.h"
#include "workflow/yaml_reader.h"

namespace sotto {
namespace {

struct HomeWord {
  std::string text;
  size_t begin = 0, end = 0;
};

std::vector<HomeWord> HomeWordsOf(std::string_view text) {
  std::vector<HomeWord> words;
  for (size_t i = 0; i < text.size();) {
    const auto letter = [&](size_t at) {
      return at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) != 0 ||
                                  text[at] == '\'' || static_cast<unsigned char>(text[at]) >= 0x80);
    };
    if (!letter(i)) {
      ++i;
      continue;
    }
    size_t end = i;
    while (letter(end)) ++end;
    words.push_back({LowerAscii(text.substr(i, end - i)), i, end});
    i = end;
  }
  return words;
}

bool IsOneOf(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Words that may stand between "not" and what is left out.
bool IsLink(std::string_view word) {
  return IsOneOf(
      word, {"the", "a", "an", "my", "our", "in", "at", "on", "of", "to", "that", "this", "for", "with"});
}

// "not [in] [the]", "instead of the", "rather than the" right before word `at`.
bool LeftOutBefore(const std::vector<HomeWord>& words, size_t at) {
  while (at > 0 && IsLink(words[at - 1].text) &&
         !(words[at - 1].text == "of" && at > 1 && words[at - 2].text == "instead"))
    --at;
  if (at == 0) return false;
  if (words[at - 1].text == "not")
    return at < 2 || !IsOneOf(words[at - 2].text, {"why", "if", "or", "is", "are"});
  if (at > 1 && words[at - 1].text == "of" && words[at - 2].text == "instead") return true;
  return at > 1 && words[at - 1].text == "than" && words[at - 2].text == "rather";
}

// A word between `from` and `to` that takes back what stood before.
bool TakesBack(const std::vector<HomeWord>& words, size_t from, size_t to) {
  for (size_t i = from; i < std::min(to, words.size()); ++i) {
    const std::string& word = words[i].text;
    if (IsOneOf(word, {"no", "nope", "sorry", "actually", "wait", "rather", "correction", "oops"})) {
      if (word == "rather" && i + 1 < words.size() && words[i + 1].text == "than") continue;
      return true;
    }
    const std::string next = i + 1 < words.size() ? words[i + 1].text : "";
    if ((word == "i" && (next == "mean" || next == "meant")) || (word == "make" && next == "that"))
      return true;
  }
  return false;
}

struct Mention {
  size_t item = 0;
  size_t begin = 0, end = 0;  // words
};

// Longest first at each word.
struct HomePhrase {
  std::vector<std::string> words;
  int kind = 0;  // 0: room, 1: device, 2: colour
  size_t item = 0;
};

void AddPhrase(std::string_view name, int kind, size_t item, std::vector<HomePhrase>& phrases) {
  HomePhrase phrase{{}, kind, item};
  for (const HomeWord& word : HomeWordsOf(name)) phrase.words.push_back(word.text);
  if (!phrase.words.empty()) phrases.push_back(std::move(phrase));
}

std::vector<HomePhrase> PhrasesOf(const Home& home) {
  std::vector<HomePhrase> phrases;
  for (size_t i = 0; i < home.rooms.size(); ++i) {
    AddPhrase(home.rooms[i].name, 0, i, phrases);
    for (const std::string& name : home.rooms[i].names) AddPhrase(name, 0, i, phrases);
  }
  for (size_t i = 0; i < home.devices.size(); ++i) {
    AddPhrase(home.devices[i].name, 1, i, phrases);
    for (const std::string& name : home.devices[i].names) AddPhrase(name, 1, i, phrases);
  }
  for (size_t i = 0; i < home.colours.size(); ++i) AddPhrase(home.colours[i], 2, i, phrases);
  std::stable_sort(phrases.begin(), phrases.end(),
                   [](const HomePhrase& a, const HomePhrase& b) { return a.words.size() > b.words.size(); });
  return phrases;
}

std::vector<size_t> Kept(const std::vector<HomeWord>& words, const std::vector<Mention>& mentions) {
  std::vector<size_t> items;
  for (size_t i = 0; i < mentions.size(); ++i) {
    if (LeftOutBefore(words, mentions[i].begin)) continue;
    const bool taken_back = i + 1 < mentions.size() &&
                            TakesBack(words, mentions[i].end, mentions.back().begin) &&
                            !LeftOutBefore(words, mentions.back().begin);
    if (taken_back) continue;
    if (std::find(items.begin(), items.end(), mentions[i].item) == items.end())
      items.push_back(mentions[i].item);
  }
  return items;
}

// "the sauna" where nothing known stands.
std::string UnknownIn(const std::vector<HomeWord>& words, const std::vector<bool>& known) {
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (!IsOneOf(words[i].text, {"the", "my", "our", "that"}) || known[i + 1]) continue;
    std::string phrase;
    bool met = false;
    for (size_t k = i + 1; k < words.size() && k < i + 4; ++k) {
      if (IsOneOf(words[k].text, {"on",   "off", "in",  "at",  "to",    "up",   "down",   "please", "now",
                                  "and",  "for", "of",  "not", "again", "open", "closed", "locked", "is",
                                  "with", "no",  "the", "by",  "so",    "are",  "running"}))
        break;
      met = met || known[k];
      phrase += (phrase.empty() ? "" : " ") + words[k].text;
    }
    if (!phrase.empty() && !met) return phrase;
  }
  return "";
}

}  // namespace

Result<Home> Home::Read(const std::filesystem::path& path) {
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  YAML::Node root;
  try {
    root = YAML::Load(text);
  } catch (const YAML::Exception& error) {
    return MakeError(ErrorCode::kInvalidArgument, "{}:{}: {}", path.string(), error.mark.line + 1, error.msg);
  }
  Home home;
  YamlReader reader;
  if (!reader.CheckMap(root, "", {"rooms", "devices", "colours", "without_device"}, "home")) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: should have rooms and devices", path.string());
  }
  reader.Read(root, "", "colours", home.colours);
  reader.Read(root, "", "without_device", home.without_device);
  try {
    for (const auto& room : root["rooms"])
      home.rooms.push_back({room.first.as<std::string>(), room.second.as<std::vector<std::string>>()});
    for (const auto& device : root["devices"]) {
      const std::string name = device.first.as<std::string>();
      HomeDevice read{name, {}, {}, {}};
      if (reader.CheckMap(device.second, name, {"names", "rooms", "commands"}, "a device")) {
        reader.Read(device.second, name, "names", read.names);
        reader.Read(device.second, name, "rooms", read.rooms);
        reader.Read(device.second, name, "commands", read.commands);
      }
      for (const std::string& room : read.rooms) {
        if (std::none_of(home.rooms.begin(), home.rooms.end(),
                         [&](const HomeRoom& r) { return r.name == room; }))
          reader.Add(device.second.Mark(),
                     fmt::format("device '{}' is in '{}', which is no room", name, room));
      }
      home.devices.push_back(std::move(read));
    }
  } catch (const YAML::Exception& error) {
    return MakeError(ErrorCode::kInvalidArgument, "{}:{}: {}", path.string(), error.mark.line + 1, error.msg);
  }
  SOTTO_RETURN_IF_ERROR(FirstMistake(reader, path));
  if (home.devices.empty())
    return MakeError(ErrorCode::kInvalidArgument, "{}: 'devices' is empty", path.string());
  return home;
}

NamedInHome FindInHome(std::string_view text, const Home& home) {
  const std::vector<HomeWord> words = HomeWordsOf(text);
  const std::vector<HomePhrase> phrases = PhrasesOf(home);
  std::array<std::vector<Mention>, 3> mentions;
  std::vector<bool> known(words.size());
  for (size_t i = 0; i < words.size();) {
    size_t used = 1;
    for (const HomePhrase& phrase : phrases) {
      if (i + phrase.words.size() > words.size() ||
          !std::equal(phrase.words.begin(), phrase.words.end(),
                      words.begin() + static_cast<std::ptrdiff_t>(i),
                      [](const std::string& a, const HomeWord& b) { return a == b.text; }))
        continue;
      used = phrase.words.size();
      mentions[static_cast<size_t>(phrase.kind)].push_back({phrase.item, i, i + used});
      for (size_t k = i; k < i + used; ++k) known[k] = true;
      break;
    }
    i += used;
  }
  NamedInHome named;
  for (const size_t item : Kept(words, mentions[0])) named.rooms.push_back(home.rooms[item].name);
  for (const size_t item : Kept(words, mentions[1])) named.devices.push_back(home.devices[item].name);
  for (const size_t item : Kept(words, mentions[2])) named.colours.push_back(home.colours[item]);
  named.all = std::any_of(words.begin(), words.end(), [](const HomeWord& word) {
    return IsOneOf(word.text, {"all", "every", "everything", "everywhere", "anything"});
  });
  if (mentions[1].empty()) named.unknown = UnknownIn(words, known);
  return named;
}

bool IsLeftOut(std::string_view text, size_t begin, size_t end) {
  const std::vector<HomeWord> words = HomeWordsOf(text);
  for (size_t i = 0; i < words.size(); ++i)
    if (words[i].begin <= begin && begin < words[i].end) return end > begin && LeftOutBefore(words, i);
  return false;
}

}  // namespace sotto
