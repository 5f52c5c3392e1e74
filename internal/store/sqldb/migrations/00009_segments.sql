-- Hashes are searched in files, no longer in tables.
DROP TABLE posting;
DROP TABLE lot;
DROP TABLE recent;
DROP TABLE search_state;

-- A segment is a file with what the submissions from number first to number last are found by, as it is
-- searched: hashes (kind 0), or local features (kind 1), sealed under a key that wrapped has under the
-- sealing key. hashed counts the submissions in it, and digest is the SHA-256 at its end. state is 0 while it
-- is being made (last is 0) or to be removed, 1 in use, 2 in use and to be made anew without erased hashes. others has 8 bytes for each
-- submission that is not in the file: its number, times 2, plus 1 if its row is damaged.
CREATE TABLE segment (
    name   {{.Blob}} PRIMARY KEY CHECK (length(name) = 16),
    kind   {{.Int}} NOT NULL CHECK (kind BETWEEN 0 AND 1),
    state  {{.Int}} NOT NULL CHECK (state BETWEEN 0 AND 2),
    made   {{.Int}} NOT NULL,
    first  {{.Int}} NOT NULL,
    last   {{.Int}} NOT NULL,
    hashed {{.Int}} NOT NULL,
    others {{.Blob}} NOT NULL CHECK (length(others) % 8 = 0),
    digest {{.Blob}} NOT NULL CHECK (length(digest) IN (0, 32)),
    wrapped {{.Blob}} NOT NULL
){{.Keyed}};
