// From logs to what a model may learn: labelled conversations with where each row comes from, and what was left
// out and why. Nothing is averaged: the same words in the same state with different calls are a conflict, which
// is listed and asked about.
//
//   judged turns (clean_evidence.h) -> conflicts out -> runs of proven turns -> duplicates out ->
//   placeholders filled (clean_placeholders.h) -> checked -> rows
//
// Pure; any thread. The same log gives the same rows.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/conversation_jsonl.h"
#include "flywheel/clean_evidence.h"

namespace sotto {

struct CleanOptions {
  EvidenceOptions evidence;
  double near = 0.9;  // Likeness of the words from which two rows with the same calls are one
  std::function<void(size_t done, size_t total)> progress = {};
};

// A row and its provenance.
struct CleanRow {
  LabelledConversation labelled;
  std::string session;
  std::vector<int> turns;
  std::vector<Proof> proofs;         // of each turn
  std::vector<std::string> authors;  // of persons' labels
  std::string at;
  std::string workflow_hash;
  std::vector<std::string> models;  // ids, each once
  size_t same = 1;                  // how many such there were, itself included
  size_t filled = 0;                // placeholders
};

struct CleanConflict {
  std::string words;
  std::string state;
  struct Side {
    std::string calls;
    size_t count = 0;
    std::string session;  // of one of them
    int turn = 0;
    std::string author;  // of a person's label
  };
  std::vector<Side> sides;
};

// A turn that a person should look at.
struct CleanQuestion {
  std::string session;
  int turn = 0;
  std::string why;
};

struct Cleaned {
  std::vector<CleanRow> rows;
  std::vector<CleanConflict> conflicts;
  std::vector<CleanQuestion> questions;
  std::map<std::string, size_t> kept;     // turns, by proof
  std::map<std::string, size_t> dropped;  // turns, by reason
  size_t turns = 0;                       // with words
};

Cleaned CleanLog(const LogView& log, const Workflow& workflow, const CleanOptions& options);

Json ToJson(const CleanRow& row);  // the conversation with "provenance"
Json SummaryOf(const Cleaned& cleaned);

// labelled.jsonl, conflicts.jsonl, questions.jsonl and summary.json in `folder`, each whole or as it was.
Result<void> WriteCleaned(const Cleaned& cleaned, const std::filesystem::path& folder);

}  // namespace sotto
