// The newest generation of an index, for who asks it for long: a build that replaces it is noticed at the next question,
// and what cannot be opened leaves the one that works in place, with a line in the log. Any thread.
#pragma once

#include <memory>
#include <mutex>

#include "retrieve/index.h"

namespace sotto {

class LiveIndex {
 public:
  // As Index::Open.
  static Result<std::shared_ptr<LiveIndex>> Open(const std::filesystem::path& path);
  // Never null.
  std::shared_ptr<const Index> Current();

 private:
  explicit LiveIndex(std::shared_ptr<const Index> index) : index_(std::move(index)) {}

  std::mutex mutex_;
  std::shared_ptr<const Index> index_;
  std::string refused_;  // a generation that could not be opened
};

}  // namespace sotto
