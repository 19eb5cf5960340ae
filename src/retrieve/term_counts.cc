#include "retrieve/term_counts.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sotto {

uint32_t TermCounts::IdOf(std::string_view term) {
  const auto [at, added] = ids_.try_emplace(std::string(term), static_cast<uint32_t>(terms_.size()));
  if (added) {
    terms_.push_back(at->first);
    postings_.emplace_back();
  }
  return at->second;
}

void TermCounts::Add(std::string_view body, std::string_view title) {
  const auto chunk = static_cast<uint32_t>(lengths_.size());
  float length = 0;
  const auto count = [&](std::string_view text, uint16_t Posting::*field, float weight) {
    for (const Term& term : reader_.Terms(text)) {
      auto& list = postings_[IdOf(term.text)];
      if (list.empty() || list.back().chunk != chunk) list.push_back({chunk, 0, 0});
      uint16_t& n = list.back().*field;
      if (n < std::numeric_limits<uint16_t>::max()) ++n;
      length += weight;
    }
  };
  count(body, &Posting::body, 1);
  count(title, &Posting::title, kTitleWeight);
  lengths_.push_back(length);
}

SparseRows TermCounts::Rows(std::vector<size_t>& columns) const {
  std::vector<size_t> known;
  for (size_t i = 0; i < terms_.size(); ++i)
    if (postings_[i].size() >= 2) known.push_back(i);
  if (known.size() > kMostSpaceTerms) {
    std::stable_sort(known.begin(), known.end(),
                     [&](size_t a, size_t b) { return postings_[a].size() > postings_[b].size(); });
    known.resize(kMostSpaceTerms);
    std::sort(known.begin(), known.end());
  }
  columns.assign(terms_.size(), SIZE_MAX);
  SparseRows rows;
  rows.n_columns = known.size();
  rows.begins.assign(n_chunks() + 1, 0);
  for (size_t column = 0; column < known.size(); ++column) {
    columns[known[column]] = column;
    for (const Posting& posting : postings_[known[column]]) ++rows.begins[posting.chunk + 1];
  }
  for (size_t i = 1; i < rows.begins.size(); ++i) rows.begins[i] += rows.begins[i - 1];
  rows.entries.resize(rows.begins.back());
  std::vector<size_t> next(rows.begins.begin(), rows.begins.end() - 1);
  for (size_t column = 0; column < known.size(); ++column) {
    const auto& list = postings_[known[column]];
    const auto idf = static_cast<float>(Idf(list.size(), n_chunks()));
    for (const Posting& posting : list) {
      rows.entries[next[posting.chunk]++] = {static_cast<uint32_t>(column),
                                             (1 + std::log(posting.Weighted())) * idf};
    }
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    double sum = 0;
    for (const auto& entry : rows.row(i)) sum += static_cast<double>(entry.value * entry.value);
    const float scale = sum > 0 ? static_cast<float>(1 / std::sqrt(sum)) : 0;
    for (size_t k = rows.begins[i]; k < rows.begins[i + 1]; ++k) rows.entries[k].value *= scale;
  }
  return rows;
}

}  // namespace sotto
