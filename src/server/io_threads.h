// The threads that sockets are served on: one Asio io_context, run by few threads. What listens and what is
// connected runs on it; nothing on it may block.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>
#include <vector>

namespace sotto {

class IoThreads {
 public:
  explicit IoThreads(int threads);
  // Stops first. Whoever has been asked for an answer by a connection goes before.
  ~IoThreads();
  IoThreads(const IoThreads&) = delete;
  IoThreads& operator=(const IoThreads&) = delete;

  boost::asio::io_context& context() { return context_; }
  // No connection is served any more when this returns. Once or often.
  void Stop();

 private:
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::vector<std::thread> threads_;
};

}  // namespace sotto
