// The demo bank's tables. Money is integer cents. The invariants are the schema's own, so that no code path
// can break them: entries of a posted journal are final and sum to zero, an account without overdraft never
// goes below zero, a cancelled card stays cancelled, and no journal moves money between two customers.
#pragma once

namespace sotto {

inline constexpr const char* kBankSchema = R"sql(
CREATE TABLE customers (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  birth_date TEXT NOT NULL,
  pin TEXT NOT NULL,
  wrong_answers INTEGER NOT NULL DEFAULT 0,     -- of verifications, since the last right one
  wrong_at TEXT
) STRICT;
CREATE TABLE accounts (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER REFERENCES customers(id),
  type TEXT NOT NULL CHECK (type IN ('checking', 'savings', 'credit', 'payee', 'bank')),
  name TEXT NOT NULL,
  floor_cents INTEGER,                          -- NULL: may go below zero without limit (the bank's own books)
  balance_cents INTEGER NOT NULL DEFAULT 0,     -- kept by the triggers: the sum of the account's entries
  CONSTRAINT insufficient_funds CHECK (floor_cents IS NULL OR balance_cents >= floor_cents)
) STRICT;
CREATE UNIQUE INDEX one_account_a_type ON accounts(customer_id, type) WHERE customer_id IS NOT NULL;
CREATE TABLE journals (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  note TEXT NOT NULL DEFAULT '',
  at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  posted INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE entries (
  id INTEGER PRIMARY KEY,
  journal_id INTEGER NOT NULL REFERENCES journals(id),
  account_id INTEGER NOT NULL REFERENCES accounts(id),
  cents INTEGER NOT NULL CHECK (cents <> 0)
) STRICT;
CREATE INDEX entries_by_account ON entries(account_id, journal_id);
CREATE INDEX entries_by_journal ON entries(journal_id);
CREATE TRIGGER entry_in INSERT ON entries BEGIN
  SELECT RAISE(ABORT, 'journal_is_posted') FROM journals WHERE id = new.journal_id AND posted = 1;
  UPDATE accounts SET balance_cents = balance_cents + new.cents WHERE id = new.account_id;
END;
CREATE TRIGGER entry_final BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'entries_are_final'); END;
CREATE TRIGGER entry_stays BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries_are_final'); END;
CREATE TRIGGER journal_posts BEFORE UPDATE OF posted ON journals WHEN new.posted = 1 BEGIN
  SELECT RAISE(ABORT, 'journal_does_not_balance')
  WHERE (SELECT coalesce(sum(cents), 0) FROM entries WHERE journal_id = new.id) <> 0;
END;
CREATE TABLE cards (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers(id),
  type TEXT NOT NULL CHECK (type IN ('credit', 'debit')),
  last_four TEXT NOT NULL CHECK (last_four GLOB '[0-9][0-9][0-9][0-9]'),
  state TEXT NOT NULL CHECK (state IN ('issued', 'active', 'cancelled')),
  replaces INTEGER REFERENCES cards(id),
  reason TEXT
) STRICT;
CREATE UNIQUE INDEX one_replacement ON cards(replaces) WHERE replaces IS NOT NULL;
CREATE TRIGGER cancelled_stays BEFORE UPDATE OF state ON cards WHEN old.state = 'cancelled' AND new.state <> 'cancelled'
BEGIN SELECT RAISE(ABORT, 'card_cancelled'); END;
CREATE TABLE payees (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers(id),
  name TEXT NOT NULL,
  key TEXT NOT NULL,                            -- lower case, without spaces and punctuation
  account_id INTEGER NOT NULL UNIQUE REFERENCES accounts(id),
  UNIQUE (customer_id, key)
) STRICT;
CREATE TABLE pin_resets (
  id INTEGER PRIMARY KEY,
  card_id INTEGER NOT NULL REFERENCES cards(id),
  at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE TABLE fraud_cases (
  id INTEGER PRIMARY KEY,
  case_number TEXT NOT NULL UNIQUE,
  customer_id INTEGER NOT NULL REFERENCES customers(id),
  card_id INTEGER REFERENCES cards(id),
  amount_cents INTEGER,
  at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
-- What each idempotency key did, in the same transaction: asked again, the same answer and no second effect.
CREATE TABLE done (
  key TEXT PRIMARY KEY,
  customer TEXT NOT NULL,                       -- as the caller had it; '' before a verification
  action TEXT NOT NULL,
  arguments TEXT NOT NULL,
  result TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

// Whose an account is, and that one journal is one customer's business.
inline constexpr const char* kBankOwners = R"sql(
CREATE VIEW owners AS
  SELECT id AS account_id, customer_id FROM accounts WHERE customer_id IS NOT NULL
  UNION ALL SELECT account_id, customer_id FROM payees;
CREATE TRIGGER entry_of_one_customer BEFORE INSERT ON entries BEGIN
  SELECT RAISE(ABORT, 'two_customers') FROM entries
    JOIN owners old ON old.account_id = entries.account_id
    JOIN owners new_owner ON new_owner.account_id = new.account_id
    WHERE entries.journal_id = new.journal_id AND old.customer_id <> new_owner.customer_id;
END;
PRAGMA user_version = 2;
)sql";

// From version 1, whose bank had one customer, 1. The accounts of payees and everything posted stay as they
// are.
inline constexpr const char* kBankFrom1To2 = R"sql(
ALTER TABLE customers ADD COLUMN wrong_answers INTEGER NOT NULL DEFAULT 0;
ALTER TABLE customers ADD COLUMN wrong_at TEXT;
CREATE TABLE payees_2 (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers(id),
  name TEXT NOT NULL,
  key TEXT NOT NULL,
  account_id INTEGER NOT NULL UNIQUE REFERENCES accounts(id),
  UNIQUE (customer_id, key)
) STRICT;
INSERT INTO payees_2 (id, customer_id, name, key, account_id) SELECT id, 1, name, key, account_id FROM payees;
DROP TABLE payees;
ALTER TABLE payees_2 RENAME TO payees;
ALTER TABLE done ADD COLUMN customer TEXT NOT NULL DEFAULT '1';
)sql";

}  // namespace sotto
