#include "core/turn_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "base/mapped_file.h"

namespace sotto {
namespace {

Result<void> WriteAll(int file, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return MakeError(ErrorCode::kIo, "cannot write {}: {}", path, std::strerror(errno));
    text.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

// Whether the file ends within a line.
bool EndsWithinALine(int file) {
  const off_t size = ::lseek(file, 0, SEEK_END);
  char last = '\n';
  return size > 0 && ::pread(file, &last, 1, size - 1) == 1 && last != '\n';
}

}  // namespace

Result<std::unique_ptr<TurnLog>> TurnLog::Open(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return MakeError(ErrorCode::kIo, "cannot open {}: {}", path.string(), std::strerror(errno));
  std::unique_ptr<TurnLog> log(new TurnLog(file, path.string()));
  log->torn_ = EndsWithinALine(file);
  return log;
}

TurnLog::~TurnLog() { ::close(file_); }

Result<void> TurnLog::Write(const TurnRecord& record) {
  std::string line = ToJson(record).dump(-1, ' ', false, Json::error_handler_t::replace);
  line += '\n';
  std::lock_guard lock(mutex_);
  if (torn_) line.insert(line.begin(), '\n');
  torn_ = true;
  SOTTO_RETURN_IF_ERROR(WriteAll(file_, line, path_));
  torn_ = false;
  if (::fdatasync(file_) != 0) {
    return MakeError(ErrorCode::kIo, "cannot sync {}: {}", path_, std::strerror(errno));
  }
  return {};
}

Result<std::vector<TurnRecord>> ReadTurnRecords(const std::filesystem::path& path,
                                                std::vector<std::string>* errors) {
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  std::vector<TurnRecord> records;
  int number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line(text.data() + begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    auto record = [&]() -> Result<TurnRecord> {
      if (!nlohmann::json::accept(line)) return MakeError(ErrorCode::kCorrupt, "not valid JSON");
      return TurnRecordFromJson(Json::parse(line));
    }();
    const std::string where = fmt::format("{}:{}", path.string(), number);
    if (record) {
      records.push_back(*std::move(record));
    } else if (errors == nullptr) {
      return WithContext(std::move(record).error(), where);
    } else {
      errors->push_back(fmt::format("{}: {}", where, record.error().message));
    }
  }
  return records;
}

std::vector<LabelledConversation> ConversationsOf(std::span<const TurnRecord> records) {
  std::vector<std::vector<const TurnRecord*>> sessions;
  std::map<std::string_view, size_t> place;
  for (const TurnRecord& record : records) {
    if (record.heard.text.empty()) continue;
    const auto [found, fresh] = place.emplace(record.session, sessions.size());
    if (fresh) sessions.emplace_back();
    sessions[found->second].push_back(&record);
  }
  std::vector<LabelledConversation> conversations;
  for (std::vector<const TurnRecord*>& session : sessions) {
    std::stable_sort(session.begin(), session.end(),
                     [](const TurnRecord* a, const TurnRecord* b) { return a->turn < b->turn; });
    LabelledConversation& one = conversations.emplace_back();
    for (const TurnRecord* record : session) {
      Turn turn{record->heard.text, record->expectation, {}};
      if (record->understood) {
        if (!record->understood->transcript.empty()) turn.user = record->understood->transcript;
        for (const Understanding::Call& call : record->understood->calls) turn.calls.push_back(call.call);
      }
      one.conversation.turns.push_back(std::move(turn));
    }
  }
  return conversations;
}

}  // namespace sotto
