// Logs of others, and our own from elsewhere, into the turn store. What stands in them is redacted before a
// byte reaches the store (privacy/redaction.h): typed placeholders, the same in what was said and in the calls,
// so that a turn still trains; ids of people's become names of the store's own (TurnStore::NameOf). A turn that
// cannot be redacted is left out and listed. The same file twice adds nothing; one that has grown adds what is
// new.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "flywheel/import_session.h"
#include "flywheel/turn_store.h"
#include "privacy/detector.h"

namespace sotto {

enum class LogFormat : uint8_t { kTurns, kConversations, kOpenAi, kLangfuse, kRasa, kCsv };
std::string_view LogFormatName(LogFormat format);  // "openai"
// kInvalidArgument names those there are.
Result<LogFormat> ParseLogFormat(std::string_view name);
// By the file's name and its first value. kInvalidArgument: it looks like none of them.
Result<LogFormat> GuessLogFormat(const std::filesystem::path& path, std::string_view text);

struct LogImportOptions {
  std::optional<LogFormat> format;  // nothing: guessed for each file
  ImportNames names;
  std::string workflow;  // whose conversations these are: what records of others do not say
  std::string workflow_hash;
  std::shared_ptr<const Detector> detector;  // required
  std::function<void(size_t done, size_t total)> progress = {};
};

struct ImportedFile {
  std::string path;
  LogFormat format = LogFormat::kTurns;
  size_t rows = 0;
  size_t sessions = 0;
  size_t turns = 0;                   // that could be read
  size_t added = 0;                   // that were new
  std::vector<std::string> not_read;  // "path:line: why", without personal data
};

// The error: a file that cannot be read at all, a store that cannot be written; what was added before stays.
Result<ImportedFile> ImportFile(TurnStore& store, const std::filesystem::path& path,
                                const LogImportOptions& options);

}  // namespace sotto
