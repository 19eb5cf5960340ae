#include "retrieve/live_index.h"

#include "base/log.h"
#include "retrieve/index_format.h"

namespace sotto {

Result<std::shared_ptr<LiveIndex>> LiveIndex::Open(const std::filesystem::path& path) {
  SOTTO_ASSIGN_OR_RETURN(auto index, Index::Open(path));
  return std::shared_ptr<LiveIndex>(new LiveIndex(std::move(index)));
}

std::shared_ptr<const Index> LiveIndex::Current() {
  const std::lock_guard lock(mutex_);
  const auto newest = CurrentGeneration(index_->path());
  if (!newest || newest->filename() == index_->generation() || newest->filename() == refused_) return index_;
  auto opened = Index::Open(index_->path());
  if (opened) {
    index_ = *std::move(opened);
    refused_.clear();
  } else {
    refused_ = newest->filename().string();
    Log().error("{}; the generation before goes on", opened.error().message);
  }
  return index_;
}

}  // namespace sotto
