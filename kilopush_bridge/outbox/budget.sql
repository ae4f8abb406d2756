-- Schema 2: the budget of a channel, and digests.

-- A digest is a delivery, too: its text is made of the deliveries that point to it. Those are
-- `deferred`; where they are, their digest says.
ALTER TABLE deliveries ADD COLUMN is_digest INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN digest_id INTEGER;  -- `upkeep.forget` keeps it true

DROP INDEX deliveries_by_state;
CREATE INDEX deliveries_by_state ON deliveries (state, digest_id, is_digest);
CREATE INDEX deliveries_digests ON deliveries (channel, person, state) WHERE is_digest;

CREATE INDEX deliveries_refused ON deliveries (channel, person, priority, id)
WHERE state = 'pending' AND tries > 0;

CREATE INDEX deliveries_following ON deliveries (follows)
WHERE follows IS NOT NULL AND state = 'pending';

-- A critical that another channel took over knows where it came from, and moves only once.
ALTER TABLE deliveries ADD COLUMN home_channel TEXT;
-- An alarm that repeats itself is `high`; if it still waits then, and still holds, it is critical.
ALTER TABLE deliveries ADD COLUMN critical_at_s REAL;
CREATE INDEX deliveries_promoted ON deliveries (critical_at_s) WHERE critical_at_s IS NOT NULL;

-- Whether an alert was told as critical; `high` is what becomes of one that repeats itself.
ALTER TABLE alerts ADD COLUMN is_critical INTEGER NOT NULL DEFAULT 0;
UPDATE alerts SET is_critical = 1
WHERE EXISTS (SELECT 1 FROM deliveries WHERE alert_id = alerts.id AND priority = 0);
CREATE INDEX alerts_critical ON alerts (name, key, created_at_s) WHERE is_critical;

-- The ledger counts in the API's own time. `counts_until_s` is NULL while that is not known: what
-- is on the way, or ended before the API named its time, counts in any case; 0 never counts. A
-- refusal for the quota does not count, but tells until then what other senders had used.
ALTER TABLE attempts ADD COLUMN kind TEXT NOT NULL DEFAULT 'other';  -- critical | other | digest
ALTER TABLE attempts ADD COLUMN rule TEXT NOT NULL DEFAULT '';       -- '' for several
ALTER TABLE attempts ADD COLUMN counts_until_s REAL;
ALTER TABLE attempts ADD COLUMN others_seen INTEGER;

UPDATE attempts SET kind = 'critical' WHERE priority = 0;
UPDATE attempts SET counts_until_s = CASE WHEN is_spent THEN ended_at_s + 90600 ELSE 0 END
WHERE ended_at_s IS NOT NULL;

DROP INDEX attempts_by_channel;
ALTER TABLE attempts DROP COLUMN is_spent;
CREATE INDEX attempts_counting ON attempts (channel, counts_until_s);

-- Forgetting what is old looks at nothing else.
CREATE INDEX alerts_by_age ON alerts (created_at_s);
CREATE INDEX firing_by_alarm ON firing (alarm_id);
