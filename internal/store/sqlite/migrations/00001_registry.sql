-- +goose Up
-- Times are microseconds since 1970 UTC. Every row of evidence carries seq, the
-- number of the ledger entry that commits to it, and the salt of that commitment.
PRAGMA application_id = 0x6b79636d; -- "kycm"

-- An entry stands with the hashes that it completes in the tree over all entries (RFC
-- 6962): its leaf, then the perfect subtrees that end with it, 32 bytes each.
CREATE TABLE ledger (
    seq   INTEGER PRIMARY KEY CHECK (seq > 0),
    entry BLOB NOT NULL,
    nodes BLOB NOT NULL CHECK (length(nodes) >= 32)
) STRICT;

CREATE TABLE ledger_head (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    size INTEGER NOT NULL,
    root BLOB NOT NULL CHECK (length(root) = 32)
) STRICT;

-- SHA-256 of nothing: the root of the tree without leaves.
INSERT INTO ledger_head (one, size, root)
VALUES (1, 0, x'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');

CREATE TABLE checkpoint (
    size INTEGER PRIMARY KEY,
    root BLOB NOT NULL CHECK (length(root) = 32),
    note BLOB NOT NULL,
    made INTEGER NOT NULL,
    stamp BLOB NOT NULL
) STRICT;

CREATE TABLE registry (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    id          BLOB NOT NULL CHECK (length(id) = 16),
    created     INTEGER NOT NULL,
    seal_hashes INTEGER NOT NULL CHECK (seal_hashes IN (0, 1)),
    salt        BLOB NOT NULL CHECK (length(salt) = 32),
    seq         INTEGER NOT NULL UNIQUE
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
    id         TEXT PRIMARY KEY,
    commitment BLOB NOT NULL CHECK (length(commitment) = 32),
    since      INTEGER NOT NULL,
    salt       BLOB NOT NULL CHECK (length(salt) = 32),
    seq        INTEGER NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

CREATE TABLE key_state (
    seq     INTEGER PRIMARY KEY,
    key_id  TEXT NOT NULL REFERENCES mark_key (id),
    state   TEXT NOT NULL CHECK (state IN ('active', 'retired', 'compromised')),
    since   INTEGER NOT NULL,
    note    TEXT NOT NULL,
    entered INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    salt    BLOB NOT NULL CHECK (length(salt) = 32)
) STRICT;

-- Of an erased submission id, submitted, received, seq and erased are left.
CREATE TABLE submission (
    seq          INTEGER PRIMARY KEY, -- never used again: indexes in memory follow it
    id           BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    sha256       BLOB NOT NULL CHECK (length(sha256) = 32),
    size         INTEGER NOT NULL,
    format       TEXT NOT NULL,
    decoder      TEXT NOT NULL,
    width        INTEGER NOT NULL,
    height       INTEGER NOT NULL,
    submitted    INTEGER NOT NULL,
    received     INTEGER NOT NULL,
    subject      TEXT NOT NULL,
    hash         TEXT NOT NULL, -- personal data: a hash can be inverted into a face
    area         TEXT NOT NULL, -- likewise
    chain        TEXT NOT NULL,
    quality      INTEGER NOT NULL,
    area_quality INTEGER NOT NULL,
    kept         INTEGER NOT NULL CHECK (kept IN (0, 1)),
    salt         BLOB NOT NULL CHECK (length(salt) = 32),
    erased       INTEGER NOT NULL
) STRICT;

CREATE INDEX submission_submitted ON submission (submitted);
CREATE INDEX submission_subject ON submission (subject) WHERE subject <> '';
CREATE INDEX submission_erased ON submission (erased) WHERE erased > 0;

-- Destroying a row here destroys what it holds: everything is sealed under a data
-- key of its own, which stands, wrapped, in this row alone.
CREATE TABLE sealed (
    submission BLOB PRIMARY KEY REFERENCES submission (id),
    key_id     TEXT NOT NULL,
    wrapped    BLOB NOT NULL,
    hashes     BLOB NOT NULL,
    features   BLOB NOT NULL,
    body       BLOB NOT NULL
) STRICT;

-- What submissions are found by (package sqldb, band.go). Likewise personal data: an
-- entry holds half of a hash. Those that were entered last stand with their whole
-- hashes in recent, some in each row, under the number of the first.
CREATE TABLE recent (
    seq    INTEGER PRIMARY KEY,
    hashes BLOB NOT NULL
) STRICT;

-- The others lie in lots, of which each has those from number first to number last. A
-- lot has lists by the first bits of each band; reach says how far they are made, target
-- which other lot they move to (0: none).
CREATE TABLE lot (
    id     INTEGER PRIMARY KEY CHECK (id > 0),
    first  INTEGER NOT NULL,
    last   INTEGER NOT NULL,
    size   INTEGER NOT NULL,
    bits   INTEGER NOT NULL CHECK (bits BETWEEN 0 AND 16),
    reach  INTEGER NOT NULL CHECK (reach BETWEEN 0 AND 1048576),
    target INTEGER NOT NULL
) STRICT;

-- A list, or a part of one: 19 bits of the lot, 4 of the band, 16 of the first value of the
-- band that belongs there, 24 of the part.
CREATE TABLE posting (
    id      INTEGER PRIMARY KEY,
    entries BLOB NOT NULL
) STRICT;

-- Which way hashes are cut; up to which number submissions lie in lots; after which
-- number they stand in recent until then; whether lots are deferred; and who is making
-- them for those beyond (0: nobody in particular).
CREATE TABLE search_state (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    scheme   INTEGER NOT NULL,
    upto     INTEGER NOT NULL,
    since    INTEGER NOT NULL,
    deferred INTEGER NOT NULL CHECK (deferred IN (0, 1)),
    build    INTEGER NOT NULL
) STRICT;

INSERT INTO search_state (one, scheme, upto, since, deferred, build) VALUES (1, 1, 0, 0, 0, 0);

CREATE TABLE erasure (
    seq     INTEGER PRIMARY KEY,
    remains BLOB NOT NULL CHECK (length(remains) = 32), -- digest of what is left of the submissions
    note    TEXT NOT NULL,
    entered INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    salt    BLOB NOT NULL CHECK (length(salt) = 32)
) STRICT;

CREATE TABLE erasure_submission (
    erasure    INTEGER NOT NULL REFERENCES erasure (seq),
    submission BLOB NOT NULL REFERENCES submission (id),
    PRIMARY KEY (erasure, submission)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE receipt (
    seq        INTEGER PRIMARY KEY,
    copy       BLOB NOT NULL REFERENCES copy (id),
    public_key BLOB NOT NULL CHECK (length(public_key) = 32),
    signature  BLOB NOT NULL CHECK (length(signature) = 64),
    entered    INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    salt       BLOB NOT NULL CHECK (length(salt) = 32)
) STRICT;

CREATE INDEX receipt_copy ON receipt (copy);

CREATE TABLE custody (
    seq       INTEGER PRIMARY KEY,
    recipient TEXT NOT NULL REFERENCES recipient (name),
    since     INTEGER NOT NULL,
    until     INTEGER NOT NULL,
    listed    INTEGER NOT NULL, -- how many submissions are listed; 0: all of that time
    note      TEXT NOT NULL,
    entered   INTEGER NOT NULL,
    actor     TEXT NOT NULL,
    salt      BLOB NOT NULL CHECK (length(salt) = 32),
    CHECK (since <= until)
) STRICT;

CREATE INDEX custody_since ON custody (since, until) WHERE listed = 0;
CREATE INDEX custody_recipient ON custody (recipient);

CREATE TABLE custody_submission (
    custody    INTEGER NOT NULL REFERENCES custody (seq),
    submission BLOB NOT NULL REFERENCES submission (id),
    PRIMARY KEY (submission, custody)
) STRICT, WITHOUT ROWID;

CREATE INDEX custody_submission_custody ON custody_submission (custody);

CREATE TABLE investigation (
    seq     INTEGER PRIMARY KEY,
    started INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    command TEXT NOT NULL,
    input   BLOB NOT NULL CHECK (length(input) = 32),
    files   INTEGER NOT NULL,
    salt    BLOB NOT NULL CHECK (length(salt) = 32)
) STRICT;

-- Against accidents, not against attackers: those are found by the check.
-- +goose StatementBegin
CREATE TRIGGER ledger_is_append_only_1 BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER ledger_is_append_only_2 BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
-- +goose StatementEnd
