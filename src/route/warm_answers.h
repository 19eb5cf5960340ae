// What callers say first most often, understood beforehand (`sotto cache warm`): known from the first moment on, without a
// model and without anybody else. A file of JSON lines:
//
//   {"sotto_warm": 1, "workflow": hash, "model": id, "entries": 2}
//   {"text": "what's my balance", "count": 41, "understanding": {...}}
//
// Only of what begins a conversation, where nothing was said or asked before; only what may be kept at all
// (RoutePlan::keep_for), and nothing that hangs on the day. Immutable; any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/understanding.h"

namespace sotto {

struct WarmEntry {
  std::string text;
  size_t count = 0;  // how often it was said in what the file was made of
  Understanding understanding;
};

struct WarmFile {
  std::string workflow;  // hash of its file
  std::string model;     // id
  std::vector<WarmEntry> entries;

  std::string Text() const;
  // The error names `source`, the line and what is wrong with it. At most kMostWarmEntries.
  static Result<WarmFile> Parse(std::string_view text, std::string_view source);
};
inline constexpr size_t kMostWarmEntries = 100000;

class WarmAnswers {
 public:
  explicit WarmAnswers(std::vector<WarmEntry> entries);

  // By the words that count (CacheText); null: not among them.
  const Understanding* Find(std::string_view utterance) const;
  size_t size() const { return by_text_.size(); }

 private:
  std::unordered_map<std::string, Understanding> by_text_;
};

}  // namespace sotto
