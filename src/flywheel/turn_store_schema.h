// The store's tables and the triggers that keep them append-only. Statements are run in one transaction.
#pragma once

namespace sotto {

inline constexpr int kTurnStoreVersion = 1;
inline constexpr int kTurnStoreApplication = 0x536f5453;  // "SoTS" in the file's header

inline constexpr const char* kTurnStoreSchema = R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE turns(
  id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, session TEXT NOT NULL, turn INTEGER NOT NULL,
  at TEXT NOT NULL, workflow TEXT NOT NULL, workflow_hash TEXT NOT NULL, model TEXT NOT NULL,
  outcome TEXT NOT NULL, source TEXT NOT NULL, stored_at TEXT NOT NULL, metrics TEXT NOT NULL);
CREATE INDEX turns_by_session ON turns(session, id);
CREATE INDEX turns_by_time ON turns(at);
CREATE TABLE turn_words(id INTEGER PRIMARY KEY REFERENCES turns(id), json TEXT NOT NULL);
CREATE TABLE turn_values(id INTEGER PRIMARY KEY REFERENCES turns(id), json TEXT NOT NULL);
CREATE TABLE turn_audio(id INTEGER PRIMARY KEY REFERENCES turns(id), path TEXT NOT NULL);
CREATE TABLE purges(
  id INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL, what TEXT NOT NULL,
  words INTEGER NOT NULL, "values" INTEGER NOT NULL, audio INTEGER NOT NULL, metrics INTEGER NOT NULL);
CREATE TABLE purging(one INTEGER PRIMARY KEY CHECK (one = 1));
)sql";

inline constexpr const char* kAppendOnlyTables[] = {"turns", "turn_words", "turn_values", "turn_audio"};

}  // namespace sotto
