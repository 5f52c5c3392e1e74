-- What became of a copy after it was entered. A copy of an earlier version has one entry: it was released.
ALTER TABLE copy ADD COLUMN two_entries {{.Int}} NOT NULL DEFAULT 0 CHECK (two_entries IN (0, 1));

CREATE TABLE release (
    seq        {{.Int}} PRIMARY KEY,
    copy       {{.Blob}} NOT NULL REFERENCES copy (id),
    submission {{.Blob}} NOT NULL REFERENCES submission (id),
    state      TEXT NOT NULL CHECK (state IN ('released', 'void')),
    note       TEXT NOT NULL,
    entered    {{.Int}} NOT NULL,
    actor      TEXT NOT NULL,
    salt       {{.Blob}} NOT NULL CHECK (length(salt) = 32)
){{.Rows}};

CREATE INDEX release_copy ON release (copy);
CREATE INDEX release_submission ON release (submission);
