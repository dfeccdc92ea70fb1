INSERT INTO answer (entity, recipient, partstat, persons, comment, source, by, is_note, attendee, sequence, dtstamp_ms,
                    said_ms, recorded_ms, revision, evidence, level, applies, session)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
        (SELECT session FROM revision WHERE number = $14))
RETURNING id
