-- The journal of one event folder. Times are Unix milliseconds; texts are UTF-8.

-- One row: whose folder this is, and the secret from which its identities derive.
CREATE TABLE folder (
    id         BIGINT PRIMARY KEY CHECK (id = 1),
    event      TEXT   NOT NULL,
    secret     BLOB   NOT NULL,
    created_ms BIGINT NOT NULL,
    -- Digest of lists and settings as last imported, and the number of that import.
    lists      TEXT   NOT NULL DEFAULT '',
    import     BIGINT NOT NULL DEFAULT 0
);

-- The states of the event that recipients were told.
CREATE TABLE revision (
    number     BIGINT PRIMARY KEY,
    sequence   BIGINT NOT NULL,
    dtstamp_ms BIGINT NOT NULL,
    facts      TEXT   NOT NULL
);

CREATE TABLE recipient (
    id          INTEGER PRIMARY KEY,
    address_key TEXT   NOT NULL UNIQUE,
    address     TEXT   NOT NULL,
    entity      TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    language    TEXT   NOT NULL,
    -- Every column of the row, as a JSON object.
    cells       TEXT   NOT NULL,
    file        TEXT   NOT NULL,
    line        BIGINT NOT NULL,
    -- The import that saw the row last.
    seen        BIGINT NOT NULL
);

-- One message to one mailbox.
CREATE TABLE dispatch (
    id         INTEGER PRIMARY KEY,
    recipient  BIGINT NOT NULL REFERENCES recipient (id),
    purpose    TEXT   NOT NULL,
    revision   BIGINT NOT NULL REFERENCES revision (number),
    state      TEXT   NOT NULL CHECK (state IN ('READY', 'CLAIMED', 'ARMED', 'SENT', 'DEFERRED', 'FAILED', 'IN_DOUBT',
                                               'HELD', 'CANCELLED', 'SUPPRESSED')),
    due_ms     BIGINT NOT NULL DEFAULT 0,
    attempts   BIGINT NOT NULL DEFAULT 0,
    -- From the first arming on: the message's Date, identities and octets never change again.
    date_ms    BIGINT,
    uid        TEXT,
    message_id TEXT,
    digest     TEXT,
    size       BIGINT,
    -- Of the last attempt.
    relay      TEXT,
    code       BIGINT,
    reply      TEXT,
    changed_ms BIGINT NOT NULL,
    UNIQUE (recipient, purpose, revision)
);

CREATE INDEX dispatch_open ON dispatch (id) WHERE state IN ('READY', 'DEFERRED');

-- Every attempt that ended, and how.
CREATE TABLE attempt (
    id         INTEGER PRIMARY KEY,
    dispatch   BIGINT NOT NULL REFERENCES dispatch (id),
    verdict    TEXT   NOT NULL,
    phase      TEXT   NOT NULL,
    relay      TEXT   NOT NULL,
    code       BIGINT NOT NULL,
    enhanced   TEXT   NOT NULL,
    reply      TEXT   NOT NULL,
    started_ms BIGINT NOT NULL,
    ended_ms   BIGINT NOT NULL
);

-- What a person decided about a message in doubt.
CREATE TABLE decision (
    id         INTEGER PRIMARY KEY,
    dispatch   BIGINT NOT NULL REFERENCES dispatch (id),
    verdict    TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    decided_ms BIGINT NOT NULL
);

-- Rows of the lists that were left out with --skip-refused at the last import.
CREATE TABLE refusal (
    file  TEXT   NOT NULL,
    line  BIGINT NOT NULL,
    fault TEXT   NOT NULL
);

CREATE TRIGGER attempt_keeps BEFORE UPDATE ON attempt BEGIN SELECT RAISE(ABORT, 'attempts are append-only'); END;
CREATE TRIGGER attempt_stays BEFORE DELETE ON attempt BEGIN SELECT RAISE(ABORT, 'attempts are append-only'); END;
CREATE TRIGGER decision_keeps BEFORE UPDATE ON decision BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;
CREATE TRIGGER decision_stays BEFORE DELETE ON decision BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;
