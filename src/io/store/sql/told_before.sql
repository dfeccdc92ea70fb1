-- The message of which a dispatch tells what has changed since: the last one that the recipient has with a calendar
-- object. $1: the dispatch.
SELECT d.id, d.purpose, d.session, d.revision, d.mailing, d.method, d.sequence, d.partstat, d.attempts, d.date_ms, d.state,
       h.revision AS held_revision, h.sequence AS held_sequence, h.method AS held_method, h.language AS held_language,
       t.message_id AS thread_id, d.recipient,
       r.address_key, r.address, r.entity, r.kind, r.language, r.sessions, r.cells, r.file, r.line,
       d.digest
FROM dispatch d
JOIN recipient r ON r.id = d.recipient
LEFT JOIN dispatch h ON h.id = d.held
LEFT JOIN dispatch t ON t.id = d.thread
WHERE d.id = (SELECT held FROM dispatch WHERE id = $1)
