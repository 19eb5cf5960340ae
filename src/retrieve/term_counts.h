// Which passages have which terms, and the vectors that follow from that. Internal to the layer.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "retrieve/index_format.h"
#include "retrieve/lsa.h"
#include "retrieve/terms.h"

namespace sotto {

class TermCounts {
 public:
  explicit TermCounts(const TermReader& reader) : reader_(reader) {}

  // The next passage: its ordinal is the number of those before.
  void Add(std::string_view body, std::string_view title);

  size_t n_chunks() const { return lengths_.size(); }
  // Of each passage, weighted occurrences.
  const std::vector<float>& lengths() const { return lengths_; }
  const std::vector<std::string>& terms() const { return terms_; }
  const std::vector<Posting>& postings(size_t term) const { return postings_[term]; }

  // Passages as rows over the terms that the space may know: those of at least two passages, at most
  // kMostSpaceTerms, the most frequent. `columns`: term -> column, or SIZE_MAX.
  SparseRows Rows(std::vector<size_t>& columns) const;

  static constexpr size_t kMostSpaceTerms = 60'000;

 private:
  uint32_t IdOf(std::string_view term);

  const TermReader& reader_;
  std::unordered_map<std::string, uint32_t> ids_;
  std::vector<std::string> terms_;
  std::vector<std::vector<Posting>> postings_;
  std::vector<float> lengths_;
};

}  // namespace sotto
