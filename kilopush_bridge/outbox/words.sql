-- Schema 3: all words of rules.

-- One row for each key of a rule that is to be remembered, from `for` that waits to `cooldown` that
-- is not over. `topic` and `payload` are those of the message that began it.
ALTER TABLE firing ADD COLUMN phase TEXT NOT NULL DEFAULT 'firing';
ALTER TABLE firing ADD COLUMN due_at_s REAL;          -- the timer of its phase
ALTER TABLE firing ADD COLUMN told_at_s REAL;         -- the last alarm
ALTER TABLE firing ADD COLUMN repeats INTEGER NOT NULL DEFAULT 0;
ALTER TABLE firing ADD COLUMN is_acknowledged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE firing ADD COLUMN topic TEXT NOT NULL DEFAULT '';
ALTER TABLE firing ADD COLUMN payload BLOB NOT NULL DEFAULT x'';
ALTER TABLE firing ADD COLUMN why TEXT NOT NULL DEFAULT '';

UPDATE firing SET topic = (SELECT topic FROM alerts WHERE id = alarm_id)
WHERE alarm_id IN (SELECT id FROM alerts);
UPDATE firing SET told_at_s = since_s;

CREATE TABLE snoozes (
    rule      TEXT PRIMARY KEY,
    until_s   REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- What the command line asks a running bridge to do.
CREATE TABLE commands (
    id        INTEGER PRIMARY KEY,
    command   TEXT NOT NULL,          -- ack | snooze
    rule      TEXT NOT NULL,
    key       TEXT,                   -- NULL: all
    until_s   REAL
) STRICT;

-- An alarm that is one too many for the `limit` of its rule goes into the digest.
ALTER TABLE deliveries ADD COLUMN is_surplus INTEGER NOT NULL DEFAULT 0;
