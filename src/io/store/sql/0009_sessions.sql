-- Version 9: sessions, each with an invitation of its own. Numbers of revisions go through the whole folder, so that each is of
-- one session; what points to a revision is of its session. '' is the event as a whole: all of what older versions wrote.

ALTER TABLE revision ADD COLUMN session TEXT NOT NULL DEFAULT '';
-- To which sessions the lists invite, with a blank before and after each id, or ' all '. '' where there are none.
ALTER TABLE recipient ADD COLUMN sessions TEXT NOT NULL DEFAULT '';
-- Always that of its revision: looked up with every message, so it stands here too.
ALTER TABLE dispatch ADD COLUMN session TEXT NOT NULL DEFAULT '';
ALTER TABLE answer ADD COLUMN session TEXT NOT NULL DEFAULT '';

-- As it was, by mailbox and session.
DROP VIEW holding;
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

-- A plan may have a message to a recipient for each session.
CREATE TABLE sealed_message_9 (
    sealed    BIGINT NOT NULL,
    recipient BIGINT NOT NULL REFERENCES recipient (id),
    session   TEXT   NOT NULL DEFAULT '',
    letter    TEXT   NOT NULL,
    digest    BLOB   NOT NULL,
    row       BLOB   NOT NULL,
    PRIMARY KEY (sealed, recipient, session)
) WITHOUT ROWID;
INSERT INTO sealed_message_9 (sealed, recipient, letter, digest, row)
SELECT sealed, recipient, letter, digest, row FROM sealed_message;
DROP TABLE sealed_message;
ALTER TABLE sealed_message_9 RENAME TO sealed_message;
CREATE TRIGGER sealed_message_keeps BEFORE UPDATE ON sealed_message
BEGIN SELECT RAISE(ABORT, 'messages of a plan stay as they were'); END;
CREATE TRIGGER sealed_message_stays BEFORE DELETE ON sealed_message
WHEN EXISTS (SELECT 1 FROM approval WHERE approval.sealed = OLD.sealed)
BEGIN SELECT RAISE(ABORT, 'an approved plan keeps its messages'); END;

-- Nothing points into nowhere, or all of this is undone.
CREATE TEMP TABLE whole (holds INTEGER NOT NULL CHECK (holds));
INSERT INTO temp.whole SELECT NOT EXISTS (SELECT 1 FROM pragma_foreign_key_check);
DROP TABLE temp.whole;
