#include "workflow/yaml_reader.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "workflow/suggest.h"

namespace sotto {
namespace {

std::string_view KindName(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      return "a text";
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Map:
      return "a map";
    default:
      return "nothing";
  }
}

}  // namespace

Places::Place Places::Find(std::string path) const {
  while (true) {
    const auto found = places_.find(path);
    if (found != places_.end()) return found->second;
    const size_t dot = path.rfind('.');
    if (dot == std::string::npos) return {};
    path.resize(dot);
  }
}

bool IsIdentifier(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

void YamlReader::Add(YAML::Mark mark, std::string message, std::string suggestion) {
  mistakes.push_back({mark.line + 1, mark.column + 1, std::move(message), std::move(suggestion), false});
}

void YamlReader::AddAt(const std::string& path, std::string message, std::string suggestion, bool warning) {
  const Places::Place place = places.Find(path);
  mistakes.push_back({place.line, place.column, std::move(message), std::move(suggestion), warning});
}

bool YamlReader::CheckNames(const YAML::Node& node, const std::string& path, std::string_view what,
                            bool identifier) {
  if (!node.IsMap()) {
    Add(node.Mark(), fmt::format("{} must be a map, not {}", what, KindName(node)));
    return false;
  }
  std::set<std::string> seen;
  for (const auto& item : node) {
    if (!item.first.IsScalar()) {
      Add(item.first.Mark(), fmt::format("a key of {} must be a name", what));
      continue;
    }
    const std::string& key = item.first.Scalar();
    if (identifier && !IsIdentifier(key)) {
      Add(item.first.Mark(), fmt::format("'{}' is no name", key), "letters, digits and '_', a letter first");
    }
    if (!seen.insert(key).second) Add(item.first.Mark(), fmt::format("'{}' stands twice in {}", key, what));
    places.Set(path.empty() ? key : path + "." + key, item.first.Mark());
  }
  return true;
}

bool YamlReader::CheckMap(const YAML::Node& node, const std::string& path,
                          const std::vector<std::string>& known, std::string_view what) {
  if (!CheckNames(node, path, what, false)) return false;
  for (const auto& item : node) {
    if (!item.first.IsScalar()) continue;
    const std::string& key = item.first.Scalar();
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      Add(item.first.Mark(), fmt::format("unknown key '{}' in {}", key, what), Suggestion(key, known));
    }
  }
  return true;
}

void YamlReader::Read(const YAML::Node& map, const std::string& path, const std::string& key,
                      std::string& out) {
  const YAML::Node node = map[key];
  if (!node) return;
  if (!node.IsScalar()) {
    Add(node.Mark(), fmt::format("'{}' must be a text, not {}", key, KindName(node)),
        "put it in quotes if it begins with '{' or '['");
    return;
  }
  out = node.Scalar();
  places.Set(path + "." + key, node.Mark());
}

void YamlReader::Read(const YAML::Node& map, const std::string& /*path*/, const std::string& key, bool& out) {
  const YAML::Node node = map[key];
  if (!node) return;
  if (!node.IsScalar() || !YAML::convert<bool>::decode(node, out)) {
    Add(node.Mark(), fmt::format("'{}' must be true or false", key));
  }
}

void YamlReader::Read(const YAML::Node& map, const std::string& /*path*/, const std::string& key,
                      double& out) {
  const YAML::Node node = map[key];
  if (!node) return;
  double value = 0;
  if (!node.IsScalar() || !YAML::convert<double>::decode(node, value) || !std::isfinite(value)) {
    Add(node.Mark(), fmt::format("'{}' must be a number", key));
  } else {
    out = value;
  }
}

void YamlReader::Read(const YAML::Node& map, const std::string& /*path*/, const std::string& key, int& out,
                      int least) {
  const YAML::Node node = map[key];
  if (!node) return;
  int value = 0;
  if (!node.IsScalar() || !YAML::convert<int>::decode(node, value) || value < least) {
    Add(node.Mark(), fmt::format("'{}' must be a whole number of at least {}", key, least));
  } else {
    out = value;
  }
}

void YamlReader::Read(const YAML::Node& map, const std::string& path, const std::string& key,
                      std::vector<std::string>& out) {
  const YAML::Node node = map[key];
  if (!node) return;
  const std::string here = path + "." + key;
  if (node.IsScalar()) {
    out = {node.Scalar()};
    places.Set(here + ".0", node.Mark());
    return;
  }
  if (!node.IsSequence()) {
    Add(node.Mark(), fmt::format("'{}' must be a text or a list of texts, not {}", key, KindName(node)),
        node.IsMap() ? "put it in quotes if it begins with '{' or holds ': '" : "");
    return;
  }
  out.clear();
  for (size_t i = 0; i < node.size(); ++i) {
    if (node[i].IsScalar()) {
      places.Set(fmt::format("{}.{}", here, out.size()), node[i].Mark());
      out.push_back(node[i].Scalar());
    } else {
      Add(node[i].Mark(),
          fmt::format("item {} of '{}' must be a text, not {}", i + 1, key, KindName(node[i])),
          "put it in quotes if it begins with '{' or holds ': '");
    }
  }
}

size_t YamlReader::ReadOneOf(const YAML::Node& map, const std::string& path, const std::string& key,
                             const std::vector<std::string>& names, size_t otherwise) {
  std::string value;
  Read(map, path, key, value);
  if (value.empty()) return otherwise;
  const auto found = std::find(names.begin(), names.end(), value);
  if (found != names.end()) return static_cast<size_t>(found - names.begin());
  AddAt(path + "." + key, fmt::format("'{}' is no {}", value, key), Suggestion(value, names));
  return otherwise;
}

// A YAML alias may lead back to a node around it: nothing is followed deeper than this.
static Json ToJson(const YAML::Node& node, int depth) {
  if (depth > 32) return nullptr;
  switch (node.Type()) {
    case YAML::NodeType::Scalar: {
      const std::string& text = node.Scalar();
      if (node.Tag() == "!") return text;  // quoted
      long long integer = 0;
      double number = 0;
      bool truth = false;
      if (YAML::convert<long long>::decode(node, integer)) return integer;
      if (YAML::convert<double>::decode(node, number)) return number;
      if (YAML::convert<bool>::decode(node, truth)) return truth;
      return text;
    }
    case YAML::NodeType::Sequence: {
      Json list = Json::array();
      for (const auto& item : node) list.push_back(ToJson(item, depth + 1));
      return list;
    }
    case YAML::NodeType::Map: {
      Json map = Json::object();
      for (const auto& item : node) {
        if (item.first.IsScalar()) map[item.first.Scalar()] = ToJson(item.second, depth + 1);
      }
      return map;
    }
    default:
      return nullptr;
  }
}

Json ToJson(const YAML::Node& node) { return ToJson(node, 0); }

}  // namespace sotto
