// JSON Schema -> ByteNfa fragments. Internal to the grammar layer.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "grammar/byte_nfa.h"

namespace sotto {

// Adds schemas to one automaton. Rules (recursive $refs, items of long arrays) are separate sub-automata of
// the same state space: [rule start, accepting states without edges out of the rule].
class SchemaCompiler {
 public:
  struct Rule {
    uint32_t start = 0;
    uint32_t end = 0;  // accepting
  };

  SchemaCompiler(size_t max_states, bool holes) : max_states_(max_states), holes_(holes) {}

  // Everything below concerns this document: $refs are looked up in it, errors say `source: path: ...`.
  // The document must outlive the Add calls that follow.
  Result<void> SetDocument(const Json& document, std::string source);

  // Texts of `schema` (at `path` in the document) lead from one state to another.
  Result<void> Add(const Json& schema, const std::string& path, uint32_t from, uint32_t to);

  // The arguments object of a tool. `is_hole(name)`: that property is the hole "TOOL.name".
  struct ObjectOptions {
    bool all_optional = false;
    std::string hole_prefix;                               // "TOOL."
    std::function<bool(const std::string& name)> is_hole;  // null: none
  };
  Result<void> AddObject(const Json& schema, const std::string& path, const ObjectOptions& options,
                         uint32_t from, uint32_t to);

  ByteNfa nfa;
  std::vector<Rule> rules;
  std::vector<std::string> hole_names;

 private:
  tl::unexpected<Error> Wrong(ErrorCode code, const std::string& path, std::string_view what) const;
  Result<void> CheckBudget(const std::string& path) const;
  Result<void> CheckKeywords(const Json& schema, const std::string& path, std::string_view what,
                             std::initializer_list<std::string_view> keywords) const;
  Result<void> AddType(const std::string& type, const Json& schema, const std::string& path, uint32_t from,
                       uint32_t to);
  Result<void> AddNullable(const Json& schema, const std::string& path, uint32_t from, uint32_t to);
  Result<void> AddAlternatives(const Json& schema, const char* keyword, const std::string& path,
                               uint32_t from, uint32_t to);
  Result<void> AddEnum(const Json& schema, const std::string& path, uint32_t from, uint32_t to);
  Result<void> AddReference(const Json& schema, const std::string& path, uint32_t from, uint32_t to);
  Result<void> AddString(const Json& schema, const std::string& path, uint32_t from, uint32_t to);
  Result<void> AddNumber(const Json& schema, const std::string& path, bool integer, uint32_t from,
                         uint32_t to);
  Result<void> AddArray(const Json& schema, const std::string& path, uint32_t from, uint32_t to);
  Result<void> AddHole(const std::string& name, uint32_t from, uint32_t to);
  Result<uint32_t> RuleFor(const Json& schema, const std::string& key, const std::string& path);
  Result<const Json*> Resolve(const std::string& reference, const std::string& path) const;
  void FindRecursive();

  size_t max_states_;
  bool holes_;
  const Json* document_ = nullptr;
  std::string source_;
  std::set<std::string> recursive_;          // $refs that reach themselves
  std::map<std::string, uint32_t> rule_of_;  // of this document
  int depth_ = 0;
};

}  // namespace sotto
