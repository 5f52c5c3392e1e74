-- +goose Up
-- Times are microseconds since 1970 UTC. Every row of evidence carries seq, the
-- number of the ledger entry that commits to it, and the salt of that commitment.
PRAGMA application_id = 0x6b79636d; -- "kycm"

CREATE TABLE ledger (
    seq   INTEGER PRIMARY KEY CHECK (seq > 0),
    entry BLOB NOT NULL,
    hash  BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TABLE ledger_head (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    size INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

INSERT INTO ledger_head (id, size, hash) VALUES (1, 0, zeroblob(32));

CREATE TABLE registry (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    id      BLOB NOT NULL CHECK (length(id) = 16),
    created INTEGER NOT NULL,
    salt    BLOB NOT NULL CHECK (length(salt) = 32),
    seq     INTEGER NOT NULL UNIQUE
) STRICT;

CREATE TABLE recipient (
    name  TEXT PRIMARY KEY,
    kind  TEXT NOT NULL CHECK (kind IN ('store', 'vendor', 'authority', 'reviewer', 'partner')),
    actor TEXT NOT NULL,
    added INTEGER NOT NULL,
    salt  BLOB NOT NULL CHECK (length(salt) = 32),
    seq   INTEGER NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

CREATE TABLE mark_key (
    id    TEXT PRIMARY KEY,
    since INTEGER NOT NULL,
    salt  BLOB NOT NULL CHECK (length(salt) = 32),
    seq   INTEGER NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

CREATE TABLE submission (
    ref       INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused: indexes in memory follow it
    id        BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    sha256    BLOB NOT NULL CHECK (length(sha256) = 32),
    size      INTEGER NOT NULL,
    format    TEXT NOT NULL,
    decoder   TEXT NOT NULL,
    width     INTEGER NOT NULL,
    height    INTEGER NOT NULL,
    submitted INTEGER NOT NULL,
    received  INTEGER NOT NULL,
    subject   TEXT NOT NULL,
    hash      TEXT NOT NULL, -- personal data: a hash can be inverted into a face
    chain     TEXT NOT NULL,
    quality   INTEGER NOT NULL,
    salt      BLOB NOT NULL CHECK (length(salt) = 32),
    seq       INTEGER NOT NULL UNIQUE
) STRICT;

CREATE INDEX submission_submitted ON submission (submitted);
CREATE INDEX submission_subject ON submission (subject) WHERE subject <> '';

-- Destroying a row here destroys the picture: body is sealed under a data key of
-- its own, which stands, wrapped, in this row alone.
CREATE TABLE sealed (
    submission BLOB PRIMARY KEY REFERENCES submission (id),
    key_id     TEXT NOT NULL,
    wrapped    BLOB NOT NULL,
    body       BLOB NOT NULL
) STRICT;

CREATE TABLE copy (
    id         BLOB PRIMARY KEY CHECK (length(id) = 8),
    submission BLOB NOT NULL REFERENCES submission (id),
    recipient  TEXT NOT NULL REFERENCES recipient (name),
    purpose    TEXT NOT NULL,
    key_id     TEXT NOT NULL REFERENCES mark_key (id),
    strength   REAL NOT NULL,
    margin     REAL NOT NULL,
    weak       INTEGER NOT NULL CHECK (weak IN (0, 1)),
    psnr       REAL NOT NULL,
    ssim       REAL NOT NULL,
    format     TEXT NOT NULL,
    width      INTEGER NOT NULL,
    height     INTEGER NOT NULL,
    sha256     BLOB NOT NULL CHECK (length(sha256) = 32),
    size       INTEGER NOT NULL,
    issued     INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    salt       BLOB NOT NULL CHECK (length(salt) = 32),
    seq        INTEGER NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

CREATE INDEX copy_submission ON copy (submission);

CREATE TABLE custody (
    id        INTEGER PRIMARY KEY,
    recipient TEXT NOT NULL REFERENCES recipient (name),
    since     INTEGER NOT NULL,
    until     INTEGER NOT NULL,
    listed    INTEGER NOT NULL, -- how many submissions are listed; 0: all of that time
    note      TEXT NOT NULL,
    entered   INTEGER NOT NULL,
    actor     TEXT NOT NULL,
    salt      BLOB NOT NULL CHECK (length(salt) = 32),
    seq       INTEGER NOT NULL UNIQUE,
    CHECK (since <= until)
) STRICT;

CREATE INDEX custody_since ON custody (since, until);

CREATE TABLE custody_submission (
    custody    INTEGER NOT NULL REFERENCES custody (id),
    submission BLOB NOT NULL REFERENCES submission (id),
    PRIMARY KEY (custody, submission)
) STRICT, WITHOUT ROWID;

-- Against accidents, not against attackers: those are found by the check.
-- +goose StatementBegin
CREATE TRIGGER ledger_is_append_only_1 BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER ledger_is_append_only_2 BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
-- +goose StatementEnd
