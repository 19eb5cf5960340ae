#include "server/io_threads.h"

#include "base/log.h"

namespace sotto {

IoThreads::IoThreads(int threads) : context_(threads), work_(context_.get_executor()) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this] {
      while (!context_.stopped()) {
        try {
          context_.run();
        } catch (const std::exception& error) {  // of a library, past a coroutine: that connection is lost
          Log().error("a connection failed: {}", error.what());
        }
      }
    });
  }
}

IoThreads::~IoThreads() { Stop(); }

void IoThreads::Stop() {
  work_.reset();
  context_.stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace sotto
