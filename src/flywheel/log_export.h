// The turn store as files for others: messages in the OpenAI form (with replies and results), conversations as
// our own programs read them (core/conversation_jsonl.h), or turn records. What comes out is what the store
// holds: redacted, and without what was purged.
#pragma once

#include <filesystem>

#include "flywheel/turn_store.h"

namespace sotto {

enum class ExportForm : uint8_t { kOpenAi, kConversations, kTurns };
Result<ExportForm> ParseExportForm(std::string_view name);

struct Exported {
  size_t sessions = 0;
  size_t turns = 0;
  std::vector<std::string> not_read;  // rows of the store
};

// Writes all that the query chooses, one conversation (or record) a line, or nothing: readers see the old file
// or the new one.
Result<Exported> ExportLogs(TurnStore& store, const TurnQuery& query, ExportForm form,
                            const std::filesystem::path& out);

// A conversation with its replies and results: {"messages": [...], "metadata": {session, workflow, ...}}.
Json OpenAiConversation(std::span<const StoredTurn> part);

}  // namespace sotto
