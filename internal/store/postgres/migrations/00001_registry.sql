-- +goose Up
-- Times are microseconds since 1970 UTC. Every row of evidence carries seq, the
-- number of the ledger entry that commits to it, and the salt of that commitment.
-- Names and IDs compare by their bytes, as in SQLite.

-- An entry stands with the hashes that it completes in the tree over all entries (RFC
-- 6962): its leaf, then the perfect subtrees that end with it, 32 bytes each.
CREATE TABLE ledger (
    seq   BIGINT PRIMARY KEY CHECK (seq > 0),
    entry BYTEA NOT NULL,
    nodes BYTEA NOT NULL CHECK (length(nodes) >= 32)
);

-- Every transaction that writes locks this row first. Room in its page keeps the many
-- versions of the row there.
CREATE TABLE ledger_head (
    one  BIGINT PRIMARY KEY CHECK (one = 1),
    size BIGINT NOT NULL,
    root BYTEA NOT NULL CHECK (length(root) = 32)
) WITH (fillfactor = 10);

-- SHA-256 of nothing: the root of the tree without leaves.
INSERT INTO ledger_head (one, size, root)
VALUES (1, 0, '\xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');

CREATE TABLE checkpoint (
    size BIGINT PRIMARY KEY,
    root BYTEA NOT NULL CHECK (length(root) = 32),
    note BYTEA NOT NULL,
    made BIGINT NOT NULL,
    stamp BYTEA NOT NULL
);

CREATE TABLE registry (
    one         BIGINT PRIMARY KEY DEFAULT 1 CHECK (one = 1),
    id          BYTEA NOT NULL CHECK (length(id) = 16),
    created     BIGINT NOT NULL,
    seal_hashes BIGINT NOT NULL CHECK (seal_hashes IN (0, 1)),
    salt        BYTEA NOT NULL CHECK (length(salt) = 32),
    seq         BIGINT NOT NULL UNIQUE
);

CREATE TABLE recipient (
    name  TEXT COLLATE "C" PRIMARY KEY,
    kind  TEXT NOT NULL CHECK (kind IN ('store', 'vendor', 'authority', 'reviewer', 'partner')),
    actor TEXT NOT NULL,
    added BIGINT NOT NULL,
    salt  BYTEA NOT NULL CHECK (length(salt) = 32),
    seq   BIGINT NOT NULL UNIQUE
);

CREATE TABLE mark_key (
    id         TEXT PRIMARY KEY,
    commitment BYTEA NOT NULL CHECK (length(commitment) = 32),
    since      BIGINT NOT NULL,
    salt       BYTEA NOT NULL CHECK (length(salt) = 32),
    seq        BIGINT NOT NULL UNIQUE
);

CREATE TABLE key_state (
    seq     BIGINT PRIMARY KEY,
    key_id  TEXT NOT NULL REFERENCES mark_key (id),
    state   TEXT NOT NULL CHECK (state IN ('active', 'retired', 'compromised')),
    since   BIGINT NOT NULL,
    note    TEXT NOT NULL,
    entered BIGINT NOT NULL,
    actor   TEXT NOT NULL,
    salt    BYTEA NOT NULL CHECK (length(salt) = 32)
);

-- Of an erased submission id, submitted, received, seq and erased are left.
CREATE TABLE submission (
    seq          BIGINT PRIMARY KEY, -- never used again: indexes in memory follow it
    id           BYTEA NOT NULL UNIQUE CHECK (length(id) = 16),
    sha256       BYTEA NOT NULL CHECK (length(sha256) = 32),
    size         BIGINT NOT NULL,
    format       TEXT NOT NULL,
    decoder      TEXT NOT NULL,
    width        BIGINT NOT NULL,
    height       BIGINT NOT NULL,
    submitted    BIGINT NOT NULL,
    received     BIGINT NOT NULL,
    subject      TEXT NOT NULL,
    hash         TEXT NOT NULL, -- personal data: a hash can be inverted into a face
    area         TEXT NOT NULL, -- likewise
    chain        TEXT NOT NULL,
    quality      BIGINT NOT NULL,
    area_quality BIGINT NOT NULL,
    kept         BIGINT NOT NULL CHECK (kept IN (0, 1)),
    salt         BYTEA NOT NULL CHECK (length(salt) = 32),
    erased       BIGINT NOT NULL
);

CREATE INDEX submission_submitted ON submission (submitted);
CREATE INDEX submission_subject ON submission (subject) WHERE subject <> '';
CREATE INDEX submission_erased ON submission (erased) WHERE erased > 0;

-- Destroying a row here destroys what it holds: everything is sealed under a data
-- key of its own, which stands, wrapped, in this row alone.
CREATE TABLE sealed (
    submission BYTEA PRIMARY KEY REFERENCES submission (id),
    key_id     TEXT NOT NULL,
    wrapped    BYTEA NOT NULL,
    hashes     BYTEA NOT NULL,
    features   BYTEA NOT NULL,
    body       BYTEA NOT NULL
);

-- What is encrypted does not shrink.
ALTER TABLE sealed ALTER hashes SET STORAGE EXTERNAL, ALTER features SET STORAGE EXTERNAL,
    ALTER body SET STORAGE EXTERNAL;

-- What submissions are found by (package sqldb, band.go). Likewise personal data: an
-- entry holds half of a hash. Those that were entered last stand with their whole
-- hashes in recent, some in each row, under the number of the first.
CREATE TABLE recent (
    seq    BIGINT PRIMARY KEY,
    hashes BYTEA NOT NULL
);

-- The others lie in lots, of which each has those from number first to number last. A
-- lot has lists by the first bits of each band; reach says how far they are made, target
-- which other lot they move to (0: none).
CREATE TABLE lot (
    id     BIGINT PRIMARY KEY CHECK (id > 0),
    first  BIGINT NOT NULL,
    last   BIGINT NOT NULL,
    size   BIGINT NOT NULL,
    bits   BIGINT NOT NULL CHECK (bits BETWEEN 0 AND 16),
    reach  BIGINT NOT NULL CHECK (reach BETWEEN 0 AND 1048576),
    target BIGINT NOT NULL
);

-- A list, or a part of one: 19 bits of the lot, 4 of the band, 16 of the first value of the
-- band that belongs there, 24 of the part.
CREATE TABLE posting (
    id      BIGINT PRIMARY KEY,
    entries BYTEA NOT NULL
);

-- Rows that are always small enough for a page stay there, and random bits do not shrink.
ALTER TABLE recent ALTER hashes SET STORAGE PLAIN;
ALTER TABLE posting ALTER entries SET STORAGE PLAIN;

-- Which way hashes are cut; up to which number submissions lie in lots; after which
-- number they stand in recent until then; whether lots are deferred; and who is making
-- them for those beyond (0: nobody in particular).
CREATE TABLE search_state (
    one      BIGINT PRIMARY KEY CHECK (one = 1),
    scheme   BIGINT NOT NULL,
    upto     BIGINT NOT NULL,
    since    BIGINT NOT NULL,
    deferred BIGINT NOT NULL CHECK (deferred IN (0, 1)),
    build    BIGINT NOT NULL
);

INSERT INTO search_state (one, scheme, upto, since, deferred, build) VALUES (1, 1, 0, 0, 0, 0);

-- Statistics keep samples of what stands in a column, which no erasure reaches.
ALTER TABLE submission ALTER sha256 SET STATISTICS 0, ALTER subject SET STATISTICS 0, ALTER hash SET STATISTICS 0,
    ALTER area SET STATISTICS 0, ALTER salt SET STATISTICS 0;
ALTER TABLE sealed ALTER wrapped SET STATISTICS 0, ALTER hashes SET STATISTICS 0, ALTER features SET STATISTICS 0,
    ALTER body SET STATISTICS 0;
ALTER TABLE recent ALTER hashes SET STATISTICS 0;
ALTER TABLE posting ALTER entries SET STATISTICS 0;

CREATE TABLE erasure (
    seq     BIGINT PRIMARY KEY,
    remains BYTEA NOT NULL CHECK (length(remains) = 32), -- digest of what is left of the submissions
    note    TEXT NOT NULL,
    entered BIGINT NOT NULL,
    actor   TEXT NOT NULL,
    salt    BYTEA NOT NULL CHECK (length(salt) = 32)
);

CREATE TABLE erasure_submission (
    erasure    BIGINT NOT NULL REFERENCES erasure (seq),
    submission BYTEA NOT NULL REFERENCES submission (id),
    PRIMARY KEY (erasure, submission)
);

CREATE TABLE copy (
    id         BYTEA PRIMARY KEY CHECK (length(id) = 8),
    submission BYTEA NOT NULL REFERENCES submission (id),
    recipient  TEXT COLLATE "C" NOT NULL REFERENCES recipient (name),
    purpose    TEXT NOT NULL,
    key_id     TEXT NOT NULL REFERENCES mark_key (id),
    strength   DOUBLE PRECISION NOT NULL,
    margin     DOUBLE PRECISION NOT NULL,
    weak       BIGINT NOT NULL CHECK (weak IN (0, 1)),
    psnr       DOUBLE PRECISION NOT NULL,
    ssim       DOUBLE PRECISION NOT NULL,
    format     TEXT NOT NULL,
    width      BIGINT NOT NULL,
    height     BIGINT NOT NULL,
    sha256     BYTEA NOT NULL CHECK (length(sha256) = 32),
    size       BIGINT NOT NULL,
    issued     BIGINT NOT NULL,
    actor      TEXT NOT NULL,
    salt       BYTEA NOT NULL CHECK (length(salt) = 32),
    seq        BIGINT NOT NULL UNIQUE
);

CREATE INDEX copy_submission ON copy (submission);

CREATE TABLE receipt (
    seq        BIGINT PRIMARY KEY,
    copy       BYTEA NOT NULL REFERENCES copy (id),
    public_key BYTEA NOT NULL CHECK (length(public_key) = 32),
    signature  BYTEA NOT NULL CHECK (length(signature) = 64),
    entered    BIGINT NOT NULL,
    actor      TEXT NOT NULL,
    salt       BYTEA NOT NULL CHECK (length(salt) = 32)
);

CREATE INDEX receipt_copy ON receipt (copy);

CREATE TABLE custody (
    seq       BIGINT PRIMARY KEY,
    recipient TEXT COLLATE "C" NOT NULL REFERENCES recipient (name),
    since     BIGINT NOT NULL,
    until     BIGINT NOT NULL,
    listed    BIGINT NOT NULL, -- how many submissions are listed; 0: all of that time
    note      TEXT NOT NULL,
    entered   BIGINT NOT NULL,
    actor     TEXT NOT NULL,
    salt      BYTEA NOT NULL CHECK (length(salt) = 32),
    CHECK (since <= until)
);

CREATE INDEX custody_since ON custody (since, until) WHERE listed = 0;
CREATE INDEX custody_recipient ON custody (recipient);

CREATE TABLE custody_submission (
    custody    BIGINT NOT NULL REFERENCES custody (seq),
    submission BYTEA NOT NULL REFERENCES submission (id),
    PRIMARY KEY (submission, custody)
);

CREATE INDEX custody_submission_custody ON custody_submission (custody);

CREATE TABLE investigation (
    seq     BIGINT PRIMARY KEY,
    started BIGINT NOT NULL,
    actor   TEXT NOT NULL,
    command TEXT NOT NULL,
    input   BYTEA NOT NULL CHECK (length(input) = 32),
    files   BIGINT NOT NULL,
    salt    BYTEA NOT NULL CHECK (length(salt) = 32)
);

-- Against accidents, not against attackers: those are found by the check.
-- +goose StatementBegin
CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$;
-- +goose StatementEnd
CREATE TRIGGER ledger_is_append_only_1 BEFORE UPDATE OR DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only();
CREATE TRIGGER ledger_is_append_only_2 BEFORE TRUNCATE ON ledger
    EXECUTE FUNCTION ledger_is_append_only();
