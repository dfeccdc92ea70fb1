-- Version 6: whose answer a mail that came back is, what followed from it, and what a person decided.

-- The rule by which it was bound, in words; empty where nothing bound it.
ALTER TABLE inbound ADD COLUMN rule TEXT NOT NULL DEFAULT '';
-- Who acted, where that is another than the invited; else empty.
ALTER TABLE inbound ADD COLUMN actor TEXT NOT NULL DEFAULT '';
ALTER TABLE inbound ADD COLUMN entity TEXT NOT NULL DEFAULT '';
-- Words of `replies::Flag`, with blanks between them.
ALTER TABLE inbound ADD COLUMN flags TEXT NOT NULL DEFAULT '';
-- What a person may want to do with it: a word of `journal::Decision`; else empty.
ALTER TABLE inbound ADD COLUMN suggestion TEXT NOT NULL DEFAULT '';
-- Of an automatic reply: the last day away, as 2027-06-30; else empty.
ALTER TABLE inbound ADD COLUMN absent_until TEXT NOT NULL DEFAULT '';
-- The original, below the event folder; empty where none is kept.
ALTER TABLE inbound ADD COLUMN original TEXT NOT NULL DEFAULT '';
-- What a person decided: a word of `journal::Decision`, who, when.
ALTER TABLE inbound ADD COLUMN decided TEXT NOT NULL DEFAULT '';
ALTER TABLE inbound ADD COLUMN decided_by TEXT NOT NULL DEFAULT '';
ALTER TABLE inbound ADD COLUMN decided_ms BIGINT;

CREATE INDEX inbound_recipient ON inbound (recipient);

-- What servers reported of messages of ours.
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
CREATE INDEX bounce_dispatch ON bounce (dispatch);
CREATE TRIGGER bounce_keeps BEFORE UPDATE ON bounce BEGIN SELECT RAISE(ABORT, 'reports are append-only'); END;
CREATE TRIGGER bounce_stays BEFORE DELETE ON bounce BEGIN SELECT RAISE(ABORT, 'reports are append-only'); END;
