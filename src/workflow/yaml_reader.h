// The YAML side of the workflow parser: typed access to nodes that notes mistakes instead of stopping, and
// remembers where everything stood.
#pragma once

#include <yaml-cpp/yaml.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "workflow/parse.h"

namespace sotto {

// Where a value stands in the file, by its path ("tools.pay_bill.confirm.1"): for checks made after parsing.
class Places {
 public:
  struct Place {
    int line = 0;
    int column = 0;
  };
  void Set(const std::string& path, YAML::Mark mark) { places_[path] = {mark.line + 1, mark.column + 1}; }
  // The path's own place or its nearest parent's.
  Place Find(std::string path) const;

 private:
  std::map<std::string, Place> places_;
};

class YamlReader {
 public:
  void Add(YAML::Mark mark, std::string message, std::string suggestion = "");
  void AddAt(const std::string& path, std::string message, std::string suggestion = "", bool warning = false);

  // Notes keys that are not in `known`, keys that occur twice, and a node that is no map (false).
  bool CheckMap(const YAML::Node& node, const std::string& path, const std::vector<std::string>& known,
                std::string_view what);
  // The same for maps whose keys are names of the author's choice: identifiers where `identifier`.
  bool CheckNames(const YAML::Node& node, const std::string& path, std::string_view what, bool identifier);

  // Each notes a value of another type and leaves `out` alone then, or when the key is absent.
  void Read(const YAML::Node& map, const std::string& path, const std::string& key, std::string& out);
  void Read(const YAML::Node& map, const std::string& path, const std::string& key, bool& out);
  void Read(const YAML::Node& map, const std::string& path, const std::string& key, int& out, int least);
  void Read(const YAML::Node& map, const std::string& path, const std::string& key, double& out);
  // A text or a list of texts.
  void Read(const YAML::Node& map, const std::string& path, const std::string& key,
            std::vector<std::string>& out);
  // One of `names`; the index, or `otherwise`.
  size_t ReadOneOf(const YAML::Node& map, const std::string& path, const std::string& key,
                   const std::vector<std::string>& names, size_t otherwise);

  Places places;
  std::vector<Mistake> mistakes;
};

// A YAML value as JSON: quoted scalars are strings, plain ones numbers or booleans where they look like it.
Json ToJson(const YAML::Node& node);

// [A-Za-z_][A-Za-z0-9_]*
bool IsIdentifier(std::string_view name);

}  // namespace sotto
