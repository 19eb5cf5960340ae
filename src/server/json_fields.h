// Reads the fields of a JSON object that somebody sent: each at most once, of the right type and size, and
// none that is not known. The first mistake is kept, and everything after it does nothing.
//
//   JsonFields fields(body);
//   fields.Text("text", &turn.text, 4000);
//   SOTTO_RETURN_IF_ERROR(fields.Done());   // kInvalidArgument: "'txt' is not known here; did you mean 'text'?"
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace sotto {

// The body of a request, or a message: see ParseJson.
Result<Json> ParseBody(std::string_view text);

class JsonFields {
 public:
  // `where`: in messages, "turn."; empty: nothing. `json` outlives it.
  explicit JsonFields(const Json& json, std::string where = "");

  // Each is left alone where the field is absent or null; the result says whether it is there. Letters are
  // counted in bytes.
  bool Text(const char* name, std::string* value, size_t max_bytes = 4096);
  bool Bool(const char* name, bool* value);
  bool Number(const char* name, double* value, double least, double most);
  bool Integer(const char* name, int64_t* value, int64_t least, int64_t most);
  // Any value; null where it is absent.
  const Json* Any(const char* name);
  const Json* Object(const char* name);
  const Json* Array(const char* name, size_t most);
  // Notes a mistake where `there` is false.
  void Require(const char* name, bool there);
  void Wrong(std::string_view name, std::string_view should_be);

  // Fields that were not asked for are mistakes, unless `others` may be there.
  Result<void> Done(bool others = false);

 private:
  const Json* Find(const char* name);

  const Json& json_;
  const std::string where_;
  std::vector<std::string> known_;
  std::string mistake_;  // the first
};

}  // namespace sotto
