// Everything that is logged while it lives.
#pragma once

#include <spdlog/sinks/ostream_sink.h>

#include <memory>
#include <sstream>
#include <string>

#include "base/log.h"

namespace sotto {

class LogReader {
 public:
  LogReader() : level_(Log().level()) {
    Log().sinks().push_back(std::make_shared<spdlog::sinks::ostream_sink_mt>(text_));
    Log().set_level(spdlog::level::trace);
  }
  ~LogReader() {
    Log().sinks().pop_back();
    Log().set_level(level_);
  }
  LogReader(const LogReader&) = delete;
  LogReader& operator=(const LogReader&) = delete;
  std::string text() const { return text_.str(); }

 private:
  const spdlog::level::level_enum level_;
  std::ostringstream text_;
};

}  // namespace sotto
