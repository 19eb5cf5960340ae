-- The database of the coffee bar: what is on the menu and what was ordered.
CREATE TABLE menu (
  drink TEXT PRIMARY KEY,
  available INTEGER NOT NULL DEFAULT 1 CHECK (available IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  size TEXT,
  roast TEXT,
  shots TEXT,
  drink TEXT NOT NULL REFERENCES menu (drink),
  milk TEXT,
  sugar TEXT,
  ordered_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;

INSERT INTO menu (drink) VALUES
  ('americano'), ('cappuccino'), ('espresso'), ('mocha'), ('iced mocha'), ('latte'),
  ('coffee'), ('drip coffee'), ('house coffee'), ('iced coffee');
