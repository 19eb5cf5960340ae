-- The database of the phone company: one account, its lines, plans, bills and everything that can be ordered. Money is in cents.
CREATE TABLE plans (
  name TEXT PRIMARY KEY,
  cents INTEGER NOT NULL CHECK (cents > 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE packs (
  size TEXT PRIMARY KEY,
  gigabytes REAL NOT NULL,
  cents INTEGER NOT NULL CHECK (cents > 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE account (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  holder TEXT NOT NULL,
  pin TEXT NOT NULL CHECK (length(pin) = 4),
  plan TEXT NOT NULL REFERENCES plans (name),
  ends_on TEXT NOT NULL,
  roaming TEXT NOT NULL DEFAULT 'off' CHECK (roaming IN ('on', 'off')),
  roaming_region TEXT,
  limit_cents INTEGER NOT NULL DEFAULT 5000,
  extras_cents INTEGER NOT NULL DEFAULT 0 CHECK (extras_cents BETWEEN 0 AND limit_cents)
) STRICT;

CREATE TABLE usage (
  kind TEXT PRIMARY KEY,
  used REAL NOT NULL,
  allowance REAL NOT NULL,
  unit TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE bills (
  period TEXT PRIMARY KEY,
  cents INTEGER NOT NULL,
  paid_cents INTEGER NOT NULL DEFAULT 0 CHECK (paid_cents BETWEEN 0 AND cents),
  due_date TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE payments (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  cents INTEGER NOT NULL CHECK (cents > 0),
  method TEXT NOT NULL,
  paid_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;

CREATE TABLE lines (
  last_four TEXT PRIMARY KEY CHECK (length(last_four) = 4),
  name TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'blocked')),
  reason TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE sims (
  number TEXT PRIMARY KEY CHECK (length(number) = 6),
  line TEXT REFERENCES lines (last_four)
) STRICT, WITHOUT ROWID;

CREATE TABLE sim_orders (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  last_four TEXT NOT NULL REFERENCES lines (last_four),
  kind TEXT NOT NULL
) STRICT;

CREATE TABLE outages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  service TEXT NOT NULL,
  zip TEXT NOT NULL,
  known INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE visits (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  service TEXT NOT NULL,
  day TEXT NOT NULL CHECK (day IS date(day)),
  part_of_day TEXT NOT NULL
) STRICT;

INSERT INTO plans (name, cents) VALUES ('basic', 1500), ('standard', 2500), ('premium', 4000), ('unlimited', 6000);
INSERT INTO packs (size, gigabytes, cents) VALUES ('1_gb', 1, 300), ('5_gb', 5, 1000), ('10_gb', 10, 1800), ('20_gb', 20, 3000);
INSERT INTO account (id, holder, pin, plan, ends_on) VALUES (1, 'Robin Hale', '4711', 'standard', '2027-04-30');
INSERT INTO usage (kind, used, allowance, unit) VALUES
  ('data', 6.5, 8, 'gigabytes'), ('minutes', 212, 500, 'minutes'), ('texts', 41, 1000, 'texts');
INSERT INTO bills (period, cents, paid_cents, due_date) VALUES
  ('this_month', 4250, 0, '2026-12-05'), ('last_month', 2500, 2500, '2026-11-05');
INSERT INTO lines (last_four, name) VALUES ('0142', 'Robin'), ('0187', 'Sam'), ('0199', 'Tablet');
INSERT INTO sims (number, line) VALUES ('118822', NULL), ('118823', NULL), ('771203', '0142'), ('771204', '0187'), ('771205', '0199');
INSERT INTO outages (service, zip, known) VALUES ('internet', '94110', 1);
INSERT INTO visits (service, day, part_of_day) VALUES ('internet', '2026-12-07', 'morning'), ('tv', '2026-12-07', 'morning');
