#include "assistant/caller_names.h"

#include <algorithm>
#include <cctype>

#include "text/normalise.h"

namespace sotto {
namespace {

constexpr size_t kMostWordsOfName = 5;
constexpr size_t kLongestName = 48;

bool MayBeName(std::string_view text) {
  if (text.size() > kLongestName) return false;
  const std::vector<std::string_view> words = SplitWords(text);
  if (words.empty() || words.size() > kMostWordsOfName) return false;
  size_t with_digits = 0;
  size_t with_letters = 0;
  for (const std::string_view word : words) {
    size_t letters = 0;
    bool digit = false;
    for (const char c : word) {
      const auto byte = static_cast<unsigned char>(c);
      letters += std::isalpha(byte) != 0 || byte >= 0x80 ? 1 : 0;
      digit = digit || std::isdigit(byte) != 0;
      if (c == '_' || c == ':' || c == '/' || c == '@') return false;  // ids, times, addresses
    }
    with_letters += letters > 0 ? 1 : 0;
    with_digits += digit ? 1 : 0;
  }
  if (with_letters == 0 || with_digits > 1 || (with_digits == 1 && words.size() == 1))
    return false;  // "A4711"
  // A sentence, not a name: "Doctor Miller" and "AT&T" have none of these.
  return !text.ends_with('.') && !text.ends_with('?') && !text.ends_with('!');
}

void Collect(const Json& data, std::vector<std::string>* names) {
  if (data.is_string()) {
    const auto& text = data.get_ref<const std::string&>();
    if (MayBeName(text)) names->push_back(text);
  } else if (data.is_structured()) {
    for (const Json& inner : data) Collect(inner, names);
  }
}

bool SameName(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

}  // namespace

std::vector<std::string> NamesIn(const Json& data) {
  std::vector<std::string> names;
  Collect(data, &names);
  return names;
}

bool AddNames(const std::vector<std::string>& more, std::vector<std::string>* names) {
  bool added = false;
  for (const std::string& name : more) {
    if (std::ranges::any_of(*names, [&](const std::string& known) { return SameName(known, name); }))
      continue;
    names->push_back(name);
    added = true;
  }
  if (names->size() > kMostCallerNames)
    names->erase(names->begin(), names->end() - static_cast<std::ptrdiff_t>(kMostCallerNames));
  return added;
}

}  // namespace sotto
