#include "brain/value_evidence.h"

#include <algorithm>

#include "text/edit_distance.h"
#include "text/normalise.h"

namespace sotto {
namespace {

constexpr size_t kMinSlipLetters = 5;   // shorter words are too near to one another
constexpr size_t kTwoSlipsLetters = 9;  // from here on two slips are forgiven

struct Match {
  size_t begin = 0;
  size_t end = 0;  // exclusive, words
  size_t value = 0;
};

}  // namespace

bool SameListedWord(std::string_view form, std::string_view heard, const IsWord& is_word) {
  if (form == heard) return true;
  const auto plural = [](std::string_view one, std::string_view many) {
    return many.size() > 3 && many.size() == one.size() + 1 && many.back() == 's' && many.starts_with(one);
  };
  if (plural(form, heard) || plural(heard, form)) return true;
  if (form.size() < kMinSlipLetters || heard.empty() || form.front() != heard.front()) return false;
  const size_t limit = form.size() >= kTwoSlipsLetters ? 2 : 1;
  return WithinEdits(form, heard, limit, Edits::kSwaps) && !(is_word && is_word(heard));
}

std::vector<bool> NamedValues(std::span<const OfferedArgument::Listed> listed,
                              std::span<const std::string_view> words, const IsWord& is_word) {
  std::vector<Match> matches;
  for (size_t value = 0; value < listed.size(); ++value) {
    for (const std::string& form : listed[value].forms) {
      const std::vector<std::string_view> wanted = SplitWords(form);
      for (size_t begin = 0; !wanted.empty() && begin + wanted.size() <= words.size(); ++begin) {
        size_t n = 0;
        while (n < wanted.size() && SameListedWord(wanted[n], words[begin + n], is_word)) ++n;
        if (n == wanted.size()) matches.push_back({begin, begin + n, value});
      }
    }
  }
  std::vector<bool> named(listed.size(), false);
  for (const Match& match : matches) {
    const bool inside_longer = std::any_of(matches.begin(), matches.end(), [&](const Match& other) {
      return other.value != match.value && other.begin <= match.begin && other.end >= match.end &&
             other.end - other.begin > match.end - match.begin;
    });
    if (!inside_longer) named[match.value] = true;
  }
  return named;
}

}  // namespace sotto
