-- What all steps come to: written by the test in schema.rs with CONVOKE_GOLDEN=write, and never by hand.

CREATE TABLE folder (
    id         BIGINT PRIMARY KEY CHECK (id = 1),
    event      TEXT   NOT NULL,
    secret     BLOB   NOT NULL,
    created_ms BIGINT NOT NULL,
    -- Digest of lists and settings as last imported, and the number of that import.
    lists      TEXT   NOT NULL DEFAULT '',
    import     BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE revision (
    number     BIGINT PRIMARY KEY,
    sequence   BIGINT NOT NULL,
    dtstamp_ms BIGINT NOT NULL,
    facts      TEXT   NOT NULL
, kind TEXT NOT NULL DEFAULT 'first'
    CHECK (kind IN ('first', 'typo', 'wording', 'material', 'cancellation', 'withdrawal', 'reinstatement')), made_ms BIGINT NOT NULL DEFAULT 0, note TEXT NOT NULL DEFAULT '', session TEXT NOT NULL DEFAULT '');

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
, sessions TEXT NOT NULL DEFAULT '');

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
, run BIGINT, scope TEXT NOT NULL DEFAULT '', tls TEXT NOT NULL DEFAULT '', queue_id TEXT NOT NULL DEFAULT '');

CREATE TABLE decision (
    id         INTEGER PRIMARY KEY,
    dispatch   BIGINT NOT NULL REFERENCES dispatch (id),
    verdict    TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    decided_ms BIGINT NOT NULL
);

CREATE TABLE refusal (
    file  TEXT   NOT NULL,
    line  BIGINT NOT NULL,
    fault TEXT   NOT NULL
);

CREATE TABLE run (
    id         INTEGER PRIMARY KEY,
    started_ms BIGINT NOT NULL,
    -- NULL while it runs, and for ever where the process was killed.
    ended_ms   BIGINT,
    settings   TEXT   NOT NULL DEFAULT '{}',
    -- Why it ended before everybody was sent to; empty otherwise.
    ended_by   TEXT   NOT NULL DEFAULT ''
);

CREATE TABLE suppression (
    key      TEXT   PRIMARY KEY,
    address  TEXT,
    -- bounce, unsubscribe, manual
    reason   TEXT   NOT NULL,
    note     TEXT   NOT NULL DEFAULT '',
    added_ms BIGINT NOT NULL
);

CREATE TABLE mailing (
    id         INTEGER PRIMARY KEY,
    purpose    TEXT   NOT NULL CHECK (purpose IN ('reminder', 'message')),
    -- Of a letter, the folder of its templates; empty for a reminder.
    name       TEXT   NOT NULL DEFAULT '',
    revision   BIGINT NOT NULL REFERENCES revision (number),
    -- As it was typed.
    selection  TEXT   NOT NULL DEFAULT '',
    planned_ms BIGINT NOT NULL
);

CREATE TABLE "dispatch" (
    id         INTEGER PRIMARY KEY,
    recipient  BIGINT NOT NULL REFERENCES recipient (id),
    purpose    TEXT   NOT NULL CHECK (purpose IN ('invitation', 'reminder', 'update', 'cancellation', 'message')),
    revision   BIGINT NOT NULL REFERENCES revision (number),
    -- The row of `mailing`; 0 for an invitation, an update, a cancellation.
    mailing    BIGINT NOT NULL DEFAULT 0,
    -- Of the calendar object: METHOD, SEQUENCE, PARTSTAT; '', NULL and '' in a message without one.
    method     TEXT   NOT NULL DEFAULT '' CHECK (method IN ('', 'REQUEST', 'CANCEL')),
    sequence   BIGINT CHECK ((sequence IS NULL) = (method = '')),
    partstat   TEXT   NOT NULL DEFAULT ''
        CHECK (partstat IN ('', 'NEEDS-ACTION', 'ACCEPTED', 'DECLINED', 'TENTATIVE', 'DELEGATED')),
    -- The dispatch whose calendar object the recipient had when this one was planned; NULL: none.
    held       BIGINT REFERENCES dispatch (id),
    -- The dispatch that began the correspondence, for References; NULL: this one does.
    thread     BIGINT REFERENCES dispatch (id),
    state      TEXT   NOT NULL CHECK (state IN ('READY', 'CLAIMED', 'ARMED', 'SENT', 'DEFERRED', 'FAILED', 'IN_DOUBT',
                                               'HELD', 'CANCELLED', 'SUPPRESSED', 'BOUNCED')),
    due_ms     BIGINT NOT NULL DEFAULT 0,
    attempts   BIGINT NOT NULL DEFAULT 0,
    -- From the first arming on: the message's Date, identities and octets never change again.
    date_ms    BIGINT,
    uid        TEXT,
    message_id TEXT,
    digest     TEXT,
    size       BIGINT,
    -- The language of the calendar object; of messages armed before version 4 it is empty, the letter's language.
    language   TEXT   NOT NULL DEFAULT '',
    -- Of the last attempt.
    relay      TEXT,
    code       BIGINT,
    reply      TEXT,
    changed_ms BIGINT NOT NULL, session TEXT NOT NULL DEFAULT '',
    UNIQUE (recipient, purpose, revision, mailing)
);

CREATE TABLE answer (
    id          INTEGER PRIMARY KEY,
    entity      TEXT   NOT NULL,
    -- The mailbox that was invited; NULL where only the entity is known.
    recipient   BIGINT REFERENCES recipient (id),
    partstat    TEXT   NOT NULL CHECK (partstat IN ('ACCEPTED', 'DECLINED', 'TENTATIVE', 'DELEGATED', 'NEEDS-ACTION')),
    persons     BIGINT,
    comment     TEXT   NOT NULL DEFAULT '',
    -- calendar, letter, telephone, person, web, mail, ...
    source      TEXT   NOT NULL,
    -- Who recorded it.
    by          TEXT   NOT NULL DEFAULT '',
    -- 1: a person recorded it.
    is_note     INTEGER NOT NULL DEFAULT 0 CHECK (is_note IN (0, 1)),
    -- Who answered, where that is another than the invited.
    attendee    TEXT   NOT NULL DEFAULT '',
    sequence    BIGINT,
    dtstamp_ms  BIGINT,
    -- The answer's own time, and when it came into the journal.
    said_ms     BIGINT NOT NULL,
    recorded_ms BIGINT NOT NULL,
    -- The state of the event that it answers.
    revision    BIGINT NOT NULL REFERENCES revision (number),
    -- Digest or Message-ID of the mail; else empty.
    evidence    TEXT   NOT NULL DEFAULT '',
    level       TEXT   NOT NULL DEFAULT '' CHECK (level IN ('', 'proven', 'bound', 'claimed')),
    -- 0: kept, but it does not change where the entity stands.
    applies     INTEGER NOT NULL DEFAULT 1 CHECK (applies IN (0, 1))
, session TEXT NOT NULL DEFAULT '');

CREATE TABLE inbound (
    id          INTEGER PRIMARY KEY,
    -- Where it was read first, as `replies --from` writes it.
    source      TEXT   NOT NULL,
    -- Digest and Message-ID in one text: `replies::Identity`.
    identity    TEXT   NOT NULL UNIQUE,
    message_id  TEXT,
    digest      TEXT   NOT NULL,
    -- When the mailbox took it; NULL where it does not say.
    received_ms BIGINT,
    read_ms     BIGINT NOT NULL,
    kind        TEXT   NOT NULL,
    -- proven, bound, claimed, unknown
    level       TEXT   NOT NULL DEFAULT 'unknown',
    dispatch    BIGINT REFERENCES dispatch (id),
    recipient   BIGINT REFERENCES recipient (id),
    state       TEXT   NOT NULL CHECK (state IN ('recorded', 'triage', 'settled', 'ignored')),
    -- What was read in it, a JSON object.
    summary     TEXT   NOT NULL
, rule TEXT NOT NULL DEFAULT '', actor TEXT NOT NULL DEFAULT '', entity TEXT NOT NULL DEFAULT '', flags TEXT NOT NULL DEFAULT '', suggestion TEXT NOT NULL DEFAULT '', absent_until TEXT NOT NULL DEFAULT '', original TEXT NOT NULL DEFAULT '', decided TEXT NOT NULL DEFAULT '', decided_by TEXT NOT NULL DEFAULT '', decided_ms BIGINT);

CREATE TABLE inbound_checkpoint (
    source      TEXT   PRIMARY KEY,
    uidvalidity BIGINT NOT NULL,
    last_uid    BIGINT NOT NULL,
    updated_ms  BIGINT NOT NULL
);

CREATE TABLE bounce (
    id          INTEGER PRIMARY KEY,
    -- The mail that says so; NULL where a person did.
    inbound     BIGINT REFERENCES inbound (id),
    dispatch    BIGINT NOT NULL REFERENCES dispatch (id),
    -- A word of `replies::Class`.
    class       TEXT   NOT NULL,
    -- RFC 3463; else empty.
    status      TEXT   NOT NULL DEFAULT '',
    diagnostic  TEXT   NOT NULL DEFAULT '',
    -- 1: given up; 0: it is still tried.
    is_final    INTEGER NOT NULL CHECK (is_final IN (0, 1)),
    said_ms     BIGINT NOT NULL,
    recorded_ms BIGINT NOT NULL
);

CREATE TABLE speaking (
    id          INTEGER PRIMARY KEY,
    -- Empty for a draw.
    entity      TEXT   NOT NULL,
    -- inscribe, withdraw, move, draw
    act         TEXT   NOT NULL,
    speaker     TEXT   NOT NULL DEFAULT '',
    rank        TEXT   NOT NULL DEFAULT '',
    -- NULL: the list's own time.
    minutes     BIGINT,
    -- Of a move: a position from 1, or before which entity. Of a draw: the seed.
    position    BIGINT,
    target      TEXT   NOT NULL DEFAULT '',
    reason      TEXT   NOT NULL DEFAULT '',
    by          TEXT   NOT NULL DEFAULT '',
    -- When it was asked for, and when it was written down.
    at_ms       BIGINT NOT NULL,
    recorded_ms BIGINT NOT NULL
);

CREATE TABLE sealed (
    id      INTEGER PRIMARY KEY,
    -- SHA-256 over the plan's lines, in hexadecimal; reckoned anew at every reading.
    seal    TEXT   NOT NULL,
    purpose TEXT   NOT NULL,
    mailing BIGINT NOT NULL,
    -- A JSON object: the plan without its messages.
    plan    TEXT   NOT NULL,
    -- Who made it, and under which account of the operating system; that may be empty.
    by      TEXT   NOT NULL,
    account TEXT   NOT NULL DEFAULT '',
    made_ms BIGINT NOT NULL
);

CREATE TABLE approval (
    id          INTEGER PRIMARY KEY,
    sealed      BIGINT NOT NULL REFERENCES sealed (id),
    by          TEXT   NOT NULL,
    account     TEXT   NOT NULL DEFAULT '',
    approved_ms BIGINT NOT NULL
);

CREATE TABLE run_approval (
    run      BIGINT NOT NULL REFERENCES run (id),
    approval BIGINT NOT NULL REFERENCES approval (id),
    PRIMARY KEY (run, approval)
) WITHOUT ROWID;

CREATE TABLE "sealed_message" (
    sealed    BIGINT NOT NULL,
    recipient BIGINT NOT NULL REFERENCES recipient (id),
    session   TEXT   NOT NULL DEFAULT '',
    letter    TEXT   NOT NULL,
    digest    BLOB   NOT NULL,
    row       BLOB   NOT NULL,
    PRIMARY KEY (sealed, recipient, session)
) WITHOUT ROWID;

CREATE INDEX dispatch_open ON dispatch (id) WHERE state IN ('READY', 'DEFERRED');

CREATE INDEX answer_entity ON answer (entity, said_ms);

CREATE INDEX answer_recipient ON answer (recipient, said_ms);

CREATE INDEX inbound_state ON inbound (state, id) WHERE state IN ('recorded', 'triage');

CREATE INDEX inbound_recipient ON inbound (recipient);

CREATE INDEX bounce_dispatch ON bounce (dispatch);

CREATE VIEW holding AS
SELECT r.id AS recipient, s.session AS session,
       (SELECT max(d.id) FROM dispatch d
        WHERE d.recipient = r.id AND d.session = s.session AND d.method <> ''
          AND d.state IN ('SENT', 'IN_DOUBT', 'ARMED', 'BOUNCED')) AS held,
       (SELECT max(d.id) FROM dispatch d
        WHERE d.recipient = r.id AND d.session = s.session AND d.method <> ''
          AND d.state IN ('SENT', 'IN_DOUBT', 'ARMED', 'BOUNCED', 'READY', 'CLAIMED', 'DEFERRED', 'SUPPRESSED')) AS latest,
       (SELECT min(d.id) FROM dispatch d
        WHERE d.recipient = r.id AND d.session = s.session
          AND d.state IN ('SENT', 'IN_DOUBT', 'ARMED', 'BOUNCED')) AS thread
FROM recipient r
CROSS JOIN (SELECT DISTINCT session FROM revision) s;

CREATE TRIGGER attempt_keeps BEFORE UPDATE ON attempt BEGIN SELECT RAISE(ABORT, 'attempts are append-only'); END;

CREATE TRIGGER attempt_stays BEFORE DELETE ON attempt BEGIN SELECT RAISE(ABORT, 'attempts are append-only'); END;

CREATE TRIGGER decision_keeps BEFORE UPDATE ON decision BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;

CREATE TRIGGER decision_stays BEFORE DELETE ON decision BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;

CREATE TRIGGER answer_keeps BEFORE UPDATE ON answer BEGIN SELECT RAISE(ABORT, 'answers are append-only'); END;

CREATE TRIGGER answer_stays BEFORE DELETE ON answer BEGIN SELECT RAISE(ABORT, 'answers are append-only'); END;

CREATE TRIGGER bounce_keeps BEFORE UPDATE ON bounce BEGIN SELECT RAISE(ABORT, 'reports are append-only'); END;

CREATE TRIGGER bounce_stays BEFORE DELETE ON bounce BEGIN SELECT RAISE(ABORT, 'reports are append-only'); END;

CREATE TRIGGER speaking_keeps BEFORE UPDATE ON speaking BEGIN SELECT RAISE(ABORT, 'steps are append-only'); END;

CREATE TRIGGER speaking_stays BEFORE DELETE ON speaking BEGIN SELECT RAISE(ABORT, 'steps are append-only'); END;

CREATE TRIGGER sealed_keeps BEFORE UPDATE ON sealed BEGIN SELECT RAISE(ABORT, 'plans are append-only'); END;

CREATE TRIGGER sealed_stays BEFORE DELETE ON sealed BEGIN SELECT RAISE(ABORT, 'plans are append-only'); END;

CREATE TRIGGER approval_keeps BEFORE UPDATE ON approval BEGIN SELECT RAISE(ABORT, 'approvals are append-only'); END;

CREATE TRIGGER approval_stays BEFORE DELETE ON approval BEGIN SELECT RAISE(ABORT, 'approvals are append-only'); END;

CREATE TRIGGER sealed_message_keeps BEFORE UPDATE ON sealed_message
BEGIN SELECT RAISE(ABORT, 'messages of a plan stay as they were'); END;

CREATE TRIGGER sealed_message_stays BEFORE DELETE ON sealed_message
WHEN EXISTS (SELECT 1 FROM approval WHERE approval.sealed = OLD.sealed)
BEGIN SELECT RAISE(ABORT, 'an approved plan keeps its messages'); END;
