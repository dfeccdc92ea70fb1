-- Version 5: mail that came back.

-- Every message once, whichever source it came from and however often. More is known of a message when it is bound.
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
);

CREATE INDEX inbound_state ON inbound (state, id) WHERE state IN ('recorded', 'triage');

-- How far each mailbox is read; moves in the transaction that records the messages.
CREATE TABLE inbound_checkpoint (
    source      TEXT   PRIMARY KEY,
    uidvalidity BIGINT NOT NULL,
    last_uid    BIGINT NOT NULL,
    updated_ms  BIGINT NOT NULL
);
