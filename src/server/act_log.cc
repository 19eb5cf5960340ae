#include "server/act_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "base/mapped_file.h"
#include "base/sha256.h"
#include "base/utc.h"
#include "server/secrets.h"

namespace sotto {
namespace {

constexpr std::string_view kHashBegins = ",\"hash\":\"";
constexpr size_t kHashLetters = 64;
constexpr size_t kLongestLine = 16384;
constexpr size_t kMostText = 200;  // of each field

std::string FirstHash() { return std::string(kHashLetters, '0'); }

std::string HashOfLine(std::string_view text, std::string_view key) {
  return key.empty() ? Sha256(text) : ToHex(HmacSha256(key, text));
}

std::string Shortened(const std::string& text) { return text.substr(0, kMostText); }

// Everything but the hash, in this order.
std::string TextOf(const ActLine& line) {
  Json json = {{"number", line.number},  {"at", line.at},   {"by", Shortened(line.by)},
               {"via", line.via},        {"act", line.act}, {"on", Shortened(line.on)},
               {"outcome", line.outcome}};
  if (line.of > 0) json["of"] = line.of;
  if (!line.detail.empty()) json["detail"] = Shortened(line.detail);
  json["before"] = line.before;
  std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.pop_back();  // the hash stands before the brace
  return text;
}

// Without its end of line. `before`: the hash that it should follow; empty: any.
Result<ActLine> ReadActLine(std::string_view text, std::string_view key, std::string_view before) {
  const auto wrong = [](std::string_view what) {
    return tl::unexpected<Error>(Error{ErrorCode::kCorrupt, std::string(what)});
  };
  const size_t tail = kHashBegins.size() + kHashLetters + 2;
  if (text.size() < tail || text.size() > kLongestLine || !text.ends_with("\"}") ||
      text.substr(text.size() - tail, kHashBegins.size()) != kHashBegins || !Json::accept(text))
    return wrong("this is no line of an audit log");
  const std::string_view hashed = text.substr(0, text.size() - tail);
  const std::string_view hash = text.substr(text.size() - 2 - kHashLetters, kHashLetters);
  if (!SameSecret(HashOfLine(hashed, key), hash)) {
    return wrong(key.empty() ? "its hash is not that of its text: it was changed, or written with a key"
                             : "its hash is not that of its text under this key: it was changed");
  }
  const Json json = Json::parse(text);
  ActLine line;
  const auto take = [&json](const char* name, auto* to) {
    const auto found = json.find(name);
    if (found == json.end()) return true;
    if constexpr (std::is_same_v<decltype(to), uint64_t*>) {
      if (!found->is_number_unsigned()) return false;
      *to = found->template get<uint64_t>();
    } else {
      if (!found->is_string()) return false;
      *to = found->template get<std::string>();
    }
    return true;
  };
  if (!json.is_object() || !take("number", &line.number) || !take("at", &line.at) || !take("by", &line.by) ||
      !take("via", &line.via) || !take("act", &line.act) || !take("on", &line.on) ||
      !take("outcome", &line.outcome) || !take("of", &line.of) || !take("detail", &line.detail) ||
      !take("before", &line.before) || !take("hash", &line.hash))
    return wrong("one of its fields is of another kind");
  if (!before.empty() && line.before != before)
    return wrong("it does not follow the line before it: lines were taken out, put in or moved");
  return line;
}

// Whoever writes has the file for so long.
class FileLock {
 public:
  explicit FileLock(int file) : file_(file) {
    while (::flock(file_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~FileLock() { ::flock(file_, LOCK_UN); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  const int file_;
};

}  // namespace

std::string AuditedId(std::string_view id) {
  const bool made = id.size() >= 16 && id.size() <= 64 &&
                    id.find_first_not_of("0123456789abcdefABCDEF-") == std::string_view::npos &&
                    id.find_first_not_of("0123456789-") != std::string_view::npos;  // no telephone number
  return made || id.empty() ? std::string(id) : "#" + Sha256(id).substr(0, 12);
}

Result<std::unique_ptr<ActLog>> ActLog::Open(const std::filesystem::path& path, std::string key,
                                             const Clock& clock) {
  const int file = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0)
    return MakeError(ErrorCode::kIo, "the audit log {} cannot be opened: {}", path.string(),
                     std::strerror(errno));
  std::unique_ptr<ActLog> log(new ActLog(file, path.string(), std::move(key), clock));
  const FileLock lock(file);
  SOTTO_RETURN_IF_ERROR(log->TakeUp());
  return log;
}

ActLog::~ActLog() { ::close(file_); }

// Finds the last line, which somebody else may have written, and cuts away what a crash left after it.
Result<void> ActLog::TakeUp() {
  struct stat info {};
  if (::fstat(file_, &info) != 0)
    return MakeError(ErrorCode::kIo, "cannot read {}: {}", path_, std::strerror(errno));
  if (info.st_size == size_) return {};
  const auto want = static_cast<size_t>(std::min<off_t>(info.st_size, 2 * kLongestLine));
  std::string end(want, '\0');
  if (::pread(file_, end.data(), want, info.st_size - static_cast<off_t>(want)) != static_cast<ssize_t>(want))
    return MakeError(ErrorCode::kIo, "cannot read {}: {}", path_, std::strerror(errno));
  const size_t whole = end.rfind('\n') == std::string::npos ? 0 : end.rfind('\n') + 1;
  const size_t torn = end.size() - whole;
  end.resize(whole);
  number_ = 0;
  hash_ = FirstHash();
  if (!end.empty()) {
    const size_t begins =
        end.rfind('\n', end.size() - 2) == std::string::npos ? 0 : end.rfind('\n', end.size() - 2) + 1;
    auto last = ReadActLine(std::string_view(end).substr(begins, end.size() - 1 - begins), key_, {});
    if (!last) {
      return MakeError(ErrorCode::kCorrupt,
                       "{}: the last line: {} (`sotto audit verify`); keep it and begin another file", path_,
                       last.error().message);
    }
    number_ = last->number;
    hash_ = last->hash;
  } else if (info.st_size > static_cast<off_t>(torn) || torn > kLongestLine) {
    return MakeError(ErrorCode::kCorrupt, "{} is no audit log", path_);
  }
  size_ = info.st_size - static_cast<off_t>(torn);
  if (torn == 0) return {};
  if (::ftruncate(file_, size_) != 0)
    return MakeError(ErrorCode::kIo, "cannot write {}: {}", path_, std::strerror(errno));
  ActLine mended;
  mended.by = "program";
  mended.via = "program";
  mended.act = "audit.mended";
  mended.outcome = "done";
  mended.detail = fmt::format("{} bytes of a line that a crash cut off were taken away", torn);
  return Append(mended);
}

Result<void> ActLog::Append(ActLine& line) {
  line.number = number_ + 1;
  line.at = UtcStamp(clock_.WallNow());
  line.before = hash_;
  std::string text = TextOf(line);
  line.hash = HashOfLine(text, key_);
  text += fmt::format("{}{}\"}}\n", kHashBegins, line.hash);
  ssize_t written = 0;
  do {
    written = ::write(file_, text.data(), text.size());
  } while (written < 0 && errno == EINTR);
  const bool whole = written == static_cast<ssize_t>(text.size());
  if (!whole || ::fdatasync(file_) != 0) {
    const int why = whole || written < 0 ? errno : ENOSPC;
    size_ = -1;  // what is there now is looked at before the next line
    return MakeError(ErrorCode::kIo, "cannot write {}: {}", path_, std::strerror(why));
  }
  number_ = line.number;
  hash_ = line.hash;
  size_ += static_cast<int64_t>(text.size());
  return {};
}

Result<uint64_t> ActLog::Write(ActLine line) {
  const std::lock_guard lock(mutex_);
  const FileLock file_lock(file_);
  SOTTO_RETURN_IF_ERROR(TakeUp());
  SOTTO_RETURN_IF_ERROR(Append(line));
  return line.number;
}

Result<ActReport> VerifyActText(std::string_view text, std::string_view key, std::string_view name) {
  ActReport report;
  std::set<uint64_t> begun;
  std::string before = FirstHash();
  for (size_t begin = 0; begin < text.size();) {
    const uint64_t number = report.lines.size() + 1;
    const auto wrong = [&](std::string_view what) {
      return MakeError(ErrorCode::kCorrupt, "{}:{}: {}", name, number, what);
    };
    const size_t end = text.find('\n', begin);
    if (end == std::string_view::npos)
      return wrong("the file ends within this line: a crash, or somebody cut it off");
    auto line = ReadActLine(text.substr(begin, end - begin), key, before);
    if (!line) return wrong(line.error().message);
    if (line->number != number) return wrong(fmt::format("it says that it is line {}", line->number));
    if (line->outcome == "begun") begun.insert(line->number);
    if (line->of != 0 && begun.erase(line->of) == 0)
      return wrong(fmt::format("it ends the act of line {}, which was not begun", line->of));
    before = line->hash;
    report.lines.push_back(*std::move(line));
    begin = end + 1;
  }
  report.unfinished.assign(begun.begin(), begun.end());
  return report;
}

Result<ActReport> VerifyActs(const std::filesystem::path& path, std::string_view key,
                             std::string_view expect) {
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  SOTTO_ASSIGN_OR_RETURN(ActReport report, VerifyActText(text, key, path.string()));
  const bool there = expect.empty() || std::any_of(report.lines.begin(), report.lines.end(),
                                                   [&](const ActLine& line) { return line.hash == expect; });
  if (there) return report;
  return MakeError(ErrorCode::kCorrupt,
                   "{}: no line has the hash {}: lines were cut off its end, or it was written anew",
                   path.string(), expect);
}

}  // namespace sotto
