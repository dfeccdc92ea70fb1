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
