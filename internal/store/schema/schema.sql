-- Times are microseconds since 1970 UTC. Every row of evidence carries seq, the
-- number of the ledger entry that commits to it, and the salt of that commitment.
-- Names and IDs compare by their bytes.
--
-- One text for both databases: Int, Blob, Real, Name and Hex are their words for a type or a
-- literal. Rows and Keyed end a table (Keyed: a table in the order of its key, without
-- numbers of rows). Conditions hold what only one database needs.
{{if not .Postgres}}PRAGMA application_id = 0x6b79636d; -- "kycm"
{{end}}
-- The version of this text.
CREATE TABLE schema_version (
    version {{.Int}} PRIMARY KEY
){{.Rows}};

INSERT INTO schema_version (version) VALUES (1);

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
    one   {{.Int}} PRIMARY KEY CHECK (one = 1),
    size  {{.Int}} NOT NULL,
    root  {{.Blob}} NOT NULL CHECK (length(root) = 32),
    lists {{.Blob}} NOT NULL CHECK (length(lists) = 32) -- root of the lists
){{if .Postgres}} WITH (fillfactor = 10){{else}}{{.Rows}}{{end}};

-- SHA-256 of nothing: the root of the tree without leaves. The root of no lists is zero.
INSERT INTO ledger_head (one, size, root, lists)
VALUES (1, 0, {{.Hex}}e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', {{.Hex}}0000000000000000000000000000000000000000000000000000000000000000');

-- What lists commit to (package tlog): what is read is compared with them. id is the depth in two bytes, and
-- the first bits of a name's SHA-256. body is a list, or the hashes of two nodes below.
CREATE TABLE list_node (
    id   {{.Blob}} PRIMARY KEY CHECK (length(id) >= 2),
    body {{.Blob}} NOT NULL CHECK (length(body) IN (64, 72))
){{.Keyed}};

CREATE TABLE checkpoint (
    size {{.Int}} PRIMARY KEY,
    root {{.Blob}} NOT NULL CHECK (length(root) = 32),
    note {{.Blob}} NOT NULL,
    made {{.Int}} NOT NULL,
    stamp {{.Blob}} NOT NULL
){{.Rows}};

-- Signatures of witnesses, and timestamps, of checkpoints: what proves when entries were there.
CREATE TABLE cosigned (
    seq     {{.Int}} PRIMARY KEY,
    size    {{.Int}} NOT NULL CHECK (size > 0),
    root    {{.Blob}} NOT NULL CHECK (length(root) = 32),
    witness TEXT NOT NULL,
    dated   {{.Int}} NOT NULL,
    proof   {{.Blob}} NOT NULL,
    entered {{.Int}} NOT NULL,
    salt    {{.Blob}} NOT NULL CHECK (length(salt) = 32)
){{.Rows}};

-- originals is the address of the place of new originals; '' is the database.
CREATE TABLE registry (
    one         {{.Int}} PRIMARY KEY{{if .Postgres}} DEFAULT 1{{end}} CHECK (one = 1),
    id          {{.Blob}} NOT NULL CHECK (length(id) = 16),
    created     {{.Int}} NOT NULL,
    seal_hashes {{.Int}} NOT NULL CHECK (seal_hashes IN (0, 1)),
    salt        {{.Blob}} NOT NULL CHECK (length(salt) = 32),
    seq         {{.Int}} NOT NULL UNIQUE,
    originals   TEXT NOT NULL
){{.Rows}};

-- ref stands in other rows in the place of the name of a reviewer with an employer: digest binds the name, and an erasure
-- puts ref in its place and blanks blind. ref, employer, blind and digest are empty without an employer.
CREATE TABLE recipient (
    name     {{.Name}} PRIMARY KEY,
    kind     TEXT NOT NULL CHECK (kind IN ('store', 'vendor', 'authority', 'reviewer', 'partner')),
    ref      TEXT NOT NULL,
    employer {{.Name}} NOT NULL,
    blind    {{.Blob}} NOT NULL CHECK (length(blind) IN (0, 32)),
    digest   {{.Blob}} NOT NULL CHECK (length(digest) IN (0, 32)),
    actor    TEXT NOT NULL,
    added    {{.Int}} NOT NULL,
    salt     {{.Blob}} NOT NULL CHECK (length(salt) = 32),
    seq      {{.Int}} NOT NULL UNIQUE
){{.Keyed}};

CREATE UNIQUE INDEX recipient_ref ON recipient (ref) WHERE ref <> '';

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

-- Of an erased submission id, submitted, received, seq, its place among the pages and erased are left. rendition is the SHA-256 of
-- the upright pixels that copies are made from and leaks compared with; empty if no original is kept. The pages of
-- a document are rows, each with an ID of its own. page counts from 1 to pages; both are 0 in an upload of one page.
-- document is the ID of page 1, in the rows of the other pages.
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
    erased       {{.Int}} NOT NULL,
    rendition    {{.Blob}} NOT NULL CHECK (length(rendition) IN (0, 32)),
    document     {{.Blob}} NOT NULL CHECK (length(document) IN (0, 16)),
    page         {{.Int}} NOT NULL,
    pages        {{.Int}} NOT NULL,
    actor        TEXT NOT NULL
){{.Rows}};

CREATE INDEX submission_submitted ON submission (submitted);
CREATE INDEX submission_subject ON submission (subject) WHERE subject <> '';
CREATE INDEX submission_erased ON submission (erased) WHERE erased > 0;
CREATE INDEX submission_document ON submission (document, page) WHERE page > 1;
CREATE INDEX submission_page ON submission (submitted) WHERE page > 1;

-- Subject references that were entered after their uploads. The last row of an upload counts.
-- reference and blind of earlier rows, and of erased uploads, are blank; digest binds them.
CREATE TABLE subject (
    seq        {{.Int}} PRIMARY KEY,
    submission {{.Blob}} NOT NULL REFERENCES submission (id),
    reference  TEXT NOT NULL,
    blind      {{.Blob}} NOT NULL CHECK (length(blind) = 32),
    digest     {{.Blob}} NOT NULL CHECK (length(digest) = 32),
    entered    {{.Int}} NOT NULL,
    actor      TEXT NOT NULL,
    salt       {{.Blob}} NOT NULL CHECK (length(salt) = 32)
){{.Rows}};

CREATE INDEX subject_submission ON subject (submission);
CREATE UNIQUE INDEX subject_present ON subject (submission) WHERE reference <> '';
CREATE INDEX subject_reference ON subject (reference) WHERE reference <> '';

-- Destroying a row here destroys what it holds: everything is sealed under a data
-- key of its own, and only this row holds that key, wrapped. An original outside of the database is an object,
-- named by the SHA-256 of its bytes; body is empty then.
CREATE TABLE sealed (
    submission  {{.Blob}} PRIMARY KEY REFERENCES submission (id),
    key_id      TEXT NOT NULL,
    wrapped     {{.Blob}} NOT NULL,
    hashes      {{.Blob}} NOT NULL,
    features    {{.Blob}} NOT NULL,
    body        {{.Blob}} NOT NULL,
    object      {{.Blob}} NOT NULL CHECK (length(object) IN (0, 32)),
    object_size {{.Int}} NOT NULL
){{.Rows}};

CREATE UNIQUE INDEX sealed_object ON sealed (object) WHERE object_size > 0;

-- Objects of erased originals that are still to be removed.
CREATE TABLE removal (
    object {{.Blob}} PRIMARY KEY
){{.Keyed}};

-- What is kept beside the registry is no evidence: bytes on their way to a worker (spool), and investigations. It is
-- sealed under a key that wrapped has under a sealing key. Destroying the row destroys it. expires is 0 if it stays until it is removed.
CREATE TABLE kept (
    id      {{.Blob}} PRIMARY KEY CHECK (length(id) = 16),
    kind    TEXT NOT NULL CHECK (kind IN ('spool', 'investigation')),
    made    {{.Int}} NOT NULL,
    expires {{.Int}} NOT NULL,
    wrapped {{.Blob}} NOT NULL
){{.Keyed}};

CREATE INDEX kept_expires ON kept (expires) WHERE expires > 0;

-- A part is a named stream of bytes: the chunks of one version, which was written whole. size and digest are of the clear bytes.
CREATE TABLE kept_part (
    kept    {{.Blob}} NOT NULL REFERENCES kept (id),
    part    TEXT NOT NULL,
    version {{.Blob}} NOT NULL CHECK (length(version) = 16),
    chunks  {{.Int}} NOT NULL,
    size    {{.Int}} NOT NULL,
    digest  {{.Blob}} NOT NULL CHECK (length(digest) = 32),
    PRIMARY KEY (kept, part)
){{.Keyed}};

-- A chunk is sealed. If it is an object, its row is committed before the object is written. Chunks of other versions than the part's
-- are of writers at work, or that were killed.
CREATE TABLE kept_chunk (
    kept        {{.Blob}} NOT NULL REFERENCES kept (id),
    part        TEXT NOT NULL,
    version     {{.Blob}} NOT NULL CHECK (length(version) = 16),
    n           {{.Int}} NOT NULL,
    body        {{.Blob}} NOT NULL,
    object      {{.Blob}} NOT NULL CHECK (length(object) IN (0, 32)),
    object_size {{.Int}} NOT NULL,
    PRIMARY KEY (kept, part, version, n)
){{.Rows}};

CREATE INDEX kept_object ON kept_chunk (object) WHERE object_size > 0;

-- The uploads that an investigation shows.
CREATE TABLE kept_submission (
    kept       {{.Blob}} NOT NULL REFERENCES kept (id),
    submission {{.Blob}} NOT NULL REFERENCES submission (id),
    PRIMARY KEY (submission, kept)
){{.Keyed}};

-- A segment is a file or an object with what the submissions from number first to number last are found by. It is sealed
-- under a key that wrapped has under the sealing key; wrapped is empty after an erasure. digest is the SHA-256 of an object,
-- and size its bytes; a file has neither. state is 0 while it is being made (last is 0) or to be removed, 1 in use, 2 in use
-- and found altered or missing: it is to be made anew.
CREATE TABLE segment (
    name    {{.Blob}} PRIMARY KEY CHECK (length(name) = 16),
    state   {{.Int}} NOT NULL CHECK (state BETWEEN 0 AND 2),
    made    {{.Int}} NOT NULL,
    first   {{.Int}} NOT NULL,
    last    {{.Int}} NOT NULL,
    digest  {{.Blob}} NOT NULL CHECK (length(digest) IN (0, 32)),
    size    {{.Int}} NOT NULL,
    wrapped {{.Blob}} NOT NULL
){{.Keyed}};
{{if .Postgres}}
-- What is encrypted does not shrink.
ALTER TABLE kept_chunk ALTER body SET STORAGE EXTERNAL;
ALTER TABLE sealed ALTER hashes SET STORAGE EXTERNAL, ALTER features SET STORAGE EXTERNAL,
    ALTER body SET STORAGE EXTERNAL;
{{end}}
{{if .Postgres}}
-- Statistics keep samples of what stands in a column, which no erasure reaches.
ALTER TABLE submission ALTER sha256 SET STATISTICS 0, ALTER subject SET STATISTICS 0, ALTER hash SET STATISTICS 0,
    ALTER area SET STATISTICS 0, ALTER salt SET STATISTICS 0, ALTER rendition SET STATISTICS 0;
ALTER TABLE recipient ALTER name SET STATISTICS 0, ALTER blind SET STATISTICS 0;
ALTER TABLE subject ALTER reference SET STATISTICS 0, ALTER blind SET STATISTICS 0;
ALTER TABLE sealed ALTER wrapped SET STATISTICS 0, ALTER hashes SET STATISTICS 0, ALTER features SET STATISTICS 0,
    ALTER body SET STATISTICS 0;
ALTER TABLE segment ALTER wrapped SET STATISTICS 0;
ALTER TABLE kept ALTER wrapped SET STATISTICS 0;
{{end}}
CREATE TABLE erasure (
    seq      {{.Int}} PRIMARY KEY,
    reviewer TEXT NOT NULL, -- ref of the reviewer whose name was erased; '': submissions were
    remains  {{.Blob}} NOT NULL CHECK (length(remains) = 32), -- digest of what is left of the submissions
    note     TEXT NOT NULL,
    entered  {{.Int}} NOT NULL,
    actor    TEXT NOT NULL,
    salt     {{.Blob}} NOT NULL CHECK (length(salt) = 32)
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
    reviewer   TEXT NOT NULL, -- ref of the recipient's reviewer, or ''
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
CREATE INDEX copy_sha256 ON copy (sha256);

-- What became of a copy after it was entered: it was released, or is void. Another attempt to hand it out is entered as well
-- (reserved): the earlier attempt cannot make the copy void any more.
CREATE TABLE release (
    seq        {{.Int}} PRIMARY KEY,
    copy       {{.Blob}} NOT NULL REFERENCES copy (id),
    submission {{.Blob}} NOT NULL REFERENCES submission (id),
    state      TEXT NOT NULL CHECK (state IN ('released', 'void', 'reserved')),
    note       TEXT NOT NULL,
    entered    {{.Int}} NOT NULL,
    actor      TEXT NOT NULL,
    salt       {{.Blob}} NOT NULL CHECK (length(salt) = 32)
){{.Rows}};

CREATE INDEX release_copy ON release (copy);
CREATE INDEX release_submission ON release (submission);

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

-- An upload came in with the mark of an issued copy.
CREATE TABLE came_back (
    seq        {{.Int}} PRIMARY KEY,
    submission {{.Blob}} NOT NULL REFERENCES submission (id),
    copy       {{.Blob}} NOT NULL REFERENCES copy (id),
    log10_p    {{.Real}} NOT NULL,
    entered    {{.Int}} NOT NULL,
    actor      TEXT NOT NULL,
    salt       {{.Blob}} NOT NULL CHECK (length(salt) = 32)
){{.Rows}};

CREATE UNIQUE INDEX came_back_once ON came_back (submission, copy);
CREATE INDEX came_back_copy ON came_back (copy);

-- through is the recipient whose copies are meant, issued from since to until; empty: unmarked uploads submitted then are.
CREATE TABLE custody (
    seq       {{.Int}} PRIMARY KEY,
    recipient {{.Name}} NOT NULL REFERENCES recipient (name),
    reviewer  TEXT NOT NULL, -- ref of the recipient's reviewer, or ''
    through   {{.Name}} NOT NULL,
    since     {{.Int}} NOT NULL,
    until     {{.Int}} NOT NULL,
    listed    {{.Int}} NOT NULL, -- how many submissions are listed; 0: all of that time
    note      TEXT NOT NULL,
    event     {{.Blob}} NOT NULL CHECK (length(event) IN (0, 32)),
    scheme    TEXT NOT NULL,
    entered   {{.Int}} NOT NULL,
    actor     TEXT NOT NULL,
    salt      {{.Blob}} NOT NULL CHECK (length(salt) = 32),
    CHECK (since <= until)
){{.Rows}};

CREATE TABLE custody_submission (
    custody    {{.Int}} NOT NULL REFERENCES custody (seq),
    submission {{.Blob}} NOT NULL REFERENCES submission (id),
    PRIMARY KEY (submission, custody)
){{.Keyed}};

CREATE INDEX custody_submission_custody ON custody_submission (custody);

-- The signed event that a fact of custody rests on, sealed under the data key of the fact's upload.
CREATE TABLE custody_event (
    custody {{.Int}} PRIMARY KEY REFERENCES custody (seq),
    sealed  {{.Blob}} NOT NULL
){{.Rows}};

-- found is when the files were found, evidence how that is known; the zero time is not stated. published: anybody could
-- take them then. pictures is the SHA-256 of digests, which has 16 bytes a file. earlier has 8 bytes for the entry of
-- each investigation before of any of these files.
CREATE TABLE investigation (
    seq             {{.Int}} PRIMARY KEY,
    started         {{.Int}} NOT NULL,
    actor           TEXT NOT NULL,
    command         TEXT NOT NULL,
    input           {{.Blob}} NOT NULL CHECK (length(input) = 32),
    files           {{.Int}} NOT NULL,
    salt            {{.Blob}} NOT NULL CHECK (length(salt) = 32),
    found           {{.Int}} NOT NULL,
    evidence        TEXT NOT NULL,
    evidence_sha256 {{.Blob}} NOT NULL CHECK (length(evidence_sha256) IN (0, 32)),
    published       {{.Int}} NOT NULL,
    pictures        {{.Blob}} NOT NULL CHECK (length(pictures) IN (0, 32)),
    digests         {{.Blob}} NOT NULL CHECK (length(digests) % 16 = 0),
    earlier         {{.Blob}} NOT NULL CHECK (length(earlier) % 8 = 0)
){{.Rows}};

-- What was concluded at the end. named has one recipient a line, copies 8 bytes for each copy
-- that was confirmed. evidence is the SHA-256 of all that the conclusion follows from.
CREATE TABLE conclusion (
    seq           {{.Int}} PRIMARY KEY,
    investigation {{.Int}} NOT NULL REFERENCES investigation (seq),
    entered       {{.Int}} NOT NULL,
    named         TEXT NOT NULL,
    copies        {{.Blob}} NOT NULL CHECK (length(copies) % 8 = 0),
    evidence      {{.Blob}} NOT NULL CHECK (length(evidence) = 32),
    actor         TEXT NOT NULL,
    salt          {{.Blob}} NOT NULL CHECK (length(salt) = 32)
){{.Rows}};

-- Who may call a service over the registry. digest is the SHA-256 of the token's secret; roles have spaces between them. Of
-- expires and revoked the zero time is never. A row stays after the token was revoked: the ledger has its name.
CREATE TABLE token (
    name    {{.Name}} PRIMARY KEY,
    id      TEXT NOT NULL UNIQUE,
    digest  {{.Blob}} NOT NULL CHECK (length(digest) = 32),
    roles   TEXT NOT NULL,
    added   {{.Int}} NOT NULL,
    expires {{.Int}} NOT NULL,
    revoked {{.Int}} NOT NULL
){{.Keyed}};

-- Requests to a service that came with an idempotency key. id is a digest of the caller and the key, digest a MAC of the request
-- under the key. The key itself is not kept, so that nobody can find out by digest what was sent. answer has no personal data.
CREATE TABLE request (
    id     {{.Blob}} PRIMARY KEY CHECK (length(id) = 32),
    digest {{.Blob}} NOT NULL CHECK (length(digest) = 32),
    answer TEXT NOT NULL,
    made   {{.Int}} NOT NULL
){{.Keyed}};

CREATE INDEX request_made ON request (made);

-- Messages to addresses that asked for them, until they are delivered. body has no personal data.
CREATE TABLE notice (
    id     {{.Blob}} NOT NULL CHECK (length(id) = 16),
    hook   TEXT NOT NULL,
    body   TEXT NOT NULL,
    made   {{.Int}} NOT NULL,
    due    {{.Int}} NOT NULL,
    tries  {{.Int}} NOT NULL,
    PRIMARY KEY (id, hook)
){{.Keyed}};

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
