-- Version 7: the informal speaking list. Each row is what somebody did to it; the list is computed from all of them.
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
CREATE TRIGGER speaking_keeps BEFORE UPDATE ON speaking BEGIN SELECT RAISE(ABORT, 'steps are append-only'); END;
CREATE TRIGGER speaking_stays BEFORE DELETE ON speaking BEGIN SELECT RAISE(ABORT, 'steps are append-only'); END;
