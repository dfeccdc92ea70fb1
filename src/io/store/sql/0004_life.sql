-- Version 4: the life of a calendar entry: updates, cancellations, reminders, letters, and the answers to them.
-- Run with foreign keys off: a table whose unique key changes has to be made anew.

-- What each state of the event is. A typo is recorded for those who come later and never mailed.
ALTER TABLE revision ADD COLUMN kind TEXT NOT NULL DEFAULT 'first'
    CHECK (kind IN ('first', 'typo', 'wording', 'material', 'cancellation', 'withdrawal', 'reinstatement'));
ALTER TABLE revision ADD COLUMN made_ms BIGINT NOT NULL DEFAULT 0;
-- What a person said of it: the note of an update, the reason of a cancellation.
ALTER TABLE revision ADD COLUMN note TEXT NOT NULL DEFAULT '';
UPDATE revision SET made_ms = dtstamp_ms;

-- One sending of a reminder or of a letter to a selection.
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

-- One message to one mailbox.
CREATE TABLE dispatch_4 (
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
    changed_ms BIGINT NOT NULL,
    UNIQUE (recipient, purpose, revision, mailing)
);

INSERT INTO dispatch_4 (id, recipient, purpose, revision, method, sequence, partstat, state, due_ms, attempts, date_ms, uid,
                        message_id, digest, size, relay, code, reply, changed_ms)
SELECT d.id, d.recipient, d.purpose, d.revision, 'REQUEST', r.sequence, 'NEEDS-ACTION', d.state, d.due_ms, d.attempts,
       d.date_ms, d.uid, d.message_id, d.digest, d.size, d.relay, d.code, d.reply, d.changed_ms
FROM dispatch d
JOIN revision r ON r.number = d.revision
ORDER BY d.id;
DROP TABLE dispatch;
ALTER TABLE dispatch_4 RENAME TO dispatch;

CREATE INDEX dispatch_open ON dispatch (id) WHERE state IN ('READY', 'DEFERRED');

-- By mailbox: the last calendar object that it may have (`held`), the last one that it may have or is to get (`latest`), and
-- the message that began the correspondence (`thread`); NULL where there is none.
CREATE VIEW holding AS
SELECT r.id AS recipient,
       (SELECT max(d.id) FROM dispatch d
        WHERE d.recipient = r.id AND d.method <> '' AND d.state IN ('SENT', 'IN_DOUBT', 'ARMED', 'BOUNCED')) AS held,
       (SELECT max(d.id) FROM dispatch d
        WHERE d.recipient = r.id AND d.method <> ''
          AND d.state IN ('SENT', 'IN_DOUBT', 'ARMED', 'BOUNCED', 'READY', 'CLAIMED', 'DEFERRED', 'SUPPRESSED')) AS latest,
       (SELECT min(d.id) FROM dispatch d
        WHERE d.recipient = r.id AND d.state IN ('SENT', 'IN_DOUBT', 'ARMED', 'BOUNCED')) AS thread
FROM recipient r;

-- What entities answered, by whatever way; append-only.
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
);
CREATE INDEX answer_entity ON answer (entity, said_ms);
CREATE INDEX answer_recipient ON answer (recipient, said_ms);
CREATE TRIGGER answer_keeps BEFORE UPDATE ON answer BEGIN SELECT RAISE(ABORT, 'answers are append-only'); END;
CREATE TRIGGER answer_stays BEFORE DELETE ON answer BEGIN SELECT RAISE(ABORT, 'answers are append-only'); END;

-- Nothing points into nowhere, or all of this is undone.
CREATE TEMP TABLE whole (holds INTEGER NOT NULL CHECK (holds));
INSERT INTO temp.whole SELECT NOT EXISTS (SELECT 1 FROM pragma_foreign_key_check);
DROP TABLE temp.whole;
