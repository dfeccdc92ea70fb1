-- Version 8: sealed plans, and who let them be sent.
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

-- The messages of a plan. Those of a plan that nobody approved go when the next one is made; they come before the row of
-- their plan, so that a plan is whole by being there.
CREATE TABLE sealed_message (
    sealed    BIGINT NOT NULL,
    recipient BIGINT NOT NULL REFERENCES recipient (id),
    letter    TEXT   NOT NULL,
    -- SHA-256 of the octets, unsigned, at the revision's DTSTAMP; and of what the lists say of the recipient.
    digest    BLOB   NOT NULL,
    row       BLOB   NOT NULL,
    PRIMARY KEY (sealed, recipient)
) WITHOUT ROWID;

CREATE TABLE approval (
    id          INTEGER PRIMARY KEY,
    sealed      BIGINT NOT NULL REFERENCES sealed (id),
    by          TEXT   NOT NULL,
    account     TEXT   NOT NULL DEFAULT '',
    approved_ms BIGINT NOT NULL
);

-- Under which approvals a run began.
CREATE TABLE run_approval (
    run      BIGINT NOT NULL REFERENCES run (id),
    approval BIGINT NOT NULL REFERENCES approval (id),
    PRIMARY KEY (run, approval)
) WITHOUT ROWID;

CREATE TRIGGER sealed_keeps BEFORE UPDATE ON sealed BEGIN SELECT RAISE(ABORT, 'plans are append-only'); END;
CREATE TRIGGER sealed_stays BEFORE DELETE ON sealed BEGIN SELECT RAISE(ABORT, 'plans are append-only'); END;
CREATE TRIGGER approval_keeps BEFORE UPDATE ON approval BEGIN SELECT RAISE(ABORT, 'approvals are append-only'); END;
CREATE TRIGGER approval_stays BEFORE DELETE ON approval BEGIN SELECT RAISE(ABORT, 'approvals are append-only'); END;
CREATE TRIGGER sealed_message_keeps BEFORE UPDATE ON sealed_message
BEGIN SELECT RAISE(ABORT, 'messages of a plan stay as they were'); END;
CREATE TRIGGER sealed_message_stays BEFORE DELETE ON sealed_message
WHEN EXISTS (SELECT 1 FROM approval WHERE approval.sealed = OLD.sealed)
BEGIN SELECT RAISE(ABORT, 'an approved plan keeps its messages'); END;
