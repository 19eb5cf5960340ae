// What waits to be sent on a connection: put from any thread, taken by the connection's coroutine, which runs
// on a strand. Bounded in bytes: what does not fit ends it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace sotto {

class Outbox : public std::enable_shared_from_this<Outbox> {
 public:
  struct Message {
    std::string bytes;
    bool text = false;
  };
  enum class Taken { kMessage, kNothing, kEnd };

  Outbox(boost::asio::any_io_executor strand, size_t max_bytes)
      : timer_(std::move(strand)), max_bytes_(max_bytes) {}

  // False where it has ended or the message does not fit, which ends it: see overflowed().
  bool Put(Message message) {
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return false;
      if (waiting_bytes_ + message.bytes.size() > max_bytes_) {
        ended_ = overflowed_ = true;
        messages_.clear();
      } else {
        waiting_bytes_ += message.bytes.size();
        messages_.push_back(std::move(message));
        if (messages_.size() > 1) return true;  // it has been woken
      }
    }
    Wake();
    return !overflowed();
  }
  // Nothing can be put after this; what waits is still taken.
  void End() {
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return;
      ended_ = true;
    }
    Wake();
  }
  bool overflowed() const {
    const std::lock_guard lock(mutex_);
    return overflowed_;
  }
  size_t waiting_bytes() const {
    const std::lock_guard lock(mutex_);
    return waiting_bytes_;
  }

  // On the strand, one at a time. kNothing: nothing came within `limit`.
  boost::asio::awaitable<Taken> Take(std::chrono::steady_clock::duration limit, Message* message) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (true) {
      {
        const std::lock_guard lock(mutex_);
        if (!messages_.empty()) {
          *message = std::move(messages_.front());
          messages_.pop_front();
          waiting_bytes_ -= message->bytes.size();
          co_return Taken::kMessage;
        }
        if (ended_) co_return Taken::kEnd;
      }
      if (std::chrono::steady_clock::now() >= until) co_return Taken::kNothing;
      timer_.expires_at(until);
      boost::system::error_code ignored;
      co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    }
  }

 private:
  void Wake() {
    // Through the strand: the timer is set, or has not been reached yet and the message is seen.
    boost::asio::post(timer_.get_executor(), [self = shared_from_this()] { self->timer_.cancel(); });
  }

  mutable std::mutex mutex_;
  std::deque<Message> messages_;  // guarded by mutex_, as are the next three
  size_t waiting_bytes_ = 0;
  bool ended_ = false;
  bool overflowed_ = false;
  boost::asio::steady_timer timer_;  // of the strand
  const size_t max_bytes_;
};

}  // namespace sotto
