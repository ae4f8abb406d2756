-- The state of one bridge, version 1; `budget.sql` goes on from here. Times are Unix seconds (`_at_s`); names of people, channels and rules
-- stand here, their tokens and secrets never do.

-- What was decided: one row per alert, whoever gets it.
CREATE TABLE alerts (
    id             INTEGER PRIMARY KEY,
    kind           TEXT    NOT NULL,  -- alarm | recovery | event | request | notice
    origin         TEXT    NOT NULL,  -- rule | send | command | bridge
    name           TEXT    NOT NULL,  -- the rule's or the sender's
    key            TEXT    NOT NULL,
    topic          TEXT    NOT NULL,
    text           TEXT    NOT NULL,
    url            TEXT,
    silent         INTEGER NOT NULL,
    found_at_start INTEGER NOT NULL,
    request_id     TEXT,              -- given by whoever asked; makes a repeated request one alert
    created_at_s   REAL    NOT NULL
) STRICT;

CREATE UNIQUE INDEX alerts_by_request ON alerts (name, request_id) WHERE request_id IS NOT NULL;

-- The outbox: one row per alert and person, in exactly one state (promise G2).
CREATE TABLE deliveries (
    id             INTEGER PRIMARY KEY,
    alert_id       INTEGER NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    person         TEXT    NOT NULL,
    channel        TEXT    NOT NULL,
    priority       INTEGER NOT NULL,  -- 0 critical .. 3 low
    state          TEXT    NOT NULL,  -- pending | sending | sent | dead | withdrawn
    reason         TEXT    NOT NULL DEFAULT '',  -- why it is dead or withdrawn
    changed_at_s   REAL    NOT NULL,
    due_at_s       REAL    NOT NULL,  -- not before this
    tries          INTEGER NOT NULL DEFAULT 0,   -- refusals so far
    is_repeat      INTEGER NOT NULL DEFAULT 0,   -- an earlier attempt may have arrived
    over_after_s   REAL,              -- the state ended before this was sent, after so long
    batch_key      TEXT,              -- those with the same key go out as one message
    follows        INTEGER REFERENCES deliveries (id) ON DELETE SET NULL  -- a recovery waits for its alarm
) STRICT;

CREATE INDEX deliveries_waiting ON deliveries (channel, person, priority, id) WHERE state = 'pending';
CREATE INDEX deliveries_due ON deliveries (due_at_s) WHERE state = 'pending';
CREATE INDEX deliveries_by_state ON deliveries (state, changed_at_s) WHERE state <> 'sent';
CREATE INDEX deliveries_by_alert ON deliveries (alert_id);
CREATE INDEX deliveries_by_alarm ON deliveries (follows) WHERE follows IS NOT NULL;

-- The ledger: one row per POST, written before it leaves. `is_spent` says whether it counts
-- against the quota; until its reply is known, it does.
CREATE TABLE attempts (
    id          INTEGER PRIMARY KEY,
    channel     TEXT    NOT NULL,
    person      TEXT    NOT NULL,
    priority    INTEGER NOT NULL,
    begun_at_s  REAL    NOT NULL,
    ended_at_s  REAL,
    outcome     TEXT,                 -- NULL while it is on the way
    detail      TEXT    NOT NULL DEFAULT '',
    is_spent    INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE INDEX attempts_by_channel ON attempts (channel, begun_at_s);

-- Which states hold: the edges of rules (promise R1). No row: not firing.
CREATE TABLE firing (
    rule      TEXT    NOT NULL,
    key       TEXT    NOT NULL,
    since_s   REAL    NOT NULL,
    seen_at_s REAL    NOT NULL,       -- written once a minute, not with every message
    count     INTEGER NOT NULL,
    alarm_id  INTEGER REFERENCES alerts (id) ON DELETE SET NULL,
    PRIMARY KEY (rule, key)
) STRICT, WITHOUT ROWID;

-- What stops a channel, or one person on it, from being sent to.
CREATE TABLE holds (
    channel   TEXT    NOT NULL,
    person    TEXT    NOT NULL,       -- '' for the whole channel
    kind      TEXT    NOT NULL,
    since_s   REAL    NOT NULL,
    tries     INTEGER NOT NULL,
    next_at_s REAL    NOT NULL,       -- one attempt may go then
    detail    TEXT    NOT NULL,
    PRIMARY KEY (channel, person, kind)
) STRICT, WITHOUT ROWID;

-- One value per name: the client id, fingerprints of secrets, what was told once.
CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
