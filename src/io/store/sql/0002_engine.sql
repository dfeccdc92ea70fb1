-- Version 2: runs, what an attempt was carried by, addresses that must not be written to.

-- One row for each `send`: when, and under which settings (a JSON object).
CREATE TABLE run (
    id         INTEGER PRIMARY KEY,
    started_ms BIGINT NOT NULL,
    -- NULL while it runs, and for ever where the process was killed.
    ended_ms   BIGINT,
    settings   TEXT   NOT NULL DEFAULT '{}',
    -- Why it ended before everybody was sent to; empty otherwise.
    ended_by   TEXT   NOT NULL DEFAULT ''
);

-- Of attempts from before version 2 these are empty: nothing was noted then.
ALTER TABLE attempt ADD COLUMN run BIGINT;
-- Whose fault it was: recipient, message, route, provider, setup; empty where the relay took it or nobody can know.
ALTER TABLE attempt ADD COLUMN scope TEXT NOT NULL DEFAULT '';
-- Protocol and cipher suite; empty in clear.
ALTER TABLE attempt ADD COLUMN tls TEXT NOT NULL DEFAULT '';
-- Under which the relay keeps the message; empty where it did not say.
ALTER TABLE attempt ADD COLUMN queue_id TEXT NOT NULL DEFAULT '';

-- Addresses that must not be written to. `key` is the address key, or `h:` and its keyed hash; then `address` is NULL.
CREATE TABLE suppression (
    key      TEXT   PRIMARY KEY,
    address  TEXT,
    -- bounce, unsubscribe, manual
    reason   TEXT   NOT NULL,
    note     TEXT   NOT NULL DEFAULT '',
    added_ms BIGINT NOT NULL
);
