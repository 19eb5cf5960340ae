#include "brain/value_evidence.h"

#include <algorithm>

#include "text/normalise.h"

namespace sotto {
namespace {

constexpr size_t kMinSlipLetters = 5;   // shorter words are too near to one another
constexpr size_t kTwoSlipsLetters = 9;  // from here on two slips are forgiven

// Damerau's distance (a swap of neighbours is one slip), at most `limit`, else limit + 1.
size_t Slips(std::string_view a, std::string_view b, size_t limit) {
  if (a.size() > b.size() + limit || b.size() > a.size() + limit) return limit + 1;
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return std::min(last[b.size()], limit + 1);
}

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
  return Slips(form, heard, limit) <= limit && !(is_word && is_word(heard));
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
