// For objects with threads of their own that wait for them when they end, and whose last owner may be a
// completion on one of those threads: it cannot wait for itself, so the object then ends on another one.
//
//   std::shared_ptr<Client> client = OwnThreads::Share(new Client);
//   ... on a thread of the client's:  const OwnThreads::Inside inside;  told(answer);
#pragma once

#include <memory>
#include <thread>

namespace sotto {

class OwnThreads {
 public:
  // Stands around every completion that such a thread runs.
  class Inside {
   public:
    Inside() { ++depth_; }
    ~Inside() { --depth_; }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
  };

  template <typename T>
  static std::shared_ptr<T> Share(T* object) {
    return {object, [](T* last) {
              if (depth_ == 0) {
                delete last;
              } else {
                std::thread([last] { delete last; }).detach();
              }
            }};
  }

 private:
  static inline thread_local int depth_ = 0;
};

}  // namespace sotto
