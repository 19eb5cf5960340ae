// JSON Schema -> ByteNfa fragments. Internal to the grammar layer.
#pragma once

#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "grammar/byte_nfa.h"

namespace sotto {

// Adds one schema to an automaton. Rules (recursive $refs, items of long arrays) are separate sub-automata of
// the same state space: [rule start, accepting states without edges out of the rule].
class SchemaCompiler {
 public:
  struct Rule {
    uint32_t start = 0;
    uint32_t end = 0;  // accepting
  };

  // $refs are looked up in the document, which outlives the compiler; errors say `source: path: ...`.
  SchemaCompiler(const Json& document, std::string source, size_t max_states);

  // Texts of `schema` (at `path` in the document) lead from one state to another.
  Result<void> Add(const Json& schema, const std::string& path, uint32_t from, uint32_t to);

  ByteNfa nfa;
  std::vector<Rule> rules;

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
  Result<void> AddObject(const Json& schema, const std::string& path, uint32_t from, uint32_t to);
  Result<uint32_t> RuleFor(const Json& schema, const std::string& key, const std::string& path);
  Result<const Json*> Resolve(const std::string& reference, const std::string& path) const;
  void FindRecursive();

  const Json& document_;
  std::string source_;
  size_t max_states_;
  std::set<std::string> recursive_;  // $refs that reach themselves
  std::map<std::string, uint32_t> rule_of_;
  int depth_ = 0;
};

}  // namespace sotto
