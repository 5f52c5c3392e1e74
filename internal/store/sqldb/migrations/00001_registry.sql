-- Times are microseconds since 1970 UTC. Every row of evidence carries seq, the
-- number of the ledger entry that commits to it, and the salt of that commitment.
-- Names and IDs compare by their bytes.
--
-- One text for both databases: Int, Blob, Real, Name and Hex are their words for a type or a
-- literal. Rows and Keyed end a table (Keyed: a table in the order of its key, without
-- numbers of rows). Conditions hold what only one database needs.
{{if not .Postgres}}PRAGMA application_id = 0x6b79636d; -- "kycm"
{{end}}
-- An entry is kept with the hashes that it completes in the tree over all entries (RFC
-- 6962): its leaf, then the perfect subtrees that end with it, 32 bytes each.
CREATE TABLE ledger (
    seq   {{.Int}} PRIMARY KEY CHECK (seq > 0),
    entry {{.Blob}} NOT NULL,
    nodes {{.Blob}} NOT NULL CHECK (length(nodes) >= 32)
){{.Rows}};

{{if .Postgres}}-- Every transaction that writes locks this row first. Room in its page keeps the many
-- versions of the row there.
{{end}}CREATE TABLE ledger_head (
    one  {{.Int}} PRIMARY KEY CHECK (one = 1),
    size {{.Int}} NOT NULL,
    root {{.Blob}} NOT NULL CHECK (length(root) = 32)
){{if .Postgres}} WITH (fillfactor = 10){{else}}{{.Rows}}{{end}};

-- SHA-256 of nothing: the root of the tree without leaves.
INSERT INTO ledger_head (one, size, root)
VALUES (1, 0, {{.Hex}}e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');

CREATE TABLE checkpoint (
    size {{.Int}} PRIMARY KEY,
    root {{.Blob}} NOT NULL CHECK (length(root) = 32),
    note {{.Blob}} NOT NULL,
    made {{.Int}} NOT NULL,
    stamp {{.Blob}} NOT NULL
){{.Rows}};

CREATE TABLE registry (
    one         {{.Int}} PRIMARY KEY{{if .Postgres}} DEFAULT 1{{end}} CHECK (one = 1),
    id          {{.Blob}} NOT NULL CHECK (length(id) = 16),
    created     {{.Int}} NOT NULL,
    seal_hashes {{.Int}} NOT NULL CHECK (seal_hashes IN (0, 1)),
    salt        {{.Blob}} NOT NULL CHECK (length(salt) = 32),
    seq         {{.Int}} NOT NULL UNIQUE
){{.Rows}};

CREATE TABLE recipient (
    name  {{.Name}} PRIMARY KEY,
    kind  TEXT NOT NULL CHECK (kind IN ('store', 'vendor', 'authority', 'reviewer', 'partner')),
    actor TEXT NOT NULL,
    added {{.Int}} NOT NULL,
    salt  {{.Blob}} NOT NULL CHECK (length(salt) = 32),
    seq   {{.Int}} NOT NULL UNIQUE
){{.Keyed}};

CREATE TABLE mark_key (
    id         TEXT PRIMARY KEY,
    commitment {{.Blob}} NOT NULL CHECK (length(commitment) = 32),
    since      {{.Int}} NOT NULL,
    salt       {{.Blob}} NOT NULL CHECK (length(salt) = 32),
    seq        {{.Int}} NOT NULL UNIQUE
){{.Keyed}};

CREATE TABLE key_state (
    seq     {{.Int}} PRIMARY KEY,
    key_id  TEXT NOT NULL REFERENCES mark_key (id),
    state   TEXT NOT NULL CHECK (state IN ('active', 'retired', 'compromised')),
    since   {{.Int}} NOT NULL,
    note    TEXT NOT NULL,
    entered {{.Int}} NOT NULL,
    actor   TEXT NOT NULL,
    salt    {{.Blob}} NOT NULL CHECK (length(salt) = 32)
){{.Rows}};

-- Of an erased submission id, submitted, received, seq and erased are left.
CREATE TABLE submission (
    seq          {{.Int}} PRIMARY KEY, -- never used again: indexes in memory follow it
    id           {{.Blob}} NOT NULL UNIQUE CHECK (length(id) = 16),
    sha256       {{.Blob}} NOT NULL CHECK (length(sha256) = 32),
    size         {{.Int}} NOT NULL,
    format       TEXT NOT NULL,
    decoder      TEXT NOT NULL,
    width        {{.Int}} NOT NULL,
    height       {{.Int}} NOT NULL,
    submitted    {{.Int}} NOT NULL,
    received     {{.Int}} NOT NULL,
    subject      TEXT NOT NULL,
    hash         TEXT NOT NULL, -- personal data: a hash can be inverted into a face
    area         TEXT NOT NULL, -- likewise
    chain        TEXT NOT NULL,
    quality      {{.Int}} NOT NULL,
    area_quality {{.Int}} NOT NULL,
    kept         {{.Int}} NOT NULL CHECK (kept IN (0, 1)),
    salt         {{.Blob}} NOT NULL CHECK (length(salt) = 32),
    erased       {{.Int}} NOT NULL
){{.Rows}};

CREATE INDEX submission_submitted ON submission (submitted);
CREATE INDEX submission_subject ON submission (subject) WHERE subject <> '';
CREATE INDEX submission_erased ON submission (erased) WHERE erased > 0;

-- Destroying a row here destroys what it holds: everything is sealed under a data
-- key of its own, and only this row holds that key, wrapped.
CREATE TABLE sealed (
    submission {{.Blob}} PRIMARY KEY REFERENCES submission (id),
    key_id     TEXT NOT NULL,
    wrapped    {{.Blob}} NOT NULL,
    hashes     {{.Blob}} NOT NULL,
    features   {{.Blob}} NOT NULL,
    body       {{.Blob}} NOT NULL
){{.Rows}};
{{if .Postgres}}
-- What is encrypted does not shrink.
ALTER TABLE sealed ALTER hashes SET STORAGE EXTERNAL, ALTER features SET STORAGE EXTERNAL,
    ALTER body SET STORAGE EXTERNAL;
{{end}}
-- What submissions are found by (package sqldb, band.go). Likewise personal data: an
-- entry holds half of a hash. Those that were entered last are kept with their whole
-- hashes in recent, some in each row, under the number of the first.
CREATE TABLE recent (
    seq    {{.Int}} PRIMARY KEY,
    hashes {{.Blob}} NOT NULL
){{.Rows}};

-- The others lie in lots, of which each has those from number first to number last. A
-- lot has lists by the first bits of each band; reach says how far they are made, target
-- which other lot they move to (0: none).
CREATE TABLE lot (
    id     {{.Int}} PRIMARY KEY CHECK (id > 0),
    first  {{.Int}} NOT NULL,
    last   {{.Int}} NOT NULL,
    size   {{.Int}} NOT NULL,
    bits   {{.Int}} NOT NULL CHECK (bits BETWEEN 0 AND 16),
    reach  {{.Int}} NOT NULL CHECK (reach BETWEEN 0 AND 1048576),
    target {{.Int}} NOT NULL
){{.Rows}};

-- A list, or a part of one: 19 bits of the lot, 4 of the band, 16 of the first value of the
-- band that belongs there, 24 of the part.
CREATE TABLE posting (
    id      {{.Int}} PRIMARY KEY,
    entries {{.Blob}} NOT NULL
){{.Rows}};
{{if .Postgres}}
-- Rows that are always small enough for a page stay there, and random bits do not shrink.
ALTER TABLE recent ALTER hashes SET STORAGE PLAIN;
ALTER TABLE posting ALTER entries SET STORAGE PLAIN;
{{end}}
-- Which way hashes are cut; up to which number submissions lie in lots; after which
-- number they stand in recent until then; whether lots are deferred; and who is making
-- them for those beyond (0: nobody in particular).
CREATE TABLE search_state (
    one      {{.Int}} PRIMARY KEY CHECK (one = 1),
    scheme   {{.Int}} NOT NULL,
    upto     {{.Int}} NOT NULL,
    since    {{.Int}} NOT NULL,
    deferred {{.Int}} NOT NULL CHECK (deferred IN (0, 1)),
    build    {{.Int}} NOT NULL
){{.Rows}};

INSERT INTO search_state (one, scheme, upto, since, deferred, build) VALUES (1, 1, 0, 0, 0, 0);
{{if .Postgres}}
-- Statistics keep samples of what stands in a column, which no erasure reaches.
ALTER TABLE submission ALTER sha256 SET STATISTICS 0, ALTER subject SET STATISTICS 0, ALTER hash SET STATISTICS 0,
    ALTER area SET STATISTICS 0, ALTER salt SET STATISTICS 0;
ALTER TABLE sealed ALTER wrapped SET STATISTICS 0, ALTER hashes SET STATISTICS 0, ALTER features SET STATISTICS 0,
    ALTER body SET STATISTICS 0;
ALTER TABLE recent ALTER hashes SET STATISTICS 0;
ALTER TABLE posting ALTER entries SET STATISTICS 0;
{{end}}
CREATE TABLE erasure (
    seq     {{.Int}} PRIMARY KEY,
    remains {{.Blob}} NOT NULL CHECK (length(remains) = 32), -- digest of what is left of the submissions
    note    TEXT NOT NULL,
    entered {{.Int}} NOT NULL,
    actor   TEXT NOT NULL,
    salt    {{.Blob}} NOT NULL CHECK (length(salt) = 32)
){{.Rows}};

CREATE TABLE erasure_submission (
    erasure    {{.Int}} NOT NULL REFERENCES erasure (seq),
    submission {{.Blob}} NOT NULL REFERENCES submission (id),
    PRIMARY KEY (erasure, submission)
){{.Keyed}};

CREATE TABLE copy (
    id         {{.Blob}} PRIMARY KEY CHECK (length(id) = 8),
    submission {{.Blob}} NOT NULL REFERENCES submission (id),
    recipient  {{.Name}} NOT NULL REFERENCES recipient (name),
    purpose    TEXT NOT NULL,
    key_id     TEXT NOT NULL REFERENCES mark_key (id),
    strength   {{.Real}} NOT NULL,
    margin     {{.Real}} NOT NULL,
    weak       {{.Int}} NOT NULL CHECK (weak IN (0, 1)),
    psnr       {{.Real}} NOT NULL,
    ssim       {{.Real}} NOT NULL,
    format     TEXT NOT NULL,
    width      {{.Int}} NOT NULL,
    height     {{.Int}} NOT NULL,
    sha256     {{.Blob}} NOT NULL CHECK (length(sha256) = 32),
    size       {{.Int}} NOT NULL,
    issued     {{.Int}} NOT NULL,
    actor      TEXT NOT NULL,
    salt       {{.Blob}} NOT NULL CHECK (length(salt) = 32),
    seq        {{.Int}} NOT NULL UNIQUE
){{.Keyed}};

CREATE INDEX copy_submission ON copy (submission);

CREATE TABLE receipt (
    seq        {{.Int}} PRIMARY KEY,
    copy       {{.Blob}} NOT NULL REFERENCES copy (id),
    public_key {{.Blob}} NOT NULL CHECK (length(public_key) = 32),
    signature  {{.Blob}} NOT NULL CHECK (length(signature) = 64),
    entered    {{.Int}} NOT NULL,
    actor      TEXT NOT NULL,
    salt       {{.Blob}} NOT NULL CHECK (length(salt) = 32)
){{.Rows}};

CREATE INDEX receipt_copy ON receipt (copy);

CREATE TABLE custody (
    seq       {{.Int}} PRIMARY KEY,
    recipient {{.Name}} NOT NULL REFERENCES recipient (name),
    since     {{.Int}} NOT NULL,
    until     {{.Int}} NOT NULL,
    listed    {{.Int}} NOT NULL, -- how many submissions are listed; 0: all of that time
    note      TEXT NOT NULL,
    entered   {{.Int}} NOT NULL,
    actor     TEXT NOT NULL,
    salt      {{.Blob}} NOT NULL CHECK (length(salt) = 32),
    CHECK (since <= until)
){{.Rows}};

CREATE INDEX custody_since ON custody (since, until) WHERE listed = 0;
CREATE INDEX custody_recipient ON custody (recipient);

CREATE TABLE custody_submission (
    custody    {{.Int}} NOT NULL REFERENCES custody (seq),
    submission {{.Blob}} NOT NULL REFERENCES submission (id),
    PRIMARY KEY (submission, custody)
){{.Keyed}};

CREATE INDEX custody_submission_custody ON custody_submission (custody);

CREATE TABLE investigation (
    seq     {{.Int}} PRIMARY KEY,
    started {{.Int}} NOT NULL,
    actor   TEXT NOT NULL,
    command TEXT NOT NULL,
    input   {{.Blob}} NOT NULL CHECK (length(input) = 32),
    files   {{.Int}} NOT NULL,
    salt    {{.Blob}} NOT NULL CHECK (length(salt) = 32)
){{.Rows}};

-- Against accidents, not against attackers: those are found by the check.
{{if .Postgres -}}
CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$;
CREATE TRIGGER ledger_is_append_only_1 BEFORE UPDATE OR DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only();
CREATE TRIGGER ledger_is_append_only_2 BEFORE TRUNCATE ON ledger
    EXECUTE FUNCTION ledger_is_append_only();
{{- else -}}
CREATE TRIGGER ledger_is_append_only_1 BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_is_append_only_2 BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
{{- end}}
